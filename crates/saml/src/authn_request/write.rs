//! The request as the service provider writes it.

use super::RequestedAuthnContext;
use crate::algorithms::SignatureAlgorithm;
use crate::bindings::{self, Message};
use crate::error::Error;
use crate::keys::SigningKey;
use crate::signature::Signer;
use crate::timestamp::Timestamp;
use crate::vocabulary::{Binding, NameIdFormat};
use crate::xml::{SAML, SAMLP, Writer};

/// An AuthnRequest to be sent. Without further settings it asks for an answer by HTTP-POST, says nothing about
/// the name and requests no authentication context: asking for one makes identity providers refuse people who
/// signed in by a better way.
#[derive(Clone, Debug)]
pub struct AuthnRequestBuilder {
    id: String,
    issuer: String,
    issue_instant: Timestamp,
    destination: Option<String>,
    acs_url: Option<String>,
    protocol_binding: Binding,
    name_id_format: Option<NameIdFormat>,
    allow_create: bool,
    force_authn: bool,
    is_passive: bool,
    requested_authn_context: Option<RequestedAuthnContext>,
}

impl AuthnRequestBuilder {
    /// A request with this ID (see [`crate::message_id`]) of the service provider with this entity ID.
    pub fn new(id: impl Into<String>, issuer: impl Into<String>, issue_instant: Timestamp) -> Self {
        Self {
            id: id.into(),
            issuer: issuer.into(),
            issue_instant,
            destination: None,
            acs_url: None,
            protocol_binding: Binding::HttpPost,
            name_id_format: None,
            allow_create: true,
            force_authn: false,
            is_passive: false,
            requested_authn_context: None,
        }
    }

    /// The address of the identity provider that the request goes to.
    #[must_use]
    pub fn destination(mut self, url: impl Into<String>) -> Self {
        self.destination = Some(url.into());
        self
    }

    /// Where the answer is to go.
    #[must_use]
    pub fn acs_url(mut self, url: impl Into<String>) -> Self {
        self.acs_url = Some(url.into());
        self
    }

    /// How the answer is to travel.
    #[must_use]
    pub fn protocol_binding(mut self, binding: Binding) -> Self {
        self.protocol_binding = binding;
        self
    }

    /// Which kind of name is wanted.
    #[must_use]
    pub fn name_id_format(mut self, format: NameIdFormat) -> Self {
        self.name_id_format = Some(format);
        self
    }

    /// Whether a new name may be made for the person; `true` unless set. Only said along with a format.
    #[must_use]
    pub fn allow_create(mut self, allow: bool) -> Self {
        self.allow_create = allow;
        self
    }

    /// Whether the person is to be asked again, session or not.
    #[must_use]
    pub fn force_authn(mut self, force: bool) -> Self {
        self.force_authn = force;
        self
    }

    /// Whether the person must not be asked anything.
    #[must_use]
    pub fn is_passive(mut self, passive: bool) -> Self {
        self.is_passive = passive;
        self
    }

    /// Which ways of authentication are wanted; any unless set.
    #[must_use]
    pub fn requested_authn_context(mut self, wanted: Option<&RequestedAuthnContext>) -> Self {
        self.requested_authn_context = wanted.cloned();
        self
    }

    /// The message.
    ///
    /// # Errors
    /// [`crate::ErrorKind::CharacterForbidden`].
    pub fn to_xml(&self) -> Result<String, Error> {
        Ok(self.write()?.0)
    }

    /// The message in canonical form, and the offset where a signature belongs.
    fn write(&self) -> Result<(String, usize), Error> {
        let truth = |set: bool| set.then_some("true");
        let instant = self.issue_instant.to_string();
        let mut writer = Writer::new();
        let mut after_issuer = 0;
        let attributes = [
            ("xmlns:samlp", Some(SAMLP)),
            ("AssertionConsumerServiceURL", self.acs_url.as_deref()),
            ("Destination", self.destination.as_deref()),
            ("ForceAuthn", truth(self.force_authn)),
            ("ID", Some(&self.id)),
            ("IsPassive", truth(self.is_passive)),
            ("IssueInstant", Some(&instant)),
            ("ProtocolBinding", Some(self.protocol_binding.as_str())),
            ("Version", Some("2.0")),
        ];
        writer.element("samlp:AuthnRequest", &attributes, |request| {
            request.text("saml:Issuer", &[("xmlns:saml", Some(SAML))], &self.issuer);
            after_issuer = request.len();
            if let Some(format) = &self.name_id_format {
                let allow = if self.allow_create { "true" } else { "false" };
                request.empty(
                    "samlp:NameIDPolicy",
                    &[("AllowCreate", Some(allow)), ("Format", Some(format.as_str()))],
                );
            }
            if let Some(wanted) = &self.requested_authn_context {
                let comparison = [("Comparison", Some(wanted.comparison.as_str()))];
                request.element("samlp:RequestedAuthnContext", &comparison, |requested| {
                    for class in &wanted.classes {
                        let namespace = [("xmlns:saml", Some(SAML))];
                        requested.text("saml:AuthnContextClassRef", &namespace, class.as_str());
                    }
                });
            }
        });
        Ok((writer.finish()?, after_issuer))
    }

    /// The address that the browser is redirected to, signed if there is a key (with its default algorithm).
    ///
    /// # Errors
    /// [`crate::ErrorKind::CharacterForbidden`] or [`crate::ErrorKind::SigningFailed`].
    pub fn redirect_url(
        &self,
        endpoint: &str,
        relay_state: Option<&str>,
        key: Option<&SigningKey>,
    ) -> Result<String, Error> {
        let signing = key.map(|key| (key, key.default_algorithm()));
        self.redirect_url_with(endpoint, relay_state, signing)
    }

    /// As [`AuthnRequestBuilder::redirect_url`], with a chosen algorithm.
    ///
    /// # Errors
    /// [`crate::ErrorKind::CharacterForbidden`], [`crate::ErrorKind::AlgorithmUnfit`] or [`crate::ErrorKind::SigningFailed`].
    pub fn redirect_url_with(
        &self,
        endpoint: &str,
        relay_state: Option<&str>,
        signing: Option<(&SigningKey, SignatureAlgorithm)>,
    ) -> Result<String, Error> {
        bindings::redirect_url(endpoint, Message::Request, &self.to_xml()?, relay_state, signing)
    }

    /// The value of the form field `SAMLRequest`, signed if there is a signer.
    ///
    /// # Errors
    /// [`crate::ErrorKind::CharacterForbidden`] or [`crate::ErrorKind::SigningFailed`].
    pub fn post_value(&self, signer: Option<&Signer>) -> Result<String, Error> {
        let (xml, after_issuer) = self.write()?;
        match signer {
            None => Ok(bindings::post_value(&xml)),
            Some(signer) => Ok(bindings::post_value(&signer.envelop(&xml, &self.id, after_issuer)?)),
        }
    }
}
