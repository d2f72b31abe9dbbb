//! Signing in and out, and consent: the steps between what an application asks for and its answer.
//! Nothing here knows by which protocol it asked.
//!
//! A request that can't be answered at once waits ([`pending`]) under a token in the address. Whoever
//! comes with the token is led on by one dispatcher ([`step::next`]) until the request is answered
//! or refused, and then it is gone.

mod consents;
mod pages;
mod pending;
mod sign_in;
mod step;
#[cfg(test)]
mod tests;
mod waiting;

use sqlx::AnyConnection;
use store::{Error, Timestamp};
use url::form_urlencoded;

pub(crate) use self::consents::has_consented;
pub(crate) use self::pages::routes;
pub(crate) use self::pending::{Demands, NewRequest, follow, keep};
pub(crate) use self::step::{Fit, Refusal, Standing, Step, Told, next};

/// The sign-in page.
pub(crate) const SIGN_IN: &str = "/if/flow/default-authentication-flow/";
/// Where signing out is posted to.
pub(crate) const SIGN_OUT: &str = "/if/flow/default-invalidation-flow/";
/// Where a person agrees that an application learns who they are.
pub(crate) const CONSENT: &str = "/if/flow/default-provider-authorization-explicit-consent/";
/// Where a person turns back to the application without an answer.
pub(crate) const CANCEL: &str = "/if/flow/cancel/";

/// The address of the sign-in page that leads on to a page of ours.
pub(crate) fn sign_in_then(path: &str) -> String {
    let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
    format!("{SIGN_IN}?next={next}")
}

/// The address under which a waiting request goes on.
pub(crate) fn go_on(token: &str) -> String {
    format!("{SIGN_IN}?request={token}")
}

/// Removes what has expired.
pub(crate) async fn sweep(conn: &mut AnyConnection, now: Timestamp) -> Result<(), Error> {
    sqlx::query("DELETE FROM identity_pending_requests WHERE expires_at <= $1")
        .bind(now)
        .execute(&mut *conn)
        .await?;
    sqlx::query("DELETE FROM identity_consents WHERE expires_at <= $1").bind(now).execute(conn).await?;
    Ok(())
}
