//! An RSA key with 2048 bits: the yardstick.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256};
use saml::{Certificate, DigestAlgorithm, SignatureAlgorithm, Signer, SigningKey};

use crate::{Outcome, cpu};

/// As long as the SignedInfo of an assertion.
const MESSAGE: [u8; 700] = [b'x'; 700];

/// The key, parsed once.
pub(crate) struct Key {
    pair: KeyPair,
    public: ParsedPublicKey,
}

impl Key {
    /// A fresh one.
    pub(crate) fn generate() -> Outcome<Self> {
        let pair = KeyPair::generate(KeySize::Rsa2048)?;
        let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())?;
        Ok(Self { pair, public })
    }

    /// The CPU seconds of one raw signature with SHA-256.
    pub(crate) fn seconds_to_sign(&self, times: u32) -> Outcome<f64> {
        let random = SystemRandom::new();
        let mut signature = vec![0; self.pair.public_modulus_len()];
        cpu::seconds_each(times, || {
            Ok(self.pair.sign(&RSA_PKCS1_SHA256, &random, &MESSAGE, &mut signature)?)
        })
    }

    /// The CPU seconds of verifying one raw signature with SHA-256.
    pub(crate) fn seconds_to_verify(&self, times: u32) -> Outcome<f64> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &MESSAGE, &mut signature)?;
        cpu::seconds_each(times, || Ok(self.public.verify_sig(&MESSAGE, &signature)?))
    }

    /// The same key with a certificate, for signing assertions.
    pub(crate) fn signer(&self) -> Outcome<Signer> {
        let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&self.pair)?;
        let pair = rcgen::KeyPair::try_from(pkcs8.as_ref())?;
        let certificate = rcgen::CertificateParams::default().self_signed(&pair)?;
        Ok(Signer::new(
            SigningKey::from_pkcs8_der(pkcs8.as_ref())?,
            Certificate::from_der(certificate.der())?,
            SignatureAlgorithm::RsaSha256,
            DigestAlgorithm::Sha256,
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_takes_longer_to_make_than_to_verify() {
        let key = Key::generate().unwrap();
        assert!(key.seconds_to_sign(20).unwrap() > key.seconds_to_verify(20).unwrap());
        assert!(key.signer().is_ok());
    }
}
