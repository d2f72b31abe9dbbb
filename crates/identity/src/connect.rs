//! One click instead of the guide's sixteen steps: the rest of the house registers a service provider.

use async_trait::async_trait;

use crate::app::App;
use crate::providers::saml;

/// A service provider of the same house that lets itself be connected with one click. The binary has
/// one when it runs both products.
#[async_trait]
pub trait WorkspacesConnector: Send + Sync {
    /// The name for the button, for example `Workspaces`.
    fn name(&self) -> String;

    /// Makes the other side trust this identity provider; on the way it registers itself here, through
    /// [`ServiceProviders::register`]. Doing it again renews what is there.
    ///
    /// # Errors
    /// A sentence for the administrator.
    async fn connect(&self) -> Result<(), ConnectError>;
}

/// What this product needs to know of a service provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceProvider {
    /// Name of the application and of its provider, if they are new.
    pub name: String,
    /// What the application is called in addresses, if it is new.
    pub slug: String,
    /// SAML metadata (XML).
    pub metadata: String,
    /// Where people begin; empty if the provider is to begin.
    pub launch_url: String,
}

/// A connection that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// The id of the provider.
    pub provider: String,
    /// What the application is called in addresses.
    pub slug: String,
    /// Our SAML metadata for it (XML).
    pub metadata: String,
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

/// The door through which the rest of the house registers service providers. Cheap to clone.
#[derive(Clone)]
pub struct ServiceProviders {
    app: App,
}

impl ServiceProviders {
    pub(crate) fn new(app: App) -> Self {
        Self { app }
    }

    /// Registers a service provider as an application with a SAML provider, or brings the addresses of one
    /// that is known by its entity id up to date. Doing it again changes nothing else.
    ///
    /// # Errors
    /// A sentence for the administrator; the database's.
    pub async fn register(&self, service_provider: &ServiceProvider) -> Result<Connected, ConnectError> {
        saml::register(&self.app, service_provider).await
    }
}
