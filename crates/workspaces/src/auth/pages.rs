use axum::Router;
use axum::response::Response;
use site::Problem;

use crate::app::App;
use crate::visit::Visit;

pub(crate) fn routes() -> Router<App> {
    Router::new()
}

pub(crate) async fn start_page(_app: &App, _visit: &Visit) -> Result<Response, Problem> {
    Err(Problem::not_found("Nothing here yet."))
}
