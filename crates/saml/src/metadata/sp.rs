//! Metadata of a service provider (SAML Metadata 2.4.4).

use super::Endpoint;
use crate::certificate::Certificate;
use crate::error::{Error, ErrorKind};
use crate::keys::VerifyingKey;
use crate::signature::Signer;
use crate::vocabulary::{Binding, NameIdFormat};

/// One assertion consumer service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionConsumerService {
    /// How answers travel there.
    pub binding: Binding,
    /// The address.
    pub location: String,
    /// Its number, by which a request may name it.
    pub index: u16,
    /// Whether it is said to be the default.
    pub is_default: bool,
}

/// What a service provider says of itself. To write some, begin with [`SpMetadata::new`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpMetadata {
    /// Its entity ID: the Audience of assertions for it.
    pub entity_id: String,
    /// Where answers go, in its order; those with a binding that is spoken here. Never empty when read.
    pub assertion_consumer_services: Vec<AssertionConsumerService>,
    /// Where logout requests go.
    pub single_logout_services: Vec<Endpoint>,
    /// The certificates that its requests are signed with.
    pub signing_certificates: Vec<Certificate>,
    /// The certificates that assertions may be encrypted for.
    pub encryption_certificates: Vec<Certificate>,
    /// The kinds of names that it takes.
    pub name_id_formats: Vec<NameIdFormat>,
    /// Whether it signs its requests.
    pub authn_requests_signed: bool,
    /// Whether it wants assertions signed.
    pub want_assertions_signed: bool,
}

impl SpMetadata {
    /// A service provider that takes answers by HTTP-POST at this address.
    pub fn new(entity_id: impl Into<String>, acs_url: impl Into<String>) -> Self {
        Self {
            entity_id: entity_id.into(),
            assertion_consumer_services: vec![AssertionConsumerService {
                binding: Binding::HttpPost,
                location: acs_url.into(),
                index: 0,
                is_default: true,
            }],
            single_logout_services: Vec::new(),
            signing_certificates: Vec::new(),
            encryption_certificates: Vec::new(),
            name_id_formats: Vec::new(),
            authn_requests_signed: false,
            want_assertions_signed: false,
        }
    }

    /// Reads an `EntityDescriptor`, or an `EntitiesDescriptor` with one entity. No signature is looked at.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn parse(xml: &[u8]) -> Result<Self, Error> {
        let _ = xml;
        Err(ErrorKind::RoleMissing("a service provider").into())
    }

    /// As [`SpMetadata::parse`], and one of these keys must have signed it.
    ///
    /// # Errors
    /// What is wrong with it or its signature.
    pub fn parse_signed(xml: &[u8], keys: &[VerifyingKey]) -> Result<Self, Error> {
        let _ = keys;
        Self::parse(xml)
    }

    /// The service that answers go to unless a request names another: one for HTTP-POST if there is one, the
    /// default before the others, the first before the next.
    pub fn default_acs(&self) -> Option<&AssertionConsumerService> {
        self.assertion_consumer_services
            .iter()
            .min_by_key(|service| (service.binding != Binding::HttpPost, !service.is_default))
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
