//! Metadata of an identity provider (SAML Metadata 2.4.3).

use super::{Endpoint, read, write};
use crate::certificate::Certificate;
use crate::error::{Error, ErrorKind};
use crate::keys::VerifyingKey;
use crate::signature::Signer;
use crate::vocabulary::{Binding, NameIdFormat};
use crate::xml::{SAMLP, boolean};

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
        Self::read(xml, None)
    }

    /// As [`IdpMetadata::parse`], and one of these keys must have signed it: the entity, or the whole document.
    ///
    /// # Errors
    /// What is wrong with it or its signature.
    pub fn parse_signed(xml: &[u8], keys: &[VerifyingKey]) -> Result<Self, Error> {
        Self::read(xml, Some(keys))
    }

    fn read(xml: &[u8], keys: Option<&[VerifyingKey]>) -> Result<Self, Error> {
        let xml = read::text_of(xml)?;
        let document = read::document(&xml)?;
        let role = read::role(&document, "IDPSSODescriptor", "an identity provider", keys)?;
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
            single_sign_on_services,
            single_logout_services: read::endpoints(role.descriptor, "SingleLogoutService")?,
            signing_certificates,
            name_id_formats: read::name_id_formats(role.descriptor)?,
            want_authn_requests_signed: boolean(role.descriptor, "WantAuthnRequestsSigned")?,
        })
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
        write::document(&self.entity_id, signing, |entity| {
            entity.element("md:IDPSSODescriptor", &attributes, |role| {
                write::keys(role, "signing", &self.signing_certificates);
                write::endpoints(role, "md:SingleLogoutService", &self.single_logout_services);
                write::name_id_formats(role, &self.name_id_formats);
                write::endpoints(role, "md:SingleSignOnService", &self.single_sign_on_services);
            });
        })
    }
}

fn location(endpoints: &[Endpoint], binding: Binding) -> Option<&str> {
    endpoints.iter().find(|endpoint| endpoint.binding == binding).map(|endpoint| endpoint.location.as_str())
}
