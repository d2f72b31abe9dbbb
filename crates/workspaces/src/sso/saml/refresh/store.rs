//! The SQL of metadata that is refreshed.

use std::time::Duration;

use ::store::{Error, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, FromRow, Row as _};

use super::Accepted;
use crate::sso::saml::{Choice as _, SamlConfig};

/// What is known of the document of a configuration.
#[derive(Clone, Debug)]
pub(in crate::sso::saml) struct Kept {
    pub(super) etag: String,
    /// When it is fetched next.
    due_at: Timestamp,
    /// When it was last accepted, if it ever was.
    taken_at: Option<Timestamp>,
    /// Why the last try failed; empty if it did not.
    pub(in crate::sso::saml) failure: String,
    /// A key of the configuration has signed it, and from then on one must.
    pub(in crate::sso::saml) signed: bool,
    /// Fingerprints of the certificates that it listed.
    pub(super) listed: Vec<String>,
    pub(super) valid_until: Option<Timestamp>,
    /// When something last changed, if it ever did.
    changed_at: Option<Timestamp>,
    /// What changed then, a sentence each.
    pub(in crate::sso::saml) changes: Vec<String>,
}

impl FromRow<'_, AnyRow> for Kept {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let moment = |name: &str| {
            let at: Timestamp = row.try_get(name)?;
            Ok::<_, sqlx::Error>((at.micros() != 0).then_some(at))
        };
        // Only this file writes these columns.
        let texts = |name: &str| {
            let json: String = row.try_get(name)?;
            Ok::<Vec<String>, sqlx::Error>(serde_json::from_str(&json).unwrap_or_default())
        };
        Ok(Self {
            etag: row.try_get("etag")?,
            due_at: row.try_get("due_at")?,
            taken_at: moment("taken_at")?,
            failure: row.try_get("failure")?,
            signed: row.try_get::<i64, _>("signed")? != 0,
            listed: texts("listed")?,
            valid_until: moment("valid_until")?,
            changed_at: moment("changed_at")?,
            changes: texts("changes")?,
        })
    }
}

impl Kept {
    /// When the document was last accepted, for the page.
    pub(in crate::sso::saml) fn taken(&self) -> String {
        self.taken_at.map_or_else(|| "Not yet".to_owned(), moment)
    }

    /// When it is fetched next, for the page.
    pub(in crate::sso::saml) fn due(&self) -> String {
        if self.due_at.micros() == 0 { "Within a minute".to_owned() } else { moment(self.due_at) }
    }

    /// Until when it is valid, for the page.
    pub(in crate::sso::saml) fn ends(&self) -> Option<String> {
        self.valid_until.map(moment)
    }

    /// When something last changed, for the page.
    pub(in crate::sso::saml) fn changed(&self) -> Option<String> {
        self.changed_at.map(moment)
    }
}

fn moment(at: Timestamp) -> String {
    format!("{} UTC", site::moments::utc(at))
}

/// What is known of the document of a configuration, as long as it is the one of its Metadata URL.
pub(in crate::sso::saml) async fn find(
    conn: &mut AnyConnection,
    config_id: &str,
) -> Result<Option<Kept>, Error> {
    let kept = sqlx::query_as(
        "SELECT m.etag, m.due_at, m.taken_at, m.failure, m.signed, m.listed, m.valid_until, m.changed_at, m.changes \
         FROM workspaces_saml_metadata m JOIN workspaces_saml_configs c ON c.id = m.config_id \
         WHERE m.config_id = $1 AND m.url = c.metadata_url",
    )
    .bind(config_id)
    .fetch_optional(conn)
    .await?;
    Ok(kept)
}

/// The configurations whose last refresh failed.
pub(in crate::sso::saml) async fn failing(conn: &mut AnyConnection) -> Result<Vec<String>, Error> {
    let failing = sqlx::query_scalar(
        "SELECT m.config_id FROM workspaces_saml_metadata m JOIN workspaces_saml_configs c ON c.id = m.config_id \
         WHERE m.failure <> '' AND m.url = c.metadata_url",
    )
    .fetch_all(conn)
    .await?;
    Ok(failing)
}

/// Gives each configuration with a Metadata URL its row, due at once, and forgets what was known of another URL.
pub(super) async fn enrol(conn: &mut AnyConnection) -> Result<(), Error> {
    sqlx::query(
        "DELETE FROM workspaces_saml_metadata WHERE NOT EXISTS (SELECT 1 FROM workspaces_saml_configs c \
         WHERE c.id = workspaces_saml_metadata.config_id AND c.metadata_url = workspaces_saml_metadata.url)",
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "INSERT INTO workspaces_saml_metadata (config_id, url, due_at) \
         SELECT c.id, c.metadata_url, 0 FROM workspaces_saml_configs c \
         WHERE c.metadata_url <> '' AND c.idp_entity_id <> '' ON CONFLICT DO NOTHING",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The configurations whose document is to be fetched.
pub(super) async fn due(conn: &mut AnyConnection, now: Timestamp) -> Result<Vec<String>, Error> {
    let due = sqlx::query_scalar(
        "SELECT config_id FROM workspaces_saml_metadata WHERE due_at <= $1 ORDER BY due_at, config_id",
    )
    .bind(now)
    .fetch_all(conn)
    .await?;
    Ok(due)
}

/// Takes what is due for oneself; `false` if somebody else has it.
pub(super) async fn claim(
    conn: &mut AnyConnection,
    config_id: &str,
    now: Timestamp,
    lease: Duration,
) -> Result<bool, Error> {
    let done =
        sqlx::query("UPDATE workspaces_saml_metadata SET due_at = $3 WHERE config_id = $1 AND due_at <= $2")
            .bind(config_id)
            .bind(now)
            .bind(now.plus(lease))
            .execute(conn)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps others away while somebody refreshes by hand, due or not.
pub(super) async fn lease(
    conn: &mut AnyConnection,
    config_id: &str,
    now: Timestamp,
    lease: Duration,
) -> Result<(), Error> {
    sqlx::query("UPDATE workspaces_saml_metadata SET due_at = $2 WHERE config_id = $1")
        .bind(config_id)
        .bind(now.plus(lease))
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn unchanged(
    conn: &mut AnyConnection,
    config_id: &str,
    now: Timestamp,
    due_at: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE workspaces_saml_metadata SET tried_at = $2, taken_at = $2, due_at = $3, failure = '' \
         WHERE config_id = $1",
    )
    .bind(config_id)
    .bind(now)
    .bind(due_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps what was learned from an accepted document.
pub(super) async fn taken(
    conn: &mut AnyConnection,
    config_id: &str,
    accepted: &Accepted,
    now: Timestamp,
    due_at: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE workspaces_saml_metadata SET tried_at = $2, taken_at = $2, due_at = $3, failure = '', etag = $4, \
         signed = $5, listed = $6, valid_until = $7 WHERE config_id = $1",
    )
    .bind(config_id)
    .bind(now)
    .bind(due_at)
    .bind(&accepted.etag)
    .bind(i64::from(accepted.signed))
    .bind(json(&accepted.listed)?)
    .bind(accepted.valid_until.unwrap_or(Timestamp::from_micros(0)))
    .execute(&mut *conn)
    .await?;
    if !accepted.changes.is_empty() {
        sqlx::query("UPDATE workspaces_saml_metadata SET changed_at = $2, changes = $3 WHERE config_id = $1")
            .bind(config_id)
            .bind(now)
            .bind(json(&accepted.changes)?)
            .execute(conn)
            .await?;
    }
    Ok(())
}

pub(super) async fn failed(
    conn: &mut AnyConnection,
    config_id: &str,
    sentence: &str,
    now: Timestamp,
    due_at: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE workspaces_saml_metadata SET tried_at = $2, due_at = $3, failure = $4 WHERE config_id = $1",
    )
    .bind(config_id)
    .bind(now)
    .bind(due_at)
    .bind(sentence)
    .execute(conn)
    .await?;
    Ok(())
}

/// Changes what a document changes, and nothing else; `false` if somebody has saved the configuration since
/// `before` was read.
pub(in crate::sso::saml) async fn apply(
    conn: &mut AnyConnection,
    before: &SamlConfig,
    after: &SamlConfig,
    now: Timestamp,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE workspaces_saml_configs SET sso_url = $2, slo_url = $3, slo_binding = $4, certificates = $5, \
         sign_requests = $6, sp_key_sealed = $7, sp_certificate = $8, updated_at = $9 \
         WHERE id = $1 AND metadata_url = $10 AND idp_entity_id = $11 AND certificates = $12 AND sso_url = $13 \
         AND slo_url = $14 AND sp_certificate = $15",
    )
    .bind(&after.id)
    .bind(&after.sso_url)
    .bind(&after.slo_url)
    .bind(after.slo_binding.key())
    .bind(&after.certificates)
    .bind(i64::from(after.sign_requests))
    .bind(&after.sp_key_sealed)
    .bind(&after.sp_certificate)
    .bind(now)
    .bind(&before.metadata_url)
    .bind(&before.idp_entity_id)
    .bind(&before.certificates)
    .bind(&before.sso_url)
    .bind(&before.slo_url)
    .bind(&before.sp_certificate)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

fn json(texts: &[String]) -> Result<String, Error> {
    serde_json::to_string(texts)
        .map_err(|error| Error::Refused(format!("what changed can't be kept: {error}")))
}
