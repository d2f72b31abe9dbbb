//! Signatures that are missing, broken, by somebody else, weak, or over less than they seem to be.

use aws_lc_rs::{digest, hmac};
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

#[test]
fn content_changed_after_signing() {
    for parts in [SignedParts::Assertion, SignedParts::Response, SignedParts::Both] {
        let xml = signed(parts);
        for (from, to) in [(VICTIM, ATTACKER), ("staff", "Administrators"), ("12:05:00Z", "23:05:00Z")] {
            assert_eq!(refusal(&edit(&xml, from, to)), ErrorKind::DigestMismatch, "{from}");
        }
    }
    // An attribute or element more.
    let xml = signed(SignedParts::Assertion);
    assert_eq!(refusal(&edit(&xml, "<saml:Subject>", "<saml:Subject e=\"\">")), ErrorKind::DigestMismatch);
    assert_eq!(
        refusal(&edit(
            &xml,
            "</saml:AttributeStatement>",
            "<saml:Attribute Name=\"x\"/></saml:AttributeStatement>"
        )),
        ErrorKind::DigestMismatch
    );
    // SignedInfo, so that the digest fits the change.
    let signature = cut(&xml, "ds:DigestValue").1;
    let digest = "<ds:DigestValue>AAAA</ds:DigestValue>";
    assert_eq!(refusal(&edit(&xml, signature, digest)), ErrorKind::SignatureInvalid);
}

/// Canonical form is the same, so the signature holds: what is read must be what was signed.
#[test]
fn another_spelling_of_the_same_content_is_the_same_content() {
    let xml = signed(SignedParts::Both);
    let spelled = edit(&xml, VICTIM, "&#97;nn<![CDATA[@example.]]>org");
    assert_eq!(verified(&spelled).name_id(), Some(&*NAME));
    let spelled = edit(&xml, "<saml:Subject>", "<saml:Subject xmlns:unused=\"urn:unused\"\n>");
    assert_eq!(verified(&spelled).name_id(), Some(&*NAME));
}

/// `user@a.com<!---->.evil.com`: the signature holds, for canonical XML drops comments, and a reader of the first
/// text node sees `user@a.com`. The same with a processing instruction; CDATA does not split.
#[test]
fn a_name_is_not_split() {
    let name = format!("{ATTACKER}.evil.com");
    let xml = saying(VICTIM, &name);
    assert_eq!(verified(&xml).name_id().unwrap().value, name);
    let commented = edit(&xml, &name, &format!("{ATTACKER}<!---->.evil.com"));
    assert_eq!(refusal(&commented), ErrorKind::CommentForbidden);
    let instructed = edit(&xml, &name, &format!("{ATTACKER}<?x?>.evil.com"));
    assert_eq!(refusal(&instructed), ErrorKind::ProcessingInstructionForbidden);
    for split in ["<![CDATA[]]>.evil.com", "<![CDATA[.evil]]>.com", "&#46;evil.com"] {
        let cdata = edit(&xml, &name, &format!("{ATTACKER}{split}"));
        assert_eq!(verified(&cdata).name_id().unwrap().value, name, "{split}");
    }
    let element = saying(VICTIM, &format!("{ATTACKER}<e></e>.evil.com"));
    assert_eq!(refusal(&element), ErrorKind::Malformed("NameID"));
    // Comments are refused wherever they are, even outside of what was signed.
    assert_eq!(refusal(&format!("<!-- -->{xml}")), ErrorKind::CommentForbidden);
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

#[test]
fn a_signature_without_key_info_is_verified_all_the_same() {
    let xml = signed(SignedParts::Assertion);
    verified(&edit(&xml, cut(&xml, "ds:KeyInfo").1, ""));
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

/// The public key is public: whoever uses it as the secret of an HMAC believes everybody.
#[test]
fn an_hmac_with_the_public_key() {
    let xml = signed(SignedParts::Assertion);
    let method = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";
    let claimed = edit(&xml, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", method);
    let info = cut(&claimed, "ds:SignedInfo").1;
    let canonical = info.replacen(
        "<ds:SignedInfo>",
        "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">",
        1,
    );
    for secret in [IDP.certificate.pem().into_bytes(), IDP.certificate.der().to_vec()] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), canonical.as_bytes());
        let value = format!("<ds:SignatureValue>{}</ds:SignatureValue>", STANDARD.encode(tag.as_ref()));
        let forged = edit(&claimed, cut(&claimed, "ds:SignatureValue").1, &value);
        assert_eq!(refusal(&forged), ErrorKind::SignatureAlgorithmRefused);
    }
}

#[test]
fn other_algorithms() {
    for method in [
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        "urn:none",
        "none",
    ] {
        let by_hand = ByHand { method, ..ByHand::default() };
        assert_eq!(refusal(&around(&by_hand.sign(&bare_assertion()))), ErrorKind::SignatureAlgorithmRefused);
    }
    let md5 = ByHand { digest_method: "http://www.w3.org/2001/04/xmldsig-more#md5", ..ByHand::default() };
    assert_eq!(refusal(&around(&md5.sign(&bare_assertion()))), ErrorKind::DigestAlgorithmRefused);
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
fn other_canonicalizations() {
    for c14n in [
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "http://www.w3.org/2006/12/xml-c14n11",
        "urn:none",
    ] {
        let by_hand = ByHand { c14n, ..ByHand::default() };
        assert_eq!(
            refusal(&around(&by_hand.sign(&bare_assertion()))),
            ErrorKind::CanonicalizationRefused,
            "{c14n}"
        );
        let transform = format!("{ENVELOPED}<ds:Transform Algorithm=\"{c14n}\"></ds:Transform>");
        let by_hand = ByHand { transforms: transform, ..ByHand::default() };
        assert_eq!(refusal(&around(&by_hand.sign(&bare_assertion()))), ErrorKind::TransformRefused, "{c14n}");
    }
}

/// The identity provider really signed this, but the transform leaves the subject out of what is signed: whoever
/// obeys it lets anybody write the subject.
#[test]
fn a_transform_that_hides_something() {
    let xpath = format!(
        "{ENVELOPED}<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>\
         not(ancestor-or-self::*[local-name()='Subject'])</ds:XPath>\
         </ds:Transform>{EXCLUSIVE}"
    );
    let xslt = format!(
        "{ENVELOPED}<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"></ds:Transform>{EXCLUSIVE}"
    );
    let element = edit(&bare_assertion(), VICTIM, ATTACKER);
    let content = edit(&element, cut(&element, "saml:Subject").1, "");
    for transforms in [
        xpath,
        xslt,
        EXCLUSIVE.to_owned(),
        ENVELOPED.to_owned(),
        format!("{EXCLUSIVE}{ENVELOPED}"),
        format!("{ENVELOPED}{ENVELOPED}{EXCLUSIVE}"),
        String::new(),
    ] {
        let by_hand = ByHand { transforms: transforms.clone(), ..ByHand::default() };
        let kind = refusal(&around(&by_hand.sign_content(&content, &element)));
        assert_eq!(kind, ErrorKind::TransformRefused, "{transforms}");
    }
}

#[test]
fn a_reference_to_anything_but_the_parent() {
    for uri in [
        "",
        "#",
        "_assertion",
        "#_response",
        "#xpointer(/)",
        "#xpointer(id('_assertion'))",
        "https://evil.example/#_assertion",
    ] {
        let by_hand = ByHand { uri: uri.into(), ..ByHand::default() };
        assert_eq!(
            refusal(&around(&by_hand.sign(&bare_assertion()))),
            ErrorKind::ReferenceMisdirected,
            "{uri}"
        );
    }
    // An ID that is not the one referred to, which stands nowhere else.
    assert_eq!(
        refusal(&edit(&signed(SignedParts::Assertion), "ID=\"_assertion\"", "ID=\"_evil\"")),
        ErrorKind::ReferenceMisdirected
    );
}

#[test]
fn more_in_a_signature_than_belongs_there() {
    let reference = "<ds:Reference URI=\"\"><ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\">\
                     </ds:DigestMethod><ds:DigestValue>AAAA</ds:DigestValue></ds:Reference>";
    let by_hand = ByHand { more: reference.into(), ..ByHand::default() };
    assert_eq!(refusal(&around(&by_hand.sign(&bare_assertion()))), ErrorKind::SignatureMalformed);
    let by_hand = ByHand { object: "<ds:Object>x</ds:Object>".into(), ..ByHand::default() };
    assert_eq!(refusal(&around(&by_hand.sign(&bare_assertion()))), ErrorKind::SignatureMalformed);
    let xml = signed(SignedParts::Assertion);
    let method = "rsa-sha256\"></ds:SignatureMethod>";
    let truncated = "rsa-sha256\"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>";
    assert_eq!(refusal(&edit(&xml, method, truncated)), ErrorKind::SignatureMalformed);
    for (from, to) in [
        ("<ds:SignatureValue>", "<ds:SignatureValue>!"),
        ("<ds:DigestValue>", "<ds:DigestValue><e/>"),
        (cut(&xml, "ds:SignatureValue").1, ""),
        (cut(&xml, "ds:SignedInfo").1, ""),
        (cut(&xml, "ds:Reference").1, ""),
    ] {
        assert_eq!(refusal(&edit(&xml, from, to)), ErrorKind::SignatureMalformed, "{from}");
    }
}

#[test]
fn duplicate_and_missing_ids() {
    let xml = signed(SignedParts::Assertion);
    for twice in ["ID=\"_assertion\"", "Id=\"_assertion\"", "id=\"_assertion\"", "xml:id=\"_assertion\""] {
        let xml = edit(&xml, "<samlp:StatusCode ", &format!("<samlp:StatusCode {twice} "));
        assert_eq!(refusal(&xml), ErrorKind::DuplicateId, "{twice}");
    }
    assert_eq!(refusal(&edit(&xml, " ID=\"_response\"", "")), ErrorKind::Missing("ID"));
    // Only the response is signed, and the assertion has nothing to be remembered by.
    let nameless = edit(&bare_assertion(), " ID=\"_assertion\"", "");
    let (whole, by_hand) = (around(&nameless), ByHand { uri: "#_response".into(), ..ByHand::default() });
    assert_eq!(refusal(&by_hand.sign(&whole)), ErrorKind::Missing("ID"));
    verified(&by_hand.sign(&around(&bare_assertion())));
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
