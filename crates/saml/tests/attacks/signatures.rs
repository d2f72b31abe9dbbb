//! Signatures that are missing, by somebody else, or of a kind that anybody can make.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saml::{ErrorKind, Expectations, SignedParts};

use crate::attack::{AsSigned, Attack, Outcome, Refused};
use crate::fixtures::*;

pub(crate) fn attacks() -> Vec<Attack> {
    [exclusion(), key_confusion(), algorithms(), changed()].concat()
}

fn exclusion() -> Vec<Attack> {
    let gain = "Signs in as anybody wherever signatures are verified only if they are there.";
    let mut attacks = Vec::new();
    for parts in [SignedParts::Assertion, SignedParts::Response] {
        let original = signed(parts);
        let stripped = unsigned(&original);
        let missing = Refused(ErrorKind::SignatureMissing);
        attacks.push(Attack::new(
            format!("signature of {parts} removed"),
            gain,
            &original,
            &*stripped,
            missing,
        ));
        let forged = edit(&stripped, VICTIM, ATTACKER);
        attacks.push(Attack::new(
            format!("signature of {parts} removed, name changed"),
            gain,
            &original,
            forged,
            missing,
        ));
        for (part, from) in [
            ("SignatureValue", "ds:SignatureValue"),
            ("SignedInfo", "ds:SignedInfo"),
            ("Reference", "ds:Reference"),
            ("DigestValue", "ds:DigestValue"),
            ("Transforms", "ds:Transforms"),
        ] {
            let message = edit(&original, cut(&original, from).1, "");
            attacks.push(Attack::new(
                format!("{part} of {parts} removed"),
                gain,
                &original,
                message,
                Refused(ErrorKind::SignatureMalformed),
            ));
        }
        let empty =
            edit(&original, cut(&original, "ds:SignatureValue").1, "<ds:SignatureValue></ds:SignatureValue>");
        attacks.push(Attack::new(
            format!("SignatureValue of {parts} emptied"),
            gain,
            &original,
            empty,
            Refused(ErrorKind::SignatureInvalid),
        ));
    }
    let both = signed(SignedParts::Both);
    let (before, assertion, after) = cut(&both, "saml:Assertion");
    let assertion_only = format!("{}{assertion}{after}", unsigned(before));
    attacks.push(Attack::new(
        "signature of the response removed, the assertion's left",
        gain,
        &both,
        &*assertion_only,
        AsSigned,
    ));
    let messages = Expectations { want_messages_signed: true, ..expectations() };
    attacks.push(
        Attack::new(
            "signature of the response removed where it is wanted",
            gain,
            &both,
            assertion_only,
            Refused(ErrorKind::ResponseNotSigned),
        )
        .expecting(messages),
    );
    let response_only = format!("{before}{}{after}", unsigned(assertion));
    attacks.push(Attack::new(
        "signature of the assertion removed from a signed response",
        gain,
        &both,
        response_only,
        Refused(ErrorKind::DigestMismatch),
    ));
    attacks
}

fn key_confusion() -> Vec<Attack> {
    let gain =
        "Signs in as anybody wherever the key that comes along with the message is the one that verifies it.";
    let mut attacks = Vec::new();
    let (theirs, ours) =
        (STANDARD.encode(STRANGER.certificate.der()), STANDARD.encode(IDP.certificate.der()));
    for parts in [SignedParts::Assertion, SignedParts::Response, SignedParts::Both] {
        let original = signed(parts);
        let forged = response().sign(&STRANGER.signer, parts).unwrap();
        let second =
            |first: &str, second: &str| format!("{first}</ds:X509Certificate><ds:X509Certificate>{second}");
        for (name, message) in [
            ("own key, own certificate", forged.clone()),
            ("own key, real certificate", edit(&forged, &theirs, &ours)),
            ("own key, both certificates", edit(&forged, &theirs, &second(&theirs, &ours))),
            ("own key, both certificates, real first", edit(&forged, &theirs, &second(&ours, &theirs))),
            ("own key, no certificate", forged.replace(&theirs, "")),
            (
                "own key by its name",
                forged.replace(
                    &format!("<ds:X509Data><ds:X509Certificate>{theirs}</ds:X509Certificate></ds:X509Data>"),
                    "<ds:KeyName>auth.example</ds:KeyName>",
                ),
            ),
            (
                "own key by its address",
                forged.replace(
                    &format!("<ds:X509Data><ds:X509Certificate>{theirs}</ds:X509Certificate></ds:X509Data>"),
                    "<ds:RetrievalMethod URI=\"http://169.254.169.254/\"/>",
                ),
            ),
            (
                "own key, KeyInfo that contains another signature's",
                forged.replace("<ds:KeyInfo>", "<ds:KeyInfo><e xmlns=\"urn:e\"/>"),
            ),
        ] {
            attacks.push(Attack::new(
                format!("{name}, {parts}"),
                gain,
                &original,
                message,
                Refused(ErrorKind::SignatureInvalid),
            ));
        }
        let real = edit(&original, &ours, &theirs);
        let outcome = if parts == SignedParts::Both { Refused(ErrorKind::DigestMismatch) } else { AsSigned };
        attacks.push(Attack::new(
            format!("real key, certificate of a stranger, {parts}"),
            gain,
            &original,
            real,
            outcome,
        ));
    }
    let original = signed(SignedParts::Assertion);
    let message = response().sign(&P256.signer, SignedParts::Assertion).unwrap();
    attacks.push(Attack::new(
        "own key of another family",
        gain,
        &original,
        message,
        Refused(ErrorKind::KeyTypeMismatch),
    ));
    let none = edit(&original, cut(&original, "ds:KeyInfo").1, "");
    attacks.push(Attack::new("no KeyInfo", gain, &original, none, AsSigned));
    attacks
}

fn algorithms() -> Vec<Attack> {
    let original = signed(SignedParts::Assertion);
    let rsa = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    let hmac_gain =
        "Signs in as anybody wherever the public key, which is public, is taken for the secret of an HMAC.";
    let mut attacks = Vec::new();
    for (method, algorithm) in [
        ("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", hmac::HMAC_SHA256),
        ("http://www.w3.org/2001/04/xmldsig-more#hmac-sha512", hmac::HMAC_SHA512),
        ("http://www.w3.org/2000/09/xmldsig#hmac-sha1", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
    ] {
        for (secret, key) in
            [("PEM", IDP.certificate.pem().into_bytes()), ("DER", IDP.certificate.der().to_vec())]
        {
            let claimed = edit(&original, rsa, method);
            let info = cut(&claimed, "ds:SignedInfo").1;
            let canonical = edit(
                info,
                "<ds:SignedInfo>",
                "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">",
            );
            let tag = STANDARD.encode(hmac::sign(&hmac::Key::new(algorithm, &key), canonical.as_bytes()));
            let value = format!("<ds:SignatureValue>{tag}</ds:SignatureValue>");
            let message = edit(&claimed, cut(&claimed, "ds:SignatureValue").1, &value);
            attacks.push(Attack::new(
                format!("{method} with the certificate as {secret}"),
                hmac_gain,
                &original,
                message,
                Refused(ErrorKind::SignatureAlgorithmRefused),
            ));
        }
    }
    let weak = "Signs in as anybody by breaking an algorithm that nobody should accept any more, or that nobody knows.";
    for method in [
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        "http://www.w3.org/2001/04/xmldsig-more#RSA-SHA256",
        " http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256 ",
        "https://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "none",
        "",
    ] {
        let message = around(&ByHand { method, ..ByHand::default() }.sign(&bare_assertion()));
        let outcome = if method.is_empty() {
            ErrorKind::SignatureMalformed
        } else {
            ErrorKind::SignatureAlgorithmRefused
        };
        attacks.push(Attack::new(
            format!("signature algorithm “{method}”"),
            weak,
            &original,
            message,
            Refused(outcome),
        ));
    }
    let sha1 = "Signs in as anybody with a collision of SHA-1, which costs little.";
    let by_hand = ByHand {
        digest_method: "http://www.w3.org/2000/09/xmldsig#sha1",
        digest_algorithm: &digest::SHA1_FOR_LEGACY_USE_ONLY,
        ..ByHand::default()
    };
    let refused: [(&str, String, Outcome); 4] = [
        ("digest with SHA-1", around(&by_hand.sign(&bare_assertion())), Refused(ErrorKind::Sha1Refused)),
        (
            "signature with SHA-1",
            around(
                &ByHand { method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1", ..ByHand::default() }
                    .sign(&bare_assertion()),
            ),
            Refused(ErrorKind::Sha1Refused),
        ),
        (
            "digest with MD5",
            around(
                &ByHand { digest_method: "http://www.w3.org/2001/04/xmldsig-more#md5", ..ByHand::default() }
                    .sign(&bare_assertion()),
            ),
            Refused(ErrorKind::DigestAlgorithmRefused),
        ),
        (
            "digest in another case",
            around(
                &ByHand { digest_method: "http://www.w3.org/2001/04/xmlenc#SHA256", ..ByHand::default() }
                    .sign(&bare_assertion()),
            ),
            Refused(ErrorKind::DigestAlgorithmRefused),
        ),
    ];
    attacks
        .extend(refused.map(|(name, message, outcome)| Attack::new(name, sha1, &original, message, outcome)));
    let truncated = edit(
        &original,
        "rsa-sha256\"></ds:SignatureMethod>",
        "rsa-sha256\"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>",
    );
    attacks.push(Attack::new(
        "HMACOutputLength",
        weak,
        &original,
        truncated,
        Refused(ErrorKind::SignatureMalformed),
    ));
    for (name, swapped) in [("SHA-512", "rsa-sha512"), ("SHA-384", "rsa-sha384")] {
        let message = edit(&original, "xmldsig-more#rsa-sha256", &format!("xmldsig-more#{swapped}"));
        attacks.push(Attack::new(
            format!("signature relabelled as {name}"),
            weak,
            &original,
            message,
            Refused(ErrorKind::SignatureInvalid),
        ));
    }
    attacks
}

fn changed() -> Vec<Attack> {
    let gain =
        "Signs in as anybody, as a member of any group, or for longer, wherever the digest is not compared.";
    let mut attacks = Vec::new();
    for parts in [SignedParts::Assertion, SignedParts::Response, SignedParts::Both] {
        let original = signed(parts);
        for (name, from, to) in [
            ("name", VICTIM, ATTACKER),
            ("group", "staff", "Administrators"),
            ("end", "12:05:00Z", "23:05:00Z"),
            ("white space before a name", "emailAddress\">ann", "emailAddress\"> ann"),
            ("attribute of the schema", "<saml:Subject>", "<saml:Subject x=\"\">"),
            (
                "child",
                "</saml:AttributeStatement>",
                "<saml:Attribute Name=\"x\"></saml:Attribute></saml:AttributeStatement>",
            ),
            ("SessionIndex", "SessionIndex=\"session\"", "SessionIndex=\"of-another\""),
        ] {
            attacks.push(Attack::new(
                format!("changed {name}, {parts}"),
                gain,
                &original,
                edit(&original, from, to),
                Refused(ErrorKind::DigestMismatch),
            ));
        }
        let (before, rest) = original.split_once("<ds:DigestValue>").unwrap();
        let (_, after) = rest.split_once('<').unwrap();
        let digest = format!("{before}<ds:DigestValue>AAAA<{after}");
        attacks.push(Attack::new(
            format!("changed digest, {parts}"),
            gain,
            &original,
            digest,
            Refused(ErrorKind::SignatureInvalid),
        ));
    }
    let spelled = signed(SignedParts::Assertion);
    for (name, message) in [
        (
            "unused namespace",
            edit(&spelled, "<saml:Subject>", "<saml:Subject xmlns:unused=\"urn:unused\"\n>"),
        ),
        ("character references", edit(&spelled, VICTIM, "&#97;nn@example.org")),
        (
            "single quotes",
            edit(
                &spelled,
                "Version=\"2.0\"><saml:Issuer>https://auth.example/metadata/</saml:Issuer><ds:",
                "Version='2.0' ><saml:Issuer >https://auth.example/metadata/</saml:Issuer\n><ds:",
            ),
        ),
        ("byte order mark", format!("\u{feff}{spelled}")),
        (
            "XML declaration",
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n{spelled}"),
        ),
        ("other ID of the response", edit(&spelled, "ID=\"_response\"", "ID=\"_other\"")),
        ("base64 of the signature wrapped", edit(&spelled, "<ds:SignatureValue>", "<ds:SignatureValue>\n ")),
    ] {
        let gain =
            "Is let in twice by one assertion wherever it is known again by anything but its ID and issuer.";
        attacks.push(Attack::new(format!("replay with {name}"), gain, &spelled, message, AsSigned));
    }
    attacks
}
