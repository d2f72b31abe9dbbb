//! The SQL of what is known from the metadata of service providers.

use sqlx::{AnyConnection, FromRow};
use store::{Error, Timestamp};

/// What is known from the metadata of a service provider.
#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) provider_id: String,
    /// What was taken over last, as we write it (XML); `None` before the first time.
    pub(super) metadata: Option<String>,
    /// Where it was fetched, or was to be fetched; empty if somebody pasted it.
    pub(super) url: String,
    pub(super) etag: Option<String>,
    /// When somebody is to look again; whoever looks sets it ahead first, so that others leave it alone.
    pub(super) due_at: Timestamp,
    /// When it was looked at last without a failure.
    pub(super) refreshed_at: Option<Timestamp>,
    pub(super) changed_at: Option<Timestamp>,
    /// What changed last, as JSON: a list of lines.
    pub(super) changes: String,
    /// Why the last attempt failed; empty if it did not.
    pub(super) error: String,
    pub(super) failing_since: Option<Timestamp>,
}

impl Known {
    pub(super) fn new(provider_id: &str, url: &str, due_at: Timestamp) -> Self {
        Self {
            provider_id: provider_id.to_owned(),
            metadata: None,
            url: url.to_owned(),
            etag: None,
            due_at,
            refreshed_at: None,
            changed_at: None,
            changes: "[]".to_owned(),
            error: String::new(),
            failing_since: None,
        }
    }
}

pub(super) async fn find(conn: &mut AnyConnection, provider_id: &str) -> Result<Option<Known>, Error> {
    let row = sqlx::query_as(
        "SELECT provider_id, metadata, url, etag, due_at, refreshed_at, changed_at, changes, error, failing_since \
         FROM identity_saml_metadata WHERE provider_id = $1",
    )
    .bind(provider_id)
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

pub(super) async fn save(conn: &mut AnyConnection, known: &Known) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO identity_saml_metadata (provider_id, metadata, url, etag, due_at, refreshed_at, changed_at, \
         changes, error, failing_since) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (provider_id) DO UPDATE SET metadata = excluded.metadata, url = excluded.url, \
         etag = excluded.etag, due_at = excluded.due_at, refreshed_at = excluded.refreshed_at, \
         changed_at = excluded.changed_at, changes = excluded.changes, error = excluded.error, \
         failing_since = excluded.failing_since",
    )
    .bind(&known.provider_id)
    .bind(&known.metadata)
    .bind(&known.url)
    .bind(&known.etag)
    .bind(known.due_at)
    .bind(known.refreshed_at)
    .bind(known.changed_at)
    .bind(&known.changes)
    .bind(&known.error)
    .bind(known.failing_since)
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes the providers known that have an address for metadata since somebody entered it.
pub(super) async fn enrol(conn: &mut AnyConnection, now: Timestamp) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO identity_saml_metadata (provider_id, url, due_at, changes, error) \
         SELECT p.id, p.metadata_url, $1, '[]', '' FROM identity_saml_providers p \
         WHERE p.metadata_url IS NOT NULL AND NOT EXISTS \
         (SELECT 1 FROM identity_saml_metadata m WHERE m.provider_id = p.id) \
         ON CONFLICT (provider_id) DO NOTHING",
    )
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(FromRow)]
struct Due {
    provider_id: String,
    url: String,
    due_at: Timestamp,
    wanted_url: String,
}

/// Whether there is anything to do: most of the time there is not, and then nothing is written.
pub(super) async fn any_due(conn: &mut AnyConnection, now: Timestamp) -> Result<bool, Error> {
    let (count,): (i64,) = sqlx::query_as(
        "SELECT COUNT(*) FROM identity_saml_providers p LEFT JOIN identity_saml_metadata m ON m.provider_id = p.id \
         WHERE p.metadata_url IS NOT NULL AND (m.due_at IS NULL OR m.due_at <= $1 OR m.url <> p.metadata_url)",
    )
    .bind(now)
    .fetch_one(conn)
    .await?;
    Ok(count > 0)
}

/// Takes the provider that waits longest for its metadata to be looked at, so that nobody else does until
/// `until`. An ETag counts for the address that it came from.
pub(super) async fn claim(
    conn: &mut AnyConnection,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<String>, Error> {
    let due: Option<Due> = sqlx::query_as(
        "SELECT m.provider_id, m.url, m.due_at, p.metadata_url AS wanted_url FROM identity_saml_metadata m \
         JOIN identity_saml_providers p ON p.id = m.provider_id \
         WHERE p.metadata_url IS NOT NULL AND (m.due_at <= $1 OR m.url <> p.metadata_url) \
         ORDER BY m.due_at, m.provider_id LIMIT 1",
    )
    .bind(now)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(due) = due else { return Ok(None) };
    let done = sqlx::query(
        "UPDATE identity_saml_metadata SET due_at = $4, url = $5, etag = CASE WHEN url = $5 THEN etag ELSE NULL END \
         WHERE provider_id = $1 AND due_at = $2 AND url = $3",
    )
    .bind(&due.provider_id)
    .bind(due.due_at)
    .bind(&due.url)
    .bind(until)
    .bind(&due.wanted_url)
    .execute(conn)
    .await?;
    Ok((done.rows_affected() == 1).then_some(due.provider_id))
}

/// A provider whose metadata can't be refreshed.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Failing {
    pub(crate) provider_id: String,
    pub(crate) provider: String,
    pub(crate) error: String,
    pub(crate) failing_since: Timestamp,
}

/// Every provider whose metadata can't be refreshed, by name.
///
/// # Errors
/// The database's.
pub(crate) async fn failing(conn: &mut AnyConnection) -> Result<Vec<Failing>, Error> {
    let rows = sqlx::query_as(
        "SELECT m.provider_id, p.name AS provider, m.error, m.failing_since FROM identity_saml_metadata m \
         JOIN identity_saml_providers p ON p.id = m.provider_id \
         WHERE p.metadata_url IS NOT NULL AND m.failing_since IS NOT NULL ORDER BY p.name",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The certificates beyond the provider's own setting that its requests may be signed with: those that its
/// metadata names besides, while it changes over.
///
/// # Errors
/// The database's.
pub(in crate::providers::saml) async fn further_verification(
    conn: &mut AnyConnection,
    provider_id: &str,
) -> Result<Vec<String>, Error> {
    let ids = sqlx::query_scalar(
        "SELECT certificate_id FROM identity_saml_verification_certificates WHERE provider_id = $1 \
         ORDER BY certificate_id",
    )
    .bind(provider_id)
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// Sets [`further_verification`].
///
/// # Errors
/// The database's.
pub(in crate::providers::saml) async fn set_further_verification(
    conn: &mut AnyConnection,
    provider_id: &str,
    certificates: &[String],
) -> Result<(), Error> {
    sqlx::query("DELETE FROM identity_saml_verification_certificates WHERE provider_id = $1")
        .bind(provider_id)
        .execute(&mut *conn)
        .await?;
    for certificate in certificates {
        sqlx::query(
            "INSERT INTO identity_saml_verification_certificates (provider_id, certificate_id) VALUES ($1, $2)",
        )
        .bind(provider_id)
        .bind(certificate)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}
