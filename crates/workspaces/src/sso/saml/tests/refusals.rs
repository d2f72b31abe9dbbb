use std::time::Duration;

use saml::{Attribute, AuthnContextClass, NameId, NameIdFormat, SignedParts};
use store::both_databases;
use store::testing::TestDatabase;

use super::{Answer, Configured, Idp, at};
use crate::testing::House;

/// A refusal: the settings and the answer that lead to it, and the words that must be in its sentence: the field, what
/// was expected, what was received, and the setting or the step that mends it.
struct Case {
    name: &'static str,
    settings: &'static [(&'static str, &'static str)],
    bend: fn(&mut Answer),
    words: &'static [&'static str],
}

fn case(
    name: &'static str,
    settings: &'static [(&'static str, &'static str)],
    bend: fn(&mut Answer),
    words: &'static [&'static str],
) -> Case {
    Case { name, settings, bend, words }
}

fn of_the_message() -> Vec<Case> {
    vec![
        case(
            "audience",
            &[],
            |answer| answer.audience = Some("https://other.example".into()),
            &[
                "audience",
                "Expected: http://workspaces.localhost:9000/api/metadata/?id=",
                "Received: https://other.example",
                "Set the Audience",
            ],
        ),
        case(
            "no audience",
            &[],
            |answer| answer.audience = None,
            &["audience", "Expected:", "Received: none", "Set the Audience"],
        ),
        case(
            "issuer",
            &[],
            |answer| answer.issuer = "https://else.example".into(),
            &["Issuer", "Expected: authentik", "Received: https://else.example", "Entity ID"],
        ),
        case(
            "destination",
            &[],
            |answer| answer.destination = "https://other.example/acs".into(),
            &[
                "Destination",
                "Expected: http://workspaces.localhost:9000/api/acs/?id=",
                "Received: https://other.example/acs",
            ],
        ),
        case(
            "late",
            &[],
            |answer| answer.not_on_or_after = answer.now.minus(Duration::from_mins(9)),
            &["Expected: NotOnOrAfter", "Received:", "clocks"],
        ),
    ]
}

fn of_what_is_wanted() -> Vec<Case> {
    vec![
        case(
            "assertion not signed",
            &[("want_assertions_signed", "on")],
            |answer| answer.signed = SignedParts::Response,
            &["assertion", "sign", "Want Assertions Signed"],
        ),
        case(
            "response not signed",
            &[("want_messages_signed", "on")],
            |_| (),
            &["response", "sign", "Want Messages Signed"],
        ),
        case(
            "not encrypted",
            &[("want_assertions_encrypted", "on")],
            |_| (),
            &["encrypted", "Want Assertions Encrypted"],
        ),
        case(
            "no attributes",
            &[],
            |answer| answer.attributes.clear(),
            &["attributes", "Want Attribute Statement"],
        ),
        case(
            "session over",
            &[],
            |answer| answer.session_not_on_or_after = Some(answer.now.minus(Duration::from_hours(1))),
            &["session", "Expected: NotOnOrAfter", "Received:", "Sign in there again"],
        ),
        case(
            "another request",
            &[],
            |answer| answer.in_response_to = Some("_another".into()),
            &["InResponseTo", "Expected:", "Received: _another", "Begin the sign-in again"],
        ),
        case(
            "no request",
            &[],
            |answer| answer.in_response_to = None,
            &["InResponseTo", "Expected:", "Received:", "Allow IdP-initiated sign-in"],
        ),
    ]
}

fn of_the_person() -> Vec<Case> {
    vec![
        case(
            "NameID format",
            &[],
            |answer| answer.name_id.format = NameIdFormat::Persistent,
            &[
                "NameID",
                "Expected: urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
                "Received: urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
                "NameID Attribute",
            ],
        ),
        case(
            "blank around the name",
            &[],
            |answer| answer.name_id = NameId::new(NameIdFormat::EmailAddress, "ada "),
            &["user name", "Expected:", "Received: ada", "NameID Attribute"],
        ),
        case(
            "long name",
            &[],
            |answer| answer.name_id = NameId::new(NameIdFormat::EmailAddress, "a".repeat(300)),
            &["user name", "Expected: at most 256", "Received: aaa", "NameID Attribute"],
        ),
        case(
            "no such attribute",
            &[("name_id_attribute", "username")],
            |_| (),
            &["“username”", "Expected: one value of username", "Received: http://", "NameID Attribute"],
        ),
        case(
            "several values",
            &[("name_id_attribute", "username")],
            |answer| answer.attributes.push(Attribute::new("username", ["a", "b"])),
            &["“username”", "Expected: one value of username", "Received: a, b", "NameID Attribute"],
        ),
        case(
            "authentication context",
            &[("authn_context_comparison", "exact"), ("authn_context_classes", "urn:x")],
            |answer| answer.authn_context = AuthnContextClass::Password,
            &[
                "AuthnContextClassRef",
                "Expected: exact urn:x",
                "Received: urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
                "Requested authentication context",
            ],
        ),
        case(
            "no account",
            &[("create_users", "off")],
            |_| (),
            &["no account for ada@example.com", "Create users"],
        ),
    ]
}

both_databases! {
    async fn each_refusal_names_what_was_expected_what_came_and_what_mends_it(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        for Case { name, settings, bend, words } in of_the_message().into_iter().chain(of_what_is_wanted()).chain(of_the_person()) {
            let mut settings = settings.to_vec();
            settings.push(("debug", "on"));
            let configured = Configured::save(&mut admin, Idp::new(), &settings).await;
            let reply = configured.sign_in(&house, &mut house.browser(), bend).await;
            assert_eq!(reply.status, 403, "{name}: {}", reply.body);
            let shown = reply.texts("main").concat();
            for word in words {
                assert!(shown.contains(word), "{name}: “{word}” is not in: {shown}");
            }
        }
    }

    async fn a_wrong_certificate_and_an_answer_used_twice_say_so(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("debug", "on"), ("idp_initiated", "on")]).await;
        let mut browser = house.browser();
        let request = configured.begin(&mut browser).await;
        let forged = Idp::new().sign(&configured.answer(&house, Some(&request)));
        let shown = configured.post(&mut browser, &forged).await.texts("main").concat();
        let ours = saml::Certificate::parse(configured.idp.pem.as_bytes()).unwrap().sha256_fingerprint();
        let words = ["signature", "Received:", "X509 Certificate", &*ours];
        assert!(words.iter().all(|words| shown.contains(words)), "{ours}: {shown}");

        let unasked = configured.idp.sign(&configured.answer(&house, None));
        configured.post(&mut browser, &unasked).await;
        let shown = configured.post(&mut browser, &unasked).await.texts("main").concat();
        for words in ["used already", "Expected:", "Received:", "Begin the sign-in again"] {
            assert!(shown.contains(words), "{words}: {shown}");
        }
        let page = admin.get(&at(&format!("/admin/access/authentication/saml/{}/exchanges/", configured.id))).await;
        assert!(page.body.contains("used already"), "{}", page.body);
    }
}
