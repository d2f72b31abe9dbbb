//! The SQL of SAML configurations.

use ::store::Error;
use site::Site;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, FromRow, Row as _};

use super::SamlConfig;

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
            sp_key_sealed: text("sp_key_sealed")?,
            sp_certificate: text("sp_certificate")?,
        })
    }
}

/// Every column but the two times, in the order in which [`save`] binds them.
const COLUMNS: &str = "id, made_by, enabled, display_name, logo_url, host_name, is_default, auto_login, debug, \
     idp_entity_id, sso_url, slo_url, certificates, name_id_attribute, group_member_attribute, relay_state, \
     want_attribute_statement, want_assertions_signed, want_messages_signed, want_name_id, sign_requests, \
     idp_initiated, create_users, allow_sha1, sp_key_sealed, sp_certificate";

async fn fetch(conn: &mut AnyConnection, rest: &str, value: Option<&str>) -> Result<Vec<SamlConfig>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM workspaces_saml_configs {rest}");
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

/// Creates a configuration or replaces it.
pub(crate) async fn save(conn: &mut AnyConnection, site: &Site, config: &SamlConfig) -> Result<(), Error> {
    let updates: Vec<String> =
        COLUMNS.split(", ").skip(1).map(|name| format!("{name} = excluded.{name}")).collect();
    let places: Vec<String> = (1..=28).map(|place| format!("${place}")).collect();
    let sql = format!(
        "INSERT INTO workspaces_saml_configs ({COLUMNS}, created_at, updated_at) VALUES ({}) \
         ON CONFLICT (id) DO UPDATE SET {}, updated_at = excluded.updated_at",
        places.join(", "),
        updates.join(", ")
    );
    let now = site.now();
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(config.id.clone())
        .bind(config.made_by.clone())
        .bind(i64::from(config.enabled))
        .bind(config.display_name.clone())
        .bind(config.logo_url.clone())
        .bind(config.host_name.clone())
        .bind(i64::from(config.is_default))
        .bind(i64::from(config.auto_login))
        .bind(i64::from(config.debug))
        .bind(config.idp_entity_id.clone())
        .bind(config.sso_url.clone())
        .bind(config.slo_url.clone())
        .bind(config.certificates.clone())
        .bind(config.name_id_attribute.clone())
        .bind(config.group_member_attribute.clone())
        .bind(config.relay_state.clone())
        .bind(i64::from(config.want_attribute_statement))
        .bind(i64::from(config.want_assertions_signed))
        .bind(i64::from(config.want_messages_signed))
        .bind(i64::from(config.want_name_id))
        .bind(i64::from(config.sign_requests))
        .bind(i64::from(config.idp_initiated))
        .bind(i64::from(config.create_users))
        .bind(i64::from(config.allow_sha1))
        .bind(config.sp_key_sealed.clone())
        .bind(config.sp_certificate.clone())
        .bind(now)
        .bind(now)
        .execute(conn)
        .await?;
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
