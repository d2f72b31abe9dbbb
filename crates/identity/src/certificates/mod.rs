//! Certificates with or without their private keys: what providers sign with, and what they check
//! requests of service providers against.

mod adopt;
mod changes;
mod expiry;
mod generate;
mod pages;
mod pkcs8;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ::saml::Certificate;
use ::store::Timestamp;
use site::Problem;

use self::generate::{KeyKind, generate};
use crate::app::{App, OpenError};

pub(crate) use self::adopt::{adopt, forget};
pub(crate) use self::expiry::{Warning, announce, warnings, warnings_for_provider};
pub(crate) use self::pages::{pem_file, routes};
pub(crate) use self::store::{all, default_id, find, names, names_with_key, private_key};

/// A certificate. Its private key, if it is here, stays sealed; see [`private_key`].
#[derive(Clone, Debug)]
pub(crate) struct Keypair {
    pub(crate) id: String,
    /// Unique.
    pub(crate) name: String,
    pub(crate) certificate_pem: String,
    /// Whether it can sign.
    pub(crate) has_key: bool,
    pub(crate) created_at: Timestamp,
}

impl Keypair {
    /// The certificate, read.
    ///
    /// # Errors
    /// A text in the database that is no certificate.
    pub(crate) fn certificate(&self) -> Result<Certificate, Problem> {
        Certificate::parse(self.certificate_pem.as_bytes()).map_err(|error| {
            Problem::internal(format!("the certificate {} in the database: {}", self.id, error.sentence()))
        })
    }
}

/// The name of the certificate that is made at first start.
const DEFAULT_NAME: &str = "Innkeeper Self-signed Certificate";
const DEFAULT_VALIDITY: Duration = Duration::from_secs(3650 * 86_400);

/// Makes a certificate to sign with if there is none at all.
pub(crate) async fn ensure_default(app: &App) -> Result<(), OpenError> {
    let mut conn = app.store.read().await?;
    if store::any(&mut conn).await? {
        return Ok(());
    }
    drop(conn);
    let (random, now) = (app.site.random().clone(), app.site.now());
    let made = tokio::task::spawn_blocking(move || {
        generate(&*random, now, DEFAULT_NAME, DEFAULT_VALIDITY, KeyKind::Rsa2048)
    });
    let made = made.await.map_err(|error| OpenError::Certificate(error.to_string()))?;
    let made = made.map_err(OpenError::Certificate)?;
    let mut tx = app.store.begin().await?;
    // Another instance may have been faster.
    if !store::any(&mut tx).await? {
        let key = Some(made.private_key_pem.as_str());
        store::create(&mut tx, app, DEFAULT_NAME, &made.certificate_pem, key).await?;
    }
    tx.commit().await?;
    Ok(())
}
