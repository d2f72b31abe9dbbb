//! Reading metadata, which people write and edit: other roles, extensions, comments and the order of elements
//! don't matter.

use roxmltree::{Document, Node};

use super::{Endpoint, MAX_METADATA_BYTES};
use crate::bindings::into_text;
use crate::certificate::Certificate;
use crate::error::{Error, ErrorKind};
use crate::keys::VerifyingKey;
use crate::signature::verify_enveloped;
use crate::vocabulary::{Binding, NameIdFormat};
use crate::xml::{DS, MD, SAMLP, Tolerance, attribute, elements, is, parse, required, text};

/// A role of the one entity in a document.
pub(super) struct Role<'a, 'i> {
    pub(super) entity_id: &'a str,
    pub(super) descriptor: Node<'a, 'i>,
}

/// Metadata as text.
pub(super) fn text_of(bytes: &[u8]) -> Result<String, Error> {
    if bytes.len() > MAX_METADATA_BYTES {
        return Err(Error::new(ErrorKind::TooLarge).expected(format!("at most {MAX_METADATA_BYTES} bytes")));
    }
    into_text(bytes.to_vec())
}

/// The document of metadata.
pub(super) fn document(xml: &str) -> Result<Document<'_>, Error> {
    parse(xml.trim(), Tolerance::Comments)
}

/// The role `descriptor` (an element such as `IDPSSODescriptor`) of the entity in a document. `keys` are those of
/// whom the metadata must be signed by, over the entity or the whole document.
pub(super) fn role<'a, 'i>(
    document: &'a Document<'i>,
    descriptor: &str,
    role: &'static str,
    keys: Option<&[VerifyingKey]>,
) -> Result<Role<'a, 'i>, Error> {
    let entity = only_entity(document)?;
    if let Some(keys) = keys {
        verify(document.root_element(), entity, keys)?;
    }
    let speaks_saml = |node: &Node<'_, '_>| {
        attribute(*node, "protocolSupportEnumeration")
            .is_some_and(|protocols| protocols.split_ascii_whitespace().any(|protocol| protocol == SAMLP))
    };
    let found = elements(entity).filter(|child| is(*child, MD, descriptor)).find(speaks_saml);
    Ok(Role {
        entity_id: required(entity, "entityID")?.trim(),
        descriptor: found.ok_or(ErrorKind::RoleMissing(role))?,
    })
}

fn only_entity<'a, 'i>(document: &'a Document<'i>) -> Result<Node<'a, 'i>, Error> {
    let root = document.root_element();
    if is(root, MD, "EntityDescriptor") {
        return Ok(root);
    }
    if !is(root, MD, "EntitiesDescriptor") {
        return Err(Error::new(ErrorKind::WrongMessage("metadata document")).received(root.tag_name().name()));
    }
    // One within a signature is not covered by it, and one within an extension is no member of the group.
    let is_member = |node: &Node<'_, '_>| {
        is(*node, MD, "EntityDescriptor")
            && node.ancestors().skip(1).all(|outer| outer.is_root() || is(outer, MD, "EntitiesDescriptor"))
    };
    let mut entities = root.descendants().filter(is_member);
    match (entities.next(), entities.next()) {
        (Some(entity), None) => Ok(entity),
        (None, _) => Err(ErrorKind::Missing("EntityDescriptor").into()),
        (Some(_), Some(_)) => Err(ErrorKind::EntitiesSeveral.into()),
    }
}

fn verify(root: Node<'_, '_>, entity: Node<'_, '_>, keys: &[VerifyingKey]) -> Result<(), Error> {
    let signature = [root, entity]
        .into_iter()
        .find_map(|signed| elements(signed).find(|child| is(*child, DS, "Signature")))
        .ok_or(ErrorKind::SignatureMissing)?;
    verify_enveloped(signature, keys, false)
}

/// The endpoints of a role, by the name of their elements, with a binding that is spoken here.
pub(super) fn endpoints(role: Node<'_, '_>, name: &'static str) -> Result<Vec<Endpoint>, Error> {
    elements(role)
        .filter(|child| is(*child, MD, name))
        .filter_map(|node| Some((Binding::from_uri(attribute(node, "Binding")?)?, node)))
        .map(|(binding, node)| Ok(Endpoint { binding, location: location(node)? }))
        .collect()
}

/// The address of an endpoint. Browsers are sent there, so it is one of the web.
pub(super) fn location(endpoint: Node<'_, '_>) -> Result<String, Error> {
    let location = required(endpoint, "Location")?.trim();
    let of_the_web = ["https://", "http://"]
        .iter()
        .any(|scheme| location.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    if of_the_web {
        Ok(location.to_owned())
    } else {
        Err(Error::new(ErrorKind::Malformed("Location")).expected("an address of the web").received(location))
    }
}

/// The certificates of a role for a use; those without a use are for all.
pub(super) fn certificates(role: Node<'_, '_>, usage: &str) -> Result<Vec<Certificate>, Error> {
    let texts = elements(role)
        .filter(|child| is(*child, MD, "KeyDescriptor"))
        .filter(|key| attribute(*key, "use").is_none_or(|said| said == usage))
        .flat_map(|key| key.descendants().filter(|node| is(*node, DS, "X509Certificate")));
    let mut found: Vec<Certificate> = Vec::new();
    let mut failed = None;
    for node in texts {
        match text(node, "X509Certificate").and_then(|text| Certificate::parse(text.as_bytes())) {
            Ok(certificate) if found.contains(&certificate) => {}
            Ok(certificate) => found.push(certificate),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    // One that is of no use here does not spoil the others.
    match failed {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(found),
    }
}

/// The kinds of names of a role.
pub(super) fn name_id_formats(role: Node<'_, '_>) -> Result<Vec<NameIdFormat>, Error> {
    elements(role)
        .filter(|child| is(*child, MD, "NameIDFormat"))
        .map(|format| Ok(NameIdFormat::from_uri(text(format, "NameIDFormat")?.trim())))
        .collect()
}
