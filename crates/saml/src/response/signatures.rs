//! Every signature that is there must stand in its place and verify, and what is wanted signed must be.

use roxmltree::{Document, Node};

use super::verify::Journal;
use super::{CheckName, Expectations, SignedParts};
use crate::error::{Error, ErrorKind};
use crate::keys::VerifyingKey;
use crate::signature::verify_enveloped;
use crate::xml::{DS, is};

/// What is signed, if that is enough and nothing in these documents is signed but that. `signatures` are those of
/// the response and of the assertion, found in their places; none is verified by this.
pub(super) fn check_signed(
    documents: &[&Document<'_>],
    signatures: [Option<Node<'_, '_>>; 2],
    expectations: &Expectations,
    journal: &mut impl Journal,
) -> Result<SignedParts, Error> {
    let [response, assertion] = signatures.map(|signature| signature.is_some());
    let nodes = documents.iter().flat_map(|document| document.descendants());
    let everywhere = nodes.filter(|node| is(*node, DS, "Signature")).count();
    let covered = SignedParts::of(assertion, response);
    let parts = match covered {
        _ if everywhere != usize::from(response) + usize::from(assertion) => {
            Err(ErrorKind::SignatureMisplaced)
        }
        None => Err(ErrorKind::SignatureMissing),
        Some(parts) if expectations.want_assertions_signed && !parts.assertion() => {
            Err(ErrorKind::AssertionNotSigned)
        }
        Some(parts) if expectations.want_messages_signed && !parts.response() => {
            Err(ErrorKind::ResponseNotSigned)
        }
        Some(parts) => Ok(parts),
    };
    journal.note(
        CheckName::Signed,
        parts.is_ok(),
        || wanted_signed(expectations).to_owned(),
        || covered.map_or("nothing".to_owned(), |parts| parts.to_string()),
    );
    parts.map_err(Error::new)
}

/// Verifies one of them.
pub(super) fn verify_signature(
    name: CheckName,
    signature: Node<'_, '_>,
    expectations: &Expectations,
    journal: &mut impl Journal,
) -> Result<(), Error> {
    let keys: Vec<VerifyingKey> =
        expectations.certificates.iter().map(|certificate| certificate.verifying_key().clone()).collect();
    let verified = verify_enveloped(signature, &keys, expectations.allow_sha1);
    journal.step(name, "made with the key of a configured certificate, over exactly this element", &verified);
    verified
}

fn wanted_signed(expectations: &Expectations) -> &'static str {
    match (expectations.want_assertions_signed, expectations.want_messages_signed) {
        (true, true) => "the response and the assertion",
        (true, false) => "the assertion",
        (false, true) => "the response",
        (false, false) => "the response or the assertion",
    }
}
