//! Puts the products together from their parts. Nothing else in the workspace knows both.

mod clock;
mod sandbox;

use std::io;
use std::sync::Arc;

use axum::Router;
use site::{Product, Site, SiteSetup};
use store::{Migrations, Sealer, SharedClock, SharedRandom, Store, SystemRandom};

use crate::config::{Config, PublicAddress};

pub(crate) use clock::SystemClock;
use sandbox::KeptSandbox;

/// The tables of everything that is put together here.
pub(crate) const MIGRATIONS: &[Migrations] = &[site::MIGRATIONS];

/// Why the products did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The database's.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The directory of the sandbox.
    #[error(
        "The sandbox's directory can't be used: {0}. Choose another with sandbox.dir, or mend its permissions."
    )]
    Sandbox(#[source] io::Error),
}

/// Both products, running.
pub(crate) struct Products {
    identity: Router,
    workspaces: Router,
    sandbox: KeptSandbox,
    /// What the person who starts the service has to do the first time.
    pub(crate) first_steps: Vec<FirstStep>,
}

/// Something to do the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FirstStep {
    /// What it is for.
    pub(crate) what: String,
    /// The link to open, or what to do.
    pub(crate) how: String,
}

/// Starts both products.
///
/// # Errors
/// The database's, or the sandbox's.
pub(crate) async fn open(
    config: &Config,
    _bare: bool,
    _store: &Store,
    key: &[u8; 32],
) -> Result<Products, Error> {
    let sealer = Sealer::from_key(key);
    let sandbox = KeptSandbox::open(&config.sandbox).map_err(Error::Sandbox)?;
    let identity = site_of(config, Product::Identity, &config.addresses.identity, &sealer);
    let workspaces = site_of(config, Product::Workspaces, &config.addresses.workspaces, &sealer);
    Ok(Products {
        identity: identity.wrap(Router::new()),
        workspaces: workspaces.wrap(Router::new()),
        sandbox,
        first_steps: Vec::new(),
    })
}

impl Products {
    /// Every page and endpoint of the identity provider.
    pub(crate) fn identity_router(&self) -> Router {
        self.identity.clone()
    }

    /// Every page and endpoint of the workspace platform.
    pub(crate) fn workspaces_router(&self) -> Router {
        self.workspaces.clone()
    }

    /// Ends their work in the background, the last started first.
    pub(crate) async fn close(self) {
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
