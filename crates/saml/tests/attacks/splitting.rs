//! Text that is cut in two by something that canonical XML drops, or that readers stop at.

use saml::{ErrorKind, SignedParts};

use crate::attack::{AsSigned, Attack, Outcome, Refused};
use crate::fixtures::*;

pub(crate) fn attacks() -> Vec<Attack> {
    let gain = "Signs in as the owner of the first part of a name that the attacker registered, since the signature \
                holds and readers of the first text node stop at the split.";
    let name = format!("{ATTACKER}.evil.com");
    let in_name = saying(VICTIM, &name);
    let in_value = saying("<saml:AttributeValue>staff<", "<saml:AttributeValue>admins-not<");
    let in_issuer = saying("</saml:Issuer><saml:Subject>", "</saml:Issuer><saml:Subject>");
    let whole = signed(SignedParts::Both);
    let splits: [(&str, &str, Outcome); 9] = [
        ("comment", "<!---->", Refused(ErrorKind::CommentForbidden)),
        ("comment with text", "<!-- x -->", Refused(ErrorKind::CommentForbidden)),
        ("processing instruction", "<?x?>", Refused(ErrorKind::ProcessingInstructionForbidden)),
        ("XML declaration", "<?xml version=\"1.0\"?>", Refused(ErrorKind::ProcessingInstructionForbidden)),
        ("empty CDATA", "<![CDATA[]]>", AsSigned),
        ("entity of nobody", "&nothing;", Refused(ErrorKind::NotWellFormed)),
        ("doctype", "<!DOCTYPE x>", Refused(ErrorKind::DoctypeForbidden)),
        ("NUL character", "&#0;", Refused(ErrorKind::NotWellFormed)),
        ("raw NUL", "\0", Refused(ErrorKind::NotWellFormed)),
    ];
    let mut attacks = Vec::new();
    for (what, split, outcome) in splits {
        for (place, original, before) in [
            ("NameID", &in_name, ATTACKER),
            ("attribute value", &in_value, "admins"),
            ("Issuer", &in_issuer, "https://auth.example/metadata/"),
            ("Audience of a signed response", &whole, AUDIENCE),
        ] {
            let message = original.replacen(before, &format!("{before}{split}"), 1);
            attacks.push(Attack::new(format!("{what} in {place}"), gain, original, message, outcome));
        }
    }
    for (what, from, to) in [
        ("tail in CDATA", ".evil.com", "<![CDATA[.evil.com]]>"),
        ("head in CDATA", ATTACKER, "<![CDATA[admin@example.org]]>"),
        ("character reference", ".evil.com", "&#46;evil.com"),
        ("hexadecimal character reference", ".evil.com", "&#x2e;evil.com"),
    ] {
        attacks.push(Attack::new(what, gain, &in_name, edit(&in_name, from, to), AsSigned));
    }
    attacks.push(Attack::new(
        "element in NameID",
        gain,
        &in_name,
        saying(VICTIM, &format!("{ATTACKER}<e></e>.evil.com")),
        Refused(ErrorKind::Malformed("NameID")),
    ));
    for (place, message) in [
        ("before the document", format!("<!-- -->{in_name}")),
        ("after the document", format!("{in_name}<!-- -->")),
        ("in the signature", edit(&in_name, "<ds:SignatureValue>", "<ds:SignatureValue><!-- -->")),
        ("in the digest", edit(&in_name, "<ds:DigestValue>", "<ds:DigestValue><!-- -->")),
    ] {
        let name = format!("comment {place}");
        attacks.push(Attack::new(name, gain, &in_name, message, Refused(ErrorKind::CommentForbidden)));
    }
    attacks
}
