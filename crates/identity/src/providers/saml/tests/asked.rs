//! What requests ask for, and what they get: each row from the request to the answer, read by the service provider.

use super::*;

const SECOND: &str = "https://kasm.example.com/second";
const POST_BINDING: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const REDIRECT_BINDING: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const ARTIFACT_BINDING: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact";
const PASSWORD_CLASS: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

/// A request with these attributes and children, as no builder of ours would write it.
fn raw(attributes: &str, children: &str) -> Request {
    raw_of(AUDIENCE, attributes, children)
}

fn raw_of(issuer: &str, attributes: &str, children: &str) -> Request {
    let issuer =
        if issuer.is_empty() { String::new() } else { format!("<saml:Issuer>{issuer}</saml:Issuer>") };
    let xml = format!(
        "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_request-1\" Version=\"2.0\" \
         IssueInstant=\"2026-01-15T12:00:00Z\" {attributes}>{issuer}{children}</samlp:AuthnRequest>"
    );
    let message = saml::post_value(&xml);
    let fields = [("SAMLRequest", message.as_str()), ("RelayState", "state")];
    Request::post_form(&format!("{ORIGIN}{POST}"), &fields).cross_site()
}

fn context(comparison: &str, class: &str) -> String {
    format!(
        "<samlp:RequestedAuthnContext Comparison=\"{comparison}\"><saml:AuthnContextClassRef>{class}\
         </saml:AuthnContextClassRef></samlp:RequestedAuthnContext>"
    )
}

fn subject(format: &str, name: &str) -> String {
    format!(
        "<saml:Subject><saml:NameID Format=\"urn:oasis:names:tc:SAML:{format}\">{name}</saml:NameID></saml:Subject>"
    )
}

/// The status that the service provider reads in an answer at that address.
fn status(fixture: &Fixture, reply: &Reply, acs: &str, certificate: &Certificate) -> String {
    let form = reply.form("form[data-autosubmit]");
    assert_eq!((form.action.as_str(), form.value("RelayState")), (acs, Some("state")));
    let expected = Expectations { acs_url: acs.into(), ..expectations(certificate.clone()) };
    let now = Timestamp::from_micros(store::Clock::now(&fixture.clock).micros());
    let error = saml::verify_response(form.value("SAMLResponse").unwrap(), &expected, now).unwrap_err();
    assert_eq!(error.kind(), saml::ErrorKind::StatusNotSuccess, "{error:?}");
    error.received_value().to_owned()
}

/// The sentence of a page that is sent nowhere.
fn page(reply: &Reply) -> String {
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{}", reply.body);
    assert!(
        !reply.body.contains("SAMLResponse") && reply.body.contains("Id of this request"),
        "{}",
        reply.body
    );
    reply.texts("[role=alert]").concat()
}

both_databases! {
    async fn an_answer_goes_to_the_registered_address_that_is_asked_for(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let changes =
            [("further_acs_url", SECOND), ("further_acs_index", "7"), ("further_acs_binding", "redirect")];
        let view = kasm(&mut admin, &changes).await;
        let certificate = signing_certificate(&mut admin).await;
        let by_url = |url: &str| format!("AssertionConsumerServiceURL=\"{}\"", url.replace('&', "&amp;"));
        for attributes in [String::new(), by_url(ACS), "AssertionConsumerServiceIndex=\"0\"".to_owned(),
            by_url("HTTPS://KASM.example.com:443/api/acs/?id=e977b6cf72c7424328275db5f48fd15a")] {
            let reply = admin.send(raw(&attributes, "")).await;
            verified(&fixture, &reply, &expectations(certificate.clone()));
        }
        for attributes in [by_url(SECOND), "AssertionConsumerServiceIndex=\"7\"".to_owned(),
            format!("ProtocolBinding=\"{REDIRECT_BINDING}\"")] {
            let target = admin.send(raw(&attributes, "")).await.redirect().unwrap();
            assert!(target.as_str().starts_with(&format!("{SECOND}?SAMLResponse=")), "{target}");
        }
        // A form is safe wherever an answer may go at all.
        let attributes = format!("{} ProtocolBinding=\"{POST_BINDING}\"", by_url(SECOND));
        let second = Expectations { acs_url: SECOND.into(), ..expectations(certificate.clone()) };
        verified(&fixture, &admin.send(raw(&attributes, "")).await, &second);
        for (attributes, sentence) in [
            ("AssertionConsumerServiceIndex=\"8\"".to_owned(), "with the index 8"),
            (by_url(&format!("{SECOND}/")), "which is not an ACS URL of the provider kasm"),
            (by_url("https://KASM.example.com/SECOND"), "which is not an ACS URL of the provider kasm"),
            (by_url("javascript:alert(1)"), "which is not an ACS URL of the provider kasm"),
        ] {
            let said = page(&admin.send(raw(&attributes, "")).await);
            assert!(said.contains(sentence), "{said}");
        }
        // What is marked as default gets what says nothing, and what begins here.
        let edit = format!("{}edit/", view.url);
        fill(&mut admin, &edit, "#provider", &[("default_acs", "1"), ("further_acs_binding", "post")]).await;
        verified(&fixture, &admin.send(raw("", "")).await, &second);
        let unasked = Expectations { in_response_to: None, ..second };
        let init = format!("{ORIGIN}/application/saml/kasm/init/?RelayState=%2Fdeep%3Fa%3Db%26c");
        let reply = admin.get(&init).await;
        verified(&fixture, &reply, &unasked);
        assert_eq!(reply.form("form[data-autosubmit]").value("RelayState"), Some("/deep?a=b&c"));
        let long = format!("{ORIGIN}/application/saml/kasm/init/?RelayState={}", "x".repeat(8193));
        assert!(page(&admin.get(&long).await).contains("8193 bytes"));
        // An address that goes while the person signs in gets nothing.
        let mut stranger = fixture.browser();
        let sign_in = stranger.send(raw("AssertionConsumerServiceIndex=\"7\"", "")).await;
        fill(&mut admin, &edit, "#provider", &[("further_acs_url", ""), ("default_acs", "0")]).await;
        let form = sign_in.form("form").set("uid_field", "admin").set("password", PASSWORD);
        assert!(page(&stranger.submit(form).await).contains("not registered any more"));
    }

    async fn what_can_not_be_met_is_told_to_the_application(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let policy = |attributes: &str| format!("<samlp:NameIDPolicy AllowCreate=\"true\" {attributes}/>");
        let scoping = |idp: &str| {
            format!("<samlp:Scoping ProxyCount=\"0\"><samlp:IDPList><samlp:IDPEntry ProviderID=\"{idp}\"/>\
                     </samlp:IDPList></samlp:Scoping>")
        };
        let two_factors = "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract";
        let encrypted = "Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted\"";
        let entity = "Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\"";
        let mut stranger = fixture.browser();
        for (attributes, children, expected) in [
            (format!("ProtocolBinding=\"{ARTIFACT_BINDING}\""), String::new(), "Responder, UnsupportedBinding"),
            (format!("ProtocolBinding=\"{REDIRECT_BINDING}\""), String::new(), "Responder, UnsupportedBinding"),
            (String::new(), policy(entity), "Requester, InvalidNameIDPolicy"),
            (String::new(), policy(encrypted), "Requester, InvalidNameIDPolicy"),
            (String::new(), policy("SPNameQualifier=\"urn:others\""), "Requester, InvalidNameIDPolicy"),
            (String::new(), context("exact", two_factors), "Responder, NoAuthnContext"),
            (String::new(), context("minimum", two_factors), "Responder, NoAuthnContext"),
            (String::new(), context("better", PASSWORD_CLASS), "Responder, NoAuthnContext"),
            (String::new(), context("exact", "urn:unheard-of"), "Responder, NoAuthnContext"),
            (String::new(), scoping("https://other.example.com"), "Responder, NoSupportedIDP"),
            (String::new(), subject("2.0:nameid-format:entity", "urn:x"), "Responder, UnknownPrincipal"),
        ] {
            for browser in [&mut admin, &mut stranger] {
                let reply = browser.send(raw(&attributes, &children)).await;
                let told = status(&fixture, &reply, ACS, &certificate);
                assert!(told.starts_with(expected), "{attributes} {children}: {told}");
            }
        }
        for (attributes, children) in [
            (format!("ProtocolBinding=\"{POST_BINDING}\""), String::new()),
            (String::new(), policy(&format!("SPNameQualifier=\"{}\"", AUDIENCE.replace('&', "&amp;")))),
            (String::new(), "<samlp:NameIDPolicy/>".to_owned()),
            (String::new(), scoping("authentik")),
            (String::new(), "<samlp:Scoping ProxyCount=\"0\"/>".to_owned()),
        ] {
            let reply = admin.send(raw(&attributes, &children)).await;
            verified(&fixture, &reply, &expectations(certificate.clone()));
        }
        assert_eq!(pending(&fixture).await, 0);
        assert_eq!(events_named(&fixture, "request_refused").await.len(), 22);
    }

    async fn a_request_from_or_for_somebody_else_is_explained(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let said = page(&admin.send(raw_of("https://other.example.com", "", "")).await);
        assert!(said.contains("comes from https://other.example.com") && said.contains("Audience"), "{said}");
        for elsewhere in [
            "https://old.example.com/application/saml/kasm/sso/binding/post/".to_owned(),
            format!("{ORIGIN}/application/saml/other/sso/binding/post/"),
            format!("{ORIGIN}.evil.example{POST}"),
            "nonsense".to_owned(),
        ] {
            let said = page(&admin.send(raw(&format!("Destination=\"{elsewhere}\""), "")).await);
            assert!(said.contains("which is not an address of this identity provider"), "{said}");
        }
        assert_eq!(events_named(&fixture, "configuration_error").await.len(), 5);
        for ours in [POST, REDIRECT, "/application/saml/kasm/", "/application/saml/kasm", ""] {
            let ours = if ours.is_empty() { String::new() } else { format!("{}{ours}", ORIGIN.to_uppercase()) };
            let reply = admin.send(raw(&format!("Destination=\"{}\"", ours.replace("HTTP:", "http:")), "")).await;
            verified(&fixture, &reply, &expectations(certificate.clone()));
        }
        // Who says nothing of itself is answered where it was registered.
        verified(&fixture, &admin.send(raw_of("", "", "")).await, &expectations(certificate));
    }

    async fn the_way_of_the_sign_in_is_compared_and_a_fresh_one_may_mend_it(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        // The administrator came by a link, without a password.
        let mut admin = fixture.administrator().await;
        let view = kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let exact = context("exact", PASSWORD_CLASS);
        let told = admin.send(raw("IsPassive=\"true\"", &exact)).await;
        assert!(status(&fixture, &told, ACS, &certificate).starts_with("Responder, NoPassive"));
        let page = admin.send(raw("", &exact)).await;
        assert_eq!(page.texts("h1"), ["Log in to continue to kasm"]);
        let form = page.form("main form").set("uid_field", "admin").set("password", PASSWORD);
        let assertion = verified(&fixture, &admin.submit(form).await, &expectations(certificate.clone()));
        assert_eq!(assertion.authn_context(), Some(PASSWORD_CLASS));
        let classes = "urn:oasis:names:tc:SAML:2.0:ac:classes:";
        for (comparison, class, given) in [
            ("exact", "PasswordProtectedTransport", "PasswordProtectedTransport"),
            ("exact", "Password", "Password"),
            ("exact", "unspecified", "unspecified"),
            ("minimum", "Password", "PasswordProtectedTransport"),
            ("better", "Password", "PasswordProtectedTransport"),
            ("maximum", "MobileTwoFactorContract", "PasswordProtectedTransport"),
            ("maximum", "Password", "Password"),
        ] {
            let reply = admin.send(raw("", &context(comparison, &format!("{classes}{class}")))).await;
            let assertion = verified(&fixture, &reply, &expectations(certificate.clone()));
            assert_eq!(assertion.authn_context(), Some(format!("{classes}{given}").as_str()));
        }
        // What is told is what is compared.
        let mapping = [("authn_context_class_ref_mapping", "goauthentik.io/providers/saml/username")];
        fill(&mut admin, &format!("{}edit/", view.url), "#provider", &mapping).await;
        let assertion = verified(&fixture, &admin.send(raw("", "")).await, &expectations(certificate.clone()));
        assert_eq!(assertion.authn_context(), Some("admin"));
        let told = admin.send(raw("", &exact)).await;
        assert!(status(&fixture, &told, ACS, &certificate).starts_with("Responder, NoAuthnContext"));
    }

    async fn a_request_about_somebody_else_asks_that_person_to_sign_in(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let email = |name: &str| subject("1.1:nameid-format:emailAddress", name);
        for own in [email("ADMIN@example.com"), subject("1.1:nameid-format:unspecified", "admin")] {
            verified(&fixture, &admin.send(raw("", &own)).await, &expectations(certificate.clone()));
        }
        // The answer bears the name that was asked about.
        let assertion = verified(
            &fixture,
            &admin.send(raw("", &email("admin@example.com"))).await,
            &expectations(certificate.clone()),
        );
        assert_eq!(assertion.name_id().unwrap().value, "admin@example.com");
        let told = admin.send(raw("IsPassive=\"true\"", &email("ann@example.com"))).await;
        assert!(status(&fixture, &told, ACS, &certificate).starts_with("Responder, NoPassive"));
        let page = admin.send(raw("", &email("ann@example.com"))).await;
        assert_eq!(page.form("main form").value("uid_field"), Some("ann@example.com"));
        // Somebody else all the same.
        let form = page.form("main form").set("uid_field", "admin").set("password", PASSWORD);
        let told = admin.submit(form).await;
        assert!(status(&fixture, &told, ACS, &certificate).starts_with("Responder, UnknownPrincipal"));
        // Transient names are gone with their session: nobody could sign in as one.
        let told = admin.send(raw("", &subject("2.0:nameid-format:transient", "_1234"))).await;
        assert!(status(&fixture, &told, ACS, &certificate).starts_with("Responder, UnknownPrincipal"));
    }

    async fn a_lasting_name_is_made_only_if_that_is_allowed(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let view = kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let policy = |create: &str| {
            format!("<samlp:NameIDPolicy Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\" {create}/>")
        };
        for unknown in ["", "AllowCreate=\"false\""] {
            let told = admin.send(raw("", &policy(unknown))).await;
            let told = status(&fixture, &told, ACS, &certificate);
            assert!(told.starts_with("Requester, InvalidNameIDPolicy"), "{told}");
        }
        let reply = admin.send(raw("", &policy("AllowCreate=\"true\""))).await;
        let first = verified(&fixture, &reply, &expectations(certificate.clone()));
        let first = first.name_id().unwrap().clone();
        assert_eq!(first.name_qualifier.as_deref(), Some("authentik"));
        assert_eq!(first.sp_name_qualifier.as_deref(), Some(AUDIENCE));
        let again = verified(&fixture, &admin.send(raw("", &policy(""))).await, &expectations(certificate.clone()));
        assert_eq!(*again.name_id().unwrap(), first);
        // Another application gets another name, unless both are set to the same one.
        let other = [("name", "other"), ("slug", "other"), ("audience", "urn:other")];
        let other_view = kasm(&mut admin, &other).await;
        let url = by_redirect(
            &AuthnRequestBuilder::new("_request-1", "urn:other", Timestamp::from_micros(0))
                .name_id_format(NameIdFormat::Persistent)
                .allow_create(true),
            None,
        )
        .replace("/kasm/", "/other/");
        let expected = Expectations { audience: "urn:other".into(), ..expectations(certificate.clone()) };
        let elsewhere = verified(&fixture, &admin.get(&url).await, &expected);
        assert_ne!(elsewhere.name_id().unwrap().value, first.value);
        for page in [view, other_view] {
            let same = [("persistent_names", "same_everywhere")];
            fill(&mut admin, &format!("{}edit/", page.url), "#provider", &same).await;
        }
        let here = verified(&fixture, &admin.send(raw("", &policy(""))).await, &expectations(certificate));
        let there = verified(&fixture, &admin.get(&url).await, &expected);
        assert_eq!(here.name_id().unwrap().value, there.name_id().unwrap().value);
        assert_eq!(here.name_id().unwrap().sp_name_qualifier, None);
    }

    async fn who_turns_back_is_told_to_the_application(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[("authorization_flow", EXPLICIT)]).await;
        let certificate = signing_certificate(&mut admin).await;
        let mut stranger = fixture.browser();
        let sign_in = stranger.send(raw("", "")).await;
        let told = stranger.submit(sign_in.form("#turn_back")).await;
        assert!(status(&fixture, &told, ACS, &certificate).starts_with("Responder, AuthnFailed"));
        // The request is used up.
        assert_eq!(stranger.submit(sign_in.form("#turn_back")).await.status, StatusCode::GONE);
        let consent = admin.send(raw("", "")).await;
        assert_eq!(consent.texts("h1"), ["You’re about to sign into kasm."]);
        let told = admin.submit(consent.form("#turn_back")).await;
        assert!(status(&fixture, &told, ACS, &certificate).starts_with("Responder, RequestDenied"));
        assert!(events_named(&fixture, "authorize_application").await.is_empty());
        // Nobody waits for an answer to a sign-in that began here.
        let consent = admin.get(&format!("{ORIGIN}/application/saml/kasm/init/")).await;
        assert!(!consent.body.contains("turn_back"), "{}", consent.body);
    }

    async fn who_may_not_hears_why_and_may_take_the_refusal_back(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let (ann, bob) = (fixture.user("ann", &["Staff"]).await, fixture.user("bob", &[]).await);
        let mut browser = fixture.signed_in(&bob).await;
        bind(&fixture, Some(&ann), None).await;
        let refused = browser.send(raw("", "")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.body.contains("Go back to kasm") && refused.body.contains("Id of this request"));
        let told = browser.submit(refused.form("main form")).await;
        assert!(status(&fixture, &told, ACS, &certificate).starts_with("Responder, RequestDenied"));
        let told = browser.send(raw("IsPassive=\"true\"", "")).await;
        assert!(status(&fixture, &told, ACS, &certificate).starts_with("Responder, RequestDenied"));
        let begun_here = browser.get(&format!("{ORIGIN}/application/saml/kasm/init/")).await;
        assert_eq!(begun_here.status, StatusCode::FORBIDDEN);
        assert!(!begun_here.body.contains("Go back to kasm"), "{}", begun_here.body);
    }
}
