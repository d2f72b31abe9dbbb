//! The answer to a request (SAML Core 3.3.3, Profiles 4.1): written by the identity provider, verified by the
//! service provider.

mod encrypted;
mod examine;
mod expectations;
mod issue;
mod profile;
mod signatures;
mod verified;
mod verify;

use std::fmt;

pub use examine::{Check, CheckName, Examination, examine_response};
pub use expectations::Expectations;
pub use issue::{ErrorResponse, Response};
pub use verified::VerifiedAssertion;
pub use verify::{untrusted_in_response_to, verify_response, verify_response_xml};

/// Whoever brings the assertion is its subject (SAML Profiles 3.3).
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// What is signed, or what a signature covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignedParts {
    /// The assertion only.
    Assertion,
    /// The response only, and so the assertion within it.
    Response,
    /// The assertion by itself and then the response.
    Both,
}

impl SignedParts {
    /// From two flags; `None` if nothing is to be signed, which no answer may be.
    pub const fn of(assertion: bool, response: bool) -> Option<Self> {
        match (assertion, response) {
            (true, false) => Some(Self::Assertion),
            (false, true) => Some(Self::Response),
            (true, true) => Some(Self::Both),
            (false, false) => None,
        }
    }

    /// Whether the assertion has a signature of its own.
    pub const fn assertion(self) -> bool {
        matches!(self, Self::Assertion | Self::Both)
    }

    /// Whether the response has one.
    pub const fn response(self) -> bool {
        matches!(self, Self::Response | Self::Both)
    }
}

impl fmt::Display for SignedParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Assertion => "the assertion",
            Self::Response => "the response",
            Self::Both => "the response and the assertion",
        })
    }
}
