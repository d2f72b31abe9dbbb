//! Metadata of a service provider (SAML Metadata 2.4.4).

use std::time::Duration;

use roxmltree::Node;

use super::{MetadataExpectations, SingleLogoutService, Validity, read, service, write};
use crate::certificate::Certificate;
use crate::error::{Error, ErrorKind};
use crate::keys::VerifyingKey;
use crate::signature::Signer;
use crate::timestamp::Timestamp;
use crate::vocabulary::{Binding, LogoutBinding, NameIdFormat};
use crate::xml::{MD, SAMLP, attribute, boolean, elements, is};

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
    /// Not to be used after then.
    pub valid_until: Option<Timestamp>,
    /// To be fetched again after so long.
    pub cache_duration: Option<Duration>,
    /// Where answers go, in its order; those with a binding that is spoken here. Never empty when read.
    pub assertion_consumer_services: Vec<AssertionConsumerService>,
    /// Where messages go that end sessions, in its order; those with a binding that is spoken here.
    pub single_logout_services: Vec<SingleLogoutService>,
    /// The certificates that its requests are signed with.
    pub signing_certificates: Vec<Certificate>,
    /// The certificates that assertions may be encrypted for.
    pub encryption_certificates: Vec<Certificate>,
    /// The algorithms that it can decrypt, as URIs; empty if it does not say.
    pub encryption_methods: Vec<String>,
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
            valid_until: None,
            cache_duration: None,
            assertion_consumer_services: vec![AssertionConsumerService {
                binding: Binding::HttpPost,
                location: acs_url.into(),
                index: 0,
                is_default: true,
            }],
            single_logout_services: Vec::new(),
            signing_certificates: Vec::new(),
            encryption_certificates: Vec::new(),
            encryption_methods: Vec::new(),
            name_id_formats: Vec::new(),
            authn_requests_signed: false,
            want_assertions_signed: false,
        }
    }

    /// Reads an `EntityDescriptor`, or an `EntitiesDescriptor` with one entity that has this role. No signature is
    /// looked at, and no clock.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn parse(xml: &[u8]) -> Result<Self, Error> {
        Self::parse_with(xml, &MetadataExpectations::default())
    }

    /// As [`SpMetadata::parse`], and one of these keys must have signed it: the entity, or a group around it.
    ///
    /// # Errors
    /// What is wrong with it or its signature.
    pub fn parse_signed(xml: &[u8], keys: &[VerifyingKey]) -> Result<Self, Error> {
        Self::parse_with(
            xml,
            &MetadataExpectations { signed_by: Some(keys), ..MetadataExpectations::default() },
        )
    }

    /// The entity IDs of all that a document describes in this role, to choose from.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn entity_ids(xml: &[u8]) -> Result<Vec<String>, Error> {
        read::entity_ids(xml, read::Kind::ServiceProvider)
    }

    /// Reads what a document says of one entity in this role.
    ///
    /// # Errors
    /// What is wrong with it; which expectation it does not meet.
    pub fn parse_with(xml: &[u8], expectations: &MetadataExpectations<'_>) -> Result<Self, Error> {
        let xml = read::text_of(xml)?;
        let document = read::document(&xml)?;
        let role = read::role(&document, read::Kind::ServiceProvider, expectations)?;
        let assertion_consumer_services = consumer_services(role.descriptor)?;
        if assertion_consumer_services.is_empty() {
            let missing = "AssertionConsumerService with the binding HTTP-POST or HTTP-Redirect";
            return Err(ErrorKind::Missing(missing).into());
        }
        Ok(Self {
            entity_id: role.entity_id.to_owned(),
            valid_until: role.validity.valid_until,
            cache_duration: role.validity.cache_duration,
            assertion_consumer_services,
            single_logout_services: read::logout_services(role.descriptor)?,
            signing_certificates: read::certificates(role.descriptor, "signing")?,
            encryption_certificates: read::certificates(role.descriptor, "encryption")?,
            encryption_methods: read::encryption_methods(role.descriptor)?,
            name_id_formats: read::name_id_formats(role.descriptor)?,
            authn_requests_signed: boolean(role.descriptor, "AuthnRequestsSigned")?,
            want_assertions_signed: boolean(role.descriptor, "WantAssertionsSigned")?,
        })
    }

    /// The service that answers go to unless a request names another: one for HTTP-POST if there is one, the
    /// default before the others, the first before the next.
    pub fn default_acs(&self) -> Option<&AssertionConsumerService> {
        self.assertion_consumer_services
            .iter()
            .min_by_key(|service| (service.binding != Binding::HttpPost, !service.is_default))
    }

    /// The first single logout service with this binding.
    pub fn single_logout_service(&self, binding: LogoutBinding) -> Option<&SingleLogoutService> {
        service(&self.single_logout_services, binding)
    }

    /// The document, unsigned.
    ///
    /// # Errors
    /// [`ErrorKind::CharacterForbidden`].
    pub fn to_xml(&self) -> Result<String, Error> {
        self.write(None)
    }

    /// The document with this ID, signed.
    ///
    /// # Errors
    /// [`ErrorKind::CharacterForbidden`] or [`ErrorKind::SigningFailed`].
    pub fn to_signed_xml(&self, id: &str, signer: &Signer) -> Result<String, Error> {
        self.write(Some((id, signer)))
    }

    fn write(&self, signing: Option<(&str, &Signer)>) -> Result<String, Error> {
        let attributes = [
            ("AuthnRequestsSigned", write::truth(self.authn_requests_signed)),
            ("WantAssertionsSigned", write::truth(self.want_assertions_signed)),
            ("protocolSupportEnumeration", Some(SAMLP)),
        ];
        let validity = Validity { valid_until: self.valid_until, cache_duration: self.cache_duration };
        write::document(&self.entity_id, validity, signing, |entity| {
            entity.element("md:SPSSODescriptor", &attributes, |role| {
                write::keys(role, "signing", &self.signing_certificates, &[]);
                write::keys(role, "encryption", &self.encryption_certificates, &self.encryption_methods);
                write::logout_services(role, &self.single_logout_services);
                write::name_id_formats(role, &self.name_id_formats);
                for service in &self.assertion_consumer_services {
                    let index = service.index.to_string();
                    let attributes = [
                        ("Binding", Some(service.binding.as_str())),
                        ("Location", Some(&*service.location)),
                        ("index", Some(&*index)),
                        ("isDefault", service.is_default.then_some("true")),
                    ];
                    role.empty("md:AssertionConsumerService", &attributes);
                }
            });
        })
    }
}

fn consumer_services(role: Node<'_, '_>) -> Result<Vec<AssertionConsumerService>, Error> {
    let mut services = Vec::new();
    for (position, node) in
        elements(role).filter(|child| is(*child, MD, "AssertionConsumerService")).enumerate()
    {
        let Some(binding) = attribute(node, "Binding").and_then(Binding::from_uri) else { continue };
        let index = match attribute(node, "index").map(|index| (index, index.trim().parse())) {
            Some((_, Ok(index))) => index,
            Some((index, Err(_))) => return Err(Error::new(ErrorKind::Malformed("index")).received(index)),
            None => u16::try_from(position).unwrap_or(u16::MAX),
        };
        let is_default = boolean(node, "isDefault")?;
        services.push(AssertionConsumerService {
            binding,
            location: read::location(node)?,
            index,
            is_default,
        });
    }
    Ok(services)
}
