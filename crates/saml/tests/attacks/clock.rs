//! Times, to the second and below: both ends of each period, with the skew that the service provider allows (60 s), and
//! times that can't be read or that overflow.

use saml::{ErrorKind, SignedParts};

use crate::attack::{AsSigned, Attack, Outcome, Receiver, Refused};
use crate::fixtures::*;

pub(crate) fn attacks() -> Vec<Attack> {
    let gain = "Uses an assertion before or after its time, such as one that was stolen long ago.";
    let original = signed(SignedParts::Assertion);
    let mut attacks = Vec::new();
    // The message stays as it is but for its first ID; what moves is the clock.
    let moved = edit(&original, "ID=\"_response\"", "ID=\"_later\"");
    for (name, clock, outcome) in [
        ("just before the end and the skew", "2026-11-24T12:05:59.999999Z", AsSigned),
        ("at the end and the skew", "2026-11-24T12:06:00Z", Refused(ErrorKind::ConfirmationExpired)),
        ("long after the end", "2027-11-24T12:06:00Z", Refused(ErrorKind::ConfirmationExpired)),
        ("at the beginning less the skew", "2026-11-24T11:54:00Z", AsSigned),
        (
            "just before the beginning less the skew",
            "2026-11-24T11:53:59.999999Z",
            Refused(ErrorKind::AssertionNotYetValid),
        ),
        ("long before the beginning", "2025-11-24T11:54:00Z", Refused(ErrorKind::AssertionNotYetValid)),
        ("before the epoch", "1969-12-31T23:59:59Z", Refused(ErrorKind::AssertionNotYetValid)),
    ] {
        let receiver = Receiver::Response(Box::new(expectations()), at(clock));
        attacks.push(Attack::new(format!("clock {name}"), gain, &original, &*moved, outcome).on(receiver));
    }
    let end = "NotOnOrAfter=\"2026-11-24T12:05:00Z\"";
    let confirmation = format!("{end} Recipient");
    let conditions = format!("NotBefore=\"2026-11-24T11:55:00Z\" {end}");
    let session = "SessionNotOnOrAfter=\"2026-11-24T20:00:00Z\"";
    let beginning = "NotBefore=\"2026-11-24T11:55:00Z\"";
    let periods: Vec<(&str, String, Outcome)> = vec![
        (
            "confirmation that ended",
            saying(&confirmation, "NotOnOrAfter=\"2026-11-24T11:59:00Z\" Recipient"),
            Refused(ErrorKind::ConfirmationExpired),
        ),
        (
            "confirmation that is to begin",
            saying(&confirmation, &format!("NotBefore=\"2026-11-24T12:01:01Z\" {confirmation}")),
            Refused(ErrorKind::ConfirmationNotYetValid),
        ),
        (
            "conditions that ended",
            saying(&conditions, "NotBefore=\"2026-11-24T11:55:00Z\" NotOnOrAfter=\"2026-11-24T11:59:00Z\""),
            Refused(ErrorKind::AssertionExpired),
        ),
        (
            "conditions that are to begin",
            saying(beginning, "NotBefore=\"2026-11-24T12:01:00.000001Z\""),
            Refused(ErrorKind::AssertionNotYetValid),
        ),
        (
            "session that is over",
            saying(session, "SessionNotOnOrAfter=\"2026-11-24T11:59:00Z\""),
            Refused(ErrorKind::SessionExpired),
        ),
        (
            "period that ends before it begins",
            saying(&conditions, "NotBefore=\"2026-11-24T12:30:00Z\" NotOnOrAfter=\"2026-11-24T11:00:00Z\""),
            Refused(ErrorKind::AssertionNotYetValid),
        ),
    ];
    attacks.extend(
        periods
            .into_iter()
            .map(|(name, message, outcome)| Attack::new(name, gain, &original, message, outcome)),
    );
    for time in [
        "",
        "never",
        "2026-11-24",
        "2026-11-24T12:05:00",
        "2026-11-24T12:05:00+14:00:00",
        "2026-13-24T12:05:00Z",
        "2026-11-31T12:05:00Z",
        "2026-11-24T25:05:00Z",
        "-1",
        "9999999999999-01-01T00:00:00Z",
        "2026-11-24T12:05:00ZZ",
        "２０２６-11-24T12:05:00Z",
        "1e9",
    ] {
        let message = saying(&confirmation, &format!("NotOnOrAfter=\"{time}\" Recipient"));
        attacks.push(Attack::new(
            format!("end of the confirmation at “{time}”"),
            gain,
            &original,
            message,
            Refused(ErrorKind::Malformed("NotOnOrAfter")),
        ));
    }
    attacks
}
