//! A Response in the form field, examined check by check: what decides must be what is shown.
#![no_main]

use std::str;

use fuzz::{EXPECTATIONS, now, says_what_was_signed};
use libfuzzer_sys::fuzz_target;
use saml::{examine_response, untrusted_in_response_to, verify_response};

fuzz_target!(|field: &[u8]| {
    let Ok(field) = str::from_utf8(field) else { return };
    let _ = untrusted_in_response_to(field);
    let examination = examine_response(field, &EXPECTATIONS, now());
    let verified = verify_response(field, &EXPECTATIONS, now());
    assert_eq!(examination.outcome(), verified.as_ref());
    let failed = examination.checks().iter().filter(|check| !check.passed).count();
    assert_eq!(failed, usize::from(verified.is_err()));
    if let Ok(assertion) = &verified {
        says_what_was_signed(assertion);
    }
});
