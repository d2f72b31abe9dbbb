//! Writing XML that is in exclusive canonical form already, so that it can be signed as it stands.

use super::c14n::{escape_attribute, escape_text};
use crate::error::{Error, ErrorKind};

/// Writes elements in canonical form, provided that namespaces are declared where they are first used and
/// attributes are given in order: declarations first, then by name.
pub(crate) struct Writer {
    out: String,
    /// The first element or attribute with a character that XML can't carry.
    wrong: Option<&'static str>,
}

/// An attribute, left out if it is `None`.
pub(crate) type Attribute<'a> = (&'static str, Option<&'a str>);

impl Writer {
    pub(crate) fn new() -> Self {
        Self { out: String::with_capacity(8 * 1024), wrong: None }
    }

    /// The text, if every value could be written.
    pub(crate) fn finish(self) -> Result<String, Error> {
        match self.wrong {
            Some(name) => Err(ErrorKind::CharacterForbidden(name).into()),
            None => Ok(self.out),
        }
    }

    /// How much is written so far, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    /// An element with whatever `content` writes.
    pub(crate) fn element(
        &mut self,
        name: &'static str,
        attributes: &[Attribute<'_>],
        content: impl FnOnce(&mut Self),
    ) {
        self.start(name, attributes);
        content(self);
        self.end(name);
    }

    /// An element with text.
    pub(crate) fn text(&mut self, name: &'static str, attributes: &[Attribute<'_>], text: &str) {
        self.start(name, attributes);
        self.check(name, text);
        escape_text(text, &mut self.out);
        self.end(name);
    }

    /// An element without content.
    pub(crate) fn empty(&mut self, name: &'static str, attributes: &[Attribute<'_>]) {
        self.start(name, attributes);
        self.end(name);
    }

    /// Canonical XML that was written before.
    pub(crate) fn raw(&mut self, canonical: &str) {
        self.out.push_str(canonical);
    }

    fn start(&mut self, name: &'static str, attributes: &[Attribute<'_>]) {
        debug_assert!(
            attributes.is_sorted_by_key(|(name, _)| (!name.starts_with("xmlns"), *name)),
            "the attributes of {name} are not in canonical order"
        );
        self.out.push('<');
        self.out.push_str(name);
        for &(attribute, value) in attributes {
            let Some(value) = value else { continue };
            self.out.push(' ');
            self.out.push_str(attribute);
            self.out.push_str("=\"");
            self.check(attribute, value);
            escape_attribute(value, &mut self.out);
            self.out.push('"');
        }
        self.out.push('>');
    }

    fn end(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// Notes a character that XML 1.0 (2.2) can't carry, in whatever way it is written.
    fn check(&mut self, name: &'static str, value: &str) {
        let control = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
        if value.bytes().any(control) || (!value.is_ascii() && value.contains(['\u{fffe}', '\u{ffff}'])) {
            self.wrong.get_or_insert(name);
        }
    }
}
