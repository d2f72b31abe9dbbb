//! SAML 2.0 in both roles, identity provider and service provider: messages, bindings, signatures, metadata.
//!
//! Everything here is pure: bytes, keys, a moment in time and identifiers go in; a typed value or an [`Error`]
//! that says who is at fault comes out. Nothing reads a clock, a file, the network or a global.
//!
//! The way of a sign-in: the service provider writes an [`AuthnRequestBuilder`], the identity provider reads it
//! as an [`AuthnRequest`], answers with a [`Response`] signed by its [`Signer`], and the service provider turns
//! that with [`verify_response`] into a [`VerifiedAssertion`], which can come into being in no other way.
//!
//! The way of a sign-out: whoever ends a session writes a [`LogoutRequestBuilder`], the other side reads it as a
//! [`LogoutRequest`] and answers with a [`LogoutResponseBuilder`], which is read as a [`LogoutResponse`].

mod algorithms;
mod assertion;
mod authn_request;
mod bindings;
mod certificate;
mod encryption;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod keys;
mod logout;
mod metadata;
mod protocol;
mod response;
mod signature;
mod timestamp;
mod vocabulary;
mod xml;

pub use algorithms::{DigestAlgorithm, SignatureAlgorithm};
pub use assertion::{Attribute, NameId};
pub use authn_request::{
    AuthnContextComparison, AuthnRequest, AuthnRequestBuilder, NameIdPolicy, RequestedAcs,
    RequestedAuthnContext, Scoping,
};
pub use bindings::{
    MAX_MESSAGE_BYTES, Message, post_value, redirect_url, soap_envelope, soap_fault, untrusted_post_xml,
    untrusted_query_xml,
};
pub use certificate::Certificate;
pub use encryption::{DataEncryption, DecryptionKey, Encryption, Encryptor, KeyTransport};
pub use error::{Error, ErrorKind, Fault};
pub use keys::{KeyType, SigningKey, VerifyingKey};
pub use logout::{LogoutRequest, LogoutRequestBuilder, LogoutResponse, LogoutResponseBuilder, Status};
pub use metadata::{
    AssertionConsumerService, Change, Endpoint, IdpMetadata, MAX_METADATA_BYTES, MetadataExpectations,
    SingleLogoutService, SpMetadata,
};
pub use response::{
    Check, CheckName, ErrorResponse, Examination, Expectations, Response, SignedParts, VerifiedAssertion,
    examine_response, untrusted_in_response_to, verify_response, verify_response_xml,
};
pub use signature::Signer;
pub use timestamp::Timestamp;
pub use vocabulary::{AuthnContextClass, Binding, LogoutBinding, LogoutReason, NameIdFormat, StatusCode};

/// An `xs:ID` for a message or an assertion, made of 160 random bits (SAML Core 1.3.4 asks for at least 128).
pub fn message_id(random: [u8; 20]) -> String {
    use std::fmt::Write as _;
    // An xs:ID does not begin with a digit.
    let mut id = String::with_capacity(41);
    id.push('_');
    for byte in random {
        // Writing to a String does not fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}
