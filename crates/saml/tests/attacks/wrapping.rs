//! Signature wrapping: the attacker has one validly signed message (their own sign-in, say) and moves its parts so
//! that the signature still verifies over the old content while the service provider reads new content.
//! XSW1 to XSW8 are those of "On Breaking SAML" (2012). Each is tried with a new ID for the forged element and with the
//! stolen one.

use saml::{ErrorKind, SignedParts};

use crate::attack::{Attack, Refused};
use crate::fixtures::*;

/// The forged element: another person, no signature, and another ID unless it is to be the same.
pub(crate) fn forged(element: &str, same_id: bool) -> String {
    let forged = edit(&unsigned(element), VICTIM, ATTACKER);
    if same_id {
        return forged;
    }
    forged.replace("ID=\"_response\"", "ID=\"_evil_response\"").replace("ID=\"_assertion\"", "ID=\"_evil\"")
}

pub(crate) fn signature_of(element: &str) -> &str {
    cut(element, "ds:Signature").1
}

/// Puts something after the first Issuer of an element, where its signature belongs.
pub(crate) fn after_issuer(element: &str, what: &str) -> String {
    let (before, after) = element.split_once("</saml:Issuer>").unwrap();
    format!("{before}</saml:Issuer>{what}{after}")
}

/// Puts something before the end of an element.
fn before_end(element: &str, end: &str, what: &str) -> String {
    let (before, after) = element.rsplit_once(end).unwrap();
    format!("{before}{what}{end}{after}")
}

pub(crate) fn attacks() -> Vec<Attack> {
    [numbered(), hidden(), foreign(), misplaced()].concat()
}

/// XSW1 to XSW8.
fn numbered() -> Vec<Attack> {
    type Wrap = fn(&str, bool) -> String;
    let wraps: [(&str, &'static str, SignedParts, ErrorKind, Wrap); 8] = [
        (
            "XSW1: signed response inside the signature of a forged one",
            "Signs in as anybody wherever the signature is found by ID, and the response by being the root.",
            SignedParts::Response,
            ErrorKind::AssertionsSeveral,
            |original, same| {
                let signature = before_end(signature_of(original), "</ds:Signature>", &unsigned(original));
                after_issuer(&forged(original, same), &signature)
            },
        ),
        (
            "XSW2: signed response beside its signature in a forged one",
            "Signs in as anybody wherever a signature is believed to cover whatever stands beside it.",
            SignedParts::Response,
            ErrorKind::Unexpected("Response"),
            |original, same| {
                let beside = format!("{}{}", unsigned(original), signature_of(original));
                after_issuer(&forged(original, same), &beside)
            },
        ),
        (
            "XSW3: forged assertion before the signed one",
            "Signs in as anybody wherever the first assertion is read and any signature verified.",
            SignedParts::Assertion,
            ErrorKind::AssertionsSeveral,
            |original, same| {
                let assertion = cut(original, "saml:Assertion").1;
                edit(original, assertion, &format!("{}{assertion}", forged(assertion, same)))
            },
        ),
        (
            "XSW4: signed assertion inside a forged one",
            "Signs in as anybody wherever the outer assertion is read and the inner signature verified.",
            SignedParts::Assertion,
            ErrorKind::AssertionsSeveral,
            |original, same| {
                let assertion = cut(original, "saml:Assertion").1;
                edit(
                    original,
                    assertion,
                    &before_end(&forged(assertion, same), "</saml:Assertion>", assertion),
                )
            },
        ),
        (
            "XSW5: forged assertion with the signature, and the original after it",
            "Signs in as anybody wherever a signature vouches for its parent, whatever its reference says.",
            SignedParts::Assertion,
            ErrorKind::AssertionsSeveral,
            |original, same| {
                let assertion = cut(original, "saml:Assertion").1;
                let forged = after_issuer(&forged(assertion, same), signature_of(assertion));
                edit(original, assertion, &format!("{forged}{}", unsigned(assertion)))
            },
        ),
        (
            "XSW6: forged assertion with the signature, and the original in it",
            "Signs in as anybody wherever the reference is resolved inside of the signature itself.",
            SignedParts::Assertion,
            ErrorKind::AssertionsSeveral,
            |original, same| {
                let assertion = cut(original, "saml:Assertion").1;
                let signature = before_end(signature_of(assertion), "</ds:Signature>", &unsigned(assertion));
                edit(original, assertion, &after_issuer(&forged(assertion, same), &signature))
            },
        ),
        (
            "XSW7: forged assertion in Extensions, which may hold anything",
            "Signs in as anybody wherever assertions are found anywhere, since the schema lets Extensions hold them.",
            SignedParts::Assertion,
            ErrorKind::AssertionsSeveral,
            |original, same| {
                let assertion = cut(original, "saml:Assertion").1;
                let extensions = format!("<samlp:Extensions>{}</samlp:Extensions>", forged(assertion, same));
                after_issuer(original, &extensions)
            },
        ),
        (
            "XSW8: original assertion in an object of the signature",
            "Signs in as anybody wherever the schema is validated, since an Object may hold the original.",
            SignedParts::Assertion,
            ErrorKind::AssertionsSeveral,
            |original, same| {
                let assertion = cut(original, "saml:Assertion").1;
                let object = format!("<ds:Object>{}</ds:Object>", unsigned(assertion));
                let signature = before_end(signature_of(assertion), "</ds:Signature>", &object);
                edit(original, assertion, &after_issuer(&forged(assertion, same), &signature))
            },
        ),
    ];
    let mut attacks = Vec::new();
    for (name, gain, parts, refused, wrap) in wraps {
        let original = signed(parts);
        attacks.extend([
            Attack::new(format!("{name}, new ID"), gain, &original, wrap(&original, false), Refused(refused)),
            Attack::new(
                format!("{name}, stolen ID"),
                gain,
                &original,
                wrap(&original, true),
                Refused(ErrorKind::DuplicateId),
            ),
        ]);
    }
    attacks
}

/// Wherever the signed assertion hides while a forged one stands in its place, somebody may verify the one and read
/// the other.
fn hidden() -> Vec<Attack> {
    let gain =
        "Signs in as anybody wherever what is verified is looked up by ID and what is read by its place.";
    let original = signed(SignedParts::Assertion);
    let (before, assertion, after) = cut(&original, "saml:Assertion");
    let in_status = |what: &str| format!("<samlp:StatusDetail>{what}</samlp:StatusDetail></samlp:Status>");
    let extensions = format!("<samlp:Extensions>{assertion}</samlp:Extensions>");
    let replaced = edit(&original, assertion, &forged(assertion, false));
    let absent = format!("{before}{after}");
    let advice = format!("<saml:Advice>{assertion}</saml:Advice><saml:AuthnStatement");
    let value = format!("{assertion}</saml:AttributeValue><saml:AttributeValue>");
    let several = Refused(ErrorKind::AssertionsSeveral);
    let missing = Refused(ErrorKind::AssertionMissing);
    [
        ("signed assertion in Extensions", after_issuer(&replaced, &extensions), several),
        (
            "signed assertion in StatusDetail",
            edit(&replaced, "</samlp:Status>", &in_status(assertion)),
            several,
        ),
        ("signed assertion in Advice", edit(&replaced, "<saml:AuthnStatement", &advice), several),
        (
            "signed assertion in a value",
            edit(&replaced, "</saml:AttributeValue><saml:AttributeValue>", &value),
            several,
        ),
        ("assertion in Extensions only", after_issuer(&absent, &extensions), missing),
        ("assertion in StatusDetail only", edit(&absent, "</samlp:Status>", &in_status(assertion)), missing),
        ("no assertion", absent.clone(), missing),
        (
            "unsigned assertion before the signed one",
            edit(&original, assertion, &format!("{}{assertion}", forged(assertion, false))),
            several,
        ),
        (
            "unsigned assertion after the signed one",
            edit(&original, assertion, &format!("{assertion}{}", forged(assertion, false))),
            several,
        ),
        (
            "two roots, the forged one last",
            format!("{original}{}", forged(&original, false)),
            Refused(ErrorKind::NotWellFormed),
        ),
        (
            "two roots, the forged one first",
            format!("{}{original}", forged(&original, false)),
            Refused(ErrorKind::NotWellFormed),
        ),
    ]
    .map(|(name, message, outcome)| Attack::new(name, gain, &original, message, outcome))
    .to_vec()
}

fn foreign() -> Vec<Attack> {
    let gain = "Signs in as anybody wherever elements are matched by their local name.";
    let original = signed(SignedParts::Assertion);
    let assertion = cut(&original, "saml:Assertion").1;
    let foreign = forged(assertion, false).replace("saml:", "e:").replace("xmlns:saml", "xmlns:e");
    let foreign = edit(&foreign, "urn:oasis:names:tc:SAML:2.0:assertion", "urn:evil");
    let upper = edit(&forged(assertion, false), "SAML:2.0:assertion", "SAML:2.0:Assertion");
    [
        ("foreign assertion before the signed one", format!("{foreign}{assertion}")),
        ("foreign assertion after the signed one", format!("{assertion}{foreign}")),
        ("foreign assertion alone", foreign),
        ("assertion of a namespace in another case", format!("{upper}{assertion}")),
    ]
    .map(|(name, both)| {
        let message = edit(&original, assertion, &both);
        Attack::new(name, gain, &original, message, Refused(ErrorKind::Unexpected("Response")))
    })
    .to_vec()
}

fn misplaced() -> Vec<Attack> {
    let gain = "Has a signature of something else counted wherever any signature in the message will do.";
    let original = signed(SignedParts::Assertion);
    let assertion = cut(&original, "saml:Assertion").1;
    let signature = signature_of(assertion);
    let detail = format!("<samlp:StatusDetail>{signature}</samlp:StatusDetail></samlp:Status>");
    let stripped = edit(&original, signature, "");
    [
        (
            "signature moved to StatusDetail",
            edit(&stripped, "</samlp:Status>", &detail),
            ErrorKind::SignatureMisplaced,
        ),
        (
            "signature copied to StatusDetail",
            edit(&original, "</samlp:Status>", &detail),
            ErrorKind::SignatureMisplaced,
        ),
        (
            "signature moved onto the response",
            after_issuer(&stripped, signature),
            ErrorKind::ReferenceMisdirected,
        ),
        (
            "signature copied onto the response",
            after_issuer(&original, signature),
            ErrorKind::ReferenceMisdirected,
        ),
        (
            "signature twice",
            edit(&original, signature, &format!("{signature}{signature}")),
            ErrorKind::Repeated("Signature"),
        ),
        (
            "signature after the subject",
            edit(&stripped, "</saml:Subject>", &format!("</saml:Subject>{signature}")),
            ErrorKind::Unexpected("Assertion"),
        ),
        (
            "signature before the issuer",
            edit(
                &stripped,
                "<saml:Issuer>https://auth.example/metadata/</saml:Issuer><saml:Subject>",
                &format!(
                    "{signature}<saml:Issuer>https://auth.example/metadata/</saml:Issuer><saml:Subject>"
                ),
            ),
            ErrorKind::Unexpected("Assertion"),
        ),
    ]
    .map(|(name, message, kind)| Attack::new(name, gain, &original, message, Refused(kind)))
    .to_vec()
}
