//! SAML 2.0 as a service provider.

use axum::Router;
use sqlx::AnyConnection;
use store::{Error, Timestamp};

use crate::app::App;

pub(crate) fn routes() -> Router<App> {
    Router::new()
}

/// Removes what has expired.
pub(crate) async fn sweep(_conn: &mut AnyConnection, _now: Timestamp) -> Result<(), Error> {
    Ok(())
}
