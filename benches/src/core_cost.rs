//! What the protocol core alone takes of a sign-in: no HTTP, no database.

use std::time::Duration;

use saml::{AuthnContextClass, AuthnRequest, Response, SignedParts, post_value};

use crate::key::Key;
use crate::sign_in::{SignIn, now};
use crate::{Outcome, cpu};

const BATCHES: usize = 7;
const TIMES: u32 = 300;

pub(crate) struct CoreCost {
    /// CPU seconds to read a request and write the signed answer.
    pub(crate) issue: f64,
}

/// Writes the same answer as Identity does, again and again.
pub(crate) fn measure(sign_in: &SignIn, response: &str, key: &Key) -> Outcome<CoreCost> {
    let (signer, now) = (key.signer()?, now()?);
    let assertion = sign_in.verify(response)?;
    let name_id = assertion.name_id().ok_or("the answer names nobody")?;
    let issue = || -> Outcome<()> {
        let request = AuthnRequest::from_redirect_query(&sign_in.query)?;
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
        };
        std::hint::black_box(post_value(&answer.sign(&signer, SignedParts::Assertion)?));
        Ok(())
    };
    let batches: Outcome<Vec<f64>> = (0..BATCHES).map(|_| cpu::seconds_each(TIMES, issue)).collect();
    Ok(CoreCost { issue: cpu::median(batches?) })
}
