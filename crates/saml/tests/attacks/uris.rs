//! Addresses and names that are nearly the right ones. All are compared character by character: what is the same to
//! one reader is another site to another.

use saml::{ErrorKind, SignedParts};

use crate::attack::{AsSigned, Attack, Refused};
use crate::fixtures::*;

pub(crate) fn attacks() -> Vec<Attack> {
    let gain = "Uses an assertion that was made for another site here, wherever addresses that look alike count as one.";
    let original = signed(SignedParts::Assertion);
    let near = |uri: &str| {
        let host = uri.split('/').nth(2).unwrap().to_owned();
        vec![
            ("upper case scheme", uri.replacen("https:", "HTTPS:", 1)),
            ("upper case host", uri.replacen(&host, &host.to_uppercase(), 1)),
            ("upper case path", uri.replace("api", "API").replace("metadata", "Metadata")),
            ("port", uri.replacen(&host, &format!("{host}:443"), 1)),
            ("http", uri.replacen("https:", "http:", 1)),
            ("trailing slash", format!("{uri}/")),
            ("trailing dot of the host", uri.replacen(&host, &format!("{host}."), 1)),
            ("fragment", format!("{uri}#")),
            ("percent encoding", uri.replacen("example", "%65xample", 1)),
            ("dot segment", uri.replacen(&host, &format!("{host}/."), 1)),
            ("user info", uri.replacen(&host, &format!("x@{host}"), 1)),
            ("prefix", format!("x{uri}")),
            ("suffix", format!("{uri}0")),
            ("shorter", uri[..uri.len() - 1].to_owned()),
            ("homograph", uri.replacen('e', "е", 1)),
            ("NUL", format!("{uri}\u{fffd}")),
            ("empty", String::new()),
        ]
    };
    let mut attacks = Vec::new();
    let mut push = |name: String, original: &str, message: String, kind| {
        attacks.push(Attack::new(name, gain, original, message, Refused(kind)));
    };
    let with_space = |uri: &str| {
        vec![
            ("space before", format!(" {uri}")),
            ("space after", format!("{uri} ")),
            ("line break after", format!("{uri}&#10;")),
            ("no-break space after", format!("{uri}\u{a0}")),
        ]
    };
    for (how, uri) in near(ACS).into_iter().chain(with_space(ACS)) {
        let message = edit(&original, &format!("Destination=\"{ACS}\""), &format!("Destination=\"{uri}\""));
        push(format!("Destination: {how}"), &original, message, ErrorKind::DestinationMismatch);
        let message = saying(
            &format!("Recipient=\"{ACS}\""),
            &format!("Recipient=\"{}\"", uri.replace("&#10;", "&#xA;")),
        );
        push(format!("Recipient: {how}"), &original, message, ErrorKind::RecipientMismatch);
    }
    for (how, uri) in near(AUDIENCE) {
        push(
            format!("Audience: {how}"),
            &original,
            saying(&format!("<saml:Audience>{AUDIENCE}"), &format!("<saml:Audience>{uri}")),
            ErrorKind::AudienceMismatch,
        );
    }
    for (how, uri) in near(ISSUER) {
        push(
            format!("Issuer of the assertion: {how}"),
            &original,
            saying(&format!("<saml:Issuer>{ISSUER}"), &format!("<saml:Issuer>{uri}")),
            ErrorKind::AssertionIssuerMismatch,
        );
        let message = original.replacen(&format!(">{ISSUER}<"), &format!(">{uri}<"), 1);
        push(format!("Issuer of the response: {how}"), &original, message, ErrorKind::ResponseIssuerMismatch);
    }
    for (how, method) in [
        ("upper case", "urn:oasis:names:tc:SAML:2.0:cm:Bearer"),
        ("space", "urn:oasis:names:tc:SAML:2.0:cm:bearer "),
        ("another", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"),
        ("SAML 1.1", "urn:oasis:names:tc:SAML:1.0:cm:bearer"),
    ] {
        push(
            format!("Method: {how}"),
            &original,
            saying("urn:oasis:names:tc:SAML:2.0:cm:bearer", method),
            ErrorKind::BearerMissing,
        );
    }
    for (how, status) in [
        ("lower case", "status:success"),
        ("space", "status:Success "),
        ("longer", "status:Successful"),
        ("partial", "status:PartialLogout"),
    ] {
        push(
            format!("Status: {how}"),
            &original,
            edit(&original, "status:Success", status),
            ErrorKind::StatusNotSuccess,
        );
    }
    // Around a name that stands between tags white space is markup of whoever indents.
    for (how, before, after) in [("spaces", " ", " "), ("line breaks", "\n\t", "\r\n")] {
        let indented = |element: &str, uri: &str| {
            (
                format!("<saml:{element}>{uri}"),
                format!("<saml:{element}>{before}{uri}{}", after.replace('\r', "&#xD;")),
            )
        };
        for (element, uri) in [("Audience", AUDIENCE), ("Issuer", ISSUER)] {
            let (from, to) = indented(element, uri);
            let name = format!("{element} between {how}");
            let message = saying(&from, &to);
            attacks.push(Attack::new(name, gain, &original, message, AsSigned));
        }
    }
    attacks
}
