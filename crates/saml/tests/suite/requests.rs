//! Requests: what the service provider writes, the identity provider reads; and signatures over queries.

use proptest::prelude::*;
use saml::{
    AuthnContextClass, AuthnContextComparison, AuthnRequest, AuthnRequestBuilder, Binding, ErrorKind,
    Message, NameIdFormat, NameIdPolicy, RequestedAcs, RequestedAuthnContext, Scoping, SignatureAlgorithm,
    post_value, redirect_url,
};

use crate::fixtures::*;

const SSO: &str = "https://auth.example/application/saml/kasm/sso/binding/redirect/?x=1";

fn builder() -> AuthnRequestBuilder {
    AuthnRequestBuilder::new(REQUEST, AUDIENCE, now()).destination(SSO).acs_url(ACS)
}

fn query(url: &str) -> &str {
    url.split_once('?').unwrap().1
}

fn address(url: &str, binding: Binding) -> RequestedAcs {
    RequestedAcs::Address { url: Some(url.to_owned()), binding: Some(binding.as_str().to_owned()) }
}

fn read(xml: &str) -> AuthnRequest {
    AuthnRequest::from_post(&post_value(xml), None).unwrap()
}

fn keys(party: &Party) -> Vec<saml::VerifyingKey> {
    vec![party.certificate.verifying_key().clone()]
}

fn refused(request: &AuthnRequest, party: &Party) -> ErrorKind {
    request.verify_signature(&keys(party), false).unwrap_err().kind()
}

#[test]
fn a_plain_request() {
    for request in [
        AuthnRequest::from_redirect_query(query(
            &builder().redirect_url(SSO, Some("a b&c=ä"), None).unwrap(),
        ))
        .unwrap(),
        AuthnRequest::from_post(&builder().post_value(None).unwrap(), Some("a b&c=ä")).unwrap(),
    ] {
        assert_eq!(request.id, REQUEST);
        assert_eq!(request.issue_instant, now());
        assert_eq!(request.issuer.as_deref(), Some(AUDIENCE));
        assert_eq!(request.destination.as_deref(), Some(SSO));
        assert_eq!(request.assertion_consumer_service, address(ACS, Binding::HttpPost));
        assert!(!request.force_authn && !request.is_passive);
        assert_eq!(request.name_id_policy, None);
        assert_eq!(request.requested_authn_context, None);
        assert_eq!((&request.subject, &request.scoping), (&None, &None));
        assert_eq!(request.relay_state.as_deref(), Some("a b&c=ä"));
        assert!(!request.is_signed());
        assert_eq!(refused(&request, &IDP), ErrorKind::SignatureMissing);
    }
}

#[test]
fn a_request_with_everything() {
    let wanted = RequestedAuthnContext {
        comparison: AuthnContextComparison::Minimum,
        classes: vec![AuthnContextClass::MobileTwoFactorContract, AuthnContextClass::Other("urn:x".into())],
    };
    let builder = builder()
        .force_authn(true)
        .is_passive(true)
        .name_id_format(NameIdFormat::EmailAddress)
        .allow_create(false)
        .protocol_binding(Binding::HttpRedirect)
        .requested_authn_context(Some(&wanted));
    for signer in [None, Some(&IDP.signer)] {
        let request = AuthnRequest::from_post(&builder.post_value(signer).unwrap(), None).unwrap();
        assert!(request.force_authn && request.is_passive);
        let policy = NameIdPolicy {
            format: Some(NameIdFormat::EmailAddress),
            sp_name_qualifier: None,
            allow_create: false,
        };
        assert_eq!(request.name_id_policy, Some(policy));
        assert_eq!(request.assertion_consumer_service, address(ACS, Binding::HttpRedirect));
        assert_eq!(request.requested_authn_context.as_ref(), Some(&wanted));
        assert_eq!(request.is_signed(), signer.is_some());
    }
}

#[test]
fn a_signed_form() {
    for party in [&*IDP, &*P256, &*P384] {
        let request =
            AuthnRequest::from_post(&builder().post_value(Some(&party.signer)).unwrap(), None).unwrap();
        request.verify_signature(&keys(party), false).unwrap();
        assert!(request.verify_signature(&keys(&STRANGER), false).is_err());
    }
    let signed = builder().post_value(Some(&IDP.signer)).unwrap();
    let xml = String::from_utf8(
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, signed).unwrap(),
    )
    .unwrap();
    let evil = AuthnRequest::from_post(&post_value(&edit(&xml, ACS, "https://evil.example/")), None).unwrap();
    assert_eq!(evil.assertion_consumer_service, address("https://evil.example/", Binding::HttpPost));
    assert_eq!(refused(&evil, &IDP), ErrorKind::DigestMismatch);
    let request = AuthnRequest::from_post(&post_value(&xml), None).unwrap();
    assert_eq!(refused(&request, &STRANGER), ErrorKind::SignatureInvalid);
    assert_eq!(refused(&request, &P256), ErrorKind::KeyTypeMismatch);
    assert_eq!(request.verify_signature(&[], false).unwrap_err().kind(), ErrorKind::CertificateMissing);
}

#[test]
fn a_signed_query() {
    for party in [&*IDP, &*P256, &*P384] {
        let url = builder().redirect_url(SSO, Some("state"), Some(party.signer.key())).unwrap();
        let request = AuthnRequest::from_redirect_query(query(&url)).unwrap();
        assert!(request.is_signed());
        request.verify_signature(&keys(party), false).unwrap();
        assert!(request.verify_signature(&keys(&STRANGER), false).is_err());
    }
    let url = builder().redirect_url(SSO, None, Some(IDP.signer.key())).unwrap();
    AuthnRequest::from_redirect_query(query(&url)).unwrap().verify_signature(&keys(&IDP), false).unwrap();
}

/// The signature is over the query as it was sent: peers percent-encode in many ways.
#[test]
fn a_query_that_is_encoded_in_another_way() {
    use base64::Engine as _;
    let sign = |signed: &str| {
        let signature =
            base64::engine::general_purpose::STANDARD.encode(rsa_sign(&IDP.key_pem, signed.as_bytes()));
        signature.replace('+', "%2b").replace('/', "%2f").replace('=', "%3d")
    };
    let url = redirect_url("", Message::Request, &builder().to_xml().unwrap(), Some("x y+~z"), None).unwrap();
    let usual = query(&url);
    for signed in [
        format!(
            "{}&SigAlg=http%3a%2f%2fwww.w3.org%2f2001%2f04%2fxmldsig-more%23rsa-sha256",
            usual.replace("%2B", "%2b")
        ),
        format!(
            "{}&SigAlg=http://www.w3.org/2001/04/xmldsig-more%23rsa-sha256",
            usual.replace("%20", "+").replace('~', "%7E")
        ),
    ] {
        let sent = format!("{signed}&Signature={}", sign(&signed));
        let request = AuthnRequest::from_redirect_query(&sent).unwrap();
        assert_eq!(request.relay_state.as_deref(), Some("x y+~z"));
        request.verify_signature(&keys(&IDP), false).unwrap();
        // The order of parameters in the address is not that of the signature.
        let mut parts: Vec<&str> = sent.split('&').collect();
        parts.reverse();
        AuthnRequest::from_redirect_query(&parts.join("&"))
            .unwrap()
            .verify_signature(&keys(&IDP), false)
            .unwrap();
    }
}

#[test]
fn a_query_that_was_changed() {
    let url = builder().redirect_url(SSO, Some("state"), Some(IDP.signer.key())).unwrap();
    let sent = query(&url);
    let kind = |query: &str| refused(&AuthnRequest::from_redirect_query(query).unwrap(), &IDP);
    assert_eq!(kind(&edit(sent, "RelayState=state", "RelayState=evil")), ErrorKind::SignatureInvalid);
    assert_eq!(kind(&edit(sent, "RelayState=state&", "")), ErrorKind::SignatureInvalid);
    assert_eq!(kind(&edit(sent, "rsa-sha256", "rsa-sha512")), ErrorKind::SignatureInvalid);
    assert_eq!(kind(&edit(sent, "rsa-sha256", "ecdsa-sha256")), ErrorKind::KeyTypeMismatch);
    // An algorithm that is not known must not fall back to one that is.
    for unknown in ["rsa-sha999", "rsa-md5", "hmac-sha256"] {
        assert_eq!(kind(&edit(sent, "rsa-sha256", unknown)), ErrorKind::SignatureAlgorithmRefused);
    }
    let sha1 = edit(sent, "2001%2F04%2Fxmldsig-more%23rsa-sha256", "2000%2F09%2Fxmldsig%23rsa-sha1");
    assert_eq!(kind(&sha1), ErrorKind::Sha1Refused);
    let request = AuthnRequest::from_redirect_query(&sha1).unwrap();
    assert_eq!(request.verify_signature(&keys(&IDP), true).unwrap_err().kind(), ErrorKind::SignatureInvalid);
    let other =
        AuthnRequestBuilder::new("_other", AUDIENCE, now()).redirect_url(SSO, Some("state"), None).unwrap();
    let message =
        |query: &str| query.split('&').find(|part| part.starts_with("SAMLRequest=")).unwrap().to_owned();
    assert_eq!(kind(&edit(sent, &message(sent), &message(query(&other)))), ErrorKind::SignatureInvalid);
    let broken = format!("{}Signature=%21", sent.split("Signature=").next().unwrap());
    assert_eq!(kind(&broken), ErrorKind::ParameterMalformed("Signature"));
    // A second RelayState, so that one is verified and the other used.
    let twice = format!("{sent}&RelayState=evil");
    assert_eq!(
        AuthnRequest::from_redirect_query(&twice).unwrap_err().kind(),
        ErrorKind::ParameterRepeated("RelayState")
    );
}

/// A signature inside the message does not sign the query around it, RelayState for one.
#[test]
fn an_enveloped_signature_counts_for_nothing_in_a_query() {
    use base64::Engine as _;
    let signed = builder().post_value(Some(&IDP.signer)).unwrap();
    let xml = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(signed).unwrap()).unwrap();
    let url = redirect_url(SSO, Message::Request, &xml, Some("evil"), None).unwrap();
    let request = AuthnRequest::from_redirect_query(query(&url)).unwrap();
    assert!(!request.is_signed());
    assert_eq!(refused(&request, &IDP), ErrorKind::SignatureMissing);
}

#[test]
fn each_fault_has_its_own_error() {
    let kind = |xml: &str| AuthnRequest::from_post(&post_value(xml), None).unwrap_err().kind();
    let xml = builder().to_xml().unwrap();
    assert_eq!(kind("<!DOCTYPE a><a/>"), ErrorKind::DoctypeForbidden);
    assert_eq!(kind("not xml"), ErrorKind::NotWellFormed);
    assert_eq!(kind("<a/>"), ErrorKind::WrongMessage("AuthnRequest"));
    assert_eq!(
        kind(&edit(&xml, "SAML:2.0:protocol", "SAML:1.1:protocol")),
        ErrorKind::WrongMessage("AuthnRequest")
    );
    assert_eq!(kind(&edit(&xml, "Version=\"2.0\"", "Version=\"1.1\"")), ErrorKind::VersionUnsupported);
    assert_eq!(kind(&edit(&xml, " ID=\"_request\"", "")), ErrorKind::Missing("ID"));
    assert_eq!(kind(&edit(&xml, "ID=\"_request\"", "ID=\"a b\"")), ErrorKind::Malformed("ID"));
    assert_eq!(kind(&edit(&xml, "_request", &"x".repeat(300))), ErrorKind::Malformed("ID"));
    assert_eq!(
        kind(&edit(&xml, "IssueInstant=\"2026-11-24T12:00:00Z\"", "IssueInstant=\"now\"")),
        ErrorKind::Malformed("IssueInstant")
    );
    assert_eq!(kind(&edit(&xml, "ID=", "ForceAuthn=\"yes\" ID=")), ErrorKind::Malformed("ForceAuthn"));
    assert_eq!(
        kind(&edit(&xml, "ID=", "AssertionConsumerServiceIndex=\"-1\" ID=")),
        ErrorKind::Malformed("AssertionConsumerServiceIndex")
    );
    assert_eq!(
        kind(&edit(&xml, "</samlp:AuthnRequest>", "<e/></samlp:AuthnRequest>")),
        ErrorKind::Unexpected("AuthnRequest")
    );
    assert_eq!(kind(&edit(&xml, "ID=", "AssertionConsumerServiceIndex=\"3\" ID=")), ErrorKind::AcsNamedTwice);
    // An attribute of another namespace is not one of the request.
    let foreign =
        edit(&xml, "AssertionConsumerServiceURL=", "xmlns:e=\"urn:e\" e:AssertionConsumerServiceURL=");
    let binding = Some(Binding::HttpPost.as_str().to_owned());
    assert_eq!(read(&foreign).assertion_consumer_service, RequestedAcs::Address { url: None, binding });
}

/// What our builder does not write, in the shapes that others do.
#[test]
fn what_others_ask_for() {
    let indexed = r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1" Version="2.0"
        IssueInstant="2026-11-24T12:00:00Z" AssertionConsumerServiceIndex=" 3 " IsPassive="1"/>"#;
    let request = read(indexed);
    assert_eq!((&request.assertion_consumer_service, request.is_passive), (&RequestedAcs::Index(3), true));
    assert_eq!(request.issuer, None);
    let bare = edit(indexed, "AssertionConsumerServiceIndex=\" 3 \"", "");
    assert_eq!(read(&bare).assertion_consumer_service, RequestedAcs::Default);

    let request = read(&asking(
        r#"<a:Subject><a:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
            NameQualifier="https://idp" SPNameQualifier="https://sp">x7</a:NameID></a:Subject>
        <p:NameIDPolicy AllowCreate="true" SPNameQualifier="urn:affiliation"/>
        <a:Conditions NotOnOrAfter="2026-11-24T12:05:00Z"/>
        <p:RequestedAuthnContext Comparison="better">
            <a:AuthnContextClassRef> urn:oasis:names:tc:SAML:2.0:ac:classes:Password </a:AuthnContextClassRef>
        </p:RequestedAuthnContext>
        <p:Scoping ProxyCount="0"><p:IDPList><p:IDPEntry ProviderID="https://idp" Name="x"/>
            <p:IDPEntry ProviderID="https://other"/><p:GetComplete>https://list</p:GetComplete></p:IDPList>
            <p:RequesterID>https://proxy</p:RequesterID></p:Scoping>"#,
    ));
    let subject = request.subject.unwrap();
    assert_eq!((subject.format, &*subject.value), (NameIdFormat::Persistent, "x7"));
    assert_eq!(subject.name_qualifier.as_deref(), Some("https://idp"));
    assert_eq!(subject.sp_name_qualifier.as_deref(), Some("https://sp"));
    let policy = request.name_id_policy.unwrap();
    assert_eq!((policy.format, policy.allow_create), (None, true));
    assert_eq!(policy.sp_name_qualifier.as_deref(), Some("urn:affiliation"));
    let asked = request.requested_authn_context.unwrap();
    assert_eq!(asked.comparison, AuthnContextComparison::Better);
    assert!(asked.admits(&AuthnContextClass::PasswordProtectedTransport));
    assert!(!asked.admits(&AuthnContextClass::Password));
    let scoping =
        Scoping { proxy_count: Some(0), idp_list: vec!["https://idp".into(), "https://other".into()] };
    assert_eq!(request.scoping, Some(scoping));

    // Without a Comparison it is exact; a declaration is nothing that could be compared.
    let declared = read(&asking(
        "<p:RequestedAuthnContext><a:AuthnContextDeclRef>urn:d</a:AuthnContextDeclRef></p:RequestedAuthnContext>",
    ));
    let declared = declared.requested_authn_context.unwrap();
    assert_eq!(declared.comparison, AuthnContextComparison::Exact);
    assert!(!declared.admits(&AuthnContextClass::Other("urn:d".into())));
    assert_eq!(read(&asking("<p:Scoping/>")).scoping, Some(Scoping::default()));
}

#[test]
fn what_can_not_be_asked_for() {
    let kind = |inside: &str| AuthnRequest::from_post(&post_value(&asking(inside)), None).unwrap_err().kind();
    assert_eq!(kind("<a:Subject><a:EncryptedID/></a:Subject>"), ErrorKind::SubjectEncrypted);
    assert_eq!(kind("<a:Subject><a:BaseID/></a:Subject>"), ErrorKind::Missing("NameID"));
    assert_eq!(
        kind("<a:Subject><a:NameID>x</a:NameID><a:SubjectConfirmation Method=\"urn:m\"/></a:Subject>"),
        ErrorKind::Unexpected("Subject")
    );
    assert_eq!(kind("<a:Subject><a:NameID>x<b/></a:NameID></a:Subject>"), ErrorKind::Malformed("NameID"));
    assert_eq!(kind("<p:RequestedAuthnContext/>"), ErrorKind::Missing("AuthnContextClassRef"));
    assert_eq!(
        kind(
            "<p:RequestedAuthnContext Comparison=\"best\"><a:AuthnContextClassRef/></p:RequestedAuthnContext>"
        ),
        ErrorKind::Malformed("Comparison")
    );
    assert_eq!(kind("<p:Scoping ProxyCount=\"-1\"/>"), ErrorKind::Malformed("ProxyCount"));
    assert_eq!(
        kind("<p:Scoping><p:IDPList><p:IDPEntry/></p:IDPList></p:Scoping>"),
        ErrorKind::Missing("ProviderID")
    );
    assert_eq!(kind("<p:NameIDPolicy AllowCreate=\"maybe\"/>"), ErrorKind::Malformed("AllowCreate"));
}

/// A request with these elements after its Issuer, under other prefixes than ours.
fn asking(inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<p:AuthnRequest xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:a=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_1\" Version=\"2.0\" \
         IssueInstant=\"2026-11-24T12:00:00Z\">\n<a:Issuer>{AUDIENCE}</a:Issuer>{inside}</p:AuthnRequest>"
    )
}

#[test]
fn a_redirect_is_signed_with_the_algorithm_that_was_chosen() {
    let key = IDP.signer.key();
    let url = builder().redirect_url_with(SSO, None, Some((key, SignatureAlgorithm::RsaSha512))).unwrap();
    assert!(url.contains("rsa-sha512"), "{url}");
    AuthnRequest::from_redirect_query(query(&url)).unwrap().verify_signature(&keys(&IDP), false).unwrap();
    let error =
        builder().redirect_url_with(SSO, None, Some((key, SignatureAlgorithm::EcdsaSha256))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlgorithmUnfit);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(
        issuer in "[!-~]([ -~ä]{0,20}[!-~])?",
        acs in "[ -~é]{1,40}",
        format in proptest::option::of("[!-~]{1,30}"),
        flags in any::<(bool, bool, bool, bool)>(),
        binding in proptest::sample::select(&Binding::ALL[..]),
        comparison in proptest::sample::select(&AuthnContextComparison::ALL[..]),
        classes in proptest::collection::vec("[!-~]{1,30}", 0..3),
        relay_state in proptest::option::of("\\PC{0,40}"),
    ) {
        let (force, passive, allow_create, signed) = flags;
        let wanted = (!classes.is_empty()).then(|| RequestedAuthnContext {
            comparison,
            classes: classes.iter().map(|class| AuthnContextClass::from_uri(class)).collect(),
        });
        let mut builder = AuthnRequestBuilder::new(REQUEST, &issuer, now())
            .acs_url(&acs).protocol_binding(binding).force_authn(force).is_passive(passive)
            .allow_create(allow_create).requested_authn_context(wanted.as_ref());
        if let Some(format) = &format {
            builder = builder.name_id_format(NameIdFormat::from_uri(format));
        }
        let signer = signed.then_some(&P256.signer);
        let url = builder.redirect_url(SSO, relay_state.as_deref(), signer.map(|signer| signer.key())).unwrap();
        for read in [
            AuthnRequest::from_redirect_query(query(&url)).unwrap(),
            AuthnRequest::from_post(&builder.post_value(signer).unwrap(), relay_state.as_deref()).unwrap(),
        ] {
            prop_assert_eq!(read.issuer.as_ref(), Some(&issuer));
            prop_assert_eq!(&read.assertion_consumer_service, &address(&acs, binding));
            prop_assert_eq!((read.force_authn, read.is_passive), (force, passive));
            prop_assert_eq!(&read.requested_authn_context, &wanted);
            prop_assert_eq!(&read.relay_state, &relay_state);
            let policy = format.as_ref().map(|format| NameIdPolicy {
                format: Some(NameIdFormat::from_uri(format)), sp_name_qualifier: None, allow_create,
            });
            prop_assert_eq!(&read.name_id_policy, &policy);
            prop_assert_eq!(read.verify_signature(&keys(&P256), false).is_ok(), signed);
        }
    }
}
