//! Accounts as an administrator changes them, on both databases.

use axum::http::StatusCode;
use store::both_databases;
use store::testing::TestDatabase;

use super::{find, for_sign_in};
use crate::groups;
use crate::testing::{Fixture, PASSWORD, fill, mistakes};

const NEW: &str = "/if/admin/users/new/";

both_databases! {
    async fn an_account_is_created_changed_found_and_deleted(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let staff = fixture.group("Staff").await;
        let mut browser = fixture.administrator().await;
        let typed = [
            ("username", "Ann"),
            ("name", "Ann <Miller>"),
            ("email", "Ann@Example.com"),
            ("groups", staff.as_str()),
            ("attributes", r#"{"upn": "ann@corp.example"}"#),
        ];
        let reply = fill(&mut browser, NEW, "#user", &typed).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        assert!(reply.body.contains("The user ann was created."), "{}", reply.body);
        let page = reply.url.path().to_owned();

        let mut conn = fixture.store.read().await.unwrap();
        let (ann, hash) = for_sign_in(&mut conn, " ANN ").await.unwrap().unwrap();
        assert_eq!((ann.username.as_str(), ann.is_active, hash), ("ann", true, None));
        assert_eq!(ann.attributes["upn"], "ann@corp.example");
        assert_eq!(groups::of_user(&mut conn, &ann.id).await.unwrap()[0].name, "Staff");
        assert_eq!(for_sign_in(&mut conn, "ann@example.com").await.unwrap().unwrap().0.id, ann.id);
        drop(conn);

        let form = browser.get(&page).await.form("#user");
        assert_eq!(form.value("name"), Some("Ann <Miller>"));
        let reply = browser.submit(form.set("name", "Ann").untick("groups")).await;
        assert!(reply.body.contains("The user ann was saved."), "{}", reply.body);
        let mut conn = fixture.store.read().await.unwrap();
        assert_eq!(find(&mut conn, &ann.id).await.unwrap().unwrap().name, "Ann");
        assert!(groups::of_user(&mut conn, &ann.id).await.unwrap().is_empty());
        drop(conn);

        assert_eq!(browser.get("/if/admin/users/?search=EXAMPLE.com").await.texts("tbody th").len(), 2);
        assert_eq!(browser.get("/if/admin/users/?search=ann").await.texts("tbody th"), ["ann"]);
        assert!(browser.get("/if/admin/users/?search=%25").await.body.contains("Nobody found"));

        let reply = { let page = browser.get(&page).await; browser.submit(page.form("#delete")).await };
        assert!(reply.body.contains("The user ann was deleted."), "{}", reply.body);
        assert_eq!(browser.get(&page).await.status, StatusCode::NOT_FOUND);
        let actions: Vec<_> = fixture.events().await.into_iter().filter(|(_, subject)| subject == "ann").map(|(action, _)| action).collect();
        assert_eq!(actions, ["model_created", "model_updated", "model_deleted"]);
    }

    async fn mistakes_are_told_beside_the_fields_and_nothing_is_saved(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut browser = fixture.administrator().await;
        for (typed, sentence) in [
            ([("username", ""), ("email", "")], "Fill this in."),
            ([("username", "two words"), ("email", "")], "A user name has no spaces."),
            ([("username", "bob"), ("email", "bob")], "This is not an email address."),
            ([("username", "ADMIN"), ("email", "")], "Another account has this user name."),
            ([("username", "bob"), ("email", "Admin@Example.COM")], "Another account has this address."),
        ] {
            let reply = fill(&mut browser, NEW, "#user", &typed).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed:?}");
            assert!(mistakes(&reply).iter().any(|mistake| mistake.starts_with(sentence)), "{typed:?}: {}", reply.body);
        }
        let bad = [("username", "bob"), ("attributes", "[1]")];
        let reply = fill(&mut browser, NEW, "#user", &bad).await;
        assert!(mistakes(&reply)[0].starts_with("This is not a JSON object"), "{}", reply.body);
        let mut conn = fixture.store.read().await.unwrap();
        assert_eq!(super::names(&mut conn).await.unwrap().len(), 1);
    }

    async fn the_last_administrator_stays_one(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut browser = fixture.administrator().await;
        let mut conn = fixture.store.read().await.unwrap();
        let admin = fixture.id_of("admin").await;
        let group = groups::of_user(&mut conn, &admin).await.unwrap().remove(0).id;
        drop(conn);
        // Somebody without a password can't sign in, so does not count.
        fixture.user("later", &["Administrators"]).await;
        let page = format!("/if/admin/users/{admin}/");
        let group_page = format!("/if/admin/groups/{group}/");

        let form = browser.get(&page).await.form("#user");
        let reply = browser.submit(form.untick("is_active")).await;
        assert!(mistakes(&reply)[0].contains("last account"), "{}", reply.body);
        let form = browser.get(&page).await.form("#user");
        let reply = browser.submit(form.untick("groups")).await;
        assert!(mistakes(&reply)[0].contains("last account"), "{}", reply.body);
        let form = browser.get(&page).await.form("#delete");
        assert_eq!(browser.submit(form).await.status, StatusCode::CONFLICT);
        let form = browser.get(&group_page).await.form("#group");
        let reply = browser.submit(form.clone().untick("members")).await;
        assert!(mistakes(&reply)[0].contains("last account"), "{}", reply.body);
        let reply = browser.submit(form.untick("is_superuser")).await;
        assert!(mistakes(&reply)[0].contains("last account"), "{}", reply.body);
        let form = browser.get(&group_page).await.form("#delete");
        assert_eq!(browser.submit(form).await.status, StatusCode::CONFLICT);
        assert_eq!(browser.get("/if/admin/").await.status, StatusCode::OK);

        // With a second one who can sign in, the first may go.
        let second = fixture.user("second", &["Administrators"]).await;
        let mut other = fixture.signed_in(&second).await;
        let form = other.get(&page).await.form("#user");
        let reply = other.submit(form.untick("is_active")).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        assert_eq!(browser.get("/if/admin/").await.url.path(), "/if/flow/default-authentication-flow/");
    }

    async fn who_is_disabled_or_gets_a_password_is_signed_out_everywhere(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let id = fixture.user("ann", &[]).await;
        let page = format!("/if/admin/users/{id}/");

        let mut ann = fixture.signed_in(&id).await;
        let reply = fill(&mut admin, &page, "#set-password", &[("password", "short")]).await;
        assert_eq!((reply.status, mistakes(&reply).len()), (StatusCode::UNPROCESSABLE_ENTITY, 1));
        assert_eq!(ann.get("/if/user/").await.url.path(), "/if/user/");
        let reply = fill(&mut admin, &page, "#set-password", &[("password", "a new good password")]).await;
        assert!(reply.body.contains("signed out everywhere"), "{}", reply.body);
        assert_eq!(ann.get("/if/user/").await.url.path(), "/if/flow/default-authentication-flow/");

        let mut ann = fixture.signed_in(&id).await;
        let form = admin.get(&page).await.form("#user");
        admin.submit(form.untick("is_active")).await;
        assert_eq!(ann.get("/if/user/").await.url.path(), "/if/flow/default-authentication-flow/");
        // Enabling the account again does not bring the session back.
        let form = admin.get(&page).await.form("#user");
        admin.submit(form.set("is_active", "on")).await;
        assert_eq!(ann.get("/if/user/").await.url.path(), "/if/flow/default-authentication-flow/");

        let mut ann = fixture.signed_in(&id).await;
        let form = admin.get(&page).await.form("#delete");
        admin.submit(form).await;
        assert_eq!(ann.get("/if/user/").await.url.path(), "/if/flow/default-authentication-flow/");
    }

    async fn a_recovery_link_is_shown_once_to_the_administrator(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let id = fixture.user("ann", &[]).await;
        let form = admin.get(&format!("/if/admin/users/{id}/")).await.form("#recovery");
        let reply = admin.submit(form).await;
        let start = reply.body.find("http://auth.localhost:9000/if/flow/recovery/?token=").expect("a link");
        let link = reply.body[start..].split('"').next().unwrap().to_owned();
        let mut ann = fixture.browser();
        fill(&mut ann, &link, "form", &[("password", PASSWORD), ("password_again", PASSWORD)]).await;
        assert_eq!(ann.get("/if/user/").await.url.path(), "/if/user/");
        assert!(!admin.get(&format!("/if/admin/users/{id}/")).await.body.contains("token="));
        let mut conn = fixture.store.read().await.unwrap();
        let events = fixture.app.events.newest(&mut conn, 50).await.unwrap();
        assert!(events.iter().any(|event| event.action == "recovery_link_created"));
        assert!(!events.iter().any(|event| event.context.contains("token")), "{events:?}");
    }

    async fn a_bound_account_is_not_deleted(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let id = fixture.user("ann", &["Staff"]).await;
        let group = fixture.group("Staff").await;
        fill(&mut admin, "/if/admin/applications/new/application/", "#application", &[("name", "Files"), ("launch_url", "https://files.example.com")]).await;
        for (kind, target) in [("user", &id), ("group", &group)] {
            let page = format!("/if/admin/applications/files/bindings/new/?kind={kind}");
            fill(&mut admin, &page, "#binding", &[("target", target)]).await;
            let page = format!("/if/admin/{kind}s/{target}/");
            let form = admin.get(&page).await.form("#delete");
            let reply = admin.submit(form).await;
            assert_eq!(reply.status, StatusCode::CONFLICT);
            assert!(reply.body.contains("bindings of Files"), "{}", reply.body);
        }
    }
}
