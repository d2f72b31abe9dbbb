//! Signing in and out, and consent: the steps between a request and its answer.

mod pages;

use sqlx::AnyConnection;
use store::{Error, Timestamp};

pub(crate) use self::pages::routes;

/// The sign-in page.
pub(crate) const SIGN_IN: &str = "/if/flow/default-authentication-flow/";
/// Where signing out is posted to.
pub(crate) const SIGN_OUT: &str = "/if/flow/default-invalidation-flow/";

/// Removes what has expired.
pub(crate) async fn sweep(conn: &mut AnyConnection, now: Timestamp) -> Result<(), Error> {
    sqlx::query("DELETE FROM identity_consents WHERE expires_at <= $1").bind(now).execute(conn).await?;
    Ok(())
}
