//! The SQL of applications.

use sqlx::{AnyConnection, FromRow};
use store::Error;

use super::Application;
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
pub(crate) async fn by_provider(conn: &mut AnyConnection, provider_id: &str) -> Result<Option<Application>, Error> {
    let row: Option<Row> =
        sqlx::query_as(select("WHERE provider_id = $1")).bind(provider_id).fetch_optional(conn).await?;
    Ok(row.map(Application::from))
}
