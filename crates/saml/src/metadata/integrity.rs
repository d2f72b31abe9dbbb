//! Whether metadata is still what somebody signed.

use roxmltree::Node;

use super::{IdpMetadata, SpMetadata, read};
use crate::certificate::Certificate;
use crate::error::{Error, ErrorKind};
use crate::keys::VerifyingKey;
use crate::signature::verify_enveloped;
use crate::xml::{DS, attribute, elements, is, text};

impl IdpMetadata {
    /// Looks at the signatures of the document that this was read from, over the entity or a group around it,
    /// with the key that came along. This tells that a document was damaged or edited, never who wrote it: who
    /// edits on purpose leaves the signature out. What can't be checked, or is not signed, passes.
    ///
    /// # Errors
    /// [`ErrorKind::SignatureInvalid`] or [`ErrorKind::DigestMismatch`].
    pub fn check_integrity(&self, xml: &[u8]) -> Result<(), Error> {
        check(xml, &self.entity_id, &self.signing_certificates)
    }
}

impl SpMetadata {
    /// As [`IdpMetadata::check_integrity`].
    ///
    /// # Errors
    /// [`ErrorKind::SignatureInvalid`] or [`ErrorKind::DigestMismatch`].
    pub fn check_integrity(&self, xml: &[u8]) -> Result<(), Error> {
        check(xml, &self.entity_id, &self.signing_certificates)
    }
}

fn check(xml: &[u8], entity_id: &str, own: &[Certificate]) -> Result<(), Error> {
    let xml = read::text_of(xml)?;
    let document = read::document(&xml)?;
    for entity in read::members(&document)? {
        if attribute(entity, "entityID").is_none_or(|id| id.trim() != entity_id) {
            continue;
        }
        for signed in entity.ancestors().filter(Node::is_element) {
            for signature in elements(signed).filter(|child| is(*child, DS, "Signature")) {
                check_one(signature, own)?;
            }
        }
    }
    Ok(())
}

fn check_one(signature: Node<'_, '_>, own: &[Certificate]) -> Result<(), Error> {
    let mut keys = presented(signature);
    if keys.is_empty() {
        keys = own.iter().map(|certificate| certificate.verifying_key().clone()).collect();
    }
    // Nothing rests on this signature, so a weak digest is as good as any.
    match verify_enveloped(signature, &keys, true) {
        Err(error) if matches!(error.kind(), ErrorKind::SignatureInvalid | ErrorKind::DigestMismatch) => {
            Err(error)
        }
        _ => Ok(()),
    }
}

fn presented(signature: Node<'_, '_>) -> Vec<VerifyingKey> {
    let certificates = signature.descendants().filter(|node| is(*node, DS, "X509Certificate"));
    let read = certificates
        .filter_map(|node| Certificate::parse(text(node, "X509Certificate").ok()?.as_bytes()).ok());
    read.map(|certificate| certificate.verifying_key().clone()).collect()
}
