//! Metadata that must be signed: whoever can forge it is the identity provider.

use saml::{Binding, Endpoint, ErrorKind, IdpMetadata};

use crate::attack::{AsSigned, Attack, Outcome, Receiver, Refused};
use crate::fixtures::*;

fn metadata(party: &Party, entity_id: &str) -> IdpMetadata {
    IdpMetadata {
        entity_id: entity_id.into(),
        valid_until: None,
        cache_duration: None,
        single_sign_on_services: vec![Endpoint {
            binding: Binding::HttpRedirect,
            location: "https://auth.example/sso".into(),
        }],
        single_logout_services: Vec::new(),
        signing_certificates: vec![party.certificate.clone()],
        name_id_formats: Vec::new(),
        want_authn_requests_signed: false,
    }
}

pub(crate) fn attacks() -> Vec<Attack> {
    let gain = "Is believed to be the identity provider, and signs in as anybody.";
    let original = metadata(&IDP, ISSUER).to_signed_xml("_m", &IDP.signer).unwrap();
    let theirs = metadata(&STRANGER, ISSUER);
    let forged = theirs.to_xml().unwrap();
    let signature = cut(&original, "ds:Signature").1;
    let open = forged.find('>').unwrap() + 1;
    let with_signature = format!("{}{signature}{}", &forged[..open], &forged[open..]);
    let evil_id = edit(&with_signature, "<md:EntityDescriptor ", "<md:EntityDescriptor ID=\"_evil\" ");
    let bare = unsigned(&original);
    let group = |content: &str| {
        format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{content}</md:EntitiesDescriptor>"
        )
    };
    let certificate = |party: &Party| {
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, party.certificate.der())
    };
    let (before, rest) = original.rsplit_once(&certificate(&IDP)).unwrap();
    let entries: Vec<(&str, String, Outcome)> = vec![
        (
            "certificate replaced",
            format!("{before}{}{rest}", certificate(&STRANGER)),
            Refused(ErrorKind::DigestMismatch),
        ),
        (
            "address replaced",
            edit(&original, "https://auth.example/sso", "https://evil.example/sso"),
            Refused(ErrorKind::DigestMismatch),
        ),
        ("signature removed", bare, Refused(ErrorKind::SignatureMissing)),
        ("not signed", forged.clone(), Refused(ErrorKind::SignatureMissing)),
        (
            "signed by a stranger",
            theirs.to_signed_xml("_m", &STRANGER.signer).unwrap(),
            Refused(ErrorKind::SignatureInvalid),
        ),
        ("signature moved to a forged one", evil_id, Refused(ErrorKind::ReferenceMisdirected)),
        (
            "signature moved to a forged one without ID",
            with_signature,
            Refused(ErrorKind::ReferenceMisdirected),
        ),
        (
            "signed one in a forged group",
            group(&format!("{forged}{original}")),
            Refused(ErrorKind::EntitiesSeveral),
        ),
        (
            "forged one after the signed one in a group",
            group(&format!("{original}{forged}")),
            Refused(ErrorKind::EntitiesSeveral),
        ),
        (
            "forged one in KeyInfo",
            edit(&original, "<ds:KeyInfo>", &format!("<ds:KeyInfo>{forged}")),
            AsSigned,
        ),
        (
            "forged one in an Object",
            edit(&original, "</ds:Signature>", &format!("<ds:Object>{forged}</ds:Object></ds:Signature>")),
            Refused(ErrorKind::SignatureMalformed),
        ),
        (
            "DOCTYPE",
            format!("<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>{original}"),
            Refused(ErrorKind::DoctypeForbidden),
        ),
        (
            "comment that splits the address",
            edit(&original, "https://auth.example/sso", "https://auth.example/<!-- -->sso"),
            Refused(ErrorKind::NotWellFormed),
        ),
        (
            "comment beside elements",
            edit(&original, "<md:IDPSSODescriptor ", "<!-- x --><md:IDPSSODescriptor "),
            AsSigned,
        ),
        ("two roots", format!("{original}{forged}"), Refused(ErrorKind::NotWellFormed)),
    ];
    entries
        .into_iter()
        .map(|(name, message, outcome)| {
            Attack::new(format!("metadata: {name}"), gain, &original, message, outcome).on(Receiver::Metadata)
        })
        .collect()
}
