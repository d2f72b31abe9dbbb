//! One click: a service provider of the house registers itself, or brings its registration up to date.

use ::store::Error;
use sqlx::AnyConnection;

use super::import::{self, application};
use super::service_provider::ServiceProviderFacts;
use super::settings::{AuthorizationFlow, Settings};
use super::{changes, metadata, refresh, store};
use crate::app::App;
use crate::applications::{self, Wanted};
use crate::events;
use crate::refusal::Refusal;
use crate::{ConnectError, Connected, ServiceProvider};

/// Registers a service provider. One that is known by its entity id keeps its provider and its application,
/// and what an administrator chose there; its addresses are brought up to date, and what else its metadata says
/// otherwise than the last time.
///
/// # Errors
/// A sentence about the metadata, or about what stands in the way; the database's.
pub(crate) async fn register(app: &App, asked: &ServiceProvider) -> Result<Connected, ConnectError> {
    let facts = ServiceProviderFacts::read(asked.metadata.as_bytes(), None, app.site.now());
    let facts = facts.map_err(ConnectError::Refused)?;
    let mut tx = app.store.begin().await?;
    let provider = match store::by_audience(&mut tx, facts.entity_id()).await? {
        Some(mut known) => {
            refresh::renew(&mut tx, app, &mut known, &facts).await.map_err(sentence)?;
            note(&mut tx, app, "model_updated", &known.settings).await?;
            known.id
        }
        None => create(&mut tx, app, asked, &facts).await?,
    };
    let slug = match applications::by_provider(&mut tx, &provider).await? {
        Some(known) => known.slug,
        None => create_application(&mut tx, app, asked, &provider).await?,
    };
    tx.commit().await?;
    let snapshot =
        app.saml.find(app, &slug, None).await.map_err(|problem| {
            ConnectError::Refused(problem.cause().unwrap_or(problem.sentence()).to_owned())
        })?;
    let snapshot = snapshot.ok_or_else(|| {
        ConnectError::Refused("The application was removed while it was being connected.".to_owned())
    })?;
    let metadata = metadata::of(&app.site, &slug, &snapshot)
        .map_err(|problem| ConnectError::Refused(problem.cause().unwrap_or(problem.sentence()).to_owned()))?;
    Ok(Connected { provider, slug, metadata: metadata.xml.clone() })
}

async fn create(
    conn: &mut AnyConnection,
    app: &App,
    asked: &ServiceProvider,
    facts: &ServiceProviderFacts,
) -> Result<String, ConnectError> {
    let flow = AuthorizationFlow::Implicit.key();
    let settings = import::settings(conn, facts, &asked.name, flow).await.map_err(sentence)?;
    if store::is_name_taken(conn, &settings.name).await? {
        let name = &settings.name;
        return Err(ConnectError::Refused(format!(
            "There is a provider named {name} already, for something else. Rename it first."
        )));
    }
    let (provider, _) = changes::create_from(conn, app, settings, facts).await.map_err(sentence)?;
    note(conn, app, "model_created", &provider.settings).await?;
    Ok(provider.id)
}

async fn note(conn: &mut AnyConnection, app: &App, action: &str, settings: &Settings) -> Result<(), Error> {
    events::note_in(conn, app, action, &settings.name, &changes::about(settings)).await
}

async fn create_application(
    conn: &mut AnyConnection,
    app: &App,
    asked: &ServiceProvider,
    provider: &str,
) -> Result<String, ConnectError> {
    let wanted =
        Wanted { launch_url: asked.launch_url.clone(), ..application(&asked.name, &asked.slug, provider) };
    applications::insert(conn, app, &wanted).await.map_err(sentence)?;
    Ok(wanted.slug)
}

/// What an administrator can do about it.
fn sentence(refusal: Refusal) -> ConnectError {
    let problem = site::Problem::from(refusal);
    ConnectError::Refused(problem.sentence().to_owned())
}
