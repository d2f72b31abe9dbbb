//! The SAML 2.0 identity provider.

mod pages;

pub(crate) use self::pages::routes;

/// What is kept in memory of providers: their settings and parsed keys, valid for one revision.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshots;
