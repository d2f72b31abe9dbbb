//! Groups as an administrator changes them, on both databases.

use axum::http::StatusCode;
use store::both_databases;
use store::testing::TestDatabase;

use super::{names, of_user};
use crate::testing::{Fixture, fill, mistakes};

const NEW: &str = "/if/admin/groups/new/";

both_databases! {
    async fn a_group_is_created_changed_and_deleted(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let ann = fixture.user("ann", &[]).await;
        let mut browser = fixture.administrator().await;
        let reply = fill(&mut browser, NEW, "#group", &[("name", "Staff"), ("members", &ann)]).await;
        assert!(reply.body.contains("The group Staff was created."), "{}", reply.body);
        let reply = fill(&mut browser, NEW, "#group", &[("name", " Staff ")]).await;
        assert_eq!(mistakes(&reply), ["Another group has this name."]);
        assert_eq!(fill(&mut browser, NEW, "#group", &[("name", "")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);

        let page = format!("/if/admin/groups/{}/", fixture.group("Staff").await);
        let form = browser.get(&page).await.form("#group");
        assert_eq!(form.value("members"), Some(ann.as_str()));
        browser.submit(form.set("name", "Crew")).await;
        let mut conn = fixture.store.read().await.unwrap();
        assert_eq!(of_user(&mut conn, &ann).await.unwrap()[0].name, "Crew");
        drop(conn);

        let form = browser.get(&page).await.form("#delete");
        let reply = browser.submit(form).await;
        assert!(reply.body.contains("The group Crew was deleted."), "{}", reply.body);
        let mut conn = fixture.store.read().await.unwrap();
        assert!(of_user(&mut conn, &ann).await.unwrap().is_empty());
        assert_eq!(names(&mut conn).await.unwrap().len(), 1);
        assert_eq!(browser.get(&page).await.status, StatusCode::NOT_FOUND);
    }

    async fn a_member_of_superusers_administers_from_the_next_page_on(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let id = fixture.user("ann", &[]).await;
        let mut ann = fixture.signed_in(&id).await;
        assert_eq!(ann.get("/if/admin/").await.status, StatusCode::FORBIDDEN);
        let page = format!("/if/admin/groups/{}/", fixture.group("Administrators").await);
        let form = admin.get(&page).await.form("#group").set("members", &id);
        admin.submit(form).await;
        assert_eq!(ann.get("/if/admin/").await.status, StatusCode::OK);
        let form = admin.get(&page).await.form("#group").untick("members").set("members", &fixture.id_of("admin").await);
        admin.submit(form).await;
        assert_eq!(ann.get("/if/admin/").await.status, StatusCode::FORBIDDEN);
    }
}
