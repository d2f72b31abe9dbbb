//! Requests and logout messages that are signed as XML: by form and by SOAP.

use saml::{
    AuthnRequestBuilder, ErrorKind, LogoutReason, LogoutRequestBuilder, LogoutResponseBuilder, Status,
    StatusCode, soap_envelope,
};

use crate::attack::{AsSigned, Attack, Outcome, Receiver, Refused};
use crate::fixtures::*;
use crate::wrapping::after_issuer;

const SLO: &str = "https://auth.example/slo";

pub(crate) fn attacks() -> Vec<Attack> {
    let request = |party: &Party| {
        let builder = LogoutRequestBuilder {
            id: "_logout",
            issue_instant: now(),
            issuer: AUDIENCE,
            destination: SLO,
            not_on_or_after: Some(at("2026-11-24T12:05:00Z")),
            reason: Some(LogoutReason::User),
            name_id: &NAME,
            session_indexes: &["session".to_owned()],
        };
        builder.to_xml(Some(&party.signer)).unwrap()
    };
    let status = Status { code: StatusCode::Success, sub_code: None, message: None };
    let answer = |party: &Party| {
        let builder = LogoutResponseBuilder {
            id: "_logout",
            issue_instant: now(),
            issuer: AUDIENCE,
            destination: Some(SLO),
            in_response_to: REQUEST,
            status: &status,
        };
        builder.to_xml(Some(&party.signer)).unwrap()
    };
    let asked = |party: &Party| {
        let encoded = AuthnRequestBuilder::new("_logout", AUDIENCE, now())
            .acs_url(ACS)
            .post_value(Some(&party.signer))
            .unwrap();
        String::from_utf8(
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded).unwrap(),
        )
        .unwrap()
    };
    let soap = |party: &Party| soap_envelope(&request(party));
    let logout_gain = "Signs other people out, or makes a service believe that they are signed out.";
    let request_gain = "Has the identity provider answer to another address or another service provider.";
    [
        signed_as_xml(
            "logout by form",
            logout_gain,
            &Receiver::LogoutForm,
            &request(&IDP),
            &request(&STRANGER),
            (VICTIM, ATTACKER),
        ),
        signed_as_xml(
            "logout by SOAP",
            logout_gain,
            &Receiver::LogoutBody,
            &soap(&IDP),
            &soap(&STRANGER),
            (VICTIM, ATTACKER),
        ),
        signed_as_xml(
            "logout answer",
            logout_gain,
            &Receiver::LogoutAnswer,
            &answer(&IDP),
            &answer(&STRANGER),
            (REQUEST, "_other"),
        ),
        signed_as_xml(
            "request by form",
            request_gain,
            &Receiver::RequestForm,
            &asked(&IDP),
            &asked(&STRANGER),
            (ACS, "https://evil.example/"),
        ),
        envelopes(&request(&IDP), &soap(&IDP)),
    ]
    .concat()
}

fn signed_as_xml(
    what: &str,
    gain: &'static str,
    receiver: &Receiver,
    original: &str,
    theirs: &str,
    (from, to): (&str, &str),
) -> Vec<Attack> {
    let signature = cut(original, "ds:Signature").1;
    let kind = ["samlp:LogoutRequest", "samlp:LogoutResponse", "samlp:AuthnRequest"]
        .into_iter()
        .find(|kind| original.contains(&format!("<{kind} ")))
        .unwrap();
    let (before, message, after) = cut(original, kind);
    let forged = edit(&edit(&unsigned(message), from, to), "ID=\"_logout\"", "ID=\"_evil\"");
    let whole = |message: &str| format!("{before}{message}{after}");
    let in_extensions = after_issuer(
        &forged,
        &format!("{signature}<samlp:Extensions>{}</samlp:Extensions>", unsigned(message)),
    );
    let inside = after_issuer(
        &forged,
        &signature.replace(
            "</ds:Signature>",
            &format!("<ds:Object>{}</ds:Object></ds:Signature>", unsigned(message)),
        ),
    );
    let in_key = after_issuer(
        &forged,
        &signature.replace("<ds:KeyInfo>", &format!("<ds:KeyInfo>{}", unsigned(message))),
    );
    let xpath = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"></ds:Transform></ds:Transforms>";
    let misdirected = Refused(ErrorKind::ReferenceMisdirected);
    let entries: Vec<(&str, String, Outcome)> = vec![
        ("changed", whole(&edit(message, from, to)), Refused(ErrorKind::DigestMismatch)),
        ("signature removed", whole(&unsigned(message)), Refused(ErrorKind::SignatureMissing)),
        ("signed by a stranger", theirs.to_owned(), Refused(ErrorKind::SignatureInvalid)),
        ("signature moved to a forged one", whole(&after_issuer(&forged, signature)), misdirected),
        ("original in Extensions of a forged one", whole(&in_extensions), misdirected),
        ("original in KeyInfo of a forged one", whole(&in_key), misdirected),
        ("original in the signature of a forged one", whole(&inside), Refused(ErrorKind::SignatureMalformed)),
        (
            "original with the same ID in Extensions of a forged one",
            whole(&edit(&in_extensions, "ID=\"_evil\"", "ID=\"_logout\"")),
            Refused(ErrorKind::DuplicateId),
        ),
        (
            "forged one in Extensions",
            whole(&edit(
                message,
                signature,
                &format!("{signature}<samlp:Extensions>{forged}</samlp:Extensions>"),
            )),
            Refused(ErrorKind::DigestMismatch),
        ),
        (
            "signature twice",
            whole(&edit(message, signature, &signature.repeat(2))),
            Refused(ErrorKind::Repeated("Signature")),
        ),
        (
            "HMAC",
            edit(original, "xmldsig-more#rsa-sha256", "xmldsig-more#hmac-sha256"),
            Refused(ErrorKind::SignatureAlgorithmRefused),
        ),
        ("transform more", edit(original, "</ds:Transforms>", xpath), Refused(ErrorKind::TransformRefused)),
        (
            "comment",
            edit(original, "</saml:Issuer>", "<!----></saml:Issuer>"),
            Refused(ErrorKind::CommentForbidden),
        ),
        ("DOCTYPE", format!("<!DOCTYPE a>{original}"), Refused(ErrorKind::DoctypeForbidden)),
        (
            "another message",
            edit(original, kind, "samlp:ManageNameIDRequest"),
            Refused(ErrorKind::WrongMessage(&kind["samlp:".len()..])),
        ),
        ("without KeyInfo", edit(original, cut(original, "ds:KeyInfo").1, ""), AsSigned),
    ];
    entries
        .into_iter()
        .map(|(name, message, outcome)| {
            Attack::new(format!("{what}: {name}"), gain, original, message, outcome).on(receiver.clone())
        })
        .collect()
}

/// SOAP: one message in one body.
fn envelopes(request: &str, soap: &str) -> Vec<Attack> {
    let gain = "Has a message that hides in the envelope verified, and another one obeyed.";
    let forged = edit(&edit(&unsigned(request), VICTIM, ATTACKER), "ID=\"_logout\"", "ID=\"_evil\"");
    let body = soap.find(request).unwrap();
    let (before, after) = (&soap[..body], &soap[body + request.len()..]);
    [
        ("forged before signed", format!("{before}{forged}{request}{after}")),
        ("forged after signed", format!("{before}{request}{forged}{after}")),
    ]
    .map(|(name, message)| {
        Attack::new(format!("SOAP: {name}"), gain, soap, message, Refused(ErrorKind::Repeated("Body")))
            .on(Receiver::LogoutBody)
    })
    .to_vec()
}
