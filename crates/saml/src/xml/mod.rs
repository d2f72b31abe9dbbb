//! XML as SAML uses it: one strict parser, canonical XML, and a writer that is canonical by construction.

mod c14n;
#[cfg(test)]
mod differential;
mod limits;
mod parse;
mod schema;
mod write;

pub(crate) use c14n::{escape_attribute, exclusive_c14n};
pub(crate) use parse::{Tolerance, ids, parse};
pub(crate) use schema::{Slot, attribute, boolean, elements, id, is, required, sequence, text, timestamp};
pub(crate) use write::Writer;

/// The namespace of assertions.
pub(crate) const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// The namespace of protocol messages.
pub(crate) const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// The namespace of metadata.
pub(crate) const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// The namespace of XML signatures.
pub(crate) const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
/// The namespace of XML encryption.
pub(crate) const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
/// The namespace of what XML Encryption 1.1 added.
pub(crate) const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";
/// The namespace of exclusive canonicalization, and the URI that names it as an algorithm.
pub(crate) const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// The namespace of the prefix `xml`.
pub(crate) const XML: &str = "http://www.w3.org/XML/1998/namespace";
