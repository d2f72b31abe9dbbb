//! What a service provider expects of an answer.

use std::time::Duration;

use crate::certificate::Certificate;
use crate::encryption::{Decryption, DecryptionKey};

/// What a service provider expects of an answer: its configuration and, if it asked, its request.
#[derive(Clone, Debug)]
pub struct Expectations {
    /// The entity ID of the identity provider.
    pub issuer: String,
    /// The entity ID of this service provider.
    pub audience: String,
    /// The address that the answer was posted to, as the identity provider is to know it.
    pub acs_url: String,
    /// The ID of the pending request. `None` accepts only an answer that the identity provider sent unasked:
    /// give `None` only if the configuration allows that.
    pub in_response_to: Option<String>,
    /// The signing certificates of the identity provider; several while it changes over.
    pub certificates: Vec<Certificate>,
    /// By how much the clocks may differ, in either direction.
    pub clock_skew: Duration,
    /// The assertion itself must be signed, even if the response is.
    pub want_assertions_signed: bool,
    /// The response must be signed, even if the assertion is.
    pub want_messages_signed: bool,
    /// There must be attributes.
    pub want_attribute_statement: bool,
    /// There must be a NameID.
    pub want_name_id: bool,
    /// SHA-1 is accepted in signatures and digests of this identity provider.
    pub allow_sha1: bool,
    /// The keys that decrypt what is encrypted; several while this service provider changes over.
    pub decryption_keys: Vec<DecryptionKey>,
    /// The assertion must be encrypted.
    pub want_assertions_encrypted: bool,
    /// AES-CBC is accepted of this identity provider, within signed responses only: see
    /// [`crate::DataEncryption::is_cbc`].
    pub allow_cbc: bool,
}

impl Expectations {
    pub(super) fn decryption(&self) -> Decryption<'_> {
        Decryption { keys: &self.decryption_keys, allow_cbc: self.allow_cbc }
    }
}
