//! The start page and the one click, on both databases.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::http::StatusCode;
use store::both_databases;
use store::testing::TestDatabase;

use crate::testing::{Fixture, fill};
use crate::{ConnectError, WorkspacesConnector};

/// Refuses the first time.
#[derive(Default)]
struct Reluctant(AtomicBool);

#[async_trait]
impl WorkspacesConnector for Reluctant {
    fn name(&self) -> String {
        "Workspaces".into()
    }

    async fn connect(&self) -> Result<(), ConnectError> {
        if self.0.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        Err(ConnectError::Refused("Workspaces is <asleep>.".into()))
    }
}

both_databases! {
    async fn the_start_page_counts_and_says_what_to_do_next(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let reply = admin.get("/if/admin/").await;
        assert_eq!(reply.texts(".stat-value"), ["0", "0", "1", "1", "1"]);
        assert_eq!(reply.texts(".empty h2"), ["No applications yet"]);
        assert!(reply.texts("#connect").is_empty(), "{}", reply.body);
        assert!(reply.body.contains("First administrator created"), "{}", reply.body);
        let typed = [("name", "Files"), ("launch_url", "https://files.example.com")];
        fill(&mut admin, "/if/admin/applications/new/application/", "#application", &typed).await;
        let reply = admin.get("/if/admin/").await;
        assert_eq!(reply.texts(".stat-value"), ["1", "0", "1", "1", "1"]);
        assert!(reply.texts(".empty h2").is_empty());
        let events = admin.get("/if/admin/events/").await;
        assert_eq!(events.texts("#events tbody tr td[data-label='What']"), ["Created an application", "First administrator created"]);
        assert!(events.body.contains("slug: files") && events.body.contains("127.0.0.1"), "{}", events.body);
    }

    async fn one_click_connects_or_says_why_not(db: TestDatabase) {
        let fixture = Fixture::with_connector(&db, Some(Arc::new(Reluctant::default()))).await;
        let mut admin = fixture.administrator().await;
        let page = admin.get("/if/admin/").await;
        assert_eq!(page.texts("#connect"), ["Connect Workspaces"]);
        let reply = admin.submit(page.form("#connect")).await;
        assert_eq!(reply.status, StatusCode::CONFLICT);
        assert_eq!(reply.texts("[role=alert]"), ["Workspaces is <asleep>."]);
        let reply = admin.submit(page.form("#connect")).await;
        assert!(reply.body.contains("Workspaces is connected"), "{}", reply.body);
        assert!(fixture.events().await.contains(&("connected".to_owned(), "Workspaces".to_owned())));
    }
}
