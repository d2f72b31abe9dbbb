//! Private keys as people have them, brought into the one form that is kept: PKCS#8 (RFC 5958) in PEM.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A private key in PEM, as PKCS#8 in PEM. It may be PKCS#8 (`BEGIN PRIVATE KEY`), PKCS#1 (`BEGIN RSA PRIVATE
/// KEY`) or SEC 1 (`BEGIN EC PRIVATE KEY`).
///
/// # Errors
/// A sentence for beside the field.
pub(super) fn pkcs8_pem(pem: &str) -> Result<String, String> {
    let Some((label, body)) = block(pem) else {
        return Err("This is not a private key. It begins with BEGIN PRIVATE KEY.".into());
    };
    if label.contains("ENCRYPTED") || body.contains("ENCRYPTED") {
        return Err("This private key is locked with a passphrase. Take the passphrase off first.".into());
    }
    let text: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let der = STANDARD
        .decode(text)
        .map_err(|_| "This private key is damaged: part of it is missing or changed.")?;
    let pkcs8 = match label {
        "" => Some(der),
        "RSA " => of_rsa(&der),
        "EC " => of_ec(&der),
        _ => None,
    };
    let pkcs8 = pkcs8
        .ok_or("This kind of private key is not supported. Use RSA, or an elliptic curve P-256 or P-384.")?;
    Ok(as_pem(&pkcs8))
}

/// The words before `PRIVATE KEY` and what stands between the lines.
fn block(pem: &str) -> Option<(&str, &str)> {
    const BEGIN: &str = "-----BEGIN ";
    const END_OF_LABEL: &str = "PRIVATE KEY-----";
    let mut rest = pem;
    loop {
        let (_, after) = rest.split_once(BEGIN)?;
        let line_end = after.find('\n').unwrap_or(after.len());
        if let Some(label) = after[..line_end].trim_end().strip_suffix(END_OF_LABEL) {
            let (body, _) = after[line_end..].split_once("-----END ")?;
            return Some((label, body));
        }
        rest = after;
    }
}

fn of_rsa(der: &[u8]) -> Option<Vec<u8>> {
    let key = rsa::KeyPair::from_der(der).ok()?;
    Some(AsDer::<Pkcs8V1Der<'_>>::as_der(&key).ok()?.as_ref().to_vec())
}

fn of_ec(der: &[u8]) -> Option<Vec<u8>> {
    let key = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
        .or_else(|_| EcdsaKeyPair::from_private_key_der(&ECDSA_P384_SHA384_FIXED_SIGNING, der))
        .ok()?;
    Some(key.to_pkcs8v1().ok()?.as_ref().to_vec())
}

fn as_pem(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use ::saml::SigningKey;
    use x509_parser::der_parser::parse_der;

    use super::*;

    /// The key inside a PKCS#8 envelope: PKCS#1 of an RSA key, SEC 1 of one on a curve.
    fn inner(pkcs8: &str) -> Vec<u8> {
        let (_, body) = block(pkcs8).unwrap();
        let der = STANDARD.decode(body.split_whitespace().collect::<String>()).unwrap();
        let (_, parsed) = parse_der(&der).unwrap();
        parsed.as_sequence().unwrap()[2].as_slice().unwrap().to_vec()
    }

    fn in_pem(label: &str, der: &[u8]) -> String {
        let base64 = STANDARD.encode(der);
        format!(
            "some words\r\n-----BEGIN {label}PRIVATE KEY-----\r\n{base64}\r\n-----END {label}PRIVATE KEY-----\r\n"
        )
    }

    #[test]
    fn every_form_of_a_key_becomes_pkcs8() {
        let rsa = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let rsa = as_pem(AsDer::<Pkcs8V1Der<'_>>::as_der(&rsa).unwrap().as_ref());
        let ec = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let ec = as_pem(ec.to_pkcs8v1().unwrap().as_ref());
        for (label, pkcs8) in [("RSA ", &rsa), ("EC ", &ec)] {
            let expected = SigningKey::from_pkcs8_pem(pkcs8).unwrap().verifying_key().unwrap();
            for pem in [pkcs8.clone(), in_pem(label, &inner(pkcs8))] {
                let read = SigningKey::from_pkcs8_pem(&pkcs8_pem(&pem).unwrap()).unwrap();
                assert_eq!(read.verifying_key().unwrap(), expected, "{pem}");
            }
        }
        let after_parameters =
            format!("-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n{ec}");
        assert_eq!(pkcs8_pem(&after_parameters), Ok(ec));
    }

    #[test]
    fn what_is_no_key_gets_a_sentence() {
        for (pem, beginning) in [
            ("", "This is not a private key."),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "This is not a private key."),
            ("-----BEGIN PRIVATE KEY-----\nAAAA", "This is not a private key."),
            ("-----BEGIN PRIVATE KEY-----", "This is not a private key."),
            ("-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----", "This private key is damaged"),
            (
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----",
                "This private key is locked",
            ),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----",
                "This private key is locked",
            ),
            (
                "-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----",
                "This kind of private key",
            ),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
                "This kind of private key",
            ),
        ] {
            let sentence = pkcs8_pem(pem).unwrap_err();
            assert!(sentence.starts_with(beginning), "{pem}: {sentence}");
        }
    }
}
