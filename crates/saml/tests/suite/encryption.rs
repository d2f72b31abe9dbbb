//! Encrypted assertions: read as they were written, and no more believed than those in the clear.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saml::{
    CheckName, DataEncryption, DecryptionKey, Encryption, Encryptor, ErrorKind, Expectations, KeyTransport,
    Response, SignedParts, examine_response, post_value,
};

use crate::fixtures::*;

const WAYS: [SignedParts; 3] = [SignedParts::Assertion, SignedParts::Response, SignedParts::Both];
const USUAL: (DataEncryption, KeyTransport) = (DataEncryption::Aes256Gcm, KeyTransport::RsaOaepMgf1p);

fn gcm(parts: SignedParts) -> String {
    encrypted(parts, USUAL.0, USUAL.1)
}

fn cbc_allowed() -> Expectations {
    Expectations { allow_cbc: true, ..expectations() }
}

#[test]
fn what_is_encrypted_is_read() {
    for data in DataEncryption::ALL {
        for transport in KeyTransport::ALL {
            for parts in WAYS {
                let xml = encrypted(parts, data, transport);
                for secret in [VICTIM, "staff", "<saml:Assertion"] {
                    assert!(!xml.contains(secret), "{xml}");
                }
                let outcome = outcome(&xml, &cbc_allowed(), now());
                if data.is_cbc() && !parts.response() {
                    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::CbcUnsigned);
                    continue;
                }
                let verified = outcome.unwrap();
                assert_eq!(verified.name_id(), Some(&*NAME));
                assert_eq!(verified.attributes(), *ATTRIBUTES);
                assert_eq!((verified.covered(), verified.was_encrypted()), (parts, true));
                if data.is_cbc() {
                    assert_eq!(refusal(&xml), ErrorKind::CbcRefused);
                }
            }
        }
    }
    assert!(!verified(&signed(SignedParts::Both)).was_encrypted());
}

#[test]
fn the_checks_tell_of_the_decryption() {
    let examination = examine_response(&post_value(&gcm(SignedParts::Both)), &expectations(), now());
    let check = |name| examination.checks().iter().find(|check| check.name == name).unwrap();
    assert_eq!(check(CheckName::Decryption).received, "AES-256-GCM");
    assert!(check(CheckName::DecryptedAssertion).passed);
    let [assertion] = examination.decrypted() else { panic!("{:?}", examination.decrypted()) };
    assert!(assertion.starts_with("<saml:Assertion ") && assertion.contains(VICTIM), "{assertion}");
    // In the order in which it is done: what is signed outside is verified before anything is decrypted.
    let names: Vec<_> = examination.checks().iter().map(|check| check.name).collect();
    let at = |name| names.iter().position(|other| *other == name).unwrap();
    assert!(at(CheckName::ResponseSignature) < at(CheckName::Decryption));
    assert!(at(CheckName::Decryption) < at(CheckName::AssertionSignature));
}

#[test]
fn encryption_that_is_wanted_must_be_there() {
    let wanted = Expectations { want_assertions_encrypted: true, ..expectations() };
    assert_eq!(refusal_with(&signed(SignedParts::Both), &wanted), ErrorKind::AssertionNotEncrypted);
    assert!(outcome(&gcm(SignedParts::Both), &wanted, now()).unwrap().was_encrypted());
}

#[test]
fn the_right_key_is_found_among_several_and_no_other_will_do() {
    let xml = gcm(SignedParts::Assertion);
    let with = |decryption_keys: Vec<DecryptionKey>| Expectations { decryption_keys, ..expectations() };
    assert_eq!(refusal_with(&xml, &with(Vec::new())), ErrorKind::DecryptionKeyMissing);
    assert_eq!(refusal_with(&xml, &with(vec![decryption_key(&STRANGER)])), ErrorKind::DecryptionFailed);
    assert!(outcome(&xml, &with(vec![decryption_key(&STRANGER), decryption_key(&SP)]), now()).is_ok());
    // Another recipient's key before ours, and one that is wrapped as nobody should.
    let (_, ours, _) = cut(&xml, "xenc:EncryptedKey");
    let for_another = {
        let encryptor = encryptor(&STRANGER, USUAL.0, USUAL.1);
        let encryption = Some(Encryption { encryptor: &encryptor, random: random() });
        Response { encryption, ..response() }.sign(&IDP.signer, SignedParts::Assertion).unwrap()
    };
    let (_, theirs, _) = cut(&for_another, "xenc:EncryptedKey");
    let legacy = edit(theirs, "rsa-oaep-mgf1p", "rsa-1_5");
    assert!(outcome(&edit(&xml, ours, &format!("{theirs}{legacy}{ours}")), &expectations(), now()).is_ok());
    assert_eq!(refusal(&edit(&xml, ours, &legacy)), ErrorKind::KeyTransportRefused);
    assert_eq!(refusal(&edit(&xml, ours, &ours.repeat(9))), ErrorKind::TooManyEncryptedKeys);
    assert_eq!(refusal(&edit(&xml, ours, "")), ErrorKind::EncryptionMalformed);
}

/// Where the key stands beside the data, with a reference to it, as Shibboleth and ADFS can be made to write.
#[test]
fn a_key_beside_the_data_is_found() {
    let xml = gcm(SignedParts::Assertion);
    let (_, key, _) = cut(&xml, "xenc:EncryptedKey");
    let retrieval = "<ds:RetrievalMethod Type=\"http://www.w3.org/2001/04/xmlenc#EncryptedKey\" URI=\"#_key\">\
                     </ds:RetrievalMethod>";
    let named = edit(
        key,
        "<xenc:EncryptedKey>",
        "<xenc:EncryptedKey Id=\"_key\" \
        xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">",
    );
    let beside =
        edit(&edit(&xml, key, retrieval), "</xenc:EncryptedData>", &format!("</xenc:EncryptedData>{named}"));
    assert_eq!(verified(&beside).name_id(), Some(&*NAME));
    // Without KeyInfo at all.
    let (_, info, _) = cut(&beside, "ds:KeyInfo");
    assert_eq!(verified(&edit(&beside, info, "")).name_id(), Some(&*NAME));
}

#[test]
fn the_errors_name_what_is_not_spoken() {
    let xml = gcm(SignedParts::Assertion);
    let sha1 = "http://www.w3.org/2000/09/xmldsig#sha1";
    let digest = format!("<ds:DigestMethod Algorithm=\"{sha1}\"></ds:DigestMethod></xenc:EncryptionMethod>");
    let mixed = edit(&xml, &digest, &digest.replace(sha1, "http://www.w3.org/2001/04/xmlenc#sha256"));
    let error = outcome(&mixed, &expectations(), now()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyTransportMix);
    assert_eq!(error.received_value(), "digest SHA256 with MGF1-SHA1");
    for (from, to, expected) in [
        ("xmlenc11#aes256-gcm", "xmlenc11#aes192-gcm", ErrorKind::EncryptionAlgorithmRefused),
        ("xmlenc11#aes256-gcm", "xmlenc11#AES256-GCM", ErrorKind::EncryptionAlgorithmRefused),
        ("xmlenc11#aes256-gcm", "xmlenc11#aes128-gcm", ErrorKind::DecryptionFailed),
        ("2009/xmlenc11#aes256-gcm", "2001/04/xmlenc#tripledes-cbc", ErrorKind::EncryptionAlgorithmRefused),
        ("rsa-oaep-mgf1p", "rsa-1_5", ErrorKind::KeyTransportRefused),
        ("xmlenc#Element", "xmlenc#Content", ErrorKind::EncryptionMalformed),
        (
            "</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>",
            "!</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>",
            ErrorKind::EncryptionMalformed,
        ),
    ] {
        assert_eq!(refusal(&edit(&xml, from, to)), expected, "{to}");
    }
    // A reference would have us fetch an address of a stranger's choice.
    let (before, rest) = xml.rsplit_once("<xenc:CipherValue>").unwrap();
    let (_, after) = rest.split_once("</xenc:CipherValue>").unwrap();
    let fetched = format!(
        "{before}<xenc:CipherReference URI=\"http://169.254.169.254/\"></xenc:CipherReference>{after}"
    );
    assert_eq!(refusal(&fetched), ErrorKind::EncryptionMalformed);
    let empty = "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>";
    assert_eq!(refusal(&around(empty)), ErrorKind::EncryptionMalformed);
}

/// Identity providers declare namespaces at the top of the response and use them in the ciphertext.
#[test]
fn namespaces_declared_outside_resolve_inside() {
    let whole = signed(SignedParts::Assertion);
    let (_, assertion, _) = cut(&whole, "saml:Assertion");
    let bare = edit(assertion, " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"", "");
    let xml = sealed(&bare, USUAL.0);
    assert_eq!(verified(&xml).name_id(), Some(&*NAME));
    let far = edit(&xml, " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"", "");
    let far = edit(
        &far,
        "<samlp:Response ",
        "<samlp:Response xmlns:a=\"urn:&amp;&quot;&lt;\" xmlns=\"urn:default\" \
                   xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ",
    );
    assert_eq!(verified(&far).name_id(), Some(&*NAME));
}

/// What is decrypted is one assertion and nothing else.
#[test]
fn what_is_decrypted_is_exactly_one_assertion() {
    let whole = signed(SignedParts::Assertion);
    let (_, assertion, _) = cut(&whole, "saml:Assertion");
    let padded = format!("\n{assertion}\n ");
    assert_eq!(verified(&sealed(&padded, USUAL.0)).name_id(), Some(&*NAME));
    let advice = edit(
        &bare_assertion(),
        "</saml:Conditions>",
        &format!("</saml:Conditions><saml:Advice>{assertion}</saml:Advice>"),
    );
    let advice = edit(
        &advice,
        "ID=\"_assertion\" IssueInstant=\"2026-11-24T12:00:00Z\" Version=\"2.0\"><saml:Issuer>https://auth.example/metadata/</saml:Issuer><saml:Subject>",
        "ID=\"_outer\" IssueInstant=\"2026-11-24T12:00:00Z\" Version=\"2.0\"><saml:Issuer>https://auth.example/metadata/</saml:Issuer><saml:Subject>",
    );
    for (plaintext, expected) in [
        (String::new(), ErrorKind::EncryptionMalformed),
        ("text".into(), ErrorKind::EncryptionMalformed),
        (format!("{assertion}text"), ErrorKind::EncryptionMalformed),
        (format!("{assertion}<e/>"), ErrorKind::EncryptionMalformed),
        (edit(&format!("{assertion}{assertion}"), "ID=\"_assertion\"", "ID=\"_x\""), ErrorKind::DuplicateId),
        (format!("{assertion}</_><_>"), ErrorKind::NotWellFormed),
        (format!("</_><_>{assertion}"), ErrorKind::NotWellFormed),
        (format!("{assertion}<![CDATA["), ErrorKind::NotWellFormed),
        (format!("{assertion}<!---->"), ErrorKind::CommentForbidden),
        (format!("<?xml version=\"1.0\"?>{assertion}"), ErrorKind::ProcessingInstructionForbidden),
        (format!("<!DOCTYPE a>{assertion}"), ErrorKind::DoctypeForbidden),
        ("<a>".repeat(70), ErrorKind::TooDeep),
        (
            "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>".into(),
            ErrorKind::EncryptionMalformed,
        ),
        (bare_assertion(), ErrorKind::SignatureMissing),
        (edit(assertion, VICTIM, ATTACKER), ErrorKind::DigestMismatch),
        (advice, ErrorKind::AssertionsSeveral),
        (assertion.replace("_assertion", "_response"), ErrorKind::DuplicateId),
    ] {
        assert_eq!(refusal(&sealed(&plaintext, USUAL.0)), expected, "{plaintext}");
    }
}

#[test]
fn a_name_and_an_attribute_may_be_encrypted() {
    let bare = bare_assertion();
    let hide = |plaintext: &str, element: &str, data: DataEncryption| {
        let xml = sealed(plaintext, data);
        let (_, encrypted, _) = cut(&xml, "saml:EncryptedAssertion");
        encrypted
            .replace("saml:EncryptedAssertion", element)
            .replace(" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"", "")
    };
    let name_id = cut(&bare, "saml:NameID").1;
    let (_, attribute, _) = cut(&bare, "saml:AttributeStatement");
    let attribute = attribute.strip_prefix("<saml:AttributeStatement>").unwrap();
    let attribute = &attribute[..attribute.find("</saml:Attribute>").unwrap() + "</saml:Attribute>".len()];
    let build = |name_plain: &str, data| {
        let assertion = edit(&bare, name_id, &hide(name_plain, "saml:EncryptedID", data));
        let assertion = edit(&assertion, attribute, &hide(attribute, "saml:EncryptedAttribute", data));
        around(&ByHand::default().sign(&assertion))
    };
    let xml = build(name_id, DataEncryption::Aes128Gcm);
    assert!(!xml.contains(VICTIM) && !xml.contains("staff"));
    let read = verified(&xml);
    assert_eq!(read.name_id(), Some(&*NAME));
    assert_eq!(read.attributes(), *ATTRIBUTES);
    assert!(!read.was_encrypted());
    // The verified signature of the assertion covers this ciphertext.
    let xml = build(name_id, DataEncryption::Aes128Cbc);
    assert_eq!(refusal(&xml), ErrorKind::CbcRefused);
    assert_eq!(outcome(&xml, &cbc_allowed(), now()).unwrap().name_id(), Some(&*NAME));
    for (plaintext, expected) in [
        (attribute, ErrorKind::EncryptionMalformed),
        ("<saml:NameID>a<e/>b</saml:NameID>", ErrorKind::Malformed("NameID")),
        ("<saml:NameID>a<!---->b</saml:NameID>", ErrorKind::CommentForbidden),
        ("<saml:NameID></saml:NameID>", ErrorKind::NameIdMissing),
    ] {
        assert_eq!(refusal(&build(plaintext, DataEncryption::Aes256Gcm)), expected, "{plaintext}");
    }
    let none = Expectations { decryption_keys: Vec::new(), ..expectations() };
    assert_eq!(
        refusal_with(&build(name_id, DataEncryption::Aes256Gcm), &none),
        ErrorKind::DecryptionKeyMissing
    );
}

/// Every byte of the ciphertext and of the wrapped key, changed, is one and the same error.
#[test]
fn a_changed_ciphertext_is_one_and_the_same_error() {
    let xml = gcm(SignedParts::Assertion);
    let error = |xml: &str| outcome(xml, &expectations(), now()).unwrap_err();
    let expected = {
        let (_, key, _) = cut(&xml, "xenc:EncryptedKey");
        let (_, value, _) = cut(key, "xenc:CipherValue");
        error(&edit(&xml, value, "<xenc:CipherValue>AAAA</xenc:CipherValue>"))
    };
    assert_eq!(expected.kind(), ErrorKind::DecryptionFailed);
    let mut start = 0;
    while let Some(at) = xml[start..].find("<xenc:CipherValue>").map(|at| at + start + 18) {
        let end = at + xml[at..].find('<').unwrap();
        let bytes = STANDARD.decode(&xml[at..end]).unwrap();
        for index in (0..bytes.len()).step_by(37).chain([bytes.len() - 1]) {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            let xml = format!("{}{}{}", &xml[..at], STANDARD.encode(changed), &xml[end..]);
            assert_eq!(error(&xml), expected);
        }
        start = end;
    }
    // In a signed response the signature fails first, and nothing is decrypted.
    let both = gcm(SignedParts::Both);
    let (before, rest) = both.rsplit_once("<xenc:CipherValue>").unwrap();
    assert_eq!(refusal(&format!("{before}<xenc:CipherValue>AAAA{}", &rest[4..])), ErrorKind::DigestMismatch);
}

#[test]
fn keys_that_do_not_encrypt() {
    for party in [&*P256, &*P384] {
        let error = Encryptor::new(party.certificate.clone(), USUAL.0, USUAL.1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::EncryptionKeyUnfit);
        let error = DecryptionKey::from_pkcs8_pem(&party.key_pem).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::EncryptionKeyUnfit);
    }
    assert_eq!(DecryptionKey::from_pkcs8_pem("x").unwrap_err().kind(), ErrorKind::KeyUnreadable);
}

/// Neither private keys nor content keys get into a log.
#[test]
fn keys_are_not_printed() {
    let encryptor = encryptor(&SP, USUAL.0, USUAL.1);
    let encryption = Encryption { encryptor: &encryptor, random: [171; 48] };
    assert_eq!(
        format!("{encryption:?} {:?}", decryption_key(&SP)),
        "Encryption { encryptor: Encryptor(AES-256-GCM, RSA-OAEP (SHA-1)), .. } DecryptionKey(RSA with 2048 bits)"
    );
}
