//! References and transforms: what is signed is less, or something else, than what is read.

use saml::{ErrorKind, SignedParts};

use crate::attack::{Attack, Refused};
use crate::fixtures::*;

pub(crate) fn attacks() -> Vec<Attack> {
    [transforms(), canonicalizations(), references()].concat()
}

/// The identity provider really signed these, but the transform leaves the subject out of what is signed.
fn transforms() -> Vec<Attack> {
    let gain =
        "Writes any name into an assertion whose signature leaves the name out, and is signed in by it.";
    let original = signed(SignedParts::Assertion);
    let transform = |algorithm: &str, content: &str| {
        format!("<ds:Transform Algorithm=\"{algorithm}\">{content}</ds:Transform>")
    };
    let xpath = transform(
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "<ds:XPath>not(ancestor-or-self::*[local-name()='Subject'])</ds:XPath>",
    );
    let filter = transform(
        "http://www.w3.org/2002/06/xmldsig-filter2",
        "<f:XPath xmlns:f=\"http://www.w3.org/2002/06/xmldsig-filter2\" Filter=\"subtract\">//*[local-name()='Subject']</f:XPath>",
    );
    let xslt = transform(
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "<x:stylesheet xmlns:x=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\"></x:stylesheet>",
    );
    let base64 = transform("http://www.w3.org/2000/09/xmldsig#base64", "");
    let decrypt = transform("http://www.w3.org/2002/07/decrypt#XML", "");
    let inside = ENVELOPED.replace("></ds:Transform>", "><ds:XPath>false()</ds:XPath></ds:Transform>");
    let subject_left_out = edit(&bare_assertion(), cut(&bare_assertion(), "saml:Subject").1, "");
    let forged = edit(&bare_assertion(), VICTIM, ATTACKER);
    [
        ("XPath", format!("{ENVELOPED}{xpath}{EXCLUSIVE}")),
        ("XPath at the end", format!("{ENVELOPED}{EXCLUSIVE}{xpath}")),
        ("XPath alone", xpath.clone()),
        ("XPath for the enveloped signature", format!("{xpath}{EXCLUSIVE}")),
        ("XPath filter 2", format!("{ENVELOPED}{filter}{EXCLUSIVE}")),
        ("XSLT", format!("{ENVELOPED}{xslt}{EXCLUSIVE}")),
        ("XSLT alone", xslt),
        ("base64", format!("{ENVELOPED}{base64}")),
        ("decryption", format!("{decrypt}{EXCLUSIVE}")),
        ("XPath inside the enveloped signature", format!("{inside}{EXCLUSIVE}")),
        ("none", String::new()),
        ("exclusive only", EXCLUSIVE.to_owned()),
        ("enveloped only", ENVELOPED.to_owned()),
        ("turned round", format!("{EXCLUSIVE}{ENVELOPED}")),
        ("enveloped twice", format!("{ENVELOPED}{ENVELOPED}{EXCLUSIVE}")),
        ("of another namespace", format!("{ENVELOPED}<e:Transform xmlns:e=\"urn:e\" Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></e:Transform>")),
    ]
    .map(|(name, transforms)| {
        let message = around(&ByHand { transforms, ..ByHand::default() }.sign_content(&subject_left_out, &forged));
        Attack::new(format!("transform: {name}"), gain, &original, message, Refused(ErrorKind::TransformRefused))
    })
    .to_vec()
}

fn canonicalizations() -> Vec<Attack> {
    let gain =
        "Changes what inclusive forms or comments bring into or leave out of what is signed, such as a name.";
    let original = signed(SignedParts::Assertion);
    let mut attacks = Vec::new();
    for c14n in [
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/2001/10/XML-exc-c14n#",
        "http://www.w3.org/2001/10/xml-exc-c14n",
        "",
    ] {
        let method = around(&ByHand { c14n, ..ByHand::default() }.sign(&bare_assertion()));
        attacks.push(Attack::new(
            format!("canonicalization “{c14n}”"),
            gain,
            &original,
            method,
            Refused(ErrorKind::CanonicalizationRefused),
        ));
        let transforms = format!("{ENVELOPED}<ds:Transform Algorithm=\"{c14n}\"></ds:Transform>");
        let transform = around(&ByHand { transforms, ..ByHand::default() }.sign(&bare_assertion()));
        attacks.push(Attack::new(
            format!("transform “{c14n}”"),
            gain,
            &original,
            transform,
            Refused(ErrorKind::TransformRefused),
        ));
    }
    attacks
}

fn references() -> Vec<Attack> {
    let gain =
        "Has another element verified than the one that is read, or the server fetch an address of choice.";
    let original = signed(SignedParts::Assertion);
    let mut attacks = Vec::new();
    for uri in [
        "",
        "#",
        "_assertion",
        "#_response",
        "##_assertion",
        "#_assertion ",
        "#_ASSERTION",
        "#xpointer(/)",
        "#xpointer(id('_assertion'))",
        "https://evil.example/#_assertion",
        "file:///etc/passwd",
    ] {
        let message = around(&ByHand { uri: uri.into(), ..ByHand::default() }.sign(&bare_assertion()));
        attacks.push(Attack::new(
            format!("reference to “{uri}”"),
            gain,
            &original,
            message,
            Refused(ErrorKind::ReferenceMisdirected),
        ));
    }
    let none = edit(&original, " URI=\"#_assertion\"", "");
    attacks.push(Attack::new(
        "reference without URI",
        gain,
        &original,
        none,
        Refused(ErrorKind::ReferenceMisdirected),
    ));
    let second = "<ds:Reference URI=\"\"><ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod><ds:DigestValue>AAAA</ds:DigestValue></ds:Reference>";
    for (name, by_hand) in [
        ("second reference", ByHand { more: second.into(), ..ByHand::default() }),
        ("Object", ByHand { object: "<ds:Object>x</ds:Object>".into(), ..ByHand::default() }),
        (
            "Manifest",
            ByHand {
                object: format!("<ds:Object><ds:Manifest>{second}</ds:Manifest></ds:Object>"),
                ..ByHand::default()
            },
        ),
    ] {
        let message = around(&by_hand.sign(&bare_assertion()));
        attacks.push(Attack::new(
            format!("{name} in the signature"),
            gain,
            &original,
            message,
            Refused(ErrorKind::SignatureMalformed),
        ));
    }
    attacks
}
