//! A message as people read it: an element a line, indented, with what could be played back masked.
//!
//! What strangers send need not be XML at all, so this is no parser: it walks over tags and text and gives
//! what it can't make out as it stands.

use std::fmt::Write as _;

/// In place of what is masked.
const MASK: &str = "[masked]";
/// Deeper elements are indented no further.
const DEEPEST: usize = 24;
/// Elements whose text lets a message be played back or read.
const MASKED_ELEMENTS: &[&str] = &["SignatureValue", "CipherValue", "RelayState"];
/// Parts of names, in lower case, under which secrets travel.
const SECRET_NAMES: &[&str] =
    &["token", "secret", "passw", "pwd", "jwt", "apikey", "api_key", "api-key", "private"];
/// The same for parameters of addresses.
const SECRET_PARAMETERS: &[&str] = &["saml", "relaystate", "signature", "session", "code", "auth", "key"];

/// The message, at most about `most` bytes of it.
pub(in crate::sso::saml) fn readable(xml: &str, most: usize) -> String {
    let pieces = pieces(xml);
    let mut page = Page { text: String::with_capacity(xml.len() + xml.len() / 2), depth: 0 };
    let mut masking = Masking::default();
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        if page.text.len() > most {
            page.text.push_str("…\n");
            break;
        }
        at += 1;
        match *piece {
            Piece::Open(tag) => {
                masking.enter(tag);
                let mut line = masked_tag(tag);
                match (pieces.get(at), pieces.get(at + 1)) {
                    (Some(Piece::Text(text)), Some(Piece::Close(close))) => {
                        line.push_str(&masking.text(text));
                        line.push_str(close);
                        masking.leave();
                        page.line(&line);
                        at += 2;
                    }
                    (Some(Piece::Close(close)), _) => {
                        line.push_str(close);
                        masking.leave();
                        page.line(&line);
                        at += 1;
                    }
                    _ => {
                        page.line(&line);
                        page.depth += 1;
                    }
                }
            }
            // Text can also come as `<![CDATA[…]]>`.
            Piece::Empty(_) if masking.inside > 0 => page.line(MASK),
            Piece::Empty(tag) => page.line(&masked_tag(tag)),
            Piece::Close(close) => {
                page.depth = page.depth.saturating_sub(1);
                masking.leave();
                page.line(close);
            }
            Piece::Text(text) => {
                if !text.trim().is_empty() {
                    page.line(masking.text(text).trim());
                }
            }
        }
    }
    page.text
}

struct Page {
    text: String,
    depth: usize,
}

impl Page {
    fn line(&mut self, line: &str) {
        let indent = 2 * self.depth.min(DEEPEST);
        // Writing to a String does not fail. No database takes a NUL character in a text.
        let _ = writeln!(self.text, "{:indent$}{}", "", line.replace('\0', "␀"));
    }
}

enum Piece<'x> {
    /// `<name …>`
    Open(&'x str),
    /// `<name …/>`, and what is no element: `<!…>`, `<?…?>`
    Empty(&'x str),
    /// `</name>`
    Close(&'x str),
    Text(&'x str),
}

fn pieces(xml: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = xml;
    while !rest.is_empty() {
        let Some(start) = rest.find('<') else {
            pieces.push(Piece::Text(rest));
            break;
        };
        if start > 0 {
            pieces.push(Piece::Text(&rest[..start]));
        }
        let from = &rest[start..];
        let Some(end) = end_of_tag(from) else {
            pieces.push(Piece::Text(from));
            break;
        };
        let tag = &from[..end];
        pieces.push(match tag.as_bytes() {
            [b'<', b'/', ..] => Piece::Close(tag),
            [b'<', b'!' | b'?', ..] | [.., b'/', b'>'] => Piece::Empty(tag),
            _ => Piece::Open(tag),
        });
        rest = &from[end..];
    }
    pieces
}

/// Where the tag ends that a text begins with: past its `>`, of which those in quotes don't count.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// The name of the element without its prefix.
fn local_name(tag: &str) -> &str {
    let inner = tag.trim_start_matches(['<', '/']);
    let name = inner.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next().unwrap_or_default();
    name.rsplit(':').next().unwrap_or_default()
}

/// Which text is masked, by the elements that it stands in.
#[derive(Default)]
struct Masking {
    /// Elements that are open inside of a masked one, itself included.
    inside: usize,
}

impl Masking {
    fn enter(&mut self, tag: &str) {
        if self.inside > 0 || MASKED_ELEMENTS.contains(&local_name(tag)) || is_secret_attribute(tag) {
            self.inside += 1;
        }
    }

    fn leave(&mut self) {
        self.inside = self.inside.saturating_sub(1);
    }

    fn text(&self, text: &str) -> String {
        if self.inside > 0 { MASK.to_owned() } else { masked_addresses(text) }
    }
}

/// Whether this is a SAML attribute by whose name a secret travels.
fn is_secret_attribute(tag: &str) -> bool {
    local_name(tag) == "Attribute"
        && values(tag).any(|(name, value)| {
            let name = name.rsplit(':').next().unwrap_or_default();
            matches!(name, "Name" | "FriendlyName") && holds_one_of(value, SECRET_NAMES)
        })
}

/// Whether a name of a SAML attribute is one by which secrets travel.
pub(super) fn is_secret_name(name: &str) -> bool {
    holds_one_of(name, SECRET_NAMES)
}

fn holds_one_of(text: &str, words: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    words.iter().any(|word| text.contains(word))
}

/// The XML attributes of a tag with their values.
fn values(tag: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = tag;
    std::iter::from_fn(move || {
        let (before, after) = rest.split_once('=')?;
        let name = before.rsplit(char::is_whitespace).find(|word| !word.is_empty()).unwrap_or_default();
        let quoted = after.trim_start();
        let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = quoted[1..].split_once(quote)?;
        rest = after;
        Some((name, value))
    })
}

fn masked_tag(tag: &str) -> String {
    values(tag).fold(tag.to_owned(), |tag, (_, value)| match masked_addresses(value) {
        masked if masked != value => tag.replace(value, &masked),
        _ => tag,
    })
}

/// The text with the secret parameters of addresses in it masked.
pub(super) fn masked_addresses(text: &str) -> String {
    let Some((before, query)) = text.split_once('?') else { return text.to_owned() };
    let ends = |c: char| c.is_whitespace() || matches!(c, '&' | '#' | '?' | ';');
    let mut masked = format!("{before}?");
    for part in query.split_inclusive(ends) {
        let end = part.chars().next_back().filter(|c| ends(*c));
        let bare = end.map_or(part, |end| &part[..part.len() - end.len_utf8()]);
        match bare.split_once('=') {
            Some((name, value))
                if !value.is_empty()
                    && (holds_one_of(name, SECRET_NAMES) || holds_one_of(name, SECRET_PARAMETERS)) =>
            {
                masked.push_str(name);
                masked.push('=');
                masked.push_str(MASK);
            }
            _ => masked.push_str(bare),
        }
        masked.extend(end);
    }
    masked
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_is_indented_and_its_texts_stay_as_they_are() {
        let xml = "<a:R ID='x'><a:I> i </a:I>\n <a:S a=\">\"><b/><c></c></a:S></a:R>";
        let read =
            "<a:R ID='x'>\n  <a:I> i </a:I>\n  <a:S a=\">\">\n    <b/>\n    <c></c>\n  </a:S>\n</a:R>\n";
        assert_eq!(readable(xml, 1000), read);
    }

    #[test]
    fn what_could_be_played_back_is_masked() {
        let xml = "<r Destination=\"https://a/acs?id=1&amp;token=t0psecret&amp;x=2\"><ds:SignatureValue>\nAb+/=\n</ds:SignatureValue>\
                   <xenc:CipherValue>AAAA</xenc:CipherValue><saml:Attribute Name=\"api_token\"><saml:AttributeValue>t0psecret\
                   </saml:AttributeValue></saml:Attribute><saml:Attribute Name=\"mail\"><saml:AttributeValue>ada@example.com\
                   </saml:AttributeValue></saml:Attribute><t>see https://b/?RelayState=t0psecret#f</t></r>";
        let read = readable(xml, 10_000);
        for secret in ["t0psecret", "Ab+/", "AAAA"] {
            assert!(!read.contains(secret), "{secret}: {read}");
        }
        for kept in [
            "ada@example.com",
            "id=1&amp;token=[masked]&amp;x=2",
            "RelayState=[masked]#f",
            "Name=\"api_token\"",
        ] {
            assert!(read.contains(kept), "{kept}: {read}");
        }
    }

    #[test]
    fn a_cut_signature_is_masked_too() {
        let read = readable("<r><ds:SignatureValue>AAAA", 1000);
        assert_eq!(read, "<r>\n  <ds:SignatureValue>\n    [masked]\n");
    }

    #[test]
    fn a_signature_in_another_spelling_is_masked_too() {
        let read = readable("<ds:SignatureValue><![CDATA[AAAA]]><b x='AAAA'/>AAAA</ds:SignatureValue>", 1000);
        assert!(!read.contains("AAAA"), "{read}");
    }

    #[test]
    fn what_is_no_xml_is_given_as_it_stands_and_size_is_bounded() {
        assert_eq!(readable("hello <b", 100), "hello\n<b\n");
        assert_eq!(readable("a\0b", 100), "a␀b\n");
        let deep = "<a>".repeat(20_000);
        assert!(readable(&deep, 10_000).len() < 10_200);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "([<>/a:='\"?&;# \0é]|Attribute|Name=|SignatureValue){0,60}") {
            let _ = readable(&text, 500);
        }
    }
}
