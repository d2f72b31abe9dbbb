//! Metadata of both roles, our own and what others write.

use std::time::Duration;

use proptest::prelude::*;
use saml::{
    AssertionConsumerService, Binding, Change, Endpoint, ErrorKind, IdpMetadata, LogoutBinding,
    MetadataExpectations, NameIdFormat, SingleLogoutService, SpMetadata,
};

use crate::fixtures::*;

fn endpoint(binding: Binding, path: &str) -> Endpoint {
    Endpoint { binding, location: format!("https://auth.example/{path}?a=1&b=2") }
}

fn idp() -> IdpMetadata {
    IdpMetadata {
        entity_id: ISSUER.into(),
        valid_until: Some(at("2026-12-01T00:00:00Z")),
        cache_duration: Some(Duration::from_secs(86_400)),
        single_sign_on_services: vec![
            endpoint(Binding::HttpRedirect, "redirect"),
            endpoint(Binding::HttpPost, "post"),
        ],
        single_logout_services: vec![
            SingleLogoutService::new(LogoutBinding::Soap, "https://auth.example/soap"),
            SingleLogoutService {
                binding: LogoutBinding::HttpPost,
                location: "https://auth.example/slo?a=1&b=2".into(),
                response_location: Some("https://auth.example/done".into()),
            },
        ],
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
    sp.encryption_methods = vec![
        "http://www.w3.org/2009/xmlenc11#aes256-gcm".into(),
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p".into(),
    ];
    sp.single_logout_services =
        vec![SingleLogoutService::new(LogoutBinding::HttpRedirect, "https://workspaces.example/slo")];
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
    assert_eq!(read.single_logout_service(LogoutBinding::HttpRedirect), None);
    let post = read.single_logout_service(LogoutBinding::HttpPost).unwrap();
    assert_eq!(post.answers_to(), "https://auth.example/done");
    let soap = read.single_logout_service(LogoutBinding::Soap).unwrap();
    assert_eq!(soap.answers_to(), "https://auth.example/soap");
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

#[test]
fn what_was_edited_after_it_was_signed_is_noticed_whoever_signed_it() {
    let intact = |xml: &str| idp().check_integrity(xml.as_bytes());
    let signed = idp().to_signed_xml("_m", &STRANGER.signer).unwrap();
    intact(&signed).unwrap();
    intact(&idp().to_xml().unwrap()).unwrap();
    let edited = edit(&signed, "auth.example/redirect", "evil.example/redirect");
    assert_eq!(intact(&edited).unwrap_err().kind(), ErrorKind::DigestMismatch);
    let start = signed.find("<ds:SignatureValue>").unwrap() + "<ds:SignatureValue>".len();
    let (before, value) = signed.split_at(start);
    let other = if value.starts_with('A') { "B" } else { "A" };
    let broken = format!("{before}{other}{}", &value[1..]);
    assert_eq!(intact(&broken).unwrap_err().kind(), ErrorKind::SignatureInvalid);
    // Another entity of the same document is not ours to judge; a signature around ours is.
    let of_sp = edit(
        &sp().to_signed_xml("_s", &IDP.signer).unwrap(),
        "workspaces.example/other",
        "evil.example/other",
    );
    let group = format!("{GROUP}>{of_sp}{}</md:EntitiesDescriptor>", idp().to_xml().unwrap());
    intact(&group).unwrap();
    assert_eq!(sp().check_integrity(group.as_bytes()).unwrap_err().kind(), ErrorKind::DigestMismatch);
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
    let evil = edit(&xml, "https://auth.example/done", "javascript:alert(1)");
    assert_eq!(kind(&evil), ErrorKind::Malformed("ResponseLocation"));
    assert_eq!(kind(&edit(&xml, "PT86400S", "a day")), ErrorKind::Malformed("cacheDuration"));
    assert_eq!(kind(&edit(&xml, "2026-12-01T00:00:00Z", "soon")), ErrorKind::Malformed("validUntil"));
}

const GROUP: &str = "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"";

/// A federation: two identity providers, one in a nested group, and a service provider.
fn federation() -> String {
    let mut other = idp();
    other.entity_id = "https://other.example/".into();
    other.valid_until = None;
    other.cache_duration = None;
    format!(
        "{GROUP} validUntil=\"2027-01-01T00:00:00Z\" cacheDuration=\"P7D\">{}{GROUP} validUntil=\"2026-12-24T00:00:00Z\" \
         cacheDuration=\"PT6H\">{}</md:EntitiesDescriptor>{}</md:EntitiesDescriptor>",
        idp().to_xml().unwrap(),
        other.to_xml().unwrap(),
        sp().to_xml().unwrap()
    )
}

#[test]
fn of_several_entities_the_wanted_one_is_read() {
    let xml = federation();
    let wanted = |entity_id| {
        let expectations =
            MetadataExpectations { entity_id: Some(entity_id), ..MetadataExpectations::default() };
        IdpMetadata::parse_with(xml.as_bytes(), &expectations)
    };
    assert_eq!(IdpMetadata::entity_ids(xml.as_bytes()).unwrap(), [ISSUER, "https://other.example/"]);
    assert_eq!(SpMetadata::entity_ids(xml.as_bytes()).unwrap(), [AUDIENCE]);
    assert_eq!(wanted(ISSUER).unwrap(), idp());
    let other = wanted("https://other.example/").unwrap();
    assert_eq!(other.entity_id, "https://other.example/");
    // One that has the other role is no rival.
    assert_eq!(SpMetadata::parse(xml.as_bytes()).unwrap().entity_id, AUDIENCE);
    let error = IdpMetadata::parse(xml.as_bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::EntitiesSeveral);
    assert!(error.received_value().contains("https://other.example/"), "{error:?}");
    for missing in [AUDIENCE, "https://OTHER.example/"] {
        let error = wanted(missing).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::EntityMissing);
        assert!(error.sentence().contains(ISSUER), "{error:?}");
    }
    let twice = edit(&xml, "https://other.example/", ISSUER);
    let expectations = MetadataExpectations { entity_id: Some(ISSUER), ..MetadataExpectations::default() };
    let error = IdpMetadata::parse_with(twice.as_bytes(), &expectations).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Repeated("entityID"));
}

#[test]
fn the_shortest_validity_around_an_entity_counts() {
    let xml = federation();
    let read = |entity_id, now| {
        let expectations = MetadataExpectations { entity_id: Some(entity_id), now, signed_by: None };
        IdpMetadata::parse_with(xml.as_bytes(), &expectations)
    };
    let other = read("https://other.example/", None).unwrap();
    assert_eq!(other.valid_until, Some(at("2026-12-24T00:00:00Z")));
    assert_eq!(other.cache_duration, Some(Duration::from_secs(6 * 3600)));
    read("https://other.example/", Some(at("2026-12-23T23:59:59Z"))).unwrap();
    let late = Some(at("2026-12-24T00:00:00Z"));
    assert_eq!(read("https://other.example/", late).unwrap_err().kind(), ErrorKind::MetadataExpired);
    assert_eq!(
        read(ISSUER, Some(at("2026-12-01T00:00:00Z"))).unwrap_err().kind(),
        ErrorKind::MetadataExpired
    );
    read(ISSUER, Some(at("2026-11-30T23:59:59Z"))).unwrap();
    assert_eq!(SpMetadata::parse(xml.as_bytes()).unwrap().valid_until, Some(at("2027-01-01T00:00:00Z")));
    let role = edit(
        &sp().to_xml().unwrap(),
        "<md:SPSSODescriptor",
        "<md:SPSSODescriptor validUntil=\"2026-11-24T00:00:00Z\"",
    );
    let expectations = MetadataExpectations { now: Some(now()), ..MetadataExpectations::default() };
    let error = SpMetadata::parse_with(role.as_bytes(), &expectations).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MetadataExpired);
    assert!(error.sentence().contains("2026-11-24T00:00:00Z"), "{error:?}");
}

#[test]
fn each_change_is_told_in_plain_words() {
    assert_eq!(idp().changes(&idp()), []);
    assert_eq!(sp().changes(&sp()), []);
    let mut newer = idp();
    newer.valid_until = None;
    newer.single_sign_on_services.swap(0, 1);
    assert_eq!(idp().changes(&newer), [], "neither its age nor an order is a change");
    newer.single_sign_on_services.pop();
    newer.signing_certificates[1] = P384.certificate.clone();
    newer.signing_certificates.push(STRANGER.certificate.clone());
    newer.want_authn_requests_signed = false;
    let found = idp().changes(&newer);
    let fields: Vec<&str> = found.iter().map(|change| &*change.field).collect();
    assert_eq!(
        fields,
        ["single sign-on service", "signing certificate", "signing certificate", "wants requests signed"]
    );
    assert_eq!(found[0].before, "https://auth.example/redirect?a=1&b=2 (HTTP-Redirect)");
    assert_eq!(found[0].after, "none");
    assert!(found[1].before.contains(&P256.certificate.sha256_fingerprint()), "{}", found[1]);
    assert!(found[1].after.contains(&P384.certificate.sha256_fingerprint()), "{}", found[1]);
    assert_eq!(found[2].before, "none");
    let flag = Change { field: "wants requests signed".into(), before: "yes".into(), after: "no".into() };
    assert_eq!(found[3], flag);
    let mut newer = sp();
    newer.assertion_consumer_services[1].is_default = true;
    newer.single_logout_services[0].response_location = Some("https://workspaces.example/done".into());
    newer.encryption_methods.pop();
    newer.entity_id = "https://new.example/".into();
    let found = sp().changes(&newer);
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(texts[0], format!("entity ID: {AUDIENCE} became https://new.example/"));
    assert!(texts[1].ends_with("(HTTP-Redirect, number 7, the default)"), "{}", texts[1]);
    assert!(texts[2].ends_with("answers to https://workspaces.example/done"), "{}", texts[2]);
    assert_eq!(texts[3], "encryption method: http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p became none");
    assert_eq!(texts.len(), 4);
}

/// A key without a use is for all, and so are the methods beside it.
#[test]
fn encryption_methods_are_those_of_the_keys_for_encryption() {
    let all = edit(&sp().to_xml().unwrap(), " use=\"encryption\"", "");
    let read = SpMetadata::parse(all.as_bytes()).unwrap();
    assert_eq!(read.encryption_methods, sp().encryption_methods);
    assert_eq!(read.signing_certificates, [P256.certificate.clone(), IDP.certificate.clone()]);
    let signing = edit(&sp().to_xml().unwrap(), " use=\"encryption\"", " use=\"signing\"");
    assert!(SpMetadata::parse(signing.as_bytes()).unwrap().encryption_methods.is_empty());
}

/// A signature over a nested group covers what is in it, and nothing beside it.
#[test]
fn a_signature_over_a_group_covers_its_members() {
    let keys = [IDP.certificate.verifying_key().clone()];
    let bare = format!("{GROUP} ID=\"_g\">{{signature}}{}</md:EntitiesDescriptor>", sp().to_xml().unwrap());
    let content = bare.replace("{signature}", "");
    // Namespaces that the canonical form does not repeat.
    let canonical = content.replace(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"",
        "<md:EntityDescriptor",
    );
    let by_hand = ByHand { uri: "#_g".into(), ..ByHand::default() };
    let element = by_hand.sign_content(&canonical, "<saml:Issuer></saml:Issuer>");
    let signature = element.strip_prefix("<saml:Issuer></saml:Issuer>").unwrap();
    let group = bare.replace("{signature}", signature);
    let nested = format!("{GROUP}>{group}{}</md:EntitiesDescriptor>", idp().to_xml().unwrap());
    for xml in [&group, &nested] {
        assert_eq!(SpMetadata::parse_signed(xml.as_bytes(), &keys).unwrap(), sp());
    }
    let error = IdpMetadata::parse_signed(nested.as_bytes(), &keys).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureMissing);
    let forged = edit(&group, "workspaces.example/other", "evil.example/other");
    let error = SpMetadata::parse_signed(forged.as_bytes(), &keys).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DigestMismatch);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_whatever_it_says(
        entity_id in "[!-~]([ -~ä]{0,30}[!-~])?",
        paths in proptest::collection::vec("[!-~]{0,20}", 1..5),
        valid_until in proptest::option::of(0_i64..4_000_000_000),
        cache in proptest::option::of(0_u64..4_000_000_000),
        flags in any::<(bool, bool)>(),
        methods in proptest::collection::btree_set("[!-~]{1,30}", 0..3),
    ) {
        let location = |path: &String| format!("https://x/{path}");
        let logout: Vec<SingleLogoutService> = paths.iter().zip(LogoutBinding::ALL).map(|(path, binding)| {
            let response_location = flags.0.then(|| location(path));
            SingleLogoutService { binding, location: location(path), response_location }
        }).collect();
        let valid_until = valid_until.map(|seconds| saml::Timestamp::from_micros(seconds * 1_000_000));
        let cache_duration = cache.map(Duration::from_secs);
        let written = IdpMetadata {
            entity_id: entity_id.clone(), valid_until, cache_duration,
            single_sign_on_services: paths.iter().map(|path| Endpoint { binding: Binding::HttpPost, location: location(path) }).collect(),
            single_logout_services: logout.clone(),
            want_authn_requests_signed: flags.1,
            ..idp()
        };
        let xml = written.to_signed_xml("_m", &P256.signer).unwrap();
        let keys = [P256.certificate.verifying_key().clone()];
        let read = IdpMetadata::parse_signed(xml.as_bytes(), &keys).unwrap();
        prop_assert!(written.changes(&read).is_empty());
        prop_assert_eq!(read, written);
        let mut written = SpMetadata::new(entity_id, location(&paths[0]));
        written.assertion_consumer_services.extend(paths.iter().enumerate().map(|(index, path)| AssertionConsumerService {
            binding: Binding::HttpRedirect, location: location(path), index: u16::try_from(index).unwrap() + 1, is_default: flags.0,
        }));
        written.valid_until = valid_until;
        written.cache_duration = cache_duration;
        written.single_logout_services = logout;
        written.encryption_certificates = vec![IDP.certificate.clone()];
        written.encryption_methods = methods.into_iter().collect();
        (written.authn_requests_signed, written.want_assertions_signed) = flags;
        let read = SpMetadata::parse(written.to_xml().unwrap().as_bytes()).unwrap();
        prop_assert!(written.changes(&read).is_empty());
        prop_assert_eq!(read, written);
    }
}
