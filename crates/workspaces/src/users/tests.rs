use store::both_databases;
use store::testing::TestDatabase;
use testkit::{Browser, Reply};

use crate::testing::{House, ORIGIN, PASSWORD, link, sign_in};

async fn open(browser: &mut Browser, username: &str) -> Reply {
    let list = browser.get(&format!("{ORIGIN}/admin/access/users")).await;
    browser.get(&link(&list, username)).await
}

both_databases! {
    async fn an_administrator_adds_a_user_who_is_in_all_users(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let mut ada = house.person(&mut admin, "Ada").await;
        assert_eq!(ada.get(&format!("{ORIGIN}/admin/events/")).await.status, 403);
        let page = open(&mut admin, "ada").await;
        assert!(page.texts("label").contains(&"All Users".to_owned()));
        let form = page.form("main form").set("first_name", "Ada").set("group-administrators", "on");
        let reply = admin.submit(form).await;
        assert!(reply.body.contains("ada was saved."), "{}", reply.body);
        assert_eq!(ada.get(&format!("{ORIGIN}/admin/events/")).await.status, 200, "at once");
    }

    async fn mistakes_are_told_beside_the_field_and_change_nothing(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        for (name, password, sentence) in [
            ("", PASSWORD, "Fill this in."),
            ("a b", PASSWORD, "A user name has no spaces."),
            ("admin", PASSWORD, "There is a local account of this name already."),
            ("ADMIN", PASSWORD, "There is a local account of this name already."),
            ("grace", "short", "Use at least 12 characters."),
        ] {
            let page = admin.get(&format!("{ORIGIN}/admin/access/users/new")).await;
            let form = page.form("main form").set("username", name).set("password", password);
            let reply = admin.submit(form).await;
            assert_eq!(reply.status, 422, "{name}");
            assert!(reply.texts(".field-error").iter().any(|text| text.contains(sentence)), "{}", reply.body);
        }
        let list = admin.get(&format!("{ORIGIN}/admin/access/users")).await;
        assert_eq!(list.texts("tbody tr").len(), 1, "{}", list.body);
    }

    async fn disabling_ends_the_session_and_locking_only_bars_sign_in(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let mut ada = house.person(&mut admin, "ada").await;
        let home = format!("{ORIGIN}/");
        let form = open(&mut admin, "ada").await.form("main form").set("locked", "on");
        admin.submit(form).await;
        assert!(ada.get(&home).await.body.contains("Sign out"), "an open session goes on");
        let reply = sign_in(&mut house.browser(), "ada", PASSWORD).await;
        assert!(reply.body.contains("This account is locked."), "{}", reply.body);
        let reply = sign_in(&mut house.browser(), "ada", "a wrong password").await;
        assert!(!reply.body.contains("locked"), "only who knows the password is told");

        let form = open(&mut admin, "ada").await.form("main form").untick("locked").set("disabled", "on");
        admin.submit(form).await;
        assert!(!ada.get(&home).await.body.contains("Sign out"), "at once");
        let reply = sign_in(&mut house.browser(), "ada", PASSWORD).await;
        assert!(reply.body.contains("This account is disabled."), "{}", reply.body);
    }

    async fn a_new_password_ends_the_sign_ins_with_the_old_one(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let mut ada = house.person(&mut admin, "ada").await;
        let form = open(&mut admin, "ada").await.form("main form").set("password", "another quiet room");
        admin.submit(form).await;
        assert!(!ada.get(&format!("{ORIGIN}/")).await.body.contains("Sign out"));
        assert_eq!(sign_in(&mut house.browser(), "ada", PASSWORD).await.status, 422);
        assert_eq!(sign_in(&mut house.browser(), "ada", "another quiet room").await.status, 200);
    }

    async fn the_last_administrator_stays(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let page = open(&mut admin, "admin").await;
        let form = page.form("main form");
        for form in [
            form.clone().untick("group-administrators"),
            form.clone().set("disabled", "on"),
            form.clone().set("locked", "on"),
        ] {
            let reply = admin.submit(form).await;
            assert_eq!(reply.status, 422);
            assert!(reply.body.contains("This is the last administrator"), "{}", reply.body);
        }
        let delete = page.form("form[action$='/delete']");
        let reply = admin.submit(delete.clone()).await;
        assert_eq!(reply.status, 400);
        let group = admin.get(&format!("{ORIGIN}/admin/access/groups/administrators")).await;
        let (_, id) = page.url.path().rsplit_once('/').unwrap();
        let reply = admin.submit(group.form("main form").untick(&format!("user-{id}"))).await;
        assert_eq!(reply.status, 422, "nor by the group's page");
        assert_eq!(admin.get(&format!("{ORIGIN}/admin/access/users")).await.status, 200, "still administrator");

        house.person(&mut admin, "ada").await;
        let promote = open(&mut admin, "ada").await.form("main form").set("group-administrators", "on");
        admin.submit(promote).await;
        let reply = admin.submit(delete).await;
        assert_eq!(reply.url.path(), "/", "deleted, and so signed out: {}", reply.body);
        assert_eq!(sign_in(&mut house.browser(), "admin", PASSWORD).await.status, 422);
    }
}
