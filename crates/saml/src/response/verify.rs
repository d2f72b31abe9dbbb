//! From bytes to a [`VerifiedAssertion`]. Everything that decides is here, in `signatures.rs`, `encrypted.rs` and
//! `profile.rs`, once: the bytes are parsed once, signatures are accepted only where the schema has them, and what is read afterwards is the very
//! node that was signed. Nothing is looked up by ID or path.

use roxmltree::{Document, Node};

use super::profile::{self, Evidence};
use super::signatures::{check_signed, verify_signature};
use super::{CheckName, Expectations, VerifiedAssertion, encrypted};
use crate::bindings::read_post;
use crate::error::{Error, ErrorKind};
use crate::timestamp::Timestamp;
use crate::xml::{
    DS, SAML, SAMLP, Slot, Tolerance, attribute, elements, id, is, parse, sequence, text, timestamp,
};

/// Verifies the form field `SAMLResponse` (SAML Bindings 3.5, Profiles 4.1.4.3).
///
/// # Errors
/// The first thing that is wrong.
pub fn verify_response(
    saml_response: &str,
    expectations: &Expectations,
    now: Timestamp,
) -> Result<VerifiedAssertion, Error> {
    verify(&read_post(saml_response)?, expectations, now, &mut Silent)
}

/// As [`verify_response`], for a response that is not encoded.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify_response_xml(
    xml: &str,
    expectations: &Expectations,
    now: Timestamp,
) -> Result<VerifiedAssertion, Error> {
    if xml.len() > crate::MAX_MESSAGE_BYTES {
        return Err(ErrorKind::TooLarge.into());
    }
    verify(xml, expectations, now, &mut Silent)
}

/// The InResponseTo that the form field `SAMLResponse` claims, before anything is verified: good for finding the
/// pending request whose expectations are then verified, and for nothing else.
pub fn untrusted_in_response_to(saml_response: &str) -> Option<String> {
    let xml = read_post(saml_response).ok()?;
    let document = parse(&xml, Tolerance::Strict).ok()?;
    let root = document.root_element();
    if !is(root, SAMLP, "Response") {
        return None;
    }
    attribute(root, "InResponseTo").map(str::to_owned)
}

/// Where each check is noted. Texts are made only if somebody reads them.
pub(super) trait Journal {
    fn note(
        &mut self,
        name: CheckName,
        passed: bool,
        expected: impl FnOnce() -> String,
        received: impl FnOnce() -> String,
    );

    /// Notes what was decrypted.
    fn decrypted(&mut self, _plaintext: &str) {}

    /// Notes a check that is made elsewhere.
    fn step<T>(&mut self, name: CheckName, expected: &str, result: &Result<T, Error>) {
        let received = || match result {
            Ok(_) => "as expected".to_owned(),
            Err(error) => error.sentence(),
        };
        self.note(name, result.is_ok(), || expected.to_owned(), received);
    }

    /// Notes a check and fails if it did not pass.
    fn check(
        &mut self,
        name: CheckName,
        kind: ErrorKind,
        passed: bool,
        expected: impl Fn() -> String,
        received: impl Fn() -> String,
    ) -> Result<(), Error> {
        self.note(name, passed, &expected, || {
            Error::new(kind).received(&received()).received_value().to_owned()
        });
        if passed { Ok(()) } else { Err(Error::new(kind).expected(expected()).received(&received())) }
    }
}

struct Silent;

impl Journal for Silent {
    fn note(&mut self, _: CheckName, _: bool, _: impl FnOnce() -> String, _: impl FnOnce() -> String) {}
}

pub(super) fn verify<J: Journal>(
    xml: &str,
    expectations: &Expectations,
    now: Timestamp,
    journal: &mut J,
) -> Result<VerifiedAssertion, Error> {
    let document = parse(xml, Tolerance::Strict);
    journal.step(CheckName::Xml, "one XML document without DTD, comments, or an ID twice", &document);
    let document = document?;
    let envelope = Envelope::read(&document);
    journal.step(CheckName::Message, "a SAML 2.0 Response", &envelope);
    let envelope = envelope?;
    envelope.check(expectations, journal)?;
    let found = envelope.only_assertion(&document);
    journal.step(CheckName::Assertion, "exactly one assertion, in its place", &found);
    match found? {
        Found::Plain(assertion) => {
            check_encrypted(false, expectations, journal)?;
            let response_signature = envelope.signature;
            let signatures = [response_signature, profile::signature_of(assertion)?];
            let covered = check_signed(&[&document], signatures, expectations, journal)?;
            let names = [CheckName::ResponseSignature, CheckName::AssertionSignature];
            for (name, signature) in names.into_iter().zip(signatures) {
                if let Some(signature) = signature {
                    verify_signature(name, signature, expectations, journal)?;
                }
            }
            // From here on the assertion is what the identity provider signed.
            profile::read(assertion, Evidence { covered, encrypted: false }, expectations, now, journal)
        }
        Found::Encrypted(encrypted) => {
            check_encrypted(true, expectations, journal)?;
            encrypted::verify(&document, envelope.signature, encrypted, expectations, now, journal)
        }
    }
}

/// The assertion of a response, before anything is verified.
enum Found<'a, 'i> {
    Plain(Node<'a, 'i>),
    Encrypted(Node<'a, 'i>),
}

fn check_encrypted(
    encrypted: bool,
    expectations: &Expectations,
    journal: &mut impl Journal,
) -> Result<(), Error> {
    if !expectations.want_assertions_encrypted {
        return Ok(());
    }
    journal.check(
        CheckName::Encrypted,
        ErrorKind::AssertionNotEncrypted,
        encrypted,
        || "an encrypted assertion".to_owned(),
        || if encrypted { "an encrypted assertion" } else { "an assertion in the clear" }.to_owned(),
    )
}

/// The response around the assertion. Unless it is signed itself, nothing in it is more than a claim.
struct Envelope<'a, 'i> {
    root: Node<'a, 'i>,
    issuer: Option<String>,
    signature: Option<Node<'a, 'i>>,
    status: Node<'a, 'i>,
    assertions: Vec<Node<'a, 'i>>,
}

static RESPONSE: [Slot; 5] = [
    Slot::optional(SAML, &["Issuer"]),
    Slot::optional(DS, &["Signature"]),
    Slot::optional(SAMLP, &["Extensions"]),
    Slot::one(SAMLP, &["Status"]),
    Slot::any(SAML, &["Assertion", "EncryptedAssertion"]),
];

impl<'a, 'i> Envelope<'a, 'i> {
    fn read(document: &'a Document<'i>) -> Result<Self, Error> {
        let root = document.root_element();
        if !is(root, SAMLP, "Response") {
            return Err(Error::new(ErrorKind::WrongMessage("Response")).received(root.tag_name().name()));
        }
        version(root)?;
        id(root)?;
        timestamp(root, "IssueInstant")?.ok_or(ErrorKind::Missing("IssueInstant"))?;
        let [issuer, signature, _, status, assertions] = sequence(root, "Response", &RESPONSE)?;
        let issuer = issuer.first().map(|issuer| text(*issuer, "Issuer")).transpose()?;
        Ok(Self {
            root,
            issuer: issuer.map(|issuer| issuer.trim().to_owned()),
            signature: signature.first().copied(),
            status: *status.first().ok_or(ErrorKind::Missing("Status"))?,
            assertions,
        })
    }

    fn check(&self, expected: &Expectations, journal: &mut impl Journal) -> Result<(), Error> {
        let signed = self.signature.is_some();
        // A signed message must say where it is to go (SAML Bindings 3.5.5.2), and who made it (Core 3.2.2).
        let destination = attribute(self.root, "Destination");
        journal.check(
            CheckName::Destination,
            ErrorKind::DestinationMismatch,
            destination.map_or(!signed, |destination| destination == expected.acs_url),
            || expected.acs_url.clone(),
            || destination.unwrap_or("none").to_owned(),
        )?;
        let request = expected.in_response_to.as_deref();
        let answered = attribute(self.root, "InResponseTo");
        check_in_response_to(
            CheckName::InResponseTo,
            ErrorKind::InResponseToMismatch,
            request,
            answered,
            journal,
        )?;
        let issuer = self.issuer.as_deref();
        journal.check(
            CheckName::ResponseIssuer,
            ErrorKind::ResponseIssuerMismatch,
            issuer.map_or(!signed, |issuer| issuer == expected.issuer),
            || expected.issuer.clone(),
            || issuer.unwrap_or("none").to_owned(),
        )?;
        let codes = self.status_codes();
        journal.check(
            CheckName::Status,
            ErrorKind::StatusNotSuccess,
            codes.first() == Some(&SUCCESS),
            || "Success".to_owned(),
            || self.status_in_words(&codes),
        )
    }

    /// The status codes, from the outer to the inner.
    fn status_codes(&self) -> Vec<&'a str> {
        let mut codes = Vec::new();
        let mut at = elements(self.status).find(|child| is(*child, SAMLP, "StatusCode"));
        while let Some(code) = at {
            codes.push(attribute(code, "Value").unwrap_or_default());
            at = elements(code).find(|child| is(*child, SAMLP, "StatusCode"));
        }
        codes
    }

    fn status_in_words(&self, codes: &[&str]) -> String {
        let names: Vec<&str> = codes.iter().map(|code| code.strip_prefix(STATUS).unwrap_or(code)).collect();
        let message = elements(self.status)
            .find(|child| is(*child, SAMLP, "StatusMessage"))
            .and_then(|message| text(message, "StatusMessage").ok());
        match message {
            Some(message) if !message.trim().is_empty() => {
                format!("{} ({})", names.join(", "), message.trim())
            }
            _ => names.join(", "),
        }
    }

    /// The assertion, if there is one in the whole document and it stands where it belongs. One that hides
    /// elsewhere is what a signature is stolen from.
    fn only_assertion(&self, document: &'a Document<'i>) -> Result<Found<'a, 'i>, Error> {
        match (assertions_in(document), self.assertions.as_slice()) {
            (1, [assertion]) if is(*assertion, SAML, "Assertion") => Ok(Found::Plain(*assertion)),
            (1, [encrypted]) => Ok(Found::Encrypted(*encrypted)),
            (0 | 1, _) => Err(ErrorKind::AssertionMissing.into()),
            (several, _) => Err(Error::new(ErrorKind::AssertionsSeveral).received(&several.to_string())),
        }
    }
}

/// How many assertions there are anywhere, encrypted or not.
pub(super) fn assertions_in(document: &Document<'_>) -> usize {
    let assertion =
        |node: &Node<'_, '_>| is(*node, SAML, "Assertion") || is(*node, SAML, "EncryptedAssertion");
    document.descendants().filter(assertion).count()
}

const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// Fails unless a message or an assertion is of SAML 2.0.
pub(super) fn version(node: Node<'_, '_>) -> Result<(), Error> {
    match attribute(node, "Version") {
        Some("2.0") => Ok(()),
        other => {
            let received = other.unwrap_or("no Version");
            Err(Error::new(ErrorKind::VersionUnsupported).expected("2.0").received(received))
        }
    }
}

/// An answer to a request must say to which; one that came unasked must not.
pub(super) fn check_in_response_to(
    name: CheckName,
    mismatch: ErrorKind,
    request: Option<&str>,
    answered: Option<&str>,
    journal: &mut impl Journal,
) -> Result<(), Error> {
    let kind = if request.is_none() { ErrorKind::Unsolicited } else { mismatch };
    journal.check(
        name,
        kind,
        request == answered,
        || request.unwrap_or("none").to_owned(),
        || answered.unwrap_or("none").to_owned(),
    )
}
