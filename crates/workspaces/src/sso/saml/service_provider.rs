//! What we tell an identity provider about ourselves.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use saml::{Certificate, SpMetadata};
use serde::Deserialize;
use site::{Problem, Site};

use super::identity::UserNameSource;
use super::{SamlConfig, store};
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/metadata/", get(serve)).route("/api/metadata", get(serve))
}

/// Our metadata (SAML V2.0 Metadata 2.4.4) for one configuration.
///
/// # Errors
/// A [`Problem`] if our own certificate can't be read.
pub(crate) fn metadata(site: &Site, config: &SamlConfig) -> Result<String, Problem> {
    let mut metadata = SpMetadata::new(config.entity_id(site), config.acs_url(site));
    metadata.signing_certificates =
        Certificate::parse_all(&config.sp_certificate).map_err(Problem::internal)?;
    metadata.authn_requests_signed = config.sign_requests;
    metadata.want_assertions_signed = config.want_assertions_signed;
    if let UserNameSource::NameId(format) = UserNameSource::of(&config.name_id_attribute) {
        metadata.name_id_formats.push(format);
    }
    metadata.to_xml().map_err(Problem::internal)
}

/// The query of our own SAML addresses.
#[derive(Deserialize)]
pub(super) struct ConfigQuery {
    #[serde(default)]
    pub(super) id: String,
}

/// The configuration that one of our addresses names.
pub(super) async fn named(app: &App, query: &ConfigQuery) -> Result<SamlConfig, Problem> {
    let mut conn = app.store.read().await?;
    let config = store::find(&mut conn, &query.id).await?;
    config.ok_or_else(|| {
        Problem::not_found(
            "There is no SAML configuration with this id. If it is new, save it first; else compare the address with \
             the one that its page shows.",
        )
    })
}

async fn serve(State(app): State<App>, Query(query): Query<ConfigQuery>) -> Result<Response, Problem> {
    let config = named(&app, &query).await?;
    let xml = metadata(&app.site, &config)?;
    Ok(([(header::CONTENT_TYPE, "application/samlmetadata+xml")], xml).into_response())
}
