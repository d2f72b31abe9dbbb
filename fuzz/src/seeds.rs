//! Writes the seeds: messages that are accepted, and some that are nearly so. `fuzz/run seeds` calls it; what the
//! fuzzer finds on top of them is kept beside them.

use std::error::Error;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fuzz::{ACS, AUDIENCE, CERTIFICATE, ENCRYPTOR, GROUP, ISSUER, PERSON, REQUEST, SIGNER, now};
use libfuzzer_sys as _;
use saml::{
    AssertionConsumerService, Attribute, AuthnContextClass, AuthnRequestBuilder, Binding, Encryption,
    Endpoint, ErrorResponse, IdpMetadata, LogoutBinding, LogoutReason, LogoutRequestBuilder,
    LogoutResponseBuilder, Message, NameId, NameIdFormat, Response, SignedParts, SingleLogoutService,
    SpMetadata, Status, StatusCode, post_value, redirect_url, soap_envelope,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let keep = |target: &str, name: &str, bytes: &[u8]| -> Outcome<()> {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join(format!("seed-{name}")), bytes)?)
    };
    for (name, xml) in responses()? {
        keep("response", name, xml.as_bytes())?;
        keep("examination", name, post_value(&xml).as_bytes())?;
    }
    let signed = responses()?.into_iter().next().ok_or("no response")?.1;
    let assertion = signed.find("<saml:Assertion").and_then(|at| signed.get(at..)).ok_or("no assertion")?;
    let assertion = assertion.strip_suffix("</samlp:Response>").ok_or("no end")?;
    let declaration = " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
    keep("decryption", "whole", assertion.as_bytes())?;
    keep("decryption", "outside", assertion.replacen(declaration, "", 1).as_bytes())?;
    let (before, rest) = assertion.split_once("<ds:Signature").ok_or("no signature")?;
    let (_, after) = rest.split_once("</ds:Signature>").ok_or("no signature")?;
    keep("assertion", "whole", format!("{before}{after}").as_bytes())?;
    keep("written", "usual", format!("{PERSON}\u{1}{GROUP}\u{1}session\u{1}{AUDIENCE}").as_bytes())?;
    keep("written", "odd", "<&>\"'\t\r\n\u{1}ä😀\u{1}]]>\u{1} ".as_bytes())?;
    for (name, request) in requests() {
        let sso = "https://auth.example/application/saml/rooms/sso/binding/redirect/";
        for (how, signing) in [("", None), ("-signed", Some(&*SIGNER))] {
            let signing = signing.map(|signer| (signer.key(), signer.signature_algorithm()));
            let url = request.redirect_url_with(sso, Some("/"), signing)?;
            let query = url.split_once('?').ok_or("no query")?.1;
            keep("authn_request_redirect", &format!("{name}{how}"), query.as_bytes())?;
        }
        for (how, signer) in [("", None), ("-signed", Some(&*SIGNER))] {
            let xml = STANDARD.decode(request.post_value(signer)?)?;
            keep("authn_request_post", &format!("{name}{how}"), &xml)?;
        }
    }
    for (name, message, plain, signed) in logout()? {
        keep("logout_post", name, plain.as_bytes())?;
        keep("logout_post", &format!("{name}-signed"), signed.as_bytes())?;
        keep("logout_post", &format!("{name}-soap"), soap_envelope(&signed).as_bytes())?;
        let signing = Some((SIGNER.key(), SIGNER.signature_algorithm()));
        let url = redirect_url("https://rooms.example/api/slo/", message, &plain, Some("/"), signing)?;
        keep("logout_redirect", name, url.split_once('?').ok_or("no query")?.1.as_bytes())?;
    }
    let (idp, sp) = (idp_metadata(), sp_metadata());
    keep("idp_metadata", "plain", idp.to_xml()?.as_bytes())?;
    keep("idp_metadata", "signed", idp.to_signed_xml("_idp", &SIGNER)?.as_bytes())?;
    keep("sp_metadata", "plain", sp.to_xml()?.as_bytes())?;
    keep("sp_metadata", "signed", sp.to_signed_xml("_sp", &SIGNER)?.as_bytes())?;
    let group = |entity: String| {
        format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"><!-- one -->{entity}\
             </md:EntitiesDescriptor>"
        )
    };
    keep("idp_metadata", "group", group(idp.to_xml()?).as_bytes())?;
    keep("certificate", "pem", CERTIFICATE.pem().as_bytes())?;
    keep("certificate", "two", CERTIFICATE.pem().repeat(2).as_bytes())?;
    keep("certificate", "der", CERTIFICATE.der())?;
    keep("certificate", "key", include_bytes!("../keys/idp.key.pem"))?;
    Ok(())
}

fn responses() -> Outcome<Vec<(&'static str, String)>> {
    let name_id = NameId::new(NameIdFormat::EmailAddress, PERSON);
    let attributes = [Attribute::new("http://schemas.xmlsoap.org/claims/Group", [GROUP])];
    let moment = |text| saml::Timestamp::parse(text).ok_or("no moment");
    let response = Response {
        id: "_response",
        assertion_id: "_assertion",
        issue_instant: now(),
        issuer: ISSUER,
        destination: ACS,
        in_response_to: Some(REQUEST),
        audience: Some(AUDIENCE),
        name_id: &name_id,
        attributes: &attributes,
        not_before: moment("2026-11-24T11:55:00Z")?,
        not_on_or_after: moment("2026-11-24T12:05:00Z")?,
        authn_instant: moment("2026-11-24T11:00:00Z")?,
        session_index: Some("session"),
        session_not_on_or_after: Some(moment("2026-11-24T20:00:00Z")?),
        authn_context: AuthnContextClass::PasswordProtectedTransport,
        encryption: None,
    };
    let encryption = Some(Encryption { encryptor: &ENCRYPTOR, random: [7; 48] });
    let encrypted = Response { encryption, ..response.clone() };
    let refusal = ErrorResponse {
        id: "_response",
        issue_instant: now(),
        issuer: ISSUER,
        destination: ACS,
        in_response_to: Some(REQUEST),
        status: StatusCode::Responder,
        sub_status: Some(StatusCode::NoPassive),
        message: Some("nobody is there"),
    };
    Ok(vec![
        ("assertion", response.sign(&SIGNER, SignedParts::Assertion)?),
        ("response", response.sign(&SIGNER, SignedParts::Response)?),
        ("both", response.sign(&SIGNER, SignedParts::Both)?),
        ("encrypted", encrypted.sign(&SIGNER, SignedParts::Assertion)?),
        ("encrypted-both", encrypted.sign(&SIGNER, SignedParts::Both)?),
        ("refusal", refusal.to_xml(None)?),
        ("refusal-signed", refusal.to_xml(Some(&SIGNER))?),
    ])
}

fn requests() -> [(&'static str, AuthnRequestBuilder); 2] {
    let plain = || AuthnRequestBuilder::new(REQUEST, AUDIENCE, now());
    let whole = plain()
        .destination("https://auth.example/application/saml/rooms/sso/binding/redirect/")
        .acs_url(ACS)
        .name_id_format(NameIdFormat::Persistent)
        .force_authn(true)
        .is_passive(true);
    [("plain", plain()), ("whole", whole)]
}

/// A request and a response: name, kind, plain and signed.
fn logout() -> Outcome<[(&'static str, Message, String, String); 2]> {
    let name_id = NameId::new(NameIdFormat::EmailAddress, PERSON);
    let request = LogoutRequestBuilder {
        id: REQUEST,
        issue_instant: now(),
        issuer: AUDIENCE,
        destination: "https://rooms.example/api/slo/",
        not_on_or_after: Some(now().plus(std::time::Duration::from_mins(5))),
        reason: Some(LogoutReason::User),
        name_id: &name_id,
        session_indexes: &["session".to_owned()],
    };
    let status = Status {
        code: StatusCode::Responder,
        sub_code: Some(StatusCode::PartialLogout),
        message: Some("one is left".to_owned()),
    };
    let response = LogoutResponseBuilder {
        id: "_response",
        issue_instant: now(),
        issuer: ISSUER,
        destination: Some("https://rooms.example/api/slo/"),
        in_response_to: REQUEST,
        status: &status,
    };
    Ok([
        ("request", Message::Request, request.to_xml(None)?, request.to_xml(Some(&SIGNER))?),
        ("response", Message::Response, response.to_xml(None)?, response.to_xml(Some(&SIGNER))?),
    ])
}

fn idp_metadata() -> IdpMetadata {
    let endpoint = |binding| Endpoint { binding, location: "https://auth.example/sso".into() };
    IdpMetadata {
        entity_id: ISSUER.into(),
        valid_until: None,
        cache_duration: Some(std::time::Duration::from_hours(24)),
        single_sign_on_services: vec![endpoint(Binding::HttpRedirect), endpoint(Binding::HttpPost)],
        single_logout_services: vec![SingleLogoutService::new(
            LogoutBinding::HttpRedirect,
            "https://auth.example/slo",
        )],
        signing_certificates: vec![CERTIFICATE.clone()],
        name_id_formats: vec![NameIdFormat::EmailAddress, NameIdFormat::Persistent],
        want_authn_requests_signed: true,
    }
}

fn sp_metadata() -> SpMetadata {
    let mut metadata = SpMetadata::new(AUDIENCE, ACS);
    metadata.assertion_consumer_services.push(AssertionConsumerService {
        binding: Binding::HttpRedirect,
        location: ACS.into(),
        index: 7,
        is_default: false,
    });
    metadata.signing_certificates = vec![CERTIFICATE.clone()];
    metadata.encryption_certificates = vec![CERTIFICATE.clone()];
    metadata.name_id_formats = vec![NameIdFormat::Transient];
    metadata.authn_requests_signed = true;
    metadata.want_assertions_signed = true;
    metadata
}
