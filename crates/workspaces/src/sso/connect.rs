//! One click instead of the guide's sixteen steps: an identity provider of the same house.

use async_trait::async_trait;



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

