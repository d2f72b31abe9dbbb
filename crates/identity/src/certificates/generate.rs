//! Making a certificate that signs itself.

use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use rcgen::{CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose, SerialNumber};
use store::{Random, Timestamp};
use x509_parser::time::ASN1Time;

/// A fresh key with its certificate, both in PEM.
#[derive(Clone)]
pub(super) struct Generated {
    pub(super) certificate_pem: String,
    /// PKCS#8.
    pub(super) private_key_pem: String,
}

/// Which kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    /// RSA with 2048 bits: what every service provider understands.
    Rsa2048,
    /// RSA with 3072 bits.
    Rsa3072,
    /// RSA with 4096 bits.
    Rsa4096,
    /// ECDSA on the curve P-256.
    EcP256,
    /// ECDSA on the curve P-384.
    EcP384,
}

impl KeyKind {
    /// Every kind: the value in a form, and the words.
    pub(super) const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Rsa2048, "rsa2048", "RSA, 2048 bits"),
        (Self::Rsa3072, "rsa3072", "RSA, 3072 bits"),
        (Self::Rsa4096, "rsa4096", "RSA, 4096 bits"),
        (Self::EcP256, "ecp256", "ECDSA, P-256"),
        (Self::EcP384, "ecp384", "ECDSA, P-384"),
    ];

    /// What a form offers.
    pub(super) fn choices() -> Vec<(&'static str, &'static str)> {
        Self::ALL.into_iter().map(|(_, value, words)| (value, words)).collect()
    }

    /// Reads the value in a form.
    pub(super) fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, value, _)| *value == key).map(|(kind, ..)| kind)
    }

    fn key_pair(self) -> Result<KeyPair, String> {
        let on_curve = |algorithm| KeyPair::generate_for(algorithm).map_err(|error| error.to_string());
        let size = match self {
            Self::Rsa2048 => KeySize::Rsa2048,
            Self::Rsa3072 => KeySize::Rsa3072,
            Self::Rsa4096 => KeySize::Rsa4096,
            Self::EcP256 => return on_curve(&rcgen::PKCS_ECDSA_P256_SHA256),
            Self::EcP384 => return on_curve(&rcgen::PKCS_ECDSA_P384_SHA384),
        };
        let key = aws_lc_rs::rsa::KeyPair::generate(size).map_err(|error| error.to_string())?;
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).map_err(|error| error.to_string())?;
        KeyPair::try_from(der.as_ref()).map_err(|error| error.to_string())
    }
}

/// Makes a key and a certificate that it signs itself. Takes up to seconds for a long RSA key, so call it
/// off the threads that answer requests.
///
/// # Errors
/// What the libraries say, for the log.
pub(super) fn generate(
    random: &dyn Random,
    now: Timestamp,
    common_name: &str,
    validity: Duration,
    kind: KeyKind,
) -> Result<Generated, String> {
    let key = kind.key_pair()?;
    let mut serial = [0; 16];
    random.fill(&mut serial);
    // A positive number without leading zeros (RFC 5280, 4.1.2.2).
    serial[0] = (serial[0] & 0x7f) | 0x40;
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = moment(now.minus(Duration::from_hours(1)))?.to_datetime();
    params.not_after = moment(now.plus(validity))?.to_datetime();
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let certificate = params.self_signed(&key).map_err(|error| error.to_string())?;
    Ok(Generated { certificate_pem: certificate.pem(), private_key_pem: key.serialize_pem() })
}

/// A moment for a certificate, to the second.
fn moment(at: Timestamp) -> Result<ASN1Time, String> {
    ASN1Time::from_timestamp(at.micros().div_euclid(1_000_000)).map_err(|error| error.to_string())
}
