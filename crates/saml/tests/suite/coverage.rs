//! What a signature covers, and that nothing which people or peers chose ends the place where it is written.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saml::{
    AuthnContextClass, AuthnRequestBuilder, ErrorKind, IdpMetadata, NameId, NameIdFormat, Response,
    SignedParts,
};

use crate::fixtures::{ACS, AUDIENCE, IDP, ISSUER, now, rsa_sign};
use crate::splicing::{answer, outcome};

fn sign(canonical: &str, id: &str) -> String {
    let digest = STANDARD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()));
    let info = format!(
        "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:CanonicalizationMethod \
         Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:CanonicalizationMethod><ds:SignatureMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"></ds:SignatureMethod><ds:Reference \
         URI=\"#{id}\"><ds:Transforms><ds:Transform \
         Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform><ds:Transform \
         Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform></ds:Transforms><ds:DigestMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
         <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    );
    let value = rsa_sign(&IDP.key_pem, info.as_bytes());
    format!("{info}<ds:SignatureValue>{}</ds:SignatureValue>", STANDARD.encode(value))
}

/// The one part of a signed element that its signature does not cover is the signature. Metadata hidden in its
/// KeyInfo would make the attacker's identity provider a trusted one.
#[test]
fn an_entity_within_the_signature_is_not_signed() {
    let keys = [IDP.certificate.verifying_key().clone()];
    let entity = IdpMetadata {
        entity_id: "https://evil.example".into(),
        valid_until: None,
        cache_duration: None,
        single_sign_on_services: vec![saml::Endpoint {
            binding: saml::Binding::HttpRedirect,
            location: "https://evil.example/sso".into(),
        }],
        single_logout_services: Vec::new(),
        signing_certificates: vec![IDP.certificate.clone()],
        name_id_formats: Vec::new(),
        want_authn_requests_signed: false,
    };
    let entity = entity.to_xml().unwrap();
    let start = "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" ID=\"_all\">";
    let end = "</md:EntitiesDescriptor>";
    let signed = sign(&format!("{start}{end}"), "_all");
    let forged = format!(
        "{start}<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{signed}<ds:KeyInfo>{entity}\
         </ds:KeyInfo></ds:Signature>{end}"
    );
    let refused = IdpMetadata::parse_signed(forged.as_bytes(), &keys).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Missing("EntityDescriptor"));
    // Where it belongs, it is signed.
    let entity = entity.replacen(" xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"", "", 1);
    let signed = sign(&format!("{start}{entity}{end}"), "_all");
    let honest = format!(
        "{start}<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{signed}</ds:Signature>{entity}{end}"
    );
    assert!(IdpMetadata::parse_signed(honest.as_bytes(), &keys).is_ok());
}

fn signed_query(relay_state: Option<&str>) -> String {
    let request = AuthnRequestBuilder::new("_q", AUDIENCE, now()).acs_url(ACS);
    let url = request.redirect_url("https://auth.example/sso", relay_state, Some(IDP.signer.key())).unwrap();
    url.split_once('?').unwrap().1.to_owned()
}

/// What a person or a peer chose can't end the place where it is written. Would let somebody with a user name of
/// their choice be anybody.
#[test]
fn nothing_written_is_markup() {
    for name in [
        "</saml:NameID><saml:NameID>admin",
        "\"><x a=\"",
        "]]>",
        "<!--",
        "&amp;",
        "a\r\nb\tc",
        "&#60;",
        "'\"<>&",
    ] {
        let xml = answer(name, ["_r1", "_a1"], (ACS, AUDIENCE), SignedParts::Both);
        let verified = outcome(&xml, SignedParts::Both).unwrap();
        assert_eq!(verified.name_id().unwrap().value, name);
        assert_eq!(verified.attributes()[0].values[0], name);
    }
    for name in ["a\0b", "a\u{1b}", "\u{fffe}", "x\u{ffff}", "\u{b}"] {
        let response = NameId::new(NameIdFormat::Unspecified, name);
        let written = Response {
            id: "_r",
            assertion_id: "_a",
            issue_instant: now(),
            issuer: ISSUER,
            destination: ACS,
            in_response_to: None,
            audience: None,
            name_id: &response,
            attributes: &[],
            not_before: now(),
            not_on_or_after: now(),
            authn_instant: now(),
            session_index: None,
            session_not_on_or_after: None,
            authn_context: AuthnContextClass::Unspecified,
            encryption: None,
        }
        .sign(&IDP.signer, SignedParts::Both);
        assert_eq!(written.unwrap_err().kind(), ErrorKind::CharacterForbidden("saml:NameID"), "{name:?}");
    }
    let url = signed_query(Some("x&SAMLRequest=evil#\r\nSet-Cookie: a=b\0é"));
    assert_eq!(url.matches("SAMLRequest=").count(), 1);
    assert!(url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'), "{url}");
}
