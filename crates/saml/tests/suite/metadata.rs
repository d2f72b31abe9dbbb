//! Metadata of both roles, our own and what others write.

use saml::{AssertionConsumerService, Binding, Endpoint, ErrorKind, IdpMetadata, NameIdFormat, SpMetadata};

use crate::fixtures::*;

fn endpoint(binding: Binding, path: &str) -> Endpoint {
    Endpoint { binding, location: format!("https://auth.example/{path}?a=1&b=2") }
}

fn idp() -> IdpMetadata {
    IdpMetadata {
        entity_id: ISSUER.into(),
        single_sign_on_services: vec![
            endpoint(Binding::HttpRedirect, "redirect"),
            endpoint(Binding::HttpPost, "post"),
        ],
        single_logout_services: vec![endpoint(Binding::HttpPost, "slo")],
        signing_certificates: vec![IDP.certificate.clone(), P256.certificate.clone()],
        name_id_formats: vec![NameIdFormat::EmailAddress, NameIdFormat::Transient],
        want_authn_requests_signed: true,
    }
}

fn sp() -> SpMetadata {
    let mut sp = SpMetadata::new(AUDIENCE, ACS);
    let other = AssertionConsumerService {
        binding: Binding::HttpRedirect,
        location: "https://workspaces.example/other".into(),
        index: 7,
        is_default: false,
    };
    sp.assertion_consumer_services.push(other);
    sp.signing_certificates = vec![P256.certificate.clone()];
    sp.encryption_certificates = vec![IDP.certificate.clone()];
    sp.name_id_formats = vec![NameIdFormat::EmailAddress];
    sp.want_assertions_signed = true;
    sp
}

#[test]
fn what_is_written_is_read() {
    assert_eq!(IdpMetadata::parse(idp().to_xml().unwrap().as_bytes()).unwrap(), idp());
    assert_eq!(SpMetadata::parse(sp().to_xml().unwrap().as_bytes()).unwrap(), sp());
    let read = IdpMetadata::parse(idp().to_signed_xml("_m", &IDP.signer).unwrap().as_bytes()).unwrap();
    assert_eq!(read, idp());
    assert_eq!(read.sso_url(Binding::HttpRedirect), Some("https://auth.example/redirect?a=1&b=2"));
    assert_eq!(read.slo_url(Binding::HttpRedirect), None);
    assert_eq!(sp().default_acs().unwrap().location, ACS);
}

#[test]
fn a_signature_is_verified_where_it_is_asked_for() {
    let keys = [IDP.certificate.verifying_key().clone()];
    let stranger = [STRANGER.certificate.verifying_key().clone()];
    let signed = idp().to_signed_xml("_m", &IDP.signer).unwrap();
    assert_eq!(IdpMetadata::parse_signed(signed.as_bytes(), &keys).unwrap(), idp());
    let kind = |xml: &str, keys| IdpMetadata::parse_signed(xml.as_bytes(), keys).unwrap_err().kind();
    assert_eq!(kind(&signed, &stranger), ErrorKind::SignatureInvalid);
    assert_eq!(kind(&idp().to_xml().unwrap(), &keys), ErrorKind::SignatureMissing);
    assert_eq!(
        kind(&edit(&signed, "auth.example/redirect", "evil.example/redirect"), &keys),
        ErrorKind::DigestMismatch
    );
    let signed = sp().to_signed_xml("_m", &IDP.signer).unwrap();
    assert_eq!(SpMetadata::parse_signed(signed.as_bytes(), &keys).unwrap(), sp());
    // Signed metadata inside an unsigned forgery of the same entity.
    let forged = edit(&idp().to_xml().unwrap(), "auth.example/redirect", "evil.example/redirect");
    let wrapped = edit(
        &forged,
        "<md:IDPSSODescriptor",
        &format!("<md:Extensions>{signed}</md:Extensions><md:IDPSSODescriptor"),
    );
    assert_eq!(kind(&wrapped, &keys), ErrorKind::SignatureMissing);
}

/// As others write it: a declaration, comments, other prefixes, other roles, extensions, an unknown binding.
#[test]
fn what_others_write() {
    let certificate = IDP.certificate.pem();
    let body: String =
        certificate.lines().filter(|line| !line.starts_with("-----")).collect::<Vec<_>>().join("\n      ");
    let entity = format!(
        r#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{ISSUER}">
  <!-- ours -->
  <Extensions><x xmlns="urn:x"/></Extensions>
  <SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol urn:oasis:names:tc:SAML:2.0:protocol">
    <AssertionConsumerService index="2" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact" Location="https://a/artifact"/>
    <AssertionConsumerService index="3" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location=" https://a/3 "/>
    <AssertionConsumerService index="4" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://a/4" isDefault="true"/>
  </SPSSODescriptor>
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="https://a/soap"/>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://a/sso"/>
    <KeyDescriptor use="encryption"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>AAAA</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
    <KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>
      {body}
    </X509Certificate></X509Data></KeyInfo></KeyDescriptor>
  </IDPSSODescriptor>
</EntityDescriptor>"#
    );
    let entities = format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{entity}</md:EntitiesDescriptor>"
    );
    for xml in [
        format!("<?xml version=\"1.0\"?>\n{entity}\n"),
        entities,
        format!("\u{feff}{entity}"),
        format!("\n {entity}"),
    ] {
        let idp = IdpMetadata::parse(xml.as_bytes()).unwrap();
        assert_eq!(idp.entity_id, ISSUER);
        assert_eq!(idp.single_sign_on_services.len(), 1);
        assert_eq!(idp.sso_url(Binding::HttpRedirect), Some("https://a/sso"));
        assert_eq!(idp.signing_certificates, std::slice::from_ref(&IDP.certificate));
        assert!(!idp.want_authn_requests_signed);
        let sp = SpMetadata::parse(xml.as_bytes()).unwrap();
        assert_eq!(sp.default_acs().unwrap().location, "https://a/4");
        assert_eq!(sp.assertion_consumer_services[0].location, "https://a/3");
    }
}

#[test]
fn each_fault_has_its_own_error() {
    let kind = |xml: &str| IdpMetadata::parse(xml.as_bytes()).unwrap_err().kind();
    let xml = idp().to_xml().unwrap();
    assert_eq!(kind(""), ErrorKind::NotWellFormed);
    assert_eq!(kind("<html></html>"), ErrorKind::WrongMessage("metadata document"));
    assert_eq!(kind("<!DOCTYPE html><html></html>"), ErrorKind::DoctypeForbidden);
    assert_eq!(IdpMetadata::parse(b"\xff").unwrap_err().kind(), ErrorKind::NotUtf8);
    assert_eq!(kind(&" ".repeat(saml::MAX_METADATA_BYTES + 1)), ErrorKind::TooLarge);
    assert_eq!(kind(&sp().to_xml().unwrap()), ErrorKind::RoleMissing("an identity provider"));
    assert_eq!(
        SpMetadata::parse(xml.as_bytes()).unwrap_err().kind(),
        ErrorKind::RoleMissing("a service provider")
    );
    let saml1 = edit(
        &xml,
        "protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"",
        "protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:1.1:protocol\"",
    );
    assert_eq!(kind(&saml1), ErrorKind::RoleMissing("an identity provider"));
    assert_eq!(kind(&edit(&xml, &format!("entityID=\"{ISSUER}\""), "")), ErrorKind::Missing("entityID"));
    let none =
        xml.replace("bindings:HTTP-Redirect", "bindings:SOAP").replace("bindings:HTTP-POST", "bindings:SOAP");
    assert_eq!(
        kind(&none),
        ErrorKind::Missing("SingleSignOnService with the binding HTTP-Redirect or HTTP-POST")
    );
    let mut keyless = idp();
    keyless.signing_certificates.clear();
    assert_eq!(kind(&keyless.to_xml().unwrap()), ErrorKind::Missing("X509Certificate for signing"));
    keyless.signing_certificates.push(P256.certificate.clone());
    let broken = edit(&keyless.to_xml().unwrap(), "<ds:X509Certificate>", "<ds:X509Certificate>AAAA");
    assert_eq!(kind(&broken), ErrorKind::CertificateUnreadable);
    for scheme in ["javascript:alert(1)", "data:text/html,x", "/relative", "ftp://x"] {
        let evil = edit(&xml, "https://auth.example/redirect?a=1&amp;b=2", scheme);
        assert_eq!(kind(&evil), ErrorKind::Malformed("Location"), "{scheme}");
    }
    let two = format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{xml}{xml}</md:EntitiesDescriptor>"
    );
    assert_eq!(kind(&two), ErrorKind::EntitiesSeveral);
}
