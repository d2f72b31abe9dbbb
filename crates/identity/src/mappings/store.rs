//! The SQL of the mappings that administrators wrote.

use site::Site;
use sqlx::{AnyConnection, FromRow};
use store::Error;

use super::{BuiltIn, Mapping, NameFormat, Source, Wanted};

#[derive(FromRow)]
struct Row {
    id: String,
    name: String,
    saml_name: String,
    friendly_name: String,
    name_format: String,
    expression: String,
}

impl TryFrom<Row> for Mapping {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let name_format = NameFormat::parse(&row.name_format).ok_or_else(|| {
            Error::Refused(format!(
                "The property mapping {} has a name format that is not understood.",
                row.name
            ))
        })?;
        Ok(Self {
            id: row.id,
            name: row.name,
            saml_name: row.saml_name,
            friendly_name: row.friendly_name,
            name_format,
            source: Source::Expression(row.expression),
        })
    }
}

const SELECT: &str =
    "SELECT id, name, saml_name, friendly_name, name_format, expression FROM identity_property_mappings";

/// Every mapping: those of the house in their order, then those that administrators wrote, by name.
///
/// # Errors
/// The database's.
pub(crate) async fn all(conn: &mut AnyConnection) -> Result<Vec<Mapping>, Error> {
    let rows: Vec<Row> =
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} ORDER BY name"))).fetch_all(conn).await?;
    let written = rows.into_iter().map(Mapping::try_from);
    BuiltIn::ALL.into_iter().map(|built_in| Ok(built_in.into())).chain(written).collect()
}

/// A mapping by its id, or a built-in one by its slug.
pub(super) async fn find(conn: &mut AnyConnection, id: &str) -> Result<Option<Mapping>, Error> {
    if let Some(built_in) = BuiltIn::ALL.into_iter().find(|built_in| built_in.slug() == id) {
        return Ok(Some(built_in.into()));
    }
    let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} WHERE id = $1")))
        .bind(id)
        .fetch_optional(conn)
        .await?;
    row.map(Mapping::try_from).transpose()
}

pub(super) async fn insert(conn: &mut AnyConnection, site: &Site, wanted: &Wanted) -> Result<String, Error> {
    let id = store::new_id(&**site.random());
    sqlx::query(
        "INSERT INTO identity_property_mappings \
         (id, name, saml_name, friendly_name, name_format, expression, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&id)
    .bind(&wanted.name)
    .bind(&wanted.saml_name)
    .bind(&wanted.friendly_name)
    .bind(wanted.name_format.key())
    .bind(&wanted.expression)
    .bind(site.now())
    .execute(conn)
    .await?;
    Ok(id)
}

/// `false` if it is not there any more.
pub(super) async fn update(conn: &mut AnyConnection, id: &str, wanted: &Wanted) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE identity_property_mappings \
         SET name = $2, saml_name = $3, friendly_name = $4, name_format = $5, expression = $6 WHERE id = $1",
    )
    .bind(id)
    .bind(&wanted.name)
    .bind(&wanted.saml_name)
    .bind(&wanted.friendly_name)
    .bind(wanted.name_format.key())
    .bind(&wanted.expression)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn delete(conn: &mut AnyConnection, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM identity_property_mappings WHERE id = $1").bind(id).execute(conn).await?;
    Ok(())
}
