//! Links that let somebody in once: first-run setup, choosing a password. The token is stored hashed
//! and is consumed in the statement that checks it.

use std::time::Duration;

use sqlx::AnyConnection;

use crate::context::Site;

/// What a link is for; the subject is the user it is for, or empty for the product's first setup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Create the first administrator.
    FirstSetup,
    /// Choose a password for an existing account, and sign in as it.
    ChoosePassword,
}

impl Purpose {
    fn key(self) -> &'static str {
        match self {
            Self::FirstSetup => "first-setup",
            Self::ChoosePassword => "choose-password",
        }
    }
}

/// Makes a link's token, replacing an earlier one of the same purpose and subject.
///
/// # Errors
/// The database's.
pub async fn issue(
    conn: &mut AnyConnection,
    site: &Site,
    purpose: Purpose,
    subject: &str,
    lifetime: Duration,
) -> Result<store::Token, store::Error> {
    let token = store::new_token(&**site.random());
    sqlx::query(
        "INSERT INTO one_time_links (token_hash, product, purpose, subject, expires_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (product, purpose, subject) \
         DO UPDATE SET token_hash = excluded.token_hash, expires_at = excluded.expires_at",
    )
    .bind(token.hash())
    .bind(site.product().key())
    .bind(purpose.key())
    .bind(subject)
    .bind(site.now().plus(lifetime))
    .execute(conn)
    .await?;
    Ok(token)
}

/// The subject of a live link, without using it up: to show its form.
///
/// # Errors
/// The database's.
pub async fn look_up(
    conn: &mut AnyConnection,
    site: &Site,
    purpose: Purpose,
    token: &str,
) -> Result<Option<String>, store::Error> {
    let found: Option<(String,)> = sqlx::query_as(
        "SELECT subject FROM one_time_links \
         WHERE token_hash = $1 AND product = $2 AND purpose = $3 AND expires_at > $4",
    )
    .bind(store::hash_token(token))
    .bind(site.product().key())
    .bind(purpose.key())
    .bind(site.now())
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|(subject,)| subject))
}

/// Uses a link up and returns its subject; `None` if it is unknown, used or expired.
///
/// # Errors
/// The database's.
pub async fn consume(
    conn: &mut AnyConnection,
    site: &Site,
    purpose: Purpose,
    token: &str,
) -> Result<Option<String>, store::Error> {
    let found: Option<(String,)> = sqlx::query_as(
        "DELETE FROM one_time_links \
         WHERE token_hash = $1 AND product = $2 AND purpose = $3 AND expires_at > $4 RETURNING subject",
    )
    .bind(store::hash_token(token))
    .bind(site.product().key())
    .bind(purpose.key())
    .bind(site.now())
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|(subject,)| subject))
}
