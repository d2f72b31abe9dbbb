//! The public key that a content key is wrapped for, and the private key that unwraps it. Both are parsed once and
//! cheap to clone.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::rsa::{
    OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};

use super::algorithms::oaep;
use super::{DataEncryption, KeyTransport};
use crate::algorithms::DigestAlgorithm;
use crate::certificate::Certificate;
use crate::error::{Error, ErrorKind};
use crate::keys::{KeyType, pkcs8_of_pem};

/// Encrypts for the holder of a certificate. Cloning shares the key.
#[derive(Clone)]
pub struct Encryptor {
    key: Arc<OaepPublicEncryptingKey>,
    certificate: Certificate,
    data_encryption: DataEncryption,
    key_transport: KeyTransport,
}

impl Encryptor {
    /// An encryptor for the holder of this certificate's key.
    ///
    /// # Errors
    /// [`ErrorKind::EncryptionKeyUnfit`] if the key is not RSA.
    pub fn new(
        certificate: Certificate,
        data_encryption: DataEncryption,
        key_transport: KeyTransport,
    ) -> Result<Self, Error> {
        let key_type = certificate.verifying_key().key_type();
        let unfit = || Error::new(ErrorKind::EncryptionKeyUnfit).expected("RSA").received(key_type.label());
        if key_type != KeyType::Rsa {
            return Err(unfit());
        }
        let key = PublicEncryptingKey::from_der(certificate.verifying_key().spki()).map_err(|_| unfit())?;
        let key = Arc::new(OaepPublicEncryptingKey::new(key).map_err(|_| unfit())?);
        Ok(Self { key, certificate, data_encryption, key_transport })
    }

    /// For whom it encrypts.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// How content is encrypted.
    pub fn data_encryption(&self) -> DataEncryption {
        self.data_encryption
    }

    /// How the content key is wrapped.
    pub fn key_transport(&self) -> KeyTransport {
        self.key_transport
    }

    pub(super) fn wrap(&self, content_key: &[u8]) -> Result<Vec<u8>, Error> {
        let mut wrapped = vec![0; self.key.ciphertext_size()];
        self.key
            .encrypt(oaep(self.key_transport.digest()), content_key, &mut wrapped, None)
            .map_err(|_| Error::new(ErrorKind::EncryptionFailed))?;
        Ok(wrapped)
    }
}

impl fmt::Debug for Encryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encryptor({}, {})", self.data_encryption, self.key_transport)
    }
}

/// An RSA private key that decrypts. Cloning shares it.
#[derive(Clone)]
pub struct DecryptionKey(Arc<PrivateKey>);

struct PrivateKey {
    key: OaepPrivateDecryptingKey,
    /// What stands in for a content key that can't be unwrapped is made with this, so that nobody can guess it.
    rejection: hmac::Key,
}

impl DecryptionKey {
    /// Reads an unencrypted RSA private key with 2048 to 4096 bits in PKCS#8 PEM form (RFC 7468 10).
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnreadable`]; [`ErrorKind::EncryptionKeyUnfit`] if it is of another kind or size.
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, Error> {
        let unfit = |received: &str| {
            Error::new(ErrorKind::EncryptionKeyUnfit)
                .expected("RSA with 2048 to 4096 bits")
                .received(received)
        };
        let der = pkcs8_of_pem(pem)?;
        let key = PrivateDecryptingKey::from_pkcs8(&der).map_err(|_| unfit("another kind of key"))?;
        let bits = key.key_size_bits();
        if !(2048..=4096).contains(&bits) {
            return Err(unfit(&format!("RSA with {bits} bits")));
        }
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| unfit("another kind of key"))?;
        let rejection = hmac::Key::new(hmac::HMAC_SHA256, &der);
        Ok(Self(Arc::new(PrivateKey { key, rejection })))
    }

    /// A key of 32 bytes that fits nothing, always the same for the same wrapped key.
    pub(super) fn rejected(&self, wrapped: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0.rejection, wrapped).as_ref().to_vec()
    }

    /// The content key, if this is the key that it was wrapped for.
    pub(super) fn unwrap(
        &self,
        digest: DigestAlgorithm,
        wrapped: &[u8],
        label: Option<&[u8]>,
    ) -> Option<Vec<u8>> {
        let mut content_key = vec![0; self.0.key.min_output_size()];
        let length = self.0.key.decrypt(oaep(digest), wrapped, &mut content_key, label).ok()?.len();
        content_key.truncate(length);
        Some(content_key)
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecryptionKey(RSA with {} bits)", self.0.key.key_size_bits())
    }
}
