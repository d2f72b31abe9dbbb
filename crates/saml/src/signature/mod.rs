//! XML signatures (XML Signature 1.1) as SAML uses them (SAML Core 5).

use crate::algorithms::{DigestAlgorithm, SignatureAlgorithm};
use crate::certificate::Certificate;
use crate::error::{Error, ErrorKind};
use crate::keys::{SigningKey, VerifyingKey};

/// A key with its certificate and the algorithms it signs with. Cloning shares the key.
#[derive(Clone, Debug)]
pub struct Signer {
    key: SigningKey,
    certificate: Certificate,
    signature_algorithm: SignatureAlgorithm,
    digest_algorithm: DigestAlgorithm,
}

impl Signer {
    /// A signer.
    ///
    /// # Errors
    /// [`ErrorKind::CertificateOfAnotherKey`]; [`ErrorKind::AlgorithmUnfit`].
    pub fn new(
        key: SigningKey,
        certificate: Certificate,
        signature_algorithm: SignatureAlgorithm,
        digest_algorithm: DigestAlgorithm,
    ) -> Result<Self, Error> {
        if certificate.verifying_key() != &key.verifying_key()? {
            return Err(ErrorKind::CertificateOfAnotherKey.into());
        }
        key.check_algorithm(signature_algorithm)?;
        Ok(Self { key, certificate, signature_algorithm, digest_algorithm })
    }

    /// The key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Its certificate, which goes along with each signature.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The algorithm of its signatures.
    pub fn signature_algorithm(&self) -> SignatureAlgorithm {
        self.signature_algorithm
    }
}

pub(crate) fn verify_value(
    _keys: &[VerifyingKey],
    _algorithm: SignatureAlgorithm,
    _allow_sha1: bool,
    _message: &[u8],
    _signature: &[u8],
) -> Result<(), Error> {
    Err(ErrorKind::SignatureInvalid.into())
}
