//! AES over the bytes of one element, laid out as XML Encryption 1.1, section 5.2 has it: the initialization
//! vector, the ciphertext and, in GCM, the tag.

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_128, AES_256, DecryptingKey, DecryptionContext, EncryptionContext, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;

use super::DataEncryption;

/// The initialization vector of GCM, in bytes.
const GCM_IV: usize = aead::NONCE_LEN;
/// A block, and the initialization vector of CBC, in bytes.
const BLOCK: usize = 16;

/// Encrypts under a key that is used for nothing else. Of the block `iv` as much is taken as the mode needs.
pub(super) fn encrypt(
    algorithm: DataEncryption,
    key: &[u8],
    iv: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, Unspecified> {
    let mut content = Vec::with_capacity(plaintext.len() + 2 * BLOCK);
    content.extend_from_slice(plaintext);
    let iv: &[u8] = if algorithm.is_cbc() {
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(cbc(algorithm), key)?)?;
        let iv = <&[u8; BLOCK]>::try_from(iv).map_err(|_| Unspecified)?;
        key.less_safe_encrypt(&mut content, EncryptionContext::Iv128(FixedLength::from(iv)))?;
        iv
    } else {
        let iv = iv.get(..GCM_IV).ok_or(Unspecified)?;
        let key = LessSafeKey::new(UnboundKey::new(gcm(algorithm), key)?);
        key.seal_in_place_append_tag(Nonce::try_assume_unique_for_key(iv)?, Aad::empty(), &mut content)?;
        iv
    };
    Ok([iv, &content].concat())
}

/// Decrypts. With GCM it succeeds only for what was encrypted under this key; CBC gives something for anything.
pub(super) fn decrypt(
    algorithm: DataEncryption,
    key: &[u8],
    mut content: Vec<u8>,
) -> Result<Vec<u8>, Unspecified> {
    if algorithm.is_cbc() {
        let (iv, blocks) = content.split_at_mut_checked(BLOCK).ok_or(Unspecified)?;
        let iv: [u8; BLOCK] = (&*iv).try_into().map_err(|_| Unspecified)?;
        let key = DecryptingKey::cbc(UnboundCipherKey::new(cbc(algorithm), key)?)?;
        let padded = key.decrypt(blocks, DecryptionContext::Iv128(FixedLength::from(iv)))?;
        // The last byte says how many are padding; the others of them may be anything.
        let padding = usize::from(*padded.last().ok_or(Unspecified)?);
        let length = padded.len().checked_sub(padding).ok_or(Unspecified)?;
        if !(1..=BLOCK).contains(&padding) {
            return Err(Unspecified);
        }
        content.truncate(BLOCK + length);
        content.drain(..BLOCK);
    } else {
        let (iv, sealed) = content.split_at_mut_checked(GCM_IV).ok_or(Unspecified)?;
        let key = LessSafeKey::new(UnboundKey::new(gcm(algorithm), key)?);
        let nonce = Nonce::try_assume_unique_for_key(iv)?;
        let length = key.open_in_place(nonce, Aad::empty(), sealed)?.len();
        content.truncate(GCM_IV + length);
        content.drain(..GCM_IV);
    }
    Ok(content)
}

fn gcm(algorithm: DataEncryption) -> &'static aead::Algorithm {
    if algorithm.key_bytes() == 32 { &aead::AES_256_GCM } else { &aead::AES_128_GCM }
}

fn cbc(algorithm: DataEncryption) -> &'static aws_lc_rs::cipher::Algorithm {
    if algorithm.key_bytes() == 32 { &AES_256 } else { &AES_128 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn what_is_encrypted_is_decrypted() {
        for algorithm in DataEncryption::ALL {
            let key = &KEY[..algorithm.key_bytes()];
            for length in 0..70 {
                let plaintext = vec![b'x'; length];
                let content = encrypt(algorithm, key, &[9; 16], &plaintext).unwrap();
                assert_eq!(decrypt(algorithm, key, content).unwrap(), plaintext, "{algorithm} {length}");
            }
            assert!(encrypt(algorithm, &KEY[..7], &[9; 16], b"x").is_err());
        }
    }

    #[test]
    fn gcm_notices_every_changed_bit_and_every_cut() {
        let content = encrypt(DataEncryption::Aes128Gcm, &KEY[..16], &[9; 16], b"hello").unwrap();
        for bit in 0..content.len() * 8 {
            let mut changed = content.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(decrypt(DataEncryption::Aes128Gcm, &KEY[..16], changed).is_err(), "bit {bit}");
        }
        for length in 0..content.len() {
            assert!(decrypt(DataEncryption::Aes128Gcm, &KEY[..16], content[..length].to_vec()).is_err());
        }
    }

    #[test]
    fn nothing_makes_cbc_panic() {
        for length in 0..100 {
            let _ = decrypt(DataEncryption::Aes128Cbc, &KEY[..16], vec![0xa5; length]);
        }
        for wrong in [&[][..], &[0; 16], &[0; 31], &[0; 33]] {
            assert!(decrypt(DataEncryption::Aes256Cbc, &KEY, wrong.to_vec()).is_err());
        }
    }

    /// Vectors of NIST: GCM test case 4's key and IV without additional data are those of case 3; CBC of SP 800-38A F.2.1.
    #[test]
    fn known_answers() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let key = hex("feffe9928665731c6d6a8f9467308308");
        let content = hex(
            "cafebabefacedbaddecaf88842831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b2\
             5466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f59854d5c2af327cd64a62cf35abd2ba6fab4",
        );
        let plaintext = hex(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525\
             b16aedf5aa0de657ba637b391aafd255",
        );
        assert_eq!(decrypt(DataEncryption::Aes128Gcm, &key, content).unwrap(), plaintext);

        let key = hex("2b7e151628aed2a6abf7158809cf4f3c");
        let iv = hex("000102030405060708090a0b0c0d0e0f");
        let written =
            encrypt(DataEncryption::Aes128Cbc, &key, &iv, &hex("6bc1bee22e409f96e93d7e117393172a")).unwrap();
        assert_eq!(written[16..32], hex("7649abac8119b246cee98e9b12e9197d"));
    }
}
