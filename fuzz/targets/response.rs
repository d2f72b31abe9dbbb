//! A Response, as anybody can post it to the assertion consumer service. The input is the XML.
#![no_main]

use std::str;

use fuzz::{EXPECTATIONS, now, says_what_was_signed};
use libfuzzer_sys::fuzz_target;
use saml::verify_response_xml;

fuzz_target!(|xml: &[u8]| {
    let Ok(xml) = str::from_utf8(xml) else { return };
    if let Ok(assertion) = verify_response_xml(xml, &EXPECTATIONS, now()) {
        says_what_was_signed(&assertion);
    }
});
