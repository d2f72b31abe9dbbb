//! Reading elements as their schema has them. Attributes of SAML have no namespace; the tree's own look-up by
//! name would also find those of a foreign one, so it is not used.

use std::borrow::Cow;

use roxmltree::{Node, NodeType};

use crate::error::{Error, ErrorKind};
use crate::timestamp::Timestamp;

/// Whether a node is the element of that name.
pub(crate) fn is(node: Node<'_, '_>, namespace: &str, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name && node.tag_name().namespace() == Some(namespace)
}

/// The child elements.
pub(crate) fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

/// An attribute without a namespace.
pub(crate) fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attributes()
        .find(|attribute| attribute.name() == name && attribute.namespace().is_none())
        .map(|attribute| attribute.value())
}

/// An attribute without a namespace that must be there, and not be empty.
pub(crate) fn required<'a>(node: Node<'a, '_>, name: &'static str) -> Result<&'a str, Error> {
    attribute(node, name).filter(|value| !value.is_empty()).ok_or_else(|| ErrorKind::Missing(name).into())
}

/// The longest ID that is read, in bytes.
const MAX_ID: usize = 256;

/// The ID of a message or an assertion.
pub(crate) fn id<'a>(node: Node<'a, '_>) -> Result<&'a str, Error> {
    let id = required(node, "ID")?;
    if id.len() > MAX_ID || id.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Error::new(ErrorKind::Malformed("ID")).received(id));
    }
    Ok(id)
}

/// A moment in an attribute, if it is there.
pub(crate) fn timestamp(node: Node<'_, '_>, name: &'static str) -> Result<Option<Timestamp>, Error> {
    attribute(node, name)
        .map(|value| {
            Timestamp::parse(value.trim()).ok_or_else(|| {
                Error::new(ErrorKind::Malformed(name))
                    .expected("a time such as 2026-01-31T12:00:00Z")
                    .received(value)
            })
        })
        .transpose()
}

/// A truth value in an attribute; `false` if it is not there.
pub(crate) fn boolean(node: Node<'_, '_>, name: &'static str) -> Result<bool, Error> {
    match attribute(node, name).map(str::trim) {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(other) => Err(Error::new(ErrorKind::Malformed(name)).expected("true or false").received(other)),
    }
}

/// All the text of an element that holds nothing but text.
pub(crate) fn text<'a>(node: Node<'a, '_>, name: &'static str) -> Result<Cow<'a, str>, Error> {
    let mut whole = Cow::Borrowed("");
    for child in node.children() {
        if child.node_type() != NodeType::Text {
            return Err(ErrorKind::Malformed(name).into());
        }
        let piece = child.text().unwrap_or_default();
        if whole.is_empty() {
            whole = Cow::Borrowed(piece);
        } else {
            whole.to_mut().push_str(piece);
        }
    }
    Ok(whole)
}

/// A place in a sequence of child elements.
pub(crate) struct Slot {
    namespace: &'static str,
    names: &'static [&'static str],
    least: usize,
    most: usize,
}

impl Slot {
    /// At most one.
    pub(crate) const fn optional(namespace: &'static str, names: &'static [&'static str]) -> Self {
        Self { namespace, names, least: 0, most: 1 }
    }

    /// Exactly one.
    pub(crate) const fn one(namespace: &'static str, names: &'static [&'static str]) -> Self {
        Self { namespace, names, least: 1, most: 1 }
    }

    /// Any number.
    pub(crate) const fn any(namespace: &'static str, names: &'static [&'static str]) -> Self {
        Self { namespace, names, least: 0, most: usize::MAX }
    }

    fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}

/// The child elements of `parent`, by the slots of its schema, in order. Nothing else may be there, text neither.
pub(crate) fn sequence<'a, 'i, const N: usize>(
    parent: Node<'a, 'i>,
    parent_name: &'static str,
    slots: &'static [Slot; N],
) -> Result<[Vec<Node<'a, 'i>>; N], Error> {
    let mut found = [const { Vec::new() }; N];
    let mut current = 0;
    for child in parent.children() {
        match child.node_type() {
            NodeType::Element => {}
            NodeType::Text if child.text().unwrap_or_default().trim_ascii().is_empty() => continue,
            NodeType::Text => return Err(ErrorKind::Unexpected(parent_name).into()),
            _ => continue,
        }
        let name = child.tag_name();
        let fits =
            |slot: &Slot| name.namespace() == Some(slot.namespace) && slot.names.contains(&name.name());
        let Some(index) = (current..N).find(|&index| slots.get(index).is_some_and(fits)) else {
            return Err(Error::new(ErrorKind::Unexpected(parent_name)).received(name.name()));
        };
        current = index;
        if let (Some(slot), Some(nodes)) = (slots.get(index), found.get_mut(index)) {
            if nodes.len() == slot.most {
                return Err(ErrorKind::Repeated(slot.name()).into());
            }
            nodes.push(child);
        }
    }
    match slots.iter().zip(&found).find(|(slot, nodes)| nodes.len() < slot.least) {
        Some((slot, _)) => Err(ErrorKind::Missing(slot.name()).into()),
        None => Ok(found),
    }
}
