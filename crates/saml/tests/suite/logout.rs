//! Single logout: what one side writes, the other reads, however it travels; and what others write.

use std::time::Duration;

use proptest::prelude::*;
use saml::{
    DataEncryption, Error, ErrorKind, LogoutReason, LogoutRequest, LogoutRequestBuilder, LogoutResponse,
    LogoutResponseBuilder, Message, NameId, NameIdFormat, Status, StatusCode, VerifyingKey, post_value,
    redirect_url, soap_envelope, soap_fault,
};

use crate::fixtures::*;

const SLO: &str = "https://auth.example/application/saml/kasm/slo/binding/redirect/?x=1";

fn name() -> NameId {
    NameId {
        format: NameIdFormat::Persistent,
        value: "x7 & <co>".into(),
        name_qualifier: Some(ISSUER.into()),
        sp_name_qualifier: Some(AUDIENCE.into()),
    }
}

fn request<'a>(name_id: &'a NameId, session_indexes: &'a [String]) -> LogoutRequestBuilder<'a> {
    LogoutRequestBuilder {
        id: REQUEST,
        issue_instant: now(),
        issuer: AUDIENCE,
        destination: SLO,
        not_on_or_after: Some(at("2026-11-24T12:05:00Z")),
        reason: Some(LogoutReason::User),
        name_id,
        session_indexes,
    }
}

fn response(status: &Status) -> LogoutResponseBuilder<'_> {
    LogoutResponseBuilder {
        id: "_response",
        issue_instant: now(),
        issuer: ISSUER,
        destination: Some(SLO),
        in_response_to: REQUEST,
        status,
    }
}

fn keys(party: &Party) -> Vec<VerifyingKey> {
    vec![party.certificate.verifying_key().clone()]
}

fn query(url: &str) -> &str {
    url.split_once('?').unwrap().1
}

fn kind<T>(outcome: Result<T, Error>) -> ErrorKind {
    outcome.err().unwrap().kind()
}

/// A request in each binding, signed as that binding has it if there is somebody to sign it.
fn sent(builder: &LogoutRequestBuilder<'_>, signer: Option<&saml::Signer>) -> [LogoutRequest; 3] {
    let bare = builder.to_xml(None).unwrap();
    let within = builder.to_xml(signer).unwrap();
    let signing = signer.map(|signer| (signer.key(), signer.signature_algorithm()));
    let url = redirect_url(SLO, Message::Request, &bare, Some("state"), signing).unwrap();
    [
        LogoutRequest::from_redirect_query(query(&url)).unwrap(),
        LogoutRequest::from_post(&post_value(&within), Some("state")).unwrap(),
        LogoutRequest::from_soap(soap_envelope(&within).as_bytes()).unwrap(),
    ]
}

#[test]
fn a_request_in_each_binding() {
    let (name, indexes) = (name(), ["_a".to_owned(), "b c".to_owned()]);
    for signer in [None, Some(&IDP.signer), Some(&P256.signer)] {
        let [redirect, post, soap] = sent(&request(&name, &indexes), signer);
        assert_eq!(soap.relay_state, None);
        for request in [&redirect, &post] {
            assert_eq!(request.relay_state.as_deref(), Some("state"));
        }
        for request in [&redirect, &post, &soap] {
            assert_eq!((&*request.id, &*request.issuer), (REQUEST, AUDIENCE));
            assert_eq!(request.issue_instant, now());
            assert_eq!(request.destination.as_deref(), Some(SLO));
            assert_eq!(request.not_on_or_after, Some(at("2026-11-24T12:05:00Z")));
            assert_eq!(request.reason, Some(LogoutReason::User));
            assert_eq!(request.name_id().unwrap(), &name);
            assert_eq!(request.session_indexes, indexes);
            assert_eq!(request.is_signed(), signer.is_some());
            assert!(request.verify_signature(&keys(&STRANGER), false).is_err());
            if signer.is_none() {
                assert_eq!(kind(request.verify_signature(&keys(&IDP), false)), ErrorKind::SignatureMissing);
            }
        }
    }
    for party in [&*IDP, &*P256] {
        for request in sent(&request(&name, &[]), Some(&party.signer)) {
            request.verify_signature(&keys(party), false).unwrap();
            assert!(request.session_indexes.is_empty());
        }
    }
}

/// What is signed inside the message must not be taken for another one in the same envelope, nor in a redirect.
#[test]
fn a_signature_covers_the_message_that_is_read() {
    let (name, indexes) = (name(), ["_a".to_owned()]);
    let signed = request(&name, &indexes).to_xml(Some(&IDP.signer)).unwrap();
    let evil = LogoutRequest::from_soap(soap_envelope(&edit(&signed, "x7 ", "root ")).as_bytes()).unwrap();
    assert_eq!(kind(evil.verify_signature(&keys(&IDP), false)), ErrorKind::DigestMismatch);
    let url = redirect_url(SLO, Message::Request, &signed, None, None).unwrap();
    let query = LogoutRequest::from_redirect_query(query(&url)).unwrap();
    assert!(!query.is_signed());
    // The signed message beside, around and inside a forged one.
    let forged =
        edit(&edit(&request(&name, &indexes).to_xml(None).unwrap(), "x7 ", "root "), REQUEST, "_evil");
    for wrapped in [format!("{forged}{signed}"), format!("{signed}{forged}")] {
        assert_eq!(
            kind(LogoutRequest::from_soap(soap_envelope(&wrapped).as_bytes())),
            ErrorKind::Repeated("Body")
        );
    }
    let header = soap_envelope(&forged)
        .replace("<soap:Body>", &format!("<soap:Header>{signed}</soap:Header><soap:Body>"));
    assert!(!LogoutRequest::from_soap(header.as_bytes()).unwrap().is_signed());
    let within = edit(
        &forged,
        "</saml:Issuer>",
        &format!("</saml:Issuer><samlp:Extensions>{signed}</samlp:Extensions>"),
    );
    let within = LogoutRequest::from_post(&post_value(&within), None).unwrap();
    assert_eq!(kind(within.verify_signature(&keys(&IDP), false)), ErrorKind::SignatureMissing);
    let (_, signature, _) = cut(&signed, "ds:Signature");
    let moved = edit(&forged, "</saml:Issuer>", &format!("</saml:Issuer>{signature}"));
    let moved = LogoutRequest::from_post(&post_value(&moved), None).unwrap();
    assert_eq!(kind(moved.verify_signature(&keys(&IDP), false)), ErrorKind::ReferenceMisdirected);
}

#[test]
fn a_request_is_valid_until_just_before_its_end() {
    let skew = Duration::from_secs(60);
    let name = name();
    let [request, ..] = sent(&request(&name, &[]), None);
    request.check_time(now(), skew).unwrap();
    request.check_time(at("2026-11-24T12:05:59.999Z"), skew).unwrap();
    assert_eq!(kind(request.check_time(at("2026-11-24T12:06:00Z"), skew)), ErrorKind::RequestExpired);
    request.check_time(at("2026-11-24T11:59:00Z"), skew).unwrap();
    let early = at("2026-11-24T11:58:59Z");
    assert_eq!(kind(request.check_time(early, skew)), ErrorKind::RequestFromTheFuture);
    let mut endless = request;
    endless.not_on_or_after = None;
    endless.check_time(at("2030-01-01T00:00:00Z"), skew).unwrap();
}

#[test]
fn an_answer_in_each_binding() {
    let denied = Status {
        code: StatusCode::Responder,
        sub_code: Some(StatusCode::RequestDenied),
        message: Some("no & never".into()),
    };
    for status in [Status::SUCCESS, Status::PARTIAL_LOGOUT, denied] {
        for signer in [None, Some(&IDP.signer)] {
            let bare = response(&status).to_xml(None).unwrap();
            let within = response(&status).to_xml(signer).unwrap();
            let signing = signer.map(|signer| (signer.key(), signer.signature_algorithm()));
            let url = redirect_url(SLO, Message::Response, &bare, Some("state"), signing).unwrap();
            for read in [
                LogoutResponse::from_redirect_query(query(&url)).unwrap(),
                LogoutResponse::from_post(&post_value(&within), None).unwrap(),
                LogoutResponse::from_soap(soap_envelope(&within).as_bytes()).unwrap(),
            ] {
                assert_eq!((&*read.id, &*read.issuer), ("_response", ISSUER));
                assert_eq!(read.destination.as_deref(), Some(SLO));
                assert_eq!(read.in_response_to.as_deref(), Some(REQUEST));
                assert_eq!(read.issue_instant, now());
                assert_eq!(read.status, status);
                assert_eq!(read.is_signed(), signer.is_some());
                assert_eq!(read.verify_signature(&keys(&IDP), false).is_ok(), signer.is_some());
                assert!(read.verify_signature(&keys(&STRANGER), false).is_err());
            }
        }
    }
    assert!(Status::SUCCESS.is_success() && !Status::SUCCESS.is_partial_logout());
    assert!(!Status::PARTIAL_LOGOUT.is_success() && Status::PARTIAL_LOGOUT.is_partial_logout());
}

/// A query is for one of the two: a request is not read from SAMLResponse.
#[test]
fn each_message_is_read_as_what_it_is() {
    let name = name();
    let asked = request(&name, &[]).to_xml(None).unwrap();
    let answered = response(&Status::SUCCESS).to_xml(None).unwrap();
    let url = redirect_url(SLO, Message::Response, &asked, None, None).unwrap();
    assert_eq!(kind(LogoutRequest::from_redirect_query(query(&url))), ErrorKind::MessageMissing);
    assert_eq!(
        kind(LogoutResponse::from_redirect_query(query(&url))),
        ErrorKind::WrongMessage("LogoutResponse")
    );
    assert_eq!(
        kind(LogoutRequest::from_post(&post_value(&answered), None)),
        ErrorKind::WrongMessage("LogoutRequest")
    );
    assert_eq!(
        kind(saml::AuthnRequest::from_post(&post_value(&asked), None)),
        ErrorKind::WrongMessage("AuthnRequest")
    );
    assert_eq!(kind(LogoutResponse::from_soap(soap_fault("no").as_bytes())), ErrorKind::SoapFault);
}

#[test]
fn each_fault_has_its_own_error() {
    let name = name();
    let xml = request(&name, &["_a".to_owned()]).to_xml(None).unwrap();
    let of = |xml: &str| kind(LogoutRequest::from_post(&post_value(xml), None));
    assert_eq!(of("<!DOCTYPE a><a/>"), ErrorKind::DoctypeForbidden);
    assert_eq!(of(&edit(&xml, "x7", "x<!-- -->7")), ErrorKind::CommentForbidden);
    assert_eq!(of(&edit(&xml, "Version=\"2.0\"", "Version=\"1.1\"")), ErrorKind::VersionUnsupported);
    assert_eq!(of(&edit(&xml, " ID=\"_request\"", "")), ErrorKind::Missing("ID"));
    assert_eq!(of(&edit(&xml, AUDIENCE.replace('&', "&amp;").as_str(), "")), ErrorKind::Missing("Issuer"));
    let (before, _, after) = cut(&xml, "saml:Issuer");
    assert_eq!(of(&format!("{before}{after}")), ErrorKind::Missing("Issuer"));
    let (before, found, after) = cut(&xml, "saml:NameID");
    assert_eq!(of(&format!("{before}{after}")), ErrorKind::Missing("NameID"));
    assert_eq!(of(&format!("{before}{found}{found}{after}")), ErrorKind::Repeated("NameID"));
    assert_eq!(
        of(&format!("{before}<saml:BaseID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>{after}")),
        ErrorKind::Missing("NameID")
    );
    assert_eq!(of(&edit(&xml, "12:05:00Z", "12:05")), ErrorKind::Malformed("NotOnOrAfter"));
    assert_eq!(
        of(&edit(&xml, "</samlp:LogoutRequest>", "<x/></samlp:LogoutRequest>")),
        ErrorKind::Unexpected("LogoutRequest")
    );
    let answered = response(&Status::PARTIAL_LOGOUT).to_xml(None).unwrap();
    let of = |xml: &str| kind(LogoutResponse::from_post(&post_value(xml), None));
    let (before, _, after) = cut(&answered, "samlp:Status");
    assert_eq!(of(&format!("{before}{after}")), ErrorKind::Missing("Status"));
    let (before, _, after) = cut(&answered, "samlp:StatusCode");
    assert_eq!(of(&format!("{before}{after}")), ErrorKind::Missing("StatusCode"));
    assert_eq!(of(&answered.replace(" Value=", " Walue=")), ErrorKind::Missing("Value"));
}

/// As pysaml2 writes it: its own prefixes, a Reason in plain words, the name without qualifiers.
#[test]
fn a_request_of_pysaml2() {
    let xml = format!(
        "<ns0:LogoutRequest xmlns:ns0=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:ns1=\"urn:oasis:names:tc:SAML:2.0:assertion\" Destination=\"{SLO}\" ID=\"id-XgyNzGFVnlNZW9u0c\" \
         IssueInstant=\"2026-11-24T12:00:00Z\" NotOnOrAfter=\"2026-11-24T12:05:00Z\" Reason=\"tired\" \
         Version=\"2.0\"><ns1:Issuer Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\">{AUDIENCE}\
         </ns1:Issuer><ns1:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:transient\">x7</ns1:NameID>\
         <ns0:SessionIndex>_a</ns0:SessionIndex></ns0:LogoutRequest>"
    );
    let soap = format!(
        "<?xml version='1.0' encoding='UTF-8'?>\n<ns0:Envelope \
         xmlns:ns0=\"http://schemas.xmlsoap.org/soap/envelope/\"><ns0:Body>{xml}</ns0:Body></ns0:Envelope>"
    );
    for request in [
        LogoutRequest::from_post(&post_value(&xml), None).unwrap(),
        LogoutRequest::from_soap(soap.as_bytes()).unwrap(),
    ] {
        assert_eq!((&*request.issuer, &*request.id), (AUDIENCE, "id-XgyNzGFVnlNZW9u0c"));
        assert_eq!(request.reason, Some(LogoutReason::Other("tired".into())));
        assert_eq!(request.name_id().unwrap(), &NameId::new(NameIdFormat::Transient, "x7"));
        assert_eq!(request.session_indexes, ["_a"]);
    }
}

/// As python3-saml writes it: white space between the elements, the codes nested, an encrypted name if it is told
/// to.
#[test]
fn messages_of_python3_saml() {
    let answer = format!(
        r#"<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"
  ID="ONELOGIN_5e1f" Version="2.0" IssueInstant="2026-11-24T12:00:00Z" Destination="{SLO}" InResponseTo="{REQUEST}">
    <saml:Issuer>{AUDIENCE}</saml:Issuer>
    <samlp:Status>
        <samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder">
            <samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:PartialLogout"/>
        </samlp:StatusCode>
        <samlp:StatusMessage> half </samlp:StatusMessage>
    </samlp:Status>
</samlp:LogoutResponse>"#
    );
    let answer = LogoutResponse::from_post(&post_value(&answer), None).unwrap();
    assert_eq!(answer.status.code, StatusCode::Responder);
    assert!(answer.status.is_partial_logout() && !answer.status.is_success());
    assert_eq!(answer.status.message.as_deref(), Some("half"));
    let name = name();
    let xml = request(&name, &[]).to_xml(None).unwrap();
    let (before, _, after) = cut(&xml, "saml:NameID");
    let encrypted = format!(
        "{before}<saml:EncryptedID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"><x/></saml:EncryptedID>{after}"
    );
    let request = LogoutRequest::from_post(&post_value(&encrypted), None).unwrap();
    assert_eq!(kind(request.name_id()), ErrorKind::SubjectEncrypted);
}

/// An encrypted name is read with the key that it was encrypted for; AES-CBC not at all, since nobody may have
/// signed it.
#[test]
fn an_encrypted_name() {
    let name = NameId::new(NameIdFormat::EmailAddress, VICTIM);
    let xml = request(&name, &["_a".to_owned()]).to_xml(None).unwrap();
    let (before, plaintext, after) = cut(&xml, "saml:NameID");
    let hidden = |data| {
        let whole = sealed(plaintext, data);
        let (_, encrypted, _) = cut(&whole, "saml:EncryptedAssertion");
        let encrypted = encrypted.replace("saml:EncryptedAssertion", "saml:EncryptedID");
        LogoutRequest::from_post(&post_value(&format!("{before}{encrypted}{after}")), None).unwrap()
    };
    let key = |party: &Party| [decryption_key(party)];
    let request = hidden(DataEncryption::Aes256Gcm);
    assert_eq!(request.session_indexes, ["_a"]);
    assert_eq!(request.decrypted_name_id(&key(&SP)).unwrap(), name);
    assert_eq!(kind(request.decrypted_name_id(&key(&STRANGER))), ErrorKind::DecryptionFailed);
    assert_eq!(kind(request.decrypted_name_id(&[])), ErrorKind::SubjectEncrypted);
    assert_eq!(kind(request.name_id()), ErrorKind::SubjectEncrypted);
    let cbc = hidden(DataEncryption::Aes256Cbc);
    assert_eq!(kind(cbc.decrypted_name_id(&key(&SP))), ErrorKind::CbcRefused);
    let plain = LogoutRequest::from_post(&post_value(&xml), None).unwrap();
    assert_eq!(plain.decrypted_name_id(&[]).unwrap(), name);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(
        value in "[^\\p{Cc}\u{fffe}\u{ffff}]{1,40}",
        issuer in "[!-~][ -~ä]{0,20}[!-~]",
        qualifier in proptest::option::of("[ -~é]{0,20}"),
        indexes in proptest::collection::vec("[!-~]{1,40}", 0..4),
        message in proptest::option::of("[!-~]([ -~]{0,20}[!-~])?"),
        sub_code in proptest::option::of("[!-~]{1,30}"),
        minutes in proptest::option::of(0_u64..10_000_000),
        signed in any::<bool>(),
    ) {
        let name = NameId {
            format: NameIdFormat::Transient, value, name_qualifier: qualifier.clone(), sp_name_qualifier: qualifier,
        };
        let signer = signed.then_some(&P256.signer);
        let not_on_or_after = minutes.map(|minutes| now().plus(Duration::from_secs(minutes * 60)));
        let builder = LogoutRequestBuilder { issuer: &issuer, not_on_or_after, ..request(&name, &indexes) };
        for read in sent(&builder, signer) {
            prop_assert_eq!(&read.issuer, &issuer);
            prop_assert_eq!(read.name_id().unwrap(), &name);
            prop_assert_eq!(&read.session_indexes, &indexes);
            prop_assert_eq!(read.not_on_or_after, not_on_or_after);
            prop_assert_eq!(read.verify_signature(&keys(&P256), false).is_ok(), signed);
        }
        let status = Status {
            code: StatusCode::Responder, sub_code: sub_code.map(|uri| StatusCode::from_uri(&uri)), message,
        };
        let xml = response(&status).to_xml(signer).unwrap();
        let read = LogoutResponse::from_soap(soap_envelope(&xml).as_bytes()).unwrap();
        prop_assert_eq!(&read.status, &status);
        prop_assert_eq!(read.verify_signature(&keys(&P256), false).is_ok(), signed);
    }

    #[test]
    fn no_call_makes_it_panic(body in "(<|>|/|soap:|Envelope|Body|Fault|samlp:LogoutRequest| xmlns:soap='http://schemas.xmlsoap.org/soap/envelope/'|\"|=| |a){0,30}") {
        let _ = LogoutRequest::from_soap(body.as_bytes());
        let _ = LogoutResponse::from_soap(body.as_bytes());
    }
}
