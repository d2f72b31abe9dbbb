//! The words for each kind of error: one row each.

use super::{ErrorKind, Fault};

/// A row: who is at fault, what is wrong (`{}` stands for the element or parameter), what to do about it.
pub(super) struct Words {
    pub(super) fault: Fault,
    pub(super) what: &'static str,
    pub(super) remedy: &'static str,
}

/// What is wrong, with the name of the element or parameter filled in.
pub(super) fn what(kind: ErrorKind, template: &str) -> String {
    match kind {
        ErrorKind::ParameterRepeated(name)
        | ErrorKind::ParameterMalformed(name)
        | ErrorKind::WrongMessage(name)
        | ErrorKind::Missing(name)
        | ErrorKind::Repeated(name)
        | ErrorKind::Unexpected(name)
        | ErrorKind::Malformed(name)
        | ErrorKind::CharacterForbidden(name)
        | ErrorKind::RoleMissing(name) => template.replace("{}", name),
        _ => template.to_owned(),
    }
}

const CLOCKS: &str =
    "If this happens to a fresh sign-in, the clocks of the two servers differ: set both by NTP.";
const AGAIN: &str = "Begin the sign-in again from here.";

#[expect(clippy::too_many_lines, reason = "a table with one row for each kind of error")]
pub(super) fn of(kind: ErrorKind) -> Words {
    use ErrorKind as K;
    use Fault::{Misconfigured as Ours, PeerIncompatible as Differs, PeerMisbehaved as Theirs};
    let (fault, what, remedy) = match kind {
        K::MessageMissing => {
            (Theirs, "The SAML message is missing.", "Begin the sign-in again from the application.")
        }
        K::ParameterRepeated(_) => (Theirs, "The parameter {} is there more than once.", ""),
        K::ParameterMalformed(_) => (Theirs, "The parameter {} can't be decoded.", ""),
        K::NotBase64 => (Theirs, "The SAML message can't be decoded: it is not base64.", ""),
        K::NotDeflate => (
            Theirs,
            "The SAML message can't be decompressed: it is cut short or was not compressed with DEFLATE.",
            "",
        ),
        K::TooLarge => (Theirs, "The SAML message is too large.", ""),
        K::NotUtf8 => (Theirs, "The SAML message is not UTF-8 text.", ""),

        K::NotWellFormed => (Theirs, "The SAML message is not well-formed XML.", ""),
        K::DoctypeForbidden => (Theirs, "The SAML message has a DOCTYPE, which SAML forbids.", ""),
        K::CommentForbidden => (Theirs, "The SAML message has an XML comment, which is not accepted.", ""),
        K::ProcessingInstructionForbidden => {
            (Theirs, "The SAML message has an XML processing instruction, which is not accepted.", "")
        }
        K::TooDeep => (Theirs, "The elements of the SAML message are nested too deeply.", ""),
        K::TooManyNodes => (Theirs, "The SAML message has too many elements.", ""),
        K::TooManyAttributes => {
            (Theirs, "An element of the SAML message has too many attributes or namespaces.", "")
        }
        K::DuplicateId => (Theirs, "Two elements of the SAML message have the same ID.", ""),
        K::WrongMessage(_) => (Theirs, "This is not a SAML 2.0 {}.", ""),
        K::Missing(_) => (Theirs, "{} is missing.", ""),
        K::Repeated(_) => (Theirs, "{} is there more than once.", ""),
        K::Unexpected(_) => (Theirs, "{} has an element that does not belong there.", ""),
        K::Malformed(_) => (Theirs, "The value of {} can't be read.", ""),
        K::VersionUnsupported => {
            (Differs, "The message is not of SAML version 2.0.", "Choose SAML 2.0 at the other side.")
        }

        K::SignatureMissing => (Theirs, "The message is not signed.", "Turn on signing at the other side."),
        K::AssertionNotSigned => (
            Differs,
            "The assertion is not signed.",
            "Turn on signing of assertions at the identity provider, or turn off Want Assertions Signed.",
        ),
        K::ResponseNotSigned => (
            Differs,
            "The response is not signed.",
            "Turn on signing of responses at the identity provider, or turn off Want Messages Signed.",
        ),
        K::SignatureMisplaced => (Theirs, "There is a signature in a place where none belongs.", ""),
        K::SignatureMalformed => (Theirs, "The signature is not made as SAML requires.", ""),
        K::SignatureAlgorithmRefused => (
            Differs,
            "The signature algorithm is not accepted.",
            "Choose RSA-SHA256 or ECDSA-SHA256 at the other side.",
        ),
        K::DigestAlgorithmRefused => {
            (Differs, "The digest algorithm is not accepted.", "Choose SHA256 at the other side.")
        }
        K::Sha1Refused => (
            Differs,
            "The message is signed with SHA-1, which is no longer safe.",
            "Choose SHA256 for signature and digest at the other side.",
        ),
        K::CanonicalizationRefused => (
            Differs,
            "The canonicalization of the signature is not accepted.",
            "Choose exclusive canonicalization without comments at the other side.",
        ),
        K::TransformRefused => (
            Theirs,
            "The transforms of the signature are not accepted.",
            "Only the enveloped signature and exclusive canonicalization are.",
        ),
        K::ReferenceMisdirected => {
            (Theirs, "The signature does not cover exactly the element that holds it.", "")
        }
        K::KeyTypeMismatch => (
            Ours,
            "The message is signed with another kind of key than the configured certificate holds.",
            "Compare the certificate with the signing certificate of the other side.",
        ),
        K::SignatureInvalid => (
            Theirs,
            "The signature was not made with the key of the configured certificate.",
            "Compare the certificate here with the signing certificate of the other side; it may have been renewed there.",
        ),
        K::DigestMismatch => (Theirs, "The message was changed after it was signed.", ""),

        K::DestinationMismatch => (
            Theirs,
            "The Destination is not this address.",
            "Compare the address (ACS URL, Single Sign On Service) that the other side has with the one here, character by character.",
        ),
        K::ResponseIssuerMismatch => (
            Ours,
            "The Issuer of the response is not the configured identity provider.",
            "Make the Entity ID here and the Issuer at the identity provider the same.",
        ),
        K::AssertionIssuerMismatch => (
            Ours,
            "The Issuer of the assertion is not the configured identity provider.",
            "Make the Entity ID here and the Issuer at the identity provider the same.",
        ),
        K::StatusNotSuccess => {
            (Differs, "The identity provider did not sign the person in.", "Its own log says why.")
        }
        K::InResponseToMismatch => {
            (Theirs, "The response is not the answer to the request that was sent.", AGAIN)
        }
        K::Unsolicited => {
            (Theirs, "The response claims to answer a request, and none of this kind is pending.", AGAIN)
        }
        K::AssertionMissing => (Theirs, "The response has no assertion.", ""),
        K::AssertionsSeveral => (Theirs, "The response has more than one assertion.", ""),
        K::DecryptionKeyMissing => (
            Ours,
            "A part of the response is encrypted, and there is no key here to decrypt it.",
            "Choose a decryption key here, or turn off encryption at the identity provider.",
        ),
        K::AssertionNotEncrypted => (
            Differs,
            "The assertion is not encrypted.",
            "Turn on encryption at the identity provider, or turn off Want Assertions Encrypted.",
        ),
        K::EncryptionMalformed => (Theirs, "The encrypted part is not made as SAML requires.", ""),
        K::EncryptionAlgorithmRefused => (
            Differs,
            "The encryption algorithm is not accepted.",
            "Choose AES-256-GCM or AES-128-GCM at the identity provider.",
        ),
        K::CbcRefused => (
            Differs,
            "The encryption algorithm is AES-CBC, which does not notice changes and is not allowed here.",
            "Choose AES-256-GCM at the identity provider, or turn on Allow AES-CBC.",
        ),
        K::CbcUnsigned => (
            Differs,
            "The encryption algorithm is AES-CBC, which is safe only within a signed response, and the response is not signed.",
            "Choose AES-256-GCM at the identity provider, or turn on signing of responses there.",
        ),
        K::KeyTransportRefused => (
            Differs,
            "The algorithm that wraps the content key is not accepted.",
            "Choose RSA-OAEP at the identity provider.",
        ),
        K::KeyTransportMix => (
            Differs,
            "The content key is wrapped with RSA-OAEP in a mix of digests that can't be read.",
            "Choose the same digest for RSA-OAEP and its mask generation (MGF1) at the identity provider; with rsa-oaep-mgf1p that is SHA1.",
        ),
        K::TooManyEncryptedKeys => (Theirs, "The content key is wrapped for too many recipients.", ""),
        K::DecryptionFailed => (
            Theirs,
            "The encrypted part can't be decrypted with a key that is configured here.",
            "Compare the encryption certificate at the identity provider with the one here.",
        ),
        K::BearerMissing => (
            Differs,
            "The assertion has no bearer confirmation.",
            "Choose the Web Browser SSO profile at the identity provider.",
        ),
        K::RecipientMismatch => (
            Theirs,
            "The Recipient of the assertion is not this address.",
            "Compare the ACS URL at the identity provider with the Single Sign On Service here, character by character.",
        ),
        K::ConfirmationInResponseToMismatch => {
            (Theirs, "The assertion is not the answer to the request that was sent.", AGAIN)
        }
        K::ConfirmationExpired => (Theirs, "The assertion came too late.", CLOCKS),
        K::ConfirmationNotYetValid => (Theirs, "The confirmation of the assertion is not valid yet.", CLOCKS),
        K::AssertionExpired => (Theirs, "The assertion is no longer valid.", CLOCKS),
        K::AssertionNotYetValid => (Theirs, "The assertion is not valid yet.", CLOCKS),
        K::AudienceMissing => (
            Theirs,
            "The assertion does not say for which audience it is.",
            "Set the Audience at the identity provider to the Entity ID of this service provider.",
        ),
        K::AudienceMismatch => (
            Theirs,
            "The assertion is for another audience.",
            "Set the Audience at the identity provider to the Entity ID of this service provider.",
        ),
        K::ConditionUnknown => (Differs, "The assertion sets a condition that is not understood.", ""),
        K::AuthnStatementMissing => {
            (Differs, "The assertion does not say that anybody signed in: it has no AuthnStatement.", "")
        }
        K::SessionExpired => {
            (Theirs, "The session at the identity provider is over.", "Sign in there again.")
        }
        K::AttributeStatementMissing => (
            Differs,
            "The assertion has no attributes.",
            "Have the identity provider send attributes, or turn off Want Attribute Statement.",
        ),
        K::NameIdMissing => (
            Differs,
            "The assertion has no NameID.",
            "Have the identity provider send one, or turn off Want Name ID.",
        ),

        K::KeyUnreadable => (
            Ours,
            "This is not an unencrypted private key in PKCS#8 PEM form.",
            "Convert it with: openssl pkcs8 -topk8 -nodes -in key.pem",
        ),
        K::KeyUnsupported => (
            Ours,
            "The key is not of a supported kind.",
            "Use RSA with 2048 to 4096 bits, or the elliptic curves P-256 or P-384.",
        ),
        K::CertificateUnreadable => (
            Ours,
            "This is not an X.509 certificate.",
            "Paste the whole certificate, with or without its BEGIN and END lines.",
        ),
        K::CertificateOfAnotherKey => (
            Ours,
            "The certificate does not belong to the private key.",
            "Choose a certificate together with its own key.",
        ),
        K::CertificateMissing => (
            Ours,
            "There is no certificate to check signatures against.",
            "Add the signing certificate of the other side.",
        ),
        K::AlgorithmUnfit => (
            Ours,
            "The signature algorithm can't be used with this key.",
            "Choose an algorithm that fits the key of the signing certificate.",
        ),
        K::SigningFailed => (Ours, "Signing failed.", ""),
        K::EncryptionKeyUnfit => (
            Ours,
            "The key can't be used for encryption.",
            "Choose a certificate with an RSA key of 2048 to 4096 bits.",
        ),
        K::EncryptionFailed => (Ours, "Encrypting failed.", ""),
        K::CharacterForbidden(_) => {
            (Ours, "The value of {} has a character that XML can't carry.", "Correct the value.")
        }
        K::EntitiesSeveral => (
            Theirs,
            "The metadata describes several entities.",
            "Enter the entity ID of the one that is wanted, or take its own metadata.",
        ),
        K::RoleMissing(_) => {
            (Theirs, "The metadata does not describe {}.", "Take the metadata of the other side.")
        }

        K::AcsNamedTwice => (
            Theirs,
            "The request names where its answer is to go twice: by AssertionConsumerServiceIndex, and by AssertionConsumerServiceURL or ProtocolBinding.",
            "Have the application send one of them only.",
        ),
        K::SubjectEncrypted => (
            Differs,
            "The request names a person by an encrypted name (EncryptedID), which can't be read.",
            "Have the application send plain names (NameID) in its requests.",
        ),
        K::MetadataExpired => (
            Theirs,
            "The metadata is no longer valid.",
            "Take the metadata of today; if it is fetched from an address, the other side has to renew it there.",
        ),
        K::EntityMissing => (
            Ours,
            "The metadata does not describe the wanted entity.",
            "Compare the entity ID with those in the metadata, character by character.",
        ),
        K::RequestExpired => (
            Theirs,
            "The request to sign out came too late.",
            "If this happens to every one, the clocks of the two servers differ: set both by NTP.",
        ),
        K::RequestFromTheFuture => (
            Theirs,
            "The request to sign out was made at a moment that has not come yet.",
            "The clocks of the two servers differ: set both by NTP.",
        ),
        K::SoapFault => {
            (Theirs, "The other side answered that it can't make sense of the call.", "Its own log says why.")
        }
    };
    Words { fault, what, remedy }
}
