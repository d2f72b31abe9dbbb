//! What a stranger encrypted for us, as anybody can: it is parsed before any signature is verified. The input is the
//! plaintext.
#![no_main]

use std::str;

use fuzz::{ENCRYPTOR, EXPECTATIONS, now, response_with, says_what_was_signed};
use libfuzzer_sys::fuzz_target;
use saml::{Encryption, fuzzing, verify_response_xml};

fuzz_target!(|plaintext: &[u8]| {
    let Ok(plaintext) = str::from_utf8(plaintext) else { return };
    let encryption = Encryption { encryptor: &ENCRYPTOR, random: [7; 48] };
    let encrypted = fuzzing::encrypted_assertion(plaintext, &encryption).expect("anything can be encrypted");
    if let Ok(assertion) = verify_response_xml(&response_with(&encrypted), &EXPECTATIONS, now()) {
        says_what_was_signed(&assertion);
        assert!(assertion.was_encrypted());
    }
});
