//! A second look with an attacker's eyes: what is moved, spliced, flipped, blown up or hidden never lets anybody
//! in as somebody else, never panics and never takes long.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::Range;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::{digest, rsa, signature};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use saml::{
    Attribute, AuthnContextClass, AuthnRequest, AuthnRequestBuilder, Certificate, DigestAlgorithm, ErrorKind,
    Expectations, IdpMetadata, MAX_MESSAGE_BYTES, NameId, NameIdFormat, Response, SignedParts, Signer,
    SigningKey, Timestamp, VerifiedAssertion, untrusted_in_response_to, verify_response_xml,
};

const ISSUER: &str = "https://auth.example/metadata/";
const ACS: &str = "https://workspaces.example/api/acs/?id=1";
const AUDIENCE: &str = "https://workspaces.example/api/metadata/?id=1";

struct Idp {
    key_pem: String,
    certificate: Certificate,
    signer: Signer,
}

static IDP: LazyLock<Idp> = LazyLock::new(|| {
    let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let certificate = CertificateParams::default().self_signed(&pair).unwrap();
    let certificate = Certificate::parse(certificate.pem().as_bytes()).unwrap();
    let key = SigningKey::from_pkcs8_pem(&pair.serialize_pem()).unwrap();
    let usual = key.default_algorithm();
    let signer = Signer::new(key, certificate.clone(), usual, DigestAlgorithm::Sha256).unwrap();
    Idp { key_pem: pair.serialize_pem(), certificate, signer }
});

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn now() -> Timestamp {
    at("2026-11-24T12:00:00Z")
}

fn expectations(parts: SignedParts) -> Expectations {
    Expectations {
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        acs_url: ACS.into(),
        in_response_to: Some("_request".into()),
        certificates: vec![IDP.certificate.clone()],
        clock_skew: Duration::from_mins(1),
        want_assertions_signed: parts.assertion(),
        want_messages_signed: parts.response(),
        want_attribute_statement: false,
        want_name_id: true,
        allow_sha1: false,
    }
}

/// An answer of the identity provider about somebody, for some service provider.
fn answer(name: &str, ids: [&str; 2], (acs, audience): (&str, &str), parts: SignedParts) -> String {
    Response {
        id: ids[0],
        assertion_id: ids[1],
        issue_instant: now(),
        issuer: ISSUER,
        destination: acs,
        in_response_to: Some("_request"),
        audience: Some(audience),
        name_id: &NameId::new(NameIdFormat::EmailAddress, name),
        attributes: &[Attribute::new("groups", [name, "ä€😀"])],
        not_before: at("2026-11-24T11:55:00Z"),
        not_on_or_after: at("2026-11-24T12:05:00Z"),
        authn_instant: now(),
        session_index: Some("s"),
        session_not_on_or_after: None,
        authn_context: AuthnContextClass::PasswordProtectedTransport,
    }
    .sign(&IDP.signer, parts)
    .unwrap()
}

fn own(parts: SignedParts) -> String {
    answer("mallory@example.org", ["_r1", "_a1"], (ACS, AUDIENCE), parts)
}

/// What the attacker may have too: the answer about an administrator at another service provider.
fn foreign(parts: SignedParts) -> String {
    answer("admin@example.org", ["_r2", "_a2"], ("https://other.example/acs", "https://other.example"), parts)
}

const WAYS: [SignedParts; 3] = [SignedParts::Assertion, SignedParts::Response, SignedParts::Both];

fn outcome(xml: &str, parts: SignedParts) -> Result<VerifiedAssertion, ErrorKind> {
    verify_response_xml(xml, &expectations(parts), now()).map_err(|error| error.kind())
}

/// The elements of our own messages, which have no comments, no CDATA and no empty-element tags.
fn elements(xml: &str) -> Vec<Range<usize>> {
    let (mut open, mut found) = (Vec::new(), Vec::new());
    let mut rest = 0;
    while let Some(start) = xml[rest..].find('<').map(|at| at + rest) {
        let end = xml[start..].find('>').unwrap() + start + 1;
        if xml[start..].starts_with("</") {
            found.push(open.pop().unwrap()..end);
        } else {
            open.push(start);
        }
        rest = end;
    }
    found
}

/// The attacker holds two messages that the identity provider signed, their own and one about an administrator
/// that was made for another site, and puts every element of one in, before, after and in place of every element
/// of the other. Would let them in as the administrator wherever what is read is not what was verified.
#[test]
fn no_splice_of_two_signed_messages_says_anything_new() {
    for parts in WAYS {
        let (own, foreign) = (own(parts), foreign(parts));
        let original = outcome(&own, parts).unwrap();
        assert_eq!(outcome(&foreign, parts), Err(ErrorKind::DestinationMismatch));
        for (host, guest) in [(&own, &foreign), (&foreign, &own), (&own, &own)] {
            for place in elements(host) {
                let inner = host[place.clone()].find('>').unwrap() + place.start + 1;
                for piece in elements(guest) {
                    let piece = &guest[piece];
                    for hole in [place.clone(), place.start..place.start, place.end..place.end, inner..inner]
                    {
                        let forged = format!("{}{piece}{}", &host[..hole.start], &host[hole.end..]);
                        if let Ok(verified) = outcome(&forged, parts) {
                            assert_eq!(verified, original, "{forged}");
                        }
                    }
                }
            }
        }
    }
}

/// Every element removed, and every element exchanged with every other.
#[test]
fn no_removal_and_no_exchange_says_anything_new() {
    for parts in WAYS {
        let own = own(parts);
        let original = outcome(&own, parts).unwrap();
        let places = elements(&own);
        for first in &places {
            let removed = format!("{}{}", &own[..first.start], &own[first.end..]);
            if let Ok(verified) = outcome(&removed, parts) {
                assert_eq!(verified, original, "{removed}");
            }
            for second in places.iter().filter(|second| second.start >= first.end) {
                let exchanged = format!(
                    "{}{}{}{}{}",
                    &own[..first.start],
                    &own[second.clone()],
                    &own[first.end..second.start],
                    &own[first.clone()],
                    &own[second.end..]
                );
                if let Ok(verified) = outcome(&exchanged, parts) {
                    assert_eq!(verified, original, "{exchanged}");
                }
            }
        }
    }
}

const SHARDS: [&str; 22] = [
    "",
    "<",
    ">",
    "/",
    "\"",
    "'",
    "&",
    "&amp;",
    "&#x0;",
    "&#xFFFE;",
    "<![CDATA[",
    "]]>",
    "<?x?>",
    "<!---->",
    " ",
    "é",
    "\u{feff}",
    "\u{fffe}",
    " xmlns=\"\"",
    " xmlns:saml=\"urn:x\"",
    " ID=\"_a1\"",
    "<saml:NameID>admin</saml:NameID>",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Bytes flipped, cut out, put in, and stretches copied elsewhere: refused, or the same as before.
    #[test]
    fn no_mutation_says_anything_new(
        way in 0..3_usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..40_usize, 0..4_u8, any::<u8>()), 1..4),
    ) {
        let parts = WAYS[way];
        let message = own(parts);
        let original = outcome(&message, parts).unwrap();
        let mut bytes = message.into_bytes();
        for (from, to, length, kind, byte) in edits {
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            let end = (from + length).min(bytes.len());
            match kind {
                0 => bytes[from] ^= byte,
                1 => drop(bytes.drain(from..end)),
                2 => drop(bytes.splice(from..from, SHARDS[usize::from(byte) % SHARDS.len()].bytes())),
                _ => {
                    let copy = bytes[from..end].to_vec();
                    drop(bytes.splice(to..to, copy));
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        let Ok(xml) = String::from_utf8(bytes) else { return Ok(()) };
        let _ = untrusted_in_response_to(&saml::post_value(&xml));
        if let Ok(verified) = outcome(&xml, parts) {
            prop_assert_eq!(verified, original, "{}", xml);
        }
    }

    /// A certificate comes with a message before anything is verified: no bytes may bring the service down.
    #[test]
    fn no_certificate_makes_it_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut der = IDP.certificate.der().to_vec();
        let at = at.index(der.len());
        der[at] = byte;
        let _ = Certificate::from_der(&der);
        let _ = Certificate::parse(&der);
        let cut = cut.index(der.len());
        let _ = Certificate::from_der(&der[..cut]);
        let _ = Certificate::parse(STANDARD.encode(&der).as_bytes());
    }
}

fn quickly<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    // Unoptimized, beside other tests; what is quadratic takes minutes.
    assert!(start.elapsed() < Duration::from_secs(5), "{what} took {:?}", start.elapsed());
    result
}

/// One message would keep a processor busy for minutes, from anybody: what SignedInfo is canonicalized with is
/// read before its signature is verified, and each prefix listed is looked up at each element.
#[test]
fn a_prefix_list_is_no_hammer() {
    let message = own(SignedParts::Assertion);
    let method = "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\">";
    let declarations: String = (0..50).map(|number| format!(" xmlns:a{number}=\"u\"")).collect();
    let many = format!("{method}{}", "<b/>".repeat(15_000));
    let c14n = "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">";
    for (prefixes, expected) in [
        (60_000, ErrorKind::CanonicalizationRefused),
        (33, ErrorKind::CanonicalizationRefused),
        (32, ErrorKind::SignatureInvalid),
    ] {
        let list = format!(
            "{c14n}<e:InclusiveNamespaces xmlns:e=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{}\"/>",
            "z ".repeat(prefixes)
        );
        let forged = message
            .replace("<ds:SignedInfo>", &format!("<ds:SignedInfo{declarations}>"))
            .replace(method, &many)
            .replace(c14n, &list);
        assert!(forged.len() < MAX_MESSAGE_BYTES);
        let refused = quickly("a long PrefixList", || outcome(&forged, SignedParts::Assertion));
        assert_eq!(refused, Err(expected), "{prefixes}");
    }
}

/// Other shapes of the largest message that could make a parser work out of proportion.
#[test]
fn no_shape_of_a_large_message_takes_long() {
    let message = own(SignedParts::Assertion);
    let room = MAX_MESSAGE_BYTES - message.len() - 100;
    let fill = |unit: &str| unit.repeat(room / unit.len());
    for unit in [
        "<![CDATA[x]]>",
        "&amp;",
        "\r",
        "\r\n",
        "<b/>",
        "<",
        "</",
        "<a b ",
        "<a b='",
        "é",
        "]]",
        "<b xmlns='u'/>",
        "<!-",
    ] {
        let refused =
            quickly(unit, || outcome(&message.replace("mallory@", &fill(unit)), SignedParts::Assertion));
        assert!(refused.is_err(), "{unit}");
        let refused = quickly(unit, || {
            outcome(&format!("<?xml version=\"1.0\"{}", fill(unit)), SignedParts::Assertion)
        });
        assert!(refused.is_err(), "{unit}");
    }
    let distinct: String = (0..9000).map(|number| format!("<b xmlns:n{number}='u{number}'/>")).collect();
    let refused =
        quickly("namespaces", || outcome(&message.replace("mallory@", &distinct), SignedParts::Assertion));
    assert!(refused.is_err());
}

/// Depth is counted before parsing. Would overflow the stack wherever the counting can be led past what is parsed.
#[test]
fn depth_cannot_hide_behind_a_declaration() {
    let deep = format!("{}{}", "<a>".repeat(20_000), "</a>".repeat(20_000));
    for hiding in [
        "<?xml version=\"1.0\" encoding=\"?><![CDATA[\"?>",
        "<?xml version='1.0' encoding='?>&lt;![CDATA['?>",
        "<?xml version='?>'?>",
        "\u{feff}\u{feff}<?xml version='1.0'?>",
        "\u{feff}\u{feff}",
        "<r a='<![CDATA['>",
        "<r a=\"'\" b='\"<![CDATA['>",
        "<r><![CDATA[]]>]]>",
        "<r/ a='",
        "<r a'<![CDATA['>",
    ] {
        let refused = outcome(&format!("{hiding}{deep}"), SignedParts::Assertion);
        assert!(
            matches!(
                refused,
                Err(ErrorKind::TooDeep
                    | ErrorKind::TooManyNodes
                    | ErrorKind::NotWellFormed
                    | ErrorKind::ProcessingInstructionForbidden)
            ),
            "{hiding}: {refused:?}"
        );
    }
}

/// Offsets into the text are bytes: names beyond ASCII, and a second byte-order mark, must not be cut in two.
#[test]
fn names_beyond_ascii_are_not_cut() {
    let message = own(SignedParts::Response);
    let original = outcome(&message, SignedParts::Response).unwrap();
    assert_eq!(outcome(&format!("\u{feff}{message}"), SignedParts::Response), Ok(original));
    let twice = outcome(&format!("\u{feff}\u{feff}{message}"), SignedParts::Response);
    assert!(twice.is_err() || twice == outcome(&message, SignedParts::Response));
    let renamed = message.replace("samlp:", "ré€😀:").replace(":samlp", ":ré€😀");
    assert_eq!(outcome(&renamed, SignedParts::Response), Err(ErrorKind::DigestMismatch));
}

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
    let body: String = IDP.key_pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let pair = rsa::KeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap();
    let mut value = vec![0; pair.public_modulus_len()];
    pair.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), info.as_bytes(), &mut value).unwrap();
    format!("{info}<ds:SignatureValue>{}</ds:SignatureValue>", STANDARD.encode(value))
}

/// The one part of a signed element that its signature does not cover is the signature. Metadata hidden in its
/// KeyInfo would make the attacker's identity provider a trusted one.
#[test]
fn an_entity_within_the_signature_is_not_signed() {
    let keys = [IDP.certificate.verifying_key().clone()];
    let entity = IdpMetadata {
        entity_id: "https://evil.example".into(),
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

fn verified_query(query: &str) -> Result<Option<String>, ErrorKind> {
    let request = AuthnRequest::from_redirect_query(query).map_err(|error| error.kind())?;
    let keys = [IDP.certificate.verifying_key().clone()];
    request.verify_signature(&keys, false).map_err(|error| error.kind())?;
    Ok(request.relay_state)
}

/// What is signed is the query as it came. Would let an attacker send people with a signed request to another
/// place (RelayState), or weaken or drop the signature.
#[test]
fn a_signed_query_is_signed_whole() {
    let (with, without) = (signed_query(Some("here & there")), signed_query(None));
    assert_eq!(verified_query(&with), Ok(Some("here & there".into())));
    assert_eq!(verified_query(&without), Ok(None));
    let invalid = Err(ErrorKind::SignatureInvalid);
    assert_eq!(verified_query(&format!("{without}&RelayState=evil")), invalid);
    assert_eq!(verified_query(&format!("{without}&RelayState=")), invalid);
    assert_eq!(verified_query(&format!("RelayState&{without}")), invalid);
    assert_eq!(verified_query(&with.replace("here%20%26%20there", "here+%26+there")), invalid);
    assert_eq!(verified_query(&with.replace("here%20%26%20there", "")), invalid);
    assert_eq!(verified_query(&with.replace("&RelayState=here%20%26%20there", "")), invalid);
    assert_eq!(verified_query(&with.replace("rsa-sha256", "rsa-sha512")), invalid);
    assert_eq!(
        verified_query(&with.replace("rsa-sha256", "hmac-sha256")),
        Err(ErrorKind::SignatureAlgorithmRefused)
    );
    assert_eq!(verified_query(&with.replace("&Signature=", "&signature=")), Err(ErrorKind::SignatureMissing));
    let cut = with.split("&Signature=").next().unwrap();
    assert_eq!(verified_query(&format!("{cut}&Signature=")), invalid);
    for name in ["SAMLRequest", "RelayState", "SigAlg", "Signature"] {
        assert_eq!(verified_query(&format!("{with}&{name}=x")), Err(ErrorKind::ParameterRepeated(name)));
        assert_eq!(verified_query(&format!("{name}&{with}")), Err(ErrorKind::ParameterRepeated(name)));
    }
    // A name that is written in another way is another name, here and in what was signed.
    assert_eq!(verified_query(&format!("{with}&Relay%53tate=evil")), Ok(Some("here & there".into())));
    // The order in the address does not matter, the order in what is signed does.
    let mut turned: Vec<&str> = with.split('&').collect();
    turned.reverse();
    assert_eq!(verified_query(&turned.join("&")), Ok(Some("here & there".into())));
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
        }
        .sign(&IDP.signer, SignedParts::Both);
        assert_eq!(written.unwrap_err().kind(), ErrorKind::CharacterForbidden("saml:NameID"), "{name:?}");
    }
    let url = signed_query(Some("x&SAMLRequest=evil#\r\nSet-Cookie: a=b\0é"));
    assert_eq!(url.matches("SAMLRequest=").count(), 1);
    assert!(url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'), "{url}");
}
