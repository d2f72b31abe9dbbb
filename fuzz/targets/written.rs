//! What people and peers chose, in everything that we write: what is written is canonical as it stands, so the signature
//! holds, and what is read is what was written. The input is texts, one after the other, with U+0001 between them.
#![no_main]

use std::str;

use fuzz::{ACS, ENCRYPTOR, EXPECTATIONS, ISSUER, REQUEST, SIGNER, now};
use libfuzzer_sys::fuzz_target;
use saml::{
    Attribute, AuthnContextClass, Encryption, ErrorKind, Expectations, NameId, NameIdFormat, Response,
    SignedParts, verify_response_xml,
};

fuzz_target!(|texts: &[u8]| {
    let Ok(texts) = str::from_utf8(texts) else { return };
    let mut texts = texts.split('\u{1}');
    let mut next = || texts.next().unwrap_or_default().to_owned();
    let mut name_id = NameId::new(NameIdFormat::from_uri(&next()), next());
    name_id.sp_name_qualifier = Some(next());
    let (session, audience) = (next(), next());
    let mut attribute = Attribute::new(next(), [next(), next()]);
    attribute.friendly_name = Some(next());
    let encryption = Encryption { encryptor: &ENCRYPTOR, random: [7; 48] };
    let response = Response {
        id: "_response",
        assertion_id: "_assertion",
        issue_instant: now(),
        issuer: ISSUER,
        destination: ACS,
        in_response_to: Some(REQUEST),
        audience: Some(&audience),
        name_id: &name_id,
        attributes: &[attribute.clone()],
        not_before: now(),
        not_on_or_after: now(),
        authn_instant: now(),
        session_index: Some(&session),
        session_not_on_or_after: None,
        authn_context: AuthnContextClass::Unspecified,
        encryption: audience.ends_with('e').then_some(encryption),
    };
    let expectations =
        Expectations { audience: audience.trim().to_owned(), want_name_id: false, ..EXPECTATIONS.clone() };
    match response.sign(&SIGNER, SignedParts::Both) {
        Err(error) => assert!(matches!(error.kind(), ErrorKind::CharacterForbidden(_)), "{error}"),
        Ok(xml) => match verify_response_xml(&xml, &expectations, now()) {
            Ok(read) => {
                if let Some(read) = read.name_id() {
                    assert_eq!(*read, name_id);
                }
                assert_eq!(read.attributes(), [attribute]);
                assert_eq!(read.session_index(), Some(&*session));
            }
            // An attribute must have a name.
            Err(error) => assert_eq!((error.kind(), &*attribute.name), (ErrorKind::Missing("Name"), "")),
        },
    }
});
