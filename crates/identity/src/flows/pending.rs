//! Requests of applications that wait until the person has signed in or agreed.

use std::time::Duration;

use site::{Site, Visitor};
use sqlx::{AnyConnection, FromRow};
use store::Error;
use url::Url;

/// How long a person may take to sign in.
const LIFETIME: Duration = Duration::from_hours(1);

/// What an application demands of the sign-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demands {
    /// The person proves who they are again, though they are signed in.
    pub(crate) force_authn: bool,
    /// Nothing may be shown to the person: answer at once, or say that it can't be.
    pub(crate) passive: bool,
}

/// A request to be kept.
#[derive(Clone, Debug)]
pub(crate) struct NewRequest<'r> {
    /// The application's id.
    pub(crate) application_id: &'r str,
    /// What the application demands.
    pub(crate) demands: Demands,
    /// Where the answer will go; forms on the way there may be redirected to its origin.
    pub(crate) return_to: &'r Url,
    /// What the protocol needs for its answer, in its own form.
    pub(crate) details: String,
}

/// A request that waits, found by its token.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    token_hash: String,
    visitor_hash: String,
    /// What the application is called in addresses.
    pub(crate) slug: String,
    /// What the application demands.
    pub(crate) demands: Demands,
    /// Where the answer will go.
    pub(crate) return_to: String,
    /// What the protocol needs for its answer.
    pub(crate) details: String,
    /// The session that was opened for this very request, if one was.
    pub(crate) proven_session_id: Option<String>,
}

#[derive(FromRow)]
struct Row {
    slug: String,
    force_authn: i64,
    is_passive: i64,
    return_to: String,
    details: String,
    proven_session_id: Option<String>,
}

/// Keeps a request and returns the token under which it goes on. Without a visitor (a POST from another
/// site comes without our cookie) it will belong to the first browser that comes with the token.
///
/// # Errors
/// The database's.
pub(crate) async fn keep(
    conn: &mut AnyConnection,
    site: &Site,
    request: &NewRequest<'_>,
    visitor: Option<&Visitor>,
) -> Result<store::Token, Error> {
    let token = store::new_token(&**site.random());
    sqlx::query(
        "INSERT INTO identity_pending_requests \
         (token_hash, application_id, visitor_hash, force_authn, is_passive, return_to, details, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(token.hash())
    .bind(request.application_id)
    .bind(visitor.map(Visitor::hash))
    .bind(i64::from(request.demands.force_authn))
    .bind(i64::from(request.demands.passive))
    .bind(request.return_to.as_str())
    .bind(&request.details)
    .bind(site.now().plus(LIFETIME))
    .execute(conn)
    .await?;
    Ok(token)
}

/// The waiting request of this browser; one that belongs to nobody yet becomes this browser's. `None` if
/// there is none, it has expired, or it is another browser's.
///
/// # Errors
/// The database's.
pub(super) async fn claim(
    conn: &mut AnyConnection,
    site: &Site,
    token: &str,
    visitor: &Visitor,
) -> Result<Option<Pending>, Error> {
    let (token_hash, visitor_hash) = (store::hash_token(token), visitor.hash());
    sqlx::query(
        "UPDATE identity_pending_requests SET visitor_hash = $2 WHERE token_hash = $1 AND visitor_hash IS NULL",
    )
    .bind(&token_hash)
    .bind(&visitor_hash)
    .execute(&mut *conn)
    .await?;
    let row: Option<Row> = sqlx::query_as(
        "SELECT a.slug, p.force_authn, p.is_passive, p.return_to, p.details, p.proven_session_id \
         FROM identity_pending_requests p JOIN identity_applications a ON a.id = p.application_id \
         WHERE p.token_hash = $1 AND p.visitor_hash = $2 AND p.expires_at > $3",
    )
    .bind(&token_hash)
    .bind(&visitor_hash)
    .bind(site.now())
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Pending {
        token_hash,
        visitor_hash,
        slug: row.slug,
        demands: Demands { force_authn: row.force_authn != 0, passive: row.is_passive != 0 },
        return_to: row.return_to,
        details: row.details,
        proven_session_id: row.proven_session_id,
    }))
}

/// Takes a request away, so that it is answered or refused once. `false` if somebody was faster.
///
/// # Errors
/// The database's.
pub(super) async fn consume(conn: &mut AnyConnection, site: &Site, pending: &Pending) -> Result<bool, Error> {
    let done = sqlx::query(
        "DELETE FROM identity_pending_requests WHERE token_hash = $1 AND visitor_hash = $2 AND expires_at > $3",
    )
    .bind(&pending.token_hash)
    .bind(&pending.visitor_hash)
    .bind(site.now())
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that the person proved who they are for this very request, in that session.
///
/// # Errors
/// The database's.
pub(super) async fn prove(
    conn: &mut AnyConnection,
    pending: &Pending,
    session_id: &str,
) -> Result<(), Error> {
    sqlx::query("UPDATE identity_pending_requests SET proven_session_id = $2 WHERE token_hash = $1")
        .bind(&pending.token_hash)
        .bind(session_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Every waiting request of a browser follows it when its cookie is renewed at sign-in: several tabs may
/// wait for the same sign-in.
///
/// # Errors
/// The database's.
pub(crate) async fn follow(conn: &mut AnyConnection, from: &Visitor, to: &Visitor) -> Result<(), Error> {
    sqlx::query("UPDATE identity_pending_requests SET visitor_hash = $2 WHERE visitor_hash = $1")
        .bind(from.hash())
        .bind(to.hash())
        .execute(conn)
        .await?;
    Ok(())
}
