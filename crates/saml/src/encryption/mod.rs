//! XML Encryption 1.1 as SAML uses it (SAML Core 6): one element, encrypted under a fresh content key, which is
//! wrapped with RSA-OAEP for each recipient.
//!
//! Encryption hides; it never says who wrote something, for everybody has the recipient's certificate. So nothing
//! here lets anybody in: what comes out of a decryption is as untrusted as what came over the wire, until a
//! signature over it or within it is verified.
//!
//! AES-CBC does not notice a change of the ciphertext, and answers that differ by what came out tell the plaintext
//! byte by byte (Jager and Somorovsky, "How To Break XML Encryption", 2011). It is read only where a configuration
//! allows it by name and a verified signature covers the ciphertext, so that a stranger can't have anything of
//! their own decrypted by it, a GCM ciphertext relabelled as CBC included. RSA PKCS#1 v1.5 is not there at all. A
//! wrapped key that can't be unwrapped is replaced by one that fits nothing and the work goes on, so that all
//! failures are one and the same.

mod algorithms;
mod cipher;
mod keys;
mod read;
mod write;

pub use algorithms::{DataEncryption, KeyTransport};
pub use keys::{DecryptionKey, Encryptor};
pub(crate) use read::{Covered, Decryption, Plaintext, decrypt};
pub use write::Encryption;

/// The value of `Type` of an encrypted element.
const ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";
