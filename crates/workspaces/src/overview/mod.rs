//! The start page of the administration: how things are, and what to do next.

#[cfg(test)]
mod tests;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use site::events::RecordedEvent;
use site::{Problem, Shell, html};

use crate::app::App;
use crate::auth::Administrator;
use crate::visit::Visit;

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/admin/", get(show))
}

/// How many of each there are.
#[derive(sqlx::FromRow)]
struct Counts {
    users: i64,
    workspaces: i64,
    sessions: i64,
    sso: i64,
}

#[derive(Template)]
#[template(path = "overview/templates/overview.html")]
struct OverviewPage {
    shell: Shell,
    counts: Counts,
    capacity: runtime::Capacity,
    events: Vec<RecordedEvent>,
    now: store::Timestamp,
}

async fn show(State(app): State<App>, visit: Visit, admin: Administrator) -> Result<Response, Problem> {
    let capacity =
        app.driver.capacity().await.map_err(|error| Problem::internal(format!("capacity: {error}")))?;
    let mut conn = app.store.read().await?;
    let counts: Counts = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM workspaces_users) AS users, \
         (SELECT COUNT(*) FROM workspaces_definitions WHERE enabled = 1) AS workspaces, \
         (SELECT COUNT(*) FROM workspaces_sessions WHERE state <> 'ended') AS sessions, \
         (SELECT COUNT(*) FROM workspaces_saml_configs WHERE enabled = 1) AS sso",
    )
    .fetch_one(&mut *conn)
    .await
    .map_err(store::Error::from)?;
    let events = app.events.newest(&mut conn, 8).await?;
    drop(conn);
    let shell = visit.admin_page(&app, &admin.0, "Overview");
    html(&OverviewPage { shell, counts, capacity, events, now: app.site.now() })
}
