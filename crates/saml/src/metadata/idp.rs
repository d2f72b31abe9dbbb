//! Metadata of an identity provider (SAML Metadata 2.4.3).

use std::time::Duration;

use super::{Endpoint, MetadataExpectations, SingleLogoutService, Validity, read, service, write};
use crate::certificate::Certificate;
use crate::error::{Error, ErrorKind};
use crate::keys::VerifyingKey;
use crate::signature::Signer;
use crate::timestamp::Timestamp;
use crate::vocabulary::{Binding, LogoutBinding, NameIdFormat};
use crate::xml::{SAMLP, boolean};

/// What an identity provider says of itself. To write some, fill in the fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdpMetadata {
    /// Its entity ID: the Issuer of its answers.
    pub entity_id: String,
    /// Not to be used after then.
    pub valid_until: Option<Timestamp>,
    /// To be fetched again after so long.
    pub cache_duration: Option<Duration>,
    /// Where requests go, in its order; those with a binding that is spoken here.
    pub single_sign_on_services: Vec<Endpoint>,
    /// Where messages go that end sessions, in its order; those with a binding that is spoken here.
    pub single_logout_services: Vec<SingleLogoutService>,
    /// The certificates of its signing keys; several while it changes over.
    pub signing_certificates: Vec<Certificate>,
    /// The kinds of names that it gives.
    pub name_id_formats: Vec<NameIdFormat>,
    /// Whether requests must be signed.
    pub want_authn_requests_signed: bool,
}

impl IdpMetadata {
    /// Reads an `EntityDescriptor`, or an `EntitiesDescriptor` with one entity that has this role. No signature is
    /// looked at, and no clock.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn parse(xml: &[u8]) -> Result<Self, Error> {
        Self::parse_with(xml, &MetadataExpectations::default())
    }

    /// As [`IdpMetadata::parse`], and one of these keys must have signed it: the entity, or a group around it.
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
        read::entity_ids(xml, read::Kind::IdentityProvider)
    }

    /// Reads what a document says of one entity in this role.
    ///
    /// # Errors
    /// What is wrong with it; which expectation it does not meet.
    pub fn parse_with(xml: &[u8], expectations: &MetadataExpectations<'_>) -> Result<Self, Error> {
        let xml = read::text_of(xml)?;
        let document = read::document(&xml)?;
        let role = read::role(&document, read::Kind::IdentityProvider, expectations)?;
        let single_sign_on_services = read::endpoints(role.descriptor, "SingleSignOnService")?;
        if single_sign_on_services.is_empty() {
            return Err(ErrorKind::Missing(
                "SingleSignOnService with the binding HTTP-Redirect or HTTP-POST",
            )
            .into());
        }
        let signing_certificates = read::certificates(role.descriptor, "signing")?;
        if signing_certificates.is_empty() {
            return Err(ErrorKind::Missing("X509Certificate for signing").into());
        }
        Ok(Self {
            entity_id: role.entity_id.to_owned(),
            valid_until: role.validity.valid_until,
            cache_duration: role.validity.cache_duration,
            single_sign_on_services,
            single_logout_services: read::logout_services(role.descriptor)?,
            signing_certificates,
            name_id_formats: read::name_id_formats(role.descriptor)?,
            want_authn_requests_signed: boolean(role.descriptor, "WantAuthnRequestsSigned")?,
        })
    }

    /// The first address for requests with this binding.
    pub fn sso_url(&self, binding: Binding) -> Option<&str> {
        let mut services = self.single_sign_on_services.iter();
        services.find(|service| service.binding == binding).map(|service| service.location.as_str())
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
            ("WantAuthnRequestsSigned", write::truth(self.want_authn_requests_signed)),
            ("protocolSupportEnumeration", Some(SAMLP)),
        ];
        let validity = Validity { valid_until: self.valid_until, cache_duration: self.cache_duration };
        write::document(&self.entity_id, validity, signing, |entity| {
            entity.element("md:IDPSSODescriptor", &attributes, |role| {
                write::keys(role, "signing", &self.signing_certificates, &[]);
                write::logout_services(role, &self.single_logout_services);
                write::name_id_formats(role, &self.name_id_formats);
                write::endpoints(role, "md:SingleSignOnService", &self.single_sign_on_services);
            });
        })
    }
}
