//! Signatures that are missing, broken, by somebody else, weak, or over less than they seem to be.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saml::{ErrorKind, Expectations, SignedParts};

use crate::fixtures::*;

#[test]
fn a_stripped_signature() {
    for parts in [SignedParts::Assertion, SignedParts::Response] {
        assert_eq!(refusal(&unsigned(&signed(parts))), ErrorKind::SignatureMissing);
    }
    // Stripped of one of two, the other still covers what is read, unless more is wanted.
    let both = signed(SignedParts::Both);
    let (before, assertion, after) = cut(&both, "saml:Assertion");
    let assertion_only = format!("{}{assertion}{after}", unsigned(before));
    assert_eq!(verified(&assertion_only).covered(), SignedParts::Assertion);
    let messages = Expectations { want_messages_signed: true, ..expectations() };
    assert_eq!(refusal_with(&assertion_only, &messages), ErrorKind::ResponseNotSigned);
    let response_only = format!("{before}{}{after}", unsigned(assertion));
    assert_eq!(refusal(&response_only), ErrorKind::DigestMismatch);
}

#[test]
fn what_is_wanted_signed_must_be_signed_itself() {
    let assertions = Expectations { want_assertions_signed: true, ..expectations() };
    let messages = Expectations { want_messages_signed: true, ..expectations() };
    assert_eq!(refusal_with(&signed(SignedParts::Response), &assertions), ErrorKind::AssertionNotSigned);
    assert_eq!(refusal_with(&signed(SignedParts::Assertion), &messages), ErrorKind::ResponseNotSigned);
    for expected in [assertions, messages] {
        assert!(outcome(&signed(SignedParts::Both), &expected, now()).is_ok());
    }
}

/// The attacker signs with a key of their own and sends the certificate along. The real certificate beside it
/// does not help either.
#[test]
fn a_key_that_comes_along_is_not_believed() {
    for parts in [SignedParts::Assertion, SignedParts::Response, SignedParts::Both] {
        let xml = response().sign(&STRANGER.signer, parts).unwrap();
        let error = outcome(&xml, &expectations(), now()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SignatureInvalid);
        assert!(error.received_value().contains(&STRANGER.certificate.sha256_fingerprint()), "{error}");
        let certificate = STANDARD.encode(STRANGER.certificate.der());
        let real = edit(&xml, &certificate, &STANDARD.encode(IDP.certificate.der()));
        assert_eq!(refusal(&real), ErrorKind::SignatureInvalid);
        let both = format!(
            "{certificate}</ds:X509Certificate><ds:X509Certificate>{}",
            STANDARD.encode(IDP.certificate.der())
        );
        assert_eq!(refusal(&edit(&xml, &certificate, &both)), ErrorKind::SignatureInvalid);
    }
    let nothing = Expectations { certificates: Vec::new(), ..expectations() };
    assert_eq!(refusal_with(&signed(SignedParts::Both), &nothing), ErrorKind::CertificateMissing);
}

/// The algorithm comes from the key that is configured, not from the message.
#[test]
fn a_key_of_another_family() {
    let xml = response().sign(&P256.signer, SignedParts::Assertion).unwrap();
    assert_eq!(refusal(&xml), ErrorKind::KeyTypeMismatch);
    let expected = Expectations { certificates: vec![P256.certificate.clone()], ..expectations() };
    assert_eq!(refusal_with(&signed(SignedParts::Assertion), &expected), ErrorKind::KeyTypeMismatch);
    let expected = Expectations { certificates: vec![P384.certificate.clone()], ..expectations() };
    assert_eq!(refusal_with(&xml, &expected), ErrorKind::SignatureInvalid);
}

#[test]
fn sha1_counts_only_where_it_is_allowed_by_name() {
    let sha1 = ByHand {
        digest_method: "http://www.w3.org/2000/09/xmldsig#sha1",
        digest_algorithm: &digest::SHA1_FOR_LEGACY_USE_ONLY,
        ..ByHand::default()
    };
    let xml = around(&sha1.sign(&bare_assertion()));
    assert_eq!(refusal(&xml), ErrorKind::Sha1Refused);
    let allowed = Expectations { allow_sha1: true, ..expectations() };
    assert!(outcome(&xml, &allowed, now()).is_ok());
    let method = ByHand { method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1", ..ByHand::default() };
    assert_eq!(refusal(&around(&method.sign(&bare_assertion()))), ErrorKind::Sha1Refused);
}

#[test]
fn documents_that_are_made_to_hurt() {
    let xml = signed(SignedParts::Assertion);
    let laughs = "<!DOCTYPE lolz [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>";
    let external = "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>";
    let defaulted = "<!DOCTYPE x [<!ATTLIST saml:Assertion ID CDATA \"_assertion\">]>";
    for doctype in ["<!DOCTYPE x>", laughs, external, defaulted] {
        assert_eq!(refusal(&format!("{doctype}{xml}")), ErrorKind::DoctypeForbidden);
    }
    let nested = format!("<saml:Subject>{}{}", "<e>".repeat(20_000), "</e>".repeat(20_000));
    assert_eq!(refusal(&edit(&xml, "<saml:Subject>", &nested)), ErrorKind::TooDeep);
    let attributes: String = (0..20_000).map(|i| format!(" a{i}=\"\"")).collect();
    assert_eq!(
        refusal(&edit(&xml, "<saml:Subject>", &format!("<saml:Subject{attributes}>"))),
        ErrorKind::TooManyAttributes
    );
    let siblings = format!("<saml:Subject>{}", "<e/>".repeat(20_001));
    assert_eq!(refusal(&edit(&xml, "<saml:Subject>", &siblings)), ErrorKind::TooManyNodes);
    let long = edit(&xml, VICTIM, &"x".repeat(saml::MAX_MESSAGE_BYTES));
    let error = saml::verify_response_xml(&long, &expectations(), now()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(
        saml::verify_response(&saml::post_value(&long), &expectations(), now()).unwrap_err().kind(),
        ErrorKind::TooLarge
    );
}
