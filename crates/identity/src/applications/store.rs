//! The SQL of applications.

use sqlx::{AnyConnection, FromRow};
use store::Error;

use super::{Application, Wanted};
use crate::policies::EngineMode;

#[derive(FromRow)]
struct Row {
    id: String,
    slug: String,
    name: String,
    group_name: String,
    provider_id: Option<String>,
    launch_url: String,
    open_in_new_tab: i64,
    icon: String,
    description: String,
    publisher: String,
    policy_engine_mode: String,
}

impl From<Row> for Application {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            name: row.name,
            group_name: row.group_name,
            provider_id: row.provider_id,
            launch_url: row.launch_url,
            open_in_new_tab: row.open_in_new_tab != 0,
            icon: row.icon,
            description: row.description,
            publisher: row.publisher,
            policy_engine_mode: EngineMode::from_key(&row.policy_engine_mode),
        }
    }
}

fn select(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!(
        "SELECT id, slug, name, group_name, provider_id, launch_url, open_in_new_tab, icon, description, publisher, \
         policy_engine_mode FROM identity_applications {rest}"
    ))
}

/// An application by the name that it has in addresses.
pub(crate) async fn by_slug(conn: &mut AnyConnection, slug: &str) -> Result<Option<Application>, Error> {
    let row: Option<Row> = sqlx::query_as(select("WHERE slug = $1")).bind(slug).fetch_optional(conn).await?;
    Ok(row.map(Application::from))
}

/// The application that uses a provider.
pub(crate) async fn by_provider(
    conn: &mut AnyConnection,
    provider_id: &str,
) -> Result<Option<Application>, Error> {
    let row: Option<Row> =
        sqlx::query_as(select("WHERE provider_id = $1")).bind(provider_id).fetch_optional(conn).await?;
    Ok(row.map(Application::from))
}

/// Every application, by group and name.
pub(crate) async fn all(conn: &mut AnyConnection) -> Result<Vec<Application>, Error> {
    let rows: Vec<Row> = sqlx::query_as(select("ORDER BY group_name, name, slug")).fetch_all(conn).await?;
    Ok(rows.into_iter().map(Application::from).collect())
}

/// An application in the list of applications.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Listed {
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) group_name: String,
    pub(super) provider_id: Option<String>,
    pub(super) provider_name: Option<String>,
    pub(super) bindings: i64,
}

pub(super) async fn list(conn: &mut AnyConnection) -> Result<Vec<Listed>, Error> {
    let rows = sqlx::query_as(
        "SELECT a.slug, a.name, a.group_name, a.provider_id, p.name AS provider_name, \
         (SELECT COUNT(*) FROM identity_bindings b WHERE b.application_id = a.id AND b.enabled <> 0) AS bindings \
         FROM identity_applications a LEFT JOIN identity_saml_providers p ON p.id = a.provider_id \
         ORDER BY a.name, a.slug",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The providers that no application uses, and the one that `application_id` uses, as `(id, name)`.
pub(super) async fn free_providers(
    conn: &mut AnyConnection,
    application_id: &str,
) -> Result<Vec<(String, String)>, Error> {
    let rows = sqlx::query_as(
        "SELECT p.id, p.name FROM identity_saml_providers p WHERE NOT EXISTS \
         (SELECT 1 FROM identity_applications a WHERE a.provider_id = p.id AND a.id <> $1) ORDER BY p.name",
    )
    .bind(application_id)
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

pub(super) async fn insert(conn: &mut AnyConnection, id: &str, wanted: &Wanted) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO identity_applications (id, slug, name, group_name, provider_id, launch_url, open_in_new_tab, \
         icon, description, publisher, policy_engine_mode) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(id)
    .bind(&wanted.slug)
    .bind(&wanted.name)
    .bind(&wanted.group_name)
    .bind(&wanted.provider_id)
    .bind(&wanted.launch_url)
    .bind(i64::from(wanted.open_in_new_tab))
    .bind(&wanted.icon)
    .bind(&wanted.description)
    .bind(&wanted.publisher)
    .bind(wanted.policy_engine_mode.key())
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn update(conn: &mut AnyConnection, id: &str, wanted: &Wanted) -> Result<(), Error> {
    sqlx::query(
        "UPDATE identity_applications SET slug = $2, name = $3, group_name = $4, provider_id = $5, launch_url = $6, \
         open_in_new_tab = $7, icon = $8, description = $9, publisher = $10, policy_engine_mode = $11 WHERE id = $1",
    )
    .bind(id)
    .bind(&wanted.slug)
    .bind(&wanted.name)
    .bind(&wanted.group_name)
    .bind(&wanted.provider_id)
    .bind(&wanted.launch_url)
    .bind(i64::from(wanted.open_in_new_tab))
    .bind(&wanted.icon)
    .bind(&wanted.description)
    .bind(&wanted.publisher)
    .bind(wanted.policy_engine_mode.key())
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes an application with its bindings and the consents that people gave it.
pub(super) async fn delete(conn: &mut AnyConnection, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM identity_applications WHERE id = $1").bind(id).execute(conn).await?;
    Ok(())
}
