//! Our own keys for one configuration: one that signs and decrypts, made when it is needed for the first time, and
//! a second one while it is being changed.

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, date_time_ymd};
use saml::{Certificate, DecryptionKey, DigestAlgorithm, Signer, SigningKey};
use serde::Deserialize;
use site::Problem;

use super::SamlConfig;
use crate::app::App;

fn context(config: &SamlConfig) -> String {
    format!("workspaces_saml_configs/{}/sp_key", config.id)
}

/// Gives a configuration that signs or decrypts a key and a certificate, if it has none.
///
/// # Errors
/// A [`Problem`] if no key can be made.
pub(crate) async fn ensure(app: &App, config: &mut SamlConfig) -> Result<(), Problem> {
    let needed = config.sign_requests
        || config.want_assertions_encrypted
        || (config.sign_logout && !config.slo_url.is_empty());
    if !needed || !config.sp_key_sealed.is_empty() {
        return Ok(());
    }
    (config.sp_key_sealed, config.sp_certificate) = made(app, config).await?;
    Ok(())
}

/// A step in changing the key of a configuration. Peers pin certificates, so a key is never just replaced: a second
/// one is published first, then they change places, and the old one decrypts until it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// The first key is made, or a second one beside it.
    Make,
    /// The second key signs from now on, and the first becomes the second.
    ChangeOver,
    /// The second key is forgotten.
    RemoveSecond,
}

/// Does a step; `None` if it is not the turn of this one.
///
/// # Errors
/// A [`Problem`] if no key can be made.
pub(super) async fn take(
    app: &App,
    mut config: SamlConfig,
    step: Step,
) -> Result<Option<SamlConfig>, Problem> {
    let (first, second) = (!config.sp_key_sealed.is_empty(), !config.second_sp_key_sealed.is_empty());
    match (step, first, second) {
        (Step::Make, false, _) => {
            (config.sp_key_sealed, config.sp_certificate) = made(app, &config).await?;
        }
        (Step::Make, true, false) => {
            (config.second_sp_key_sealed, config.second_sp_certificate) = made(app, &config).await?;
        }
        (Step::ChangeOver, true, true) => {
            std::mem::swap(&mut config.sp_key_sealed, &mut config.second_sp_key_sealed);
            std::mem::swap(&mut config.sp_certificate, &mut config.second_sp_certificate);
        }
        (Step::RemoveSecond, _, true) => {
            config.second_sp_key_sealed.clear();
            config.second_sp_certificate.clear();
        }
        _ => return Ok(None),
    }
    Ok(Some(config))
}

/// A new key, sealed, and its certificate.
async fn made(app: &App, config: &SamlConfig) -> Result<(String, String), Problem> {
    let name = app.site.public_url().host_str().unwrap_or("workspaces").to_owned();
    let made = tokio::task::spawn_blocking(move || make(&name)).await.map_err(Problem::internal)?;
    let (key, certificate) = made.map_err(Problem::internal)?;
    Ok((app.sealer.seal(&**app.site.random(), &context(config), key.as_bytes()), certificate))
}

/// A key (PKCS#8 PEM) with a certificate for it (PEM). RSA, since identity providers all take it.
/// Peers pin the certificate; its dates carry no meaning and are wide.
fn make(name: &str) -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    let certificate = params.self_signed(&key)?;
    Ok((key.serialize_pem(), certificate.pem()))
}

/// The key that signs the requests of a configuration; `None` if it does not sign them.
///
/// # Errors
/// A [`Problem`] if the key can't be opened or read.
pub(super) fn signing_key(app: &App, config: &SamlConfig) -> Result<Option<SigningKey>, Problem> {
    if !config.sign_requests || config.sp_key_sealed.is_empty() {
        return Ok(None);
    }
    open(app, config).map(Some)
}

/// What signs the logout messages of a configuration; `None` if it does not sign them, or has no key.
///
/// # Errors
/// A [`Problem`] if the key can't be opened or read.
pub(super) fn logout_signer(app: &App, config: &SamlConfig) -> Result<Option<Signer>, Problem> {
    if !config.sign_logout || config.sp_key_sealed.is_empty() {
        return Ok(None);
    }
    let key = open(app, config)?;
    let certificate = Certificate::parse(config.sp_certificate.as_bytes()).map_err(Problem::internal)?;
    let algorithm = key.default_algorithm();
    Signer::new(key, certificate, algorithm, DigestAlgorithm::Sha256).map(Some).map_err(Problem::internal)
}

fn open(app: &App, config: &SamlConfig) -> Result<SigningKey, Problem> {
    let pem = opened(app, config, &config.sp_key_sealed)?;
    SigningKey::from_pkcs8_pem(&pem).map_err(Problem::internal)
}

/// The keys that decrypt what is encrypted for a configuration: its own, and the second one during a change.
///
/// # Errors
/// A [`Problem`] if a key can't be opened or read.
pub(super) fn decryption_keys(app: &App, config: &SamlConfig) -> Result<Vec<DecryptionKey>, Problem> {
    let sealed = [&config.sp_key_sealed, &config.second_sp_key_sealed];
    let key = |sealed: &String| {
        let pem = opened(app, config, sealed)?;
        DecryptionKey::from_pkcs8_pem(&pem).map_err(Problem::internal)
    };
    sealed.into_iter().filter(|sealed| !sealed.is_empty()).map(key).collect()
}

/// The certificates of these keys, in the same order.
///
/// # Errors
/// A [`Problem`] if one can't be read.
pub(super) fn certificates(config: &SamlConfig) -> Result<Vec<Certificate>, Problem> {
    let both = format!("{}{}", config.sp_certificate, config.second_sp_certificate);
    Certificate::parse_all(&both).map_err(Problem::internal)
}

fn opened(app: &App, config: &SamlConfig, sealed: &str) -> Result<String, Problem> {
    let pem = app.sealer.open(&context(config), sealed).map_err(Problem::internal)?;
    String::from_utf8(pem).map_err(Problem::internal)
}
