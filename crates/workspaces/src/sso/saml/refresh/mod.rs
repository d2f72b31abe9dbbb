//! An identity provider's metadata, fetched again each day from the Metadata URL of its configuration, so that
//! a change of its certificates or addresses locks nobody out.
//!
//! What is taken over is what a person would copy: the addresses and the signing certificates. A certificate
//! that the document lists is added; it is dropped only when the document once listed it and no longer does, so
//! what an administrator added by hand stays. Another Entity ID is another identity provider and is refused. A
//! document that one of the known keys has signed must stay signed by a known one. Whatever fails leaves the
//! configuration as it was, and says so on its page and in an event.

mod store;

use std::time::Duration;

use ::store::{Error, Timestamp};
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::post;
use saml::{Certificate, IdpMetadata, MetadataExpectations, VerifyingKey};
use serde_json::json;
use site::events::Event;
use site::fetch::{self, Fetched};
use site::origin::parse_web_url;
use site::{Button, ClientAddr, Notice, Problem, Submitted, TraceId};

use super::{Choice as _, SamlConfig, form, keys, pages};
use crate::app::App;
use crate::auth::Administrator;
use crate::visit::Visit;

#[cfg(test)]
pub(super) use self::store::apply;
pub(super) use self::store::{Kept, failing, find};

/// How often it is looked whether something is due.
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// How often a document is fetched; sooner if it says that it lasts for less.
const REFRESH_EVERY: Duration = Duration::from_hours(24);
/// No sooner than that, whatever the document says, and after a failure.
const AT_LEAST: Duration = Duration::from_hours(1);
/// How long one refresh has the configuration for itself: longer than a fetch can take.
const LEASE: Duration = Duration::from_mins(2);

pub(super) fn routes() -> Router<App> {
    Router::new().route("/admin/access/authentication/saml/{id}/refresh", post(refresh_now))
}

/// Works until the service stops.
pub(crate) async fn keep(app: App) {
    loop {
        tokio::select! {
            () = app.stopped() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if let Err(error) = refresh_due(&app).await {
            tracing::error!(?error, "metadata could not be refreshed; will try again");
        }
    }
}

/// Refreshes what is due.
pub(super) async fn refresh_due(app: &App) -> Result<(), Error> {
    let mut tx = app.store.begin().await?;
    store::enrol(&mut tx).await?;
    tx.commit().await?;
    let due = store::due(&mut *app.store.read().await?, app.site.now()).await?;
    for config_id in due {
        let mut tx = app.store.begin().await?;
        let mine = store::claim(&mut tx, &config_id, app.site.now(), LEASE).await?;
        tx.commit().await?;
        if mine {
            refresh(app, &config_id, None).await?;
        }
    }
    Ok(())
}

/// What a refresh came to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// The document is the one of before.
    Unchanged,
    /// It was read, and these sentences say what changed; none if nothing of ours did.
    Taken(Vec<String>),
    /// Nothing was taken over.
    Failed(String),
}

/// A document that was accepted.
struct Accepted {
    etag: String,
    /// One of the known keys has signed it.
    signed: bool,
    /// Fingerprints of the certificates that it lists.
    listed: Vec<String>,
    valid_until: Option<Timestamp>,
    lasts: Duration,
    /// The configuration with it, and what is other than before.
    config: SamlConfig,
    changes: Vec<String>,
}

/// Fetches the document of a configuration and takes it over. The caller has claimed it.
async fn refresh(app: &App, config_id: &str, by: Option<(&Visit, &str)>) -> Result<Outcome, Error> {
    let mut conn = app.store.read().await?;
    let config = super::store::find(&mut conn, config_id).await?;
    let kept = find(&mut conn, config_id).await?;
    drop(conn);
    let (Some(config), Some(kept)) = (config, kept) else { return Ok(Outcome::Unchanged) };
    let outcome = match fetch(app, &config, &kept).await {
        Ok(None) => {
            let mut tx = app.store.begin().await?;
            store::unchanged(
                &mut tx,
                config_id,
                app.site.now(),
                due_after(app, kept.valid_until, REFRESH_EVERY),
            )
            .await?;
            tx.commit().await?;
            Outcome::Unchanged
        }
        Ok(Some(accepted)) => take_over(app, &config, &accepted, by).await?,
        Err(sentence) => Outcome::Failed(sentence),
    };
    if let Outcome::Failed(sentence) = &outcome {
        note_failure(app, &config, &kept, sentence, by).await?;
    }
    Ok(outcome)
}

/// The document, unless it is the one of before.
///
/// # Errors
/// Why it is not accepted, as a sentence for the administrator.
async fn fetch(app: &App, config: &SamlConfig, kept: &Kept) -> Result<Option<Accepted>, String> {
    let url = parse_web_url(&config.metadata_url).map_err(str::to_owned)?;
    let etag = (!kept.etag.is_empty()).then_some(kept.etag.as_str());
    let fetched = fetch::unless_unchanged(&url, config.metadata_allow_private, etag).await;
    match fetched.map_err(|error| error.to_string())? {
        Fetched::Unchanged => match kept.valid_until.filter(|end| *end <= app.site.now()) {
            Some(end) => Err(expired(end)),
            None => Ok(None),
        },
        Fetched::Document { bytes, etag } => {
            accept(app, config, kept, &bytes, etag.unwrap_or_default()).await.map(Some)
        }
    }
}

fn expired(end: Timestamp) -> String {
    format!(
        "The metadata was valid until {} UTC. Have the identity provider publish it anew.",
        site::moments::utc(end)
    )
}

async fn accept(
    app: &App,
    config: &SamlConfig,
    kept: &Kept,
    bytes: &[u8],
    etag: String,
) -> Result<Accepted, String> {
    let entities = IdpMetadata::entity_ids(bytes).map_err(|error| error.sentence())?;
    if !entities.contains(&config.idp_entity_id) {
        return Err(format!(
            "The metadata is of {}, but Entity ID is {}. If the identity provider changed its name, change Entity ID \
             first.",
            entities.join(", "),
            config.idp_entity_id
        ));
    }
    // One entity of a federation's document is as good as a document of its own.
    let expectations =
        MetadataExpectations { entity_id: Some(&config.idp_entity_id), ..MetadataExpectations::default() };
    let metadata = IdpMetadata::parse_with(bytes, &expectations).map_err(|error| error.sentence())?;
    let valid_until = metadata.valid_until.map(|end| Timestamp::from_micros(end.micros()));
    if let Some(end) = valid_until.filter(|end| *end <= app.site.now()) {
        return Err(expired(end));
    }
    let known = Certificate::parse_all(&config.certificates).map_err(|error| error.sentence())?;
    let signed = signed_by(&known, config, bytes, kept.signed)?;
    let listed: Vec<String> =
        metadata.signing_certificates.iter().map(Certificate::sha256_fingerprint).collect();
    let mut newer = config.clone();
    form::from_metadata(&mut newer, &metadata)?;
    newer.certificates = merged(known, &metadata.signing_certificates, &kept.listed);
    keys::ensure(app, &mut newer).await.map_err(|problem| problem.sentence().to_owned())?;
    let changes = changes(config, &newer);
    let lasts = metadata.cache_duration.unwrap_or(REFRESH_EVERY);
    Ok(Accepted { etag, signed, listed, valid_until, lasts, config: newer, changes })
}

/// Whether one of the known keys has signed the document; it must, if one once did.
fn signed_by(
    known: &[Certificate],
    config: &SamlConfig,
    document: &[u8],
    must: bool,
) -> Result<bool, String> {
    let keys: Vec<VerifyingKey> =
        known.iter().map(|certificate| certificate.verifying_key().clone()).collect();
    let expectations =
        MetadataExpectations { entity_id: Some(&config.idp_entity_id), signed_by: Some(&keys), now: None };
    match IdpMetadata::parse_with(document, &expectations) {
        Ok(_) => Ok(true),
        Err(error) if must => Err(format!(
            "The metadata was signed by a key of X509 Certificate until now, and it no longer is: {} If that is right, \
             add the new certificate by hand, or clear Metadata URL, save, and enter it again.",
            error.sentence()
        )),
        Err(_) => Ok(false),
    }
}

/// The certificates that are known and those that are listed, without those that were listed and no longer are.
fn merged(known: Vec<Certificate>, listed: &[Certificate], listed_before: &[String]) -> String {
    let stays = |certificate: &Certificate| {
        listed.contains(certificate) || !listed_before.contains(&certificate.sha256_fingerprint())
    };
    let mut merged: Vec<Certificate> = known.into_iter().filter(stays).collect();
    for certificate in listed {
        if !merged.contains(certificate) {
            merged.push(certificate.clone());
        }
    }
    merged.iter().map(Certificate::pem).collect()
}

/// What is other than before, a sentence each.
fn changes(before: &SamlConfig, after: &SamlConfig) -> Vec<String> {
    let certificates = |config: &SamlConfig| Certificate::parse_all(&config.certificates).unwrap_or_default();
    let (old, new) = (certificates(before), certificates(after));
    let described = |certificate: &Certificate| {
        format!(
            "{}, valid until {}, SHA-256 {}",
            certificate.subject(),
            certificate.not_after(),
            certificate.sha256_fingerprint()
        )
    };
    let mut changes = Vec::new();
    let added = new.iter().filter(|certificate| !old.contains(certificate));
    changes.extend(added.map(|certificate| format!("New X509 Certificate: {}", described(certificate))));
    let dropped = old.iter().filter(|certificate| !new.contains(certificate));
    changes
        .extend(dropped.map(|certificate| format!("X509 Certificate dropped: {}", described(certificate))));
    for (label, before, after) in [
        ("Single Sign On Service", &before.sso_url, &after.sso_url),
        ("Single Logout Service", &before.slo_url, &after.slo_url),
    ] {
        match (before.as_str(), after.as_str()) {
            (old, new) if old == new => {}
            ("", new) => changes.push(format!("New {label}: {new}")),
            (old, "") => changes.push(format!("{label} dropped: {old}")),
            (old, new) => changes.push(format!("{label}: {new} instead of {old}")),
        }
    }
    if before.slo_binding != after.slo_binding {
        changes.push(format!("Single Logout Service Binding: {}", after.slo_binding.key()));
    }
    if after.sign_requests && !before.sign_requests {
        changes.push("Requests are signed from now on: the identity provider wants it.".to_owned());
    }
    changes
}

/// When the next refresh is due.
fn due_after(app: &App, valid_until: Option<Timestamp>, lasts: Duration) -> Timestamp {
    let now = app.site.now();
    let left = valid_until.map_or(REFRESH_EVERY, |end| end.since(now));
    now.plus(REFRESH_EVERY.min(lasts).min(left).max(AT_LEAST))
}

/// Keeps what the document says, unless somebody changed the configuration meanwhile.
async fn take_over(
    app: &App,
    before: &SamlConfig,
    accepted: &Accepted,
    by: Option<(&Visit, &str)>,
) -> Result<Outcome, Error> {
    let now = app.site.now();
    let due = due_after(app, accepted.valid_until, accepted.lasts);
    let mut tx = app.store.begin().await?;
    if !accepted.changes.is_empty() {
        if !store::apply(&mut tx, before, &accepted.config, now).await? {
            return Ok(Outcome::Failed(
                "The configuration was saved while the metadata was fetched. It will be fetched again."
                    .to_owned(),
            ));
        }
        let context =
            json!({ "id": before.id, "metadata_url": before.metadata_url, "changes": accepted.changes });
        record(app, &mut tx, "saml_config_refreshed", before, by, &context).await?;
    }
    store::taken(&mut tx, &before.id, accepted, now, due).await?;
    tx.commit().await?;
    Ok(Outcome::Taken(accepted.changes.clone()))
}

/// Notes why nothing was taken over. A failure that lasts is one event.
async fn note_failure(
    app: &App,
    config: &SamlConfig,
    kept: &Kept,
    sentence: &str,
    by: Option<(&Visit, &str)>,
) -> Result<(), Error> {
    tracing::warn!(config = config.id, cause = sentence, "metadata was not refreshed");
    let now = app.site.now();
    let mut tx = app.store.begin().await?;
    store::failed(&mut tx, &config.id, sentence, now, now.plus(AT_LEAST)).await?;
    if kept.failure != sentence {
        let context = json!({ "id": config.id, "metadata_url": config.metadata_url, "because": sentence });
        record(app, &mut tx, "saml_config_refresh_failed", config, by, &context).await?;
    }
    tx.commit().await
}

/// Notes an event of the person who pressed the button, or of nobody.
async fn record(
    app: &App,
    conn: &mut sqlx::AnyConnection,
    action: &str,
    config: &SamlConfig,
    by: Option<(&Visit, &str)>,
    context: &serde_json::Value,
) -> Result<(), Error> {
    let subject = &config.display_name;
    match by {
        Some((visit, actor)) => visit.record_in(app, conn, action, actor, subject, context).await,
        None => {
            let trace = TraceId("-".into());
            let event = Event { action, actor: "", subject, client_addr: ClientAddr(None), trace: &trace };
            app.events.record_in(conn, event, context).await
        }
    }
}

async fn refresh_now(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Path(id): Path<String>,
    _: Submitted<Button>,
) -> Result<Response, Problem> {
    let config = pages::find(&app, &id).await?;
    let back = pages::href(&config);
    if config.metadata_url.is_empty() || config.idp_entity_id.is_empty() {
        return Err(Problem::bad_request("Fill in Metadata URL and Entity ID and save before you refresh.")
            .next("Back to the configuration", back));
    }
    let mut tx = app.store.begin().await?;
    store::enrol(&mut tx).await?;
    store::lease(&mut tx, &config.id, app.site.now(), LEASE).await?;
    tx.commit().await?;
    let sentence = match refresh(&app, &config.id, Some((&visit, &person.user.username))).await? {
        Outcome::Unchanged => "The metadata has not changed.".to_owned(),
        Outcome::Taken(changes) if changes.is_empty() => {
            "The metadata was read, and it says what this configuration has already.".to_owned()
        }
        Outcome::Taken(changes) => format!("The metadata was taken over. {}", changes.join(". ")),
        Outcome::Failed(sentence) => {
            return Err(Problem::new(
                axum::http::StatusCode::BAD_GATEWAY,
                "The metadata was not refreshed",
                sentence,
            )
            .next("Back to the configuration", back));
        }
    };
    Ok(Notice::redirect(&app.site, &sentence, &back))
}
