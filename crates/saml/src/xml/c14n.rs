//! Exclusive XML Canonicalization 1.0 without comments. Used only to verify what others signed: what we sign is
//! written in this form to begin with.

use roxmltree::{Node, NodeId, NodeType};

/// The canonical form of an element, as if it were a document of its own, without the element `omit` (the
/// signature in an enveloped signature). `inclusive_prefixes` is the PrefixList; `#default` in it stands for the
/// default namespace.
pub(crate) fn exclusive_c14n(
    element: Node<'_, '_>,
    omit: Option<NodeId>,
    inclusive_prefixes: &[&str],
) -> String {
    let capacity = element.range().len() + 256;
    let mut canonical = Canonical {
        source: element.document().input_text(),
        omit,
        inclusive_prefixes,
        rendered: Vec::with_capacity(8),
        out: String::with_capacity(capacity),
    };
    canonical.element(element);
    canonical.out
}

struct Canonical<'a, 'p> {
    source: &'a str,
    omit: Option<NodeId>,
    inclusive_prefixes: &'p [&'p str],
    /// The declarations of namespaces that are in effect in the output: prefix and URI, innermost last.
    rendered: Vec<(&'a str, &'a str)>,
    out: String,
}

impl<'a> Canonical<'a, '_> {
    fn element<'i: 'a>(&mut self, node: Node<'a, 'i>) {
        let outer = self.rendered.len();
        let prefix = prefix_at(self.source, node.range().start + 1);
        let name = node.tag_name();
        self.open_tag(prefix, name.name());
        self.declare(prefix, name.namespace().unwrap_or_default());
        for attribute in node.attributes() {
            if let Some(namespace) = attribute.namespace() {
                self.declare(prefix_at(self.source, attribute.range().start), namespace);
            }
        }
        self.declare_inclusive(node);
        self.write_declarations(outer);
        self.write_attributes(node);
        self.out.push('>');
        for child in node.children() {
            match child.node_type() {
                NodeType::Element if Some(child.id()) == self.omit => {}
                NodeType::Element => self.element(child),
                NodeType::Text => escape_text(child.text().unwrap_or_default(), &mut self.out),
                NodeType::PI => self.instruction(child),
                NodeType::Comment | NodeType::Root => {}
            }
        }
        self.out.push_str("</");
        self.qualified(prefix, name.name());
        self.out.push('>');
        self.rendered.truncate(outer);
    }

    fn open_tag(&mut self, prefix: &str, name: &str) {
        self.out.push('<');
        self.qualified(prefix, name);
    }

    fn qualified(&mut self, prefix: &str, name: &str) {
        if !prefix.is_empty() {
            self.out.push_str(prefix);
            self.out.push(':');
        }
        self.out.push_str(name);
    }

    /// Notes that the output needs this binding here, unless it is in effect already.
    fn declare(&mut self, prefix: &'a str, uri: &'a str) {
        if prefix == "xml" {
            return;
        }
        match self.rendered.iter().rev().find(|(rendered, _)| *rendered == prefix) {
            Some((_, rendered)) if *rendered == uri => {}
            None if uri.is_empty() => {}
            _ => self.rendered.push((prefix, uri)),
        }
    }

    fn declare_inclusive<'i: 'a>(&mut self, node: Node<'a, 'i>) {
        for prefix in self.inclusive_prefixes {
            let wanted = if *prefix == "#default" { None } else { Some(*prefix) };
            let in_scope = node.namespaces().find(|namespace| namespace.name() == wanted);
            match (in_scope, wanted) {
                (Some(namespace), _) => self.declare(namespace.name().unwrap_or_default(), namespace.uri()),
                (None, None) => self.declare("", ""),
                (None, Some(_)) => {}
            }
        }
    }

    fn write_declarations(&mut self, outer: usize) {
        let declarations = self.rendered.get_mut(outer..).unwrap_or_default();
        declarations.sort_unstable();
        for (prefix, uri) in declarations {
            self.out.push_str(" xmlns");
            if !prefix.is_empty() {
                self.out.push(':');
                self.out.push_str(prefix);
            }
            self.out.push_str("=\"");
            escape_attribute(uri, &mut self.out);
            self.out.push('"');
        }
    }

    fn write_attributes<'i: 'a>(&mut self, node: Node<'a, 'i>) {
        let key = |attribute: &roxmltree::Attribute<'a, 'i>| (attribute.namespace(), attribute.name());
        if node.attributes().is_sorted_by_key(|attribute| key(&attribute)) {
            node.attributes().for_each(|attribute| self.attribute(&attribute));
        } else {
            let mut attributes: Vec<_> = node.attributes().collect();
            attributes.sort_unstable_by_key(key);
            attributes.iter().for_each(|attribute| self.attribute(attribute));
        }
    }

    fn attribute(&mut self, attribute: &roxmltree::Attribute<'_, '_>) {
        self.out.push(' ');
        if attribute.namespace().is_some() {
            self.out.push_str(prefix_at(self.source, attribute.range().start));
            self.out.push(':');
        }
        self.out.push_str(attribute.name());
        self.out.push_str("=\"");
        escape_attribute(attribute.value(), &mut self.out);
        self.out.push('"');
    }

    fn instruction(&mut self, node: Node<'_, '_>) {
        if let Some(instruction) = node.pi() {
            self.out.push_str("<?");
            self.out.push_str(instruction.target);
            if let Some(value) = instruction.value {
                self.out.push(' ');
                self.out.push_str(value);
            }
            self.out.push_str("?>");
        }
    }
}

/// The prefix of the qualified name that begins at `at`; the tree keeps only what it stands for.
fn prefix_at(source: &str, at: usize) -> &str {
    let rest = source.get(at..).unwrap_or_default();
    let end =
        rest.bytes().position(|byte| matches!(byte, b':' | b'=' | b'>' | b'/') || byte.is_ascii_whitespace());
    match end {
        Some(end) if rest.as_bytes().get(end) == Some(&b':') => rest.get(..end).unwrap_or_default(),
        _ => "",
    }
}

/// Text, as canonical XML has it.
pub(super) fn escape_text(text: &str, out: &mut String) {
    escape(text, out, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'\r' => Some("&#xD;"),
        _ => None,
    });
}

/// The value of an attribute, as canonical XML has it.
pub(crate) fn escape_attribute(text: &str, out: &mut String) {
    escape(text, out, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'"' => Some("&quot;"),
        b'\t' => Some("&#x9;"),
        b'\n' => Some("&#xA;"),
        b'\r' => Some("&#xD;"),
        _ => None,
    });
}

fn escape(text: &str, out: &mut String, entity: impl Fn(u8) -> Option<&'static str>) {
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        if let Some(entity) = entity(byte) {
            // What is replaced is ASCII, so both ends are boundaries of characters.
            out.push_str(text.get(written..at).unwrap_or_default());
            out.push_str(entity);
            written = at + 1;
        }
    }
    out.push_str(text.get(written..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{Tolerance, elements, parse};

    fn canonical(xml: &str, prefixes: &[&str]) -> String {
        exclusive_c14n(parse(xml, Tolerance::Comments).unwrap().root_element(), None, prefixes)
    }

    #[test]
    fn declares_namespaces_where_they_are_first_used() {
        assert_eq!(
            canonical("<a xmlns='u' xmlns:b='v' xmlns:c='w'><b:d c:e='' f=''/><g xmlns=''/></a>", &[]),
            "<a xmlns=\"u\"><b:d xmlns:b=\"v\" xmlns:c=\"w\" f=\"\" c:e=\"\"></b:d><g xmlns=\"\"></g></a>"
        );
        assert_eq!(
            canonical("<b:a xmlns:b='v' xmlns:c='w' xmlns='u'><b:d/></b:a>", &["c", "#default", "none"]),
            "<b:a xmlns=\"u\" xmlns:b=\"v\" xmlns:c=\"w\"><b:d></b:d></b:a>"
        );
    }

    #[test]
    fn escapes_sorts_and_drops_comments() {
        assert_eq!(
            canonical(
                "<a z='&quot;&#10;&#9;&#13;&lt;&gt;&amp;' b='1'>&gt;&#13;<![CDATA[<&]]><!-- x --><?p  q ?></a>",
                &[]
            ),
            "<a b=\"1\" z=\"&quot;&#xA;&#x9;&#xD;&lt;>&amp;\">&gt;&#xD;&lt;&amp;<?p q ?></a>"
        );
    }

    #[test]
    fn an_inner_element_stands_by_itself() {
        let document =
            parse("<a xmlns='u' xmlns:b='v'><b:c><b:sig/><d/></b:c></a>", Tolerance::Strict).unwrap();
        let inner = elements(document.root_element()).next().unwrap();
        let signature = elements(inner).next().unwrap();
        assert_eq!(
            exclusive_c14n(inner, Some(signature.id()), &[]),
            "<b:c xmlns:b=\"v\"><d xmlns=\"u\"></d></b:c>"
        );
    }
}
