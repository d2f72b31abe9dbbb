//! A genuine, well-signed assertion that was not meant for us, not now, or not for this request. Every message here
//! bears a valid signature of the identity provider, so whoever checks signatures only lets them in.

use saml::{Attribute, ErrorKind, Expectations, SignedParts, Timestamp};

use crate::fixtures::*;

const AUDIENCES: &str = "<saml:AudienceRestriction><saml:Audience>https://workspaces.example/api/metadata/?id=0123</saml:Audience></saml:AudienceRestriction>";

fn audiences(audiences: &[&str]) -> String {
    let each: String =
        audiences.iter().map(|audience| format!("<saml:Audience>{audience}</saml:Audience>")).collect();
    format!("<saml:AudienceRestriction>{each}</saml:AudienceRestriction>")
}

#[test]
fn the_fixture_made_by_hand_is_accepted() {
    assert_eq!(verified(&saying(VICTIM, "bob")).name_id().unwrap().value, "bob");
}

#[test]
fn another_audience() {
    assert_eq!(refusal(&saying(AUDIENCE, "https://other.example/")), ErrorKind::AudienceMismatch);
    assert_eq!(refusal(&saying(AUDIENCE, &AUDIENCE.to_uppercase())), ErrorKind::AudienceMismatch);
    assert_eq!(refusal(&saying(AUDIENCE, &AUDIENCE[..AUDIENCE.len() - 1])), ErrorKind::AudienceMismatch);
    assert_eq!(refusal(&saying(AUDIENCE, &format!("{AUDIENCE}x"))), ErrorKind::AudienceMismatch);
}

#[test]
fn every_audience_restriction_must_name_us() {
    let other = audiences(&["https://other.example/"]);
    for both in [format!("{AUDIENCES}{other}"), format!("{other}{AUDIENCES}")] {
        assert_eq!(refusal(&saying(AUDIENCES, &both)), ErrorKind::AudienceMismatch);
    }
    verified(&saying(AUDIENCES, &format!("{AUDIENCES}{}", audiences(&["https://other.example/", AUDIENCE]))));
}

#[test]
fn no_audience_is_not_any_audience() {
    assert_eq!(refusal(&saying(AUDIENCES, "")), ErrorKind::AudienceMissing);
    assert_eq!(refusal(&saying(AUDIENCES, &audiences(&[]))), ErrorKind::AudienceMissing);
    let bare = bare_assertion();
    let conditions = cut(&bare, "saml:Conditions").1;
    assert_eq!(refusal(&saying(conditions, "")), ErrorKind::AudienceMissing);
}

#[test]
fn a_condition_that_is_not_understood_is_not_met() {
    let unknown = format!("{AUDIENCES}<saml:Condition></saml:Condition>");
    assert_eq!(refusal(&saying(AUDIENCES, &unknown)), ErrorKind::ConditionUnknown);
    let foreign = format!("{AUDIENCES}<e:Condition xmlns:e=\"urn:e\"></e:Condition>");
    assert_eq!(refusal(&saying(AUDIENCES, &foreign)), ErrorKind::Unexpected("Conditions"));
    verified(&saying(AUDIENCES, &format!("{AUDIENCES}<saml:OneTimeUse></saml:OneTimeUse>")));
    verified(&saying(AUDIENCES, &format!("{AUDIENCES}<saml:ProxyRestriction></saml:ProxyRestriction>")));
    let bare = bare_assertion();
    let conditions = cut(&bare, "saml:Conditions").1;
    assert_eq!(
        refusal(&saying(conditions, &format!("{conditions}{conditions}"))),
        ErrorKind::Repeated("Conditions")
    );
}

#[test]
fn another_recipient() {
    let recipient = format!("Recipient=\"{ACS}\"");
    for other in ["https://other.example/acs", &format!("{ACS}x"), "https://workspaces.example/api/acs/"] {
        assert_eq!(
            refusal(&saying(&recipient, &format!("Recipient=\"{other}\""))),
            ErrorKind::RecipientMismatch
        );
    }
    assert_eq!(refusal(&saying(&format!(" {recipient}"), "")), ErrorKind::RecipientMismatch);
}

#[test]
fn one_of_several_confirmations_may_be_ours() {
    let bare = bare_assertion();
    let ours = cut(&bare, "saml:SubjectConfirmation").1;
    let other = edit(ours, ACS, "https://other.example/acs");
    verified(&saying(ours, &format!("{other}{ours}")));
    assert_eq!(refusal(&saying(ours, &format!("{other}{other}"))), ErrorKind::RecipientMismatch);
    // What makes one hold must all be in the one.
    let late = edit(ours, "2026-11-24T12:05:00Z", "2026-11-24T11:00:00Z");
    assert_eq!(refusal(&saying(ours, &format!("{other}{late}"))), ErrorKind::ConfirmationExpired);
}

#[test]
fn only_a_bearer_may_bring_it() {
    let holder = saying("cm:bearer", "cm:holder-of-key");
    assert_eq!(refusal(&holder), ErrorKind::BearerMissing);
    let bare = bare_assertion();
    assert_eq!(refusal(&saying(cut(&bare, "saml:SubjectConfirmation").1, "")), ErrorKind::BearerMissing);
    assert_eq!(refusal(&saying(cut(&bare, "saml:SubjectConfirmationData").1, "")), ErrorKind::BearerMissing);
}

#[test]
fn another_destination() {
    // Only the assertion is signed: anybody can edit the envelope, and still it must fit.
    let original = signed(SignedParts::Assertion);
    let destination = format!("Destination=\"{ACS}\"");
    let other = edit(&original, &destination, "Destination=\"https://other.example/acs\"");
    assert_eq!(refusal(&other), ErrorKind::DestinationMismatch);
    assert_eq!(refusal(&edit(&original, &destination, "Destination=\"\"")), ErrorKind::DestinationMismatch);
    verified(&edit(&original, &format!("{destination} "), ""));
    // A signed response must have one.
    let mut elsewhere = response();
    elsewhere.destination = "https://other.example/acs";
    let elsewhere = elsewhere.sign(&IDP.signer, SignedParts::Response).unwrap();
    assert_eq!(refusal(&elsewhere), ErrorKind::DestinationMismatch);
    let none = edit(&signed(SignedParts::Response), &format!("{destination} "), "");
    assert_eq!(refusal(&none), ErrorKind::DestinationMismatch);
}

#[test]
fn another_issuer() {
    assert_eq!(refusal(&saying(ISSUER, "https://evil.example/")), ErrorKind::AssertionIssuerMismatch);
    let mut other = response();
    other.issuer = "https://evil.example/";
    let other = other.sign(&IDP.signer, SignedParts::Both).unwrap();
    assert_eq!(refusal(&other), ErrorKind::ResponseIssuerMismatch);
    let original = signed(SignedParts::Assertion);
    let (before, assertion, after) = cut(&original, "saml:Assertion");
    let envelope = edit(before, ISSUER, "https://evil.example/");
    assert_eq!(refusal(&format!("{envelope}{assertion}{after}")), ErrorKind::ResponseIssuerMismatch);
    let issuer = cut(before, "saml:Issuer").1;
    verified(&format!("{}{assertion}{after}", edit(before, issuer, "")));
    let signed_response = signed(SignedParts::Response);
    let nobody = signed_response.replacen(issuer, "", 1);
    assert_eq!(refusal(&nobody), ErrorKind::ResponseIssuerMismatch);
}

#[test]
fn times_are_kept_to_the_second() {
    let seconds = |text: &str, offset: i64| Timestamp::from_micros(at(text).micros() + offset * 1_000_000);
    let kind = |xml: &str, now| outcome(xml, &expectations(), now).map(|_| ()).map_err(|error| error.kind());
    let xml = signed(SignedParts::Assertion);
    // Valid from 11:55 until just before 12:05, give or take a minute.
    assert_eq!(kind(&xml, seconds("2026-11-24T11:55:00Z", -61)), Err(ErrorKind::AssertionNotYetValid));
    assert_eq!(kind(&xml, seconds("2026-11-24T11:55:00Z", -60)), Ok(()));
    assert_eq!(kind(&xml, seconds("2026-11-24T12:05:00Z", 59)), Ok(()));
    assert_eq!(kind(&xml, seconds("2026-11-24T12:05:00Z", 60)), Err(ErrorKind::ConfirmationExpired));
    // The conditions by themselves.
    let conditions = "NotBefore=\"2026-11-24T11:55:00Z\" NotOnOrAfter=\"2026-11-24T12:05:00Z\"";
    let short = "NotBefore=\"2026-11-24T11:55:00Z\" NotOnOrAfter=\"2026-11-24T12:00:00Z\"";
    let xml = saying(conditions, short);
    assert_eq!(kind(&xml, seconds("2026-11-24T12:00:00Z", 59)), Ok(()));
    assert_eq!(kind(&xml, seconds("2026-11-24T12:00:00Z", 60)), Err(ErrorKind::AssertionExpired));
    assert_eq!(verified(&xml).not_on_or_after(), at("2026-11-24T12:00:00Z"));
    assert!(kind(&saying(&format!(" {conditions}"), ""), now()).is_ok());
    // The confirmation by itself.
    let data = "NotOnOrAfter=\"2026-11-24T12:05:00Z\" Recipient";
    let xml =
        saying(data, "NotBefore=\"2026-11-24T12:02:00Z\" NotOnOrAfter=\"2026-11-24T12:05:00Z\" Recipient");
    assert_eq!(kind(&xml, seconds("2026-11-24T12:02:00Z", -61)), Err(ErrorKind::ConfirmationNotYetValid));
    assert_eq!(kind(&xml, seconds("2026-11-24T12:02:00Z", -60)), Ok(()));
    assert_eq!(refusal(&saying(data, "Recipient")), ErrorKind::Missing("NotOnOrAfter"));
    // The session.
    let xml = saying(
        "SessionNotOnOrAfter=\"2026-11-24T20:00:00Z\"",
        "SessionNotOnOrAfter=\"2026-11-24T12:00:00Z\"",
    );
    assert_eq!(kind(&xml, seconds("2026-11-24T12:00:00Z", 59)), Ok(()));
    assert_eq!(kind(&xml, seconds("2026-11-24T12:00:00Z", 60)), Err(ErrorKind::SessionExpired));
}

#[test]
fn a_time_that_cannot_be_read_is_never_met() {
    for time in ["tomorrow", "", "2026-11-24T13:05:00+01:00", "9999-99-99T99:99:99Z"] {
        let xml = saying(
            "NotOnOrAfter=\"2026-11-24T12:05:00Z\" Recipient",
            &format!("NotOnOrAfter=\"{time}\" Recipient"),
        );
        assert_eq!(refusal(&xml), ErrorKind::Malformed("NotOnOrAfter"), "{time}");
        let xml = saying("NotOnOrAfter=\"2026-11-24T12:05:00Z\">", &format!("NotOnOrAfter=\"{time}\">"));
        assert_eq!(refusal(&xml), ErrorKind::Malformed("NotOnOrAfter"), "{time}");
        let xml = saying(
            "SessionNotOnOrAfter=\"2026-11-24T20:00:00Z\"",
            &format!("SessionNotOnOrAfter=\"{time}\""),
        );
        assert_eq!(refusal(&xml), ErrorKind::Malformed("SessionNotOnOrAfter"), "{time}");
    }
}

#[test]
fn the_answer_to_another_request() {
    let original = signed(SignedParts::Assertion);
    let other = Expectations { in_response_to: Some("_other".into()), ..expectations() };
    assert_eq!(refusal_with(&original, &other), ErrorKind::InResponseToMismatch);
    // The envelope is unsigned: the attacker writes the pending request into it. The assertion says otherwise.
    let (before, assertion, after) = cut(&original, "saml:Assertion");
    let renamed = format!("{}{assertion}{after}", edit(before, REQUEST, "_other"));
    assert_eq!(refusal_with(&renamed, &other), ErrorKind::ConfirmationInResponseToMismatch);
    // Left out, in either place, it is not any request.
    let without = format!("{}{assertion}{after}", edit(before, " InResponseTo=\"_request\"", ""));
    assert_eq!(refusal(&without), ErrorKind::InResponseToMismatch);
    let without = saying("InResponseTo=\"_request\" ", "");
    assert_eq!(refusal(&without), ErrorKind::ConfirmationInResponseToMismatch);
    // An answer that was asked for is not passed off as one that was not.
    let unasked = Expectations { in_response_to: None, ..expectations() };
    assert_eq!(refusal_with(&original, &unasked), ErrorKind::Unsolicited);
    let stripped = format!("{}{assertion}{after}", edit(before, " InResponseTo=\"_request\"", ""));
    assert_eq!(refusal_with(&stripped, &unasked), ErrorKind::Unsolicited);
}

#[test]
fn a_status_that_is_not_success() {
    let original = signed(SignedParts::Assertion);
    for status in [
        "urn:oasis:names:tc:SAML:2.0:status:Responder",
        "Success",
        "",
        "urn:oasis:names:tc:SAML:2.0:status:success",
    ] {
        let xml = edit(&original, "urn:oasis:names:tc:SAML:2.0:status:Success", status);
        assert_eq!(refusal(&xml), ErrorKind::StatusNotSuccess, "{status}");
    }
    let status = cut(&original, "samlp:Status").1;
    assert!(status.starts_with("<samlp:Status>"));
    assert_eq!(
        refusal(&edit(&original, status, "<samlp:Status></samlp:Status>")),
        ErrorKind::StatusNotSuccess
    );
    assert_eq!(refusal(&edit(&original, status, "")), ErrorKind::Missing("Status"));
    // Success somewhere inside is not success.
    let nested = "<samlp:Status><samlp:StatusCode Value=\"x\"><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:StatusCode></samlp:Status>";
    assert_eq!(refusal(&edit(&original, status, nested)), ErrorKind::StatusNotSuccess);
}

#[test]
fn another_version() {
    let original = signed(SignedParts::Assertion);
    assert_eq!(
        refusal(&original.replacen("Version=\"2.0\"", "Version=\"1.1\"", 1)),
        ErrorKind::VersionUnsupported
    );
    assert_eq!(refusal(&saying("Version=\"2.0\"", "Version=\"2.1\"")), ErrorKind::VersionUnsupported);
    assert_eq!(refusal(&saying(" Version=\"2.0\"", "")), ErrorKind::VersionUnsupported);
}

#[test]
fn somebody_must_have_signed_in() {
    let bare = bare_assertion();
    assert_eq!(refusal(&saying(cut(&bare, "saml:AuthnStatement").1, "")), ErrorKind::AuthnStatementMissing);
    let instant = "AuthnInstant=\"2026-11-24T11:00:00Z\" ";
    assert_eq!(refusal(&saying(instant, "")), ErrorKind::Missing("AuthnInstant"));
}

#[test]
fn what_is_wanted_is_there() {
    let mut bare = response();
    bare.attributes = &[];
    let xml = bare.sign(&IDP.signer, SignedParts::Assertion).unwrap();
    assert_eq!(refusal(&xml), ErrorKind::AttributeStatementMissing);
    let lenient = Expectations { want_attribute_statement: false, ..expectations() };
    assert_eq!(outcome(&xml, &lenient, now()).unwrap().attributes(), Vec::<Attribute>::new());
    let assertion = bare_assertion();
    let name_id = cut(&assertion, "saml:NameID").1;
    let lenient = Expectations { want_name_id: false, ..expectations() };
    for xml in [saying(name_id, ""), saying(VICTIM, ""), saying(VICTIM, " ")] {
        assert_eq!(refusal(&xml), ErrorKind::NameIdMissing);
        assert_eq!(outcome(&xml, &lenient, now()).unwrap().name_id(), None);
    }
    assert_eq!(
        refusal(&saying(&format!("{VICTIM}</saml:NameID>"), &format!("{VICTIM}</saml:NameID>{name_id}"))),
        ErrorKind::Repeated("NameID")
    );
}

#[test]
fn another_message() {
    for xml in [
        "<a/>",
        "<samlp:LogoutResponse xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>",
        "<Response/>",
    ] {
        assert_eq!(refusal(xml), ErrorKind::WrongMessage("Response"));
    }
    // A bare assertion is no response.
    let original = signed(SignedParts::Assertion);
    assert_eq!(refusal(cut(&original, "saml:Assertion").1), ErrorKind::WrongMessage("Response"));
}
