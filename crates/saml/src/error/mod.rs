//! What can be wrong with a message, a key or a setting, and who has to mend it.

mod sentences;

use std::fmt;

/// Who has to mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The message is broken, forged, late, or meant for somebody else.
    PeerMisbehaved,
    /// The message is in order but asks for, or says, something that is not supported or not granted.
    PeerIncompatible,
    /// Our own configuration does not fit.
    Misconfigured,
}

/// Something is wrong: what, what was expected, what was received, and which setting would mend it.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct Error(Box<Wrong>);

#[derive(Clone, PartialEq, Eq)]
struct Wrong {
    kind: ErrorKind,
    expected: String,
    received: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Wrong { kind, expected: String::new(), received: String::new() }))
    }

    /// `received` may be anything that a stranger wrote: it is shortened and made printable.
    pub(crate) fn received(mut self, received: &str) -> Self {
        self.0.received = printable(received);
        self
    }

    /// As `received`: an expectation may repeat an ID that the peer chose.
    pub(crate) fn expected(mut self, expected: impl AsRef<str>) -> Self {
        self.0.expected = printable(expected.as_ref());
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Who has to mend it.
    pub fn fault(&self) -> Fault {
        sentences::of(self.0.kind).fault
    }

    /// What was there instead, shortened; empty if nothing was.
    pub fn received_value(&self) -> &str {
        &self.0.received
    }

    /// What to do about it, as a sentence that names the setting; empty if nothing can be set.
    pub fn remedy(&self) -> &'static str {
        sentences::of(self.0.kind).remedy
    }

    /// All of it in plain sentences, for people. It may hold what the peer wrote: escape it for HTML.
    pub fn sentence(&self) -> String {
        let Wrong { kind, expected, received } = &*self.0;
        let template = sentences::of(*kind);
        let mut text = sentences::what(*kind, template.what);
        match (expected.is_empty(), received.is_empty()) {
            (false, false) => text.push_str(&format!(" Expected: {expected}. Received: {received}.")),
            (false, true) => text.push_str(&format!(" Expected: {expected}.")),
            (true, false) => text.push_str(&format!(" Received: {received}.")),
            (true, true) => {}
        }
        if !template.remedy.is_empty() {
            text.push(' ');
            text.push_str(template.remedy);
        }
        text
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.sentence())
    }
}

/// The longest piece of a peer's text that is repeated, in characters.
const SHOWN: usize = 300;

fn printable(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut shown: String =
        text.chars().take(SHOWN).map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// Everything that can be wrong. A text inside a variant names the element or attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The parameter or field that carries the message is not there.
    MessageMissing,
    /// A parameter is there twice.
    ParameterRepeated(&'static str),
    /// A parameter can't be decoded from the query.
    ParameterMalformed(&'static str),
    /// The message is not base64.
    NotBase64,
    /// The message is not a whole DEFLATE stream.
    NotDeflate,
    /// The message is larger than is read.
    TooLarge,
    /// The message is not UTF-8.
    NotUtf8,

    /// The message is not well-formed XML.
    NotWellFormed,
    /// The message has a DOCTYPE.
    DoctypeForbidden,
    /// The message has a comment.
    CommentForbidden,
    /// The message has a processing instruction.
    ProcessingInstructionForbidden,
    /// Elements are nested deeper than is read.
    TooDeep,
    /// There are more nodes than are read.
    TooManyNodes,
    /// An element has more attributes, or namespaces in scope, than are read.
    TooManyAttributes,
    /// Two elements have the same ID.
    DuplicateId,
    /// The root element is another one.
    WrongMessage(&'static str),
    /// An element or attribute is not there.
    Missing(&'static str),
    /// An element is there twice.
    Repeated(&'static str),
    /// An element is where none of its kind belongs.
    Unexpected(&'static str),
    /// The value of an element or attribute can't be read.
    Malformed(&'static str),
    /// The version is not 2.0.
    VersionUnsupported,

    /// Nothing is signed.
    SignatureMissing,
    /// The assertion is not signed itself.
    AssertionNotSigned,
    /// The response is not signed itself.
    ResponseNotSigned,
    /// A signature is where none belongs.
    SignatureMisplaced,
    /// The signature has parts that are not allowed or lacks some that are required.
    SignatureMalformed,
    /// The signature is of an algorithm that is not accepted.
    SignatureAlgorithmRefused,
    /// The digest is of an algorithm that is not accepted.
    DigestAlgorithmRefused,
    /// SHA-1, which was not allowed by name.
    Sha1Refused,
    /// The canonicalization is not exclusive C14N without comments.
    CanonicalizationRefused,
    /// The transforms are not exactly the enveloped signature and exclusive C14N.
    TransformRefused,
    /// The signature does not refer to exactly the element that holds it.
    ReferenceMisdirected,
    /// The signature's family of algorithms is not that of a configured key.
    KeyTypeMismatch,
    /// No configured key made the signature.
    SignatureInvalid,
    /// The content was changed after it was signed.
    DigestMismatch,

    /// The Destination is another one.
    DestinationMismatch,
    /// The Issuer of the response is another one.
    ResponseIssuerMismatch,
    /// The Issuer of the assertion is another one.
    AssertionIssuerMismatch,
    /// The identity provider answered that it did not sign the person in.
    StatusNotSuccess,
    /// The response is the answer to another request.
    InResponseToMismatch,
    /// The response is the answer to a request, and none is pending.
    Unsolicited,
    /// There is no assertion.
    AssertionMissing,
    /// There is more than one assertion.
    AssertionsSeveral,
    /// Something is encrypted, and there is no key to decrypt it.
    DecryptionKeyMissing,
    /// The assertion is not encrypted, and must be.
    AssertionNotEncrypted,
    /// What is encrypted has parts that are not allowed or lacks some that are required.
    EncryptionMalformed,
    /// The content is encrypted with an algorithm that is not accepted.
    EncryptionAlgorithmRefused,
    /// The content is encrypted with AES-CBC, which was not allowed by name.
    CbcRefused,
    /// The content is encrypted with AES-CBC, and no signature covers it.
    CbcUnsigned,
    /// The content key is wrapped with an algorithm that is not accepted.
    KeyTransportRefused,
    /// The content key is wrapped with RSA-OAEP in a mix of digests that can't be read.
    KeyTransportMix,
    /// There are more wrapped keys than are read.
    TooManyEncryptedKeys,
    /// No configured key decrypts it, or it was changed.
    DecryptionFailed,
    /// There is no bearer confirmation.
    BearerMissing,
    /// The assertion is for another assertion consumer service.
    RecipientMismatch,
    /// The confirmation is the answer to another request.
    ConfirmationInResponseToMismatch,
    /// The confirmation is no longer valid.
    ConfirmationExpired,
    /// The confirmation is not valid yet.
    ConfirmationNotYetValid,
    /// The assertion is no longer valid.
    AssertionExpired,
    /// The assertion is not valid yet.
    AssertionNotYetValid,
    /// The assertion does not say for whom it is.
    AudienceMissing,
    /// The assertion is for another audience.
    AudienceMismatch,
    /// The assertion sets a condition that is not understood.
    ConditionUnknown,
    /// The assertion does not say that somebody signed in.
    AuthnStatementMissing,
    /// The session at the identity provider is over.
    SessionExpired,
    /// There is no attribute statement, and one is wanted.
    AttributeStatementMissing,
    /// There is no NameID, and one is wanted.
    NameIdMissing,

    /// The private key can't be read.
    KeyUnreadable,
    /// The key is of a kind or size that is not supported.
    KeyUnsupported,
    /// The text is not a certificate.
    CertificateUnreadable,
    /// The certificate belongs to another key.
    CertificateOfAnotherKey,
    /// There is no certificate to check signatures against.
    CertificateMissing,
    /// The algorithm can't be used with the key.
    AlgorithmUnfit,
    /// Signing failed.
    SigningFailed,
    /// The key can't be used for encryption.
    EncryptionKeyUnfit,
    /// Encrypting failed.
    EncryptionFailed,
    /// A value has a character that XML can't carry.
    CharacterForbidden(&'static str),
    /// The metadata describes several entities.
    EntitiesSeveral,
    /// The metadata describes no entity in the wanted role.
    RoleMissing(&'static str),

    /// A request names its assertion consumer service by number and by address at once.
    AcsNamedTwice,
    /// A request names a person by an encrypted name.
    SubjectEncrypted,
    /// The answer to a SOAP call is a fault.
    SoapFault,
    /// A request to sign out is no longer valid.
    RequestExpired,
    /// A request to sign out was made later than now.
    RequestFromTheFuture,
    /// The metadata is no longer valid.
    MetadataExpired,
    /// The metadata does not describe the wanted entity.
    EntityMissing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_says_what_expected_received_and_remedy() {
        let error = Error::new(ErrorKind::AudienceMismatch).expected("https://a").received("https://b");
        let sentence = error.sentence();
        assert!(sentence.contains("audience"), "{sentence}");
        assert!(sentence.contains("Expected: https://a. Received: https://b."), "{sentence}");
        assert!(sentence.ends_with(error.remedy()) && !error.remedy().is_empty(), "{sentence}");
        assert_eq!(error.fault(), Fault::PeerMisbehaved);
    }

    #[test]
    fn what_a_peer_wrote_is_shortened_and_printable() {
        let error = Error::new(ErrorKind::NotWellFormed)
            .received(&format!("a\u{1b}[31m\n\u{202e}{}", "x".repeat(9999)));
        assert!(error.received_value().chars().count() <= SHOWN + 1);
        assert!(!error.sentence().chars().any(|c| c.is_control() || c == '\u{202e}'));
    }

    #[test]
    fn the_element_is_named() {
        let sentence = Error::new(ErrorKind::Missing("Subject")).sentence();
        assert!(sentence.contains("Subject"), "{sentence}");
    }
}
