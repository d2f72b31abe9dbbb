//! The redirect binding: what is signed is a piece of the query as it came, and every parameter counts once.

use saml::{AuthnRequestBuilder, ErrorKind, LogoutReason, LogoutRequestBuilder, Message, redirect_url};

use crate::attack::{AsSigned, Attack, Outcome, Receiver, Refused};
use crate::fixtures::*;

const SSO: &str = "https://auth.example/sso";

fn query(url: &str) -> String {
    url.split_once('?').unwrap().1.to_owned()
}

pub(crate) fn attacks() -> Vec<Attack> {
    let signing = (IDP.signer.key(), IDP.signer.signature_algorithm());
    let request = AuthnRequestBuilder::new("_q", AUDIENCE, now()).acs_url(ACS);
    let request_query =
        |relay_state| query(&request.redirect_url_with(SSO, relay_state, Some(signing)).unwrap());
    let logout = LogoutRequestBuilder {
        id: "_q",
        issue_instant: now(),
        issuer: AUDIENCE,
        destination: SSO,
        not_on_or_after: None,
        reason: Some(LogoutReason::User),
        name_id: &NAME,
        session_indexes: &[],
    };
    let logout = logout.to_xml(None).unwrap();
    let logout_query = |relay_state| {
        query(&redirect_url(SSO, Message::Request, &logout, relay_state, Some(signing)).unwrap())
    };
    [
        on("request", &Receiver::RequestQuery, &request_query(Some("here & there")), &request_query(None)),
        on("logout", &Receiver::LogoutQuery, &logout_query(Some("here & there")), &logout_query(None)),
    ]
    .concat()
}

fn on(what: &str, receiver: &Receiver, with: &str, without: &str) -> Vec<Attack> {
    let gain = "Sends people with another's signed message elsewhere (RelayState), or weakens or drops the signature.";
    let invalid = Refused(ErrorKind::SignatureInvalid);
    let relay = "&RelayState=here%20%26%20there";
    let cut = with.split("&Signature=").next().unwrap();
    let sig_alg =
        |uri: &str| edit(with, "http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256", uri);
    let mut turned: Vec<&str> = with.split('&').collect();
    turned.reverse();
    let mut entries: Vec<(String, &str, String, Outcome)> = vec![
        ("RelayState added".into(), without, format!("{without}&RelayState=evil"), invalid),
        ("RelayState added without value".into(), without, format!("{without}&RelayState="), invalid),
        ("RelayState added without equals sign".into(), without, format!("RelayState&{without}"), invalid),
        ("RelayState removed".into(), with, edit(with, relay, ""), invalid),
        ("RelayState emptied".into(), with, edit(with, relay, "&RelayState="), invalid),
        ("RelayState replaced".into(), with, edit(with, relay, "&RelayState=evil"), invalid),
        ("RelayState encoded in another way".into(), with, edit(with, "here%20", "here+"), invalid),
        ("RelayState encoded more".into(), with, edit(with, "=here", "=%68ere"), invalid),
        ("RelayState in lower case escapes".into(), with, edit(with, "%2F", "%2f"), invalid),
        ("SigAlg swapped for another hash".into(), with, edit(with, "rsa-sha256", "rsa-sha512"), invalid),
        (
            "SigAlg swapped for an HMAC".into(),
            with,
            edit(with, "rsa-sha256", "hmac-sha256"),
            Refused(ErrorKind::SignatureAlgorithmRefused),
        ),
        (
            "SigAlg swapped for SHA-1".into(),
            with,
            sig_alg("http%3A%2F%2Fwww.w3.org%2F2000%2F09%2Fxmldsig%23rsa-sha1"),
            Refused(ErrorKind::Sha1Refused),
        ),
        (
            "SigAlg swapped for ECDSA".into(),
            with,
            edit(with, "rsa-sha256", "ecdsa-sha256"),
            Refused(ErrorKind::KeyTypeMismatch),
        ),
        ("SigAlg emptied".into(), with, sig_alg(""), Refused(ErrorKind::SignatureAlgorithmRefused)),
        ("SigAlg of nothing".into(), with, sig_alg("none"), Refused(ErrorKind::SignatureAlgorithmRefused)),
        (
            "SigAlg removed".into(),
            with,
            edit(with, "&SigAlg=", "&sigalg="),
            Refused(ErrorKind::Missing("SigAlg")),
        ),
        ("Signature removed".into(), with, cut.to_owned(), Refused(ErrorKind::SignatureMissing)),
        (
            "Signature in lower case".into(),
            with,
            edit(with, "&Signature=", "&signature="),
            Refused(ErrorKind::SignatureMissing),
        ),
        ("Signature emptied".into(), with, format!("{cut}&Signature="), invalid),
        ("Signature of nothing".into(), with, format!("{cut}&Signature=AAAA"), invalid),
        (
            "Signature that is not base64".into(),
            with,
            format!("{cut}&Signature=!"),
            Refused(ErrorKind::ParameterMalformed("Signature")),
        ),
        (
            "Signature of another message".into(),
            with,
            format!("{cut}&Signature={}", without.split("&Signature=").nth(1).unwrap()),
            invalid,
        ),
        (
            "message as a response".into(),
            with,
            edit(with, "SAMLRequest=", "SAMLResponse="),
            Refused(ErrorKind::MessageMissing),
        ),
        (
            "message emptied".into(),
            with,
            format!("SAMLRequest=&{}", with.split_once('&').unwrap().1),
            Refused(ErrorKind::MessageMissing),
        ),
        (
            "message of another encoding".into(),
            with,
            format!("{with}&SAMLEncoding=urn:none"),
            Refused(ErrorKind::ParameterMalformed("SAMLEncoding")),
        ),
        ("a name that is written in another way".into(), with, format!("{with}&Relay%53tate=evil"), AsSigned),
        ("another order in the address".into(), with, turned.join("&"), AsSigned),
        ("parameters of others".into(), with, format!("a=b&{with}&c"), AsSigned),
        ("question mark".into(), with, format!("?{with}"), AsSigned),
    ];
    for name in ["SAMLRequest", "RelayState", "SigAlg", "Signature"] {
        let repeated = Refused(ErrorKind::ParameterRepeated(name));
        entries.push((format!("{name} twice, at the end"), with, format!("{with}&{name}=x"), repeated));
        entries.push((format!("{name} twice, at the beginning"), with, format!("{name}&{with}"), repeated));
    }
    entries
        .into_iter()
        .map(|(name, original, message, outcome)| {
            Attack::new(format!("{what} by redirect: {name}"), gain, original, message, outcome)
                .on(receiver.clone())
        })
        .collect()
}
