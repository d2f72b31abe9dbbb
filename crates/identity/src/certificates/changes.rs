//! Making, taking in, renaming and deleting certificates.

use std::time::Duration;

use ::saml::{Certificate, SigningKey};
use serde_json::json;
use site::{FieldErrors, Problem};

use super::generate::{KeyKind, generate};
use super::pkcs8::pkcs8_pem;
use super::{Keypair, find, store};
use crate::providers::saml;
use crate::refusal::{Refusal, listed};
use crate::revision;
use crate::visit::AdminVisit;

/// A certificate to be made.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) common_name: String,
    pub(super) validity: Duration,
    pub(super) kind: KeyKind,
}

/// Makes a key and a certificate that it signs itself. Returns its id.
pub(super) async fn make(by: &AdminVisit, wanted: Wanted) -> Result<String, Refusal> {
    let (random, now) = (by.app.site.random().clone(), by.app.site.now());
    let Wanted { name, common_name, validity, kind } = wanted;
    let made = tokio::task::spawn_blocking(move || generate(&*random, now, &common_name, validity, kind));
    let made = made.await.map_err(Problem::internal)?.map_err(Problem::internal)?;
    keep(by, &name, &made.certificate_pem, Some(&made.private_key_pem), "generated").await
}

/// Takes in a certificate, with its private key if there is one. Returns its id.
pub(super) async fn import(
    by: &AdminVisit,
    name: &str,
    certificate: &str,
    private_key: &str,
) -> Result<String, Refusal> {
    let mut errors = FieldErrors::none();
    let certificate = Certificate::parse(certificate.as_bytes()).map_err(|error| error.sentence());
    let certificate = errors.check("certificate", certificate);
    let private_key = match private_key.trim() {
        "" => None,
        pem => errors.check("private_key", usable_key(pem, certificate.as_ref())),
    };
    let certificate = errors.finish(certificate)?;
    keep(by, name, &certificate.pem(), private_key.as_deref(), "imported").await
}

/// A private key as PKCS#8 in PEM, if it can sign and belongs to the certificate.
fn usable_key(pem: &str, certificate: Option<&Certificate>) -> Result<String, String> {
    let pem = pkcs8_pem(pem)?;
    let public = SigningKey::from_pkcs8_pem(&pem).and_then(|key| key.verifying_key());
    let public = public.map_err(|error| error.sentence())?;
    match certificate {
        Some(certificate) if *certificate.verifying_key() != public => {
            Err("This private key belongs to another certificate.".into())
        }
        _ => Ok(pem),
    }
}

async fn keep(
    by: &AdminVisit,
    name: &str,
    certificate_pem: &str,
    private_key_pem: Option<&str>,
    how: &str,
) -> Result<String, Refusal> {
    let mut tx = by.app.store.begin().await?;
    let id = store::create(&mut tx, &by.app, name, certificate_pem, private_key_pem).await.map_err(taken)?;
    let about =
        json!({ "model": "certificatekeypair", "how": how, "private_key": private_key_pem.is_some() });
    by.record_in(&mut tx, "model_created", name, &about).await?;
    tx.commit().await?;
    Ok(id)
}

/// Gives a certificate another name.
pub(super) async fn rename(by: &AdminVisit, id: &str, name: &str) -> Result<(), Refusal> {
    let mut tx = by.app.store.begin().await?;
    let before = find(&mut tx, id).await?.ok_or(Refusal::Gone)?;
    store::rename(&mut tx, id, name).await.map_err(taken)?;
    revision::bump(&mut tx).await?;
    let about = json!({ "model": "certificatekeypair", "name_before": before.name });
    by.record_in(&mut tx, "model_updated", name, &about).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a certificate that no provider uses.
pub(super) async fn delete(by: &AdminVisit, id: &str) -> Result<Keypair, Refusal> {
    let mut tx = by.app.store.begin().await?;
    let keypair = find(&mut tx, id).await?.ok_or(Refusal::Gone)?;
    let mut users: Vec<String> =
        saml::uses_of_certificate(&mut tx, id).await?.into_iter().map(|used| used.provider).collect();
    users.dedup();
    if let Some(names) = listed(&users) {
        let (providers, them) = if users.len() == 1 { ("provider", "it") } else { ("providers", "them") };
        return Err(Refusal::Conflict(format!(
            "The certificate {} is used by the {providers} {names}. Choose another one for {them} first.",
            keypair.name
        )));
    }
    store::delete(&mut tx, id).await?;
    by.record_in(&mut tx, "model_deleted", &keypair.name, &json!({ "model": "certificatekeypair" })).await?;
    tx.commit().await?;
    Ok(keypair)
}

fn taken(error: ::store::Error) -> Refusal {
    if error.is_unique_violation_of("identity_certificates.name") {
        return Refusal::field("name", "Another certificate has this name.");
    }
    error.into()
}
