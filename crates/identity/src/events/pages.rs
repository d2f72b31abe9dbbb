//! The administrator's page about events.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use site::events::RecordedEvent;
use site::{Problem, Shell};

use super::EVENTS;
use crate::app::App;
use crate::visit::AdminVisit;

/// The most events on the page.
const MOST: u32 = 200;

pub(crate) fn routes() -> Router<App> {
    Router::new().route(EVENTS, get(list))
}

#[derive(Template)]
#[template(path = "events/templates/list.html")]
struct ListPage {
    shell: Shell,
    events: Vec<RecordedEvent>,
    all: bool,
}

async fn list(by: AdminVisit) -> Result<Response, Problem> {
    let events = by.app.events.newest(&mut *by.app.store.read().await?, MOST).await?;
    let all = events.len() < MOST as usize;
    site::html(&ListPage { shell: by.page("Events"), events, all })
}
