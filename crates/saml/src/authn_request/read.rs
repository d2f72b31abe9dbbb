//! The request as the identity provider reads it.

use super::NameIdPolicy;
use crate::error::{Error, ErrorKind};
use crate::keys::VerifyingKey;
use crate::timestamp::Timestamp;
use crate::vocabulary::AuthnContextClass;

/// An AuthnRequest as received. Nothing in it is to be trusted before [`AuthnRequest::verify_signature`]; an
/// unsigned request is safe to answer only at an address that was registered before.
#[derive(Clone, Debug)]
pub struct AuthnRequest {
    /// Its ID, which the answer repeats.
    pub id: String,
    /// When it was made.
    pub issue_instant: Timestamp,
    /// The entity ID of the service provider that claims to ask.
    pub issuer: Option<String>,
    /// Where the request says it was sent.
    pub destination: Option<String>,
    /// Where the answer is to go. Compare it with what is registered.
    pub acs_url: Option<String>,
    /// Or the number of a registered assertion consumer service.
    pub acs_index: Option<u16>,
    /// How the answer is to travel: the URI of a binding.
    pub protocol_binding: Option<String>,
    /// The person is to be asked again, session or not.
    pub force_authn: bool,
    /// The person must not be asked anything.
    pub is_passive: bool,
    /// Which kind of name is wanted.
    pub name_id_policy: Option<NameIdPolicy>,
    /// Which ways of authentication are wanted, in order of preference; empty for any.
    pub requested_authn_contexts: Vec<AuthnContextClass>,
    /// To be handed back with the answer, unchanged.
    pub relay_state: Option<String>,
}

impl AuthnRequest {
    /// Reads a request from the query of a redirect (SAML Bindings 3.4), exactly as it stands in the address,
    /// still percent-encoded.
    ///
    /// # Errors
    /// What is wrong with it, each fault with its own [`ErrorKind`].
    pub fn from_redirect_query(raw_query: &str) -> Result<Self, Error> {
        let _ = raw_query;
        Err(ErrorKind::MessageMissing.into())
    }

    /// Reads a request from the decoded form fields `SAMLRequest` and `RelayState` (SAML Bindings 3.5).
    ///
    /// # Errors
    /// What is wrong with it, each fault with its own [`ErrorKind`].
    pub fn from_post(saml_request: &str, relay_state: Option<&str>) -> Result<Self, Error> {
        let _ = (saml_request, relay_state);
        Err(ErrorKind::MessageMissing.into())
    }

    /// Whether it has a signature, good or bad.
    pub fn is_signed(&self) -> bool {
        false
    }

    /// Succeeds if one of these keys signed the request, and all of it.
    ///
    /// # Errors
    /// [`ErrorKind::SignatureMissing`] if it is unsigned, else what is wrong with the signature.
    pub fn verify_signature(&self, keys: &[VerifyingKey], allow_sha1: bool) -> Result<(), Error> {
        let _ = (keys, allow_sha1);
        Err(ErrorKind::SignatureMissing.into())
    }
}
