//! Signing what our own writer wrote. It is canonical already, so the bytes are hashed as they stand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ENVELOPED;
use crate::algorithms::{DigestAlgorithm, SignatureAlgorithm};
use crate::certificate::Certificate;
use crate::error::{Error, ErrorKind};
use crate::keys::SigningKey;
use crate::xml::{DS, EXC_C14N, Writer};

/// A key with its certificate and the algorithms it signs with. Cloning shares the key.
#[derive(Clone, Debug)]
pub struct Signer {
    key: SigningKey,
    certificate: Certificate,
    /// The certificate as it goes into each signature.
    certificate_base64: std::sync::Arc<str>,
    signature_algorithm: SignatureAlgorithm,
    digest_algorithm: DigestAlgorithm,
}

impl Signer {
    /// A signer.
    ///
    /// # Errors
    /// [`ErrorKind::CertificateOfAnotherKey`] or [`ErrorKind::AlgorithmUnfit`].
    pub fn new(
        key: SigningKey,
        certificate: Certificate,
        signature_algorithm: SignatureAlgorithm,
        digest_algorithm: DigestAlgorithm,
    ) -> Result<Self, Error> {
        if !key.belongs_to(&certificate) {
            return Err(ErrorKind::CertificateOfAnotherKey.into());
        }
        key.check_algorithm(signature_algorithm)?;
        let certificate_base64 = certificate.base64().into();
        Ok(Self { key, certificate, certificate_base64, signature_algorithm, digest_algorithm })
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

    /// The algorithm of its digests.
    pub fn digest_algorithm(&self) -> DigestAlgorithm {
        self.digest_algorithm
    }

    /// Signs the element that `canonical` consists of, whose ID is `id`, and puts the signature into it at the
    /// offset `at`. `canonical` must be what [`Writer`] wrote: it is hashed as it stands.
    pub(crate) fn envelop(&self, canonical: &str, id: &str, at: usize) -> Result<String, Error> {
        let digest = STANDARD.encode(self.digest_algorithm.digest(canonical.as_bytes()));
        // By itself SignedInfo declares its namespace; inside the signature that is declared already.
        let signed_info = self.signed_info(id, &digest, Some(DS))?;
        let value = STANDARD.encode(self.key.sign(self.signature_algorithm, signed_info.as_bytes())?);
        let within = self.signed_info(id, &digest, None)?;
        let mut writer = Writer::new();
        writer.raw(canonical.get(..at).unwrap_or_default());
        writer.element("ds:Signature", &[("xmlns:ds", Some(DS))], |signature| {
            signature.raw(&within);
            signature.text("ds:SignatureValue", &[], &value);
            signature.element("ds:KeyInfo", &[], |info| {
                info.element("ds:X509Data", &[], |data| {
                    data.text("ds:X509Certificate", &[], &self.certificate_base64);
                });
            });
        });
        writer.raw(canonical.get(at..).unwrap_or_default());
        writer.finish()
    }

    fn signed_info(&self, id: &str, digest: &str, namespace: Option<&str>) -> Result<String, Error> {
        let uri = format!("#{id}");
        let mut writer = Writer::new();
        writer.element("ds:SignedInfo", &[("xmlns:ds", namespace)], |info| {
            info.empty("ds:CanonicalizationMethod", &[("Algorithm", Some(EXC_C14N))]);
            info.empty("ds:SignatureMethod", &[("Algorithm", Some(self.signature_algorithm.as_str()))]);
            info.element("ds:Reference", &[("URI", Some(&uri))], |reference| {
                reference.element("ds:Transforms", &[], |transforms| {
                    transforms.empty("ds:Transform", &[("Algorithm", Some(ENVELOPED))]);
                    transforms.empty("ds:Transform", &[("Algorithm", Some(EXC_C14N))]);
                });
                reference.empty("ds:DigestMethod", &[("Algorithm", Some(self.digest_algorithm.as_str()))]);
                reference.text("ds:DigestValue", &[], digest);
            });
        });
        writer.finish()
    }
}
