//! Metadata of an identity provider, as an administrator pastes it or an address serves it. What is read can be written, and
//! reads the same again.
#![no_main]

use fuzz::SIGNER;
use libfuzzer_sys::fuzz_target;
use saml::IdpMetadata;

fuzz_target!(|xml: &[u8]| {
    let key = SIGNER.certificate().verifying_key().clone();
    if let Ok(signed) = IdpMetadata::parse_signed(xml, &[key]) {
        assert_eq!(signed.entity_id, fuzz::ISSUER);
    }
    if let Ok(metadata) = IdpMetadata::parse(xml) {
        let written = metadata.to_xml().expect("what was read has no character that XML can't carry");
        assert_eq!(IdpMetadata::parse(written.as_bytes()).as_ref(), Ok(&metadata));
    }
});
