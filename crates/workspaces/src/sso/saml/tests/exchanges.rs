use std::time::Duration;

use store::both_databases;
use store::testing::TestDatabase;
use testkit::{Browser, Reply};

use super::{Configured, Idp, at, request_in};
use crate::testing::House;

fn list_path(configured: &Configured) -> String {
    at(&format!("/admin/access/authentication/saml/{}/exchanges/", configured.id))
}

/// What the list shows: what it was, the outcome, and who.
async fn kept(admin: &mut Browser, configured: &Configured) -> Vec<(String, String, String)> {
    let page = admin.get(&list_path(configured)).await;
    let [what, outcome, who] =
        ["What", "Outcome", "Who"].map(|label| page.texts(&format!("td[data-label='{label}']")));
    what.into_iter().zip(outcome).zip(who).map(|((what, outcome), who)| (what, outcome, who)).collect()
}

/// The page of the newest exchange.
async fn newest(admin: &mut Browser, configured: &Configured) -> Reply {
    let page = admin.get(&list_path(configured)).await;
    let (_, rest) = page.body.split_once(&format!("{}/exchanges/", configured.id)).unwrap();
    let rest = if rest.starts_with('"') {
        rest.split_once(&format!("{}/exchanges/", configured.id)).unwrap().1
    } else {
        rest
    };
    let id = rest.split('"').next().unwrap();
    admin.get(&format!("{}{id}", list_path(configured))).await
}

fn rows(rows: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    rows.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect()
}

both_databases! {
    async fn a_sign_in_is_kept_with_both_messages_and_every_check(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[]).await;
        let empty = admin.get(&list_path(&configured)).await;
        assert!(empty.body.contains("No exchange yet") && empty.body.contains("Choose Test SAML"), "{}", empty.body);

        let mut browser = house.browser();
        let request = configured.begin(&mut browser).await;
        let waiting = admin.get(&list_path(&configured)).await;
        assert!(waiting.body.contains("Waiting for an answer") && waiting.body.contains(&request.id), "{}", waiting.body);
        let answer = configured.idp.sign(&configured.answer(&house, Some(&request)));
        let fields = [("SAMLResponse", &*answer), ("RelayState", "secret-relay-state")];
        configured.post_with(&mut browser, &fields).await;
        assert_eq!(kept(&mut admin, &configured).await, rows(&[("Sign-in", "Signed in", "ada@example.com")]));
        let after = admin.get(&list_path(&configured)).await;
        assert!(!after.body.contains("Waiting for an answer"), "{}", after.body);

        let page = newest(&mut admin, &configured).await;
        let checks = page.texts("td[data-label=Check]");
        assert!(checks.iter().any(|name| name == "Audience"), "{checks:?}");
        assert!(page.texts("td[data-label=Result]").iter().all(|result| result == "passed"), "{}", page.body);
        let [received, sent] = ["#received", "#sent"].map(|id| page.texts(id).concat());
        assert!(received.contains("<saml:AttributeValue>Ada Lovelace</saml:AttributeValue>"), "{received}");
        assert!(received.contains("SignatureValue>[masked]</"), "{received}");
        assert!(sent.contains(&format!("ID=\"{}\"", request.id)), "{sent}");
        assert!(!page.body.contains("secret-relay-state") && page.body.contains("18 characters, not kept"), "{}", page.body);
    }

    async fn each_refusal_is_kept_with_its_sentence(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("create_users", "off")]).await;

        // The message is wrong.
        configured.sign_in(&house, &mut house.browser(), |answer| answer.audience = Some("https://else/".into())).await;
        let page = newest(&mut admin, &configured).await;
        assert!(page.texts("[role=alert]").concat().contains("https://else/"), "{}", page.body);
        assert_eq!(page.texts("td[data-label=Result]").last().map(String::as_str), Some("failed"));

        // The message is right, and the person has no account.
        house.clock.advance(Duration::from_secs(1));
        configured.sign_in(&house, &mut house.browser(), |_| ()).await;
        let page = newest(&mut admin, &configured).await;
        assert!(page.texts("[role=alert]").concat().contains("There is no account for ada@example.com"), "{}", page.body);

        // It was used already.
        house.clock.advance(Duration::from_secs(1));
        let mut browser = house.browser();
        let request = configured.begin(&mut browser).await;
        let answer = configured.idp.sign(&configured.answer(&house, Some(&request)));
        configured.post(&mut browser, &answer).await;
        house.clock.advance(Duration::from_secs(1));
        configured.post(&mut browser, &answer).await;
        let page = newest(&mut admin, &configured).await;
        let words = "InResponseTo names a request that is not pending here.";
        assert!(page.texts("[role=alert]").concat().contains(words), "{}", page.body);

        // Nobody asked for it.
        house.clock.advance(Duration::from_secs(1));
        let unasked = configured.idp.sign(&configured.answer(&house, None));
        configured.post(&mut house.browser(), &unasked).await;
        let page = newest(&mut admin, &configured).await;
        assert!(page.texts("[role=alert]").concat().contains("Turn on Allow IdP-initiated sign-in for this configuration"), "{}", page.body);
        let page = admin.get(&list_path(&configured)).await;
        assert_eq!(page.texts("td[data-label=Outcome]"), ["Refused"; 5]);
    }

    async fn an_answer_that_is_played_back_is_kept_as_such(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("idp_initiated", "on")]).await;
        let unasked = configured.idp.sign(&configured.answer(&house, None));
        configured.post(&mut house.browser(), &unasked).await;
        house.clock.advance(Duration::from_secs(1));
        configured.post(&mut house.browser(), &unasked).await;
        let page = newest(&mut admin, &configured).await;
        assert!(page.texts("[role=alert]").concat().contains("was used already"), "{}", page.body);
        let mine = "IdP-initiated sign-in";
        assert_eq!(kept(&mut admin, &configured).await, rows(&[
            (mine, "Refused", "ada@example.com"), (mine, "Accepted, not finished", "ada@example.com"),
        ]));
    }

    async fn an_administrator_is_led_from_the_refusal_to_the_exchange(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("debug", "on")]).await;
        let bend = |answer: &mut super::Answer| answer.issuer = "somebody else".into();
        let refused = configured.sign_in(&house, &mut admin, bend).await;
        assert_eq!(refused.status, 403);
        let reply = admin.get(&crate::testing::link(&refused, "Show this exchange")).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert!(reply.texts("#received").concat().contains("somebody else"), "{}", reply.body);
        let refused = configured.sign_in(&house, &mut house.browser(), bend).await;
        assert!(!refused.body.contains("Show this exchange"), "Debug shows strangers no page of ours: {}", refused.body);
    }

    async fn a_test_is_kept_whatever_it_comes_to(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[]).await;
        let path = format!("/admin/access/authentication/saml/{}/test", configured.id);
        let request = request_in(&admin.get(&at(&path)).await);
        let answer = configured.idp.sign(&configured.answer(&house, Some(&request)));
        let report = configured.post(&mut admin, &answer).await;
        assert!(report.body.contains("The sign-in would succeed."), "{}", report.body);
        assert_eq!(kept(&mut admin, &configured).await, rows(&[("Test SAML", "Passed", "ada@example.com")]));
    }

    async fn fifty_are_kept_and_a_flood_of_garbage_takes_ten_places(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("idp_initiated", "on")]).await;
        let other = Configured::save(&mut admin, Idp::new(), &[("idp_initiated", "on")]).await;
        let garbage = saml::post_value(&format!("<junk>{}</junk>", "x".repeat(20_000)));
        let unasked = async |configured: &Configured, bend: fn(&mut super::Answer)| {
            house.clock.advance(Duration::from_secs(1));
            let mut answer = configured.answer(&house, None);
            bend(&mut answer);
            configured.post(&mut house.browser(), &configured.idp.sign(&answer)).await;
        };
        unasked(&other, |_| ()).await;
        unasked(&configured, |answer| answer.audience = Some("https://else/".into())).await;
        for _ in 0..55 {
            unasked(&configured, |_| ()).await;
        }
        let list = kept(&mut admin, &configured).await;
        assert_eq!(list.len(), 50);
        assert_eq!(list.last().unwrap().1, "Refused", "a refusal outlives many acceptances");
        for _ in 0..60 {
            house.clock.advance(Duration::from_secs(1));
            configured.post(&mut house.browser(), &garbage).await;
        }
        let list = kept(&mut admin, &configured).await;
        let refused = list.iter().filter(|(_, outcome, _)| outcome == "Refused").count();
        assert_eq!((list.len(), refused), (50, 11), "ten pieces of garbage and the one refusal with a signature");
        let page = newest(&mut admin, &configured).await;
        assert!(page.body.contains("Cut off: this is the beginning, 8192 of 20013 bytes."), "{}", page.body);
        assert_eq!(kept(&mut admin, &other).await.len(), 1, "each configuration has places of its own");
        let gone = admin.get(&format!("{}none", list_path(&configured))).await;
        assert!(gone.status == 404 && gone.body.contains("not kept any more"), "{}", gone.body);
    }

    async fn a_sign_in_succeeds_though_its_exchange_cannot_be_kept(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[]).await;
        let mut tx = house.store.begin().await.unwrap();
        sqlx::query("ALTER TABLE workspaces_saml_exchanges RENAME TO away").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let mut browser = house.browser();
        configured.sign_in(&house, &mut browser, |_| ()).await;
        assert_eq!(super::signed_in(&browser).await.as_deref(), Some("Ada Lovelace"));
    }
}
