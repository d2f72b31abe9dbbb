//! Reading metadata, which people write and edit: other roles, extensions, comments and the order of elements
//! don't matter.

use roxmltree::{Document, Node};

use super::{Endpoint, MAX_METADATA_BYTES, MetadataExpectations, SingleLogoutService, Validity, period};
use crate::bindings::into_text;
use crate::certificate::Certificate;
use crate::error::{Error, ErrorKind};
use crate::keys::VerifyingKey;
use crate::signature::verify_enveloped;
use crate::vocabulary::{Binding, LogoutBinding, NameIdFormat};
use crate::xml::{DS, MD, SAMLP, Tolerance, attribute, elements, is, parse, required, text, timestamp};

/// A role of one entity in a document.
pub(super) struct Role<'a, 'i> {
    pub(super) entity_id: &'a str,
    pub(super) descriptor: Node<'a, 'i>,
    pub(super) validity: Validity,
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

/// The kinds of roles that are read.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    IdentityProvider,
    ServiceProvider,
}

impl Kind {
    const fn element(self) -> &'static str {
        match self {
            Self::IdentityProvider => "IDPSSODescriptor",
            Self::ServiceProvider => "SPSSODescriptor",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::IdentityProvider => "an identity provider",
            Self::ServiceProvider => "a service provider",
        }
    }
}

/// The entity in a document that has this role, as far as it meets the expectations.
pub(super) fn role<'a, 'i>(
    document: &'a Document<'i>,
    kind: Kind,
    expectations: &MetadataExpectations<'_>,
) -> Result<Role<'a, 'i>, Error> {
    let members = members(document)?;
    let mut found: Vec<Role<'a, 'i>> = Vec::new();
    for entity in &members {
        if let Some(role) = role_of(*entity, kind)? {
            found.push(role);
        }
    }
    let role = choose(found, kind, expectations.entity_id)?;
    if let Some(keys) = expectations.signed_by {
        verify(role.descriptor, keys)?;
    }
    if let (Some(now), Some(end)) = (expectations.now, role.validity.valid_until)
        && now >= end
    {
        let expected = format!("validUntil later than {now}");
        return Err(Error::new(ErrorKind::MetadataExpired).expected(expected).received(&end.to_string()));
    }
    Ok(role)
}

/// The entity IDs of those that have this role, in the order of the document.
pub(super) fn entity_ids(xml: &[u8], kind: Kind) -> Result<Vec<String>, Error> {
    let xml = text_of(xml)?;
    let document = document(&xml)?;
    let mut ids = Vec::new();
    for entity in members(&document)? {
        ids.extend(role_of(entity, kind)?.map(|role| role.entity_id.to_owned()));
    }
    Ok(ids)
}

fn choose<'a, 'i>(
    mut found: Vec<Role<'a, 'i>>,
    kind: Kind,
    wanted: Option<&str>,
) -> Result<Role<'a, 'i>, Error> {
    let listed: Vec<&str> = found.iter().map(|role| role.entity_id).collect();
    let listed = listed.join(", ");
    if let Some(wanted) = wanted {
        found.retain(|role| role.entity_id == wanted);
        let missing = || Error::new(ErrorKind::EntityMissing).expected(wanted).received(&listed);
        return match found.len() {
            0 | 1 => found.pop().ok_or_else(missing),
            _ => Err(Error::new(ErrorKind::Repeated("entityID")).received(wanted)),
        };
    }
    match found.len() {
        0 | 1 => found.pop().ok_or_else(|| ErrorKind::RoleMissing(kind.words()).into()),
        _ => Err(Error::new(ErrorKind::EntitiesSeveral).received(&listed)),
    }
}

fn role_of<'a, 'i>(entity: Node<'a, 'i>, kind: Kind) -> Result<Option<Role<'a, 'i>>, Error> {
    let speaks_saml = |node: &Node<'_, '_>| {
        attribute(*node, "protocolSupportEnumeration")
            .is_some_and(|protocols| protocols.split_ascii_whitespace().any(|protocol| protocol == SAMLP))
    };
    let mut roles = elements(entity).filter(|child| is(*child, MD, kind.element()));
    let Some(descriptor) = roles.find(speaks_saml) else { return Ok(None) };
    let entity_id = required(entity, "entityID")?.trim();
    Ok(Some(Role { entity_id, descriptor, validity: validity(descriptor)? }))
}

/// The entities of a document: one within a signature is not covered by it, and one within an extension is no
/// member of the group.
pub(super) fn members<'a, 'i>(document: &'a Document<'i>) -> Result<Vec<Node<'a, 'i>>, Error> {
    let root = document.root_element();
    if is(root, MD, "EntityDescriptor") {
        return Ok(vec![root]);
    }
    if !is(root, MD, "EntitiesDescriptor") {
        return Err(Error::new(ErrorKind::WrongMessage("metadata document")).received(root.tag_name().name()));
    }
    let mut members = Vec::new();
    let mut groups = vec![root];
    while let Some(group) = groups.pop() {
        members.extend(elements(group).filter(|child| is(*child, MD, "EntityDescriptor")));
        groups.extend(elements(group).filter(|child| is(*child, MD, "EntitiesDescriptor")));
    }
    members.sort_unstable_by_key(|entity| entity.range().start);
    if members.is_empty() { Err(ErrorKind::Missing("EntityDescriptor").into()) } else { Ok(members) }
}

/// How long a role may be used: the shortest of what is said around it.
fn validity(descriptor: Node<'_, '_>) -> Result<Validity, Error> {
    let mut shortest = Validity::default();
    for node in descriptor.ancestors().filter(Node::is_element) {
        let end = timestamp(node, "validUntil")?;
        shortest.valid_until = shortest.valid_until.into_iter().chain(end).min();
        let duration = attribute(node, "cacheDuration")
            .map(|text| {
                let malformed = || Error::new(ErrorKind::Malformed("cacheDuration"));
                period::parse(text)
                    .ok_or_else(|| malformed().expected("a duration such as P1D").received(text))
            })
            .transpose()?;
        shortest.cache_duration = shortest.cache_duration.into_iter().chain(duration).min();
    }
    Ok(shortest)
}

/// The entity of a role, or a group around it, must be signed; if several are, the outermost counts.
fn verify(descriptor: Node<'_, '_>, keys: &[VerifyingKey]) -> Result<(), Error> {
    let around = descriptor.ancestors().skip(1).filter(Node::is_element);
    let signature = around
        .filter_map(|signed| elements(signed).find(|child| is(*child, DS, "Signature")))
        .last()
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

/// The single logout services of a role, with a binding that is spoken here.
pub(super) fn logout_services(role: Node<'_, '_>) -> Result<Vec<SingleLogoutService>, Error> {
    elements(role)
        .filter(|child| is(*child, MD, "SingleLogoutService"))
        .filter_map(|node| Some((LogoutBinding::from_uri(attribute(node, "Binding")?)?, node)))
        .map(|(binding, node)| {
            let response_location = attribute(node, "ResponseLocation").is_some();
            let response_location = response_location.then(|| address(node, "ResponseLocation"));
            Ok(SingleLogoutService {
                binding,
                location: location(node)?,
                response_location: response_location.transpose()?,
            })
        })
        .collect()
}

/// The address of an endpoint.
pub(super) fn location(endpoint: Node<'_, '_>) -> Result<String, Error> {
    address(endpoint, "Location")
}

/// An address. Browsers are sent there, so it is one of the web.
fn address(endpoint: Node<'_, '_>, name: &'static str) -> Result<String, Error> {
    let location = required(endpoint, name)?.trim();
    let of_the_web = ["https://", "http://"]
        .iter()
        .any(|scheme| location.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    if of_the_web {
        Ok(location.to_owned())
    } else {
        Err(Error::new(ErrorKind::Malformed(name)).expected("an address of the web").received(location))
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

/// The algorithms that a role can decrypt, as URIs, each once (Metadata 2.4.1.1).
pub(super) fn encryption_methods(role: Node<'_, '_>) -> Result<Vec<String>, Error> {
    let mut methods: Vec<String> = Vec::new();
    let keys = elements(role).filter(|child| is(*child, MD, "KeyDescriptor"));
    for key in keys.filter(|key| attribute(*key, "use").is_none_or(|said| said == "encryption")) {
        for method in elements(key).filter(|child| is(*child, MD, "EncryptionMethod")) {
            let uri = required(method, "Algorithm")?.trim();
            if !methods.iter().any(|known| known == uri) {
                methods.push(uri.to_owned());
            }
        }
    }
    Ok(methods)
}

/// The kinds of names of a role.
pub(super) fn name_id_formats(role: Node<'_, '_>) -> Result<Vec<NameIdFormat>, Error> {
    elements(role)
        .filter(|child| is(*child, MD, "NameIDFormat"))
        .map(|format| Ok(NameIdFormat::from_uri(text(format, "NameIDFormat")?.trim())))
        .collect()
}
