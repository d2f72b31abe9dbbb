use std::time::Duration;

use axum::http::{HeaderName, Method};
use saml::{
    LogoutRequest, LogoutRequestBuilder, LogoutResponse, LogoutResponseBuilder, Message, NameId,
    NameIdFormat, SpMetadata, Status, StatusCode, Timestamp, VerifyingKey,
};
use store::Clock as _;
use store::both_databases;
use store::testing::TestDatabase;
use testkit::{Browser, Reply, Request};

use super::{Answer, Configured, Idp, at, signed_in};
use crate::testing::House;

const SLO_URL: &str = "https://auth.example.com/slo";

fn now(house: &House) -> Timestamp {
    Timestamp::from_micros(house.clock.now().micros())
}

fn slo_address(configured: &Configured) -> String {
    at(&format!("/api/slo/?id={}", configured.id))
}

/// The name that the identity provider gives, with a qualifier to be repeated.
fn qualified(answer: &mut Answer) {
    answer.name_id.name_qualifier = Some("authentik".into());
}

async fn our_keys(admin: &mut Browser, configured: &Configured) -> Vec<VerifyingKey> {
    let own = admin.get(&at(&format!("/api/metadata/?id={}", configured.id))).await;
    let metadata = SpMetadata::parse(own.body.as_bytes()).unwrap();
    assert_eq!(metadata.single_logout_services.len(), 3, "redirect, POST and SOAP");
    assert!(
        metadata.single_logout_services.iter().all(|service| service.location == slo_address(configured))
    );
    metadata.signing_certificates.iter().map(|certificate| certificate.verifying_key().clone()).collect()
}

/// What the list of exchanges shows: what it was, the outcome, and what was wrong.
async fn exchanges(admin: &mut Browser, configured: &Configured) -> Vec<[String; 3]> {
    let page =
        admin.get(&at(&format!("/admin/access/authentication/saml/{}/exchanges/", configured.id))).await;
    let [what, outcome, wrong] =
        ["What", "Outcome", "What was wrong"].map(|label| page.texts(&format!("td[data-label='{label}']")));
    what.into_iter().zip(outcome).zip(wrong).map(|((what, outcome), wrong)| [what, outcome, wrong]).collect()
}

/// Signs out and goes on to the identity provider; the request that reaches it.
async fn sign_out(browser: &mut Browser) -> LogoutRequest {
    let page = browser.get(&at("/")).await;
    let reply = browser.submit(page.form(".app-sidebar form[action='/signout']")).await;
    assert!(reply.body.contains("You are being signed out of authentik, too."), "{}", reply.body);
    assert_eq!(signed_in(browser).await, None, "before the identity provider hears of it");
    let href = crate::testing::link(&reply, "Sign out of authentik now");
    let sent = browser.send(Request::get(&href).without_redirects()).await;
    let location = sent.redirect().unwrap_or_else(|| panic!("{} {}", sent.status, sent.body));
    assert!(location.as_str().starts_with(SLO_URL), "{location}");
    let again = browser.send(Request::get(&href).without_redirects()).await;
    assert_eq!(again.redirect().unwrap().path(), "/signed-out", "a request is sent once");
    LogoutRequest::from_redirect_query(location.query().unwrap()).unwrap()
}

/// What an identity provider answers, to be bent by a test.
struct Told<'a> {
    issuer: &'a str,
    destination: String,
    in_response_to: String,
    status: Status,
    signed_by: Option<&'a Idp>,
}

impl<'a> Told<'a> {
    fn new(configured: &'a Configured, request: &LogoutRequest) -> Self {
        Self {
            issuer: "authentik",
            destination: slo_address(configured),
            in_response_to: request.id.clone(),
            status: Status::SUCCESS,
            signed_by: Some(&configured.idp),
        }
    }

    async fn send(&self, house: &House, configured: &Configured, browser: &mut Browser) -> Reply {
        let xml = LogoutResponseBuilder {
            id: "_answer",
            issue_instant: now(house),
            issuer: self.issuer,
            destination: Some(&self.destination),
            in_response_to: &self.in_response_to,
            status: &self.status,
        };
        let xml = xml.to_xml(None).unwrap();
        let signing = self.signed_by.map(|idp| (idp.signer.key(), idp.signer.signature_algorithm()));
        let url =
            saml::redirect_url(&slo_address(configured), Message::Response, &xml, None, signing).unwrap();
        browser.get(&url).await
    }
}

/// What an identity provider asks, to be bent by a test.
struct Asked<'a> {
    id: String,
    issuer: &'a str,
    destination: String,
    name_id: NameId,
    session_indexes: Vec<String>,
    at: Timestamp,
    not_on_or_after: Option<Timestamp>,
    signed_by: Option<&'a Idp>,
}

impl<'a> Asked<'a> {
    fn new(house: &House, configured: &'a Configured) -> Self {
        let now = now(house);
        Self {
            id: format!("_{}", store::new_hex_id(&store::SystemRandom)),
            issuer: "authentik",
            destination: slo_address(configured),
            name_id: NameId::new(NameIdFormat::EmailAddress, "ada@example.com"),
            session_indexes: vec!["_session".into()],
            at: now,
            not_on_or_after: Some(now.plus(Duration::from_mins(5))),
            signed_by: Some(&configured.idp),
        }
    }

    fn xml(&self, within: bool) -> String {
        let request = LogoutRequestBuilder {
            id: &self.id,
            issue_instant: self.at,
            issuer: self.issuer,
            destination: &self.destination,
            not_on_or_after: self.not_on_or_after,
            reason: None,
            name_id: &self.name_id,
            session_indexes: &self.session_indexes,
        };
        request.to_xml(self.signed_by.filter(|_| within).map(|idp| &idp.signer)).unwrap()
    }

    /// Sends it in an address, in a browser without any cookie of ours, as in a frame.
    async fn send(&self, house: &House, configured: &Configured) -> Reply {
        let signing = self.signed_by.map(|idp| (idp.signer.key(), idp.signer.signature_algorithm()));
        let url = saml::redirect_url(
            &slo_address(configured),
            Message::Request,
            &self.xml(false),
            Some("rs"),
            signing,
        );
        house.browser().send(Request::get(&url.unwrap()).without_redirects()).await
    }
}

fn told(reply: &Reply) -> LogoutResponse {
    let location = reply.redirect().unwrap_or_else(|| panic!("{} {}", reply.status, reply.body));
    assert!(location.as_str().starts_with(SLO_URL), "{location}");
    LogoutResponse::from_redirect_query(location.query().unwrap()).unwrap()
}

both_databases! {
    async fn who_signs_out_here_is_signed_out_there(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("slo_url", SLO_URL)]).await;
        let keys = our_keys(&mut admin, &configured).await;
        let mut browser = house.browser();
        configured.sign_in(&house, &mut browser, qualified).await;
        house.clock.advance(Duration::from_secs(1));
        let request = sign_out(&mut browser).await;
        request.verify_signature(&keys, false).unwrap();
        let name_id = request.name_id().unwrap();
        assert_eq!((name_id.value.as_str(), &name_id.format), ("ada@example.com", &NameIdFormat::EmailAddress));
        assert_eq!(name_id.name_qualifier.as_deref(), Some("authentik"));
        assert_eq!(request.session_indexes, ["_session"]);
        assert_eq!(request.issuer, at(&format!("/api/metadata/?id={}", configured.id)));
        assert_eq!(request.destination.as_deref(), Some(SLO_URL));
        let waiting = admin.get(&at(&format!("/admin/access/authentication/saml/{}/exchanges/", configured.id))).await;
        assert!(waiting.body.contains("Single logout, 2026-11-24"), "{}", waiting.body);

        let answer = Told::new(&configured, &request);
        let reply = answer.send(&house, &configured, &mut browser).await;
        assert!(reply.body.contains("You are signed out here and at authentik."), "{}", reply.body);
        house.clock.advance(Duration::from_secs(1));
        let reply = answer.send(&house, &configured, &mut browser).await;
        assert!(reply.body.contains("could not be used"), "an answer works once: {}", reply.body);
        let kept = exchanges(&mut admin, &configured).await;
        assert_eq!(kept[1][..2], ["Single logout, begun here", "Signed out"]);
        assert!(kept[0][1] == "Refused" && kept[0][2].contains("which is not pending here"), "{kept:?}");
    }

    async fn the_answer_of_the_identity_provider_is_told_in_words(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("slo_url", SLO_URL)]).await;
        let forger = Idp::new();
        let failed = Status { code: StatusCode::Responder, sub_code: None, message: Some("database down".into()) };
        for (bend, shown, kept) in [
            (
                (|told, _| told.status = Status::PARTIAL_LOGOUT) as for<'a> fn(&mut Told<'a>, &'a Idp),
                "could not sign you out of every other application", "PartialLogout",
            ),
            (|told, _| told.issuer = "else", "could not be used", "The Issuer is else, but Entity ID is authentik."),
            (|told, _| told.destination = "https://else/".into(), "could not be used", "The Destination is https://else/"),
            (|told, forger| told.signed_by = Some(forger), "could not be used", "ignature"),
            (|told, _| told.in_response_to = "_other".into(), "could not be used", "the logout request _other"),
        ] {
            house.clock.advance(Duration::from_secs(1));
            let mut browser = house.browser();
            configured.sign_in(&house, &mut browser, |_| ()).await;
            let request = sign_out(&mut browser).await;
            house.clock.advance(Duration::from_secs(1));
            let mut answer = Told::new(&configured, &request);
            bend(&mut answer, &forger);
            let reply = answer.send(&house, &configured, &mut browser).await;
            assert!(reply.body.contains(shown), "{shown}: {}", reply.body);
            let newest = exchanges(&mut admin, &configured).await.remove(0);
            assert!(newest[2].contains(kept), "{kept}: {newest:?}");
        }
        house.clock.advance(Duration::from_secs(1));
        let mut browser = house.browser();
        configured.sign_in(&house, &mut browser, |_| ()).await;
        let request = sign_out(&mut browser).await;
        house.clock.advance(Duration::from_secs(1));
        let answer = Told { status: failed, ..Told::new(&configured, &request) };
        let reply = answer.send(&house, &configured, &mut browser).await;
        assert!(reply.body.contains("authentik did not sign you out"), "{}", reply.body);
        assert!(exchanges(&mut admin, &configured).await[0][2].contains("database down"));

        for (wanted, shown) in [(false, "You are signed out here and at authentik."), (true, "could not be used")] {
            house.clock.advance(Duration::from_secs(1));
            let mut browser = house.browser();
            configured.sign_in(&house, &mut browser, |_| ()).await;
            if wanted {
                let page = admin.get(&at(&format!("/admin/access/authentication/saml/{}", configured.id))).await;
                admin.submit(page.form("form.form").set("want_messages_signed", "on")).await;
            }
            let request = sign_out(&mut browser).await;
            house.clock.advance(Duration::from_secs(1));
            let unsigned = Told { signed_by: None, ..Told::new(&configured, &request) };
            let reply = unsigned.send(&house, &configured, &mut browser).await;
            assert!(reply.body.contains(shown), "{shown}: {}", reply.body);
        }
        assert!(exchanges(&mut admin, &configured).await[0][2].contains("Want Messages Signed asks for it."));
    }

    async fn another_browser_is_not_sent_with_my_logout(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("slo_url", SLO_URL)]).await;
        let mut browser = house.browser();
        configured.sign_in(&house, &mut browser, |_| ()).await;
        let page = browser.get(&at("/")).await;
        let reply = browser.submit(page.form(".app-sidebar form[action='/signout']")).await;
        let href = crate::testing::link(&reply, "Sign out of authentik now");
        let mut other = house.browser();
        assert_eq!(other.send(Request::get(&href).without_redirects()).await.redirect().unwrap().path(), "/signed-out");
        let stay = browser.get(&crate::testing::link(&reply, "Stay signed in at authentik")).await;
        assert!(stay.body.contains("Sign in again"), "{}", stay.body);
    }

    async fn without_a_single_logout_service_signing_out_is_ours_alone(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[]).await;
        let mut browser = house.browser();
        configured.sign_in(&house, &mut browser, |_| ()).await;
        let page = browser.get(&at("/")).await;
        let reply = browser.submit(page.form(".app-sidebar form[action='/signout']")).await;
        assert!(reply.body.contains("You are signed out") && !reply.body.contains("You are being"), "{}", reply.body);
        let reply = Asked::new(&house, &configured).send(&house, &configured).await;
        assert_eq!(reply.status, 200);
        assert!(reply.body.contains("authentik has signed you out here."), "nowhere to answer to: {}", reply.body);
    }

    async fn the_identity_provider_ends_every_sign_in_of_a_person_without_a_cookie(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("slo_url", SLO_URL)]).await;
        let keys = our_keys(&mut admin, &configured).await;
        let (mut first, mut second, mut grace) = (house.browser(), house.browser(), house.browser());
        configured.sign_in(&house, &mut first, qualified).await;
        configured.sign_in(&house, &mut second, |_| ()).await;
        configured.sign_in(&house, &mut grace, |answer| answer.name_id.value = "grace@example.com".into()).await;

        let other_session = Asked { session_indexes: vec!["_other".into()], ..Asked::new(&house, &configured) };
        assert!(told(&other_session.send(&house, &configured).await).status.is_success(), "nobody is signed in by it");
        assert!(signed_in(&first).await.is_some());

        let all = Asked { session_indexes: Vec::new(), ..Asked::new(&house, &configured) };
        let answer = told(&all.send(&house, &configured).await);
        answer.verify_signature(&keys, false).unwrap();
        assert!(answer.status.is_success());
        assert_eq!((answer.in_response_to.as_deref(), answer.relay_state.as_deref()), (Some(all.id.as_str()), Some("rs")));
        assert_eq!((signed_in(&first).await, signed_in(&second).await), (None, None));
        assert!(signed_in(&grace).await.is_some(), "another person stays");
        let kept = exchanges(&mut admin, &configured).await;
        assert!(kept.iter().any(|row| row[..2] == ["Single logout, begun at the identity provider", "Signed out"]));

        configured.sign_in(&house, &mut first, |_| ()).await;
        let replayed = told(&all.send(&house, &configured).await);
        assert!(!replayed.status.is_success(), "played back: {:?}", replayed.status);
        assert!(signed_in(&first).await.is_some());
    }

    async fn a_request_that_is_not_right_ends_nothing(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("slo_url", SLO_URL)]).await;
        let forger = Idp::new();
        let mut browser = house.browser();
        configured.sign_in(&house, &mut browser, |_| ()).await;
        for (bend, answered, words) in [
            (
                (|asked, _| asked.signed_by = None) as for<'a> fn(&mut Asked<'a>, &'a Idp),
                false, "The message is not signed.",
            ),
            (|asked, forger| asked.signed_by = Some(forger), false, "ignature"),
            (|asked, _| asked.issuer = "else", false, "The Issuer is else"),
            (|asked, _| asked.destination = "https://else/".into(), true, "The Destination is https://else/"),
            (|asked, _| asked.not_on_or_after = Some(asked.at.minus(Duration::from_mins(4))), true, "too late"),
            (
                |asked, _| (asked.at, asked.not_on_or_after) = (asked.at.minus(Duration::from_mins(9)), None),
                true, "does not say how long it is valid",
            ),
            (|asked, _| asked.at = asked.at.plus(Duration::from_mins(4)), true, "has not come yet"),
        ] {
            house.clock.advance(Duration::from_secs(1));
            let mut asked = Asked::new(&house, &configured);
            bend(&mut asked, &forger);
            let reply = asked.send(&house, &configured).await;
            if answered {
                assert_eq!(told(&reply).status.code, StatusCode::Requester, "{words}");
            } else {
                assert_eq!(reply.status, 403, "{words}");
                assert!(reply.body.contains("could not be trusted"), "{}", reply.body);
            }
            assert!(signed_in(&browser).await.is_some(), "{words}");
            let newest = exchanges(&mut admin, &configured).await.remove(0);
            assert!(newest[1] == "Refused" && newest[2].contains(words), "{words}: {newest:?}");
        }
    }

    async fn a_form_and_a_call_are_taken_too(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let changes = [("slo_url", SLO_URL), ("slo_binding", "post")];
        let configured = Configured::save(&mut admin, Idp::new(), &changes).await;
        let keys = our_keys(&mut admin, &configured).await;
        let mut browser = house.browser();
        configured.sign_in(&house, &mut browser, |_| ()).await;
        let field = saml::post_value(&Asked::new(&house, &configured).xml(true));
        let form = Request::post_form(&slo_address(&configured), &[("SAMLRequest", &field), ("RelayState", "rs")]);
        let reply = house.browser().send(form.cross_site()).await;
        let answer = reply.form(&format!("form[action='{SLO_URL}']"));
        assert_eq!(answer.value("RelayState"), Some("rs"));
        let read = LogoutResponse::from_post(answer.value("SAMLResponse").unwrap(), Some("rs")).unwrap();
        read.verify_signature(&keys, false).unwrap();
        assert_eq!(signed_in(&browser).await, None);
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors https://auth.example.com"), "{policy}");
        assert!(policy.contains("form-action 'self' https://auth.example.com"), "{policy}");

        configured.sign_in(&house, &mut browser, |_| ()).await;
        let call = |xml: &str| {
            let address = at(&format!("/api/slo/{}/", configured.id));
            let body = saml::soap_envelope(xml).into_bytes();
            Request::new(Method::POST, &address, body).header(HeaderName::from_static("content-type"), "text/xml")
        };
        let unsigned = Asked { signed_by: None, ..Asked::new(&house, &configured) };
        let fault = house.browser().send(call(&unsigned.xml(true))).await;
        assert!(fault.status == 500 && fault.body.contains("could not be trusted"), "{}", fault.body);
        assert!(signed_in(&browser).await.is_some());
        let reply = house.browser().send(call(&Asked::new(&house, &configured).xml(true))).await;
        let read = LogoutResponse::from_soap(reply.body.as_bytes()).unwrap();
        read.verify_signature(&keys, false).unwrap();
        assert!(read.status.is_success());
        assert_eq!(signed_in(&browser).await, None);
    }

    async fn the_table_keeps_nothing_of_sign_ins_that_are_over(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("slo_url", SLO_URL)]).await;
        let (mut here, mut gone) = (house.browser(), house.browser());
        configured.sign_in(&house, &mut here, |_| ()).await;
        configured.sign_in(&house, &mut gone, |_| ()).await;
        sign_out(&mut gone).await;
        let mut tx = house.store.begin().await.unwrap();
        crate::sso::saml::sweep(&mut tx, house.site.now()).await.unwrap();
        let count = "SELECT COUNT(*) FROM workspaces_saml_sessions";
        let left: i64 = sqlx::query_scalar(count).fetch_one(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(left, 1, "the one that is still signed in");
        house.clock.advance(Duration::from_mins(16));
        let mut tx = house.store.begin().await.unwrap();
        crate::sso::saml::sweep(&mut tx, house.site.now()).await.unwrap();
        let count = "SELECT COUNT(*) FROM workspaces_saml_logouts";
        let left: i64 = sqlx::query_scalar(count).fetch_one(&mut *tx).await.unwrap();
        assert_eq!(left, 0);
    }
}
