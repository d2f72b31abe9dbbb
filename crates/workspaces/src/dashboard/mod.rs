//! What a person sees after signing in: workspaces to launch and sessions to resume.

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use site::Problem;

use crate::app::App;
use crate::auth::Person;
use crate::visit::Visit;

pub(crate) fn routes() -> Router<App> {
    Router::new()
}

/// The dashboard.
pub(crate) async fn page(_app: &App, _visit: &Visit, _person: &Person) -> Result<Response, Problem> {
    Ok(().into_response())
}
