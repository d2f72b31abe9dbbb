//! An assertion of an identity provider that writes whatever it likes, and signs it: the signature always verifies,
//! canonical form is a form that stays the same, and every check of the profile is reached.
#![no_main]

use std::str;

use fuzz::{ACS, AUDIENCE, EXPECTATIONS, ISSUER, REQUEST, SIGNER, now, response_with};
use libfuzzer_sys::fuzz_target;
use saml::{ErrorKind, fuzzing, verify_response_xml};

fuzz_target!(|xml: &[u8]| {
    let Ok(xml) = str::from_utf8(xml) else { return };
    let Ok(canonical) = fuzzing::canonical_form(xml) else { return };
    // A declaration that the source had in scope and nothing used may be gone: limits may let this one through.
    assert_eq!(fuzzing::canonical_form(&canonical).as_deref(), Ok(&*canonical));
    let Ok(signed) = fuzzing::signed(xml, &SIGNER) else { return };
    match verify_response_xml(&response_with(&signed), &EXPECTATIONS, now()) {
        Ok(assertion) => {
            assert_eq!(assertion.issuer(), ISSUER);
            assert_eq!(assertion.in_response_to(), Some(REQUEST));
            assert!(signed.contains(ACS) && signed.contains(AUDIENCE), "{signed}");
            assert!(assertion.name_id().is_some_and(|name| !name.value.trim().is_empty()));
        }
        Err(error) => assert!(
            !matches!(error.kind(), ErrorKind::DigestMismatch | ErrorKind::SignatureInvalid),
            "{error}: {signed}"
        ),
    }
});
