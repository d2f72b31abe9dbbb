//! The newest events, for administrators.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use site::events::RecordedEvent;
use site::{Problem, Shell};

use crate::app::App;
use crate::auth::Administrator;
use crate::visit::Visit;

/// How many events the page shows.
const SHOWN: u32 = 200;

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/admin/events/", get(page))
}

#[derive(Template)]
#[template(path = "events/templates/list.html")]
struct EventsPage {
    shell: Shell,
    events: Vec<RecordedEvent>,
}

async fn page(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
) -> Result<Response, Problem> {
    let mut conn = app.store.read().await?;
    let events = app.events.newest(&mut conn, SHOWN).await?;
    site::html(&EventsPage { shell: visit.admin_page(&app, &person, "Events"), events })
}
