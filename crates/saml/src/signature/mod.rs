//! XML signatures (XML Signature 1.1) as SAML uses them (SAML Core 5): one enveloped signature over exactly the
//! element that holds it, referred to by its ID.

mod sign;
mod verify;

pub use sign::Signer;
pub(crate) use verify::{presented_certificate, verify_enveloped, verify_value};

/// The transform that takes the signature itself out of what is signed.
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
