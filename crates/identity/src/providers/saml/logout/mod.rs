//! Single logout (SAML Profiles 4.4): applications are told when a session ends here, and may end it themselves.
//!
//! Each answer leaves a [`sessions::Participation`]: which application knows whom by which name. When a browser's
//! session ends, by whomever, [`begin`] turns its participations into the steps of one logout and the session is
//! over at once; whatever happens on the way, nobody stays signed in here. The steps are kept, so that a restart
//! loses none: those from server to server are taken by [`back_channel`], those by way of the browser by
//! [`pages`], in frames at once or one after the other. Each is taken once, and each answer is matched to it.

mod answers;
mod back_channel;
mod begin;
mod endpoints;
mod pages;
mod requests;
mod send;
mod sessions;
#[cfg(test)]
mod tests;
mod under_way;

use sqlx::AnyConnection;
use store::{Error, Timestamp};

pub(crate) use self::begin::{end_all_of, end_session};
pub(crate) use self::endpoints::routes;
pub(super) use self::endpoints::{by_post, by_redirect, is_logout};
pub(super) use self::sessions::beside_answer;
pub(crate) use self::sessions::follow;
use crate::app::App;

/// Where our single logout services live, below `/application/saml/<slug>/`; the last takes what the others take.
pub(super) const SERVICES: [(saml::LogoutBinding, &str); 3] = [
    (saml::LogoutBinding::HttpRedirect, "slo/binding/redirect/"),
    (saml::LogoutBinding::HttpPost, "slo/binding/post/"),
    (saml::LogoutBinding::Soap, "slo/binding/soap/"),
];

/// The page of a logout under way.
pub(super) fn page(id: &str) -> String {
    format!("/if/logout/{id}/")
}

/// Removes what has expired, and takes what steps from server to server an earlier run of the service left.
///
/// # Errors
/// The database's.
pub(crate) async fn sweep(app: &App, now: Timestamp) -> Result<(), Error> {
    for id in under_way::with_back_channel_left(&mut *app.store.read().await?, now).await? {
        back_channel::tell(app, &id).await?;
    }
    let mut tx = app.store.begin().await?;
    remove_expired(&mut tx, now).await?;
    tx.commit().await
}

async fn remove_expired(conn: &mut AnyConnection, now: Timestamp) -> Result<(), Error> {
    sqlx::query("DELETE FROM identity_saml_sessions WHERE expires_at <= $1")
        .bind(now)
        .execute(&mut *conn)
        .await?;
    sqlx::query("DELETE FROM identity_saml_logouts WHERE expires_at <= $1").bind(now).execute(conn).await?;
    Ok(())
}
