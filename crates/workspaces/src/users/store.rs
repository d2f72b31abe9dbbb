//! The SQL of accounts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use site::Site;
use sqlx::{AnyConnection, FromRow};
use store::{Error, Timestamp};

use super::{Realm, User};
use crate::groups::ADMINISTRATORS;

#[derive(FromRow)]
struct Row {
    id: String,
    username: String,
    realm: String,
    sso_config_id: String,
    first_name: String,
    last_name: String,
    email: String,
    phone: String,
    organization: String,
    notes: String,
    locked: i64,
    disabled: i64,
    created_at: Timestamp,
    last_sign_in_at: Option<Timestamp>,
}

impl From<Row> for User {
    fn from(row: Row) -> Self {
        let realm = if row.realm == "local" { Realm::Local } else { Realm::Saml(row.sso_config_id) };
        Self {
            id: row.id,
            username: row.username,
            realm,
            first_name: row.first_name,
            last_name: row.last_name,
            email: row.email,
            phone: row.phone,
            organization: row.organization,
            notes: row.notes,
            locked: row.locked != 0,
            disabled: row.disabled != 0,
            created_at: row.created_at,
            last_sign_in_at: row.last_sign_in_at,
        }
    }
}

const SELECT: &str = "SELECT id, username, realm, sso_config_id, first_name, last_name, email, phone, \
     organization, notes, locked, disabled, created_at, last_sign_in_at FROM workspaces_users";

fn select(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("{SELECT} {rest}"))
}

/// What is known of a person beside the name of the account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) phone: String,
    pub(crate) organization: String,
    pub(crate) notes: String,
}

/// An account to be created.
#[derive(Clone, Debug)]
pub(crate) struct NewUser<'u> {
    pub(crate) username: &'u str,
    pub(crate) realm: &'u Realm,
    pub(crate) profile: &'u Profile,
    /// Of a local account.
    pub(crate) password_hash: Option<&'u str>,
}

/// Creates an account, in the group All Users.
pub(crate) async fn create(conn: &mut AnyConnection, site: &Site, new: &NewUser<'_>) -> Result<User, Error> {
    let (realm, config) = new.realm.columns();
    let (id, now) = (store::new_id(&**site.random()), site.now());
    sqlx::query(
        "INSERT INTO workspaces_users (id, username, realm, sso_config_id, first_name, last_name, email, \
         phone, organization, notes, password_hash, locked, disabled, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, $12)",
    )
    .bind(&id)
    .bind(new.username)
    .bind(realm)
    .bind(config)
    .bind(&new.profile.first_name)
    .bind(&new.profile.last_name)
    .bind(&new.profile.email)
    .bind(&new.profile.phone)
    .bind(&new.profile.organization)
    .bind(&new.profile.notes)
    .bind(new.password_hash)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    crate::groups::add_member(conn, crate::groups::ALL_USERS, &id).await?;
    Ok(User {
        id,
        username: new.username.to_owned(),
        realm: new.realm.clone(),
        first_name: new.profile.first_name.clone(),
        last_name: new.profile.last_name.clone(),
        email: new.profile.email.clone(),
        phone: new.profile.phone.clone(),
        organization: new.profile.organization.clone(),
        notes: new.profile.notes.clone(),
        locked: false,
        disabled: false,
        created_at: now,
        last_sign_in_at: None,
    })
}

/// An account by its id.
pub(crate) async fn find(conn: &mut AnyConnection, id: &str) -> Result<Option<User>, Error> {
    let row: Option<Row> = sqlx::query_as(select("WHERE id = $1")).bind(id).fetch_optional(conn).await?;
    Ok(row.map(User::from))
}

/// An account by its name in its realm.
pub(crate) async fn find_in_realm(
    conn: &mut AnyConnection,
    realm: &Realm,
    username: &str,
) -> Result<Option<User>, Error> {
    let (realm, config) = realm.columns();
    let row: Option<Row> =
        sqlx::query_as(select("WHERE realm = $1 AND sso_config_id = $2 AND username = $3"))
            .bind(realm)
            .bind(config)
            .bind(username)
            .fetch_optional(conn)
            .await?;
    Ok(row.map(User::from))
}

/// A local account, and the hash of its password. The same two statements run whether there is such an
/// account or not, so that the time tells nobody which.
pub(crate) async fn local_with_password(
    conn: &mut AnyConnection,
    username: &str,
) -> Result<(Option<User>, Option<String>), Error> {
    let user = find_in_realm(conn, &Realm::Local, username).await?;
    let found: Option<(Option<String>,)> =
        sqlx::query_as("SELECT password_hash FROM workspaces_users WHERE realm = 'local' AND username = $1")
            .bind(username)
            .fetch_optional(conn)
            .await?;
    Ok((user, found.and_then(|(hash,)| hash)))
}

/// Every account, by name.
pub(super) async fn list(conn: &mut AnyConnection) -> Result<Vec<User>, Error> {
    let rows: Vec<Row> =
        sqlx::query_as(select("ORDER BY username, realm, sso_config_id")).fetch_all(conn).await?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// What an administrator may change of an account.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) username: String,
    pub(super) profile: Profile,
    pub(super) locked: bool,
    pub(super) disabled: bool,
}

pub(super) async fn update(conn: &mut AnyConnection, id: &str, change: &Change) -> Result<(), Error> {
    sqlx::query(
        "UPDATE workspaces_users SET username = $2, first_name = $3, last_name = $4, email = $5, phone = $6, \
         organization = $7, notes = $8, locked = $9, disabled = $10 WHERE id = $1",
    )
    .bind(id)
    .bind(&change.username)
    .bind(&change.profile.first_name)
    .bind(&change.profile.last_name)
    .bind(&change.profile.email)
    .bind(&change.profile.phone)
    .bind(&change.profile.organization)
    .bind(&change.profile.notes)
    .bind(i64::from(change.locked))
    .bind(i64::from(change.disabled))
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps what the identity provider said of a person; what it did not say stays as it was.
pub(crate) async fn refresh_profile(
    conn: &mut AnyConnection,
    id: &str,
    profile: &Profile,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE workspaces_users SET first_name = CASE WHEN $2 = '' THEN first_name ELSE $2 END, \
         last_name = CASE WHEN $3 = '' THEN last_name ELSE $3 END, \
         email = CASE WHEN $4 = '' THEN email ELSE $4 END, \
         phone = CASE WHEN $5 = '' THEN phone ELSE $5 END, \
         organization = CASE WHEN $6 = '' THEN organization ELSE $6 END, \
         notes = CASE WHEN $7 = '' THEN notes ELSE $7 END WHERE id = $1",
    )
    .bind(id)
    .bind(&profile.first_name)
    .bind(&profile.last_name)
    .bind(&profile.email)
    .bind(&profile.phone)
    .bind(&profile.organization)
    .bind(&profile.notes)
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn set_password(conn: &mut AnyConnection, id: &str, hash: &str) -> Result<(), Error> {
    sqlx::query("UPDATE workspaces_users SET password_hash = $2 WHERE id = $1")
        .bind(id)
        .bind(hash)
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that an account has signed in.
pub(crate) async fn signed_in(conn: &mut AnyConnection, site: &Site, id: &str) -> Result<(), Error> {
    sqlx::query("UPDATE workspaces_users SET last_sign_in_at = $2 WHERE id = $1")
        .bind(id)
        .bind(site.now())
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn delete(conn: &mut AnyConnection, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM workspaces_users WHERE id = $1").bind(id).execute(conn).await?;
    Ok(())
}

/// Whether an account is in the group Administrators.
pub(crate) async fn is_administrator(conn: &mut AnyConnection, id: &str) -> Result<bool, Error> {
    let (count,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM workspaces_group_members WHERE group_id = $1 AND user_id = $2")
            .bind(ADMINISTRATORS)
            .bind(id)
            .fetch_one(conn)
            .await?;
    Ok(count > 0)
}

/// Keeps the group values that a person's last sign-in brought.
pub(crate) async fn remember_group_values(
    conn: &mut AnyConnection,
    id: &str,
    values: &[String],
) -> Result<(), Error> {
    let values = serde_json::to_string(values)
        .map_err(|error| Error::Refused(format!("group values can't be kept: {error}")))?;
    sqlx::query("UPDATE workspaces_users SET group_values = $2 WHERE id = $1")
        .bind(id)
        .bind(values)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets the group values of everybody of a configuration, which come from another attribute from now on.
pub(crate) async fn forget_group_values(conn: &mut AnyConnection, config: &str) -> Result<(), Error> {
    sqlx::query("UPDATE workspaces_users SET group_values = '[]' WHERE sso_config_id = $1")
        .bind(config)
        .execute(conn)
        .await?;
    Ok(())
}

/// The group values that the last sign-ins with a configuration brought, each with the number of people.
pub(crate) async fn group_values_seen(
    conn: &mut AnyConnection,
    config: &str,
) -> Result<BTreeMap<String, usize>, Error> {
    let rows: Vec<String> =
        sqlx::query_scalar("SELECT group_values FROM workspaces_users WHERE sso_config_id = $1")
            .bind(config)
            .fetch_all(conn)
            .await?;
    let mut seen = BTreeMap::new();
    for value in rows.iter().flat_map(|row| values_in(row)) {
        *seen.entry(value).or_default() += 1;
    }
    Ok(seen)
}

fn values_in(json: &str) -> BTreeSet<String> {
    serde_json::from_str(json).unwrap_or_default()
}

/// Somebody who can sign in and administer.
#[derive(Clone, Debug)]
pub(crate) struct CanAdminister {
    pub(crate) username: String,
    /// Empty for a local account.
    pub(crate) sso_config_id: String,
    /// Who put the account into Administrators: an administrator's hand, or configurations by their ids.
    pub(crate) sources: Vec<String>,
    /// What the last sign-in brought.
    pub(crate) group_values: Vec<String>,
}

/// The accounts in Administrators that can sign in: neither disabled nor locked, and of a configuration that is
/// enabled unless local.
const ADMINISTER: &str = "FROM workspaces_group_members m JOIN workspaces_users u ON u.id = m.user_id \
     WHERE m.group_id = $1 AND u.disabled = 0 AND u.locked = 0 AND (u.realm = 'local' \
     OR EXISTS (SELECT 1 FROM workspaces_saml_configs c WHERE c.id = u.sso_config_id AND c.enabled = 1))";

/// Everybody who can sign in as an administrator.
pub(crate) async fn administrators(conn: &mut AnyConnection) -> Result<Vec<CanAdminister>, Error> {
    let sql = format!(
        "SELECT u.id, u.username, u.sso_config_id, u.group_values, m.source {ADMINISTER} ORDER BY u.id"
    );
    let rows: Vec<(String, String, String, String, String)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(ADMINISTRATORS).fetch_all(conn).await?;
    let mut known: BTreeMap<String, CanAdminister> = BTreeMap::new();
    for (id, username, sso_config_id, values, source) in rows {
        let administrator = known.entry(id).or_insert_with(|| CanAdminister {
            username,
            sso_config_id,
            sources: Vec::new(),
            group_values: values_in(&values).into_iter().collect(),
        });
        administrator.sources.push(source);
    }
    Ok(known.into_values().collect())
}

/// Whether anybody can sign in as an administrator.
pub(crate) async fn any_administrator(conn: &mut AnyConnection) -> Result<bool, Error> {
    let sql = format!("SELECT COUNT(*) {ADMINISTER}");
    let count: i64 =
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(ADMINISTRATORS).fetch_one(conn).await?;
    Ok(count > 0)
}

/// Whether, after what this transaction has changed, anybody can still sign in as an administrator. The
/// group's row is written first, so that two transactions that each remove another administrator take turns.
pub(crate) async fn require_administrator(conn: &mut AnyConnection) -> Result<bool, Error> {
    sqlx::query("UPDATE workspaces_groups SET priority = priority WHERE id = $1")
        .bind(ADMINISTRATORS)
        .execute(&mut *conn)
        .await?;
    any_administrator(conn).await
}
