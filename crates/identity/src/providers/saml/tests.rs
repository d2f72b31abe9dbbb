//! Single sign-on as a service provider and a person's browser meet it, and the administrator's pages.

use std::time::Duration;

use axum::http::StatusCode;
use saml::{
    AuthnRequestBuilder, Certificate, Expectations, NameIdFormat, SignedParts, Timestamp, VerifiedAssertion,
};
use store::both_databases;
use store::testing::TestDatabase;
use testkit::{Browser, Reply, Request};
use url::Url;

use crate::flows::{CONSENT, SIGN_IN};
use crate::testing::{Fixture, ORIGIN, PASSWORD, fill, mistakes};
use crate::{ConnectError, ServiceProvider};

const ACS: &str = "https://kasm.example.com/api/acs/?id=e977b6cf72c7424328275db5f48fd15a";
const AUDIENCE: &str = "https://kasm.example.com/api/metadata/?id=e977b6cf72c7424328275db5f48fd15a";
const NEW: &str = "/if/admin/applications/new/";
const REDIRECT: &str = "/application/saml/kasm/sso/binding/redirect/";
const POST: &str = "/application/saml/kasm/sso/binding/post/";
const EXPLICIT: &str = "default-provider-authorization-explicit-consent";

/// Follows steps 6 to 10 of the guide, with these changes to its values.
async fn kasm(browser: &mut Browser, changes: &[(&str, &str)]) -> Reply {
    let mut fields = vec![("name", "kasm"), ("slug", "kasm"), ("acs_url", ACS)];
    fields.extend([("issuer", "authentik"), ("audience", AUDIENCE)]);
    fields.extend(changes);
    let reply = fill(browser, &format!("{ORIGIN}{NEW}"), "#application", &fields).await;
    assert!(reply.url.path().starts_with("/if/admin/providers/saml/"), "{}", reply.body);
    reply
}

fn request(fixture: &Fixture) -> AuthnRequestBuilder {
    let now = Timestamp::from_micros(store::Clock::now(&fixture.clock).micros());
    AuthnRequestBuilder::new("_request-1", AUDIENCE, now).acs_url(ACS)
}

fn by_redirect(request: &AuthnRequestBuilder, relay_state: Option<&str>) -> String {
    request.redirect_url(&format!("{ORIGIN}{REDIRECT}"), relay_state, None).unwrap()
}

fn by_post(request: &AuthnRequestBuilder, relay_state: &str) -> Request {
    let message = request.post_value(None).unwrap();
    let fields = [("SAMLRequest", message.as_str()), ("RelayState", relay_state)];
    Request::post_form(&format!("{ORIGIN}{POST}"), &fields).cross_site()
}

async fn signing_certificate(browser: &mut Browser) -> Certificate {
    let list = browser.get(&format!("{ORIGIN}/if/admin/providers/")).await;
    let page = link(&list, "class=\"row-link\" href=\"");
    Certificate::parse(&browser.get(&format!("{page}certificate/")).await.bytes).unwrap()
}

/// The address in the first link whose markup begins so.
fn link(reply: &Reply, begins: &str) -> String {
    let (_, rest) = reply.body.split_once(begins).unwrap_or_else(|| panic!("no {begins} in {}", reply.body));
    let (path, _) = rest.split_once('"').unwrap();
    format!("{ORIGIN}{path}")
}

fn expectations(certificate: Certificate) -> Expectations {
    Expectations {
        issuer: "authentik".into(),
        audience: AUDIENCE.into(),
        acs_url: ACS.into(),
        in_response_to: Some("_request-1".into()),
        certificates: vec![certificate],
        clock_skew: Duration::ZERO,
        want_assertions_signed: false,
        want_messages_signed: false,
        want_attribute_statement: true,
        want_name_id: true,
        allow_sha1: false,
    }
}

/// Does what the service provider does with the page that brings the answer.
fn verified(fixture: &Fixture, reply: &Reply, expectations: &Expectations) -> VerifiedAssertion {
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
    let form = reply.form("form[data-autosubmit]");
    let now = Timestamp::from_micros(store::Clock::now(&fixture.clock).micros());
    saml::verify_response(form.value("SAMLResponse").unwrap(), expectations, now).unwrap()
}

fn attribute<'a>(assertion: &'a VerifiedAssertion, name: &str) -> Vec<&'a str> {
    let found = assertion.attributes().iter().find(|attribute| attribute.name == name);
    found.map(|attribute| attribute.values.iter().map(String::as_str).collect()).unwrap_or_default()
}

async fn events_named(fixture: &Fixture, action: &str) -> Vec<String> {
    fixture
        .events()
        .await
        .into_iter()
        .filter(|(found, _)| found == action)
        .map(|(_, subject)| subject)
        .collect()
}

async fn pending(fixture: &Fixture) -> i64 {
    let mut conn = fixture.store.read().await.unwrap();
    sqlx::query_scalar("SELECT COUNT(*) FROM identity_pending_requests").fetch_one(&mut *conn).await.unwrap()
}

both_databases! {
    async fn who_is_signed_in_gets_the_answer_at_once(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let ann = fixture.user("ann", &["Night shift", "Staff"]).await;
        fixture.signed_in(&ann).await;
        let mut browser = fixture.browser();
        let by_password = [("uid_field", "ann"), ("password", PASSWORD)];
        fill(&mut browser, &format!("{ORIGIN}{SIGN_IN}"), "form", &by_password).await;
        let request = request(&fixture).name_id_format(NameIdFormat::EmailAddress);
        let reply = browser.get(&by_redirect(&request, Some("where I was"))).await;
        let assertion = verified(&fixture, &reply, &expectations(certificate));
        let name_id = assertion.name_id().unwrap();
        assert_eq!((&name_id.format, name_id.value.as_str()), (&NameIdFormat::EmailAddress, "ann@example.com"));
        assert_eq!(attribute(&assertion, "http://schemas.xmlsoap.org/claims/Group"), ["Night shift", "Staff"]);
        assert_eq!(attribute(&assertion, "http://schemas.goauthentik.io/2021/02/saml/username"), ["ann"]);
        assert_eq!(attribute(&assertion, "http://schemas.goauthentik.io/2021/02/saml/uid"), [ann.as_str()]);
        assert_eq!(assertion.attributes().len(), 7);
        assert_eq!(assertion.covered(), SignedParts::Assertion);
        let class = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
        assert_eq!(assertion.authn_context(), Some(class));
        let form = reply.form("form[data-autosubmit]");
        assert_eq!(form.value("RelayState"), Some("where I was"));
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.contains("form-action 'self' https://kasm.example.com;"), "{policy}");
        assert_eq!(events_named(&fixture, "authorize_application").await, ["kasm"]);
        assert_eq!(pending(&fixture).await, 0);
    }

    async fn who_is_not_signs_in_first_by_redirect_and_by_post(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let request = request(&fixture);
        for by_redirect_binding in [true, false] {
            let mut browser = fixture.browser();
            let page = if by_redirect_binding {
                browser.get(&by_redirect(&request, None)).await
            } else {
                browser.send(by_post(&request, "")).await
            };
            assert_eq!((page.status.as_u16(), page.url.path()), (200, SIGN_IN), "{}", page.body);
            assert_eq!(page.texts("h1"), ["Log in to continue to kasm"]);
            let policy = page.header("content-security-policy").unwrap();
            assert!(policy.contains("form-action 'self' https://kasm.example.com;"), "{policy}");
            let wrong = page.form("form").set("uid_field", "admin").set("password", "wrong horse battery");
            let again = browser.submit(wrong).await;
            assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
            let right = again.form("form").set("uid_field", "admin").set("password", PASSWORD);
            let reply = browser.submit(right).await;
            let assertion = verified(&fixture, &reply, &expectations(certificate.clone()));
            assert_eq!(assertion.in_response_to(), Some("_request-1"));
            assert_eq!(pending(&fixture).await, 0);
            // Coming back, the request is used up.
            assert_eq!(browser.get(reply.url.as_str()).await.status, StatusCode::GONE);
        }
    }

    async fn a_post_from_a_signed_in_browser_needs_no_second_sign_in(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let reply = admin.send(by_post(&request(&fixture), "<state>")).await;
        verified(&fixture, &reply, &expectations(certificate));
        assert_eq!(reply.form("form[data-autosubmit]").value("RelayState"), Some("<state>"));
    }

    async fn a_hostile_relay_state_stays_text(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let hostile = "\"><script>alert(1)</script><input value='\u{1}&quot;";
        let reply = admin.get(&by_redirect(&request(&fixture), Some(hostile))).await;
        assert!(!reply.body.contains("<script>alert"), "{}", reply.body);
        assert_eq!(reply.form("form[data-autosubmit]").value("RelayState"), Some(hostile));
        let long = "x".repeat(8193);
        let reply = admin.get(&by_redirect(&request(&fixture), Some(&long))).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    }

    async fn explicit_consent_is_asked_once_and_can_not_be_skipped(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[("authorization_flow", EXPLICIT)]).await;
        let certificate = signing_certificate(&mut admin).await;
        let mut browser = fixture.browser();
        let page = browser.get(&by_redirect(&request(&fixture), None)).await;
        let token = page.form("form").value("request").unwrap().to_owned();
        let csrf = page.form("form").value("csrf").unwrap().to_owned();
        // An early POST agrees to nothing: nobody is signed in.
        let fields = [("csrf", csrf.as_str()), ("request", token.as_str()), ("step", "")];
        let reply = browser.send(Request::post_form(&format!("{ORIGIN}{CONSENT}"), &fields)).await;
        assert_eq!(reply.url.path(), SIGN_IN);
        let form = page.form("form").set("uid_field", "admin").set("password", PASSWORD);
        let consent = browser.submit(form).await;
        assert_eq!(consent.texts("h1"), ["You’re about to sign into kasm."]);
        // Nor does one that is not from the page that asks.
        for step in ["", "guess"] {
            let reply = browser.submit(consent.form("form").set("step", step)).await;
            assert_eq!(reply.texts("h1"), ["You’re about to sign into kasm."]);
        }
        assert!(events_named(&fixture, "authorize_application").await.is_empty());
        let reply = browser.submit(consent.form("form")).await;
        verified(&fixture, &reply, &expectations(certificate.clone()));
        // The same form again: the request is used up.
        assert_eq!(browser.submit(consent.form("form")).await.status, StatusCode::GONE);
        // The next time it is not asked; after four weeks it is.
        let reply = browser.get(&by_redirect(&request(&fixture), None)).await;
        verified(&fixture, &reply, &expectations(certificate));
        fixture.clock.advance(Duration::from_hours(24 * 28));
        let mut later = fixture.browser();
        let page = later.get(&by_redirect(&request(&fixture), None)).await;
        let form = page.form("form").set("uid_field", "admin").set("password", PASSWORD);
        assert_eq!(later.submit(form).await.texts("h1"), ["You’re about to sign into kasm."]);
    }

    async fn a_waiting_request_is_its_browsers_alone(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let mut stranger = fixture.browser();
        let page = stranger.get(&by_redirect(&request(&fixture), None)).await;
        let reply = admin.get(page.url.as_str()).await;
        assert_eq!(reply.status, StatusCode::GONE);
        assert_eq!(pending(&fixture).await, 1);
        // One that came by POST becomes that of the first browser that follows the redirect.
        let sent = stranger.send(by_post(&request(&fixture), "").without_redirects()).await;
        let goes_on = sent.redirect().unwrap();
        assert_eq!(stranger.get(goes_on.as_str()).await.status, StatusCode::OK);
        assert_eq!(admin.get(goes_on.as_str()).await.status, StatusCode::GONE);
        assert!(events_named(&fixture, "authorize_application").await.is_empty());
        // And none waits for ever.
        fixture.clock.advance(Duration::from_hours(1));
        assert_eq!(stranger.get(goes_on.as_str()).await.status, StatusCode::GONE);
    }

    async fn five_tabs_wait_for_one_sign_in(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let mut browser = fixture.browser();
        let mut tabs = Vec::new();
        for _ in 0..5 {
            tabs.push(browser.send(by_post(&request(&fixture), "")).await);
        }
        let form = tabs[0].form("form").set("uid_field", "admin").set("password", PASSWORD);
        assert_eq!(browser.submit(form).await.texts("h1"), ["Redirecting to kasm…"]);
        for tab in &tabs[1..] {
            assert_eq!(browser.get(tab.url.as_str()).await.texts("h1"), ["Redirecting to kasm…"]);
        }
    }

    async fn force_authn_asks_again_and_only_a_new_sign_in_counts(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        for by_redirect_binding in [true, false] {
            let request = request(&fixture).force_authn(true);
            let page = if by_redirect_binding {
                admin.get(&by_redirect(&request, None)).await
            } else {
                admin.send(by_post(&request, "")).await
            };
            assert_eq!((page.status.as_u16(), page.url.path()), (200, SIGN_IN));
            // Reloading does not get around it.
            assert_eq!(admin.get(page.url.as_str()).await.url.path(), SIGN_IN);
            assert!(page.body.contains("The application asks you to log in again, admin."), "{}", page.body);
            fixture.clock.advance(Duration::from_secs(30));
            let form = page.form("main form").set("uid_field", "admin").set("password", PASSWORD);
            let reply = admin.submit(form).await;
            let assertion = verified(&fixture, &reply, &expectations(certificate.clone()));
            assert_eq!(assertion.authn_instant().micros(), store::Clock::now(&fixture.clock).micros());
        }
    }

    async fn a_passive_request_shows_nothing(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let passive = request(&fixture).is_passive(true);
        verified(&fixture, &admin.get(&by_redirect(&passive, None)).await, &expectations(certificate.clone()));
        let now = Timestamp::from_micros(store::Clock::now(&fixture.clock).micros());
        for by_redirect_binding in [true, false] {
            let mut stranger = fixture.browser();
            let reply = if by_redirect_binding {
                stranger.get(&by_redirect(&passive, Some("state"))).await
            } else {
                stranger.send(by_post(&passive, "state")).await
            };
            let form = reply.form("form[data-autosubmit]");
            assert_eq!(form.value("RelayState"), Some("state"));
            let response = form.value("SAMLResponse").unwrap();
            let refused = saml::verify_response(response, &expectations(certificate.clone()), now).unwrap_err();
            assert!(refused.sentence().contains("NoPassive"), "{refused:?}");
            assert_eq!(pending(&fixture).await, 0);
        }
        let forced = request(&fixture).is_passive(true).force_authn(true);
        let reply = admin.get(&by_redirect(&forced, None)).await;
        let form = reply.form("form[data-autosubmit]");
        let response = form.value("SAMLResponse").unwrap();
        assert!(saml::verify_response(response, &expectations(certificate), now).is_err());
        assert_eq!(events_named(&fixture, "authorize_application").await, ["kasm"]);
    }

    async fn a_sign_in_can_begin_here(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[("default_relay_state", "/#/dashboard")]).await;
        let certificate = signing_certificate(&mut admin).await;
        let unasked = Expectations { in_response_to: None, ..expectations(certificate) };
        for path in ["init/", "sso/binding/init/"] {
            let reply = admin.get(&format!("{ORIGIN}/application/saml/kasm/{path}")).await;
            let assertion = verified(&fixture, &reply, &unasked);
            assert_eq!(assertion.in_response_to(), None);
            assert_eq!(reply.form("form[data-autosubmit]").value("RelayState"), Some("/#/dashboard"));
        }
        // From a tile, by somebody who has to sign in first.
        let mut browser = fixture.browser();
        let page = browser.get(&format!("{ORIGIN}/application/launch/kasm/")).await;
        let form = page.form("form").set("uid_field", "admin").set("password", PASSWORD);
        let reply = browser.submit(form).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert!(reply.body.contains("content=\"0;url=/application/launch/kasm/\""), "{}", reply.body);
        verified(&fixture, &browser.get(&link(&reply, "class=\"btn btn-block\" href=\"")).await, &unasked);
    }

    async fn bad_requests_get_a_sentence_and_change_nothing(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let good = by_redirect(&request(&fixture), None);
        let unknown = good.replace("/kasm/", "/other/");
        let elsewhere = by_redirect(&request(&fixture).acs_url("https://kasm.example.com.evil.example/api/acs/"), None);
        let longer = by_redirect(&request(&fixture).acs_url(format!("{ACS}0")), None);
        let bare = format!("{ORIGIN}{REDIRECT}");
        let urls = [
            (bare.clone(), 400),
            (format!("{bare}?SAMLRequest="), 400),
            (format!("{bare}?SAMLRequest=%21%21"), 400),
            (good[..good.len() - 40].to_owned(), 400),
            (unknown, 404),
            (elsewhere, 400),
            (longer, 400),
        ];
        for (url, status) in urls {
            let reply = admin.get(&url).await;
            assert_eq!(reply.status.as_u16(), status, "{url}: {}", reply.body);
            assert_eq!(reply.texts("[role=alert]").len(), 1, "{url}");
            assert!(reply.body.contains("Id of this request"), "{url}");
        }
        let doctype = "<!DOCTYPE x [<!ENTITY e \"x\">]><samlp:AuthnRequest \
                       xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\">&e;</samlp:AuthnRequest>";
        let oversized = format!("<x>{}</x>", " ".repeat(300 * 1024));
        let no_request = "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>";
        for xml in [doctype, &oversized, no_request, "<", ""] {
            let message = saml::post_value(xml);
            let form = Request::post_form(&format!("{ORIGIN}{POST}"), &[("SAMLRequest", &message)]).cross_site();
            let reply = admin.send(form).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{xml:.80}: {}", reply.body);
            assert_eq!(reply.texts("[role=alert]").len(), 1);
        }
        let reply = admin.send(Request::post_form(&format!("{ORIGIN}{POST}"), &[]).cross_site()).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert_eq!(pending(&fixture).await, 0);
        assert!(events_named(&fixture, "authorize_application").await.is_empty());
    }

    async fn bindings_decide_and_a_refused_person_gets_no_answer(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let (ann, bob) = (fixture.user("ann", &["Staff"]).await, fixture.user("bob", &[]).await);
        let (mut ann_browser, mut bob_browser) = (fixture.signed_in(&ann).await, fixture.signed_in(&bob).await);
        let url = by_redirect(&request(&fixture), None);
        assert_eq!(bob_browser.get(&url).await.texts("h1"), ["Redirecting to kasm…"]);
        let group = fixture.group("Staff").await;
        bind(&fixture, None, Some(&group)).await;
        for reply in [bob_browser.get(&url).await, bob_browser.send(by_post(&request(&fixture), "")).await] {
            assert_eq!(reply.status, StatusCode::FORBIDDEN);
            assert_eq!(reply.texts("h1"), ["Permission denied"]);
            assert!(!reply.body.contains("SAMLResponse"), "{}", reply.body);
            assert!(reply.body.contains("Ask an administrator"), "{}", reply.body);
        }
        assert_eq!(events_named(&fixture, "access_denied").await, ["kasm", "kasm"]);
        assert_eq!(pending(&fixture).await, 0);
        assert_eq!(ann_browser.get(&url).await.texts("h1"), ["Redirecting to kasm…"]);
        // A binding to the user itself lets him in from the next request on.
        bind(&fixture, Some(&bob), None).await;
        assert_eq!(bob_browser.get(&url).await.texts("h1"), ["Redirecting to kasm…"]);
    }

    async fn what_an_administrator_changes_counts_from_the_next_request(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let page = kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let url = by_redirect(&request(&fixture), None);
        verified(&fixture, &admin.get(&url).await, &expectations(certificate.clone()));
        let edit = format!("{}edit/", page.url);
        let changes = [("issuer", "https://auth.example.com"), ("sign_response", "on")];
        let saved = fill(&mut admin, &edit, "#provider", &changes).await;
        assert_eq!(saved.url.path(), page.url.path(), "{}", saved.body);
        let both = Expectations {
            issuer: "https://auth.example.com".into(),
            want_assertions_signed: true,
            want_messages_signed: true,
            ..expectations(certificate)
        };
        let assertion = verified(&fixture, &admin.get(&url).await, &both);
        assert_eq!(assertion.covered(), SignedParts::Both);
    }

    async fn the_redirect_binding_carries_the_answer_in_the_address(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[("sp_binding", "redirect")]).await;
        let reply = admin.get(&by_redirect(&request(&fixture), Some("a b&c"))).await;
        let target = reply.redirect().unwrap();
        assert!(target.as_str().starts_with(&format!("{ACS}&SAMLResponse=")), "{target}");
        let pairs: Vec<_> = target.query_pairs().collect();
        assert!(pairs.contains(&("RelayState".into(), "a b&c".into())), "{pairs:?}");
    }

    async fn the_provider_page_has_what_the_guide_needs(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let page = kasm(&mut admin, &[]).await;
        for words in ["Download signing certificate", "SSO URL (Redirect)", "Audience", "Issuer", "Metadata"] {
            assert!(page.body.contains(words), "{words}");
        }
        assert!(page.body.contains(&format!("{ORIGIN}{REDIRECT}")), "{}", page.body);
        assert!(!page.body.contains("Provider is not used by an Application"));
        let file = admin.get(&format!("{}certificate/", page.url)).await;
        assert!(file.header("content-disposition").unwrap().starts_with("attachment; filename="));
        assert!(file.body.starts_with("-----BEGIN CERTIFICATE-----") && !file.body.contains("PRIVATE"));
        let metadata = fixture.browser().get(&format!("{ORIGIN}/application/saml/kasm/metadata/?download")).await;
        assert!(metadata.header("content-disposition").unwrap().contains("kasm_metadata.xml"));
        let parsed = saml::IdpMetadata::parse(&metadata.bytes).unwrap();
        assert_eq!(parsed.entity_id, "authentik");
        assert_eq!(parsed.sso_url(saml::Binding::HttpRedirect), Some(format!("{ORIGIN}{REDIRECT}").as_str()));
        assert_eq!(parsed.sso_url(saml::Binding::HttpPost), Some(format!("{ORIGIN}{POST}").as_str()));
        let certificate = signing_certificate(&mut admin).await;
        assert_eq!(parsed.signing_certificates, std::slice::from_ref(&certificate));
        saml::IdpMetadata::parse_signed(&metadata.bytes, &[certificate.verifying_key().clone()]).unwrap();
        // The preview tells what the application would be told, and tells nobody.
        let ann = fixture.user("ann", &["Staff"]).await;
        let preview = admin.get(&format!("{}?for_user={ann}", page.url)).await;
        assert!(preview.texts("#preview td").contains(&"Staff".to_owned()), "{}", preview.body);
        assert!(events_named(&fixture, "authorize_application").await.is_empty());
    }

    async fn an_empty_issuer_is_the_address_of_the_metadata(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[("issuer", ""), ("audience", "")]).await;
        let metadata = admin.get(&format!("{ORIGIN}/application/saml/kasm/metadata/")).await;
        let parsed = saml::IdpMetadata::parse(&metadata.bytes).unwrap();
        assert_eq!(parsed.entity_id, format!("{ORIGIN}/application/saml/kasm/metadata/"));
    }

    async fn a_provider_without_application_says_so_and_can_be_deleted(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let new = format!("{ORIGIN}/if/admin/providers/saml/new/");
        let fields = [("provider_name", "lonely"), ("acs_url", ACS), ("audience", AUDIENCE)];
        let page = fill(&mut admin, &new, "#provider", &fields).await;
        assert!(page.body.contains("Warning: Provider is not used by an Application."), "{}", page.body);
        let gone = admin.submit(page.form("form[action='delete/']")).await;
        assert_eq!(gone.texts("[role=status]"), ["The provider lonely was deleted."]);
        let page = kasm(&mut admin, &[]).await;
        let refused = admin.submit(page.form("form[action='delete/']")).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert!(refused.body.contains("The application kasm uses the provider kasm."), "{}", refused.body);
    }

    async fn mistakes_in_the_form_stand_beside_their_fields(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let new = format!("{ORIGIN}/if/admin/providers/saml/new/");
        for (field, value) in [
            ("acs_url", "kasm.example.com"),
            ("acs_url", "javascript:alert(1)"),
            ("provider_name", " "),
            ("assertion_valid_not_before", "five"),
            ("assertion_valid_not_on_or_after", "minutes=0"),
            ("assertion_valid_not_before", "minutes=1"),
        ] {
            let mut fields = vec![("provider_name", "kasm"), ("acs_url", ACS), ("audience", AUDIENCE)];
            fields.push((field, value));
            let reply = fill(&mut admin, &new, "#provider", &fields).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}={value}");
            assert_eq!(mistakes(&reply).len(), 1, "{field}={value}: {:?}", mistakes(&reply));
            assert_eq!(reply.form("#provider").value("audience"), Some(AUDIENCE));
        }
        let fields = [
            ("provider_name", "kasm"),
            ("acs_url", ACS),
            ("signature_algorithm", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"),
        ];
        let reply = fill(&mut admin, &new, "#provider", &fields).await;
        assert!(mistakes(&reply)[0].contains("another kind of key"), "{:?}", mistakes(&reply));
        let unsigned = admin.get(&new).await.form("#provider").set("provider_name", "kasm").set("acs_url", ACS);
        let reply = admin.submit(unsigned.untick("sign_assertion")).await;
        assert_eq!(mistakes(&reply), ["Sign the assertion, the response, or both."]);
        let list = admin.get(&format!("{ORIGIN}/if/admin/providers/")).await;
        assert!(list.body.contains("No providers yet"), "{}", list.body);
    }

    async fn a_provider_is_made_from_metadata(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let import = format!("{ORIGIN}/if/admin/providers/saml/import/");
        let mut metadata = saml::SpMetadata::new(AUDIENCE, ACS);
        metadata.name_id_formats = vec![NameIdFormat::EmailAddress];
        let xml = metadata.to_xml().unwrap();
        for (field, value) in [("metadata", "<x/>"), ("metadata", "no xml"), ("metadata_url", "http://127.0.0.1:1/")] {
            let fields = [("name", "kasm"), (field, value)];
            let reply = fill(&mut admin, &import, "#import", &fields).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{value}");
            assert_eq!(mistakes(&reply).len(), 1, "{value}: {:?}", mistakes(&reply));
        }
        let reply = fill(&mut admin, &import, "#import", &[("name", "kasm"), ("metadata", &xml)]).await;
        assert_eq!(reply.texts("h1"), ["kasm"], "{}", reply.body);
        let certificate = signing_certificate(&mut admin).await;
        let entity_id = format!("{ORIGIN}/application/saml/kasm/metadata/");
        let expected = Expectations { issuer: entity_id, ..expectations(certificate) };
        let answer = admin.get(&by_redirect(&request(&fixture), None)).await;
        let assertion = verified(&fixture, &answer, &expected);
        assert_eq!(assertion.name_id().unwrap().value, "admin@example.com");
    }

    async fn one_click_registers_once_and_renews_what_it_knows(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let door = fixture.identity.service_providers();
        let asked = |acs: &str| ServiceProvider {
            name: "Workspaces".into(),
            slug: "workspaces".into(),
            metadata: saml::SpMetadata::new(AUDIENCE, acs).to_xml().unwrap(),
            launch_url: String::new(),
        };
        let first = door.register(&asked("https://old.example.com/api/acs/?id=1")).await.unwrap();
        let list = admin.get(&format!("{ORIGIN}/if/admin/providers/")).await;
        let edit = format!("{}edit/", link(&list, "class=\"row-link\" href=\""));
        fill(&mut admin, &edit, "#provider", &[("issuer", "authentik")]).await;
        let second = door.register(&asked(ACS)).await.unwrap();
        assert_eq!((&first.provider, &first.slug), (&second.provider, &second.slug));
        let metadata = saml::IdpMetadata::parse(second.metadata.as_bytes()).unwrap();
        // What an administrator chose stays; the addresses are the new ones.
        assert_eq!(metadata.entity_id, "authentik");
        let certificate = signing_certificate(&mut admin).await;
        let url = by_redirect(&request(&fixture), None).replace("/kasm/", "/workspaces/");
        verified(&fixture, &admin.get(&url).await, &expectations(certificate));
        let broken = ServiceProvider { metadata: "<x/>".into(), ..asked(ACS) };
        assert!(matches!(door.register(&broken).await, Err(ConnectError::Refused(_))));
    }

    async fn a_verification_certificate_demands_signed_requests(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let page = admin.get(&format!("{ORIGIN}{NEW}")).await;
        let own = page.form("#application").value("signing_kp").unwrap().to_owned();
        kasm(&mut admin, &[("verification_kp", &own)]).await;
        let reply = admin.get(&by_redirect(&request(&fixture), None)).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{}", reply.body);
        // Our own key plays the service provider's.
        let mut conn = fixture.store.read().await.unwrap();
        let pem = crate::certificates::private_key(&mut conn, &fixture.app.sealer, &own).await.unwrap().unwrap();
        drop(conn);
        let key = saml::SigningKey::from_pkcs8_pem(&pem).unwrap();
        let signed = request(&fixture).redirect_url(&format!("{ORIGIN}{REDIRECT}"), Some("x"), Some(&key)).unwrap();
        assert_eq!(admin.get(&signed).await.texts("h1"), ["Redirecting to kasm…"]);
        let tampered = signed.replace("RelayState=x", "RelayState=y");
        assert_eq!(admin.get(&tampered).await.status, StatusCode::BAD_REQUEST);
    }

    async fn names_follow_the_request_and_then_the_provider(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let page = kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let ask = |format| by_redirect(&request(&fixture).name_id_format(format), None);
        let mut seen = Vec::new();
        for format in [NameIdFormat::Persistent, NameIdFormat::Unspecified, NameIdFormat::Transient] {
            let reply = admin.get(&ask(format.clone())).await;
            let assertion = verified(&fixture, &reply, &expectations(certificate.clone()));
            let name_id = assertion.name_id().unwrap();
            assert_eq!(name_id.format, format);
            assert!(!name_id.value.contains("admin"), "{}", name_id.value);
            seen.push(name_id.value.clone());
        }
        assert_eq!(seen[0], seen[1]);
        assert_ne!(seen[0], seen[2]);
        assert_eq!(admin.get(&ask(NameIdFormat::Kerberos)).await.status, StatusCode::BAD_REQUEST);
        let mapping = [("name_id_mapping", "goauthentik.io/providers/saml/username")];
        fill(&mut admin, &format!("{}edit/", page.url), "#provider", &mapping).await;
        let reply = admin.get(&ask(NameIdFormat::EmailAddress)).await;
        let assertion = verified(&fixture, &reply, &expectations(certificate));
        assert_eq!(assertion.name_id().unwrap().value, "admin");
    }

    async fn a_person_without_the_name_that_is_asked_for_hears_why(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let ann = fixture.user("ann", &[]).await;
        let mut browser = fixture.signed_in(&ann).await;
        let mut tx = fixture.store.begin().await.unwrap();
        sqlx::query("UPDATE identity_users SET email = '' WHERE id = $1").bind(&ann).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let url = by_redirect(&request(&fixture).name_id_format(NameIdFormat::EmailAddress), None);
        let reply = browser.get(&url).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        assert!(reply.body.contains("the account ann has none"), "{}", reply.body);
        assert!(events_named(&fixture, "authorize_application").await.is_empty());
    }
}

/// Binds kasm to a user or a group.
async fn bind(fixture: &Fixture, user: Option<&str>, group: Option<&str>) {
    let mut tx = fixture.store.begin().await.unwrap();
    sqlx::query(
        "INSERT INTO identity_bindings (id, application_id, user_id, group_id, position, negate, enabled) \
         SELECT $1, id, $2, $3, 0, 0, 1 FROM identity_applications WHERE slug = 'kasm'",
    )
    .bind(store::new_id(&store::SystemRandom))
    .bind(user.map(str::to_owned))
    .bind(group.map(str::to_owned))
    .execute(&mut *tx)
    .await
    .unwrap();
    crate::revision::bump(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

#[test]
fn the_acs_of_the_guide_is_a_web_address() {
    assert_eq!(Url::parse(ACS).unwrap().as_str(), ACS);
}
