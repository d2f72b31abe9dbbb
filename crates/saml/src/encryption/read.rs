//! Decrypting an element that others encrypted.

use std::fmt::Write as _;

use roxmltree::{Document, Node};

use super::algorithms::mask_digest;
use super::{DataEncryption, DecryptionKey, ELEMENT, KeyTransport, cipher};
use crate::algorithms::DigestAlgorithm;
use crate::bindings::{decode_base64, into_text};
use crate::error::{Error, ErrorKind};
use crate::signature::presented_certificate;
use crate::xml::{
    DS, SAML, Slot, Tolerance, XENC, XENC11, attribute, elements, escape_attribute, is, parse, required,
    sequence, text,
};

/// Whether a verified signature covers the ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Covered {
    BySignature,
    ByNothing,
}

/// What may be decrypted, and with what.
#[derive(Clone, Copy)]
pub(crate) struct Decryption<'a> {
    pub(crate) keys: &'a [DecryptionKey],
    pub(crate) allow_cbc: bool,
}

/// Decrypts an `EncryptedAssertion`, `EncryptedID` or `EncryptedAttribute` (SAML Core 2.2.4).
pub(crate) fn decrypt(
    encrypted: Node<'_, '_>,
    decryption: Decryption<'_>,
    covered: Covered,
) -> Result<Plaintext, Error> {
    let parts = Parts::read(encrypted)?;
    let Some(first_key) = decryption.keys.first() else {
        return Err(ErrorKind::DecryptionKeyMissing.into());
    };
    if parts.algorithm.is_cbc() {
        let label = parts.algorithm.label();
        match covered {
            _ if !decryption.allow_cbc => return Err(Error::new(ErrorKind::CbcRefused).received(label)),
            Covered::ByNothing => return Err(Error::new(ErrorKind::CbcUnsigned).received(label)),
            Covered::BySignature => {}
        }
    }
    let length = parts.algorithm.key_bytes();
    let content_key = parts
        .wrapped_keys
        .iter()
        .flat_map(|wrapped| decryption.keys.iter().map(move |key| (wrapped, key)))
        .filter_map(|(wrapped, key)| key.unwrap(wrapped.digest, &wrapped.value, wrapped.label.as_deref()))
        .find(|content_key| content_key.len() == length);
    // Without a content key the work goes on as with one, and comes to the same end as with one that is wrong.
    let content_key = content_key.unwrap_or_else(|| {
        let mut rejected =
            first_key.rejected(parts.wrapped_keys.first().map_or(&[], |wrapped| &wrapped.value));
        rejected.truncate(length);
        rejected
    });
    let algorithm = parts.algorithm;
    let plaintext = cipher::decrypt(algorithm, &content_key, parts.content)
        .ok()
        .and_then(|plaintext| into_text(plaintext).ok());
    match plaintext {
        Some(plaintext) => Ok(Plaintext::within(encrypted, &plaintext, algorithm)),
        None => {
            let presented = presented_certificate(encrypted).unwrap_or_default();
            Err(Error::new(ErrorKind::DecryptionFailed).received(&presented))
        }
    }
}

/// What was decrypted, as a document: one element around it declares the namespaces that were in scope where it
/// stood (XML Encryption 4.3), since peers rely on declarations outside of what they encrypt.
pub(crate) struct Plaintext {
    document: String,
    start: usize,
    algorithm: DataEncryption,
}

const END: &str = "</_>";

impl Plaintext {
    fn within(place: Node<'_, '_>, plaintext: &str, algorithm: DataEncryption) -> Self {
        let mut document = String::with_capacity(plaintext.len() + 512);
        document.push_str("<_");
        for namespace in place.namespaces().filter(|namespace| namespace.name() != Some("xml")) {
            let colon = if namespace.name().is_some() { ":" } else { "" };
            // Writing to a String does not fail.
            let _ = write!(document, " xmlns{colon}{}=\"", namespace.name().unwrap_or_default());
            escape_attribute(namespace.uri(), &mut document);
            document.push('"');
        }
        document.push('>');
        let start = document.len();
        document.push_str(plaintext);
        document.push_str(END);
        Self { document, start, algorithm }
    }

    /// How it was encrypted.
    pub(crate) fn algorithm(&self) -> DataEncryption {
        self.algorithm
    }

    /// What was decrypted, as it stood.
    pub(crate) fn as_str(&self) -> &str {
        self.document.get(self.start..self.document.len() - END.len()).unwrap_or_default()
    }

    /// Parses it, as strictly as a message. It can't end the element around it: a document has one root, so
    /// whatever closes it too early leaves an end tag too many.
    pub(crate) fn parse(&self) -> Result<Document<'_>, Error> {
        parse(&self.document, Tolerance::Strict)
    }

    /// The one element that was encrypted, if it is the SAML element of that name.
    pub(crate) fn only<'a, 'i>(
        document: &'a Document<'i>,
        name: &'static str,
    ) -> Result<Node<'a, 'i>, Error> {
        let malformed = |received: &str| {
            Err(Error::new(ErrorKind::EncryptionMalformed)
                .expected(format!("exactly one {name}"))
                .received(received))
        };
        let mut found = None;
        for child in document.root_element().children() {
            if child.is_element() && found.is_none() {
                found = Some(child);
            } else if child.is_element() {
                return malformed("more than one element");
            } else if !child.text().unwrap_or_default().trim_ascii().is_empty() {
                return malformed("text");
            }
        }
        match found {
            Some(element) if is(element, SAML, name) => Ok(element),
            Some(element) => malformed(element.tag_name().name()),
            None => malformed("no element"),
        }
    }
}

/// More than these are not tried: each costs an operation with the private key.
const MAX_ENCRYPTED_KEYS: usize = 8;

static ENCRYPTED: [Slot; 2] = [Slot::one(XENC, &["EncryptedData"]), Slot::any(XENC, &["EncryptedKey"])];
static ENCRYPTED_DATA: [Slot; 4] = [
    Slot::one(XENC, &["EncryptionMethod"]),
    Slot::optional(DS, &["KeyInfo"]),
    Slot::one(XENC, &["CipherData"]),
    Slot::optional(XENC, &["EncryptionProperties"]),
];
static ENCRYPTED_KEY: [Slot; 6] = [
    Slot::one(XENC, &["EncryptionMethod"]),
    Slot::optional(DS, &["KeyInfo"]),
    Slot::one(XENC, &["CipherData"]),
    Slot::optional(XENC, &["EncryptionProperties"]),
    Slot::optional(XENC, &["ReferenceList"]),
    Slot::optional(XENC, &["CarriedKeyName"]),
];
/// A `CipherReference` would fetch the ciphertext from an address that a stranger chose.
static CIPHER_DATA: [Slot; 1] = [Slot::one(XENC, &["CipherValue"])];

/// The parts of an encrypted element, before anything is decrypted.
struct Parts {
    algorithm: DataEncryption,
    content: Vec<u8>,
    wrapped_keys: Vec<WrappedKey>,
}

impl Parts {
    fn read(encrypted: Node<'_, '_>) -> Result<Self, Error> {
        let [data, beside] = sequence(encrypted, "EncryptedAssertion", &ENCRYPTED).map_err(malformed)?;
        let data = only(&data)?;
        if let Some(of_type) = attribute(data, "Type").filter(|of_type| *of_type != ELEMENT) {
            return Err(Error::new(ErrorKind::EncryptionMalformed).expected(ELEMENT).received(of_type));
        }
        let [method, key_info, cipher_data, _] =
            sequence(data, "EncryptedData", &ENCRYPTED_DATA).map_err(malformed)?;
        let uri = required(only(&method)?, "Algorithm").map_err(malformed)?;
        let algorithm = DataEncryption::from_uri(uri)
            .ok_or_else(|| Error::new(ErrorKind::EncryptionAlgorithmRefused).received(uri))?;
        // Wherever the keys stand, each is tried, so that no reference between the two has to be followed.
        let inside = key_info.iter().flat_map(|info| elements(*info));
        let keys: Vec<_> =
            inside.filter(|node| is(*node, XENC, "EncryptedKey")).chain(beside.iter().copied()).collect();
        if keys.len() > MAX_ENCRYPTED_KEYS {
            return Err(
                Error::new(ErrorKind::TooManyEncryptedKeys).expected(format!("at most {MAX_ENCRYPTED_KEYS}"))
            );
        }
        let (mut wrapped_keys, mut refused) = (Vec::new(), None);
        for key in keys {
            match WrappedKey::read(key) {
                Ok(wrapped) => wrapped_keys.push(wrapped),
                // It may be for another recipient.
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            Some(refused) if wrapped_keys.is_empty() => return Err(refused),
            None if wrapped_keys.is_empty() => {
                return Err(Error::new(ErrorKind::EncryptionMalformed).received("no EncryptedKey"));
            }
            _ => {}
        }
        Ok(Self { algorithm, content: cipher_value(only(&cipher_data)?)?, wrapped_keys })
    }
}

/// A content key, wrapped for somebody.
struct WrappedKey {
    digest: DigestAlgorithm,
    label: Option<Vec<u8>>,
    value: Vec<u8>,
}

impl WrappedKey {
    fn read(key: Node<'_, '_>) -> Result<Self, Error> {
        let [method, _, cipher_data, ..] =
            sequence(key, "EncryptedKey", &ENCRYPTED_KEY).map_err(malformed)?;
        let method = only(&method)?;
        let uri = required(method, "Algorithm").map_err(malformed)?;
        let transport = KeyTransport::from_uri(uri)
            .ok_or_else(|| Error::new(ErrorKind::KeyTransportRefused).received(uri))?;
        let parameter = |namespace, name| elements(method).find(|child| is(*child, namespace, name));
        let digest = match parameter(DS, "DigestMethod").and_then(|node| attribute(node, "Algorithm")) {
            None => Some(DigestAlgorithm::Sha1),
            Some(uri) => DigestAlgorithm::from_uri(uri),
        };
        let mask = match parameter(XENC11, "MGF").and_then(|node| attribute(node, "Algorithm")) {
            // The older algorithm knows one mask generation function.
            Some(uri) if transport == KeyTransport::RsaOaep => mask_digest(uri),
            _ => Some(DigestAlgorithm::Sha1),
        };
        let digest = match (digest, mask) {
            (Some(digest), Some(mask)) if digest == mask => digest,
            _ => {
                let named =
                    |digest: Option<DigestAlgorithm>| digest.map_or("unknown", DigestAlgorithm::label);
                let received = format!("digest {} with MGF1-{}", named(digest), named(mask));
                return Err(Error::new(ErrorKind::KeyTransportMix).received(&received));
            }
        };
        let label = match parameter(XENC, "OAEPparams") {
            None => None,
            Some(node) => {
                let label = text(node, "OAEPparams").and_then(|text| decode_base64(text.as_bytes()));
                Some(label.map_err(malformed)?).filter(|label| !label.is_empty())
            }
        };
        Ok(Self { digest, label, value: cipher_value(only(&cipher_data)?)? })
    }
}

fn cipher_value(cipher_data: Node<'_, '_>) -> Result<Vec<u8>, Error> {
    let [value] = sequence(cipher_data, "CipherData", &CIPHER_DATA).map_err(malformed)?;
    text(only(&value)?, "CipherValue").and_then(|text| decode_base64(text.as_bytes())).map_err(malformed)
}

fn only<'a, 'i>(nodes: &[Node<'a, 'i>]) -> Result<Node<'a, 'i>, Error> {
    nodes.first().copied().ok_or_else(|| ErrorKind::EncryptionMalformed.into())
}

/// Whatever is wrong with its form, it is one kind of error: the details are for the log.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn malformed(error: Error) -> Error {
    Error::new(ErrorKind::EncryptionMalformed).received(&error.sentence())
}
