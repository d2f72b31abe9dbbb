//! Providers: how an application learns who somebody is.

pub(crate) mod saml;
