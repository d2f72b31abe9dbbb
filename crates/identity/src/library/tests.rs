//! My applications, on both databases.

use axum::http::StatusCode;
use store::both_databases;
use store::testing::TestDatabase;
use testkit::Request;

use crate::testing::{Fixture, fill};

both_databases! {
    async fn a_person_sees_and_opens_what_they_may(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let ann = fixture.user("ann", &["Staff"]).await;
        let bob = fixture.user("bob", &[]).await;
        let staff = fixture.group("Staff").await;
        let (mut ann, mut bob) = (fixture.signed_in(&ann).await, fixture.signed_in(&bob).await);
        assert!(bob.get("/if/user/").await.body.contains("Ask your administrator"));
        assert!(admin.get("/if/user/").await.body.contains("Create with Provider"));

        let new = "/if/admin/applications/new/application/";
        for (name, launch) in [("Open", "https://open.example.com/a?b=c"), ("Wiki", "https://wiki.example.com"), ("Nothing", "")] {
            fill(&mut admin, new, "#application", &[("name", name), ("launch_url", launch)]).await;
        }
        fill(&mut admin, "/if/admin/applications/wiki/bindings/new/?kind=group", "#binding", &[("target", &staff)]).await;

        assert_eq!(ann.get("/if/user/").await.texts(".tile-title"), ["Open", "Wiki"]);
        assert_eq!(bob.get("/if/user/").await.texts(".tile-title"), ["Open"]);

        let reply = ann.send(Request::get("/application/launch/wiki/").without_redirects()).await;
        assert_eq!(reply.header("location"), Some("https://wiki.example.com/"));
        let reply = bob.send(Request::get("/application/launch/open/").without_redirects()).await;
        assert_eq!(reply.header("location"), Some("https://open.example.com/a?b=c"));
        let reply = bob.get("/application/launch/wiki/").await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        assert!(reply.body.contains("Permission denied") && reply.body.contains("ask your administrator"), "{}", reply.body);
        assert!(reply.header("location").is_none());
        assert!(fixture.events().await.contains(&("access_denied".to_owned(), "Wiki".to_owned())));
        for missing in ["/application/launch/nothing/", "/application/launch/nowhere/"] {
            assert_eq!(bob.get(missing).await.status, StatusCode::NOT_FOUND, "{missing}");
        }
        let reply = fixture.browser().get("http://auth.localhost:9000/application/launch/open/").await;
        assert_eq!(reply.url.path(), "/if/flow/default-authentication-flow/");
    }

    async fn tiles_stand_under_their_group_and_may_show_a_foreign_icon(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let new = "/if/admin/applications/new/application/";
        for (name, group, icon) in [("B", "Work", ""), ("A", "Work", "https://cdn.example.com/a.png"), ("C", "", "")] {
            let typed = [("name", name), ("group", group), ("icon", icon), ("launch_url", "https://app.example.com")];
            fill(&mut admin, new, "#application", &typed).await;
        }
        let reply = admin.get("/if/user/").await;
        assert_eq!(reply.texts(".tile-title"), ["C", "A", "B"]);
        assert_eq!(reply.texts("#applications h2"), ["Work"]);
        assert!(reply.header("content-security-policy").unwrap().contains("img-src 'self' data: https://cdn.example.com;"));
        let policy = admin.get("/if/admin/").await;
        assert!(!policy.header("content-security-policy").unwrap().contains("cdn.example.com"));
    }
}
