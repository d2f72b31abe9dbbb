//! Metadata of a service provider, as an administrator pastes it or an address serves it. What is read can be written, and
//! reads the same again.
#![no_main]

use fuzz::SIGNER;
use libfuzzer_sys::fuzz_target;
use saml::SpMetadata;

fuzz_target!(|xml: &[u8]| {
    let key = SIGNER.certificate().verifying_key().clone();
    if let Ok(signed) = SpMetadata::parse_signed(xml, &[key]) {
        assert_eq!(signed.entity_id, fuzz::AUDIENCE);
    }
    if let Ok(metadata) = SpMetadata::parse(xml) {
        let written = metadata.to_xml().expect("what was read has no character that XML can't carry");
        assert_eq!(SpMetadata::parse(written.as_bytes()).as_ref(), Ok(&metadata));
    }
});
