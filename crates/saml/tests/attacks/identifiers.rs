//! IDs that are there twice, not at all, or under another name.

use saml::{ErrorKind, SignedParts};

use crate::attack::{Attack, Refused};
use crate::fixtures::*;

pub(crate) fn attacks() -> Vec<Attack> {
    let gain = "Has the signature verified over one element and another one read, wherever two libraries disagree \
                about which attribute is an ID and which of two wins.";
    let original = signed(SignedParts::Assertion);
    let whole = signed(SignedParts::Response);
    let mut attacks = Vec::new();
    for spelling in ["ID", "Id", "id", "xml:id"] {
        for (place, element) in
            [("StatusCode", "<samlp:StatusCode "), ("bearer", "<saml:SubjectConfirmationData ")]
        {
            let message = edit(&original, element, &format!("{element}{spelling}=\"_assertion\" "));
            let name = format!("{spelling} twice, on {place}");
            attacks.push(Attack::new(name, gain, &original, message, Refused(ErrorKind::DuplicateId)));
        }
        let message = edit(
            &original,
            "ID=\"_response\"",
            &format!("ID=\"_assertion\" {}=\"_r\"", if spelling == "ID" { "Id" } else { spelling }),
        );
        let name = format!("response takes the ID of the assertion, beside {spelling}");
        attacks.push(Attack::new(name, gain, &original, message, Refused(ErrorKind::DuplicateId)));
    }
    for (name, attribute) in [
        ("foreign ID beside an evil ID", "xmlns:e=\"urn:e\" e:ID=\"_assertion\" ID=\"_evil\""),
        ("Id beside an evil ID", "Id=\"_assertion\" ID=\"_evil\""),
        ("id beside an evil ID", "id=\"_assertion\" ID=\"_evil\""),
        ("xml:id beside an evil ID", "xml:id=\"_assertion\" ID=\"_evil\""),
        ("foreign ID only", "xmlns:e=\"urn:e\" e:ID=\"_assertion\""),
        ("Id only", "Id=\"_assertion\""),
        ("id only", "id=\"_assertion\""),
        ("xml:id only", "xml:id=\"_assertion\""),
        ("AssertionID of SAML 1.1 only", "AssertionID=\"_assertion\""),
        ("empty ID", "ID=\"\""),
        ("no ID", ""),
        ("another ID", "ID=\"_evil\""),
        ("ID with white space", "ID=\" _assertion\""),
    ] {
        let message = edit(&original, "ID=\"_assertion\"", attribute);
        attacks.push(Attack::new(name, gain, &original, message, Refused(ErrorKind::ReferenceMisdirected)));
    }
    let replay = "Is let in by the same assertion again and again, since it has nothing to be remembered by.";
    let response = ByHand { uri: "#_response".into(), ..ByHand::default() };
    for (name, attribute, kind) in [
        ("no ID within a signed response", "", ErrorKind::Missing("ID")),
        ("empty ID within a signed response", "ID=\"\"", ErrorKind::Missing("ID")),
        ("ID with white space within a signed response", "ID=\"a b\"", ErrorKind::Malformed("ID")),
    ] {
        let assertion =
            edit(&bare_assertion(), "ID=\"_assertion\" ", &format!("{attribute} ")).replace("  ", " ");
        let message = response.sign(&around(&assertion));
        attacks.push(Attack::new(name, replay, &whole, message, Refused(kind)));
    }
    attacks.push(Attack::new(
        "no ID on an unsigned response",
        gain,
        &original,
        edit(&original, " ID=\"_response\"", ""),
        Refused(ErrorKind::Missing("ID")),
    ));
    attacks
}
