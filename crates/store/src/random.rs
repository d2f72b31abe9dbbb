//! Unguessable values: identifiers and tokens, from a source that is a parameter.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Fills bytes with what nobody can guess. The real one is [`SystemRandom`]; tests bring a seeded one.
pub trait Random: Send + Sync {
    /// Fills all of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// A random source that many parts hold.
pub type SharedRandom = Arc<dyn Random>;

/// The operating system's randomness, through aws-lc.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::expect_used, reason = "a machine without randomness must not hand out ids and tokens")]
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the operating system's random source works");
    }
}

/// A fresh identifier in the text form of a UUID, version 4 (RFC 9562, 5.4).
pub fn new_id(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A fresh identifier of 32 hexadecimal digits: the form of Kasm's configuration ids.
pub fn new_hex_id(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    hex(&bytes)
}

/// A fresh bearer token of 256 bits, 43 characters of base64url. Give it to the one who may use it
/// and keep [`Token::hash`].
pub fn new_token(random: &dyn Random) -> Token {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    Token(URL_SAFE_NO_PAD.encode(bytes))
}

/// A bearer token. Whoever has the text has the right, so it doesn't show itself in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The text, for the one who may use it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, for the one who may use it.
    pub fn into_string(self) -> String {
        self.0
    }

    /// What is stored in its place; see [`hash_token`].
    pub fn hash(&self) -> String {
        hash_token(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What is stored in a token's place: its SHA-256 in hexadecimal. A token is 256 random bits, so a
/// slow hash would add nothing.
pub fn hash_token(token: &str) -> String {
    hex(digest::digest(&digest::SHA256, token.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a String can't fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Constant(u8);

    impl Random for Constant {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn ids_have_their_fields_form() {
        assert_eq!(new_id(&Constant(0xff)), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(new_id(&Constant(0)), "00000000-0000-4000-8000-000000000000");
        assert_eq!(new_hex_id(&Constant(0xa5)), "a5".repeat(16));
        assert_ne!(new_id(&SystemRandom), new_id(&SystemRandom));
    }

    #[test]
    fn tokens_hide_and_hash() {
        let token = new_token(&SystemRandom);
        assert_eq!(token.as_str().len(), 43);
        assert!(!format!("{token:?}").contains(token.as_str()));
        assert_eq!(token.hash(), hash_token(token.as_str()));
        // FIPS 180-2, appendix B.1.
        assert_eq!(hash_token("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
