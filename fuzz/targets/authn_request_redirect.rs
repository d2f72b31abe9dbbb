//! The query of a redirect with an AuthnRequest, as anybody can send it to the identity provider.
#![no_main]

use std::str;

use fuzz::SIGNER;
use libfuzzer_sys::fuzz_target;
use saml::AuthnRequest;

fuzz_target!(|query: &[u8]| {
    let Ok(query) = str::from_utf8(query) else { return };
    if let Ok(request) = AuthnRequest::from_redirect_query(query) {
        let key = SIGNER.certificate().verifying_key().clone();
        if request.verify_signature(&[key], false).is_ok() {
            // The seeds were signed with this issuer and this ID; nobody else has the key.
            assert_eq!(request.issuer.as_deref(), Some(fuzz::AUDIENCE));
            assert_eq!(request.id, fuzz::REQUEST);
        }
    }
});
