//! The list of providers.

use axum::Router;

use crate::app::App;

pub(crate) fn routes() -> Router<App> {
    super::saml::routes()
}
