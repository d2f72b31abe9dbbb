use ::store::{Error, Timestamp};
use sqlx::{AnyConnection, FromRow};

use super::{EndCause, Session, State};
use crate::catalogue::{Definition, Thumbnail};

#[derive(FromRow)]
struct Row {
    id: String,
    username: String,
    workspace_id: String,
    workspace_name: String,
    thumbnail: String,
    state: String,
    cause: String,
    handle: Option<String>,
    created_at: Timestamp,
    last_active_at: Timestamp,
    expires_at: Timestamp,
}

const COLUMNS: &str = "s.id, COALESCE(u.username, '') AS username, s.workspace_id, s.workspace_name, s.thumbnail, s.state, s.cause, \
     s.handle, s.created_at, s.last_active_at, s.expires_at";

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        let handle = row.handle.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let state = match (row.state.as_str(), handle) {
            ("requested", _) => State::Requested,
            ("starting", _) => State::Starting,
            ("running", Some(handle)) => State::Running(handle),
            // A session that runs under a handle that can't be read is one to be stopped.
            ("running" | "stopping", handle) => State::Stopping(cause(&row.cause), handle),
            _ => State::Ended(cause(&row.cause)),
        };
        Self {
            id: row.id,
            username: row.username,
            workspace_id: row.workspace_id,
            workspace_name: row.workspace_name,
            thumbnail: Thumbnail::stored(&row.thumbnail),
            state,
            created_at: row.created_at,
            last_active_at: row.last_active_at,
            expires_at: row.expires_at,
        }
    }
}

fn cause(text: &str) -> EndCause {
    serde_json::from_str(text).unwrap_or_else(|_| EndCause::Driver("The session has ended.".into()))
}

fn cause_text(cause: &EndCause) -> String {
    serde_json::to_string(cause).unwrap_or_default()
}

/// Writes down that a session is wanted.
pub(super) async fn request(
    conn: &mut AnyConnection,
    id: &str,
    user_id: &str,
    definition: &Definition,
    now: Timestamp,
) -> Result<(), Error> {
    let details = &definition.details;
    sqlx::query(
        "INSERT INTO workspaces_sessions (id, user_id, workspace_id, workspace_name, thumbnail, state, cause, \
         idle_limit_seconds, created_at, last_active_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, 'requested', '', $6, $7, $7, $8)",
    )
    .bind(id)
    .bind(user_id)
    .bind(&definition.id)
    .bind(&details.friendly_name)
    .bind(details.thumbnail.text())
    .bind(i64::try_from(details.idle_limit.as_secs()).unwrap_or(i64::MAX))
    .bind(now)
    .bind(now.plus(details.session_time_limit))
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps an account as it is until the transaction ends; `false` if it is closed. So of two launches at once
/// the second one counts the first, and none slips in while the account is being disabled. The update
/// changes nothing: it is the lock that both databases know.
pub(super) async fn hold_account(conn: &mut AnyConnection, user_id: &str) -> Result<bool, Error> {
    let done = sqlx::query("UPDATE workspaces_users SET disabled = disabled WHERE id = $1 AND disabled = 0")
        .bind(user_id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// How many sessions of a user take up room.
pub(super) async fn count_alive(conn: &mut AnyConnection, user_id: &str) -> Result<u32, Error> {
    let (count,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM workspaces_sessions WHERE user_id = $1 AND state <> 'ended'")
            .bind(user_id)
            .fetch_one(conn)
            .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// How many sessions of a workspace take up room.
pub(crate) async fn alive_of_workspace(conn: &mut AnyConnection, workspace_id: &str) -> Result<i64, Error> {
    let (count,): (i64,) = sqlx::query_as(
        "SELECT COUNT(*) FROM workspaces_sessions WHERE workspace_id = $1 AND state <> 'ended'",
    )
    .bind(workspace_id)
    .fetch_one(conn)
    .await?;
    Ok(count)
}

async fn select(conn: &mut AnyConnection, condition: &str, binds: &[&str]) -> Result<Vec<Session>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM workspaces_sessions s LEFT JOIN workspaces_users u ON u.id = s.user_id \
         WHERE {condition} ORDER BY s.created_at DESC, s.id"
    );
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    for bind in binds {
        query = query.bind((*bind).to_owned());
    }
    let rows: Vec<Row> = query.fetch_all(conn).await?;
    Ok(rows.into_iter().map(Session::from).collect())
}

/// The sessions of a user that take up room, newest first.
pub(crate) async fn alive_of(conn: &mut AnyConnection, user_id: &str) -> Result<Vec<Session>, Error> {
    select(conn, "s.user_id = $1 AND s.state <> 'ended'", &[user_id]).await
}

/// Every session that takes up room, newest first.
pub(super) async fn alive(conn: &mut AnyConnection) -> Result<Vec<Session>, Error> {
    select(conn, "s.state <> 'ended'", &[]).await
}

/// One session, whoever's it is.
pub(super) async fn find(conn: &mut AnyConnection, id: &str) -> Result<Option<Session>, Error> {
    Ok(select(conn, "s.id = $1", &[id]).await?.pop())
}

/// One session of one user; another's is as good as none.
pub(super) async fn find_own(
    conn: &mut AnyConnection,
    id: &str,
    user_id: &str,
) -> Result<Option<Session>, Error> {
    Ok(select(conn, "s.id = $1 AND s.user_id = $2", &[id, user_id]).await?.pop())
}

/// Moves a requested session on; `false` if it is not requested any more.
pub(super) async fn begin_start(conn: &mut AnyConnection, id: &str) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE workspaces_sessions SET state = 'starting' WHERE id = $1 AND state IN ('requested', 'starting')",
    )
    .bind(id)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A driver runs it now, if it is still wanted.
pub(super) async fn started(
    conn: &mut AnyConnection,
    id: &str,
    handle: &runtime::Handle,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE workspaces_sessions SET state = 'running', handle = $2, last_active_at = $3 \
         WHERE id = $1 AND state = 'starting'",
    )
    .bind(id)
    .bind(serde_json::to_string(handle).unwrap_or_default())
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// A session is to end; `false` if it is ending or over already.
pub(super) async fn begin_end(conn: &mut AnyConnection, id: &str, cause: &EndCause) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE workspaces_sessions SET state = 'stopping', cause = $2 \
         WHERE id = $1 AND state IN ('requested', 'starting', 'running')",
    )
    .bind(id)
    .bind(cause_text(cause))
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A session is over, for this cause or for the one that was given when it was told to end. Returns the
/// cause that holds, or `None` if it was over before.
pub(super) async fn ended(
    conn: &mut AnyConnection,
    id: &str,
    given: &EndCause,
    now: Timestamp,
) -> Result<Option<EndCause>, Error> {
    let row: Option<(String,)> = sqlx::query_as(
        "UPDATE workspaces_sessions SET state = 'ended', handle = NULL, ended_at = $3, \
         cause = CASE WHEN state = 'stopping' THEN cause ELSE $2 END \
         WHERE id = $1 AND state <> 'ended' RETURNING cause",
    )
    .bind(id)
    .bind(cause_text(given))
    .bind(now)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|(text,)| cause(&text)))
}

/// A key or a pointer moved in a session.
pub(super) async fn active(conn: &mut AnyConnection, id: &str, at: Timestamp) -> Result<(), Error> {
    sqlx::query("UPDATE workspaces_sessions SET last_active_at = $2 WHERE id = $1 AND last_active_at < $2")
        .bind(id)
        .bind(at)
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether somebody may go on looking at their session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// They may.
    Welcome,
    /// Their sign-in is over.
    SignedOut,
    /// Their account was disabled or deleted.
    AccountClosed,
    /// The session is over, or about to be.
    Over(EndCause),
}

/// Whether a user whose sign-in is `sign_in` may go on looking at their session.
pub(super) async fn presence(
    conn: &mut AnyConnection,
    id: &str,
    user_id: &str,
    sign_in: &str,
    now: Timestamp,
) -> Result<Presence, Error> {
    let row: Option<(String, String, i64, i64)> = sqlx::query_as(
        "SELECT state, cause, \
         (SELECT COUNT(*) FROM workspaces_users WHERE id = $2 AND disabled = 0) AS open_accounts, \
         (SELECT COUNT(*) FROM browser_sessions WHERE id = $3 AND user_id = $2 AND expires_at > $4) AS sign_ins \
         FROM workspaces_sessions WHERE id = $1 AND user_id = $2",
    )
    .bind(id)
    .bind(user_id)
    .bind(sign_in)
    .bind(now)
    .fetch_optional(conn)
    .await?;
    Ok(match row {
        Some((_, _, 0, _)) => Presence::AccountClosed,
        Some((_, _, _, 0)) => Presence::SignedOut,
        Some((state, ..)) if state == "running" => Presence::Welcome,
        Some((_, text, ..)) => Presence::Over(cause(&text)),
        None => Presence::Over(cause("")),
    })
}

/// Sessions that may not go on: their time is up, nobody uses them, or their account is closed.
pub(super) async fn overstaying(
    conn: &mut AnyConnection,
    now: Timestamp,
) -> Result<Vec<(String, EndCause)>, Error> {
    let rows: Vec<(String, Timestamp, i64)> = sqlx::query_as(
        "SELECT s.id, s.expires_at, CASE WHEN u.disabled = 0 THEN 0 ELSE 1 END AS closed \
         FROM workspaces_sessions s LEFT JOIN workspaces_users u ON u.id = s.user_id \
         WHERE s.state IN ('requested', 'starting', 'running') AND (u.id IS NULL OR u.disabled <> 0) \
         OR s.state = 'running' AND (s.expires_at <= $1 OR s.last_active_at + s.idle_limit_seconds * 1000000 <= $1)",
    )
    .bind(now)
    .fetch_all(conn)
    .await?;
    let cause = |expires_at, closed| match closed {
        0 if expires_at <= now => EndCause::TimeLimit,
        0 => EndCause::IdleLimit,
        _ => EndCause::AccountClosed,
    };
    Ok(rows.into_iter().map(|(id, expires_at, closed)| (id, cause(expires_at, closed))).collect())
}

/// Forgets what ended before `horizon`, and tickets that nobody used.
pub(super) async fn sweep(conn: &mut AnyConnection, now: Timestamp, horizon: Timestamp) -> Result<(), Error> {
    sqlx::query("DELETE FROM workspaces_launch_tickets WHERE expires_at <= $1")
        .bind(now)
        .execute(&mut *conn)
        .await?;
    sqlx::query("DELETE FROM workspaces_sessions WHERE state = 'ended' AND ended_at < $1")
        .bind(horizon)
        .execute(conn)
        .await?;
    Ok(())
}
