//! An encrypted assertion: what comes out of the decryption is a document of its own, and gets every check that one
//! in the clear gets.

use roxmltree::{Document, Node};

use super::profile::{self, Evidence};
use super::signatures::{check_signed, verify_signature};
use super::verify::{Journal, assertions_in};
use super::{CheckName, Expectations, VerifiedAssertion};
use crate::encryption::{Covered, Plaintext, decrypt};
use crate::error::{Error, ErrorKind};
use crate::timestamp::Timestamp;
use crate::xml::ids;

/// Verifies and reads the one assertion of a response. Its signature, if it has one, is within the ciphertext and
/// covers the assertion; that of the response covers the ciphertext, and is verified before anything is decrypted.
pub(super) fn verify<J: Journal>(
    document: &Document<'_>,
    response_signature: Option<Node<'_, '_>>,
    encrypted: Node<'_, '_>,
    expectations: &Expectations,
    now: Timestamp,
    journal: &mut J,
) -> Result<VerifiedAssertion, Error> {
    let covered = match response_signature {
        Some(signature) => {
            verify_signature(CheckName::ResponseSignature, signature, expectations, journal)?;
            Covered::BySignature
        }
        None => Covered::ByNothing,
    };
    let plaintext = decrypt(encrypted, expectations.decryption(), covered);
    note_decryption(&plaintext, journal);
    let plaintext = plaintext?;
    let inner = plaintext.parse();
    let assertion = inner.as_ref().map_err(Clone::clone).and_then(|inner| only_assertion(document, inner));
    journal.step(
        CheckName::DecryptedAssertion,
        "exactly one assertion, with IDs that are nowhere else",
        &assertion,
    );
    let (inner, assertion) = (inner.as_ref().map_err(Clone::clone)?, assertion?);
    let assertion_signature = profile::signature_of(assertion)?;
    let covered =
        check_signed(&[document, inner], [response_signature, assertion_signature], expectations, journal)?;
    if let Some(signature) = assertion_signature {
        verify_signature(CheckName::AssertionSignature, signature, expectations, journal)?;
    }
    // From here on the assertion is what the identity provider signed.
    profile::read(assertion, Evidence { covered, encrypted: true }, expectations, now, journal)
}

/// Notes whether a decryption succeeded, and what it gave.
pub(super) fn note_decryption(plaintext: &Result<Plaintext, Error>, journal: &mut impl Journal) {
    journal.note(
        CheckName::Decryption,
        plaintext.is_ok(),
        || "encrypted with AES-GCM for a key that is configured here".to_owned(),
        || match plaintext {
            Ok(plaintext) => plaintext.algorithm().to_string(),
            Err(error) => error.sentence(),
        },
    );
    if let Ok(plaintext) = plaintext {
        journal.decrypted(plaintext.as_str());
    }
}

fn only_assertion<'a, 'i>(outer: &Document<'_>, inner: &'a Document<'i>) -> Result<Node<'a, 'i>, Error> {
    let assertion = Plaintext::only(inner, "Assertion")?;
    let count = assertions_in(inner);
    if count != 1 {
        return Err(Error::new(ErrorKind::AssertionsSeveral).received(&count.to_string()));
    }
    let taken = ids(outer);
    match ids(inner).into_iter().find(|id| taken.contains(id)) {
        Some(twice) => Err(Error::new(ErrorKind::DuplicateId).received(twice)),
        None => Ok(assertion),
    }
}
