//! What people agreed to: that an application may learn who they are.

use std::time::Duration;

use site::Site;
use sqlx::AnyConnection;
use store::Error;

/// How long an agreement counts; then the person is asked again.
const LIFETIME: Duration = Duration::from_hours(4 * 7 * 24);

/// Whether a user has agreed, not too long ago, that an application learns who they are.
///
/// # Errors
/// The database's.
pub(crate) async fn has_consented(
    conn: &mut AnyConnection,
    site: &Site,
    user_id: &str,
    application_id: &str,
) -> Result<bool, Error> {
    let found: Option<(i64,)> = sqlx::query_as(
        "SELECT expires_at FROM identity_consents \
         WHERE user_id = $1 AND application_id = $2 AND expires_at > $3",
    )
    .bind(user_id)
    .bind(application_id)
    .bind(site.now())
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// Notes that a user agreed.
///
/// # Errors
/// The database's.
pub(super) async fn consent(
    conn: &mut AnyConnection,
    site: &Site,
    user_id: &str,
    application_id: &str,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO identity_consents (user_id, application_id, expires_at) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id, application_id) DO UPDATE SET expires_at = excluded.expires_at",
    )
    .bind(user_id)
    .bind(application_id)
    .bind(site.now().plus(LIFETIME))
    .execute(conn)
    .await?;
    Ok(())
}
