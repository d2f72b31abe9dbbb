//! Limits that hold before a parser is let loose on a stranger's bytes, so that no small message can make it
//! work or allocate much. The scan also refuses declarations of namespaces that the parser would take although
//! they are not well-formed.

use crate::error::{Error, ErrorKind};

/// How deep elements may nest.
const MAX_DEPTH: usize = 64;
/// How many nodes a document may have.
pub(super) const MAX_NODES: u32 = 20_000;
/// How many attributes, declarations of namespaces included, an element may have.
const MAX_ATTRIBUTES: usize = 64;
/// How many declarations of namespaces may be in scope.
const MAX_NAMESPACES: usize = 64;

/// Whether comments and processing instructions are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tolerance {
    /// For protocol messages: there is none to be read, and text is never split.
    Strict,
    /// For metadata, which people edit: they are ignored.
    Comments,
}

/// Fails if the text exceeds a limit or has what SAML forbids. It does not tell whether it is well-formed.
pub(super) fn scan(xml: &str, tolerance: Tolerance) -> Result<(), Error> {
    let bytes = xml.as_bytes();
    let mut at = 0;
    let mut open: Vec<usize> = Vec::with_capacity(16);
    let mut elements = 0;
    while let Some(start) = find(bytes, at, b"<") {
        at = match bytes.get(start + 1) {
            Some(b'!') => skip_declaration(bytes, start, tolerance)?,
            Some(b'?') => skip_instruction(bytes, start, tolerance)?,
            Some(b'/') => {
                open.pop();
                find(bytes, start, b">").unwrap_or(bytes.len())
            }
            _ => {
                let tag = Tag::scan(bytes, start + 1)?;
                elements += 1;
                if elements > MAX_NODES {
                    return Err(Error::new(ErrorKind::TooManyNodes).expected(format!("at most {MAX_NODES}")));
                }
                let in_scope = open.last().copied().unwrap_or_default() + tag.namespaces;
                if tag.attributes > MAX_ATTRIBUTES || in_scope > MAX_NAMESPACES {
                    return Err(Error::new(ErrorKind::TooManyAttributes)
                        .expected(format!("at most {MAX_ATTRIBUTES}")));
                }
                if open.len() >= MAX_DEPTH {
                    return Err(
                        Error::new(ErrorKind::TooDeep).expected(format!("at most {MAX_DEPTH} levels"))
                    );
                }
                if !tag.empty {
                    open.push(in_scope);
                }
                tag.end
            }
        };
    }
    Ok(())
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    let rest = bytes.get(from..)?;
    match what {
        [one] => rest.iter().position(|byte| byte == one).map(|at| from + at),
        _ => rest.windows(what.len()).position(|window| window == what).map(|at| from + at),
    }
}

/// `<!…`: CDATA and, where they are let through, comments.
fn skip_declaration(bytes: &[u8], start: usize, tolerance: Tolerance) -> Result<usize, Error> {
    let rest = bytes.get(start..).unwrap_or_default();
    if rest.starts_with(b"<![CDATA[") {
        return Ok(find(bytes, start + 9, b"]]>").unwrap_or(bytes.len()));
    }
    if rest.starts_with(b"<!--") {
        return match tolerance {
            Tolerance::Strict => Err(ErrorKind::CommentForbidden.into()),
            Tolerance::Comments => Ok(find(bytes, start + 4, b"-->").unwrap_or(bytes.len())),
        };
    }
    Err(ErrorKind::DoctypeForbidden.into())
}

/// `<?…`: the XML declaration and, where they are let through, processing instructions.
fn skip_instruction(bytes: &[u8], start: usize, tolerance: Tolerance) -> Result<usize, Error> {
    let rest = bytes.get(start..).unwrap_or_default();
    let declaration =
        start == 0 && rest.starts_with(b"<?xml") && rest.get(5).is_some_and(u8::is_ascii_whitespace);
    if !declaration && tolerance == Tolerance::Strict {
        return Err(ErrorKind::ProcessingInstructionForbidden.into());
    }
    Ok(find(bytes, start + 2, b"?>").unwrap_or(bytes.len()))
}

/// A start tag.
struct Tag {
    attributes: usize,
    namespaces: usize,
    empty: bool,
    end: usize,
}

impl Tag {
    fn scan(bytes: &[u8], name: usize) -> Result<Self, Error> {
        let mut tag = Self { attributes: 0, namespaces: 0, empty: false, end: bytes.len() };
        let mut default_namespaces = 0;
        let mut at = end_of_name(bytes, name);
        loop {
            while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
                at += 1;
            }
            match bytes.get(at) {
                None => return Ok(tag),
                Some(b'>') => {
                    tag.end = at;
                    return Ok(tag);
                }
                Some(b'/') => {
                    tag.empty = true;
                    at += 1;
                    continue;
                }
                Some(_) => {}
            }
            let name = bytes.get(at..end_of_name(bytes, at)).unwrap_or_default();
            let Some(open) = (at..bytes.len()).find(|&at| matches!(bytes.get(at), Some(b'"' | b'\''))) else {
                return Ok(tag);
            };
            let quote = bytes.get(open..=open).unwrap_or_default();
            let Some(close) = find(bytes, open + 1, quote) else { return Ok(tag) };
            tag.attributes += 1;
            tag.empty = false;
            default_namespaces += usize::from(name == b"xmlns");
            tag.namespaces += usize::from(name.starts_with(b"xmlns"));
            let unbound = name.starts_with(b"xmlns:") && close == open + 1;
            if unbound || name.ends_with(b":xmlns") || default_namespaces > 1 {
                return Err(Error::new(ErrorKind::NotWellFormed)
                    .received("a namespace declared twice or to be nothing"));
            }
            at = close + 1;
        }
    }
}

/// Where a name that begins at `at` ends. Always after `at`, so that a scan moves on.
fn end_of_name(bytes: &[u8], at: usize) -> usize {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'=' | b'>' | b'/' | b'"' | b'\'');
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(ends).unwrap_or(rest.len())
}
