//! The largest and deepest messages, and names beyond ASCII: refused or read within a bounded time.

use std::time::{Duration, Instant};

use saml::{ErrorKind, MAX_MESSAGE_BYTES, SignedParts};

use crate::splicing::{outcome, own};

fn quickly<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    // Unoptimized, beside other tests; what is quadratic takes minutes.
    assert!(start.elapsed() < Duration::from_secs(5), "{what} took {:?}", start.elapsed());
    result
}

/// One message would keep a processor busy for minutes, from anybody: what SignedInfo is canonicalized with is
/// read before its signature is verified, and each prefix listed is looked up at each element.
#[test]
fn a_prefix_list_is_no_hammer() {
    let message = own(SignedParts::Assertion);
    let method = "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\">";
    let declarations: String = (0..50).map(|number| format!(" xmlns:a{number}=\"u\"")).collect();
    let many = format!("{method}{}", "<b/>".repeat(15_000));
    let c14n = "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">";
    for (prefixes, expected) in [
        (60_000, ErrorKind::CanonicalizationRefused),
        (33, ErrorKind::CanonicalizationRefused),
        (32, ErrorKind::SignatureInvalid),
    ] {
        let list = format!(
            "{c14n}<e:InclusiveNamespaces xmlns:e=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{}\"/>",
            "z ".repeat(prefixes)
        );
        let forged = message
            .replace("<ds:SignedInfo>", &format!("<ds:SignedInfo{declarations}>"))
            .replace(method, &many)
            .replace(c14n, &list);
        assert!(forged.len() < MAX_MESSAGE_BYTES);
        let refused = quickly("a long PrefixList", || outcome(&forged, SignedParts::Assertion));
        assert_eq!(refused, Err(expected), "{prefixes}");
    }
}

/// Other shapes of the largest message that could make a parser work out of proportion.
#[test]
fn no_shape_of_a_large_message_takes_long() {
    let message = own(SignedParts::Assertion);
    let room = MAX_MESSAGE_BYTES - message.len() - 100;
    let fill = |unit: &str| unit.repeat(room / unit.len());
    for unit in [
        "<![CDATA[x]]>",
        "&amp;",
        "\r",
        "\r\n",
        "<b/>",
        "<",
        "</",
        "<a b ",
        "<a b='",
        "é",
        "]]",
        "<b xmlns='u'/>",
        "<!-",
    ] {
        let refused =
            quickly(unit, || outcome(&message.replace("mallory@", &fill(unit)), SignedParts::Assertion));
        assert!(refused.is_err(), "{unit}");
        let refused = quickly(unit, || {
            outcome(&format!("<?xml version=\"1.0\"{}", fill(unit)), SignedParts::Assertion)
        });
        assert!(refused.is_err(), "{unit}");
    }
    let distinct: String = (0..9000).map(|number| format!("<b xmlns:n{number}='u{number}'/>")).collect();
    let refused =
        quickly("namespaces", || outcome(&message.replace("mallory@", &distinct), SignedParts::Assertion));
    assert!(refused.is_err());
}

/// Depth is counted before parsing. Would overflow the stack wherever the counting can be led past what is parsed.
#[test]
fn depth_cannot_hide_behind_a_declaration() {
    let deep = format!("{}{}", "<a>".repeat(20_000), "</a>".repeat(20_000));
    for hiding in [
        "<?xml version=\"1.0\" encoding=\"?><![CDATA[\"?>",
        "<?xml version='1.0' encoding='?>&lt;![CDATA['?>",
        "<?xml version='?>'?>",
        "\u{feff}\u{feff}<?xml version='1.0'?>",
        "\u{feff}\u{feff}",
        "<r a='<![CDATA['>",
        "<r a=\"'\" b='\"<![CDATA['>",
        "<r><![CDATA[]]>]]>",
        "<r/ a='",
        "<r a'<![CDATA['>",
    ] {
        let refused = outcome(&format!("{hiding}{deep}"), SignedParts::Assertion);
        assert!(
            matches!(
                refused,
                Err(ErrorKind::TooDeep
                    | ErrorKind::TooManyNodes
                    | ErrorKind::NotWellFormed
                    | ErrorKind::ProcessingInstructionForbidden)
            ),
            "{hiding}: {refused:?}"
        );
    }
}

/// Offsets into the text are bytes: names beyond ASCII, and a second byte-order mark, must not be cut in two.
#[test]
fn names_beyond_ascii_are_not_cut() {
    let message = own(SignedParts::Response);
    let original = outcome(&message, SignedParts::Response).unwrap();
    assert_eq!(outcome(&format!("\u{feff}{message}"), SignedParts::Response), Ok(original));
    let twice = outcome(&format!("\u{feff}\u{feff}{message}"), SignedParts::Response);
    assert!(twice.is_err() || twice == outcome(&message, SignedParts::Response));
    let renamed = message.replace("samlp:", "ré€😀:").replace(":samlp", ":ré€😀");
    assert_eq!(outcome(&renamed, SignedParts::Response), Err(ErrorKind::DigestMismatch));
}
