//! A certificate or a private key as an administrator pastes it, and certificates that a peer's metadata brings.
#![no_main]

use std::str;

use libfuzzer_sys::fuzz_target;
use saml::{Certificate, SigningKey, VerifyingKey};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(certificate) = Certificate::parse(bytes) {
        assert_eq!(Certificate::parse(certificate.pem().as_bytes()).as_ref(), Ok(&certificate));
    }
    let _ = SigningKey::from_pkcs8_der(bytes);
    let _ = VerifyingKey::from_spki_der(bytes);
    if let Ok(text) = str::from_utf8(bytes) {
        let _ = Certificate::parse_all(text);
        let _ = SigningKey::from_pkcs8_pem(text);
    }
});
