//! To which providers a person has been named for good: what `AllowCreate` is about (SAML Core 3.4.1.1).

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use sqlx::AnyConnection;
use store::Error;

use crate::app::App;

/// Whether a person was given a persistent name at a provider before.
///
/// # Errors
/// The database's.
pub(super) async fn is_known(
    conn: &mut AnyConnection,
    provider_id: &str,
    user_id: &str,
) -> Result<bool, Error> {
    let sql = "SELECT COUNT(*) FROM identity_saml_names WHERE provider_id = $1 AND user_id = $2";
    let found: i64 = sqlx::query_scalar(sql).bind(provider_id).bind(user_id).fetch_one(conn).await?;
    Ok(found > 0)
}

/// The people of one provider who are noted already, as far as this process knows: so that a sign-in writes
/// nothing that is there.
#[derive(Debug, Default)]
pub(super) struct Noted(RwLock<HashSet<String>>);

impl Noted {
    /// Notes that a person was given a persistent name, unless that is known.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn note(&self, app: &App, provider_id: &str, user_id: &str) -> Result<(), Error> {
        if self.0.read().unwrap_or_else(PoisonError::into_inner).contains(user_id) {
            return Ok(());
        }
        let mut tx = app.store.begin().await?;
        sqlx::query(
            "INSERT INTO identity_saml_names (provider_id, user_id, created_at) VALUES ($1, $2, $3) \
             ON CONFLICT (provider_id, user_id) DO NOTHING",
        )
        .bind(provider_id)
        .bind(user_id)
        .bind(app.site.now())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(user_id.to_owned());
        Ok(())
    }
}
