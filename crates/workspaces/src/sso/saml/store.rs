//! The SQL of SAML configurations.

use ::store::Error;
use saml::{AuthnContextClass, RequestedAuthnContext};
use site::Site;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, FromRow, Row as _};

use super::{Choice, SamlConfig};

impl FromRow<'_, AnyRow> for SamlConfig {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let text = |name: &str| row.try_get::<String, _>(name);
        let flag = |name: &str| row.try_get::<i64, _>(name).map(|value| value != 0);
        Ok(Self {
            id: text("id")?,
            made_by: text("made_by")?,
            enabled: flag("enabled")?,
            display_name: text("display_name")?,
            logo_url: text("logo_url")?,
            host_name: text("host_name")?,
            is_default: flag("is_default")?,
            auto_login: flag("auto_login")?,
            debug: flag("debug")?,
            idp_entity_id: text("idp_entity_id")?,
            sso_url: text("sso_url")?,
            slo_url: text("slo_url")?,
            certificates: text("certificates")?,
            name_id_attribute: text("name_id_attribute")?,
            group_member_attribute: text("group_member_attribute")?,
            relay_state: text("relay_state")?,
            want_attribute_statement: flag("want_attribute_statement")?,
            want_assertions_signed: flag("want_assertions_signed")?,
            want_messages_signed: flag("want_messages_signed")?,
            want_name_id: flag("want_name_id")?,
            sign_requests: flag("sign_requests")?,
            idp_initiated: flag("idp_initiated")?,
            create_users: flag("create_users")?,
            allow_sha1: flag("allow_sha1")?,
            entity_id_style: choice(row, "entity_id_style")?,
            requested_authn_context: requested_authn_context(row)?,
            want_assertions_encrypted: flag("want_assertions_encrypted")?,
            allow_cbc: flag("allow_cbc")?,
            slo_binding: choice(row, "slo_binding")?,
            sign_logout: flag("sign_logout")?,
            metadata_url: text("metadata_url")?,
            metadata_allow_private: flag("metadata_allow_private")?,
            well_known_attributes: flag("well_known_attributes")?,
            profile_mappings: list_in(row, "profile_mappings")?,
            group_mapping_mode: choice(row, "group_mapping_mode")?,
            sp_key_sealed: text("sp_key_sealed")?,
            sp_certificate: text("sp_certificate")?,
            second_sp_key_sealed: text("second_sp_key_sealed")?,
            second_sp_certificate: text("second_sp_certificate")?,
        })
    }
}

fn unreadable(column: &str, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: cause.into() }
}

fn choice<C: Choice>(row: &AnyRow, column: &str) -> Result<C, sqlx::Error> {
    let key: String = row.try_get(column)?;
    C::from_key(&key).ok_or_else(|| unreadable(column, format!("{key:?} is no value of it")))
}

fn list_in<T: serde::de::DeserializeOwned>(row: &AnyRow, column: &str) -> Result<Vec<T>, sqlx::Error> {
    let text: String = row.try_get(column)?;
    serde_json::from_str(&text).map_err(|error| unreadable(column, error))
}

fn requested_authn_context(row: &AnyRow) -> Result<Option<RequestedAuthnContext>, sqlx::Error> {
    let column = "authn_context_comparison";
    if row.try_get::<String, _>(column)?.is_empty() {
        return Ok(None);
    }
    let classes: Vec<String> = list_in(row, "authn_context_classes")?;
    let classes = classes.iter().map(|uri| AuthnContextClass::from_uri(uri)).collect();
    Ok(Some(RequestedAuthnContext { comparison: choice(row, column)?, classes }))
}

async fn fetch(conn: &mut AnyConnection, rest: &str, value: Option<&str>) -> Result<Vec<SamlConfig>, Error> {
    let sql = format!("SELECT * FROM workspaces_saml_configs {rest}");
    let query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    let query = match value {
        Some(value) => query.bind(value.to_owned()),
        None => query,
    };
    Ok(query.fetch_all(conn).await?)
}

/// Every configuration, by name.
pub(super) async fn list(conn: &mut AnyConnection) -> Result<Vec<SamlConfig>, Error> {
    fetch(conn, "ORDER BY display_name, id", None).await
}

/// Those that are enabled, by name.
pub(super) async fn enabled(conn: &mut AnyConnection) -> Result<Vec<SamlConfig>, Error> {
    fetch(conn, "WHERE enabled = 1 ORDER BY display_name, id", None).await
}

pub(super) async fn find(conn: &mut AnyConnection, id: &str) -> Result<Option<SamlConfig>, Error> {
    Ok(fetch(conn, "WHERE id = $1", Some(id)).await?.pop())
}

/// The configuration that one click made.
pub(crate) async fn find_made_by(conn: &mut AnyConnection, maker: &str) -> Result<Option<SamlConfig>, Error> {
    Ok(fetch(conn, "WHERE made_by = $1 ORDER BY created_at DESC", Some(maker)).await?.pop())
}

/// The value of a column.
enum Value {
    Text(String),
    Flag(bool),
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Value {
    fn from(on: bool) -> Self {
        Self::Flag(on)
    }
}

/// Every column but the id and the two times.
fn columns(config: &SamlConfig) -> Result<Vec<(&'static str, Value)>, Error> {
    let requested = config.requested_authn_context.as_ref();
    let classes = requested.map(|wanted| wanted.classes.iter().map(AuthnContextClass::as_str));
    let classes: Vec<&str> = classes.into_iter().flatten().collect();
    Ok(vec![
        ("made_by", (&config.made_by).into()),
        ("enabled", config.enabled.into()),
        ("display_name", (&config.display_name).into()),
        ("logo_url", (&config.logo_url).into()),
        ("host_name", (&config.host_name).into()),
        ("is_default", config.is_default.into()),
        ("auto_login", config.auto_login.into()),
        ("debug", config.debug.into()),
        ("idp_entity_id", (&config.idp_entity_id).into()),
        ("sso_url", (&config.sso_url).into()),
        ("slo_url", (&config.slo_url).into()),
        ("certificates", (&config.certificates).into()),
        ("name_id_attribute", (&config.name_id_attribute).into()),
        ("group_member_attribute", (&config.group_member_attribute).into()),
        ("relay_state", (&config.relay_state).into()),
        ("want_attribute_statement", config.want_attribute_statement.into()),
        ("want_assertions_signed", config.want_assertions_signed.into()),
        ("want_messages_signed", config.want_messages_signed.into()),
        ("want_name_id", config.want_name_id.into()),
        ("sign_requests", config.sign_requests.into()),
        ("idp_initiated", config.idp_initiated.into()),
        ("create_users", config.create_users.into()),
        ("allow_sha1", config.allow_sha1.into()),
        ("entity_id_style", config.entity_id_style.key().into()),
        ("authn_context_comparison", requested.map_or("", |wanted| wanted.comparison.key()).into()),
        ("authn_context_classes", json(&classes)?.into()),
        ("want_assertions_encrypted", config.want_assertions_encrypted.into()),
        ("allow_cbc", config.allow_cbc.into()),
        ("slo_binding", config.slo_binding.key().into()),
        ("sign_logout", config.sign_logout.into()),
        ("metadata_url", (&config.metadata_url).into()),
        ("metadata_allow_private", config.metadata_allow_private.into()),
        ("well_known_attributes", config.well_known_attributes.into()),
        ("profile_mappings", json(&config.profile_mappings)?.into()),
        ("group_mapping_mode", config.group_mapping_mode.key().into()),
        ("sp_key_sealed", (&config.sp_key_sealed).into()),
        ("sp_certificate", (&config.sp_certificate).into()),
        ("second_sp_key_sealed", (&config.second_sp_key_sealed).into()),
        ("second_sp_certificate", (&config.second_sp_certificate).into()),
    ])
}

fn json(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Refused(format!("a setting can't be kept: {error}")))
}

/// Creates a configuration or replaces it.
pub(crate) async fn save(conn: &mut AnyConnection, site: &Site, config: &SamlConfig) -> Result<(), Error> {
    let columns = columns(config)?;
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let updates: Vec<String> = names.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let places: Vec<String> = (4..4 + names.len()).map(|place| format!("${place}")).collect();
    let sql = format!(
        "INSERT INTO workspaces_saml_configs (id, created_at, updated_at, {}) VALUES ($1, $2, $3, {}) \
         ON CONFLICT (id) DO UPDATE SET {}, updated_at = excluded.updated_at",
        names.join(", "),
        places.join(", "),
        updates.join(", ")
    );
    let now = site.now();
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(config.id.clone()).bind(now).bind(now);
    for (_, value) in columns {
        query = match value {
            Value::Text(text) => query.bind(text),
            Value::Flag(on) => query.bind(i64::from(on)),
        };
    }
    query.execute(conn).await?;
    Ok(())
}

/// Whether people may sign in with a configuration, held so until the transaction ends: whoever disables or
/// deletes it meanwhile waits, and then finds the sign-in and ends it.
pub(super) async fn hold_enabled(conn: &mut AnyConnection, id: &str) -> Result<bool, Error> {
    let done =
        sqlx::query("UPDATE workspaces_saml_configs SET enabled = enabled WHERE id = $1 AND enabled = 1")
            .bind(id.to_owned())
            .execute(conn)
            .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn delete(conn: &mut AnyConnection, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM workspaces_saml_configs WHERE id = $1")
        .bind(id.to_owned())
        .execute(conn)
        .await?;
    Ok(())
}
