//! The SQL of single logout: how the identity provider knows each sign-in, and requests of ours without an answer.

use ::store::{Error, Timestamp};
use site::Site;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, FromRow, Row as _};

use super::Principal;
use super::outgoing::{Leaving, REQUEST_LIFETIME};
use crate::sso::saml::pending::Waiting;

impl FromRow<'_, AnyRow> for Principal {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            name: row.try_get("name")?,
            format: row.try_get("name_format")?,
            name_qualifier: row.try_get("name_qualifier")?,
            sp_name_qualifier: row.try_get("sp_name_qualifier")?,
            session_index: row.try_get("session_index")?,
        })
    }
}

/// Keeps how the identity provider knows a sign-in.
pub(in crate::sso::saml) async fn keep(
    conn: &mut AnyConnection,
    config_id: &str,
    browser_session_id: &str,
    principal: &Principal,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO workspaces_saml_sessions (browser_session_id, config_id, name, name_format, name_qualifier, \
         sp_name_qualifier, session_index) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(browser_session_id)
    .bind(config_id)
    .bind(&principal.name)
    .bind(&principal.format)
    .bind(&principal.name_qualifier)
    .bind(&principal.sp_name_qualifier)
    .bind(&principal.session_index)
    .execute(conn)
    .await?;
    Ok(())
}

/// The configuration and the name by which somebody signed in.
pub(super) async fn of_session(
    conn: &mut AnyConnection,
    browser_session_id: &str,
) -> Result<Option<(String, Principal)>, Error> {
    let row: Option<AnyRow> = sqlx::query(
        "SELECT config_id, name, name_format, name_qualifier, sp_name_qualifier, session_index \
         FROM workspaces_saml_sessions WHERE browser_session_id = $1",
    )
    .bind(browser_session_id)
    .fetch_optional(conn)
    .await?;
    row.map(|row| Ok((row.try_get("config_id")?, Principal::from_row(&row)?)))
        .transpose()
        .map_err(|error: sqlx::Error| error.into())
}

/// A sign-in that is alive.
#[derive(Clone, Debug)]
pub(super) struct SignedIn {
    pub(super) browser_session_id: String,
    pub(super) username: String,
    pub(super) principal: Principal,
}

/// The sign-ins of a configuration whose name is this one, as it stands or without the white space around it.
pub(super) async fn of_name(
    conn: &mut AnyConnection,
    site: &Site,
    config_id: &str,
    name: &str,
) -> Result<Vec<SignedIn>, Error> {
    let rows: Vec<AnyRow> = sqlx::query(
        "SELECT s.browser_session_id, u.username, s.name, s.name_format, s.name_qualifier, s.sp_name_qualifier, \
         s.session_index FROM workspaces_saml_sessions s JOIN browser_sessions b ON b.id = s.browser_session_id \
         JOIN workspaces_users u ON u.id = b.user_id \
         WHERE s.config_id = $1 AND (s.name = $2 OR s.name = $3) AND b.expires_at > $4",
    )
    .bind(config_id)
    .bind(name)
    .bind(name.trim())
    .bind(site.now())
    .fetch_all(conn)
    .await?;
    let read = |row: AnyRow| {
        Ok(SignedIn {
            browser_session_id: row.try_get("browser_session_id")?,
            username: row.try_get("username")?,
            principal: Principal::from_row(&row)?,
        })
    };
    rows.into_iter().map(read).collect::<Result<_, sqlx::Error>>().map_err(Error::from)
}

/// Remembers that somebody who signed out here is to be signed out at the identity provider, too, by this browser.
pub(super) async fn remember(
    conn: &mut AnyConnection,
    site: &Site,
    id: &str,
    visitor_hash: &str,
    leaving: &Leaving,
) -> Result<(), Error> {
    let principal = &leaving.principal;
    sqlx::query(
        "INSERT INTO workspaces_saml_logouts (id, config_id, visitor_hash, username, name, name_format, \
         name_qualifier, sp_name_qualifier, session_index, message, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', $10)",
    )
    .bind(id)
    .bind(&leaving.config_id)
    .bind(visitor_hash)
    .bind(&leaving.username)
    .bind(&principal.name)
    .bind(&principal.format)
    .bind(&principal.name_qualifier)
    .bind(&principal.sp_name_qualifier)
    .bind(&principal.session_index)
    .bind(site.now().plus(REQUEST_LIFETIME))
    .execute(conn)
    .await?;
    Ok(())
}

/// A logout that was remembered.
#[derive(Clone, Debug)]
pub(super) struct Remembered {
    pub(super) leaving: Leaving,
    /// The request that was sent (XML).
    pub(super) message: String,
}

impl FromRow<'_, AnyRow> for Remembered {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let leaving = Leaving {
            config_id: row.try_get("config_id")?,
            username: row.try_get("username")?,
            principal: Principal::from_row(row)?,
        };
        Ok(Self { leaving, message: row.try_get("message")? })
    }
}

/// What this browser has yet to be sent away with; it is still there afterwards.
pub(super) async fn unsent(
    conn: &mut AnyConnection,
    site: &Site,
    id: &str,
    visitor_hash: &str,
) -> Result<Option<Leaving>, Error> {
    let row: Option<Remembered> = sqlx::query_as(
        "SELECT config_id, username, name, name_format, name_qualifier, sp_name_qualifier, session_index, message \
         FROM workspaces_saml_logouts WHERE id = $1 AND visitor_hash = $2 AND message = '' AND expires_at > $3",
    )
    .bind(id)
    .bind(visitor_hash)
    .bind(site.now())
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|remembered| remembered.leaving))
}

/// Keeps the request with which the browser is sent; `false` if it was sent already.
pub(super) async fn sent(
    conn: &mut AnyConnection,
    id: &str,
    visitor_hash: &str,
    message: &str,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE workspaces_saml_logouts SET message = $3 WHERE id = $1 AND visitor_hash = $2 AND message = ''",
    )
    .bind(id)
    .bind(visitor_hash)
    .bind(message)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The request of ours that an answer claims to be for; it is still there afterwards.
pub(super) async fn look_up(
    conn: &mut AnyConnection,
    site: &Site,
    config_id: &str,
    id: &str,
) -> Result<Option<Remembered>, Error> {
    let row = sqlx::query_as(
        "SELECT config_id, username, name, name_format, name_qualifier, sp_name_qualifier, session_index, message \
         FROM workspaces_saml_logouts WHERE id = $1 AND config_id = $2 AND message <> '' AND expires_at > $3",
    )
    .bind(id)
    .bind(config_id)
    .bind(site.now())
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// Uses a request up; `false` if it was answered before.
pub(super) async fn consume(conn: &mut AnyConnection, id: &str) -> Result<bool, Error> {
    let done =
        sqlx::query("DELETE FROM workspaces_saml_logouts WHERE id = $1").bind(id).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// The newest logout requests of a configuration that have no accepted answer yet.
pub(in crate::sso::saml) async fn waiting(
    conn: &mut AnyConnection,
    site: &Site,
    config_id: &str,
    most: u32,
) -> Result<Vec<Waiting>, Error> {
    let rows: Vec<(String, Timestamp)> = sqlx::query_as(
        "SELECT message, expires_at FROM workspaces_saml_logouts WHERE config_id = $1 AND message <> '' \
         AND expires_at > $2 ORDER BY expires_at DESC, id DESC LIMIT $3",
    )
    .bind(config_id)
    .bind(site.now())
    .bind(i64::from(most))
    .fetch_all(conn)
    .await?;
    let waiting = |(message, expires_at): (String, Timestamp)| Waiting {
        sent_at: expires_at.minus(REQUEST_LIFETIME),
        purpose: None,
        message,
    };
    Ok(rows.into_iter().map(waiting).collect())
}

/// Removes what has expired, and what belongs to a sign-in that is over.
pub(in crate::sso::saml) async fn sweep(conn: &mut AnyConnection, now: Timestamp) -> Result<(), Error> {
    sqlx::query("DELETE FROM workspaces_saml_logouts WHERE expires_at <= $1")
        .bind(now)
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "DELETE FROM workspaces_saml_sessions WHERE NOT EXISTS (SELECT 1 FROM browser_sessions b \
         WHERE b.id = workspaces_saml_sessions.browser_session_id)",
    )
    .execute(conn)
    .await?;
    Ok(())
}
