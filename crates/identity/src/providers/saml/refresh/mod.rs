//! Keeping a provider as its service provider describes itself: what came with its metadata is remembered,
//! looked at again each day, and only what the metadata says otherwise than before is changed.

mod pages;
mod store;

use std::time::Duration;

use ::store::{Error, Timestamp};
use saml::SpMetadata;
use serde_json::{Value, json};
use site::fetch::{self, Fetched};
use site::{Problem, moments};
use sqlx::AnyConnection;
use url::Url;

use self::store::Known;
use super::service_provider::{Adopted, ServiceProviderFacts, Watched};
use super::settings::{RequestSignatures, SamlProvider, Settings};
use super::{changes, store as providers};
use crate::app::App;
use crate::refusal::Refusal;
use crate::visit::AdminVisit;
use crate::{certificates, events};

pub(super) use self::pages::{Shown, routes};
pub(crate) use self::store::{Failing, failing};
pub(super) use self::store::{further_verification, set_further_verification};

/// How often metadata is looked at.
const EVERY: Duration = Duration::from_hours(24);
/// How soon again after a failure.
const RETRY: Duration = Duration::from_hours(1);
/// How long one look may take before another instance tries.
const LEASE: Duration = Duration::from_mins(5);
/// More lines than these are not kept of one change.
const MOST_LINES: usize = 50;
/// Longer lines are cut, in characters.
const LONGEST_LINE: usize = 500;

/// Who has metadata looked at.
#[derive(Clone, Copy)]
enum By<'a> {
    House(&'a App),
    Person(&'a AdminVisit),
}

impl By<'_> {
    fn app(&self) -> &App {
        match self {
            By::House(app) => app,
            By::Person(visit) => &visit.app,
        }
    }

    async fn note_in(
        &self,
        conn: &mut AnyConnection,
        action: &str,
        subject: &str,
        about: &Value,
    ) -> Result<(), Error> {
        match self {
            By::House(app) => events::note_in(conn, app, action, subject, about).await,
            By::Person(visit) => visit.record_in(conn, action, subject, about).await,
        }
    }
}

/// Looks at the metadata of every provider whose turn it is, one after the other; several instances share
/// them. What fails is noted and tried again later.
///
/// # Errors
/// The database's.
pub(crate) async fn refresh_due(app: &App) -> Result<(), Problem> {
    loop {
        let now = app.site.now();
        if !store::any_due(&mut *app.store.read().await?, now).await? {
            return Ok(());
        }
        let mut tx = app.store.begin().await?;
        store::enrol(&mut tx, now).await?;
        let claimed = store::claim(&mut tx, now, now.plus(LEASE)).await?;
        tx.commit().await?;
        let Some(provider_id) = claimed else { return Ok(()) };
        match refresh(By::House(app), &provider_id, true).await {
            Ok(_) | Err(Refusal::Conflict(_) | Refusal::Fields(_) | Refusal::Gone) => {}
            Err(Refusal::Failed(problem)) => return Err(problem),
        }
    }
}

/// Looks at the metadata of a provider now. Returns what changed.
///
/// # Errors
/// [`Refusal::Conflict`] says why nothing was changed; the database's.
async fn refresh_now(by: &AdminVisit, provider_id: &str) -> Result<Vec<String>, Refusal> {
    refresh(By::Person(by), provider_id, false).await
}

async fn refresh(by: By<'_>, provider_id: &str, may_be_unchanged: bool) -> Result<Vec<String>, Refusal> {
    let app = by.app();
    let mut conn = app.store.read().await?;
    let provider = providers::find(&mut conn, provider_id).await?.ok_or(Refusal::Gone)?;
    let known = store::find(&mut conn, provider_id).await?;
    drop(conn);
    let settings = &provider.settings;
    let Some(url) = settings.metadata_url.clone() else {
        return Err(Refusal::Conflict(
            "This provider has no metadata URL. Enter one in its settings first.".into(),
        ));
    };
    let known = known.filter(|known| known.url == url.as_str());
    let etag = known.and_then(|known| known.etag).filter(|_| may_be_unchanged);
    let fetched = fetch::unless_unchanged(&url, settings.metadata_allow_private, etag.as_deref()).await;
    let outcome = match fetched {
        Ok(Fetched::Unchanged) => unchanged(by, provider_id, &url).await,
        Ok(Fetched::Document { bytes, etag }) => {
            let wanted = Some(settings.audience.as_str()).filter(|audience| !audience.is_empty());
            match ServiceProviderFacts::read(&bytes, wanted, app.site.now()) {
                Ok(facts) => take(by, provider_id, &url, &facts, etag).await,
                Err(sentence) => Err(Refusal::Conflict(sentence)),
            }
        }
        Err(error) => Err(Refusal::Conflict(error.to_string())),
    };
    if let Err(Refusal::Conflict(sentence)) = &outcome {
        failed(by, &provider, &url, sentence).await?;
    }
    outcome
}

/// The document is the one that was taken over already, which still must not be too old.
async fn unchanged(by: By<'_>, provider_id: &str, url: &Url) -> Result<Vec<String>, Refusal> {
    let app = by.app();
    let now = app.site.now();
    let mut tx = app.store.begin().await?;
    let Some(known) = store::find(&mut tx, provider_id).await?.filter(|known| known.url == url.as_str())
    else {
        return Ok(Vec::new());
    };
    let end = known.metadata.as_deref().and_then(|xml| SpMetadata::parse(xml.as_bytes()).ok());
    let end = end.and_then(|metadata| metadata.valid_until).map(|end| Timestamp::from_micros(end.micros()));
    if let Some(end) = end.filter(|end| *end <= now) {
        let end = moments::utc(end);
        return Err(Refusal::Conflict(format!(
            "The metadata at this address was valid until {end} UTC and has not been renewed since. What was \
             taken from it still counts."
        )));
    }
    store::save(&mut tx, &looked_at(known, now)).await?;
    tx.commit().await?;
    Ok(Vec::new())
}

fn looked_at(known: Known, now: Timestamp) -> Known {
    let (due_at, refreshed_at) = (now.plus(EVERY), Some(now));
    Known { due_at, refreshed_at, error: String::new(), failing_since: None, ..known }
}

/// Takes over what is new, unless that would break the provider.
async fn take(
    by: By<'_>,
    provider_id: &str,
    url: &Url,
    facts: &ServiceProviderFacts,
    etag: Option<String>,
) -> Result<Vec<String>, Refusal> {
    let app = by.app();
    let mut tx = app.store.begin().await?;
    let mut provider = providers::find(&mut tx, provider_id).await?.ok_or(Refusal::Gone)?;
    if provider.settings.metadata_url.as_ref() != Some(url) {
        return Err(Refusal::Conflict("The metadata URL was changed meanwhile; try again.".into()));
    }
    let known = store::find(&mut tx, provider_id).await?;
    let known = known.unwrap_or_else(|| Known::new(provider_id, url.as_str(), app.site.now()));
    let before = before(&known, &provider.settings)?;
    check(&provider.settings, &before, facts).map_err(Refusal::Conflict)?;
    let lines = adopt(&mut tx, app, &mut provider, &before, facts, Watched::ByNobody).await?;
    let known = Known { url: url.to_string(), etag, ..known };
    remember(&mut tx, app, known, facts, &lines).await?;
    if !lines.is_empty() {
        let about = json!({ "model": "samlprovider", "metadata_url": url.as_str(), "changes": lines });
        by.note_in(&mut tx, "metadata_refreshed", &provider.settings.name, &about).await?;
    }
    tx.commit().await?;
    Ok(lines)
}

/// What was known before: what was taken over last, or else what the settings say.
fn before(known: &Known, settings: &Settings) -> Result<ServiceProviderFacts, Refusal> {
    let read = known.metadata.as_deref().and_then(|xml| SpMetadata::parse(xml.as_bytes()).ok());
    let facts = match read {
        Some(metadata) => ServiceProviderFacts::of(metadata),
        None => ServiceProviderFacts::bare(&settings.audience, &settings.acs_url),
    };
    facts.map_err(Refusal::Conflict)
}

/// What nobody but a person may decide.
fn check(
    settings: &Settings,
    before: &ServiceProviderFacts,
    facts: &ServiceProviderFacts,
) -> Result<(), String> {
    let (entity_id, audience) = (facts.entity_id(), &settings.audience);
    if !audience.is_empty() && entity_id != audience {
        return Err(format!(
            "The metadata is of {entity_id}, but this provider is for {audience} (Audience). Nothing was changed."
        ));
    }
    let had_certificates = !before.metadata.signing_certificates.is_empty();
    if had_certificates
        && facts.metadata.signing_certificates.is_empty()
        && settings.request_signatures == RequestSignatures::Required
    {
        return Err(
            "The metadata no longer names a certificate for signing, but requests have to be signed \
                    (Request signatures). Nothing was changed."
                .to_owned(),
        );
    }
    Ok(())
}

/// Changes the settings of a provider by what the metadata says otherwise than before. Returns what changed,
/// in words; certificates that are not used any more go.
async fn adopt(
    conn: &mut AnyConnection,
    app: &App,
    provider: &mut SamlProvider,
    before: &ServiceProviderFacts,
    facts: &ServiceProviderFacts,
    watched: Watched,
) -> Result<Vec<String>, Refusal> {
    let adopted = facts.take_changes(conn, app, &mut provider.settings, before, watched).await?;
    let changes = before.metadata.changes(&facts.metadata);
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    if provider.settings.audience.is_empty() {
        facts.entity_id().clone_into(&mut provider.settings.audience);
    }
    keep(conn, provider, &adopted).await?;
    let stays = |certificate| {
        facts.metadata.signing_certificates.contains(certificate)
            || facts.metadata.encryption_certificates.contains(certificate)
    };
    let old = before.metadata.signing_certificates.iter().chain(&before.metadata.encryption_certificates);
    for certificate in old.filter(|certificate| !stays(*certificate)) {
        certificates::forget(conn, app, &provider.settings.name, certificate).await?;
    }
    let lines = changes.iter().map(ToString::to_string).chain(adopted.notes);
    let cut = |line: String| line.chars().take(LONGEST_LINE).collect();
    Ok(lines.take(MOST_LINES).map(cut).collect())
}

async fn keep(conn: &mut AnyConnection, provider: &SamlProvider, adopted: &Adopted) -> Result<(), Error> {
    if let Some(further) = &adopted.further_verification {
        set_further_verification(conn, &provider.id, further).await?;
    }
    changes::renew(conn, provider).await
}

async fn remember(
    conn: &mut AnyConnection,
    app: &App,
    known: Known,
    facts: &ServiceProviderFacts,
    lines: &[String],
) -> Result<(), Refusal> {
    let now = app.site.now();
    let metadata = facts.metadata.to_xml().map_err(|error| Refusal::Conflict(error.sentence()))?;
    let mut known = Known { metadata: Some(metadata), ..looked_at(known, now) };
    if !lines.is_empty() {
        known.changed_at = Some(now);
        known.changes = json!(lines).to_string();
    }
    Ok(store::save(conn, &known).await?)
}

/// Everything stays; the page of the provider and an event say why. The same failure again is no news.
async fn failed(by: By<'_>, provider: &SamlProvider, url: &Url, sentence: &str) -> Result<(), Error> {
    let app = by.app();
    let now = app.site.now();
    let mut tx = app.store.begin().await?;
    if providers::find(&mut tx, &provider.id).await?.is_none() {
        return Ok(());
    }
    let known = store::find(&mut tx, &provider.id).await?;
    let known = known.unwrap_or_else(|| Known::new(&provider.id, url.as_str(), now));
    let is_news = known.error != sentence || matches!(by, By::Person(_));
    let failing_since = known.failing_since.or(Some(now));
    let known = Known { error: sentence.to_owned(), failing_since, due_at: now.plus(RETRY), ..known };
    store::save(&mut tx, &known).await?;
    if is_news {
        let about = json!({ "model": "samlprovider", "metadata_url": url.as_str(), "cause": sentence });
        by.note_in(&mut tx, "metadata_refresh_failed", &provider.settings.name, &about).await?;
    }
    tx.commit().await
}

/// Takes over all that the metadata of a new provider says, in the caller's transaction, and remembers it.
/// Returns what was not taken over, and why.
///
/// # Errors
/// The database's.
pub(super) async fn begin(
    conn: &mut AnyConnection,
    app: &App,
    provider: &mut SamlProvider,
    facts: &ServiceProviderFacts,
) -> Result<Vec<String>, Refusal> {
    facts.take_addresses(&mut provider.settings);
    let settings = &mut provider.settings;
    let before =
        ServiceProviderFacts::bare(facts.entity_id(), &settings.acs_url).map_err(Refusal::Conflict)?;
    let adopted = facts.take_changes(conn, app, settings, &before, Watched::ByPerson).await?;
    keep(conn, provider, &adopted).await?;
    let url = provider.settings.metadata_url.as_ref().map(Url::to_string).unwrap_or_default();
    let known = Known::new(&provider.id, &url, app.site.now());
    remember(conn, app, known, facts, &[]).await?;
    Ok(adopted.notes)
}

/// Brings a provider up to date with metadata that was brought here: its addresses are those of the
/// metadata, and of the rest what the metadata says otherwise than before.
///
/// # Errors
/// A sentence for the administrator; the database's.
pub(super) async fn renew(
    conn: &mut AnyConnection,
    app: &App,
    provider: &mut SamlProvider,
    facts: &ServiceProviderFacts,
) -> Result<(), Refusal> {
    let known = store::find(conn, &provider.id).await?;
    let known = known.unwrap_or_else(|| Known::new(&provider.id, "", app.site.now()));
    let before = before(&known, &provider.settings)?;
    facts.take_addresses(&mut provider.settings);
    let lines = adopt(conn, app, provider, &before, facts, Watched::ByPerson).await?;
    changes::renew(conn, provider).await?;
    remember(conn, app, known, facts, &lines).await
}
