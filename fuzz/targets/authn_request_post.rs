//! An AuthnRequest from a form, as anybody can post it to the identity provider. The input is the XML, so that the
//! fuzzer need not learn base64.
#![no_main]

use std::str;

use fuzz::SIGNER;
use libfuzzer_sys::fuzz_target;
use saml::{AuthnRequest, post_value};

fuzz_target!(|xml: &[u8]| {
    let Ok(xml) = str::from_utf8(xml) else { return };
    if let Ok(request) = AuthnRequest::from_post(&post_value(xml), None) {
        let key = SIGNER.certificate().verifying_key().clone();
        if request.verify_signature(&[key], false).is_ok() {
            assert_eq!(request.issuer.as_deref(), Some(fuzz::AUDIENCE));
            assert_eq!(request.id, fuzz::REQUEST);
        }
    }
});
