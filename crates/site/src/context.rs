//! [`Site`]: what a product needs to answer a request in the house's way.

use std::sync::Arc;

use ipnet::IpNet;
use store::{SharedClock, SharedRandom, Timestamp};
use url::Url;

use crate::origin::Origin;

/// Which of the two products a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// The identity provider.
    Identity,
    /// The workspace platform.
    Workspaces,
}

impl Product {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Identity, Self::Workspaces];

    /// The word that marks this product's rows, cookies and keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Workspaces => "workspaces",
        }
    }

    /// The name on screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "Identity",
            Self::Workspaces => "Workspaces",
        }
    }
}

/// What a [`Site`] is made from, once, at start.
pub struct SiteSetup {
    /// The product whose pages these are.
    pub product: Product,
    /// The address that people's browsers use, for example `https://auth.example.com`.
    pub public_url: Url,
    /// Key of the CSRF tokens and notices; derived from the master key.
    pub key: [u8; 32],
    /// Proxies whose forwarded headers count. Empty: nobody's do.
    pub trusted_proxies: Vec<IpNet>,
    /// The time.
    pub clock: SharedClock,
    /// Where unguessable values come from.
    pub random: SharedRandom,
}

/// What a product needs to answer a request in the house's way. Cheap to clone.
#[derive(Clone)]
pub struct Site(Arc<Inner>);

struct Inner {
    product: Product,
    public_url: Url,
    origin: Origin,
    secure: bool,
    key: aws_lc_rs::hmac::Key,
    trusted_proxies: Vec<IpNet>,
    clock: SharedClock,
    random: SharedRandom,
}

impl Site {
    /// Makes the site of one product.
    pub fn new(setup: SiteSetup) -> Self {
        let origin = Origin::of(&setup.public_url);
        Self(Arc::new(Inner {
            secure: origin.is_trustworthy(),
            origin,
            product: setup.product,
            public_url: setup.public_url,
            key: aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &setup.key),
            trusted_proxies: setup.trusted_proxies,
            clock: setup.clock,
            random: setup.random,
        }))
    }

    /// The product whose pages these are.
    pub fn product(&self) -> Product {
        self.0.product
    }

    /// The absolute URL of a path of this product. `path` begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0.public_url.as_str().trim_end_matches('/'))
    }

    /// The address that people's browsers use.
    pub fn public_url(&self) -> &Url {
        &self.0.public_url
    }

    /// The origin of [`Self::public_url`].
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The clock, for what outlives a request.
    pub fn clock(&self) -> &SharedClock {
        &self.0.clock
    }

    /// Where unguessable values come from.
    pub fn random(&self) -> &SharedRandom {
        &self.0.random
    }

    /// Whether browsers keep `Secure` cookies of this site: it is on HTTPS, or on loopback.
    pub(crate) fn secure_cookies(&self) -> bool {
        self.0.secure
    }

    pub(crate) fn trusts_proxy(&self, addr: std::net::IpAddr) -> bool {
        self.0.trusted_proxies.iter().any(|net| net.contains(&addr))
    }

    /// A MAC over labelled parts: `label` says what the value is for, so that a MAC made for one
    /// use never passes for another. Parts are length-prefixed, so they can't run together.
    pub fn mac(&self, label: &str, parts: &[&str]) -> [u8; 32] {
        let mut context = aws_lc_rs::hmac::Context::with_key(&self.0.key);
        for part in std::iter::once(&label).chain(parts) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }
}
