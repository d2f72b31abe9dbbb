//! Getting in for the first time: what a first start makes, creating the first administrator, and
//! choosing a password by a one-time link.

mod pages;
#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::http::StatusCode;
use site::Problem;
use site::one_time_links::{self, Purpose};
use sqlx::AnyConnection;

pub(crate) use self::pages::routes;
use crate::app::{App, OpenError};
use crate::{certificates, groups, users};

/// How long a link of this kind works.
pub(crate) const LINK_LIFETIME: Duration = Duration::from_hours(24);

/// How long somebody stays signed in who came by a link.
const SESSION_LIFETIME: Duration = Duration::from_hours(24);

/// Makes what a first start needs: the group that administers, and a certificate to sign with.
pub(crate) async fn first_start(app: &App) -> Result<(), OpenError> {
    let mut tx = app.store.begin().await?;
    groups::create_administrators(&mut tx, &app.site).await?;
    tx.commit().await?;
    certificates::ensure_default(app).await
}

/// A link to the first setup, while nobody administers.
pub(crate) async fn first_setup_link(app: &App) -> Result<Option<String>, store::Error> {
    let mut tx = app.store.begin().await?;
    if users::any_administrator(&mut tx).await? {
        return Ok(None);
    }
    let token = one_time_links::issue(&mut tx, &app.site, Purpose::FirstSetup, "", LINK_LIFETIME).await?;
    tx.commit().await?;
    Ok(Some(app.site.url(&format!("/if/flow/initial-setup/?token={}", token.as_str()))))
}

/// A link with which a user chooses a password, replacing an earlier one.
pub(crate) async fn choose_password_link(
    conn: &mut AnyConnection,
    app: &App,
    user_id: &str,
) -> Result<String, store::Error> {
    let token =
        one_time_links::issue(conn, &app.site, Purpose::ChoosePassword, user_id, LINK_LIFETIME).await?;
    Ok(app.site.url(&format!("/if/flow/recovery/?token={}", token.as_str())))
}

/// A link with which the sample user chooses a password, until they have.
pub(crate) async fn sample_user_link(app: &App) -> Result<Option<String>, store::Error> {
    let mut tx = app.store.begin().await?;
    let Some(user_id) = users::ensure_sample(&mut tx, &app.site).await? else { return Ok(None) };
    let link = choose_password_link(&mut tx, app, &user_id).await?;
    tx.commit().await?;
    Ok(Some(link))
}

/// What everybody sees before there is an administrator.
pub(crate) fn not_set_up_yet() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "Almost there",
        "Nobody administers this installation yet. When Innkeeper started it printed a link with which the first \
         administrator creates their account: open that link. Starting Innkeeper again prints a new one.",
    )
}
