//! What the mappings of a provider say about somebody, and what becomes of those that fail.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::json;
use site::Problem;
use sqlx::{AnyConnection, FromRow};
use store::{Error, Timestamp};

use super::settings::{OnMappingFailure, SamlProvider, Settings};
use crate::app::App;
use crate::expressions::Failure;
use crate::mappings::{self, Mapping, Subject};
use crate::visit::Visit;

/// The mappings that a provider names.
#[derive(Clone, Debug)]
pub(super) struct Mapped {
    /// Ordered by the names of their attributes.
    attributes: Vec<Arc<Mapping>>,
}

impl Mapped {
    /// The mappings that these settings name.
    ///
    /// # Errors
    /// The database's, or that one is not there any more: what it would have told may be what keeps people out.
    pub(super) async fn load(conn: &mut AnyConnection, settings: &Settings) -> Result<Self, Error> {
        let all: Vec<_> = mappings::all(conn).await?.into_iter().map(Arc::new).collect();
        let find = |id: &String| {
            all.iter().find(|mapping| mapping.id == *id).cloned().ok_or_else(|| {
                Error::Refused(format!(
                    "The provider {} names a property mapping that is not there any more.",
                    settings.name
                ))
            })
        };
        let mut attributes = settings.property_mappings.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        attributes.sort_by(|one, other| one.saml_name.cmp(&other.saml_name));
        Ok(Self { attributes })
    }

    /// What they say about somebody; the expressions among them go to a worker in one round trip.
    pub(super) async fn about(&self, app: &App, subject: Subject<'_>) -> Told {
        let mappings: Vec<&Mapping> = self.attributes.iter().map(Arc::as_ref).collect();
        let outcomes = mappings::evaluate(app, &mappings, subject).await;
        let mut told = Told { attributes: Vec::with_capacity(outcomes.len()), failures: Vec::new() };
        for (mapping, outcome) in mappings.into_iter().zip(outcomes) {
            match outcome {
                Ok(values) if values.is_empty() => {}
                Ok(values) => told.attributes.push(mapping.attribute(values)),
                Err(failure) => told.failures.push(Failed { mapping: mapping.name.clone(), failure }),
            }
        }
        told
    }
}

/// What the mappings of a provider say about somebody.
pub(super) struct Told {
    /// Ordered by name, without those that have no value.
    pub(super) attributes: Vec<saml::Attribute>,
    pub(super) failures: Vec<Failed>,
}

/// A mapping that failed.
pub(super) struct Failed {
    /// The mapping's name.
    pub(super) mapping: String,
    pub(super) failure: Failure,
}

impl Told {
    /// Notes the failures for the administrator; then either goes on without those attributes, or not, as the
    /// provider says.
    ///
    /// # Errors
    /// A page, if the provider refuses to go on; the database's.
    pub(super) async fn settle(
        &self,
        app: &App,
        visit: &Visit,
        provider: &SamlProvider,
        username: &str,
    ) -> Result<(), Problem> {
        for failed in &self.failures {
            let sentence = failed.failure.sentence_without_values();
            let kept = KeptFailure {
                mapping: failed.mapping.clone(),
                sentence: sentence.clone(),
                username: username.to_owned(),
                at: app.site.now(),
            };
            let mut tx = app.store.begin().await?;
            keep(&mut tx, &provider.id, &kept).await?;
            let context = json!({ "model": "property mapping", "provider": provider.settings.name, "failure": sentence });
            visit.record_in(app, &mut tx, "configuration_error", username, &failed.mapping, &context).await?;
            tx.commit().await?;
        }
        match (self.failures.first(), provider.settings.on_mapping_failure) {
            (Some(failed), OnMappingFailure::Refuse) => Err(refused(&failed.mapping)),
            _ => Ok(()),
        }
    }
}

/// The person can do nothing about it, and learns nothing that the expression read.
fn refused(mapping: &str) -> Problem {
    let sentence = format!(
        "What the application is told about you can't be worked out: the property mapping “{mapping}” failed, and \
         its provider is set to sign nobody in then. Ask an administrator: the provider's page says what went wrong."
    );
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "You could not be signed in", sentence)
}

/// The last failure of one mapping at one provider.
#[derive(Clone, Debug, FromRow)]
pub(super) struct KeptFailure {
    pub(super) mapping: String,
    /// Without what the expression read.
    pub(super) sentence: String,
    /// Who signed in.
    pub(super) username: String,
    pub(super) at: Timestamp,
}

async fn keep(conn: &mut AnyConnection, provider_id: &str, kept: &KeptFailure) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO identity_saml_mapping_failures (provider_id, mapping, sentence, username, at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (provider_id, mapping) \
         DO UPDATE SET sentence = excluded.sentence, username = excluded.username, at = excluded.at",
    )
    .bind(provider_id)
    .bind(&kept.mapping)
    .bind(&kept.sentence)
    .bind(&kept.username)
    .bind(kept.at)
    .execute(conn)
    .await?;
    Ok(())
}

/// The last failures of a provider's mappings, newest first.
///
/// # Errors
/// The database's.
pub(super) async fn kept_failures(
    conn: &mut AnyConnection,
    provider_id: &str,
) -> Result<Vec<KeptFailure>, Error> {
    let rows = sqlx::query_as(
        "SELECT mapping, sentence, username, at FROM identity_saml_mapping_failures \
         WHERE provider_id = $1 ORDER BY at DESC, mapping LIMIT 20",
    )
    .bind(provider_id)
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Forgets them: the provider was changed, and what still fails will say so again.
///
/// # Errors
/// The database's.
pub(super) async fn forget_failures(conn: &mut AnyConnection, provider_id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM identity_saml_mapping_failures WHERE provider_id = $1")
        .bind(provider_id)
        .execute(conn)
        .await?;
    Ok(())
}
