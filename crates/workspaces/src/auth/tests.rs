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

    async fn many_guesses_at_once_are_no_more_than_five(db: TestDatabase) {
        let house = House::open(&db).await;
        house.administrator().await;
        let mut guesses = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let mut browser = house.browser();
            let page = browser.get(&at("/staticlogin")).await;
            let form = page.form("form[action='/signin']").set("username", "admin").set("password", "a wrong password");
            guesses.spawn(async move { browser.submit(form).await.status.as_u16() });
        }
        let mut answers = guesses.join_all().await;
        answers.sort_unstable();
        assert_eq!(answers, [[422; 5].as_slice(), [429; 7].as_slice()].concat());
    }

    async fn a_password_typed_as_the_user_name_is_kept_nowhere(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        for name in ["admin", "my secret, by mistake"] {
            for _ in 0..6 {
                sign_in(&mut house.browser(), name, "a wrong password").await;
            }
        }
        let page = admin.get(&at("/admin/events/")).await;
        let actions = page.texts("td");
        for (words, times) in [("Sign-in failed", 10), ("Sign-in paused after many failures", 2)] {
            assert_eq!(actions.iter().filter(|text| *text == words).count(), times, "{words}: {}", page.body);
        }
        assert!(!page.body.contains("by mistake"), "{}", page.body);
        let mut conn = house.store.read().await.unwrap();
        let subjects: Vec<(String, i64)> = sqlx::query_as(
            "SELECT subject, COUNT(*) FROM events WHERE action IN ('login_failed', 'login_limited') GROUP BY subject \
             ORDER BY subject",
        )
        .fetch_all(&mut *conn)
        .await
        .unwrap();
        assert_eq!(subjects, [(String::new(), 6), ("admin".to_owned(), 6)]);
    }

    async fn a_password_changed_while_the_old_one_is_checked_is_worth_nothing(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        house.person(&mut admin, "ada").await;
        let hash = site::passwords::hash("another quiet room".to_owned()).await.unwrap();
        for (change, value) in [("password_hash", Some(&hash)), ("locked", None)] {
            let mut tx = house.store.begin().await.unwrap();
            let sql = match value {
                Some(hash) => format!("UPDATE workspaces_users SET {change} = '{hash}' WHERE username = 'ada'"),
                None => format!("UPDATE workspaces_users SET {change} = 1 WHERE username = 'ada'"),
            };
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
            let mut browser = house.browser();
            let password = if change == "locked" { "another quiet room" } else { PASSWORD };
            let meanwhile = tokio::spawn(async move { (sign_in(&mut browser, "ada", password).await, browser) });
            // The sign-in finds the password right as it was, and waits for this transaction to open its session.
            tokio::time::sleep(std::time::Duration::from_millis(800)).await;
            assert!(!meanwhile.is_finished(), "{change}: it did not wait");
            tx.commit().await.unwrap();
            let (reply, mut browser) = meanwhile.await.unwrap();
            assert_eq!(reply.status, 422, "{change}: {}", reply.body);
            assert!(!browser.get(&at("/")).await.body.contains("Sign out"), "{change}");
        }
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
