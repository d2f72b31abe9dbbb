//! The one click: each product asks for the other through a small trait of its own, and here they meet. What passes
//! between them is SAML metadata and nothing else.

use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use identity::{ServiceProviders, WorkspacesConnector};
use workspaces::{IdentityConnector, Workspaces};

/// What the application is called in Identity's addresses, if it is new.
const SLUG: &str = "workspaces";

/// The sentence for a click that comes while the other product is still starting or already ending.
const NOT_RUNNING: &str = "The other product is not running at this moment. Try again.";

/// Identity, as Workspaces sees it. It is made before Identity is, and told of it later.
#[derive(Default)]
pub(super) struct ToIdentity(OnceLock<ServiceProviders>);

impl ToIdentity {
    /// Tells it of Identity, once.
    pub(super) fn lead_to(&self, service_providers: ServiceProviders) {
        // A second call would be another Identity in the same process, which there isn't.
        _ = self.0.set(service_providers);
    }
}

#[async_trait]
impl IdentityConnector for ToIdentity {
    fn name(&self) -> String {
        "Innkeeper Identity".to_owned()
    }

    async fn register(&self, us: workspaces::ServiceProvider) -> Result<String, workspaces::ConnectError> {
        use workspaces::ConnectError::Refused;
        let identity = self.0.get().ok_or_else(|| Refused(NOT_RUNNING.to_owned()))?;
        let service_provider = identity::ServiceProvider {
            name: "Workspaces".to_owned(),
            slug: SLUG.to_owned(),
            metadata: us.metadata,
            launch_url: us.launch_url,
        };
        match identity.register(&service_provider).await {
            Ok(connected) => Ok(connected.metadata),
            Err(identity::ConnectError::Refused(sentence)) => Err(Refused(sentence)),
            Err(identity::ConnectError::Store(error)) => Err(workspaces::ConnectError::Store(error)),
        }
    }
}

/// Workspaces, as Identity sees it. It is made before Workspaces is, and told of it later.
#[derive(Default)]
pub(super) struct ToWorkspaces(OnceLock<Weak<Workspaces>>);

impl ToWorkspaces {
    /// Tells it of Workspaces, once.
    pub(super) fn lead_to(&self, workspaces: &Arc<Workspaces>) {
        _ = self.0.set(Arc::downgrade(workspaces));
    }
}

#[async_trait]
impl WorkspacesConnector for ToWorkspaces {
    fn name(&self) -> String {
        "Workspaces".to_owned()
    }

    async fn connect(&self) -> Result<(), identity::ConnectError> {
        use identity::ConnectError::Refused;
        let workspaces =
            self.0.get().and_then(Weak::upgrade).ok_or_else(|| Refused(NOT_RUNNING.to_owned()))?;
        match workspaces.connect_identity().await {
            Ok(_connected) => Ok(()),
            Err(workspaces::ConnectError::Refused(sentence)) => Err(Refused(sentence)),
            Err(workspaces::ConnectError::Store(error)) => Err(identity::ConnectError::Store(error)),
        }
    }
}
