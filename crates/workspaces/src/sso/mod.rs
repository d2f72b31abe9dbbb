//! Signing in through somebody else: an identity provider vouches for a person.

pub(crate) mod connect;
pub(crate) mod saml;

use axum::Router;

use crate::app::App;

pub(crate) fn routes() -> Router<App> {
    saml::routes()
}
