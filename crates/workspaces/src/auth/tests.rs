use store::both_databases;
use store::testing::TestDatabase;
use testkit::Request;

use crate::testing::{House, ORIGIN, PASSWORD, sign_in};

fn at(path: &str) -> String {
    format!("{ORIGIN}{path}")
}

both_databases! {
    async fn the_setup_link_makes_one_administrator(db: TestDatabase) {
        let house = House::open(&db).await;
        let link = house.workspaces.setup_link().await.unwrap().unwrap();
        let mut browser = house.browser();
        let page = browser.get(&link).await;
        let form = page.form("form");

        let reply = browser.submit(form.clone().set("password", PASSWORD).set("password_again", "another")).await;
        assert_eq!(reply.status, 422);
        assert!(reply.body.contains("The two passwords differ."), "{}", reply.body);
        let reply = browser.submit(form.clone().set("password", "short").set("password_again", "short")).await;
        assert!(reply.body.contains("at least 12 characters"), "{}", reply.body);

        let reply = browser.submit(form.set("password", PASSWORD).set("password_again", PASSWORD)).await;
        assert_eq!((reply.status.as_u16(), reply.url.path()), (200, "/admin/"), "{}", reply.body);
        assert_eq!(house.workspaces.setup_link().await.unwrap(), None);
        let reply = house.browser().get(&link).await;
        assert_eq!(reply.status, 410);
        assert!(reply.body.contains("This link works no more"), "{}", reply.body);
    }

    async fn an_older_setup_link_and_a_late_one_are_dead(db: TestDatabase) {
        let house = House::open(&db).await;
        let older = house.workspaces.setup_link().await.unwrap().unwrap();
        let newer = house.workspaces.setup_link().await.unwrap().unwrap();
        assert_eq!(house.browser().get(&older).await.status, 410);
        let mut browser = house.browser();
        let form = browser.get(&newer).await.form("form");
        house.clock.advance(std::time::Duration::from_hours(25));
        let reply = browser.submit(form.set("password", PASSWORD).set("password_again", PASSWORD)).await;
        assert_eq!(reply.status, 410);
        assert!(house.workspaces.setup_link().await.unwrap().is_some(), "nobody was created");
    }

    async fn a_local_account_signs_in_and_out(db: TestDatabase) {
        let house = House::open(&db).await;
        house.administrator().await;
        let mut browser = house.browser();
        let reply = sign_in(&mut browser, "Admin ", PASSWORD).await;
        assert_eq!((reply.status.as_u16(), reply.url.path()), (200, "/"), "{}", reply.body);
        assert_eq!(browser.get(&at("/admin/events/")).await.status, 200);
        let copy = browser.clone();

        let sign_out = browser.get(&at("/admin/events/")).await.form("form[action='/signout']");
        let reply = browser.submit(sign_out).await;
        assert!(reply.body.contains("You are signed out"), "{}", reply.body);
        for mut gone in [browser, copy] {
            let reply = gone.get(&at("/admin/events/")).await;
            assert_eq!(reply.url.query(), Some("next=%2Fadmin%2Fevents%2F"), "the session has ended");
        }
    }

    async fn a_wrong_password_and_an_unknown_name_get_the_same_words_and_then_a_pause(db: TestDatabase) {
        let house = House::open(&db).await;
        house.administrator().await;
        let mut browser = house.browser();
        let mut answers = Vec::new();
        for name in ["admin", "nobody"] {
            let reply = sign_in(&mut browser, name, "a wrong password").await;
            assert_eq!(reply.status, 422);
            answers.push(reply.texts("[role=alert]"));
        }
        assert_eq!(answers[0], ["The user name or the password is wrong."]);
        assert_eq!(answers[0], answers[1]);
        for _ in 0..4 {
            sign_in(&mut browser, "admin", "a wrong password").await;
        }
        let reply = sign_in(&mut browser, "admin", PASSWORD).await;
        assert_eq!(reply.status, 429, "even the right password waits");
        assert!(reply.body.contains("Too many wrong passwords. Wait 5 minutes"), "{}", reply.body);
        house.clock.advance(std::time::Duration::from_mins(5));
        assert_eq!(sign_in(&mut browser, "admin", PASSWORD).await.url.path(), "/");
    }

    async fn after_signing_in_a_person_lands_where_they_wanted_and_never_elsewhere(db: TestDatabase) {
        let house = House::open(&db).await;
        house.administrator().await;
        let mut browser = house.browser();
        let page = browser.get(&at("/admin/events/")).await;
        let form = page.form("form[action='/signin']").set("username", "admin").set("password", PASSWORD);
        let reply = browser.submit(form).await;
        assert_eq!((reply.status.as_u16(), reply.url.path()), (200, "/admin/events/"));

        let mut browser = house.browser();
        let page = browser.get(&at("/staticlogin")).await;
        let csrf = page.form("form[action='/signin']").value("csrf").unwrap().to_owned();
        for elsewhere in ["https://evil.example/", "//evil.example", "/\\evil.example"] {
            let fields =
                [("csrf", &*csrf), ("username", "admin"), ("password", PASSWORD), ("next", elsewhere)];
            let request = Request::post_form(&at("/signin"), &fields).without_redirects();
            let reply = browser.clone().send(request).await;
            assert_eq!(reply.header("location"), Some("/"), "{elsewhere}");
        }
    }

    async fn a_new_sign_in_gets_a_new_cookie_and_ends_the_old_session(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut browser = house.administrator().await;
        let before = browser.clone();
        sign_in(&mut browser, "admin", PASSWORD).await;
        assert_eq!(browser.get(&at("/admin/events/")).await.url.path(), "/admin/events/");
        let mut stolen = before;
        assert_eq!(stolen.get(&at("/admin/events/")).await.url.path(), "/");
    }

    async fn a_session_ends_after_its_lifetime(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut browser = house.administrator().await;
        house.clock.advance(std::time::Duration::from_hours(13));
        assert_eq!(browser.get(&at("/admin/events/")).await.url.path(), "/");
    }

    async fn decisions_leave_events_without_secrets(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut browser = house.administrator().await;
        sign_in(&mut house.browser(), "admin", "a wrong password").await;
        sign_in(&mut house.browser(), "admin", PASSWORD).await;
        let page = browser.get(&at("/admin/events/")).await;
        for action in ["First administrator created", "Sign-in failed", "Signed in"] {
            assert!(page.texts("td").iter().any(|text| text == action), "{action}: {}", page.body);
        }
        assert!(!page.body.contains(PASSWORD) && !page.body.contains("a wrong password"));
    }
}
