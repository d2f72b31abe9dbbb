//! Private keys that sign and public keys that verify. Both are parsed once and cheap to clone.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1,
    ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P384_SHA512_ASN1,
    EcdsaKeyPair, KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, VerificationAlgorithm,
};

use crate::algorithms::SignatureAlgorithm;
use crate::bindings;
use crate::certificate::Certificate;
use crate::error::{Error, ErrorKind};

/// The kinds of key that are supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// RSA with 2048 to 4096 bits.
    Rsa,
    /// The elliptic curve P-256.
    EcP256,
    /// The elliptic curve P-384.
    EcP384,
}

impl KeyType {
    /// The words on screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::EcP256 => "EC P-256",
            Self::EcP384 => "EC P-384",
        }
    }

    /// The algorithms that a private key of this type can sign with, the usual one first.
    pub const fn signature_algorithms(self) -> &'static [SignatureAlgorithm] {
        use SignatureAlgorithm as A;
        match self {
            Self::Rsa => &[A::RsaSha256, A::RsaSha384, A::RsaSha512],
            Self::EcP256 => &[A::EcdsaSha256],
            Self::EcP384 => &[A::EcdsaSha384],
        }
    }
}

/// The DER of the first unencrypted private key in a PEM text (RFC 7468 10).
pub(crate) fn pkcs8_of_pem(pem: &str) -> Result<Vec<u8>, Error> {
    let unreadable = || Error::new(ErrorKind::KeyUnreadable);
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----").ok_or_else(unreadable)?;
    let (body, _) = rest.split_once("-----END PRIVATE KEY-----").ok_or_else(unreadable)?;
    bindings::decode_base64(body.as_bytes()).map_err(|_| unreadable())
}

/// A private key. Cloning shares it.
#[derive(Clone)]
pub struct SigningKey(Arc<PrivateKey>);

struct PrivateKey {
    pair: Pair,
    /// SubjectPublicKeyInfo, DER.
    public_key: Vec<u8>,
}

enum Pair {
    Rsa(rsa::KeyPair),
    EcP256(EcdsaKeyPair),
    EcP384(EcdsaKeyPair),
}

impl SigningKey {
    /// Reads an unencrypted private key in PKCS#8 PEM form (RFC 7468 10).
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnreadable`] or [`ErrorKind::KeyUnsupported`].
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, Error> {
        Self::from_pkcs8_der(&pkcs8_of_pem(pem)?)
    }

    /// Reads an unencrypted private key in PKCS#8 DER form (RFC 5958).
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnreadable`] or [`ErrorKind::KeyUnsupported`].
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, Error> {
        let pair = if let Ok(pair) = rsa::KeyPair::from_pkcs8(der) {
            let bits = pair.public_modulus_len() * 8;
            if !(2048..=4096).contains(&bits) {
                return Err(Error::new(ErrorKind::KeyUnsupported).received(&format!("RSA with {bits} bits")));
            }
            Pair::Rsa(pair)
        } else if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            Pair::EcP256(pair)
        } else if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, der) {
            Pair::EcP384(pair)
        } else {
            return Err(ErrorKind::KeyUnsupported.into());
        };
        let public_key = match &pair {
            Pair::Rsa(pair) => pair.public_key().as_der().map(|der| der.as_ref().to_vec()),
            Pair::EcP256(pair) | Pair::EcP384(pair) => {
                pair.public_key().as_der().map(|der| der.as_ref().to_vec())
            }
        };
        let public_key = public_key.map_err(|_| Error::new(ErrorKind::KeyUnreadable))?;
        Ok(Self(Arc::new(PrivateKey { pair, public_key })))
    }

    /// What kind of key it is.
    pub fn key_type(&self) -> KeyType {
        match &self.0.pair {
            Pair::Rsa(_) => KeyType::Rsa,
            Pair::EcP256(_) => KeyType::EcP256,
            Pair::EcP384(_) => KeyType::EcP384,
        }
    }

    /// The usual algorithm for this key: with SHA-256, or with SHA-384 on P-384.
    pub fn default_algorithm(&self) -> SignatureAlgorithm {
        match self.key_type() {
            KeyType::Rsa => SignatureAlgorithm::RsaSha256,
            KeyType::EcP256 => SignatureAlgorithm::EcdsaSha256,
            KeyType::EcP384 => SignatureAlgorithm::EcdsaSha384,
        }
    }

    /// The public half.
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnsupported`], which does not happen to a key that could be read.
    pub fn verifying_key(&self) -> Result<VerifyingKey, Error> {
        VerifyingKey::from_spki_der(&self.0.public_key)
    }

    /// Whether a certificate is for this key.
    pub fn belongs_to(&self, certificate: &Certificate) -> bool {
        certificate.verifying_key().0.spki == self.0.public_key
    }

    /// Fails unless this key can sign with that algorithm.
    pub(crate) fn check_algorithm(&self, algorithm: SignatureAlgorithm) -> Result<(), Error> {
        let possible = self.key_type().signature_algorithms();
        if possible.contains(&algorithm) {
            return Ok(());
        }
        let labels: Vec<&str> = possible.iter().map(|algorithm| algorithm.label()).collect();
        Err(Error::new(ErrorKind::AlgorithmUnfit).expected(labels.join(" or ")).received(algorithm.label()))
    }

    /// Signs. An ECDSA signature is `r` and `s` one after the other, as XML Signature 6.4.3 wants it.
    pub(crate) fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.check_algorithm(algorithm)?;
        let random = SystemRandom::new();
        let failed = |_| Error::new(ErrorKind::SigningFailed);
        match &self.0.pair {
            Pair::Rsa(pair) => {
                let encoding = match algorithm {
                    SignatureAlgorithm::RsaSha384 => &RSA_PKCS1_SHA384,
                    SignatureAlgorithm::RsaSha512 => &RSA_PKCS1_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Pair::EcP256(pair) | Pair::EcP384(pair) => {
                pair.sign(&random, message).map(|signature| signature.as_ref().to_vec()).map_err(failed)
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.key_type().label())
    }
}

/// A public key that signatures are verified with. Cloning shares it.
#[derive(Clone)]
pub struct VerifyingKey(Arc<PublicKey>);

struct PublicKey {
    key_type: KeyType,
    spki: Vec<u8>,
    /// The key once for each algorithm that may be used with it.
    parsed: Vec<(SignatureAlgorithm, ParsedPublicKey)>,
}

type Verification = (SignatureAlgorithm, &'static dyn VerificationAlgorithm);

static RSA: [Verification; 4] = [
    (SignatureAlgorithm::RsaSha256, &RSA_PKCS1_2048_8192_SHA256),
    (SignatureAlgorithm::RsaSha384, &RSA_PKCS1_2048_8192_SHA384),
    (SignatureAlgorithm::RsaSha512, &RSA_PKCS1_2048_8192_SHA512),
    (SignatureAlgorithm::RsaSha1, &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY),
];
static P256: [Verification; 3] = [
    (SignatureAlgorithm::EcdsaSha256, &ECDSA_P256_SHA256_ASN1),
    (SignatureAlgorithm::EcdsaSha384, &ECDSA_P256_SHA384_ASN1),
    (SignatureAlgorithm::EcdsaSha512, &ECDSA_P256_SHA512_ASN1),
];
static P384: [Verification; 3] = [
    (SignatureAlgorithm::EcdsaSha256, &ECDSA_P384_SHA256_ASN1),
    (SignatureAlgorithm::EcdsaSha384, &ECDSA_P384_SHA384_ASN1),
    (SignatureAlgorithm::EcdsaSha512, &ECDSA_P384_SHA512_ASN1),
];

impl VerifyingKey {
    /// Reads a SubjectPublicKeyInfo in DER (RFC 5280 4.1.2.7).
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnsupported`].
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, Error> {
        for (key_type, algorithms) in
            [(KeyType::Rsa, &RSA[..]), (KeyType::EcP256, &P256[..]), (KeyType::EcP384, &P384[..])]
        {
            let parsed: Result<Vec<_>, _> = algorithms
                .iter()
                .map(|&(name, algorithm)| ParsedPublicKey::new(algorithm, spki).map(|key| (name, key)))
                .collect();
            if let Ok(parsed) = parsed {
                return Ok(Self(Arc::new(PublicKey { key_type, spki: spki.to_vec(), parsed })));
            }
        }
        Err(ErrorKind::KeyUnsupported.into())
    }

    /// What kind of key it is.
    pub fn key_type(&self) -> KeyType {
        self.0.key_type
    }

    /// Its SubjectPublicKeyInfo, DER.
    pub(crate) fn spki(&self) -> &[u8] {
        &self.0.spki
    }

    /// Whether this key made `signature` over `message`. Always `false` for an algorithm of another family.
    pub(crate) fn verifies(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        let Some((_, key)) = self.0.parsed.iter().find(|(name, _)| *name == algorithm) else { return false };
        match self.0.key_type {
            KeyType::Rsa => key.verify_sig(message, signature).is_ok(),
            KeyType::EcP256 => verifies_ecdsa(key, message, signature, 32),
            KeyType::EcP384 => verifies_ecdsa(key, message, signature, 48),
        }
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.spki == other.0.spki
    }
}

impl Eq for VerifyingKey {}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.0.key_type.label())
    }
}

/// XML signatures hold `r` and `s` in `half` bytes each; the library takes a DER SEQUENCE of two INTEGERs, which
/// for these sizes has only lengths of one byte.
fn verifies_ecdsa(key: &ParsedPublicKey, message: &[u8], signature: &[u8], half: usize) -> bool {
    if signature.len() != 2 * half {
        return false;
    }
    let (r, s) = signature.split_at(half);
    let mut body = Vec::with_capacity(2 * half + 6);
    for number in [r, s] {
        let significant = &number[number.iter().position(|&byte| byte != 0).unwrap_or(half - 1)..];
        let padding = significant.first().is_some_and(|&byte| byte >= 0x80);
        let Ok(length) = u8::try_from(significant.len() + usize::from(padding)) else { return false };
        body.extend([0x02, length]);
        body.extend(padding.then_some(0));
        body.extend(significant);
    }
    let Ok(length) = u8::try_from(body.len()) else { return false };
    let mut der = Vec::with_capacity(body.len() + 2);
    der.extend([0x30, length]);
    der.extend(body);
    key.verify_sig(message, &der).is_ok()
}

#[cfg(test)]
mod tests {
    use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256};

    use super::*;

    fn key(algorithm: &'static rcgen::SignatureAlgorithm) -> SigningKey {
        SigningKey::from_pkcs8_pem(&KeyPair::generate_for(algorithm).unwrap().serialize_pem()).unwrap()
    }

    #[test]
    fn signs_and_verifies_with_each_algorithm_and_no_other() {
        for (algorithm, key_type) in [
            (&PKCS_RSA_SHA256, KeyType::Rsa),
            (&PKCS_ECDSA_P256_SHA256, KeyType::EcP256),
            (&PKCS_ECDSA_P384_SHA384, KeyType::EcP384),
        ] {
            let key = key(algorithm);
            assert_eq!(key.key_type(), key_type);
            let public = key.verifying_key().unwrap();
            for algorithm in SignatureAlgorithm::ALL {
                if key_type.signature_algorithms().contains(&algorithm) {
                    // Often enough to meet numbers with leading zeros and high bits.
                    for round in 0..if key_type == KeyType::Rsa { 1 } else { 600_u32 } {
                        let message = round.to_be_bytes();
                        let signature = key.sign(algorithm, &message).unwrap();
                        assert!(public.verifies(algorithm, &message, &signature));
                        assert!(!public.verifies(algorithm, b"other", &signature));
                        for other in SignatureAlgorithm::ALL.into_iter().filter(|other| *other != algorithm) {
                            assert!(!public.verifies(other, &message, &signature), "{other}");
                        }
                    }
                } else {
                    assert_eq!(key.sign(algorithm, b"x").unwrap_err().kind(), ErrorKind::AlgorithmUnfit);
                }
            }
        }
    }

    #[test]
    fn a_signature_of_nothing_is_none() {
        let ec = key(&PKCS_ECDSA_P256_SHA256).verifying_key().unwrap();
        for signature in [vec![], vec![0; 64], vec![0xff; 64], vec![0; 63], vec![0; 65], vec![0x30; 8]] {
            assert!(!ec.verifies(SignatureAlgorithm::EcdsaSha256, b"x", &signature));
        }
    }

    #[test]
    fn refuses_what_is_no_supported_key() {
        let ed25519 = KeyPair::generate_for(&PKCS_ED25519).unwrap().serialize_pem();
        assert_eq!(SigningKey::from_pkcs8_pem(&ed25519).unwrap_err().kind(), ErrorKind::KeyUnsupported);
        for text in [
            "",
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----",
        ] {
            assert_eq!(
                SigningKey::from_pkcs8_pem(text).unwrap_err().kind(),
                ErrorKind::KeyUnreadable,
                "{text}"
            );
        }
    }

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", key(&PKCS_ECDSA_P256_SHA256)), "SigningKey(EC P-256)");
    }
}
