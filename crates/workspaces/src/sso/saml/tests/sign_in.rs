use std::time::Duration;

use saml::{Attribute, NameId, NameIdFormat, RequestedAcs};
use store::both_databases;
use store::testing::TestDatabase;
use testkit::Request;

use super::{Configured, Idp, at, request_in, signed_in, url, users};
use crate::testing::{House, PASSWORD, link, sign_in};

both_databases! {
    async fn the_first_sign_in_makes_an_account_and_lands_where_the_person_wanted(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[]).await;
        let mut browser = house.browser();
        let page = browser.get(&at("/session/abc?x=1")).await;
        let href = format!("/api/sso/{}?next=%2Fsession%2Fabc%3Fx%3D1", configured.id);
        assert!(page.body.contains(&format!("href=\"{href}\"")), "the button is offered: {}", page.body);
        assert!(page.body.contains("authentik"), "{}", page.body);

        let request = request_in(&browser.get(&at(&href)).await);
        let acs = RequestedAcs::Address {
            url: Some(at(&format!("/api/acs/?id={}", configured.id))),
            binding: Some(saml::Binding::HttpPost.as_str().to_owned()),
        };
        assert_eq!(request.assertion_consumer_service, acs);
        assert_eq!(request.issuer, Some(at(&format!("/api/metadata/?id={}", configured.id))));
        let policy = request.name_id_policy.clone().unwrap();
        assert_eq!(policy.format, Some(NameIdFormat::EmailAddress));
        let answer = configured.idp.sign(&configured.answer(&house, Some(&request)));
        let reply = configured.post(&mut browser, &answer).await;
        assert_eq!(reply.url, url(&at("/session/abc?x=1")));
        assert_eq!(signed_in(&browser).await.as_deref(), Some("Ada Lovelace"));
        assert_eq!(users(&mut admin).await[0], (
            "ada@example.com".into(), "SAML: authentik".into(), "All Users".into(),
        ));

        let reply = configured.sign_in(&house, &mut house.browser(), |_| ()).await;
        assert_eq!(reply.url.path(), "/");
        assert_eq!(users(&mut admin).await.len(), 2, "the second sign-in finds the account");
        let events = admin.get(&at("/admin/events/")).await;
        assert!(events.texts("td[data-label=Who]").contains(&"ada@example.com".to_owned()));
    }

    async fn an_answer_works_once_even_after_a_restart(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("idp_initiated", "on")]).await;
        let mut browser = house.browser();
        let request = configured.begin(&mut browser).await;
        let asked = configured.idp.sign(&configured.answer(&house, Some(&request)));
        assert_eq!(configured.post(&mut browser, &asked).await.url.path(), "/");
        let unasked = configured.idp.sign(&configured.answer(&house, None));
        assert!(configured.post(&mut house.browser(), &unasked).await.body.contains("Sign in as ada@example.com?"));

        house.workspaces.close().await;
        let again = House::open_with(&db, crate::testing::no_rooms(), None, house.clock.clone()).await;
        for answer in [&asked, &unasked] {
            let mut browser = again.browser();
            let reply = configured.post(&mut browser, answer).await;
            assert_eq!(reply.status, 403, "{}", reply.body);
            assert_eq!(signed_in(&browser).await, None);
        }
    }

    async fn another_browser_cannot_be_signed_in_with_my_answer(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[]).await;
        let mut attacker = house.browser();
        let request = configured.begin(&mut attacker).await;
        let answer = configured.idp.sign(&configured.answer(&house, Some(&request)));
        let mut victim = house.browser();
        victim.get(&at("/")).await;
        let reply = configured.post(&mut victim, &answer).await;
        assert_eq!(reply.status, 403);
        assert!(reply.body.contains("begun in another browser"), "{}", reply.body);
        assert_eq!(signed_in(&victim).await, None);
        assert_eq!(users(&mut admin).await.len(), 1, "nobody was created");
    }

    async fn a_completion_waits_a_minute_and_works_once(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[]).await;
        for late in [false, true] {
            let mut browser = house.browser();
            let request = configured.begin(&mut browser).await;
            let answer = configured.idp.sign(&configured.answer(&house, Some(&request)));
            let acs = at(&format!("/api/acs/?id={}", configured.id));
            let posted = Request::post_form(&acs, &[("SAMLResponse", &answer)]).cross_site().without_redirects();
            let completion = browser.send(posted).await.redirect().unwrap();
            if late {
                house.clock.advance(Duration::from_secs(61));
            } else {
                assert_eq!(browser.clone().get(completion.as_str()).await.status, 200);
            }
            assert_eq!(browser.get(completion.as_str()).await.status, 403, "late: {late}");
        }
    }

    async fn an_answer_that_nobody_asked_for_is_refused_unless_allowed(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let strict = Configured::save(&mut admin, Idp::new(), &[]).await;
        let mut browser = house.browser();
        let unasked = strict.idp.sign(&strict.answer(&house, None));
        let reply = strict.post(&mut browser, &unasked).await;
        assert_eq!(reply.status, 403);
        assert!(reply.body.contains("was not begun here"), "{}", reply.body);

        let open = Configured::save(&mut admin, Idp::new(), &[("idp_initiated", "on")]).await;
        let unasked = open.idp.sign(&open.answer(&house, None));
        let fields = [("SAMLResponse", &*unasked), ("RelayState", "https://evil.example/")];
        let reply = open.post_with(&mut browser, &fields).await;
        assert!(reply.body.contains("Sign in as ada@example.com?"), "asked first: {}", reply.body);
        assert_eq!(signed_in(&browser).await, None, "not before the answer");
        let reply = browser.submit(reply.form("form")).await;
        assert_eq!(reply.url, url(&at("/")), "a RelayState leads nowhere else");
        assert_eq!(signed_in(&browser).await.as_deref(), Some("Ada Lovelace"));

        let unasked = open.idp.sign(&open.answer(&house, None));
        let fields = [("SAMLResponse", &*unasked), ("RelayState", "/session/abc")];
        let mut browser = house.browser();
        let reply = open.post_with(&mut browser, &fields).await;
        assert_eq!(browser.submit(reply.form("form")).await.url.path(), "/session/abc");
        let mut claimed = open.answer(&house, None);
        claimed.in_response_to = Some("_unknown".into());
        let reply = open.post(&mut house.browser(), &open.idp.sign(&claimed)).await;
        assert_eq!(reply.status, 403, "an answer to a request of nobody is not unasked: {}", reply.body);
    }

    async fn what_is_not_meant_for_us_is_refused_and_creates_nobody(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[]).await;
        let other = Configured::save(&mut admin, Idp::new(), &[]).await;
        let forger = Idp::new();
        let mut refused = Vec::new();
        for bend in [
            (|answer| answer.audience = Some("https://other.example".into())) as fn(&mut super::Answer),
            |answer| answer.audience = None,
            |answer| answer.issuer = "somebody else".into(),
            |answer| answer.destination = "https://other.example/acs".into(),
            |answer| answer.not_on_or_after = answer.now.minus(Duration::from_mins(4)),
        ] {
            let mut browser = house.browser();
            refused.push((configured.sign_in(&house, &mut browser, bend).await, browser));
        }
        for (key, target) in [(&forger, &configured), (&configured.idp, &other)] {
            let mut browser = house.browser();
            let request = target.begin(&mut browser).await;
            let answer = key.sign(&target.answer(&house, Some(&request)));
            refused.push((target.post(&mut browser, &answer).await, browser));
        }
        for (at, (reply, browser)) in refused.into_iter().enumerate() {
            assert_eq!(reply.status, 403, "{at}: {}", reply.body);
            assert!(reply.body.contains("You could not be signed in"), "{at}: {}", reply.body);
            assert!(!reply.body.contains("other.example"), "{at}: strangers see nothing of the message");
            assert_eq!(signed_in(&browser).await, None, "{at}");
        }
        assert_eq!(users(&mut admin).await.len(), 1);
        let reply = configured.sign_in(&house, &mut house.browser(), |_| ()).await;
        assert_eq!(reply.status, 200, "and after all that the right one is let in");
    }

    async fn an_answer_for_one_configuration_is_worth_nothing_at_another(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let first = Configured::save(&mut admin, Idp::new(), &[]).await;
        let pem = first.idp.pem.clone();
        let second = Configured::save(&mut admin, Idp::new(), &[("certificates", &pem)]).await;
        let mut browser = house.browser();
        let request = first.begin(&mut browser).await;
        let answer = first.idp.sign(&second.answer(&house, Some(&request)));
        assert_eq!(second.post(&mut browser, &answer).await.status, 403);
        assert_eq!(signed_in(&browser).await, None);
    }

    async fn a_stranger_called_admin_is_not_the_administrator(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[]).await;
        let mut browser = house.browser();
        let name = |answer: &mut super::Answer| answer.name_id = NameId::new(NameIdFormat::EmailAddress, "admin");
        configured.sign_in(&house, &mut browser, name).await;
        assert!(signed_in(&browser).await.is_some());
        assert_eq!(browser.get(&at("/admin/")).await.status, 403);
        let all = users(&mut admin).await;
        let realms: Vec<_> = all.iter().filter(|user| user.0 == "admin").map(|user| user.1.as_str()).collect();
        assert_eq!(realms, ["Local", "SAML: authentik"]);
        let reply = sign_in(&mut house.browser(), "admin", PASSWORD).await;
        assert_eq!(reply.status, 200, "the local account is untouched");
    }

    async fn debug_or_an_administrator_sees_every_check(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let quiet = Configured::save(&mut admin, Idp::new(), &[]).await;
        let loud = Configured::save(&mut admin, Idp::new(), &[("debug", "on")]).await;
        let bend = |answer: &mut super::Answer| answer.audience = Some("https://other.example".into());
        let reply = loud.sign_in(&house, &mut house.browser(), bend).await;
        assert!(reply.body.contains("https://other.example"), "{}", reply.body);
        assert!(reply.texts("td[data-label=Check]").is_empty() && !reply.body.contains("saml:Assertion"), "a sentence, no more: {}", reply.body);
        let reply = loud.sign_in(&house, &mut admin, bend).await;
        for words in ["&lt;saml:Audience&gt;https://other.example", "&lt;samlp:AuthnRequest", "What we received", "Show this exchange"] {
            assert!(reply.body.contains(words) || reply.body.contains(&words.replace("&lt;", "&#60;").replace("&gt;", "&#62;")), "{words}: {}", reply.body);
        }
        let reply = quiet.sign_in(&house, &mut admin, bend).await;
        assert!(reply.body.contains("https://other.example"), "{}", reply.body);
        assert!(reply.texts("td[data-label=Check]").iter().any(|name| name.contains("Audience")), "{}", reply.body);
        assert_eq!(signed_in(&admin).await.as_deref(), Some("admin"), "still signed in");
    }

    async fn groups_follow_the_mapped_values_at_each_sign_in(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let changes = [("group_member_attribute", "http://schemas.xmlsoap.org/claims/Group")];
        let configured = Configured::save(&mut admin, Idp::new(), &changes).await;
        let page = admin.get(&at("/admin/access/groups/administrators")).await;
        let form = page.form("form.form").set(&format!("mapping-{}", configured.id), "admins\nroot");
        admin.submit(form).await;
        let mut browser = house.browser();
        configured.sign_in(&house, &mut browser, |_| ()).await;
        assert_eq!(browser.get(&at("/admin/")).await.status, 200);
        configured.sign_in(&house, &mut browser, |answer| answer.attributes.truncate(2)).await;
        assert_eq!(browser.get(&at("/admin/")).await.status, 403);
    }

    async fn the_user_name_is_what_the_nameid_attribute_says(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("name_id_attribute", "username")]).await;
        let mut named = Attribute::new("urn:example:uid", ["ada"]);
        named.friendly_name = Some("username".into());
        let reply = configured.sign_in(&house, &mut house.browser(), |answer| answer.attributes.push(named)).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(users(&mut admin).await[0].0, "ada");
        for values in [vec![], vec!["ada", "grace"], vec![" "]] {
            let add = |answer: &mut super::Answer| answer.attributes.push(Attribute::new("username", values));
            assert_eq!(configured.sign_in(&house, &mut house.browser(), add).await.status, 403);
        }
        let reply = configured.sign_in(&house, &mut admin, |_| ()).await;
        assert!(reply.body.contains("holds no value of the attribute “username”"), "{}", reply.body);
    }

    async fn another_kind_of_name_than_was_asked_for_is_nobody(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        // The guide's emailAddress. The person carries our request and could ask for a name of their own choice.
        let configured = Configured::save(&mut admin, Idp::new(), &[("name_id_attribute", "emailAddress")]).await;
        let chosen = |answer: &mut super::Answer| answer.name_id.format = NameIdFormat::Unspecified;
        assert_eq!(configured.sign_in(&house, &mut house.browser(), chosen).await.status, 403);
        let lookalike = |answer: &mut super::Answer| answer.name_id.value.push(' ');
        assert_eq!(configured.sign_in(&house, &mut house.browser(), lookalike).await.status, 403);
        assert_eq!(users(&mut admin).await.len(), 1, "nobody was created");
        let reply = configured.sign_in(&house, &mut admin, chosen).await;
        assert!(reply.body.contains("write NameID in NameID Attribute"), "{}", reply.body);
    }

    async fn the_disabled_and_the_unknown_are_told_so(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let closed = Configured::save(&mut admin, Idp::new(), &[("create_users", "off")]).await;
        let reply = closed.sign_in(&house, &mut house.browser(), |_| ()).await;
        assert_eq!(reply.status, 403);
        assert!(reply.body.contains("There is no account for ada@example.com here"), "{}", reply.body);
        assert!(reply.body.contains("Create users is off"), "the setting is named: {}", reply.body);

        let open = Configured::save(&mut admin, Idp::new(), &[]).await;
        open.sign_in(&house, &mut house.browser(), |_| ()).await;
        let list = admin.get(&at("/admin/access/users")).await;
        let page = admin.get(&link(&list, "ada@example.com")).await;
        admin.submit(page.form("form.form").set("disabled", "on")).await;
        let mut browser = house.browser();
        let reply = open.sign_in(&house, &mut browser, |_| ()).await;
        assert!(reply.body.contains("This account is disabled."), "{}", reply.body);
        assert_eq!(signed_in(&browser).await, None);
    }

    async fn the_identity_provider_may_end_the_session_sooner(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[]).await;
        let mut browser = house.browser();
        let sooner = |answer: &mut super::Answer| {
            answer.session_not_on_or_after = Some(answer.now.plus(Duration::from_mins(30)));
        };
        configured.sign_in(&house, &mut browser, sooner).await;
        assert!(signed_in(&browser).await.is_some());
        house.clock.advance(Duration::from_mins(31));
        assert_eq!(signed_in(&browser).await, None);
    }

    async fn what_is_no_answer_gets_a_plain_sentence(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("idp_initiated", "on")]).await;
        let mut browser = house.browser();
        for (fields, status) in [
            (vec![], 400),
            (vec![("SAMLResponse", "")], 403),
            (vec![("SAMLResponse", "%%%")], 403),
            (vec![("SAMLResponse", "PHg+")], 403),
        ] {
            let reply = configured.post_with(&mut browser, &fields).await;
            assert_eq!(reply.status, status, "{fields:?}: {}", reply.body);
        }
        let unknown = at(&format!("/api/acs/?id={}", "0".repeat(32)));
        let reply = browser.send(Request::post_form(&unknown, &[("SAMLResponse", "PHg+")]).cross_site()).await;
        assert_eq!(reply.status, 404);
    }

    async fn signing_out_offers_to_sign_out_of_the_identity_provider(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let slo = "https://auth.example.com/if/session-end/kasm/";
        let configured = Configured::save(&mut admin, Idp::new(), &[("slo_url", slo)]).await;
        let mut browser = house.browser();
        configured.sign_in(&house, &mut browser, |_| ()).await;
        // Nobody can be named in a logout request whose sign-in is from before the names were kept.
        let mut tx = house.store.begin().await.unwrap();
        sqlx::query("DELETE FROM workspaces_saml_sessions").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let home = browser.get(&at("/")).await;
        let reply = browser.submit(home.form("form[action='/signout']")).await;
        assert!(reply.body.contains("Sign out of authentik too") && reply.body.contains(slo), "{}", reply.body);
        assert_eq!(signed_in(&browser).await, None);
    }
}
