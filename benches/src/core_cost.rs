//! What the protocol core alone takes of a sign-in: no HTTP, no database.

use std::time::Duration;

use saml::{AuthnContextClass, AuthnRequest, Response, SignedParts, post_value};

use crate::key::Key;
use crate::report::{Goal, Report, microseconds};
use crate::sign_in::{SignIn, now};
use crate::{Outcome, cpu};

const BATCHES: usize = 7;
const TIMES: u32 = 300;

/// Of the rate of raw signatures.
const RATE_GOAL: f64 = 0.92;

/// In CPU seconds.
pub(crate) struct CoreCost {
    /// To read a request and write the signed answer, encoded for the form.
    pub(crate) issue: f64,
    /// To read the request: percent, base64, DEFLATE, XML, schema.
    pub(crate) parse: f64,
    /// To write and sign the answer.
    pub(crate) sign: f64,
    /// One raw signature in the same run.
    pub(crate) raw: f64,
    /// The rate of signed answers in that of raw signatures.
    pub(crate) rate: f64,
}

struct Batch {
    issue: f64,
    parse: f64,
    sign: f64,
    raw: f64,
}

/// Writes the same answer as Identity does, again and again.
pub(crate) fn measure(sign_in: &SignIn, response: &str, key: &Key) -> Outcome<CoreCost> {
    let (signer, now) = (key.signer()?, now()?);
    let assertion = sign_in.verify(response)?;
    let name_id = assertion.name_id().ok_or("the answer names nobody")?;
    let parse = || AuthnRequest::from_redirect_query(&sign_in.query);
    let sign = |request: &AuthnRequest| {
        let answer = Response {
            id: &saml::message_id([1; 20]),
            assertion_id: &saml::message_id([2; 20]),
            issue_instant: now,
            issuer: &sign_in.expectations.issuer,
            destination: &sign_in.expectations.acs_url,
            in_response_to: Some(&request.id),
            audience: Some(&sign_in.expectations.audience),
            name_id,
            attributes: assertion.attributes(),
            not_before: now,
            not_on_or_after: now.plus(Duration::from_mins(5)),
            authn_instant: assertion.authn_instant(),
            session_index: assertion.session_index(),
            session_not_on_or_after: Some(now.plus(Duration::from_hours(24))),
            authn_context: AuthnContextClass::PasswordProtectedTransport,
            encryption: None,
        };
        answer.sign(&signer, SignedParts::Assertion)
    };
    let request = parse()?;
    let batch = || -> Outcome<Batch> {
        Ok(Batch {
            raw: key.seconds_to_sign(TIMES)?,
            issue: cpu::seconds_each(TIMES, || {
                std::hint::black_box(post_value(&sign(&parse()?)?));
                Ok(())
            })?,
            parse: cpu::seconds_each(TIMES, || {
                std::hint::black_box(parse()?);
                Ok(())
            })?,
            sign: cpu::seconds_each(TIMES, || {
                std::hint::black_box(sign(&request)?);
                Ok(())
            })?,
        })
    };
    let batches: Vec<Batch> = (0..BATCHES).map(|_| batch()).collect::<Outcome<_>>()?;
    let median = |of: fn(&Batch) -> f64| cpu::median(batches.iter().map(of));
    Ok(CoreCost {
        issue: median(|batch| batch.issue),
        parse: median(|batch| batch.parse),
        sign: median(|batch| batch.sign),
        raw: median(|batch| batch.raw),
        rate: median(|batch| batch.raw / batch.sign),
    })
}

impl CoreCost {
    pub(crate) fn tell(&self, report: &mut Report) {
        let goal = Goal::new("at least 0.92", self.rate >= RATE_GOAL);
        let rate = format!("{:.2}", self.rate);
        report.figure("writing and signing an answer, in the rate of raw RSA-2048 signatures", &rate, goal);
        report.note("reading a request", &microseconds(self.parse));
        report.note("writing and digesting the answer", &microseconds(self.sign - self.raw));
        report.note("encoding it for the form", &microseconds(self.issue - self.parse - self.sign));
    }
}
