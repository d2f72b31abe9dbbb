//! X.509 certificates: the form in which SAML peers exchange public keys.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::algorithms::DigestAlgorithm;
use crate::bindings;
use crate::error::{Error, ErrorKind};
use crate::keys::VerifyingKey;
use crate::timestamp::Timestamp;

/// Larger ones are not read, in bytes of text.
const MAX_CERTIFICATE_BYTES: usize = 64 * 1024;

/// An X.509 certificate with a public key that is supported. SAML peers pin it: nothing is asked of its issuer
/// or its dates. Cloning shares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate(Arc<Parsed>);

#[derive(Debug, PartialEq, Eq)]
struct Parsed {
    der: Vec<u8>,
    subject: String,
    issuer: String,
    not_before: Timestamp,
    not_after: Timestamp,
    key: VerifyingKey,
}

impl Certificate {
    /// Reads a certificate as PEM (with or without its BEGIN and END lines, with any white space), as base64 or
    /// as DER. Of several in one PEM text it reads the first; [`Certificate::parse_all`] reads them all.
    ///
    /// # Errors
    /// [`ErrorKind::CertificateUnreadable`]; [`ErrorKind::KeyUnsupported`] if its key is of a kind or size
    /// that is not supported.
    pub fn parse(text_or_der: &[u8]) -> Result<Self, Error> {
        let unreadable = || Error::new(ErrorKind::CertificateUnreadable);
        if text_or_der.len() > MAX_CERTIFICATE_BYTES {
            return Err(unreadable());
        }
        if text_or_der.first() == Some(&0x30) && std::str::from_utf8(text_or_der).is_err() {
            return Self::from_der(text_or_der);
        }
        let text = std::str::from_utf8(text_or_der).map_err(|_| unreadable())?;
        let body = match text.split_once(BEGIN) {
            Some((_, rest)) => rest.split_once(END).ok_or_else(unreadable)?.0,
            None if text.contains("-----") => return Err(unreadable()),
            None => text.trim_start_matches('\u{feff}'),
        };
        let der = bindings::decode_base64(body.as_bytes()).map_err(|_| unreadable())?;
        Self::from_der(&der)
    }

    /// Reads all the certificates of a text: several with BEGIN and END lines, or one without. A blank text
    /// has none.
    ///
    /// # Errors
    /// As [`Certificate::parse`], for the first that can't be read.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, Error> {
        let blocks: Vec<&str> = text.split(BEGIN).collect();
        match blocks.as_slice() {
            [one] if one.trim().is_empty() => Ok(Vec::new()),
            [one] => Ok(vec![Self::parse(one.as_bytes())?]),
            [_, blocks @ ..] => {
                blocks.iter().map(|block| Self::parse(format!("{BEGIN}{block}").as_bytes())).collect()
            }
            [] => Ok(Vec::new()),
        }
    }

    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// As [`Certificate::parse`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let unreadable = || Error::new(ErrorKind::CertificateUnreadable);
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| unreadable())?;
        if !rest.is_empty() {
            return Err(unreadable());
        }
        let key = VerifyingKey::from_spki_der(certificate.public_key().raw)?;
        let seconds = |time: x509_parser::time::ASN1Time| {
            Timestamp::from_micros(time.timestamp().saturating_mul(1_000_000))
        };
        Ok(Self(Arc::new(Parsed {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            not_before: seconds(certificate.validity().not_before),
            not_after: seconds(certificate.validity().not_after),
            key,
            der: der.to_vec(),
        })))
    }

    /// Whom it is for, as a distinguished name such as `CN=example`.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Who made it.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The beginning of its validity.
    pub fn not_before(&self) -> Timestamp {
        self.0.not_before
    }

    /// The end of its validity.
    pub fn not_after(&self) -> Timestamp {
        self.0.not_after
    }

    /// The public key in it.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.0.key
    }

    /// SHA-256 of its DER form, as `AB:CD:…`.
    pub fn sha256_fingerprint(&self) -> String {
        fingerprint(DigestAlgorithm::Sha256, &self.0.der)
    }

    /// SHA-1 of its DER form, as `AB:CD:…`: what older software shows. It names a certificate and proves nothing.
    pub fn sha1_fingerprint(&self) -> String {
        fingerprint(DigestAlgorithm::Sha1, &self.0.der)
    }

    /// Its DER form.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// Its PEM form (RFC 7468 5), with lines of 64 characters and a line feed at the end.
    pub fn pem(&self) -> String {
        let body = self.base64();
        let mut pem = String::with_capacity(body.len() + body.len() / 64 + 64);
        pem.push_str(BEGIN);
        pem.push('\n');
        let mut rest = body.as_str();
        while !rest.is_empty() {
            let (line, more) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = more;
        }
        pem.push_str(END);
        pem.push('\n');
        pem
    }

    /// Its DER form in base64, in one line.
    pub(crate) fn base64(&self) -> String {
        STANDARD.encode(&self.0.der)
    }
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

fn fingerprint(algorithm: DigestAlgorithm, der: &[u8]) -> String {
    let bytes: Vec<String> =
        algorithm.digest(der).as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, date_time_ymd};

    use super::*;

    fn pem_of(algorithm: &'static rcgen::SignatureAlgorithm) -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "idp.example");
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2036, 1, 1);
        params.self_signed(&KeyPair::generate_for(algorithm).unwrap()).unwrap().pem()
    }

    #[test]
    fn reads_every_form_that_people_paste() {
        let pem = pem_of(&PKCS_ECDSA_P256_SHA256);
        let whole = Certificate::parse(pem.as_bytes()).unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let spaced: String = body.chars().flat_map(|c| [c, ' ']).collect();
        let crlf = pem.replace('\n', "\r\n");
        let tabs = format!("\t {body} \n\n");
        let preceded = format!("Bag Attributes\n  friendlyName: x\n{pem}");
        let one_line = pem.replace('\n', " ");
        for text in [&body, &spaced, &crlf, &tabs, &preceded, &one_line, &whole.pem()] {
            assert_eq!(Certificate::parse(text.as_bytes()).unwrap(), whole);
        }
        assert_eq!(Certificate::parse(whole.der()).unwrap(), whole);
        assert_eq!(Certificate::parse_all(&format!("{pem}{pem}")).unwrap(), [whole.clone(), whole.clone()]);
        assert_eq!(Certificate::parse_all(&body).unwrap(), [whole]);
        assert_eq!(Certificate::parse_all(" \n").unwrap(), []);
    }

    #[test]
    fn tells_what_is_in_it() {
        let certificate = Certificate::parse(pem_of(&PKCS_ECDSA_P256_SHA256).as_bytes()).unwrap();
        assert!(certificate.subject().contains("CN=idp.example"), "{}", certificate.subject());
        assert_eq!(certificate.subject(), certificate.issuer());
        assert_eq!(certificate.not_before().to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(certificate.not_after().to_string(), "2036-01-01T00:00:00Z");
        assert_eq!(certificate.sha256_fingerprint().len(), 95);
        assert_eq!(certificate.sha1_fingerprint().len(), 59);
    }

    #[test]
    fn refuses_what_is_no_certificate() {
        let pem = pem_of(&PKCS_ECDSA_P256_SHA256);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
        let cut: String = pem.chars().take(pem.len() / 2).collect();
        let der = Certificate::parse(pem.as_bytes()).unwrap().der().to_vec();
        let mut longer = der.clone();
        longer.push(0);
        for bytes in [
            &b""[..],
            b"hello",
            b"AAAA",
            b"\xff\xfe",
            key.as_bytes(),
            cut.as_bytes(),
            &der[..der.len() - 1],
            &longer,
            "A".repeat(100_000).as_bytes(),
        ] {
            assert_eq!(Certificate::parse(bytes).unwrap_err().kind(), ErrorKind::CertificateUnreadable);
        }
        let ed25519 = pem_of(&PKCS_ED25519);
        assert_eq!(Certificate::parse(ed25519.as_bytes()).unwrap_err().kind(), ErrorKind::KeyUnsupported);
    }
}
