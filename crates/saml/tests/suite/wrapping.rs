//! Signature wrapping: the attacker has one validly signed message (their own sign-in, say) and moves its parts so
//! that the signature still verifies over the old content while the service provider reads new content.
//! XSW1 to XSW8 are those of "On Breaking SAML" (2012). Each is tried with a new ID for the forged element and with the
//! stolen one.

use saml::{ErrorKind, SignedParts};

use crate::fixtures::*;

/// The forged element: another person, no signature, and another ID unless it is to be the same.
fn forged(element: &str, same_id: bool) -> String {
    let forged = edit(&unsigned(element), VICTIM, ATTACKER);
    if same_id {
        return forged;
    }
    forged.replace("ID=\"_response\"", "ID=\"_evil_response\"").replace("ID=\"_assertion\"", "ID=\"_evil\"")
}

fn signature_of(element: &str) -> &str {
    cut(element, "ds:Signature").1
}

/// Puts something after the first Issuer of an element, where its signature belongs.
fn after_issuer(element: &str, what: &str) -> String {
    let (before, after) = element.split_once("</saml:Issuer>").unwrap();
    format!("{before}</saml:Issuer>{what}{after}")
}

/// Puts something before the end of an element.
fn before_end(element: &str, end: &str, what: &str) -> String {
    let (before, after) = element.rsplit_once(end).unwrap();
    format!("{before}{what}{end}{after}")
}

fn check(name: &str, attack: impl Fn(bool) -> String, expected: ErrorKind) {
    assert_eq!(refusal(&attack(false)), expected, "{name} with a new ID");
    assert_eq!(refusal(&attack(true)), ErrorKind::DuplicateId, "{name} with the stolen ID");
}

/// Would let the attacker in as anybody wherever the signature is found by ID, and the response by being the root.
#[test]
fn xsw1_signed_response_inside_the_signature_of_a_forged_one() {
    let attack = |same| {
        let original = signed(SignedParts::Response);
        let signature = before_end(signature_of(&original), "</ds:Signature>", &unsigned(&original));
        after_issuer(&forged(&original, same), &signature)
    };
    check("XSW1", attack, ErrorKind::AssertionsSeveral);
}

/// The same for whoever takes a signature beside what it signs.
#[test]
fn xsw2_signed_response_beside_its_signature_in_a_forged_one() {
    let attack = |same| {
        let original = signed(SignedParts::Response);
        let beside = format!("{}{}", unsigned(&original), signature_of(&original));
        after_issuer(&forged(&original, same), &beside)
    };
    check("XSW2", attack, ErrorKind::Unexpected("Response"));
}

/// Would let the attacker in wherever the first assertion is read and any signature verified.
#[test]
fn xsw3_forged_assertion_before_the_signed_one() {
    let attack = |same| {
        let original = signed(SignedParts::Assertion);
        let assertion = cut(&original, "saml:Assertion").1;
        edit(&original, assertion, &format!("{}{assertion}", forged(assertion, same)))
    };
    check("XSW3", attack, ErrorKind::AssertionsSeveral);
}

/// Would let the attacker in wherever the outer assertion is read and the inner signature verified.
#[test]
fn xsw4_signed_assertion_inside_a_forged_one() {
    let attack = |same| {
        let original = signed(SignedParts::Assertion);
        let assertion = cut(&original, "saml:Assertion").1;
        edit(&original, assertion, &before_end(&forged(assertion, same), "</saml:Assertion>", assertion))
    };
    check("XSW4", attack, ErrorKind::AssertionsSeveral);
}

/// Would let the attacker in wherever a signature vouches for its parent, whatever its reference says.
#[test]
fn xsw5_forged_assertion_with_the_signature_and_the_original_after_it() {
    let attack = |same| {
        let original = signed(SignedParts::Assertion);
        let assertion = cut(&original, "saml:Assertion").1;
        let forged = after_issuer(&forged(assertion, same), signature_of(assertion));
        edit(&original, assertion, &format!("{forged}{}", unsigned(assertion)))
    };
    check("XSW5", attack, ErrorKind::AssertionsSeveral);
}

/// The same with the original inside the signature.
#[test]
fn xsw6_forged_assertion_with_the_signature_and_the_original_in_it() {
    let attack = |same| {
        let original = signed(SignedParts::Assertion);
        let assertion = cut(&original, "saml:Assertion").1;
        let signature = before_end(signature_of(assertion), "</ds:Signature>", &unsigned(assertion));
        edit(&original, assertion, &after_issuer(&forged(assertion, same), &signature))
    };
    check("XSW6", attack, ErrorKind::AssertionsSeveral);
}

/// Would let the attacker in wherever assertions are looked for at any depth: extensions may hold anything.
#[test]
fn xsw7_forged_assertion_in_extensions() {
    let attack = |same| {
        let original = signed(SignedParts::Assertion);
        let forged = forged(cut(&original, "saml:Assertion").1, same);
        after_issuer(&original, &format!("<samlp:Extensions>{forged}</samlp:Extensions>"))
    };
    check("XSW7", attack, ErrorKind::AssertionsSeveral);
}

/// The same with an object of the signature, which may hold anything too.
#[test]
fn xsw8_original_assertion_in_an_object_of_the_signature() {
    let attack = |same| {
        let original = signed(SignedParts::Assertion);
        let assertion = cut(&original, "saml:Assertion").1;
        let object = format!("<ds:Object>{}</ds:Object>", unsigned(assertion));
        let signature = before_end(signature_of(assertion), "</ds:Signature>", &object);
        edit(&original, assertion, &after_issuer(&forged(assertion, same), &signature))
    };
    check("XSW8", attack, ErrorKind::AssertionsSeveral);
}

/// Wherever the signed assertion hides while a forged one stands in its place, somebody may verify the one and
/// read the other.
#[test]
fn the_signed_assertion_hides_elsewhere() {
    let original = signed(SignedParts::Assertion);
    let assertion = cut(&original, "saml:Assertion").1;
    let forged_response = edit(&original, assertion, &forged(assertion, false));
    let hidden = [
        after_issuer(&forged_response, &format!("<samlp:Extensions>{assertion}</samlp:Extensions>")),
        edit(
            &forged_response,
            "</samlp:Status>",
            &format!("<samlp:StatusDetail>{assertion}</samlp:StatusDetail></samlp:Status>"),
        ),
        edit(
            &forged_response,
            "<saml:AuthnStatement",
            &format!("<saml:Advice>{assertion}</saml:Advice><saml:AuthnStatement"),
        ),
        edit(
            &forged_response,
            "</saml:AttributeValue><saml:AttributeValue>",
            &format!("{assertion}</saml:AttributeValue><saml:AttributeValue>"),
        ),
    ];
    for xml in hidden {
        assert_eq!(refusal(&xml), ErrorKind::AssertionsSeveral, "{xml}");
    }
}

/// An assertion that hides and none in its place: nothing is to be found by looking around.
#[test]
fn an_assertion_that_is_not_in_its_place_is_none() {
    let original = signed(SignedParts::Assertion);
    let (before, assertion, after) = cut(&original, "saml:Assertion");
    let extensions = format!("<samlp:Extensions>{assertion}</samlp:Extensions>");
    assert_eq!(refusal(&after_issuer(&format!("{before}{after}"), &extensions)), ErrorKind::AssertionMissing);
    let detail = format!("<samlp:StatusDetail>{assertion}</samlp:StatusDetail></samlp:Status>");
    assert_eq!(
        refusal(&edit(&format!("{before}{after}"), "</samlp:Status>", &detail)),
        ErrorKind::AssertionMissing
    );
    assert_eq!(refusal(&format!("{before}{after}")), ErrorKind::AssertionMissing);
}

/// Whoever matches elements by local name would read the forged one.
#[test]
fn an_assertion_of_another_namespace_is_none() {
    let original = signed(SignedParts::Assertion);
    let assertion = cut(&original, "saml:Assertion").1;
    let foreign = forged(assertion, false).replace("saml:", "e:").replace("xmlns:saml", "xmlns:e");
    let foreign = edit(&foreign, "urn:oasis:names:tc:SAML:2.0:assertion", "urn:evil");
    for both in [format!("{foreign}{assertion}"), format!("{assertion}{foreign}"), foreign] {
        assert_eq!(refusal(&edit(&original, assertion, &both)), ErrorKind::Unexpected("Response"));
    }
}

/// An unsigned assertion beside a signed one is the simplest forgery of all.
#[test]
fn unsigned_beside_signed_is_refused_in_either_order() {
    let original = signed(SignedParts::Assertion);
    let assertion = cut(&original, "saml:Assertion").1;
    let forged = forged(assertion, false);
    for both in [format!("{forged}{assertion}"), format!("{assertion}{forged}")] {
        assert_eq!(refusal(&edit(&original, assertion, &both)), ErrorKind::AssertionsSeveral);
    }
}

/// A signature that refers to an element found by an attribute of another namespace or spelling.
#[test]
fn an_id_is_the_attribute_id_and_no_other() {
    let original = signed(SignedParts::Assertion);
    for attribute in [
        "xmlns:e=\"urn:e\" e:ID=\"_assertion\" ID=\"_evil\"",
        "Id=\"_assertion\" ID=\"_evil\"",
        "xml:id=\"_assertion\" ID=\"_evil\"",
    ] {
        let xml = edit(&original, "ID=\"_assertion\"", attribute);
        assert_eq!(refusal(&xml), ErrorKind::ReferenceMisdirected, "{attribute}");
    }
    for attribute in
        ["xmlns:e=\"urn:e\" e:ID=\"_assertion\"", "id=\"_assertion\"", "xml:id=\"_assertion\"", "ID=\"\"", ""]
    {
        let xml = edit(&original, "ID=\"_assertion\"", attribute);
        assert_eq!(refusal(&xml), ErrorKind::ReferenceMisdirected, "{attribute}");
    }
}

/// A signature of something else than the assertion, in a place where some library picks it up.
#[test]
fn a_signature_in_another_place_is_refused() {
    let original = signed(SignedParts::Assertion);
    let assertion = cut(&original, "saml:Assertion").1;
    let signature = signature_of(assertion);
    let moved = edit(
        &edit(&original, signature, ""),
        "</samlp:Status>",
        &format!("<samlp:StatusDetail>{signature}</samlp:StatusDetail></samlp:Status>"),
    );
    assert_eq!(refusal(&moved), ErrorKind::SignatureMisplaced);
    let copied = edit(
        &original,
        "</samlp:Status>",
        &format!("<samlp:StatusDetail>{signature}</samlp:StatusDetail></samlp:Status>"),
    );
    assert_eq!(refusal(&copied), ErrorKind::SignatureMisplaced);
    // Over the response it would vouch for nothing.
    let onto_response = after_issuer(&edit(&original, signature, ""), signature);
    assert_eq!(refusal(&onto_response), ErrorKind::ReferenceMisdirected);
    let twice = edit(&original, signature, &format!("{signature}{signature}"));
    assert_eq!(refusal(&twice), ErrorKind::Repeated("Signature"));
}

/// Two documents in one: a recovering parser would verify one and read the other.
#[test]
fn two_roots_are_refused() {
    let original = signed(SignedParts::Both);
    let forged = forged(&signed(SignedParts::Assertion), false);
    assert_eq!(refusal(&format!("{original}{forged}")), ErrorKind::NotWellFormed);
    assert_eq!(refusal(&format!("{forged}{original}")), ErrorKind::NotWellFormed);
}
