//! Ways in for the fuzzer, which are there only in its own build (`--cfg fuzzing`): what a stranger can't reach without
//! a key is reached by giving the stranger's content the signature or the encryption that it would need.

use crate::encryption::Encryption;
use crate::error::{Error, ErrorKind};
use crate::signature::Signer;
use crate::xml::{Tolerance, elements, exclusive_c14n, id, parse};

/// The canonical form of a document's root element.
///
/// # Errors
/// If it is not acceptable XML.
pub fn canonical_form(xml: &str) -> Result<String, Error> {
    Ok(exclusive_c14n(parse(xml, Tolerance::Comments)?.root_element(), None, &[]))
}

/// The root element, in canonical form, signed whatever it says; the signature follows its first child.
///
/// # Errors
/// If it is not acceptable XML, or has no ID or no child.
pub fn signed(xml: &str, signer: &Signer) -> Result<String, Error> {
    let canonical = canonical_form(xml)?;
    let document = parse(&canonical, Tolerance::Comments)?;
    let root = document.root_element();
    let first = elements(root).next().ok_or(ErrorKind::Missing("Issuer"))?;
    signer.envelop(&canonical, id(root)?, first.range().end)
}

/// An `EncryptedAssertion` around anything.
///
/// # Errors
/// [`ErrorKind::EncryptionFailed`].
pub fn encrypted_assertion(plaintext: &str, encryption: &Encryption<'_>) -> Result<String, Error> {
    encryption.encrypt_assertion(plaintext)
}
