//! Secrets at rest: private keys, other people's client secrets, TOTP seeds are stored sealed.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::random::Random;

/// Leads every sealed text, so that the form can change later.
const FORM: &str = "sealed1";

/// Seals and opens secrets with one master key: AES-256-GCM (NIST SP 800-38D) under a key derived by
/// HKDF-SHA-256 (RFC 5869). Cheap to clone.
#[derive(Clone)]
pub struct Sealer(Arc<Keys>);

struct Keys {
    root: Prk,
    seal: LessSafeKey,
    id: String,
}

/// Why a sealed secret could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It was sealed with another master key.
    #[error(
        "A stored secret was sealed with another master key. Start Innkeeper with the key it was set up with."
    )]
    WrongKey,
    /// It was changed, or belongs to another row.
    #[error(
        "A stored secret is damaged, or was moved from another row. Enter it again, or restore a backup."
    )]
    Damaged,
}

impl Sealer {
    /// A sealer with this master key: 256 random bits.
    pub fn from_key(key: &[u8; 32]) -> Self {
        let root = Salt::new(HKDF_SHA256, b"innkeeper").extract(key);
        let seal = seal_key(&expand(&root, "seal"));
        let id = URL_SAFE_NO_PAD.encode(&expand(&root, "seal key id")[..6]);
        Self(Arc::new(Keys { root, seal, id }))
    }

    /// Seals a secret. `context` says where it is kept, for example `certificates/ID/private_key`;
    /// the same is needed to open it, so that a sealed text can't be moved to another row.
    ///
    /// # Panics
    /// If `plaintext` is longer than 64 GiB.
    #[expect(clippy::expect_used, reason = "AES-GCM refuses nothing but a text beyond 64 GiB")]
    pub fn seal(&self, random: &dyn Random, context: &str, plaintext: &[u8]) -> String {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let mut sealed = plaintext.to_vec();
        let aad = self.associated_data(context);
        self.0
            .seal
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .expect("the text is shorter than 64 GiB");
        let body = [&nonce[..], &sealed].concat();
        format!("{FORM}.{}.{}", self.0.id, URL_SAFE_NO_PAD.encode(body))
    }

    /// Opens what [`Self::seal`] returned for the same context.
    ///
    /// # Errors
    /// [`SealError::WrongKey`] if another master key sealed it, otherwise [`SealError::Damaged`].
    pub fn open(&self, context: &str, text: &str) -> Result<Vec<u8>, SealError> {
        let (key_id, body) = text
            .strip_prefix(FORM)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.split_once('.'))
            .ok_or(SealError::Damaged)?;
        if key_id != self.0.id {
            return Err(SealError::WrongKey);
        }
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| SealError::Damaged)?;
        let (nonce, sealed) = body.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Damaged)?;
        let mut sealed = sealed.to_vec();
        let aad = self.associated_data(context);
        let opened = self.0.seal.open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut sealed);
        opened.map(|plaintext| plaintext.to_vec()).map_err(|_| SealError::Damaged)
    }

    /// Another key from the same master key, for the use that `label` names, for example
    /// `identity csrf`. Keys of different labels say nothing about each other.
    pub fn derive(&self, label: &str) -> [u8; 32] {
        expand(&self.0.root, &format!("derived {label}"))
    }

    fn associated_data(&self, context: &str) -> Aad<Vec<u8>> {
        Aad::from(format!("{FORM}.{}.{context}", self.0.id).into_bytes())
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({})", self.0.id)
    }
}

#[expect(clippy::expect_used, reason = "a key of 32 bytes is what AES-256 takes")]
fn seal_key(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("an AES-256 key has 32 bytes"))
}

/// 32 bytes, for HKDF.
struct ThirtyTwoBytes;

impl KeyType for ThirtyTwoBytes {
    fn len(&self) -> usize {
        32
    }
}

#[expect(clippy::expect_used, reason = "HKDF-SHA-256 gives up to 8160 bytes")]
fn expand(root: &Prk, label: &str) -> [u8; 32] {
    let mut out = [0; 32];
    root.expand(&[label.as_bytes()], ThirtyTwoBytes)
        .and_then(|okm| okm.fill(&mut out))
        .expect("32 bytes are within what HKDF gives");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn a_sealed_secret_opens_in_its_row_only() {
        let sealer = Sealer::from_key(&[7; 32]);
        for plaintext in [&b""[..], b"s3cret", &[0xff; 5000]] {
            let sealed = sealer.seal(&SystemRandom, "providers/1/secret", plaintext);
            assert_eq!(sealer.open("providers/1/secret", &sealed).unwrap(), plaintext);
            assert_eq!(sealer.open("providers/2/secret", &sealed), Err(SealError::Damaged));
            assert_ne!(sealed, sealer.seal(&SystemRandom, "providers/1/secret", plaintext));
        }
        assert!(!sealer.seal(&SystemRandom, "c", b"s3cret").contains("s3cret"));
    }

    #[test]
    fn another_master_key_is_told_plainly() {
        let sealed = Sealer::from_key(&[7; 32]).seal(&SystemRandom, "c", b"s3cret");
        let error = Sealer::from_key(&[8; 32]).open("c", &sealed).unwrap_err();
        assert_eq!(error, SealError::WrongKey);
        assert!(error.to_string().contains("another master key"));
        assert_eq!(Sealer::from_key(&[7; 32]).open("c", &sealed).unwrap(), b"s3cret");
    }

    #[test]
    fn every_change_of_the_text_is_noticed() {
        let sealer = Sealer::from_key(&[7; 32]);
        let sealed = sealer.seal(&SystemRandom, "c", b"s3cret");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(sealer.open("c", &String::from_utf8(changed).unwrap()).is_err(), "byte {at}");
            assert!(sealer.open("c", &sealed[..at]).is_err(), "cut at {at}");
        }
        assert_eq!(sealer.open("c", "s3cret"), Err(SealError::Damaged));
    }

    #[test]
    fn derived_keys_differ_by_label_and_master_and_stay() {
        let sealer = Sealer::from_key(&[7; 32]);
        assert_eq!(sealer.derive("csrf"), Sealer::from_key(&[7; 32]).derive("csrf"));
        assert_ne!(sealer.derive("csrf"), sealer.derive("notices"));
        assert_ne!(sealer.derive("csrf"), Sealer::from_key(&[8; 32]).derive("csrf"));
        assert_ne!(sealer.derive("seal"), expand(&sealer.0.root, "seal"));
        assert!(!format!("{sealer:?}").contains("07"));
    }
}
