//! Getting in for the first time, on both databases.

use std::time::Duration;

use axum::http::StatusCode;
use store::both_databases;
use store::testing::TestDatabase;

use crate::testing::{Fixture, PASSWORD, fill, mistakes};
use crate::{certificates, setup, users};

both_databases! {
    async fn the_setup_link_makes_one_administrator_once(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let link = fixture.identity.setup_link().await.unwrap().unwrap();
        let mut early = fixture.browser();
        let open_page = early.get(&link).await.form("form");

        let mut browser = fixture.administrator().await;
        assert!(browser.get("/if/admin/").await.body.contains("admin"));
        assert_eq!(fixture.identity.setup_link().await.unwrap(), None);

        // Neither the link nor a form that was opened before works again.
        for reply in [
            fixture.browser().get(&link).await,
            early.submit(open_page.set("email", "eve@example.com").set("password", PASSWORD).set("password_again", PASSWORD)).await,
        ] {
            assert_eq!(reply.status, StatusCode::GONE, "{}", reply.body);
        }
        let mut conn = fixture.store.read().await.unwrap();
        assert_eq!(users::names(&mut conn).await.unwrap().len(), 1);
        assert_eq!(fixture.events().await, [("initial_setup".to_owned(), "admin".to_owned())]);
    }

    async fn a_wrong_or_old_setup_link_opens_nothing(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let old = fixture.identity.setup_link().await.unwrap().unwrap();
        let link = fixture.identity.setup_link().await.unwrap().unwrap();
        let mut browser = fixture.browser();
        for bad in [&old, "http://auth.localhost:9000/if/flow/initial-setup/", &format!("{link}x")] {
            assert_eq!(browser.get(bad).await.status, StatusCode::GONE, "{bad}");
        }
        assert_eq!(browser.get(&link).await.status, StatusCode::OK);
        fixture.clock.advance(Duration::from_hours(24));
        assert_eq!(browser.get(&link).await.status, StatusCode::GONE);
    }

    async fn mistakes_in_the_setup_use_nothing_up(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let link = fixture.identity.setup_link().await.unwrap().unwrap();
        let mut browser = fixture.browser();
        let wrong = [("username", "two words"), ("email", ""), ("password", "short"), ("password_again", "other")];
        let reply = fill(&mut browser, &link, "form", &wrong).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(mistakes(&reply).len(), 4, "{}", reply.body);
        let right = [("username", "Ann"), ("email", "ann@example.com"), ("password", PASSWORD), ("password_again", PASSWORD)];
        let reply = fill(&mut browser, &link, "form", &right).await;
        assert_eq!(reply.url.path(), "/if/admin/", "{}", reply.body);
        let mut conn = fixture.store.read().await.unwrap();
        let (user, _) = users::for_sign_in(&mut conn, "ann").await.unwrap().unwrap();
        assert_eq!((user.username.as_str(), user.email.as_str()), ("ann", "ann@example.com"));
    }

    async fn before_setup_the_start_page_says_what_to_do_and_afterwards_leads_in(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut browser = fixture.browser();
        let reply = browser.get("http://auth.localhost:9000/").await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(reply.body.contains("printed a link"), "{}", reply.body);
        let mut administrator = fixture.administrator().await;
        assert_eq!(administrator.get("/").await.url.path(), "/if/user/");
        assert_eq!(browser.get("/").await.url.path(), "/if/flow/default-authentication-flow/");
        assert_eq!(browser.get("/-/health/live/").await.status, StatusCode::OK);
        assert_eq!(browser.get("/-/health/ready/").await.status, StatusCode::OK);
    }

    async fn a_recovery_link_works_once_and_ends_what_was_open(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let id = fixture.user("ann", &[]).await;
        let mut elsewhere = fixture.signed_in(&id).await;
        let mut tx = fixture.store.begin().await.unwrap();
        let link = setup::choose_password_link(&mut tx, &fixture.app, &id).await.unwrap();
        tx.commit().await.unwrap();

        let mut browser = fixture.browser();
        let reply = fill(&mut browser, &link, "form", &[("password", "short"), ("password_again", "short")]).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        let good = [("password", "another good one"), ("password_again", "another good one")];
        let reply = fill(&mut browser, &link, "form", &good).await;
        assert_eq!(reply.url.path(), "/if/user/", "{}", reply.body);
        assert_eq!(browser.get(&link).await.status, StatusCode::GONE);
        assert_eq!(elsewhere.get("/if/user/").await.url.path(), "/if/flow/default-authentication-flow/");
        assert!(!fixture.events().await.iter().any(|(_, subject)| subject.contains("another good one")));
    }

    async fn a_recovery_link_of_a_disabled_account_opens_nothing(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut administrator = fixture.administrator().await;
        let id = fixture.user("ann", &[]).await;
        let mut tx = fixture.store.begin().await.unwrap();
        let link = setup::choose_password_link(&mut tx, &fixture.app, &id).await.unwrap();
        tx.commit().await.unwrap();
        let form = administrator.get(&format!("/if/admin/users/{id}/")).await.form("#user");
        administrator.submit(form.untick("is_active")).await;
        assert_eq!(fixture.browser().get(&link).await.status, StatusCode::GONE);
    }

    async fn the_sample_user_waits_for_a_password_and_stays_deleted(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let link = fixture.identity.ensure_sample_user().await.unwrap().unwrap();
        let newer = fixture.identity.ensure_sample_user().await.unwrap().unwrap();
        assert_eq!(fixture.browser().get(&link).await.status, StatusCode::GONE);
        let mut browser = fixture.browser();
        fill(&mut browser, &newer, "form", &[("password", PASSWORD), ("password_again", PASSWORD)]).await;
        assert_eq!(browser.get("/if/user/").await.url.path(), "/if/user/");
        assert_eq!(browser.get("/if/admin/").await.status, StatusCode::FORBIDDEN);
        assert_eq!(fixture.identity.ensure_sample_user().await.unwrap(), None);

        let mut administrator = fixture.administrator().await;
        let mut conn = fixture.store.read().await.unwrap();
        let (sam, _) = users::for_sign_in(&mut conn, "sam@example.com").await.unwrap().unwrap();
        drop(conn);
        let page = administrator.get(&format!("/if/admin/users/{}/", sam.id)).await;
        administrator.submit(page.form("#delete")).await;
        assert_eq!(fixture.identity.ensure_sample_user().await.unwrap(), None);
    }

    async fn a_second_start_finds_what_the_first_one_made(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut administrator = fixture.administrator().await;
        let mut conn = fixture.store.read().await.unwrap();
        let before = certificates::names_with_key(&mut conn).await.unwrap();
        assert_eq!(before.len(), 1);
        assert_eq!(before[0].1, "Innkeeper Self-signed Certificate");
        drop(conn);
        fixture.identity.close().await;

        let again = Fixture::new(&db).await;
        let mut conn = again.store.read().await.unwrap();
        assert_eq!(certificates::names_with_key(&mut conn).await.unwrap(), before);
        assert_eq!(crate::groups::names(&mut conn).await.unwrap().len(), 1);
        assert_eq!(administrator.get("/if/admin/").await.status, StatusCode::OK);
    }

    async fn a_page_is_found_without_its_last_slash(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut administrator = fixture.administrator().await;
        let reply = administrator.get("/if/admin/users?search=adm").await;
        assert_eq!((reply.status, reply.url.path(), reply.url.query()), (StatusCode::OK, "/if/admin/users/", Some("search=adm")));
        assert_eq!(administrator.get("/if/nowhere").await.status, StatusCode::NOT_FOUND);
    }
}
