//! Changing SAML providers: what must hold afterwards.

use ::saml::SignatureAlgorithm;
use ::store::Error;
use serde_json::json;
use sqlx::AnyConnection;

use super::service_provider::ServiceProviderFacts;
use super::settings::{SamlProvider, Settings};
use super::{refresh, store, told};
use crate::app::App;
use crate::refusal::Refusal;
use crate::visit::AdminVisit;
use crate::{applications, certificates, revision};

/// Creates a provider in the caller's transaction and returns its id. The caller notes it.
///
/// # Errors
/// The database's: a name that is taken violates `identity_saml_providers.name`.
pub(crate) async fn create(
    conn: &mut AnyConnection,
    app: &App,
    settings: &Settings,
) -> Result<String, Error> {
    let id = ::store::new_id(&**app.site.random());
    let provider = SamlProvider { id, settings: settings.clone() };
    store::insert(conn, &provider).await?;
    revision::bump(conn).await?;
    Ok(provider.id)
}

/// Creates a provider in the caller's transaction with all that its service provider says of itself, and
/// returns it, and what was not taken over, and why. The caller notes it.
///
/// # Errors
/// A sentence, if what it says can't be kept; the database's: a name that is taken violates
/// `identity_saml_providers.name`.
pub(super) async fn create_from(
    conn: &mut AnyConnection,
    app: &App,
    settings: Settings,
    facts: &ServiceProviderFacts,
) -> Result<(SamlProvider, Vec<String>), Refusal> {
    let id = create(conn, app, &settings).await?;
    let mut provider = SamlProvider { id, settings };
    let notes = refresh::begin(conn, app, &mut provider, facts).await?;
    Ok((provider, notes))
}

/// Creates a provider and returns its id.
///
/// # Errors
/// A sentence beside a field; the database's.
pub(super) async fn create_alone(by: &AdminVisit, settings: &Settings) -> Result<String, Refusal> {
    let mut tx = by.app.store.begin().await?;
    let id = create(&mut tx, &by.app, settings).await.map_err(taken)?;
    by.record_in(&mut tx, "model_created", &settings.name, &about(settings)).await?;
    tx.commit().await?;
    Ok(id)
}

/// Changes a provider in the caller's transaction. The caller notes it.
///
/// # Errors
/// The database's.
pub(super) async fn renew(conn: &mut AnyConnection, provider: &SamlProvider) -> Result<(), Error> {
    store::update(conn, provider).await?;
    revision::bump(conn).await
}

/// Changes a provider.
///
/// # Errors
/// A sentence beside a field; [`Refusal::Gone`]; the database's.
pub(super) async fn change(by: &AdminVisit, provider: &SamlProvider) -> Result<(), Refusal> {
    let mut tx = by.app.store.begin().await?;
    let before = store::find(&mut tx, &provider.id).await?.ok_or(Refusal::Gone)?;
    if !store::update(&mut tx, provider).await.map_err(taken)? {
        return Err(Refusal::Gone);
    }
    told::forget_failures(&mut tx, &provider.id).await?;
    let settings = &provider.settings;
    if before.settings.verification_kp != settings.verification_kp {
        // Somebody chose what requests are checked against, so it is that alone.
        refresh::set_further_verification(&mut tx, &provider.id, &[]).await?;
    }
    revision::bump(&mut tx).await?;
    by.record_in(&mut tx, "model_updated", &settings.name, &about(settings)).await?;
    tx.commit().await?;
    Ok(())
}

/// What came of a change of certificates.
pub(super) struct Swapped {
    /// Of the provider.
    pub(super) name: String,
    /// How it signs now, if the other kind of key asked for another way.
    pub(super) algorithm: Option<SignatureAlgorithm>,
}

/// Makes the next signing certificate the one that signs; the one that signed stays announced, so that the change
/// can be taken back and applications that are late still know both.
///
/// # Errors
/// [`Refusal::Gone`]; [`Refusal::Conflict`] if there is no next certificate; the database's.
pub(super) async fn swap_certificates(by: &AdminVisit, id: &str) -> Result<Swapped, Refusal> {
    let mut tx = by.app.store.begin().await?;
    let mut provider = store::find(&mut tx, id).await?.ok_or(Refusal::Gone)?;
    let settings = &mut provider.settings;
    let next = settings.next_signing_kp.take().ok_or_else(|| {
        Refusal::Conflict(format!("The provider {} has no next signing certificate.", settings.name))
    })?;
    let keypair = certificates::find(&mut tx, &next).await?.ok_or(Refusal::Gone)?;
    let fitting = keypair.certificate()?.verifying_key().key_type().signature_algorithms();
    let algorithm = match fitting.contains(&settings.signature_algorithm) {
        true => None,
        false => fitting.first().copied(),
    };
    settings.signature_algorithm = algorithm.unwrap_or(settings.signature_algorithm);
    settings.next_signing_kp = Some(std::mem::replace(&mut settings.signing_kp, next));
    store::update(&mut tx, &provider).await?;
    revision::bump(&mut tx).await?;
    let settings = &provider.settings;
    by.record_in(&mut tx, "model_updated", &settings.name, &about(settings)).await?;
    tx.commit().await?;
    Ok(Swapped { name: settings.name.clone(), algorithm })
}

/// Deletes a provider that no application uses, and returns what it was called.
///
/// # Errors
/// [`Refusal::Conflict`] names the application that uses it; the database's.
pub(super) async fn delete(by: &AdminVisit, id: &str) -> Result<String, Refusal> {
    let mut tx = by.app.store.begin().await?;
    let provider = store::find(&mut tx, id).await?.ok_or(Refusal::Gone)?;
    if let Some(application) = applications::by_provider(&mut tx, id).await? {
        let (provider, application) = (&provider.settings.name, &application.name);
        return Err(Refusal::Conflict(format!(
            "The application {application} uses the provider {provider}. Choose another provider there, or \
             delete the application first."
        )));
    }
    store::delete(&mut tx, id).await?;
    revision::bump(&mut tx).await?;
    let name = provider.settings.name;
    by.record_in(&mut tx, "model_deleted", &name, &json!({ "model": "samlprovider" })).await?;
    tx.commit().await?;
    Ok(name)
}

/// What an event says about a provider: settings, which hold no secret.
pub(super) fn about(settings: &Settings) -> serde_json::Value {
    json!({
        "model": "samlprovider",
        "acs_url": settings.acs_url.as_str(),
        "further_acs": settings.further_acs.iter().map(|acs| acs.url.as_str()).collect::<Vec<_>>(),
        "issuer": settings.issuer,
        "audience": settings.audience,
        "signing_kp": settings.signing_kp,
        "next_signing_kp": settings.next_signing_kp,
        "verification_kp": settings.verification_kp,
        "request_signatures": settings.request_signatures.key(),
        "encryption_kp": settings.encryption_kp,
        "authorization_flow": settings.authorization_flow.key(),
    })
}

fn taken(error: ::store::Error) -> Refusal {
    if error.is_unique_violation_of("identity_saml_providers.name") {
        return Refusal::field("provider_name", "Another provider has this name already.");
    }
    error.into()
}
