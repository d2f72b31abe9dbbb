//! Elements of two messages that the identity provider signed, moved, exchanged, removed and put into each other.

use std::ops::Range;

use saml::{
    Attribute, AuthnContextClass, ErrorKind, Expectations, NameId, NameIdFormat, Response, SignedParts,
    VerifiedAssertion, verify_response_xml,
};

use crate::fixtures::{ACS, AUDIENCE, IDP, ISSUER, REQUEST, at, expectations, now};

fn expectations_of(parts: SignedParts) -> Expectations {
    Expectations {
        want_assertions_signed: parts.assertion(),
        want_messages_signed: parts.response(),
        want_attribute_statement: false,
        ..expectations()
    }
}

/// An answer of the identity provider about somebody, for some service provider.
pub(crate) fn answer(
    name: &str,
    ids: [&str; 2],
    (acs, audience): (&str, &str),
    parts: SignedParts,
) -> String {
    Response {
        id: ids[0],
        assertion_id: ids[1],
        issue_instant: now(),
        issuer: ISSUER,
        destination: acs,
        in_response_to: Some(REQUEST),
        audience: Some(audience),
        name_id: &NameId::new(NameIdFormat::EmailAddress, name),
        attributes: &[Attribute::new("groups", [name, "ä€😀"])],
        not_before: at("2026-11-24T11:55:00Z"),
        not_on_or_after: at("2026-11-24T12:05:00Z"),
        authn_instant: now(),
        session_index: Some("s"),
        session_not_on_or_after: None,
        authn_context: AuthnContextClass::PasswordProtectedTransport,
        encryption: None,
    }
    .sign(&IDP.signer, parts)
    .unwrap()
}

pub(crate) fn own(parts: SignedParts) -> String {
    answer("mallory@example.org", ["_r1", "_a1"], (ACS, AUDIENCE), parts)
}

/// What the attacker may have too: the answer about an administrator at another service provider.
fn foreign(parts: SignedParts) -> String {
    answer("admin@example.org", ["_r2", "_a2"], ("https://other.example/acs", "https://other.example"), parts)
}

pub(crate) const WAYS: [SignedParts; 3] = [SignedParts::Assertion, SignedParts::Response, SignedParts::Both];

pub(crate) fn outcome(xml: &str, parts: SignedParts) -> Result<VerifiedAssertion, ErrorKind> {
    verify_response_xml(xml, &expectations_of(parts), now()).map_err(|error| error.kind())
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
