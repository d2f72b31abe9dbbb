//! The same verification, written down check by check for people.

use std::fmt;

use super::verify::{self, Journal};
use super::{Expectations, VerifiedAssertion};
use crate::bindings::read_post;
use crate::error::Error;
use crate::timestamp::Timestamp;

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckName {
    /// The form field can be decoded.
    Encoding,
    /// The message is acceptable XML.
    Xml,
    /// The message is a SAML 2.0 Response.
    Message,
    /// The response was sent to this address.
    Destination,
    /// The response answers the pending request.
    InResponseTo,
    /// The response is of the configured identity provider.
    ResponseIssuer,
    /// The identity provider signed the person in.
    Status,
    /// There is exactly one assertion, in its place.
    Assertion,
    /// The assertion is encrypted. Listed only if it must be.
    Encrypted,
    /// What is encrypted can be decrypted.
    Decryption,
    /// There is exactly one assertion in what was decrypted.
    DecryptedAssertion,
    /// Everything that must be signed is, and nothing else.
    Signed,
    /// The signature of the response verifies.
    ResponseSignature,
    /// The signature of the assertion verifies.
    AssertionSignature,
    /// The assertion is of the configured identity provider.
    AssertionIssuer,
    /// The assertion names the person.
    NameId,
    /// Whoever brings the assertion is its subject.
    Bearer,
    /// The assertion was made for this address.
    Recipient,
    /// The assertion answers the pending request.
    ConfirmationInResponseTo,
    /// The assertion came in time.
    ConfirmationTime,
    /// The assertion is valid now.
    Validity,
    /// The assertion was made for this service provider.
    Audience,
    /// Every other condition is understood.
    Conditions,
    /// The assertion says that somebody signed in.
    AuthnStatement,
    /// The session at the identity provider is not over.
    Session,
    /// The assertion has attributes.
    Attributes,
    /// Elements and attributes are as the schema of SAML has them. Listed only if they are not.
    Schema,
}

impl CheckName {
    /// The words on screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Encoding => "Encoding",
            Self::Xml => "XML",
            Self::Message => "Message",
            Self::Destination => "Destination",
            Self::InResponseTo => "InResponseTo of the response",
            Self::ResponseIssuer => "Issuer of the response",
            Self::Status => "Status",
            Self::Assertion => "Assertion",
            Self::Encrypted => "Encryption",
            Self::Decryption => "Decryption",
            Self::DecryptedAssertion => "Decrypted assertion",
            Self::Signed => "Signed parts",
            Self::ResponseSignature => "Signature of the response",
            Self::AssertionSignature => "Signature of the assertion",
            Self::AssertionIssuer => "Issuer of the assertion",
            Self::NameId => "NameID",
            Self::Bearer => "Subject confirmation",
            Self::Recipient => "Recipient",
            Self::ConfirmationInResponseTo => "InResponseTo of the assertion",
            Self::ConfirmationTime => "Time of delivery",
            Self::Validity => "Validity",
            Self::Audience => "Audience",
            Self::Conditions => "Conditions",
            Self::AuthnStatement => "AuthnStatement",
            Self::Session => "Session",
            Self::Attributes => "Attributes",
            Self::Schema => "Schema",
        }
    }
}

impl fmt::Display for CheckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// One check with its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it is about.
    pub name: CheckName,
    /// What should be there, in words.
    pub expected: String,
    /// What is there. It may be what the peer wrote: escape it for HTML.
    pub received: String,
    /// Whether it is right.
    pub passed: bool,
}

/// A response with every check made of it, up to the first that failed.
#[derive(Clone, Debug)]
pub struct Examination {
    checks: Vec<Check>,
    xml: String,
    decrypted: Vec<String>,
    outcome: Result<VerifiedAssertion, Error>,
}

impl Examination {
    /// The checks in the order they were made. If one failed it is the last.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The message as received, decoded; empty if it can't be. It is not trusted: escape it for HTML.
    pub fn xml(&self) -> &str {
        &self.xml
    }

    /// What was decrypted of it, in order: the assertion, and encrypted parts of that. As little trusted as
    /// [`Examination::xml`].
    pub fn decrypted(&self) -> &[String] {
        &self.decrypted
    }

    /// What verification came to, as [`crate::verify_response`] says it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn outcome(&self) -> Result<&VerifiedAssertion, &Error> {
        self.outcome.as_ref()
    }
}

/// Verifies as [`crate::verify_response`] does, with the same checks, and writes down each.
pub fn examine_response(saml_response: &str, expectations: &Expectations, now: Timestamp) -> Examination {
    let mut checks = Written { checks: Vec::new(), decrypted: Vec::new() };
    let decoded = read_post(saml_response);
    checks.step(CheckName::Encoding, "base64 of a text", &decoded);
    let (xml, outcome) = match decoded {
        Ok(xml) => {
            let outcome = verify::verify(&xml, expectations, now, &mut checks);
            (xml, outcome)
        }
        Err(error) => (String::new(), Err(error)),
    };
    if outcome.is_err() && checks.checks.last().is_none_or(|check| check.passed) {
        checks.step(CheckName::Schema, "elements and attributes as SAML has them", &outcome);
    }
    let Written { checks, decrypted } = checks;
    Examination { checks, xml, decrypted, outcome }
}

struct Written {
    checks: Vec<Check>,
    decrypted: Vec<String>,
}

impl Journal for Written {
    fn note(
        &mut self,
        name: CheckName,
        passed: bool,
        expected: impl FnOnce() -> String,
        received: impl FnOnce() -> String,
    ) {
        self.checks.push(Check { name, expected: expected(), received: received(), passed });
    }

    fn decrypted(&mut self, plaintext: &str) {
        self.decrypted.push(plaintext.to_owned());
    }
}
