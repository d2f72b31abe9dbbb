//! One click instead of the guide's sixteen steps: an identity provider of the same house.

use ::saml::IdpMetadata;
use async_trait::async_trait;
use serde_json::json;

use super::saml::{self, SamlConfig};
use crate::app::App;
use crate::auth::Person;
use crate::visit::Visit;

/// An identity provider that lets itself be connected with one click. The binary has one when it runs both products.
#[async_trait]
pub trait IdentityConnector: Send + Sync {
    /// The name for the button and the configuration, for example `Innkeeper Identity`.
    fn name(&self) -> String;

    /// Registers a service provider, or renews it if its entity id is known, and returns the metadata
    /// (XML) of the identity provider for it.
    ///
    /// # Errors
    /// A sentence for the administrator.
    async fn register(&self, service_provider: ServiceProvider) -> Result<String, ConnectError>;
}

/// What an identity provider needs to know of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceProvider {
    /// SAML metadata (XML).
    pub metadata: String,
    /// Where people begin.
    pub launch_url: String,
}

/// A connection that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// The id of the SAML configuration.
    pub config: String,
}

/// Why a connection could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A sentence for the administrator.
    #[error("{0}")]
    Refused(String),
    /// The database failed.
    #[error("The connection could not be kept: {0}")]
    Store(#[from] store::Error),
}

/// The mark of the configuration that one click made.
const MAKER: &str = "identity-connector";

/// Registers this service provider at the identity provider of the same house, keeps its answer, and notes which
/// administrator asked for it, if one did.
pub(crate) async fn connect(app: &App, by: Option<(&Visit, &Person)>) -> Result<Connected, ConnectError> {
    let Some(connector) = app.identity.clone() else {
        return Err(ConnectError::Refused("There is no identity provider here to connect to.".to_owned()));
    };
    let mut conn = app.store.read().await?;
    let known = saml::find_made_by(&mut conn, MAKER).await?;
    drop(conn);
    let mut config = known.unwrap_or_else(|| SamlConfig::new(::store::new_hex_id(&**app.site.random())));
    config.made_by = MAKER.to_owned();
    config.display_name = connector.name();
    let service_provider = ServiceProvider {
        metadata: saml::metadata(&app.site, &config).map_err(|problem| refused(&problem))?,
        launch_url: app.site.url("/"),
    };
    let answer = connector.register(service_provider).await?;
    let metadata =
        IdpMetadata::parse(answer.as_bytes()).map_err(|error| ConnectError::Refused(error.sentence()))?;
    saml::from_metadata(&mut config, &metadata).map_err(ConnectError::Refused)?;
    config.enabled = true;
    config.is_default = true;
    saml::ensure_key(app, &mut config).await.map_err(|problem| refused(&problem))?;
    let mut tx = app.store.begin().await?;
    saml::save(&mut tx, &app.site, &config).await?;
    if let Some((visit, person)) = by {
        let context = json!({ "id": config.id, "idp_entity_id": config.idp_entity_id });
        let (by, name) = (&person.user.username, &config.display_name);
        visit.record_in(app, &mut tx, "saml_config_connected", by, name, &context).await?;
    }
    tx.commit().await?;
    Ok(Connected { config: config.id })
}

fn refused(problem: &site::Problem) -> ConnectError {
    ConnectError::Refused(problem.cause().unwrap_or(problem.sentence()).to_owned())
}
