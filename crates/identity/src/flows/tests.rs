//! Signing in and out, as a person meets it.

use std::time::Duration;

use axum::http::StatusCode;
use store::both_databases;
use store::testing::TestDatabase;
use testkit::{Browser, Reply, Request};

use super::{CONSENT, SIGN_IN, SIGN_OUT};
use crate::testing::{Fixture, ORIGIN, PASSWORD, fill};

async fn sign_in(browser: &mut Browser, login: &str, password: &str) -> Reply {
    let page = format!("{ORIGIN}{SIGN_IN}");
    fill(browser, &page, "form", &[("uid_field", login), ("password", password)]).await
}

fn where_to(reply: &Reply) -> (u16, &str) {
    (reply.status.as_u16(), reply.url.path())
}

both_databases! {
    async fn user_name_or_email_and_password_open_a_session(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        fixture.administrator().await;
        for login in ["admin", "ADMIN", " admin ", "admin@example.com", "Admin@Example.Com"] {
            let mut browser = fixture.browser();
            let reply = sign_in(&mut browser, login, PASSWORD).await;
            assert_eq!(where_to(&reply), (200, "/if/user/"), "{login}: {}", reply.body);
            let reply = browser.get("/if/admin/").await;
            assert_eq!(where_to(&reply), (200, "/if/admin/"));
        }
        let logins = fixture.events().await.into_iter().filter(|(action, _)| action == "login").count();
        assert!(logins >= 5, "{logins}");
    }

    async fn unknown_wrong_and_disabled_get_the_same_words(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        fixture.administrator().await;
        let ann = fixture.user("ann", &[]).await;
        fixture.signed_in(&ann).await;
        let mut tx = fixture.store.begin().await.unwrap();
        sqlx::query("UPDATE identity_users SET is_active = 0 WHERE id = $1").bind(&ann).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let mut bodies = Vec::new();
        for (login, password) in [("nobody", PASSWORD), ("admin", "wrong horse battery"), ("ann", PASSWORD)] {
            let reply = sign_in(&mut fixture.browser(), login, password).await;
            assert_eq!(where_to(&reply), (422, SIGN_IN));
            bodies.push(reply.texts("[role=alert]"));
        }
        assert_eq!(bodies[0].len(), 1);
        assert!(bodies.iter().all(|words| *words == bodies[0]), "{bodies:?}");
        let failures: Vec<_> =
            fixture.events().await.into_iter().filter(|(action, _)| action == "login_failed").collect();
        // What was typed as a name is noted only if an account has it.
        let subjects: Vec<&str> = failures.iter().map(|(_, subject)| subject.as_str()).collect();
        assert_eq!(subjects, ["", "admin", "ann"]);
    }

    async fn the_sixth_failure_waits_though_the_password_is_right(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        fixture.administrator().await;
        let mut browser = fixture.browser();
        for _ in 0..5 {
            assert_eq!(sign_in(&mut browser, "admin", "wrong horse battery").await.status, 422);
        }
        let reply = sign_in(&mut browser, "admin", PASSWORD).await;
        assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(reply.body.contains("Try again in 5 minutes"), "{}", reply.body);
        // Another account from the same address is not held up, and time forgives.
        assert_eq!(sign_in(&mut browser, "ann", PASSWORD).await.status, 422);
        fixture.clock.advance(Duration::from_secs(301));
        assert_eq!(where_to(&sign_in(&mut browser, "admin", PASSWORD).await), (200, "/if/user/"));
    }

    async fn a_sign_in_lasts_a_day_or_thirty_if_one_stays(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        fixture.administrator().await;
        let page = format!("{ORIGIN}{SIGN_IN}");
        let (mut short, mut long) = (fixture.browser(), fixture.browser());
        fill(&mut short, &page, "form", &[("uid_field", "admin"), ("password", PASSWORD)]).await;
        let fields = [("uid_field", "admin"), ("password", PASSWORD), ("stay", "on")];
        fill(&mut long, &page, "form", &fields).await;
        fixture.clock.advance(Duration::from_hours(25));
        assert_eq!(where_to(&short.get("/if/user/").await), (200, SIGN_IN));
        assert_eq!(where_to(&long.get("/if/user/").await), (200, "/if/user/"));
        fixture.clock.advance(Duration::from_hours(24 * 29));
        assert_eq!(where_to(&long.get("/if/user/").await), (200, SIGN_IN));
    }

    async fn the_cookie_changes_at_sign_in_and_the_old_one_is_worth_nothing(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        fixture.administrator().await;
        let mut browser = fixture.browser();
        let form = browser.get(&format!("{ORIGIN}{SIGN_IN}")).await.form("form");
        let mut planted = browser.clone();
        let before = browser.cookie(ORIGIN, "__Host-innkeeper_identity").unwrap();
        browser.submit(form.set("uid_field", "admin").set("password", PASSWORD)).await;
        let after = browser.cookie(ORIGIN, "__Host-innkeeper_identity").unwrap();
        assert_ne!(before, after);
        assert_eq!(where_to(&planted.get("/if/user/").await), (200, SIGN_IN));
    }

    async fn the_way_leads_back_to_a_page_of_ours_and_nowhere_else(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        fixture.administrator().await;
        let mut browser = fixture.browser();
        let page = browser.get(&format!("{ORIGIN}/if/admin/users/?search=a")).await;
        assert_eq!(where_to(&page), (200, SIGN_IN));
        let form = page.form("form").set("uid_field", "admin").set("password", PASSWORD);
        let reply = browser.submit(form).await;
        assert_eq!((reply.url.path(), reply.url.query()), ("/if/admin/users/", Some("search=a")));
        for foreign in ["https://evil.example/", "//evil.example/", "/\\evil.example/", "javascript:alert(1)"] {
            let mut browser = fixture.browser();
            let form = browser.get(&format!("{ORIGIN}{SIGN_IN}")).await.form("form");
            let form = form.set("uid_field", "admin").set("password", PASSWORD).set("next", foreign);
            assert_eq!(where_to(&browser.submit(form).await), (200, "/if/user/"), "{foreign}");
        }
    }

    async fn signing_out_ends_the_session_and_needs_our_form(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut browser = fixture.administrator().await;
        // A link from somewhere else only asks.
        let page = browser.send(Request::get(&format!("{ORIGIN}{SIGN_OUT}")).cross_site()).await;
        let mut copy = browser.clone();
        assert_eq!(where_to(&browser.get("/if/user/").await), (200, "/if/user/"));
        let reply = browser.send(Request::post_form(&format!("{ORIGIN}{SIGN_OUT}"), &[])).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        let reply = browser.submit(page.form("main form")).await;
        assert_eq!(where_to(&reply), (200, SIGN_IN));
        assert_eq!(reply.texts("[role=status]"), ["You are signed out."]);
        assert_eq!(where_to(&copy.get("/if/user/").await), (200, SIGN_IN));
        assert!(fixture.events().await.contains(&("logout".into(), "admin".into())));
    }

    async fn a_disabled_account_is_out_at_once(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        fixture.administrator().await;
        let ann = fixture.user("ann", &[]).await;
        let mut browser = fixture.signed_in(&ann).await;
        let mut tx = fixture.store.begin().await.unwrap();
        sqlx::query("UPDATE identity_users SET is_active = 0 WHERE id = $1").bind(&ann).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(where_to(&browser.get("/if/user/").await), (200, SIGN_IN));
    }

    async fn an_unknown_request_says_to_begin_again(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut browser = fixture.administrator().await;
        for path in [SIGN_IN, CONSENT] {
            let reply = browser.get(&format!("{ORIGIN}{path}?request=unknown")).await;
            assert_eq!(reply.status, StatusCode::GONE);
            assert_eq!(reply.texts("h1"), ["Please start again"]);
        }
    }
}
