//! Logout messages from a form or a SOAP body, as anybody can post them to either product. The input is the XML.
#![no_main]

use std::str;

use fuzz::{AUDIENCE, SIGNER};
use libfuzzer_sys::fuzz_target;
use saml::{LogoutRequest, LogoutResponse, post_value};

fuzz_target!(|xml: &[u8]| {
    let key = [SIGNER.certificate().verifying_key().clone()];
    let Ok(text) = str::from_utf8(xml) else { return };
    let field = post_value(text);
    let requests = [LogoutRequest::from_post(&field, None), LogoutRequest::from_soap(xml)];
    for request in requests.into_iter().flatten() {
        if request.verify_signature(&key, false).is_ok() {
            assert_eq!(request.issuer, AUDIENCE);
            assert!(request.name_id().is_ok_and(|name| name.value == fuzz::PERSON));
        }
    }
    let responses = [LogoutResponse::from_post(&field, None), LogoutResponse::from_soap(xml)];
    for response in responses.into_iter().flatten() {
        if response.verify_signature(&key, false).is_ok() {
            assert_eq!(response.in_response_to.as_deref(), Some(fuzz::REQUEST));
        }
    }
});
