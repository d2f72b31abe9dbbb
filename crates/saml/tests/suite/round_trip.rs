//! What the identity provider writes, the service provider reads.

use proptest::prelude::*;
use saml::{
    Attribute, CheckName, DataEncryption, DigestAlgorithm, Encryption, ErrorKind, ErrorResponse,
    Expectations, KeyTransport, NameId, NameIdFormat, SignatureAlgorithm, SignedParts, Signer, StatusCode,
    examine_response, post_value, untrusted_in_response_to,
};

use crate::fixtures::*;

const PARTS: [SignedParts; 3] = [SignedParts::Assertion, SignedParts::Response, SignedParts::Both];

#[test]
fn everything_comes_out_as_it_went_in() {
    for parts in PARTS {
        let assertion = verified(&signed(parts));
        assert_eq!(assertion.id(), "_assertion");
        assert_eq!(assertion.issuer(), ISSUER);
        assert_eq!(assertion.in_response_to(), Some(REQUEST));
        assert_eq!(assertion.name_id(), Some(&*NAME));
        assert_eq!(assertion.attributes(), *ATTRIBUTES);
        assert_eq!(assertion.authn_instant(), response().authn_instant);
        assert_eq!(assertion.authn_context(), Some(response().authn_context.as_str()));
        assert_eq!(assertion.session_index(), Some("session"));
        assert_eq!(assertion.session_not_on_or_after(), response().session_not_on_or_after);
        assert_eq!(assertion.not_on_or_after(), response().not_on_or_after);
        assert_eq!(assertion.covered(), parts);
    }
}

#[test]
fn every_key_signs_with_every_algorithm_it_can() {
    for party in [&*IDP, &*P256, &*P384] {
        for algorithm in party.signer.key().key_type().signature_algorithms() {
            for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512] {
                let (key, certificate) = (party.signer.key().clone(), party.certificate.clone());
                let signer = Signer::new(key, certificate.clone(), *algorithm, digest).unwrap();
                let xml = response().sign(&signer, SignedParts::Both).unwrap();
                let expected = Expectations { certificates: vec![certificate], ..expectations() };
                assert!(outcome(&xml, &expected, now()).is_ok(), "{algorithm} {digest}");
            }
        }
    }
}

#[test]
fn a_signer_is_of_one_piece() {
    let (key, certificate) = (IDP.signer.key().clone(), IDP.certificate.clone());
    let kind = |key, certificate, algorithm| {
        Signer::new(key, certificate, algorithm, DigestAlgorithm::Sha256).unwrap_err().kind()
    };
    let other = STRANGER.certificate.clone();
    assert_eq!(kind(key.clone(), other, SignatureAlgorithm::RsaSha256), ErrorKind::CertificateOfAnotherKey);
    assert_eq!(
        kind(key.clone(), certificate.clone(), SignatureAlgorithm::EcdsaSha256),
        ErrorKind::AlgorithmUnfit
    );
    assert_eq!(kind(key, certificate, SignatureAlgorithm::RsaSha1), ErrorKind::AlgorithmUnfit);
}

#[test]
fn any_of_several_certificates_will_do() {
    let certificates = vec![P256.certificate.clone(), STRANGER.certificate.clone(), IDP.certificate.clone()];
    let expected = Expectations { certificates, ..expectations() };
    assert!(outcome(&signed(SignedParts::Assertion), &expected, now()).is_ok());
}

#[test]
fn an_unasked_answer_is_accepted_only_where_none_was_asked() {
    let mut unasked = response();
    unasked.in_response_to = None;
    let unasked = unasked.sign(&IDP.signer, SignedParts::Assertion).unwrap();
    let expected = Expectations { in_response_to: None, ..expectations() };
    assert_eq!(outcome(&unasked, &expected, now()).unwrap().in_response_to(), None);
    assert_eq!(refusal(&unasked), ErrorKind::InResponseToMismatch);
    assert_eq!(refusal_with(&signed(SignedParts::Assertion), &expected), ErrorKind::Unsolicited);
    assert_eq!(untrusted_in_response_to(&post_value(&unasked)), None);
}

#[test]
fn the_claimed_request_can_be_peeked_at() {
    assert_eq!(untrusted_in_response_to(&post_value(&signed(SignedParts::Both))).as_deref(), Some(REQUEST));
    for value in ["", "!", "AAAA", &post_value("<a InResponseTo='x'/>"), &post_value("<!DOCTYPE a><a/>")] {
        assert_eq!(untrusted_in_response_to(value), None, "{value}");
    }
}

#[test]
fn an_error_is_told_with_its_reason() {
    let refused = ErrorResponse {
        id: "_response",
        issue_instant: now(),
        issuer: ISSUER,
        destination: ACS,
        in_response_to: Some(REQUEST),
        status: StatusCode::Responder,
        sub_status: Some(StatusCode::NoPassive),
        message: Some("Nobody is signed in."),
    };
    for signer in [None, Some(&IDP.signer)] {
        let error = outcome(&refused.to_xml(signer).unwrap(), &expectations(), now()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StatusNotSuccess);
        assert_eq!(error.received_value(), "Responder, NoPassive (Nobody is signed in.)");
    }
}

#[test]
fn the_examination_lists_every_check_up_to_the_first_that_failed() {
    let xml = signed(SignedParts::Both);
    let examination = examine_response(&post_value(&xml), &expectations(), now());
    assert_eq!(examination.xml(), xml);
    let names: Vec<CheckName> = examination.checks().iter().map(|check| check.name).collect();
    for name in [
        CheckName::Encoding,
        CheckName::Xml,
        CheckName::Message,
        CheckName::Destination,
        CheckName::InResponseTo,
        CheckName::ResponseIssuer,
        CheckName::Status,
        CheckName::Assertion,
        CheckName::Signed,
        CheckName::ResponseSignature,
        CheckName::AssertionSignature,
        CheckName::AssertionIssuer,
        CheckName::NameId,
        CheckName::Bearer,
        CheckName::Recipient,
        CheckName::ConfirmationInResponseTo,
        CheckName::ConfirmationTime,
        CheckName::Validity,
        CheckName::Conditions,
        CheckName::Audience,
        CheckName::AuthnStatement,
        CheckName::Session,
        CheckName::Attributes,
    ] {
        assert!(names.contains(&name), "{name}");
    }
    let expected = Expectations { audience: "https://elsewhere".into(), ..expectations() };
    let examination = examine_response(&post_value(&xml), &expected, now());
    let last = examination.checks().last().unwrap();
    assert_eq!((last.name, last.passed), (CheckName::Audience, false));
    assert_eq!((&*last.expected, &*last.received), ("https://elsewhere", AUDIENCE));
    let sentence = examination.outcome().unwrap_err().sentence();
    assert!(
        sentence.contains("Audience at the identity provider") && sentence.contains(AUDIENCE),
        "{sentence}"
    );
    let nothing = examine_response("!", &expectations(), now());
    assert_eq!(nothing.outcome().unwrap_err().kind(), ErrorKind::NotBase64);
    assert_eq!((nothing.checks().len(), nothing.xml()), (1, ""));
}

#[test]
fn what_xml_cannot_carry_is_refused_when_writing() {
    for value in ["a\0b", "a\u{1b}", "\u{ffff}"] {
        let name = NameId::new(NameIdFormat::Unspecified, value);
        let mut answer = response();
        answer.name_id = &name;
        let error = answer.sign(&IDP.signer, SignedParts::Assertion).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CharacterForbidden("saml:NameID"));
    }
}

#[test]
fn an_attribute_that_is_repeated_is_one_with_all_values() {
    let attributes =
        [Attribute::new("Role", ["a"]), Attribute::new("x", ["y"]), Attribute::new("Role", ["b", "c"])];
    let mut answer = response();
    answer.attributes = &attributes;
    let assertion = verified(&answer.sign(&IDP.signer, SignedParts::Assertion).unwrap());
    assert_eq!(assertion.attributes(), [Attribute::new("Role", ["a", "b", "c"]), Attribute::new("x", ["y"])]);
}

/// Whatever XML can carry.
fn carried() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![
            4 => any::<char>().prop_filter("XML", |c| !matches!(c, '\u{fffe}' | '\u{ffff}') && (*c >= ' ' || "\t\n\r".contains(*c))),
            1 => proptest::sample::select(vec!['&', '<', '>', '"', '\'', '\r', '\n', '\t', ' ', ']']),
        ],
        0..30,
    )
    .prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_comes_through(
        name in carried().prop_filter("a name", |name| !name.trim().is_empty()),
        names in proptest::collection::btree_map(carried().prop_filter("a name", |name| !name.is_empty()), proptest::collection::vec(carried(), 0..3), 0..4),
        session in carried(),
        data in proptest::option::of(proptest::sample::select(DataEncryption::ALL.to_vec())),
        transport in proptest::sample::select(KeyTransport::ALL.to_vec()),
    ) {
        let name = NameId::new(NameIdFormat::Persistent, name);
        let attributes: Vec<Attribute> = names.into_iter().map(|(name, values)| Attribute::new(name, values)).collect();
        let mut answer = response();
        (answer.name_id, answer.attributes, answer.session_index) = (&name, &attributes, Some(session.as_str()));
        let encryptor = encryptor(&SP, data.unwrap_or_default(), transport);
        answer.encryption = data.map(|_| Encryption { encryptor: &encryptor, random: random() });
        let xml = answer.sign(&P256.signer, SignedParts::Both).unwrap();
        let certificates = vec![P256.certificate.clone()];
        let expected = Expectations { certificates, want_attribute_statement: false, allow_cbc: true, ..expectations() };
        let assertion = outcome(&xml, &expected, now()).unwrap();
        prop_assert_eq!(assertion.name_id(), Some(&name));
        prop_assert_eq!(assertion.attributes(), attributes);
        prop_assert_eq!(assertion.session_index(), Some(&*session));
        prop_assert_eq!(assertion.was_encrypted(), data.is_some());
    }

    /// Anybody can encrypt for us.
    #[test]
    fn no_plaintext_of_a_stranger_lets_anybody_in(plaintext in "(<saml:Assertion|</_>|<_>|<!--|<a|/>|>|<|&|]]>|<!\\[CDATA\\[| xmlns=\"\"| ID='_a'|\\PC){0,20}") {
        prop_assert!(outcome(&sealed(&plaintext, DataEncryption::Aes128Gcm), &expectations(), now()).is_err());
    }

    #[test]
    fn no_change_of_a_byte_changes_the_person(at in any::<proptest::sample::Index>(), byte in any::<char>()) {
        let xml = signed(SignedParts::Both);
        let (index, old) = xml.char_indices().nth(at.index(xml.chars().count())).unwrap();
        let changed = format!("{}{byte}{}", &xml[..index], &xml[index + old.len_utf8()..]);
        if let Ok(assertion) = outcome(&changed, &expectations(), now()) {
            prop_assert_eq!(assertion.name_id(), Some(&*NAME));
            prop_assert_eq!(assertion.attributes(), &**ATTRIBUTES);
            prop_assert_eq!(assertion.id(), "_assertion");
        }
    }
}
