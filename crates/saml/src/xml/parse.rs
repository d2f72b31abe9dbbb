//! The one parser of everything that comes from elsewhere.

use roxmltree::{Document, NodeType, ParsingOptions};

use super::XML;
pub(crate) use super::limits::Tolerance;
use super::limits::{MAX_NODES, scan};
use crate::error::{Error, ErrorKind};

/// Parses a document: no DTD, bounded depth, nodes and attributes, every ID once.
pub(crate) fn parse(xml: &str, tolerance: Tolerance) -> Result<Document<'_>, Error> {
    let xml = xml.strip_prefix('\u{feff}').unwrap_or(xml);
    scan(xml, tolerance)?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, entity_resolver: None };
    let document = Document::parse_with_options(xml, options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => ErrorKind::DoctypeForbidden.into(),
        roxmltree::Error::NodesLimitReached => ErrorKind::TooManyNodes.into(),
        other => Error::new(ErrorKind::NotWellFormed).received(&other.to_string()),
    })?;
    let mut ids = Vec::new();
    for node in document.descendants() {
        match node.node_type() {
            NodeType::Comment if tolerance == Tolerance::Strict => {
                return Err(ErrorKind::CommentForbidden.into());
            }
            NodeType::PI if tolerance == Tolerance::Strict => {
                return Err(ErrorKind::ProcessingInstructionForbidden.into());
            }
            NodeType::Element => {
                ids.extend(node.attributes().filter(is_id).map(|attribute| attribute.value()));
            }
            _ => {}
        }
    }
    // All that anybody's signature library may take for an ID counts, so that no two can differ about whose it is.
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair.first() == pair.last()).and_then(<[&str]>::first) {
        Some(twice) => Err(Error::new(ErrorKind::DuplicateId).received(twice)),
        None => Ok(document),
    }
}

/// All that anybody's signature library may take for an ID in a document.
pub(crate) fn ids<'a>(document: &'a Document<'_>) -> Vec<&'a str> {
    let elements = document.descendants().filter(|node| node.is_element());
    elements.flat_map(|node| node.attributes().filter(is_id)).map(|attribute| attribute.value()).collect()
}

fn is_id(attribute: &roxmltree::Attribute<'_, '_>) -> bool {
    match attribute.namespace() {
        None => matches!(attribute.name(), "ID" | "Id" | "id"),
        Some(namespace) => namespace == XML && attribute.name() == "id",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind(xml: &str) -> ErrorKind {
        parse(xml, Tolerance::Strict).err().unwrap().kind()
    }

    #[test]
    fn refuses_what_saml_forbids() {
        assert_eq!(kind("<!DOCTYPE a><a/>"), ErrorKind::DoctypeForbidden);
        assert_eq!(
            kind("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"),
            ErrorKind::DoctypeForbidden
        );
        assert_eq!(kind("<a><!-- --></a>"), ErrorKind::CommentForbidden);
        assert_eq!(kind("<a/><!-- -->"), ErrorKind::CommentForbidden);
        assert_eq!(kind("<a><?x?></a>"), ErrorKind::ProcessingInstructionForbidden);
        assert_eq!(kind("<?xml-stylesheet href='x'?><a/>"), ErrorKind::ProcessingInstructionForbidden);
        assert!(parse("<?xml version='1.0' encoding='UTF-8'?><a/>", Tolerance::Strict).is_ok());
        assert!(parse("\u{feff}<a/>", Tolerance::Strict).is_ok());
        assert!(parse("<!-- --><?x?><a><!-- --></a>", Tolerance::Comments).is_ok());
        assert!(parse("<a><![CDATA[<!-- <!DOCTYPE ]]></a>", Tolerance::Strict).is_ok());
        assert!(parse("<a b='<'/>", Tolerance::Strict).is_err());
        assert!(parse("<a b='> <!-- &lt;/a>'>></a>", Tolerance::Strict).is_err());
        assert!(parse("<a b='> /' c=\"'\"/>", Tolerance::Strict).is_ok());
    }

    #[test]
    fn refuses_what_is_not_well_formed() {
        for xml in [
            "",
            " ",
            "a",
            "<a>",
            "<a/><b/>",
            "<a></b>",
            "<a b='1' b='2'/>",
            "<a>&x;</a>",
            "<x:a/>",
            "<a>\0</a>",
            "<a b=c/>",
            "<a",
            "<a b",
            "<a b='",
            "</a>",
            "<a xmlns='u' xmlns='v'/>",
            "<a xmlns:b=''/>",
            "<a xmlns:b='u' b:xmlns='v'/>",
            "<a xmlns:b='u' xmlns:c='u' b:d='' c:d=''/>",
        ] {
            assert_eq!(kind(xml), ErrorKind::NotWellFormed, "{xml}");
        }
    }

    #[test]
    fn refuses_too_much_before_parsing() {
        let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(parse(&nested(64), Tolerance::Strict).is_ok());
        assert_eq!(kind(&nested(65)), ErrorKind::TooDeep);
        assert_eq!(kind(&nested(50_000)), ErrorKind::TooDeep);
        assert_eq!(kind(&"<a>".repeat(80_000)), ErrorKind::TooDeep);
        let attributes =
            |count: usize| format!("<a{}/>", (0..count).map(|i| format!(" a{i}=''")).collect::<String>());
        assert!(parse(&attributes(64), Tolerance::Strict).is_ok());
        assert_eq!(kind(&attributes(65)), ErrorKind::TooManyAttributes);
        assert_eq!(kind(&attributes(20_000)), ErrorKind::TooManyAttributes);
        let scopes: String = (0..63).map(|i| format!("<a xmlns:a{i}='u' xmlns:b{i}='u'>")).collect();
        assert_eq!(kind(&scopes), ErrorKind::TooManyAttributes);
        assert_eq!(kind(&format!("<a>{}</a>", "<b/>".repeat(20_000))), ErrorKind::TooManyNodes);
        assert_eq!(kind(&format!("<a>{}</a>", "x<b/>".repeat(10_000))), ErrorKind::TooManyNodes);
    }

    #[test]
    fn every_id_is_there_once_however_it_is_spelled() {
        for xml in [
            "<a ID='x'><b ID='x'/></a>",
            "<a ID='x'><b Id='x'/></a>",
            "<a id='x'><b xml:id='x'/></a>",
            "<a ID='x' id='x'/>",
        ] {
            assert_eq!(kind(xml), ErrorKind::DuplicateId, "{xml}");
        }
        assert!(parse("<a ID='x' xmlns:e='u' e:ID='x'><b ID='y'/></a>", Tolerance::Strict).is_ok());
        assert_eq!(
            parse("<a ID='x'><b ID='x'/></a>", Tolerance::Strict).err().unwrap().received_value(),
            "x"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(<|>|/|!|\\?|'|\"|=| |a|xmlns|:|-|\\[CDATA\\[|\\]\\]>|&|é){0,40}") {
            let _ = parse(&text, Tolerance::Strict);
            let _ = parse(&text, Tolerance::Comments);
        }
    }
}
