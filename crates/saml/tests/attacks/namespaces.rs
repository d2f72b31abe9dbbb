//! Namespaces and canonical form: what the declarations around an element do to what was signed of it.

use saml::{ErrorKind, SignedParts};

use crate::attack::{AsSigned, Attack, Outcome, Refused};
use crate::fixtures::*;

const DECLARED: &str = " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";

pub(crate) fn attacks() -> Vec<Attack> {
    [declarations(), prefix_lists(), void()].concat()
}

fn declarations() -> Vec<Attack> {
    let gain = "Moves elements into another namespace, so that readers skip or mistake them while the signature holds.";
    let original = signed(SignedParts::Assertion);
    let (before, assertion, after) = cut(&original, "saml:Assertion");
    let within = |from: &str, to: &str| format!("{before}{}{after}", assertion.replacen(from, to, 1));
    let mismatch = Refused(ErrorKind::DigestMismatch);
    let entries: Vec<(&str, String, Outcome)> = vec![
        (
            "unused declaration in the assertion",
            within("<saml:Subject>", "<saml:Subject xmlns:e=\"urn:e\">"),
            AsSigned,
        ),
        (
            "unused default namespace in the assertion",
            within("<saml:Subject>", "<saml:Subject xmlns=\"urn:e\">"),
            AsSigned,
        ),
        ("default namespace undeclared", within("<saml:Subject>", "<saml:Subject xmlns=\"\">"), AsSigned),
        (
            "default namespace on the response",
            edit(&original, "<samlp:Response ", "<samlp:Response xmlns=\"urn:e\" "),
            AsSigned,
        ),
        (
            "declaration moved to the response",
            edit(&within(DECLARED, ""), "<samlp:Response ", &format!("<samlp:Response{DECLARED} ")),
            AsSigned,
        ),
        (
            "prefix declared again as it was",
            within("<saml:Subject>", &format!("<saml:Subject{DECLARED}>")),
            AsSigned,
        ),
        (
            "prefix given another meaning",
            within("<saml:Subject>", "<saml:Subject xmlns:saml=\"urn:evil\">"),
            Refused(ErrorKind::Unexpected("Assertion")),
        ),
        (
            "prefix given another meaning around the name",
            within("<saml:NameID ", "<saml:NameID xmlns:saml=\"urn:evil\" "),
            mismatch,
        ),
        (
            "prefix undeclared",
            within("<saml:Subject>", "<saml:Subject xmlns:saml=\"\">"),
            Refused(ErrorKind::NotWellFormed),
        ),
        (
            "prefix declared twice",
            within("<saml:Subject>", "<saml:Subject xmlns:e=\"urn:a\" xmlns:e=\"urn:b\">"),
            Refused(ErrorKind::NotWellFormed),
        ),
        (
            "another prefix",
            format!("{before}{}{after}", assertion.replace("saml:", "s:").replace("xmlns:saml", "xmlns:s")),
            mismatch,
        ),
        (
            "default namespace instead of the prefix",
            format!(
                "{before}{}{after}",
                assertion.replace("<saml:", "<").replace("</saml:", "</").replace("xmlns:saml", "xmlns")
            ),
            mismatch,
        ),
        (
            "xml:lang on the response",
            edit(&original, "<samlp:Response ", "<samlp:Response xml:lang=\"de\" "),
            AsSigned,
        ),
        (
            "xml:base on the response",
            edit(&original, "<samlp:Response ", "<samlp:Response xml:base=\"https://evil.example/\" "),
            AsSigned,
        ),
        (
            "xml:space on the response",
            edit(&original, "<samlp:Response ", "<samlp:Response xml:space=\"preserve\" "),
            AsSigned,
        ),
        ("xml:lang on the assertion", within("<saml:Subject>", "<saml:Subject xml:lang=\"de\">"), mismatch),
        (
            "xml:base on the assertion",
            within("<saml:Subject>", "<saml:Subject xml:base=\"https://evil.example/\">"),
            mismatch,
        ),
        (
            "prefix xml declared as another",
            within("<saml:Subject>", "<saml:Subject xmlns:xml=\"urn:evil\">"),
            Refused(ErrorKind::NotWellFormed),
        ),
        (
            "prefix xmlns declared",
            within("<saml:Subject>", "<saml:Subject xmlns:xmlns=\"urn:evil\">"),
            Refused(ErrorKind::NotWellFormed),
        ),
        (
            "namespace of xmlns under a prefix",
            within("<saml:Subject>", "<saml:Subject xmlns:e=\"http://www.w3.org/2000/xmlns/\">"),
            Refused(ErrorKind::NotWellFormed),
        ),
        (
            "qualified attribute instead of a plain one",
            within("<saml:NameID Format=", &format!("<saml:NameID{DECLARED} saml:Format=")),
            mismatch,
        ),
        (
            "signature of another namespace",
            format!(
                "{before}{}{after}",
                assertion
                    .replace("http://www.w3.org/2000/09/xmldsig#\">", "http://www.w3.org/2000/09/xmldsig\">")
            ),
            Refused(ErrorKind::Unexpected("Assertion")),
        ),
    ];
    entries
        .into_iter()
        .map(|(name, message, outcome)| Attack::new(name, gain, &original, message, outcome))
        .collect()
}

fn prefix_lists() -> Vec<Attack> {
    let gain =
        "Brings declarations of the attacker into what is signed, or keeps some out, by a list of prefixes.";
    let original = signed(SignedParts::Assertion);
    let list = |prefixes: &str| {
        format!(
            "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{prefixes}\"></ec:InclusiveNamespaces></ds:Transform>"
        )
    };
    let mut attacks = Vec::new();
    // Put in after signing, SignedInfo is another.
    for prefixes in ["", "saml", "#default", "e", "xml"] {
        let message = edit(&original, EXCLUSIVE, &EXCLUSIVE.replace("</ds:Transform>", &list(prefixes)));
        attacks.push(Attack::new(
            format!("PrefixList “{prefixes}” added"),
            gain,
            &original,
            message,
            Refused(ErrorKind::SignatureInvalid),
        ));
    }
    // Signed as it is: declarations of listed prefixes count, wherever they stand.
    let transforms = format!("{ENVELOPED}{}", EXCLUSIVE.replace("</ds:Transform>", &list("e #default")));
    let signed = around(&ByHand { transforms, ..ByHand::default() }.sign(&bare_assertion()));
    for (name, declaration) in
        [("listed prefix", "xmlns:e=\"urn:e\""), ("listed default namespace", "xmlns=\"urn:e\"")]
    {
        let message = edit(&signed, "<samlp:Response ", &format!("<samlp:Response {declaration} "));
        attacks.push(Attack::new(
            format!("{name} declared on the response"),
            gain,
            &signed,
            message,
            Refused(ErrorKind::DigestMismatch),
        ));
    }
    let unlisted = edit(&signed, "<samlp:Response ", "<samlp:Response xmlns:f=\"urn:f\" ");
    attacks.push(Attack::new(
        "prefix that is not listed declared on the response",
        gain,
        &signed,
        unlisted,
        AsSigned,
    ));
    for (name, content) in [
        ("InclusiveNamespaces twice", list("a").replace("</ds:Transform>", &list("b"))),
        (
            "InclusiveNamespaces of another namespace",
            list("a").replace("http://www.w3.org/2001/10/xml-exc-c14n#", "urn:e"),
        ),
        ("InclusiveNamespaces with a child", list("a").replace("></ec:", "><e></e></ec:")),
    ] {
        let transforms = format!("{ENVELOPED}{}", EXCLUSIVE.replace("</ds:Transform>", &content));
        let message = around(&ByHand { transforms, ..ByHand::default() }.sign(&bare_assertion()));
        attacks.push(Attack::new(name, gain, &original, message, Refused(ErrorKind::TransformRefused)));
    }
    attacks
}

/// Void canonicalization: a relative namespace URI makes libxml2 fail, and whoever ignores the failure hashes nothing.
/// Then the digest of every document is the digest of the empty text, which the attacker has seen signed.
fn void() -> Vec<Attack> {
    let gain = "Signs in as anybody with the signature over an empty text, wherever canonicalization fails in silence.";
    let original = signed(SignedParts::Assertion);
    let forged = edit(&bare_assertion(), VICTIM, ATTACKER);
    let mut attacks = Vec::new();
    for (name, uri) in
        [("relative", "1"), ("dots", "../x"), ("colon only", ":"), ("percent", "%zz"), ("space", "a b")]
    {
        let poisoned = edit(&forged, "<saml:Subject>", &format!("<saml:Subject xmlns:v=\"{uri}\" v:x=\"\">"));
        let message = around(&ByHand::default().sign_content("", &poisoned));
        attacks.push(Attack::new(
            format!("void canonicalization by a namespace that is {name}"),
            gain,
            &original,
            message,
            Refused(ErrorKind::DigestMismatch),
        ));
        let message = edit(&original, "<samlp:Response ", &format!("<samlp:Response xmlns:v=\"{uri}\" "));
        attacks.push(Attack::new(
            format!("namespace that is {name}, out of scope"),
            gain,
            &original,
            message,
            AsSigned,
        ));
    }
    attacks
}
