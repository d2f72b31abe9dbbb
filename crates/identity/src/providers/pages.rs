//! The list of providers.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use site::{Problem, Shell};

use super::saml;
use crate::app::App;
use crate::visit::AdminVisit;

/// The list of providers.
pub(crate) const PROVIDERS: &str = "/if/admin/providers/";

pub(crate) fn routes() -> Router<App> {
    Router::new().route(PROVIDERS, get(list)).merge(saml::routes())
}

#[derive(Template)]
#[template(path = "providers/templates/list.html")]
struct ListPage {
    shell: Shell,
    providers: Vec<saml::Listed>,
}

async fn list(by: AdminVisit) -> Result<Response, Problem> {
    let providers = saml::list(&mut *by.app.store.read().await?).await?;
    site::html(&ListPage { shell: by.page("Providers"), providers })
}
