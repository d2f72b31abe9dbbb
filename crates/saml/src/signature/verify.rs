//! Verifying. What is accepted is as small as what SAML needs: the key comes from the configuration, the
//! algorithm must fit the key, the reference is to the parent element of the signature and to nothing else, and
//! nothing of the parent is left out but the signature. What verifies is therefore the very node that is read.

use roxmltree::Node;

use super::ENVELOPED;
use crate::algorithms::{DigestAlgorithm, SignatureAlgorithm};
use crate::bindings::decode_base64;
use crate::certificate::Certificate;
use crate::error::{Error, ErrorKind};
use crate::keys::VerifyingKey;
use crate::xml::{DS, EXC_C14N, Slot, attribute, elements, exclusive_c14n, is, required, sequence, text};

/// Succeeds if one of these keys signed the parent element of `signature`, all of it.
pub(crate) fn verify_enveloped(
    signature: Node<'_, '_>,
    keys: &[VerifyingKey],
    allow_sha1: bool,
) -> Result<(), Error> {
    let parent = signature.parent_element().ok_or(ErrorKind::SignatureMisplaced)?;
    let parts = Parts::read(signature)?;
    let reference = Reference::read(parts.reference, parent)?;
    if reference.digest_algorithm == DigestAlgorithm::Sha1 && !allow_sha1 {
        return Err(Error::new(ErrorKind::Sha1Refused).received("digest SHA1"));
    }
    let signed = exclusive_c14n(parts.signed_info, None, &parts.prefixes);
    verify_value(keys, parts.algorithm, allow_sha1, signed.as_bytes(), &parts.value).map_err(
        |error| match (error.kind(), presented_certificate(signature)) {
            (ErrorKind::SignatureInvalid, Some(presented)) => {
                error.received(&format!("a signature that says it is of {presented}"))
            }
            _ => error,
        },
    )?;
    let content = exclusive_c14n(parent, Some(signature.id()), &reference.prefixes);
    if reference.digest_algorithm.digest(content.as_bytes()).as_ref() != reference.digest {
        return Err(ErrorKind::DigestMismatch.into());
    }
    Ok(())
}

/// Succeeds if one of these keys made this signature value over `message`.
pub(crate) fn verify_value(
    keys: &[VerifyingKey],
    algorithm: SignatureAlgorithm,
    allow_sha1: bool,
    message: &[u8],
    value: &[u8],
) -> Result<(), Error> {
    if algorithm.digest() == DigestAlgorithm::Sha1 && !allow_sha1 {
        return Err(Error::new(ErrorKind::Sha1Refused).received(algorithm.label()));
    }
    if keys.is_empty() {
        return Err(ErrorKind::CertificateMissing.into());
    }
    let mut fitting = keys.iter().filter(|key| algorithm.fits(key.key_type())).peekable();
    if fitting.peek().is_none() {
        let configured: Vec<&str> = keys.iter().map(|key| key.key_type().label()).collect();
        let expected = format!("a signature with {}", configured.join(" or "));
        return Err(Error::new(ErrorKind::KeyTypeMismatch).expected(expected).received(algorithm.label()));
    }
    if fitting.any(|key| key.verifies(algorithm, message, value)) {
        Ok(())
    } else {
        Err(ErrorKind::SignatureInvalid.into())
    }
}

/// The parts of a signature, before anything is verified.
struct Parts<'a, 'i> {
    signed_info: Node<'a, 'i>,
    prefixes: Vec<&'a str>,
    algorithm: SignatureAlgorithm,
    reference: Node<'a, 'i>,
    value: Vec<u8>,
}

/// KeyInfo may be there and is not read: a key that comes with the message proves nothing. Object may not.
static SIGNATURE: [Slot; 3] =
    [Slot::one(DS, &["SignedInfo"]), Slot::one(DS, &["SignatureValue"]), Slot::optional(DS, &["KeyInfo"])];
static SIGNED_INFO: [Slot; 3] = [
    Slot::one(DS, &["CanonicalizationMethod"]),
    Slot::one(DS, &["SignatureMethod"]),
    Slot::one(DS, &["Reference"]),
];

impl<'a, 'i> Parts<'a, 'i> {
    fn read(signature: Node<'a, 'i>) -> Result<Self, Error> {
        let [signed_info, value, _] = sequence(signature, "Signature", &SIGNATURE).map_err(malformed)?;
        let (signed_info, value) = (only(&signed_info)?, only(&value)?);
        let [c14n, method, reference] =
            sequence(signed_info, "SignedInfo", &SIGNED_INFO).map_err(malformed)?;
        let (c14n, method, reference) = (only(&c14n)?, only(&method)?, only(&reference)?);
        let prefixes = prefixes(c14n, ErrorKind::CanonicalizationRefused)?;
        let uri = required(method, "Algorithm").map_err(malformed)?;
        let algorithm = SignatureAlgorithm::from_uri(uri)
            .ok_or_else(|| Error::new(ErrorKind::SignatureAlgorithmRefused).received(uri))?;
        // HMACOutputLength and the like: parameters that make a signature weaker.
        if elements(method).next().is_some() {
            return Err(ErrorKind::SignatureMalformed.into());
        }
        let value = text(value, "SignatureValue").and_then(|text| decode_base64(text.as_bytes()));
        Ok(Self { signed_info, prefixes, algorithm, reference, value: value.map_err(malformed)? })
    }
}

/// What a signature refers to: exactly the element that holds it.
struct Reference<'a> {
    prefixes: Vec<&'a str>,
    digest_algorithm: DigestAlgorithm,
    digest: Vec<u8>,
}

static REFERENCE: [Slot; 3] =
    [Slot::one(DS, &["Transforms"]), Slot::one(DS, &["DigestMethod"]), Slot::one(DS, &["DigestValue"])];

impl<'a> Reference<'a> {
    fn read<'i>(reference: Node<'a, 'i>, parent: Node<'a, 'i>) -> Result<Self, Error> {
        let id = attribute(parent, "ID").filter(|id| !id.is_empty());
        let uri = attribute(reference, "URI");
        if id.is_none() || uri.and_then(|uri| uri.strip_prefix('#')) != id {
            let expected = id.map(|id| format!("#{id}")).unwrap_or_default();
            return Err(Error::new(ErrorKind::ReferenceMisdirected)
                .expected(expected)
                .received(uri.unwrap_or("no URI")));
        }
        let [transforms, method, value] = sequence(reference, "Reference", &REFERENCE).map_err(malformed)?;
        let prefixes = transforms_of(only(&transforms)?)?;
        let method = only(&method)?;
        let uri = required(method, "Algorithm").map_err(malformed)?;
        let digest_algorithm = DigestAlgorithm::from_uri(uri)
            .ok_or_else(|| Error::new(ErrorKind::DigestAlgorithmRefused).received(uri))?;
        let digest = text(only(&value)?, "DigestValue").and_then(|text| decode_base64(text.as_bytes()));
        Ok(Self { prefixes, digest_algorithm, digest: digest.map_err(malformed)? })
    }
}

/// The PrefixList of the canonicalization, if the transforms are exactly the enveloped signature and exclusive
/// canonicalization. Any other (XPath, XSLT) could hide a part from the signature (SAML Core 5.4.4).
fn transforms_of<'a>(transforms: Node<'a, '_>) -> Result<Vec<&'a str>, Error> {
    let refused = |received: &str| Error::new(ErrorKind::TransformRefused).received(received);
    let mut children = transforms.children().filter(|child| !child.is_text());
    let (first, second, more) = (children.next(), children.next(), children.next());
    let (Some(enveloped), Some(c14n), None) = (first, second, more) else {
        return Err(refused("another number of transforms than two"));
    };
    if !is(enveloped, DS, "Transform") || !is(c14n, DS, "Transform") {
        return Err(refused("something that is not a transform"));
    }
    let algorithm = attribute(enveloped, "Algorithm").unwrap_or_default();
    if algorithm != ENVELOPED || elements(enveloped).next().is_some() {
        return Err(refused(algorithm));
    }
    prefixes(c14n, ErrorKind::TransformRefused)
}

/// The longest PrefixList that is read. Peers list a handful; each one is looked up at each element, and that is
/// before the signature is known to be good.
const MAX_PREFIXES: usize = 32;

/// The PrefixList of a `CanonicalizationMethod` or `Transform` that is exclusive canonicalization; empty if it
/// has none (Exclusive C14N 4).
fn prefixes<'a>(method: Node<'a, '_>, refused: ErrorKind) -> Result<Vec<&'a str>, Error> {
    let algorithm = attribute(method, "Algorithm").unwrap_or_default();
    if algorithm != EXC_C14N {
        return Err(Error::new(refused).received(algorithm));
    }
    let mut children = elements(method);
    match (children.next(), children.next()) {
        (None, _) => Ok(Vec::new()),
        (Some(list), None)
            if is(list, EXC_C14N, "InclusiveNamespaces") && elements(list).next().is_none() =>
        {
            let mut listed = attribute(list, "PrefixList").unwrap_or_default().split_ascii_whitespace();
            let prefixes = listed.by_ref().take(MAX_PREFIXES).collect();
            match listed.next() {
                None => Ok(prefixes),
                Some(_) => Err(Error::new(refused).received("more prefixes than a message needs")),
            }
        }
        _ => Err(Error::new(refused).received("parameters that are not known")),
    }
}

fn only<'a, 'i>(nodes: &[Node<'a, 'i>]) -> Result<Node<'a, 'i>, Error> {
    nodes.first().copied().ok_or_else(|| ErrorKind::SignatureMalformed.into())
}

/// Whatever is wrong with its form, it is one kind of error: the details are for the log.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn malformed(error: Error) -> Error {
    Error::new(ErrorKind::SignatureMalformed).received(&error.sentence())
}

/// The certificate that came along, to help an administrator see that it is another one. It proves nothing.
pub(crate) fn presented_certificate(within: Node<'_, '_>) -> Option<String> {
    let certificate = within.descendants().find(|node| is(*node, DS, "X509Certificate"))?;
    let certificate = Certificate::parse(text(certificate, "X509Certificate").ok()?.as_bytes()).ok()?;
    let (subject, fingerprint) = (certificate.subject(), certificate.sha256_fingerprint());
    Some(format!("the certificate {subject} with SHA-256 fingerprint {fingerprint}"))
}
