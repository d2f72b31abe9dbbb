//! What is kept in memory of each provider, so that a sign-in reads no configuration and parses no key.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use saml::{Certificate, Encryptor, SignedParts, Signer, SigningKey, VerifyingKey};
use site::{Problem, Site};
use sqlx::AnyConnection;
use store::{Error, Sealer};
use url::Url;

use super::known_names::Noted;
use super::metadata::Publication;
use super::refresh;
use super::settings::{AuthorizationFlow, RequestSignatures, SamlProvider};
use super::store::find;
use super::told::Mapped;
use crate::app::App;
use crate::providers::Client;
use crate::{applications, certificates};

/// A provider with its application and its parsed keys, as of one revision of the configuration.
#[derive(Debug)]
pub(crate) struct Snapshot {
    revision: i64,
    client: Client,
    pub(super) provider: SamlProvider,
    /// What answers are issued as.
    pub(super) issuer: String,
    pub(super) signer: Signer,
    /// What is signed.
    pub(super) parts: SignedParts,
    /// The certificate that will follow the signer's, to be announced.
    pub(super) next_certificate: Option<Certificate>,
    /// What requests may be signed with; none: nobody can tell whether they are.
    pub(super) verification: Vec<VerifyingKey>,
    /// What the application is told.
    pub(super) mapped: Mapped,
    /// What encrypts assertions.
    pub(super) encryptor: Option<Encryptor>,
    /// Where the application sends people.
    pub(super) sso_urls: Vec<Url>,
    /// Who has a lasting name there.
    pub(super) names: Noted,
    /// Our metadata, once it was asked for.
    pub(super) publication: Publication,
}

impl Snapshot {
    /// Whether requests must be signed.
    pub(super) fn wants_signed_requests(&self) -> bool {
        let rule = self.provider.settings.request_signatures;
        !self.verification.is_empty() && rule == RequestSignatures::Required
    }

    /// The application.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

/// The snapshots by the slug of their application. One is valid for as long as the revision of the
/// configuration stays the same: whoever asks brings the revision that the database has now.
#[derive(Debug, Default)]
pub(crate) struct Snapshots(RwLock<HashMap<String, Arc<Snapshot>>>);

impl Snapshots {
    /// The provider of the application with that slug, not older than `revision` (read now if `None`).
    ///
    /// # Errors
    /// The database's; a key that can't be read.
    pub(crate) async fn find(
        &self,
        app: &App,
        slug: &str,
        revision: Option<i64>,
    ) -> Result<Option<Arc<Snapshot>>, Problem> {
        let revision = match revision {
            Some(revision) => revision,
            None => current_revision(&mut *app.store.read().await?).await?,
        };
        if let Some(known) = self.known(slug).filter(|known| known.revision >= revision) {
            return Ok(Some(known));
        }
        let mut conn = app.store.read().await?;
        let loaded = load(&mut conn, &app.site, &app.sealer, slug).await?.map(Arc::new);
        let mut map = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match &loaded {
            Some(snapshot) => map.insert(slug.to_owned(), snapshot.clone()),
            None => map.remove(slug),
        };
        Ok(loaded)
    }

    fn known(&self, slug: &str) -> Option<Arc<Snapshot>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(slug).cloned()
    }
}

async fn current_revision(conn: &mut AnyConnection) -> Result<i64, Error> {
    let (value,) = sqlx::query_as("SELECT value FROM identity_revision WHERE id = 1").fetch_one(conn).await?;
    Ok(value)
}

/// Reads the revision first: what changes while the rest is read makes the snapshot older than it is,
/// never newer.
async fn load(
    conn: &mut AnyConnection,
    site: &Site,
    sealer: &Sealer,
    slug: &str,
) -> Result<Option<Snapshot>, Problem> {
    let revision = current_revision(conn).await?;
    let Some(application) = applications::by_slug(conn, slug).await? else { return Ok(None) };
    let Some(provider_id) = &application.provider_id else { return Ok(None) };
    let Some(provider) = find(conn, provider_id).await? else { return Ok(None) };
    let bindings = applications::bindings_of(conn, &application.id).await?;
    let signer = signer(conn, sealer, &provider).await?;
    let parts = SignedParts::of(provider.settings.sign_assertion, provider.settings.sign_response)
        .ok_or_else(|| unusable(&provider, "it is set to sign nothing"))?;
    let settings = &provider.settings;
    let mut verification = Vec::new();
    let further = refresh::further_verification(conn, &provider.id).await?;
    for id in settings.verification_kp.iter().chain(&further) {
        verification.push(certificate_of(conn, &provider, id).await?.verifying_key().clone());
    }
    let next_certificate = optional_certificate(conn, &provider, settings.next_signing_kp.as_deref()).await?;
    let encryptor = match optional_certificate(conn, &provider, settings.encryption_kp.as_deref()).await? {
        Some(certificate) => Some(encryptor(&provider, certificate)?),
        None => None,
    };
    let mapped = Mapped::load(conn, &provider.settings).await?;
    let sso_urls = sso_urls(site, slug)?;
    let issuer = issuer(site, slug, &provider);
    let asks_consent = provider.settings.authorization_flow == AuthorizationFlow::Explicit;
    let client = Client { application, bindings, asks_consent };
    Ok(Some(Snapshot {
        revision,
        client,
        provider,
        mapped,
        issuer,
        signer,
        parts,
        next_certificate,
        verification,
        encryptor,
        sso_urls,
        names: Noted::default(),
        publication: Publication::default(),
    }))
}

/// The addresses that a request may say it was sent to.
fn sso_urls(site: &Site, slug: &str) -> Result<Vec<Url>, Problem> {
    let parse = |rest: &str| Url::parse(&site.url(&format!("/application/saml/{slug}/{rest}")));
    let urls = ["sso/binding/redirect/", "sso/binding/post/", ""].map(parse);
    urls.into_iter().collect::<Result<_, _>>().map_err(Problem::internal)
}

/// What answers are issued as: the Issuer of the provider, or else the address of the metadata.
pub(super) fn issuer(site: &Site, slug: &str, provider: &SamlProvider) -> String {
    match provider.settings.issuer.as_str() {
        "" => site.url(&format!("/application/saml/{slug}/metadata/")),
        issuer => issuer.to_owned(),
    }
}

async fn signer(
    conn: &mut AnyConnection,
    sealer: &Sealer,
    provider: &SamlProvider,
) -> Result<Signer, Problem> {
    let settings = &provider.settings;
    let certificate = certificate_of(conn, provider, &settings.signing_kp).await?;
    let pem = certificates::private_key(conn, sealer, &settings.signing_kp).await?;
    let pem = pem.ok_or_else(|| unusable(provider, "its signing certificate has no private key here"))?;
    SigningKey::from_pkcs8_pem(&pem)
        .and_then(|key| {
            Signer::new(key, certificate, settings.signature_algorithm, settings.digest_algorithm)
        })
        .map_err(|error| unusable(provider, error))
}

fn encryptor(provider: &SamlProvider, certificate: Certificate) -> Result<Encryptor, Problem> {
    let settings = &provider.settings;
    Encryptor::new(certificate, settings.data_encryption, settings.key_transport)
        .map_err(|error| unusable(provider, error))
}

async fn optional_certificate(
    conn: &mut AnyConnection,
    provider: &SamlProvider,
    id: Option<&str>,
) -> Result<Option<Certificate>, Problem> {
    match id {
        Some(id) => certificate_of(conn, provider, id).await.map(Some),
        None => Ok(None),
    }
}

async fn certificate_of(
    conn: &mut AnyConnection,
    provider: &SamlProvider,
    id: &str,
) -> Result<Certificate, Problem> {
    let keypair = certificates::find(conn, id).await?;
    let keypair = keypair.ok_or_else(|| unusable(provider, "a certificate that it names is not there"))?;
    Certificate::parse(keypair.certificate_pem.as_bytes()).map_err(|error| unusable(provider, error))
}

fn unusable(provider: &SamlProvider, why: impl std::fmt::Display) -> Problem {
    Problem::internal(format!("the provider {} can't be used: {why}", provider.settings.name))
}
