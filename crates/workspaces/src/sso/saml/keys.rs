//! Our own key for one configuration, made when requests are to be signed for the first time.

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, date_time_ymd};
use saml::{Certificate, DigestAlgorithm, Signer, SigningKey};
use site::Problem;

use super::SamlConfig;
use crate::app::App;

fn context(config: &SamlConfig) -> String {
    format!("workspaces_saml_configs/{}/sp_key", config.id)
}

/// Gives a configuration that signs its requests or its logout messages a key and a certificate, if it has none.
///
/// # Errors
/// A [`Problem`] if no key can be made.
pub(crate) async fn ensure(app: &App, config: &mut SamlConfig) -> Result<(), Problem> {
    let signs = config.sign_requests || (config.sign_logout && !config.slo_url.is_empty());
    if !signs || !config.sp_key_sealed.is_empty() {
        return Ok(());
    }
    let name = app.site.public_url().host_str().unwrap_or("workspaces").to_owned();
    let made = tokio::task::spawn_blocking(move || make(&name)).await.map_err(Problem::internal)?;
    let (key, certificate) = made.map_err(Problem::internal)?;
    config.sp_key_sealed = app.sealer.seal(&**app.site.random(), &context(config), key.as_bytes());
    config.sp_certificate = certificate;
    Ok(())
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
    let pem = app.sealer.open(&context(config), &config.sp_key_sealed).map_err(Problem::internal)?;
    let pem = String::from_utf8(pem).map_err(Problem::internal)?;
    SigningKey::from_pkcs8_pem(&pem).map_err(Problem::internal)
}
