//! Encrypted assertions. Anybody can encrypt for the service provider, so encryption proves nothing; and what decrypts
//! must not tell a stranger what came out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saml::{DataEncryption, ErrorKind, Expectations, KeyTransport, SignedParts};

use crate::attack::{AsSigned, Attack, Outcome, Refused};
use crate::fixtures::*;
use crate::wrapping::{after_issuer, forged};

const GCM: DataEncryption = DataEncryption::Aes256Gcm;

fn original(parts: SignedParts) -> String {
    encrypted(parts, GCM, KeyTransport::RsaOaepMgf1p)
}

pub(crate) fn attacks() -> Vec<Attack> {
    [around_and_beside(), plaintexts(), ciphertexts(), keys(), cbc_oracle()].concat()
}

fn around_and_beside() -> Vec<Attack> {
    let gain =
        "Signs in as anybody wherever one of two assertions is decrypted and verified and the other read.";
    let (clear, hidden) = (signed(SignedParts::Assertion), original(SignedParts::Assertion));
    let (assertion, ciphertext) =
        (cut(&clear, "saml:Assertion").1, cut(&hidden, "saml:EncryptedAssertion").1);
    let forged_clear = forged(assertion, false);
    let forged_sealed = sealed(&forged_clear, GCM);
    let forged_sealed = cut(&forged_sealed, "saml:EncryptedAssertion").1;
    let several = Refused(ErrorKind::AssertionsSeveral);
    let data = cut(ciphertext, "xenc:EncryptedData").1;
    let in_detail = |what: &str| format!("<samlp:StatusDetail>{what}</samlp:StatusDetail></samlp:Status>");
    let entries: Vec<(&str, &str, String, Outcome)> = vec![
        (
            "forged in the clear before encrypted",
            &hidden,
            edit(&hidden, ciphertext, &format!("{forged_clear}{ciphertext}")),
            several,
        ),
        (
            "forged in the clear after encrypted",
            &hidden,
            edit(&hidden, ciphertext, &format!("{ciphertext}{forged_clear}")),
            several,
        ),
        (
            "forged encrypted before signed",
            &clear,
            edit(&clear, assertion, &format!("{forged_sealed}{assertion}")),
            several,
        ),
        (
            "forged encrypted after signed",
            &clear,
            edit(&clear, assertion, &format!("{assertion}{forged_sealed}")),
            several,
        ),
        (
            "forged encrypted before encrypted",
            &hidden,
            edit(&hidden, ciphertext, &format!("{forged_sealed}{ciphertext}")),
            several,
        ),
        (
            "forged encrypted after encrypted",
            &hidden,
            edit(&hidden, ciphertext, &format!("{ciphertext}{forged_sealed}")),
            several,
        ),
        (
            "encrypted in Extensions, forged in place",
            &hidden,
            after_issuer(
                &edit(&hidden, ciphertext, &forged_clear),
                &format!("<samlp:Extensions>{ciphertext}</samlp:Extensions>"),
            ),
            several,
        ),
        (
            "encrypted in StatusDetail, forged in place",
            &hidden,
            edit(&edit(&hidden, ciphertext, forged_sealed), "</samlp:Status>", &in_detail(ciphertext)),
            several,
        ),
        (
            "encrypted within Advice of a forged one",
            &hidden,
            edit(
                &hidden,
                ciphertext,
                &edit(
                    &forged_clear,
                    "<saml:AuthnStatement",
                    &format!("<saml:Advice>{ciphertext}</saml:Advice><saml:AuthnStatement"),
                ),
            ),
            several,
        ),
        (
            "encrypted within encrypted",
            &hidden,
            edit(
                &hidden,
                data,
                &format!(
                    "<xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\">{ciphertext}</xenc:EncryptedData>"
                ),
            ),
            several,
        ),
        (
            "two EncryptedData, forged first",
            &hidden,
            edit(&hidden, data, &format!("{}{data}", cut(forged_sealed, "xenc:EncryptedData").1)),
            Refused(ErrorKind::EncryptionMalformed),
        ),
        (
            "two EncryptedData, forged last",
            &hidden,
            edit(&hidden, data, &format!("{data}{}", cut(forged_sealed, "xenc:EncryptedData").1)),
            Refused(ErrorKind::EncryptionMalformed),
        ),
        ("signed beside EncryptedData", &hidden, edit(&hidden, data, &format!("{data}{assertion}")), several),
        (
            "EncryptedAssertion of another namespace",
            &hidden,
            hidden
                .replace(
                    "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
                    "<e:EncryptedAssertion xmlns:e=\"urn:evil\"",
                )
                .replace("</saml:EncryptedAssertion", "</e:EncryptedAssertion"),
            Refused(ErrorKind::Unexpected("Response")),
        ),
        (
            "bare EncryptedData",
            &hidden,
            edit(&hidden, ciphertext, data),
            Refused(ErrorKind::Unexpected("Response")),
        ),
    ];
    entries
        .into_iter()
        .map(|(name, original, message, outcome)| Attack::new(name, gain, original, message, outcome))
        .collect()
}

/// What the attacker encrypts for the service provider.
fn plaintexts() -> Vec<Attack> {
    let gain = "Signs in as anybody wherever what could be decrypted is believed to come from the identity provider.";
    let (clear, original) = (signed(SignedParts::Assertion), original(SignedParts::Assertion));
    let assertion = cut(&clear, "saml:Assertion").1;
    let signature = cut(assertion, "ds:Signature").1;
    let forged = forged(assertion, false);
    let by_stranger = response().sign(&STRANGER.signer, SignedParts::Assertion).unwrap();
    let by_stranger = cut(&by_stranger, "saml:Assertion").1;
    let in_advice = edit(
        &forged,
        "<saml:AuthnStatement",
        &format!("<saml:Advice>{assertion}</saml:Advice><saml:AuthnStatement"),
    );
    let entries = vec![
        ("unsigned plaintext", forged.clone(), Refused(ErrorKind::SignatureMissing)),
        ("changed plaintext", edit(assertion, VICTIM, ATTACKER), Refused(ErrorKind::DigestMismatch)),
        ("plaintext signed by a stranger", by_stranger.to_owned(), Refused(ErrorKind::SignatureInvalid)),
        (
            "signature of another element in the plaintext",
            after_issuer(&forged, signature),
            Refused(ErrorKind::ReferenceMisdirected),
        ),
        (
            "signature beside the plaintext",
            format!("{forged}{signature}"),
            Refused(ErrorKind::EncryptionMalformed),
        ),
        (
            "signed after forged plaintext",
            format!("{forged}{assertion}"),
            Refused(ErrorKind::EncryptionMalformed),
        ),
        (
            "signed before forged plaintext",
            format!("{assertion}{forged}"),
            Refused(ErrorKind::EncryptionMalformed),
        ),
        ("signed within forged plaintext", in_advice, Refused(ErrorKind::AssertionsSeveral)),
        (
            "plaintext that closes what is around it",
            format!("{forged}</_>{assertion}<_>"),
            Refused(ErrorKind::NotWellFormed),
        ),
        (
            "plaintext with the ID of the response",
            edit(&forged, "ID=\"_evil\"", "ID=\"_response\""),
            Refused(ErrorKind::DuplicateId),
        ),
        (
            "plaintext with a comment",
            edit(assertion, VICTIM, "ann<!---->@example.org"),
            Refused(ErrorKind::CommentForbidden),
        ),
        (
            "plaintext with a DOCTYPE",
            format!("<!DOCTYPE a>{assertion}"),
            Refused(ErrorKind::DoctypeForbidden),
        ),
        ("plaintext that is deep", "<e>".repeat(30_000), Refused(ErrorKind::TooDeep)),
        ("plaintext that is a whole response", clear.clone(), Refused(ErrorKind::EncryptionMalformed)),
        ("plaintext that is text", VICTIM.to_owned(), Refused(ErrorKind::EncryptionMalformed)),
        ("plaintext that is nothing", String::new(), Refused(ErrorKind::EncryptionMalformed)),
        ("signed plaintext, encrypted again", assertion.to_owned(), AsSigned),
        (
            "signed plaintext that relies on declarations outside",
            assertion.replace(" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"", ""),
            AsSigned,
        ),
    ];
    let mut attacks: Vec<_> = entries
        .into_iter()
        .map(|(name, plaintext, outcome)| {
            Attack::new(name, gain, &original, sealed(&plaintext, GCM), outcome)
        })
        .collect();
    // The declarations around it give the prefix another meaning.
    let relying =
        sealed(&assertion.replace(" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"", ""), GCM);
    let (before, encrypted, after) = cut(&relying, "saml:EncryptedAssertion");
    let renamed = encrypted.replace("saml:", "s:").replace("xmlns:saml", "xmlns:s");
    let renamed = edit(&renamed, "<s:EncryptedAssertion ", "<s:EncryptedAssertion xmlns:saml=\"urn:evil\" ");
    attacks.push(Attack::new(
        "plaintext whose prefix stands for another namespace",
        gain,
        &original,
        format!("{before}{renamed}{after}"),
        Refused(ErrorKind::EncryptionMalformed),
    ));
    attacks
}

fn ciphertexts() -> Vec<Attack> {
    let gain = "Has one person's session filled with another's assertion, or learns the plaintext from how it fails.";
    let (first, second) = (original(SignedParts::Assertion), original(SignedParts::Assertion));
    let both = original(SignedParts::Both);
    let value = |xml: &str, index: usize| {
        xml.split("<xenc:CipherValue>").nth(index + 1).unwrap().split('<').next().unwrap().to_owned()
    };
    let failed = Refused(ErrorKind::DecryptionFailed);
    let flipped = |encoded: &str, at: fn(usize) -> usize| {
        let mut bytes = STANDARD.decode(encoded).unwrap();
        let at = at(bytes.len());
        bytes[at] ^= 0x10;
        STANDARD.encode(bytes)
    };
    let (key, content) = (value(&first, 0), value(&first, 1));
    let cut_short = STANDARD.encode(&STANDARD.decode(&content).unwrap()[..40]);
    let relabelled = edit(
        &first,
        "http://www.w3.org/2009/xmlenc11#aes256-gcm",
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
    );
    let mut attacks: Vec<_> = [
        ("content of another message", edit(&first, &content, &value(&second, 1)), failed),
        ("wrapped key of another message", edit(&first, &key, &value(&second, 0)), failed),
        (
            "flipped bit in the initialization vector",
            edit(&first, &content, &flipped(&content, |_| 0)),
            failed,
        ),
        (
            "flipped bit in the content",
            edit(&first, &content, &flipped(&content, |length| length / 2)),
            failed,
        ),
        ("flipped bit in the tag", edit(&first, &content, &flipped(&content, |length| length - 1)), failed),
        ("flipped bit in the wrapped key", edit(&first, &key, &flipped(&key, |length| length / 2)), failed),
        ("content cut short", edit(&first, &content, &cut_short), failed),
        ("content of nothing", edit(&first, &content, ""), failed),
        ("wrapped key of nothing", edit(&first, &key, ""), failed),
        ("GCM read as AES-128", edit(&first, "aes256-gcm", "aes128-gcm"), failed),
        ("GCM relabelled as CBC", relabelled.clone(), Refused(ErrorKind::CbcRefused)),
        (
            "ciphertext fetched from an address",
            edit(
                &first,
                &format!("<xenc:CipherValue>{content}</xenc:CipherValue>"),
                "<xenc:CipherReference URI=\"http://169.254.169.254/\"/>",
            ),
            Refused(ErrorKind::EncryptionMalformed),
        ),
        (
            "content instead of an element",
            edit(&first, "xmlenc#Element", "xmlenc#Content"),
            Refused(ErrorKind::EncryptionMalformed),
        ),
        ("whole encrypted again by the attacker", second.clone(), AsSigned),
    ]
    .map(|(name, message, outcome)| Attack::new(name, gain, &first, message, outcome))
    .to_vec();
    let allowed = Expectations { allow_cbc: true, ..expectations() };
    attacks.push(
        Attack::new(
            "GCM relabelled as CBC where CBC is allowed",
            gain,
            &first,
            relabelled,
            Refused(ErrorKind::CbcUnsigned),
        )
        .expecting(allowed),
    );
    attacks.push(Attack::new(
        "content of another message in a signed response",
        gain,
        &both,
        edit(&both, &value(&both, 1), &content),
        Refused(ErrorKind::DigestMismatch),
    ));
    attacks.push(Attack::new(
        "wrapped key of another message in a signed response",
        gain,
        &both,
        edit(&both, &value(&both, 0), &key),
        Refused(ErrorKind::DigestMismatch),
    ));
    attacks
}

fn keys() -> Vec<Attack> {
    let gain = "Learns a content key, or has one of their own used, by what the service provider does with wrapped keys.";
    let original = original(SignedParts::Assertion);
    let key = cut(&original, "xenc:EncryptedKey").1;
    let value = key.split("<xenc:CipherValue>").nth(1).unwrap().split('<').next().unwrap();
    let with_value = |bytes: &[u8]| edit(&original, value, &STANDARD.encode(bytes));
    let failed = Refused(ErrorKind::DecryptionFailed);
    let oaep = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
    let digest = "<ds:DigestMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#sha1\"></ds:DigestMethod></xenc:EncryptionMethod>";
    let sha256 =
        digest.replace("http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2001/04/xmlenc#sha256");
    let label = digest.replace(
        "</xenc:EncryptionMethod>",
        "<xenc:OAEPparams>AAAA</xenc:OAEPparams></xenc:EncryptionMethod>",
    );
    [
        ("content key of the attacker", with_value(&wrap(&[0; 32], &SP)), failed),
        ("content key of another length", with_value(&wrap(&[0; 16], &SP)), failed),
        ("content key of no length", with_value(&wrap(&[], &SP)), failed),
        ("content key for another recipient", with_value(&wrap(&[0; 32], &STRANGER)), failed),
        ("wrapped key of zeros", with_value(&[0; 256]), failed),
        ("wrapped key larger than the modulus", with_value(&[0xff; 256]), failed),
        ("wrapped key of another length", with_value(&[1; 255]), failed),
        ("another OAEP label", edit(&original, digest, &label), failed),
        (
            "RSA PKCS#1 v1.5",
            edit(&original, oaep, "http://www.w3.org/2001/04/xmlenc#rsa-1_5"),
            Refused(ErrorKind::KeyTransportRefused),
        ),
        (
            "key wrapped under a shared key",
            edit(&original, oaep, "http://www.w3.org/2001/04/xmlenc#kw-aes256"),
            Refused(ErrorKind::KeyTransportRefused),
        ),
        ("another digest of OAEP", edit(&original, digest, &sha256), Refused(ErrorKind::KeyTransportMix)),
        (
            "the newer name of the same OAEP",
            edit(&original, oaep, "http://www.w3.org/2009/xmlenc11#rsa-oaep"),
            AsSigned,
        ),
        ("nine wrapped keys", edit(&original, key, &key.repeat(9)), Refused(ErrorKind::TooManyEncryptedKeys)),
        (
            "a wrapped key of the attacker before the right one",
            edit(
                &original,
                key,
                &format!("{}{key}", edit(key, value, &STANDARD.encode(wrap(&[0; 32], &SP)))),
            ),
            failed,
        ),
        (
            "a wrapped key for somebody else before the right one",
            edit(
                &original,
                key,
                &format!("{}{key}", edit(key, value, &STANDARD.encode(wrap(&[0; 32], &STRANGER)))),
            ),
            AsSigned,
        ),
        ("no wrapped key", edit(&original, key, ""), Refused(ErrorKind::EncryptionMalformed)),
        (
            "no KeyInfo",
            edit(&original, cut(&original, "ds:KeyInfo").1, ""),
            Refused(ErrorKind::EncryptionMalformed),
        ),
        (
            "content key by its name",
            edit(&original, key, "<ds:KeyName>default</ds:KeyName>"),
            Refused(ErrorKind::EncryptionMalformed),
        ),
    ]
    .map(|(name, message, outcome)| Attack::new(name, gain, &original, message, outcome))
    .to_vec()
}

/// Vaudenay's attack, and Jager and Somorovsky's: CBC with answers that differ gives the plaintext away.
fn cbc_oracle() -> Vec<Attack> {
    let gain = "Reads the assertion of somebody else byte by byte from how changed ciphertexts fail.";
    let allowed = || Expectations { allow_cbc: true, ..expectations() };
    let original = encrypted(SignedParts::Both, DataEncryption::Aes128Cbc, KeyTransport::RsaOaepMgf1p);
    let content = original.split("<xenc:CipherValue>").nth(2).unwrap().split('<').next().unwrap();
    let bytes = STANDARD.decode(content).unwrap();
    let mut attacks = Vec::new();
    for (name, at) in [
        ("initialization vector", 0),
        ("first block", 16),
        ("last block but one", bytes.len() - 17),
        ("padding", bytes.len() - 1),
    ] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let message = edit(&original, content, &STANDARD.encode(changed));
        let name = format!("CBC with a flipped bit in the {name}");
        attacks.push(
            Attack::new(name, gain, &original, message, Refused(ErrorKind::DigestMismatch))
                .expecting(allowed()),
        );
    }
    let stripped = unsigned(&original);
    attacks.push(
        Attack::new(
            "CBC without the signature around it",
            gain,
            &original,
            &*stripped,
            Refused(ErrorKind::CbcUnsigned),
        )
        .expecting(allowed()),
    );
    let whole = signed(SignedParts::Assertion);
    let assertion = cut(&whole, "saml:Assertion").1;
    let own = sealed(assertion, DataEncryption::Aes256Cbc);
    attacks.push(
        Attack::new("CBC made by the attacker", gain, &original, own, Refused(ErrorKind::CbcUnsigned))
            .expecting(allowed()),
    );
    attacks
}
