//! The query of a redirect with a logout message, as anybody can send it to either product.
#![no_main]

use std::str;

use fuzz::{AUDIENCE, SIGNER};
use libfuzzer_sys::fuzz_target;
use saml::{LogoutRequest, LogoutResponse};

fuzz_target!(|query: &[u8]| {
    let key = [SIGNER.certificate().verifying_key().clone()];
    let Ok(query) = str::from_utf8(query) else { return };
    if let Ok(request) = LogoutRequest::from_redirect_query(query)
        && request.verify_signature(&key, false).is_ok()
    {
        assert_eq!(request.issuer, AUDIENCE);
        assert!(request.name_id().is_ok_and(|name| name.value == fuzz::PERSON));
    }
    if let Ok(response) = LogoutResponse::from_redirect_query(query)
        && response.verify_signature(&key, false).is_ok()
    {
        assert_eq!(response.in_response_to.as_deref(), Some(fuzz::REQUEST));
    }
});
