//! Applications and their bindings as an administrator changes them, on both databases.

use axum::http::StatusCode;
use store::both_databases;
use store::testing::TestDatabase;

use super::{bindings_of, by_slug};
use crate::policies::EngineMode;
use crate::testing::{Fixture, fill, mistakes};

const WITH_PROVIDER: &str = "/if/admin/applications/new/";
const NEW: &str = "/if/admin/applications/new/application/";
const KASM: [(&str, &str); 2] =
    [("name", "kasm"), ("acs_url", "https://kasm.example.com/api/acs/?id=e977b6cf")];

both_databases! {
    async fn one_form_creates_an_application_and_its_provider(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut browser = fixture.administrator().await;
        let reply = fill(&mut browser, WITH_PROVIDER, "#application", &KASM).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        assert!(reply.url.path().starts_with("/if/admin/providers/saml/"), "{}", reply.url);
        let mut conn = fixture.store.read().await.unwrap();
        let kasm = by_slug(&mut conn, "kasm").await.unwrap().unwrap();
        assert_eq!(kasm.start().as_deref(), Some("/application/saml/kasm/init/"));
        assert!(kasm.provider_id.is_some());
        drop(conn);
        assert_eq!(browser.get("/if/user/").await.texts(".tile-title"), ["kasm"]);

        // Both or neither: the slug is taken, so no second provider appears.
        let typed = [("name", "other"), ("slug", "kasm"), ("acs_url", "https://other.example.com/acs")];
        let reply = fill(&mut browser, WITH_PROVIDER, "#application", &typed).await;
        assert_eq!(mistakes(&reply), ["Another application has this slug."]);
        let reply = fill(&mut browser, WITH_PROVIDER, "#application", &[("name", "kasm"), ("slug", "kasm2"), KASM[1]]).await;
        assert!(mistakes(&reply)[0].starts_with("There is a provider of this name"), "{}", reply.body);
        let reply = fill(&mut browser, WITH_PROVIDER, "#application", &[("name", ""), ("acs_url", "nonsense")]).await;
        assert_eq!((reply.status, mistakes(&reply).len()), (StatusCode::UNPROCESSABLE_ENTITY, 3), "{}", reply.body);
        let mut conn = fixture.store.read().await.unwrap();
        let providers: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM identity_saml_providers").fetch_one(&mut *conn).await.unwrap();
        assert_eq!(providers, 1);
    }

    async fn an_application_is_changed_and_deleted_and_its_provider_stays(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut browser = fixture.administrator().await;
        fill(&mut browser, WITH_PROVIDER, "#application", &KASM).await;
        let typed = [
            ("name", "Kasm Workspaces"),
            ("slug", "rooms"),
            ("group", "Work"),
            ("policy_engine_mode", "all"),
            ("launch_url", "https://kasm.example.com"),
            ("open_in_new_tab", "on"),
            ("icon", "/static/dist/assets/icons/icon.svg"),
            ("publisher", "Kasm"),
            ("description", "A desktop <in> a tab"),
        ];
        let reply = fill(&mut browser, "/if/admin/applications/kasm/", "#application", &typed).await;
        assert_eq!((reply.status, reply.url.path()), (StatusCode::OK, "/if/admin/applications/rooms/"), "{}", reply.body);
        let mut conn = fixture.store.read().await.unwrap();
        let rooms = by_slug(&mut conn, "rooms").await.unwrap().unwrap();
        assert_eq!((rooms.policy_engine_mode, rooms.open_in_new_tab), (EngineMode::All, true));
        assert_eq!(rooms.start().as_deref(), Some("https://kasm.example.com/"));
        drop(conn);
        assert_eq!(browser.get("/if/admin/applications/kasm/").await.status, StatusCode::NOT_FOUND);
        let reply = fill(&mut browser, "/if/admin/applications/rooms/", "#application", &[("icon", "javascript:1")]).await;
        assert_eq!(mistakes(&reply).len(), 1, "{}", reply.body);

        // A provider serves one application.
        let provider = rooms.provider_id.unwrap();
        let form = browser.get(NEW).await.form("#application");
        assert_eq!(form.choices("provider"), [""]);
        let form = browser.get("/if/admin/applications/rooms/").await.form("#delete");
        let reply = browser.submit(form).await;
        assert!(reply.body.contains("The application Kasm Workspaces was deleted."), "{}", reply.body);
        let form = browser.get(NEW).await.form("#application");
        assert_eq!(form.choices("provider"), ["", provider.as_str()]);
        let reply = browser.submit(form.set("name", "Again").set("provider", &provider)).await;
        assert_eq!(reply.url.path(), "/if/admin/applications/again/", "{}", reply.body);
    }

    async fn a_provider_that_was_taken_meanwhile_is_told_beside_the_field(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut browser = fixture.administrator().await;
        fill(&mut browser, WITH_PROVIDER, "#application", &KASM).await;
        let mut conn = fixture.store.read().await.unwrap();
        let provider = by_slug(&mut conn, "kasm").await.unwrap().unwrap().provider_id.unwrap();
        drop(conn);
        let csrf = browser.get(NEW).await.form("#application").value("csrf").unwrap().to_owned();
        for (provider, sentence) in [
            (provider.as_str(), "Another application uses this provider; each has its own."),
            ("nowhere", "This provider is not here any more. Reload the page and choose again."),
        ] {
            let reply = browser.post_form(NEW, &[("csrf", &csrf), ("name", "Two"), ("provider", provider)]).await;
            assert_eq!(mistakes(&reply), [sentence]);
        }
    }

    async fn bindings_are_made_changed_and_removed(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut browser = fixture.administrator().await;
        let (ann, bob) = (fixture.user("ann", &["Staff"]).await, fixture.user("bob", &[]).await);
        let staff = fixture.group("Staff").await;
        fill(&mut browser, NEW, "#application", &[("name", "Files"), ("launch_url", "https://files.example.com")]).await;
        let page = "/if/admin/applications/files/";
        let may = |reply: &testkit::Reply| reply.body.contains("may open Files.");
        assert!(may(&browser.get(&format!("{page}?check={bob}")).await));

        let new = format!("{page}bindings/new/?kind=group");
        let reply = fill(&mut browser, &new, "#binding", &[("target", &staff), ("order", "10")]).await;
        assert_eq!(reply.texts("tbody th"), ["Group Staff"]);
        assert!(may(&browser.get(&format!("{page}?check={ann}")).await));
        assert!(browser.get(&format!("{page}?check={bob}")).await.body.contains("may not open Files."));
        let reply = fill(&mut browser, &new, "#binding", &[("target", &staff)]).await;
        assert_eq!(mistakes(&reply), ["The application is bound to this one already."]);
        let reply = fill(&mut browser, &new, "#binding", &[("order", "-1")]).await;
        assert_eq!(mistakes(&reply).len(), 2, "{}", reply.body);

        let users = format!("{page}bindings/new/?kind=user");
        let reply = fill(&mut browser, &users, "#binding", &[("target", &bob), ("order", "5")]).await;
        assert_eq!(reply.texts("tbody th"), ["User bob", "Group Staff"]);
        let mut conn = fixture.store.read().await.unwrap();
        let files = by_slug(&mut conn, "files").await.unwrap().unwrap();
        let bindings = bindings_of(&mut conn, &files.id).await.unwrap();
        drop(conn);
        assert_eq!(bindings.len(), 2);

        let of_bob = format!("{page}bindings/{}/", bindings[0].id);
        let form = browser.get(&of_bob).await.form("#binding");
        browser.submit(form.untick("enabled").set("negate", "on")).await;
        let mut conn = fixture.store.read().await.unwrap();
        let changed = bindings_of(&mut conn, &files.id).await.unwrap().remove(0);
        drop(conn);
        assert_eq!((changed.enabled, changed.negate, &changed.target), (false, true, &bindings[0].target));

        for binding in &bindings {
            let action = format!("{page}bindings/{}/delete/", binding.id);
            let form = browser.get(page).await.form(&format!("form[action='{action}']"));
            let reply = browser.submit(form).await;
            let last = binding.id == bindings[1].id;
            assert_eq!(reply.body.contains("everybody may open the application now"), last, "{}", reply.body);
        }
        assert!(may(&browser.get(&format!("{page}?check={bob}")).await));
    }

    async fn a_binding_of_another_application_is_out_of_reach(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut browser = fixture.administrator().await;
        let ann = fixture.user("ann", &[]).await;
        for name in ["One", "Two"] {
            fill(&mut browser, NEW, "#application", &[("name", name), ("launch_url", "https://app.example.com")]).await;
        }
        fill(&mut browser, "/if/admin/applications/one/bindings/new/?kind=user", "#binding", &[("target", &ann)]).await;
        let mut conn = fixture.store.read().await.unwrap();
        let one = by_slug(&mut conn, "one").await.unwrap().unwrap();
        let id = bindings_of(&mut conn, &one.id).await.unwrap().remove(0).id;
        drop(conn);
        let csrf = browser.get("/if/admin/").await.form("form").value("csrf").unwrap().to_owned();
        assert_eq!(browser.get(&format!("/if/admin/applications/two/bindings/{id}/")).await.status, StatusCode::NOT_FOUND);
        let reply = browser.post_form(&format!("/if/admin/applications/two/bindings/{id}/delete/"), &[("csrf", &csrf)]).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND);
        let mut conn = fixture.store.read().await.unwrap();
        assert_eq!(bindings_of(&mut conn, &one.id).await.unwrap().len(), 1);
    }
}
