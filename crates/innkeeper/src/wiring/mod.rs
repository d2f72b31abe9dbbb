//! Puts the products together from their parts. Nothing else in the workspace knows both.

mod clock;
mod connection;
mod sandbox;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use identity::Identity;
use identity::expressions::Expressions;
use site::{Product, Site, SiteSetup};
use store::{Migrations, Sealer, SharedClock, SharedRandom, Store, SystemRandom};
use workspaces::Workspaces;

use crate::config::{Config, PublicAddress};

pub(crate) use clock::SystemClock;
use connection::{ToIdentity, ToWorkspaces};
use sandbox::KeptSandbox;

/// The tables of everything that is put together here.
pub(crate) const MIGRATIONS: &[Migrations] =
    &[site::MIGRATIONS, identity::MIGRATIONS, workspaces::MIGRATIONS];

/// How long a sign-in at Workspaces lasts.
const SIGN_IN_LIFETIME: Duration = Duration::from_hours(12);

/// Why the products did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The database's.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Identity's.
    #[error(transparent)]
    Identity(identity::OpenError),
    /// The directory of the sandbox.
    #[error(
        "The sandbox's directory can't be used: {0}. Choose another with sandbox.dir, or mend its permissions."
    )]
    Sandbox(#[source] io::Error),
}

impl From<identity::OpenError> for Error {
    fn from(error: identity::OpenError) -> Self {
        match error {
            identity::OpenError::Store(error) => Self::Store(error),
            other => Self::Identity(other),
        }
    }
}

/// Both products, running.
pub(crate) struct Products {
    identity: Identity,
    workspaces: Arc<Workspaces>,
    sandbox: KeptSandbox,
    /// What the person who starts the service has to do the first time.
    pub(crate) first_steps: Vec<FirstStep>,
}

/// Something to do the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FirstStep {
    /// What it is for.
    pub(crate) what: &'static str,
    /// The link to open.
    pub(crate) link: String,
}

/// Starts both products and, unless they are to stay bare, connects them.
///
/// # Errors
/// The database's, or the sandbox's.
pub(crate) async fn open(
    config: &Config,
    bare: bool,
    store: &Store,
    key: &[u8; 32],
) -> Result<Products, Error> {
    let sealer = Sealer::from_key(key);
    let sandbox = KeptSandbox::open(&config.sandbox).map_err(Error::Sandbox)?;
    let (to_identity, to_workspaces) = (Arc::new(ToIdentity::default()), Arc::new(ToWorkspaces::default()));
    let identity = Identity::open(identity::Setup {
        store: store.clone(),
        sealer: sealer.clone(),
        site: site_of(config, Product::Identity, &config.addresses.identity, &sealer),
        workspaces: Some(to_workspaces.clone()),
        expressions: Expressions::in_workers("/proc/self/exe"),
    })
    .await?;
    to_identity.lead_to(identity.service_providers());
    let workspaces = Workspaces::open(workspaces::Setup {
        store: store.clone(),
        site: site_of(config, Product::Workspaces, &config.addresses.workspaces, &sealer),
        sealer,
        driver: Arc::new(sandbox.sandbox.clone()),
        identity: Some(to_identity),
        sessions_per_person: config.sandbox.sessions_per_person,
        sign_in_lifetime: SIGN_IN_LIFETIME,
    })
    .await?;
    let workspaces = Arc::new(workspaces);
    to_workspaces.lead_to(&workspaces);
    let first_steps = first_steps(&identity, &workspaces, bare).await?;
    Ok(Products { identity, workspaces, sandbox, first_steps })
}

/// Prepares the first sign-in: a link for each administrator who is still missing, and, unless the products are to
/// stay bare, the connection and the sample user.
async fn first_steps(
    identity: &Identity,
    workspaces: &Workspaces,
    bare: bool,
) -> Result<Vec<FirstStep>, store::Error> {
    let identity_link = identity.setup_link().await?;
    let workspaces_link = workspaces.setup_link().await?;
    // Once there is an administrator, whether the products are connected is theirs to say: a connection that they
    // removed must not come back with the next start.
    let untouched = identity_link.is_some() && workspaces_link.is_some();
    let mut links =
        vec![("Identity's administrator", identity_link), ("Workspaces' administrator", workspaces_link)];
    if !bare {
        links.push(("The sample user", identity.ensure_sample_user().await?));
    }
    if !bare && untouched {
        match workspaces.connect_identity().await {
            Ok(_connected) => tracing::info!("the two products are connected"),
            Err(error) => {
                tracing::error!(%error, "the products could not be connected; an administrator can do it")
            }
        }
    }
    let step = |(what, link): (&'static str, Option<String>)| link.map(|link| FirstStep { what, link });
    Ok(links.into_iter().filter_map(step).collect())
}

impl Products {
    /// Every page and endpoint of the identity provider.
    pub(crate) fn identity_router(&self) -> Router {
        self.identity.router()
    }

    /// Every page and endpoint of the workspace platform.
    pub(crate) fn workspaces_router(&self) -> Router {
        self.workspaces.router()
    }

    /// Ends their work in the background, the last started first.
    pub(crate) async fn close(self) {
        match Arc::into_inner(self.workspaces) {
            Some(workspaces) => workspaces.close().await,
            None => tracing::warn!("somebody was still connecting the two products"),
        }
        self.identity.close().await;
        self.sandbox.close();
    }
}

fn site_of(config: &Config, product: Product, address: &PublicAddress, sealer: &Sealer) -> Site {
    let clock: SharedClock = Arc::new(SystemClock);
    let random: SharedRandom = Arc::new(SystemRandom);
    Site::new(SiteSetup {
        product,
        public_url: address.url().clone(),
        key: sealer.derive(&format!("site:{}", product.key())),
        trusted_proxies: config.http.trusted_proxies.clone(),
        clock,
        random,
    })
}
