//! What is under way: requests that were sent, assertions that were used, and sign-ins that the browser
//! has yet to pick up. Each is consumed in the statement that checks it.

use std::time::Duration;

use ::store::{Error, Timestamp};
use site::Site;
use sqlx::{AnyConnection, FromRow};

/// How long a person may take at the identity provider.
const REQUEST_LIFETIME: Duration = Duration::from_mins(15);
/// How long the browser may take from the answer to its completion: one redirect.
const COMPLETION_LIFETIME: Duration = Duration::from_secs(60);

/// What a request was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Somebody wants in.
    SignIn,
    /// An administrator tries a configuration out.
    Test,
}

impl Purpose {
    fn key(self) -> &'static str {
        match self {
            Self::SignIn => "login",
            Self::Test => "test",
        }
    }
}

/// A request that was sent to an identity provider and has no accepted answer yet.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) id: String,
    pub(super) config_id: String,
    /// The browser that began.
    pub(super) visitor_hash: String,
    pub(super) purpose: Purpose,
    /// The page of ours that the person wanted.
    pub(super) return_path: String,
    /// The message that was sent (XML).
    pub(super) message: String,
}

#[derive(FromRow)]
struct RequestRow {
    id: String,
    config_id: String,
    visitor_hash: String,
    purpose: String,
    return_path: String,
    message: String,
}

impl Purpose {
    fn of(key: &str) -> Self {
        // Only this file writes the column.
        if key == Self::Test.key() { Self::Test } else { Self::SignIn }
    }
}

impl From<RequestRow> for Request {
    fn from(row: RequestRow) -> Self {
        Self {
            id: row.id,
            config_id: row.config_id,
            visitor_hash: row.visitor_hash,
            purpose: Purpose::of(&row.purpose),
            return_path: row.return_path,
            message: row.message,
        }
    }
}

pub(super) async fn remember(conn: &mut AnyConnection, site: &Site, request: &Request) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO workspaces_saml_requests (id, config_id, visitor_hash, purpose, return_path, message, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&request.id)
    .bind(&request.config_id)
    .bind(&request.visitor_hash)
    .bind(request.purpose.key())
    .bind(&request.return_path)
    .bind(&request.message)
    .bind(site.now().plus(REQUEST_LIFETIME))
    .execute(conn)
    .await?;
    Ok(())
}

/// The live request of this id, to know what to expect of its answer. It is still there afterwards.
pub(super) async fn look_up(
    conn: &mut AnyConnection,
    site: &Site,
    config: &str,
    id: &str,
) -> Result<Option<Request>, Error> {
    let row: Option<RequestRow> = sqlx::query_as(
        "SELECT id, config_id, visitor_hash, purpose, return_path, message FROM workspaces_saml_requests \
         WHERE id = $1 AND config_id = $2 AND expires_at > $3",
    )
    .bind(id)
    .bind(config)
    .bind(site.now())
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Request::from))
}

/// A request without an accepted answer, for administrators.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) sent_at: Timestamp,
    /// What for; `None` to sign somebody out.
    pub(super) purpose: Option<Purpose>,
    /// The message that was sent (XML).
    pub(super) message: String,
}

/// The newest requests of a configuration that have no accepted answer yet.
pub(super) async fn waiting(
    conn: &mut AnyConnection,
    site: &Site,
    config: &str,
    most: u32,
) -> Result<Vec<Waiting>, Error> {
    let rows: Vec<(String, String, Timestamp)> = sqlx::query_as(
        "SELECT purpose, message, expires_at FROM workspaces_saml_requests WHERE config_id = $1 AND expires_at > $2 \
         ORDER BY expires_at DESC, id DESC LIMIT $3",
    )
    .bind(config)
    .bind(site.now())
    .bind(i64::from(most))
    .fetch_all(conn)
    .await?;
    let waiting = |(purpose, message, expires_at): (String, String, Timestamp)| Waiting {
        sent_at: expires_at.minus(REQUEST_LIFETIME),
        purpose: Some(Purpose::of(&purpose)),
        message,
    };
    Ok(rows.into_iter().map(waiting).collect())
}

/// Uses a request up; `false` if an answer was accepted already, or it has expired.
pub(super) async fn consume_request(conn: &mut AnyConnection, site: &Site, id: &str) -> Result<bool, Error> {
    let done = sqlx::query("DELETE FROM workspaces_saml_requests WHERE id = $1 AND expires_at > $2")
        .bind(id)
        .bind(site.now())
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Uses an assertion up; `false` if it was used before. It is remembered until it would be refused for
/// its age alone.
pub(super) async fn consume_assertion(
    conn: &mut AnyConnection,
    issuer: &str,
    assertion_id: &str,
    expires_at: Timestamp,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "INSERT INTO workspaces_saml_replay (issuer, assertion_id, expires_at) VALUES ($1, $2, $3) \
         ON CONFLICT DO NOTHING",
    )
    .bind(issuer)
    .bind(assertion_id)
    .bind(expires_at)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// An answer that was examined, waiting for the browser.
#[derive(Clone, Debug)]
pub(super) struct Completion {
    pub(super) config_id: String,
    /// The browser that began; empty when the identity provider began.
    pub(super) visitor_hash: String,
    pub(super) outcome: super::sign_in::Outcome,
    pub(super) return_path: String,
}

/// Keeps a completion and returns the token that picks it up.
pub(super) async fn keep(
    conn: &mut AnyConnection,
    site: &Site,
    completion: &Completion,
) -> Result<::store::Token, Error> {
    let token = ::store::new_token(&**site.random());
    let outcome = serde_json::to_string(&completion.outcome)
        .map_err(|error| Error::Refused(format!("a sign-in could not be kept: {error}")))?;
    sqlx::query(
        "INSERT INTO workspaces_saml_completions \
         (token_hash, config_id, visitor_hash, outcome, return_path, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(token.hash())
    .bind(&completion.config_id)
    .bind(&completion.visitor_hash)
    .bind(outcome)
    .bind(&completion.return_path)
    .bind(site.now().plus(COMPLETION_LIFETIME))
    .execute(conn)
    .await?;
    Ok(token)
}

#[derive(FromRow)]
struct CompletionRow {
    config_id: String,
    visitor_hash: String,
    outcome: String,
    return_path: String,
}

impl CompletionRow {
    fn read(self) -> Result<Completion, Error> {
        let outcome = serde_json::from_str(&self.outcome)
            .map_err(|error| Error::Refused(format!("a kept sign-in can't be read: {error}")))?;
        Ok(Completion {
            config_id: self.config_id,
            visitor_hash: self.visitor_hash,
            outcome,
            return_path: self.return_path,
        })
    }
}

/// Picks up what this very browser began; what another browser began stays where it is.
pub(super) async fn pick_up(
    conn: &mut AnyConnection,
    site: &Site,
    token: &str,
    visitor_hash: &str,
) -> Result<Option<Completion>, Error> {
    let row: Option<CompletionRow> = sqlx::query_as(
        "DELETE FROM workspaces_saml_completions WHERE token_hash = $1 AND visitor_hash = $2 AND expires_at > $3 \
         RETURNING config_id, visitor_hash, outcome, return_path",
    )
    .bind(::store::hash_token(token))
    .bind(visitor_hash)
    .bind(site.now())
    .fetch_optional(conn)
    .await?;
    row.map(CompletionRow::read).transpose()
}

/// What an identity provider began, to ask the person; it is still there afterwards. [`pick_up`] with an
/// empty visitor takes it.
pub(super) async fn look_up_unsolicited(
    conn: &mut AnyConnection,
    site: &Site,
    token: &str,
) -> Result<Option<Completion>, Error> {
    let row: Option<CompletionRow> = sqlx::query_as(
        "SELECT config_id, visitor_hash, outcome, return_path FROM workspaces_saml_completions \
         WHERE token_hash = $1 AND visitor_hash = '' AND expires_at > $2",
    )
    .bind(::store::hash_token(token))
    .bind(site.now())
    .fetch_optional(conn)
    .await?;
    row.map(CompletionRow::read).transpose()
}

/// Removes what has expired.
pub(super) async fn sweep(conn: &mut AnyConnection, now: Timestamp) -> Result<(), Error> {
    for sql in [
        "DELETE FROM workspaces_saml_requests WHERE expires_at <= $1",
        "DELETE FROM workspaces_saml_replay WHERE expires_at <= $1",
        "DELETE FROM workspaces_saml_completions WHERE expires_at <= $1",
    ] {
        sqlx::query(sql).bind(now).execute(&mut *conn).await?;
    }
    Ok(())
}
