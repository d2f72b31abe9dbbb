//! The SQL of accounts.

use site::Site;
use sqlx::{AnyConnection, FromRow};
use store::{Error, Timestamp};

use super::{Attributes, User};

#[derive(FromRow)]
struct Row {
    id: String,
    username: String,
    name: String,
    email: String,
    is_active: i64,
    attributes: String,
    created_at: Timestamp,
    last_login_at: Option<Timestamp>,
}

impl From<Row> for User {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            username: row.username,
            name: row.name,
            email: row.email,
            is_active: row.is_active != 0,
            // Only `create` and `update` write this column, from a map.
            attributes: serde_json::from_str(&row.attributes).unwrap_or_default(),
            created_at: row.created_at,
            last_login_at: row.last_login_at,
        }
    }
}

fn select(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!(
        "SELECT id, username, name, email, is_active, attributes, created_at, last_login_at FROM identity_users {rest}"
    ))
}

/// An account to be created; it may sign in.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewUser<'u> {
    /// Checked by [`super::username`].
    pub(crate) username: &'u str,
    pub(crate) name: &'u str,
    /// Checked by [`super::email`].
    pub(crate) email: &'u str,
    pub(crate) attributes: Attributes,
    /// Of [`site::passwords::hash`]; without one the person can't sign in until they have chosen one.
    pub(crate) password_hash: Option<&'u str>,
}

/// Creates an account and returns its id.
pub(crate) async fn create(
    conn: &mut AnyConnection,
    site: &Site,
    new: &NewUser<'_>,
) -> Result<String, Error> {
    let id = store::new_id(&**site.random());
    sqlx::query(
        "INSERT INTO identity_users (id, username, name, email, is_active, password_hash, attributes, created_at) \
         VALUES ($1, $2, $3, $4, 1, $5, $6, $7)",
    )
    .bind(&id)
    .bind(new.username)
    .bind(new.name)
    .bind(new.email)
    .bind(new.password_hash)
    .bind(json(&new.attributes))
    .bind(site.now())
    .execute(conn)
    .await?;
    Ok(id)
}

fn json(attributes: &Attributes) -> String {
    serde_json::Value::Object(attributes.clone()).to_string()
}

/// An account by its id.
pub(crate) async fn find(conn: &mut AnyConnection, id: &str) -> Result<Option<User>, Error> {
    let row: Option<Row> = sqlx::query_as(select("WHERE id = $1")).bind(id).fetch_optional(conn).await?;
    Ok(row.map(User::from))
}

/// The account that somebody names at sign-in, by user name or email address, with the hash of its
/// password. A user name that equals another account's email address wins: it is unique by itself.
pub(crate) async fn for_sign_in(
    conn: &mut AnyConnection,
    login: &str,
) -> Result<Option<(User, Option<String>)>, Error> {
    let login = login.trim().to_lowercase();
    let row: Option<Row> = sqlx::query_as(select(
        "WHERE username = $1 OR (email <> '' AND lower(email) = $1) \
         ORDER BY CASE WHEN username = $1 THEN 0 ELSE 1 END LIMIT 1",
    ))
    .bind(login)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (hash,): (Option<String>,) = sqlx::query_as("SELECT password_hash FROM identity_users WHERE id = $1")
        .bind(&row.id)
        .fetch_one(conn)
        .await?;
    Ok(Some((row.into(), hash)))
}

/// An account in the list of accounts.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) username: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) is_active: i64,
    pub(super) last_login_at: Option<Timestamp>,
    pub(super) administers: i64,
}

/// The accounts whose user name, name or address holds `search`, whatever the case, by user name.
pub(super) async fn search(conn: &mut AnyConnection, search: &str) -> Result<Vec<Listed>, Error> {
    let escaped = search.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let rows = sqlx::query_as(
        "SELECT u.id, u.username, u.name, u.email, u.is_active, u.last_login_at, \
         (SELECT COUNT(*) FROM identity_group_members m JOIN identity_groups g ON g.id = m.group_id \
         WHERE m.user_id = u.id AND g.is_superuser <> 0) AS administers \
         FROM identity_users u WHERE u.username LIKE $1 ESCAPE '\\' OR lower(u.name) LIKE $1 ESCAPE '\\' \
         OR lower(u.email) LIKE $1 ESCAPE '\\' ORDER BY u.username",
    )
    .bind(format!("%{escaped}%"))
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Every account as `(id, words)`, by user name, for a choice in a form.
pub(crate) async fn names(conn: &mut AnyConnection) -> Result<Vec<(String, String)>, Error> {
    let users: Vec<(String, String, String)> =
        sqlx::query_as("SELECT id, username, name FROM identity_users ORDER BY username")
            .fetch_all(conn)
            .await?;
    let words = |(id, username, name): (String, String, String)| {
        let shown = if name.is_empty() { username } else { format!("{name} ({username})") };
        (id, shown)
    };
    Ok(users.into_iter().map(words).collect())
}

/// Whether the person has a password to sign in with.
pub(super) async fn has_password(conn: &mut AnyConnection, id: &str) -> Result<bool, Error> {
    let (count,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM identity_users WHERE id = $1 AND password_hash IS NOT NULL")
            .bind(id)
            .fetch_one(conn)
            .await?;
    Ok(count > 0)
}

/// What an administrator may change of an account.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) username: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) is_active: bool,
    pub(super) attributes: Attributes,
}

pub(super) async fn update(conn: &mut AnyConnection, id: &str, change: &Change) -> Result<(), Error> {
    sqlx::query(
        "UPDATE identity_users SET username = $2, name = $3, email = $4, is_active = $5, attributes = $6 \
         WHERE id = $1",
    )
    .bind(id)
    .bind(&change.username)
    .bind(&change.name)
    .bind(&change.email)
    .bind(i64::from(change.is_active))
    .bind(json(&change.attributes))
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores the hash of a password. The caller ends the person's sessions.
pub(crate) async fn set_password(conn: &mut AnyConnection, id: &str, hash: &str) -> Result<(), Error> {
    sqlx::query("UPDATE identity_users SET password_hash = $2 WHERE id = $1")
        .bind(id)
        .bind(hash)
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that an account has signed in.
pub(crate) async fn signed_in(conn: &mut AnyConnection, site: &Site, id: &str) -> Result<(), Error> {
    sqlx::query("UPDATE identity_users SET last_login_at = $2 WHERE id = $1")
        .bind(id)
        .bind(site.now())
        .execute(conn)
        .await?;
    Ok(())
}

/// Deletes an account with its memberships, consents and sessions. A binding that still names it is a
/// foreign key violation.
pub(super) async fn delete(conn: &mut AnyConnection, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM identity_users WHERE id = $1").bind(id).execute(conn).await?;
    Ok(())
}

/// Whether anybody can sign in and administer. Somebody who has not chosen a password yet can't; while
/// that is all there is, the link to the first setup works.
pub(crate) async fn any_administrator(conn: &mut AnyConnection) -> Result<bool, Error> {
    let (count,): (i64,) = sqlx::query_as(
        "SELECT COUNT(*) FROM identity_users u JOIN identity_group_members m ON m.user_id = u.id \
         JOIN identity_groups g ON g.id = m.group_id \
         WHERE g.is_superuser <> 0 AND u.is_active <> 0 AND u.password_hash IS NOT NULL",
    )
    .fetch_one(conn)
    .await?;
    Ok(count > 0)
}

/// Whether, after what this transaction has changed, anybody can still administer. The one row of the
/// revision is written first, so that two transactions that each remove another administrator take turns.
pub(crate) async fn require_administrator(conn: &mut AnyConnection) -> Result<bool, Error> {
    crate::revision::bump(conn).await?;
    any_administrator(conn).await
}

/// The sample account's user name.
const SAMPLE: &str = "sam";

/// The id of the sample account if nobody has chosen its password yet. It is created only while there is
/// no account at all, so that one that was deleted stays deleted.
pub(crate) async fn ensure_sample(conn: &mut AnyConnection, site: &Site) -> Result<Option<String>, Error> {
    let waiting: Option<(String,)> = sqlx::query_as(
        "SELECT id FROM identity_users WHERE username = $1 AND password_hash IS NULL AND is_active <> 0",
    )
    .bind(SAMPLE)
    .fetch_optional(&mut *conn)
    .await?;
    if let Some((id,)) = waiting {
        return Ok(Some(id));
    }
    let (count,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM identity_users").fetch_one(&mut *conn).await?;
    if count > 0 {
        return Ok(None);
    }
    let sample =
        NewUser { username: SAMPLE, name: "Sam Sample", email: "sam@example.com", ..NewUser::default() };
    create(conn, site, &sample).await.map(Some)
}
