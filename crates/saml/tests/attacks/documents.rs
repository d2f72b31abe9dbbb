//! Documents that are made to hurt whoever parses them, or to be read in two ways.

use saml::{ErrorKind, SignedParts};

use crate::attack::{Attack, Refused};
use crate::fixtures::*;

pub(crate) fn attacks() -> Vec<Attack> {
    [doctypes(), sizes()].concat()
}

fn doctypes() -> Vec<Attack> {
    let gain = "Reads files of the server, has it fetch addresses, fills its memory, or gives an element an ID by default.";
    let original = signed(SignedParts::Assertion);
    let laughs = "<!DOCTYPE lolz [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>";
    let mut attacks: Vec<_> = [
        ("empty", "<!DOCTYPE x>"),
        ("billion laughs", laughs),
        ("external entity", "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>"),
        ("parameter entity", "<!DOCTYPE x [<!ENTITY % e SYSTEM \"http://169.254.169.254/\"> %e;]>"),
        ("external subset", "<!DOCTYPE x SYSTEM \"http://169.254.169.254/x.dtd\">"),
        ("attribute by default", "<!DOCTYPE x [<!ATTLIST saml:Assertion ID CDATA \"_assertion\">]>"),
        ("attribute of type ID", "<!DOCTYPE x [<!ATTLIST saml:Assertion Evil ID #IMPLIED>]>"),
        ("after a declaration", "<?xml version=\"1.0\"?><!DOCTYPE x>"),
        ("after white space", "\n<!DOCTYPE x>"),
        ("in lower case", "<!doctype x>"),
    ]
    .map(|(name, doctype)| {
        Attack::new(
            format!("DOCTYPE: {name}"),
            gain,
            &original,
            format!("{doctype}{original}"),
            Refused(ErrorKind::DoctypeForbidden),
        )
    })
    .to_vec();
    let entity = edit(&original, VICTIM, "&e;");
    let declared = format!("<!DOCTYPE x [<!ENTITY e \"{ATTACKER}\">]>{entity}");
    attacks.push(Attack::new(
        "DOCTYPE: the name is an entity",
        gain,
        &original,
        declared,
        Refused(ErrorKind::DoctypeForbidden),
    ));
    attacks.push(Attack::new(
        "entity that nobody declared",
        gain,
        &original,
        entity,
        Refused(ErrorKind::NotWellFormed),
    ));
    attacks
}

fn sizes() -> Vec<Attack> {
    let gain =
        "Stops the service with one small message: by depth, by number, or by what grows with their square.";
    let original = signed(SignedParts::Assertion);
    let into = |what: &str| edit(&original, "<saml:Subject>", &format!("<saml:Subject>{what}"));
    let attributes: String = (0..20_000).map(|i| format!(" a{i}=\"\"")).collect();
    let namespaces: String = (0..100).map(|i| format!("<e xmlns:a{i}=\"urn:{i}\">")).collect();
    let prefixes: String = (0..100).map(|i| format!("p{i} ")).collect();
    let list = format!(
        "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{prefixes}\"></ec:InclusiveNamespaces></ds:Transform>"
    );
    let listed = format!("{ENVELOPED}{}", EXCLUSIVE.replace("</ds:Transform>", &list));
    [
        (
            "deep nesting",
            into(&format!("{}{}", "<e>".repeat(20_000), "</e>".repeat(20_000))),
            ErrorKind::TooDeep,
        ),
        ("deep nesting that is never closed", into(&"<e>".repeat(50_000)), ErrorKind::TooDeep),
        (
            "many attributes",
            edit(&original, "<saml:Subject>", &format!("<saml:Subject{attributes}>")),
            ErrorKind::TooManyAttributes,
        ),
        ("many namespaces in scope", into(&namespaces), ErrorKind::TooDeep),
        (
            "many namespaces on one element",
            edit(
                &original,
                "<saml:Subject>",
                &format!(
                    "<saml:Subject{}>",
                    (0..70).map(|i| format!(" xmlns:a{i}=\"urn:{i}\"")).collect::<String>()
                ),
            ),
            ErrorKind::TooManyAttributes,
        ),
        ("many elements", into(&"<e/>".repeat(20_001)), ErrorKind::TooManyNodes),
        (
            "many prefixes",
            around(&ByHand { transforms: listed, ..ByHand::default() }.sign(&bare_assertion())),
            ErrorKind::TransformRefused,
        ),
        (
            "many nested namespaces",
            into(
                &(0..50)
                    .map(|i| format!("<e xmlns:a{i}=\"urn:{i}\" xmlns:b{i}=\"urn:{i}\">"))
                    .collect::<String>(),
            ),
            ErrorKind::TooManyAttributes,
        ),
        ("cut short", original[..original.len() / 2].to_owned(), ErrorKind::NotWellFormed),
        ("text after the document", format!("{original}x"), ErrorKind::NotWellFormed),
        (
            "attribute twice",
            edit(&original, "ID=\"_assertion\"", "ID=\"_assertion\" ID=\"_evil\""),
            ErrorKind::NotWellFormed,
        ),
        (
            "attribute twice by two prefixes",
            edit(
                &original,
                "<saml:Subject>",
                "<saml:Subject xmlns:a=\"urn:x\" xmlns:b=\"urn:x\" a:y=\"\" b:y=\"\">",
            ),
            ErrorKind::NotWellFormed,
        ),
        (
            "element closed by another name",
            edit(&original, "</saml:Subject>", "</saml:subject>"),
            ErrorKind::NotWellFormed,
        ),
    ]
    .map(|(name, message, kind)| Attack::new(name, gain, &original, message, Refused(kind)))
    .to_vec()
}
