//! What we tell an identity provider about ourselves.

use axum::Router;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use saml::{DataEncryption, KeyTransport, LogoutBinding, SingleLogoutService, SpMetadata};
use serde::Deserialize;
use site::{Problem, Site};

use super::identity::UserNameSource;
use super::{SamlConfig, keys, store};
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    // Both forms of our address always answer, so that changing over breaks no copy of the other one.
    Router::new()
        .route("/api/metadata/", get(serve))
        .route("/api/metadata", get(serve))
        .route("/api/metadata/{id}/", get(serve))
        .route("/api/metadata/{id}", get(serve))
}

/// Our metadata (SAML V2.0 Metadata 2.4.4) for one configuration.
///
/// # Errors
/// A [`Problem`] if our own certificate can't be read.
pub(crate) fn metadata(site: &Site, config: &SamlConfig) -> Result<String, Problem> {
    let mut metadata = SpMetadata::new(config.entity_id(site), config.acs_url(site));
    let certificates = keys::certificates(config)?;
    if !certificates.is_empty() {
        let data =
            DataEncryption::ALL.into_iter().filter(|algorithm| config.allow_cbc || !algorithm.is_cbc());
        metadata.encryption_methods = data.map(DataEncryption::as_str).map(str::to_owned).collect();
        metadata.encryption_methods.extend(KeyTransport::ALL.map(KeyTransport::as_str).map(str::to_owned));
    }
    metadata.encryption_certificates.clone_from(&certificates);
    metadata.signing_certificates = certificates;
    metadata.authn_requests_signed = config.sign_requests;
    metadata.want_assertions_signed = config.want_assertions_signed;
    if let UserNameSource::NameId(format) = UserNameSource::of(&config.name_id_attribute) {
        metadata.name_id_formats.push(format);
    }
    // Requests are taken by each binding, whether or not the identity provider takes ours.
    let [logout_url, _] = config.logout_urls(site);
    metadata.single_logout_services =
        [LogoutBinding::HttpRedirect, LogoutBinding::HttpPost, LogoutBinding::Soap]
            .map(|binding| SingleLogoutService::new(binding, &logout_url))
            .to_vec();
    metadata.to_xml().map_err(Problem::internal)
}

/// Which configuration one of our own SAML addresses names: by a part of its path, or by its query.
pub(super) struct Named(pub(super) SamlConfig);

#[derive(Deserialize)]
struct Address {
    #[serde(default)]
    id: String,
}

impl FromRequestParts<App> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let id = match Path::<Address>::from_request_parts(parts, app).await {
            Ok(Path(Address { id })) if !id.is_empty() => id,
            _ => Query::<Address>::from_request_parts(parts, app)
                .await
                .map(|Query(Address { id })| id)
                .unwrap_or_default(),
        };
        named(app, &id).await.map(Self)
    }
}

/// The configuration of this id.
pub(super) async fn named(app: &App, id: &str) -> Result<SamlConfig, Problem> {
    let mut conn = app.store.read().await?;
    let config = store::find(&mut conn, id).await?;
    config.ok_or_else(|| {
        Problem::not_found(
            "There is no SAML configuration with this id. If it is new, save it first; else compare the address with \
             the one that its page shows.",
        )
    })
}

async fn serve(State(app): State<App>, Named(config): Named) -> Result<Response, Problem> {
    let xml = metadata(&app.site, &config)?;
    Ok(([(header::CONTENT_TYPE, "application/samlmetadata+xml")], xml).into_response())
}
