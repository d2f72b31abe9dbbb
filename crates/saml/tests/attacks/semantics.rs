//! What the identity provider really signed, but for another site, another request or another purpose.

use saml::{ErrorKind, Expectations, SignedParts};

use crate::attack::{AsSigned, Attack, Outcome, Refused};
use crate::fixtures::*;

pub(crate) fn attacks() -> Vec<Attack> {
    [purposes(), requests(), wanted()].concat()
}

fn purposes() -> Vec<Attack> {
    let gain = "Uses an assertion for what it was not made for: another site, another kind of delivery, another answer.";
    let original = signed(SignedParts::Assertion);
    let restriction = "</saml:AudienceRestriction>";
    let other = format!(
        "{restriction}<saml:AudienceRestriction><saml:Audience>urn:other</saml:Audience></saml:AudienceRestriction>"
    );
    let bare = bare_assertion();
    let audience = cut(&bare, "saml:AudienceRestriction").1;
    let both = format!("<saml:Audience>urn:other</saml:Audience><saml:Audience>{AUDIENCE}");
    let authn = cut(&bare, "saml:AuthnStatement").1;
    let confirmation = cut(&bare, "saml:SubjectConfirmation").1;
    let data = cut(&bare, "saml:SubjectConfirmationData").1;
    let condition = format!("{restriction}<saml:Condition></saml:Condition>");
    let proxied = format!(
        "{restriction}<saml:OneTimeUse></saml:OneTimeUse><saml:ProxyRestriction Count=\"0\"></saml:ProxyRestriction>"
    );
    let status = "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\">";
    let failed = "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\">";
    let entries: Vec<(&str, String, Outcome)> = vec![
        ("no audience", saying(audience, ""), Refused(ErrorKind::AudienceMissing)),
        ("no conditions", saying(cut(&bare, "saml:Conditions").1, ""), Refused(ErrorKind::AudienceMissing)),
        (
            "audience of nobody",
            saying(&format!("<saml:Audience>{AUDIENCE}</saml:Audience>"), ""),
            Refused(ErrorKind::AudienceMissing),
        ),
        (
            "another audience in a second restriction",
            saying(restriction, &other),
            Refused(ErrorKind::AudienceMismatch),
        ),
        ("another audience beside ours", saying(&format!("<saml:Audience>{AUDIENCE}"), &both), AsSigned),
        (
            "condition that is not understood",
            saying(restriction, &condition),
            Refused(ErrorKind::ConditionUnknown),
        ),
        ("conditions that are understood", saying(restriction, &proxied), AsSigned),
        (
            "foreign condition",
            saying(restriction, &format!("{restriction}<e></e>")),
            Refused(ErrorKind::Unexpected("Conditions")),
        ),
        ("no confirmation", saying(confirmation, ""), Refused(ErrorKind::BearerMissing)),
        ("confirmation without data", saying(data, ""), Refused(ErrorKind::BearerMissing)),
        ("no Recipient", saying(&format!(" Recipient=\"{ACS}\""), ""), Refused(ErrorKind::RecipientMismatch)),
        (
            "no end of the confirmation",
            saying(" NotOnOrAfter=\"2026-11-24T12:05:00Z\" Recipient", " Recipient"),
            Refused(ErrorKind::Missing("NotOnOrAfter")),
        ),
        ("no AuthnStatement", saying(authn, ""), Refused(ErrorKind::AuthnStatementMissing)),
        ("no subject", saying(cut(&bare, "saml:Subject").1, ""), Refused(ErrorKind::NameIdMissing)),
        ("empty name", saying(VICTIM, ""), Refused(ErrorKind::NameIdMissing)),
        (
            "two names",
            saying("</saml:NameID>", &format!("</saml:NameID><saml:NameID>{ATTACKER}</saml:NameID>")),
            Refused(ErrorKind::Repeated("NameID")),
        ),
        (
            "BaseID",
            saying(cut(&bare, "saml:NameID").1, "<saml:BaseID></saml:BaseID>"),
            Refused(ErrorKind::NameIdMissing),
        ),
        ("SAML 1.1", saying("Version=\"2.0\"", "Version=\"1.1\""), Refused(ErrorKind::VersionUnsupported)),
        ("no version", saying(" Version=\"2.0\"", ""), Refused(ErrorKind::VersionUnsupported)),
        (
            "response of version 2.1",
            original.replacen("Version=\"2.0\"", "Version=\"2.1\"", 1),
            Refused(ErrorKind::VersionUnsupported),
        ),
        (
            "refused at the identity provider",
            edit(&original, status, failed),
            Refused(ErrorKind::StatusNotSuccess),
        ),
        (
            "refused, with success inside",
            edit(&original, status, &format!("{failed}{status}</samlp:StatusCode>")),
            Refused(ErrorKind::StatusNotSuccess),
        ),
        (
            "no status",
            edit(&original, cut(&original, "samlp:Status").1, ""),
            Refused(ErrorKind::Missing("Status")),
        ),
        (
            "another message around it",
            original.replace("samlp:Response", "samlp:ArtifactResponse"),
            Refused(ErrorKind::WrongMessage("Response")),
        ),
        (
            "the assertion alone",
            cut(&original, "saml:Assertion").1.to_owned(),
            Refused(ErrorKind::WrongMessage("Response")),
        ),
        (
            "no issuer in the assertion",
            ByHand { uri: "#_response".into(), ..ByHand::default() }.sign(&around(&edit(
                &bare,
                &format!("<saml:Issuer>{ISSUER}</saml:Issuer><saml:Subject>"),
                "<saml:Subject>",
            ))),
            Refused(ErrorKind::Missing("Issuer")),
        ),
        (
            "no IssueInstant",
            saying(" IssueInstant=\"2026-11-24T12:00:00Z\"", ""),
            Refused(ErrorKind::Missing("IssueInstant")),
        ),
    ];
    entries
        .into_iter()
        .map(|(name, message, outcome)| Attack::new(name, gain, &original, message, outcome))
        .collect()
}

fn requests() -> Vec<Attack> {
    let gain = "Signs somebody else in as the attacker, or is signed in by a stolen answer, by an answer to another request.";
    let original = signed(SignedParts::Assertion);
    let unasked = Expectations { in_response_to: None, ..expectations() };
    let here = "InResponseTo=\"_request\"";
    let other = "InResponseTo=\"_other\"";
    let mut attacks: Vec<_> = [
        ("response to another request", original.replacen(here, other, 1), ErrorKind::InResponseToMismatch),
        (
            "response to no request",
            original.replacen(&format!("{here} "), "", 1),
            ErrorKind::InResponseToMismatch,
        ),
        (
            "response to a request in another case",
            original.replacen(here, "InResponseTo=\"_REQUEST\"", 1),
            ErrorKind::InResponseToMismatch,
        ),
        ("assertion for another request", saying(here, other), ErrorKind::ConfirmationInResponseToMismatch),
        (
            "assertion for no request",
            saying(&format!("{here} "), ""),
            ErrorKind::ConfirmationInResponseToMismatch,
        ),
        (
            "assertion for an empty request",
            saying(here, "InResponseTo=\"\""),
            ErrorKind::ConfirmationInResponseToMismatch,
        ),
    ]
    .map(|(name, message, kind)| Attack::new(name, gain, &original, message, Refused(kind)))
    .to_vec();
    let free = saml::Response { in_response_to: None, ..response() }
        .sign(&IDP.signer, SignedParts::Assertion)
        .unwrap();
    for (name, message) in [
        ("answer to a request where none is pending", original),
        (
            "response to a request, assertion to none",
            edit(&free, "ID=\"_response\"", "ID=\"_response\" InResponseTo=\"_request\""),
        ),
    ] {
        attacks.push(
            Attack::new(name, gain, &free, message, Refused(ErrorKind::Unsolicited))
                .expecting(unasked.clone()),
        );
    }
    attacks
}

/// Weakened by what an attacker leaves out.
fn wanted() -> Vec<Attack> {
    let gain = "Gets by with less than the configuration demands.";
    let both = signed(SignedParts::Both);
    let encrypted =
        encrypted(SignedParts::Both, saml::DataEncryption::Aes256Gcm, saml::KeyTransport::RsaOaepMgf1p);
    let bare = bare_assertion();
    vec![
        Attack::new(
            "assertion in the clear where encryption is wanted",
            gain,
            &encrypted,
            &*both,
            Refused(ErrorKind::AssertionNotEncrypted),
        )
        .expecting(Expectations { want_assertions_encrypted: true, ..expectations() }),
        Attack::new(
            "response signed where the assertion is to be",
            gain,
            &both,
            signed(SignedParts::Response),
            Refused(ErrorKind::AssertionNotSigned),
        )
        .expecting(Expectations { want_assertions_signed: true, ..expectations() }),
        Attack::new(
            "assertion signed where the response is to be",
            gain,
            &both,
            signed(SignedParts::Assertion),
            Refused(ErrorKind::ResponseNotSigned),
        )
        .expecting(Expectations { want_messages_signed: true, ..expectations() }),
        Attack::new(
            "no attributes where they are wanted",
            gain,
            &both,
            saying(cut(&bare, "saml:AttributeStatement").1, ""),
            Refused(ErrorKind::AttributeStatementMissing),
        ),
        Attack::new(
            "Destination left out of a signed response",
            gain,
            &both,
            ByHand { uri: "#_response".into(), ..ByHand::default() }.sign(&edit(
                &around(&bare),
                &format!("Destination=\"{ACS}\" "),
                "",
            )),
            Refused(ErrorKind::DestinationMismatch),
        ),
        Attack::new(
            "Issuer left out of a signed response",
            gain,
            &both,
            {
                let signed = signed(SignedParts::Response);
                signed.replacen(&format!("<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{ISSUER}</saml:Issuer>"), "", 1)
            },
            Refused(ErrorKind::ResponseIssuerMismatch),
        ),
    ]
}
