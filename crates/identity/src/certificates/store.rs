//! The SQL of certificates.

use sqlx::{AnyConnection, FromRow};
use store::{Error, Sealer, Timestamp};

use super::Keypair;
use crate::app::App;
use crate::revision;

#[derive(FromRow)]
struct Row {
    id: String,
    name: String,
    certificate_pem: String,
    has_key: i64,
    created_at: Timestamp,
}

impl From<Row> for Keypair {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            name: row.name,
            certificate_pem: row.certificate_pem,
            has_key: row.has_key != 0,
            created_at: row.created_at,
        }
    }
}

fn select(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!(
        "SELECT id, name, certificate_pem, CASE WHEN private_key_sealed IS NULL THEN 0 ELSE 1 END AS has_key, \
         created_at FROM identity_certificates {rest}"
    ))
}

/// A certificate by its id.
pub(crate) async fn find(conn: &mut AnyConnection, id: &str) -> Result<Option<Keypair>, Error> {
    let row: Option<Row> = sqlx::query_as(select("WHERE id = $1")).bind(id).fetch_optional(conn).await?;
    Ok(row.map(Keypair::from))
}

/// The oldest certificate that can sign: the one that was made at first start, unless it was deleted.
pub(crate) async fn default_id(conn: &mut AnyConnection) -> Result<Option<String>, Error> {
    let found: Option<(String,)> = sqlx::query_as(
        "SELECT id FROM identity_certificates WHERE private_key_sealed IS NOT NULL ORDER BY created_at, id LIMIT 1",
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|(id,)| id))
}

/// Every certificate as `(id, name)`, by name, for a choice in a form.
pub(crate) async fn names(conn: &mut AnyConnection) -> Result<Vec<(String, String)>, Error> {
    Ok(sqlx::query_as("SELECT id, name FROM identity_certificates ORDER BY name").fetch_all(conn).await?)
}

/// Every certificate that can sign, as `(id, name)`, by name.
pub(crate) async fn names_with_key(conn: &mut AnyConnection) -> Result<Vec<(String, String)>, Error> {
    let rows = sqlx::query_as(
        "SELECT id, name FROM identity_certificates WHERE private_key_sealed IS NOT NULL ORDER BY name",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The private key of a certificate in PEM; `None` if it has none here.
pub(crate) async fn private_key(
    conn: &mut AnyConnection,
    sealer: &Sealer,
    id: &str,
) -> Result<Option<String>, Error> {
    let found: Option<(Option<String>,)> =
        sqlx::query_as("SELECT private_key_sealed FROM identity_certificates WHERE id = $1")
            .bind(id)
            .fetch_optional(conn)
            .await?;
    let Some((Some(sealed),)) = found else { return Ok(None) };
    let opened = sealer.open(&seal_context(id), &sealed)?;
    Ok(Some(String::from_utf8(opened).map_err(|_| store::SealError::Damaged)?))
}

/// Where a sealed key is kept, so that it can't be moved to another row.
pub(super) fn seal_context(id: &str) -> String {
    format!("identity_certificates/{id}/private_key")
}

/// Whether there is any certificate.
pub(super) async fn any(conn: &mut AnyConnection) -> Result<bool, Error> {
    let (count,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM identity_certificates").fetch_one(conn).await?;
    Ok(count > 0)
}

/// Keeps a certificate, and its private key (in PEM) sealed. Returns its id.
pub(super) async fn create(
    conn: &mut AnyConnection,
    app: &App,
    name: &str,
    certificate_pem: &str,
    private_key_pem: Option<&str>,
) -> Result<String, Error> {
    let random = &**app.site.random();
    let id = store::new_id(random);
    let sealed = private_key_pem.map(|pem| app.sealer.seal(random, &seal_context(&id), pem.as_bytes()));
    sqlx::query(
        "INSERT INTO identity_certificates (id, name, certificate_pem, private_key_sealed, created_at) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&id)
    .bind(name)
    .bind(certificate_pem)
    .bind(sealed)
    .bind(app.site.now())
    .execute(&mut *conn)
    .await?;
    revision::bump(conn).await?;
    Ok(id)
}

/// Every certificate, by name.
pub(crate) async fn all(conn: &mut AnyConnection) -> Result<Vec<Keypair>, Error> {
    let rows: Vec<Row> = sqlx::query_as(select("ORDER BY name")).fetch_all(conn).await?;
    Ok(rows.into_iter().map(Keypair::from).collect())
}

pub(super) async fn rename(conn: &mut AnyConnection, id: &str, name: &str) -> Result<(), Error> {
    sqlx::query("UPDATE identity_certificates SET name = $2 WHERE id = $1")
        .bind(id)
        .bind(name)
        .execute(conn)
        .await?;
    Ok(())
}

/// Deletes a certificate. A provider that still uses it is a foreign key violation.
pub(super) async fn delete(conn: &mut AnyConnection, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM identity_certificates WHERE id = $1").bind(id).execute(&mut *conn).await?;
    revision::bump(conn).await
}

/// The thresholds, in days before its end, that were announced for a certificate.
pub(super) async fn announced(conn: &mut AnyConnection, id: &str) -> Result<Vec<i64>, Error> {
    let days =
        sqlx::query_scalar("SELECT days_before FROM identity_certificate_warnings WHERE certificate_id = $1")
            .bind(id)
            .fetch_all(conn)
            .await?;
    Ok(days)
}

/// Notes that a threshold is announced; `false` if it was already.
pub(super) async fn announce(
    conn: &mut AnyConnection,
    id: &str,
    days_before: u32,
    now: Timestamp,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "INSERT INTO identity_certificate_warnings (certificate_id, days_before, at) VALUES ($1, $2, $3) \
         ON CONFLICT (certificate_id, days_before) DO NOTHING",
    )
    .bind(id)
    .bind(i64::from(days_before))
    .bind(now)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
