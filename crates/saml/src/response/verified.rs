//! What came out of verification.

use super::SignedParts;
use crate::assertion::{Attribute, NameId};
use crate::timestamp::Timestamp;

/// An assertion that was signed by the expected identity provider and meets every expectation. It comes out of
/// [`crate::verify_response`] or [`crate::examine_response`] and in no other way. Whether it was used before is for the
/// caller to find out, by [`VerifiedAssertion::issuer`] and [`VerifiedAssertion::id`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedAssertion {
    pub(super) id: String,
    pub(super) issuer: String,
    pub(super) in_response_to: Option<String>,
    pub(super) name_id: Option<NameId>,
    pub(super) attributes: Vec<Attribute>,
    pub(super) authn_instant: Timestamp,
    pub(super) authn_context: Option<String>,
    pub(super) session_index: Option<String>,
    pub(super) session_not_on_or_after: Option<Timestamp>,
    pub(super) not_on_or_after: Timestamp,
    pub(super) covered: SignedParts,
    pub(super) encrypted: bool,
}

impl VerifiedAssertion {
    /// Its ID, unique at this issuer: for the replay cache.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The identity provider.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The request that it answers; `None` if it came unasked.
    pub fn in_response_to(&self) -> Option<&str> {
        self.in_response_to.as_deref()
    }

    /// The person.
    pub fn name_id(&self) -> Option<&NameId> {
        self.name_id.as_ref()
    }

    /// What else is said of the person: each name once, with all its values.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// When the person signed in.
    pub fn authn_instant(&self) -> Timestamp {
        self.authn_instant
    }

    /// How the person signed in: a URI, see [`crate::AuthnContextClass`].
    pub fn authn_context(&self) -> Option<&str> {
        self.authn_context.as_deref()
    }

    /// The session at the identity provider.
    pub fn session_index(&self) -> Option<&str> {
        self.session_index.as_deref()
    }

    /// When our session is to end, if the identity provider says so.
    pub fn session_not_on_or_after(&self) -> Option<Timestamp> {
        self.session_not_on_or_after
    }

    /// From then on it is refused as too late, give or take the clock skew: so long a replay cache keeps it.
    pub fn not_on_or_after(&self) -> Timestamp {
        self.not_on_or_after
    }

    /// What the signature covered.
    pub fn covered(&self) -> SignedParts {
        self.covered
    }

    /// Whether it came as an `EncryptedAssertion`.
    pub fn was_encrypted(&self) -> bool {
        self.encrypted
    }
}
