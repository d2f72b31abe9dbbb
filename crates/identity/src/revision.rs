//! The revision of the configuration: what is kept in memory is valid for as long as it stays the same.

use sqlx::AnyConnection;
use store::Error;

/// Notes, in the transaction that does it, that certificates, providers, applications, bindings or
/// mappings change.
pub(crate) async fn bump(conn: &mut AnyConnection) -> Result<(), Error> {
    sqlx::query("UPDATE identity_revision SET value = value + 1 WHERE id = 1").execute(conn).await?;
    Ok(())
}
