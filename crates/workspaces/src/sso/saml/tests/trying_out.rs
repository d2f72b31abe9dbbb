use store::both_databases;
use store::testing::TestDatabase;
use testkit::Browser;

use super::{Answer, Configured, Idp, at, request_in, signed_in, users};
use crate::testing::House;

async fn test(
    house: &House,
    admin: &mut Browser,
    configured: &Configured,
    bend: impl FnOnce(&mut Answer),
) -> testkit::Reply {
    let path = format!("/admin/access/authentication/saml/{}/test", configured.id);
    let request = request_in(&admin.get(&at(&path)).await);
    let mut answer = configured.answer(house, Some(&request));
    bend(&mut answer);
    configured.post(admin, &configured.idp.sign(&answer)).await
}

both_databases! {
    async fn a_test_reports_everything_and_changes_nothing(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[]).await;
        let page = admin.get(&at(&format!("/admin/access/authentication/saml/{}", configured.id))).await;
        admin.submit(page.form("form.form").untick("enabled")).await;

        let reply = test(&house, &mut admin, &configured, |_| ()).await;
        assert_eq!(reply.status, 200, "works before it is enabled: {}", reply.body);
        for words in [
            "The sign-in would succeed.",
            "ada@example.com would be created and signed in.",
            "http://schemas.xmlsoap.org/claims/Group",
            "staff, admins",
            "the assertion",
            "All Users",
        ] {
            assert!(reply.body.contains(words), "{words}: {}", reply.body);
        }
        assert_eq!(signed_in(&admin).await.as_deref(), Some("admin"), "still signed in");
        assert_eq!(users(&mut admin).await.len(), 1, "nobody was created");
    }

    async fn a_test_says_what_was_wrong_and_what_would_mend_it(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[]).await;
        let reply = test(&house, &mut admin, &configured, |answer| answer.issuer = "https://else.example".into()).await;
        assert_eq!(reply.texts("[role=alert]").len(), 1, "{}", reply.body);
        let sentence = reply.texts("[role=alert]").concat();
        assert!(sentence.contains("authentik") && sentence.contains("https://else.example"), "{sentence}");
        assert!(reply.texts("td[data-label=Result]").contains(&"failed".to_owned()), "{}", reply.body);
        assert_eq!(signed_in(&admin).await.as_deref(), Some("admin"));
    }

    async fn the_result_is_for_the_administrator_who_asked(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let mut ada = house.person(&mut admin, "ada").await;
        let configured = Configured::save(&mut admin, Idp::new(), &[]).await;
        let path = format!("/admin/access/authentication/saml/{}/test", configured.id);
        assert_eq!(ada.get(&at(&path)).await.status, 403);
        let request = request_in(&admin.get(&at(&path)).await);
        let answer = configured.idp.sign(&configured.answer(&house, Some(&request)));
        let reply = configured.post(&mut ada, &answer).await;
        assert_eq!(reply.status, 403);
        assert!(!reply.body.contains("ada@example.com"), "{}", reply.body);
        assert_eq!(users(&mut admin).await.len(), 2, "an answer to a test signs nobody in");
    }

    async fn saving_and_testing_is_one_step_and_a_draft_says_what_it_lacks(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let page = admin.get(&at("/admin/access/authentication/saml/new")).await;
        let form = page.form("form.form").set("display_name", "authentik").set("then", "test");
        let reply = admin.submit(form).await;
        let id = page.url.path().rsplit_once('/').unwrap().1;
        let path = format!("/admin/access/authentication/saml/{id}/test");
        assert!(reply.body.contains(&format!("content=\"0;url={path}\"")), "{}", reply.body);
        let reply = admin.get(&at(&path)).await;
        assert_eq!(reply.status, 400);
        assert!(reply.body.contains("fill in: Entity ID, Single Sign On Service/SAML 2.0 Endpoint, X509 Certificate."), "{}", reply.body);
    }
}
