//! Sign-in sessions of people's browsers, for both products: one row per signed-in browser, found by
//! the hash of its visitor cookie.

use std::time::Duration;

use sqlx::{AnyConnection, FromRow};
use store::Timestamp;

use crate::context::{Product, Site};
use crate::events;
use crate::visitor::{ClientAddr, Visitor};

/// A signed-in browser.
#[derive(Clone, Debug, FromRow)]
pub struct BrowserSession {
    /// Names the session to administrators and in events; no secret.
    pub id: String,
    /// The account that is signed in.
    pub user_id: String,
    /// How the person proved who they are: `password`, `saml:<configuration id>`, …
    pub method: String,
    /// The address it was opened from.
    pub client_addr: String,
    /// The browser, in its own words.
    pub user_agent: String,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When the person last proved who they are.
    pub authenticated_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// What opens a session.
#[derive(Clone, Debug)]
pub struct SignIn<'s> {
    /// The account.
    pub user_id: &'s str,
    /// How the person proved who they are.
    pub method: &'s str,
    /// Where from.
    pub client_addr: ClientAddr,
    /// The `User-Agent` header.
    pub user_agent: &'s str,
    /// How long the session lasts.
    pub lifetime: Duration,
}

/// The columns that [`BrowserSession`] reads, for queries that join it.
pub const COLUMNS: &str = "s.id, s.user_id, s.method, s.client_addr, s.user_agent, s.created_at, \
     s.authenticated_at, s.last_seen_at, s.expires_at";

/// Opens a session and returns the renewed visitor: put it on the response (`extensions_mut().insert`),
/// so that a cookie known before sign-in is worth nothing after it (session fixation).
///
/// # Errors
/// The database's.
pub async fn open(
    conn: &mut AnyConnection,
    site: &Site,
    sign_in: &SignIn<'_>,
) -> Result<(Visitor, BrowserSession), store::Error> {
    let visitor = Visitor::renewed(site);
    let now = site.now();
    let session = BrowserSession {
        id: store::new_id(&**site.random()),
        user_id: sign_in.user_id.to_owned(),
        method: sign_in.method.to_owned(),
        client_addr: sign_in.client_addr.to_string(),
        user_agent: sign_in.user_agent.chars().take(300).collect(),
        created_at: now,
        authenticated_at: now,
        last_seen_at: now,
        expires_at: now.plus(sign_in.lifetime),
    };
    sqlx::query(
        "INSERT INTO browser_sessions (token_hash, id, product, user_id, method, client_addr, user_agent, \
         created_at, authenticated_at, last_seen_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(visitor.hash())
    .bind(&session.id)
    .bind(site.product().key())
    .bind(&session.user_id)
    .bind(&session.method)
    .bind(&session.client_addr)
    .bind(&session.user_agent)
    .bind(session.created_at)
    .bind(session.authenticated_at)
    .bind(session.last_seen_at)
    .bind(session.expires_at)
    .execute(conn)
    .await?;
    Ok((visitor, session))
}

/// The live session of a browser, if it has one.
///
/// # Errors
/// The database's.
pub async fn find(
    conn: &mut AnyConnection,
    site: &Site,
    visitor: &Visitor,
) -> Result<Option<BrowserSession>, store::Error> {
    if visitor.is_new() {
        return Ok(None);
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM browser_sessions s WHERE s.token_hash = $1 AND s.product = $2 AND s.expires_at > $3"
    );
    let found = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(visitor.hash())
        .bind(site.product().key())
        .bind(site.now())
        .fetch_optional(conn)
        .await?;
    Ok(found)
}

/// Ends the session of this browser. Returns a fresh visitor for the response.
///
/// # Errors
/// The database's.
pub async fn close(
    conn: &mut AnyConnection,
    site: &Site,
    visitor: &Visitor,
) -> Result<Visitor, store::Error> {
    sqlx::query("DELETE FROM browser_sessions WHERE token_hash = $1")
        .bind(visitor.hash())
        .execute(conn)
        .await?;
    Ok(Visitor::renewed(site))
}

/// Ends one session, by its id: at the wish of whoever vouched for the person, say.
///
/// # Errors
/// The database's.
pub async fn close_one(conn: &mut AnyConnection, site: &Site, id: &str) -> Result<bool, store::Error> {
    let done = sqlx::query("DELETE FROM browser_sessions WHERE product = $1 AND id = $2")
        .bind(site.product().key())
        .bind(id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends every session of a user, at once: after a password change, or when the account is disabled or deleted.
///
/// # Errors
/// The database's.
pub async fn close_all_of(conn: &mut AnyConnection, site: &Site, user_id: &str) -> Result<u64, store::Error> {
    let done = sqlx::query("DELETE FROM browser_sessions WHERE product = $1 AND user_id = $2")
        .bind(site.product().key())
        .bind(user_id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

/// Ends every session that people opened in one way, at once: after that way was closed to them.
///
/// # Errors
/// The database's.
pub async fn close_all_by_method(
    conn: &mut AnyConnection,
    site: &Site,
    method: &str,
) -> Result<u64, store::Error> {
    let done = sqlx::query("DELETE FROM browser_sessions WHERE product = $1 AND method = $2")
        .bind(site.product().key())
        .bind(method)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

/// Removes what has expired from every table of this crate: sessions, one-time links, and events of more
/// than a year ago.
///
/// # Errors
/// The database's.
pub async fn sweep(conn: &mut AnyConnection, now: Timestamp) -> Result<(), store::Error> {
    sqlx::query("DELETE FROM browser_sessions WHERE expires_at <= $1").bind(now).execute(&mut *conn).await?;
    sqlx::query("DELETE FROM one_time_links WHERE expires_at <= $1").bind(now).execute(&mut *conn).await?;
    for product in Product::ALL {
        events::sweep(conn, product.key(), now.minus(events::KEPT)).await?;
    }
    Ok(())
}
