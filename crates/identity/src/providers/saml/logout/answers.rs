//! What applications answer to our requests.

use saml::LogoutResponse;

use super::super::snapshot::Snapshot;
use super::requests::{check_parties, is_trusted};
use super::under_way::{State, Step};
use crate::app::App;

/// Checks that an answer is that of the application to this very request, and reads what it says.
///
/// # Errors
/// What is wrong, in a sentence.
pub(super) fn check(
    app: &App,
    snapshot: &Snapshot,
    step: &Step,
    response: &LogoutResponse,
) -> Result<(State, String), String> {
    check_parties(app, snapshot, &response.issuer, response.destination.as_deref())?;
    if response.in_response_to.as_deref() != Some(&step.request_id) {
        return Err("The message is not the answer to the request that was sent.".to_owned());
    }
    let slug = &snapshot.client().application.slug;
    if step.application.as_ref().is_none_or(|(asked, _)| asked != slug) {
        return Err("The message answers a request that was sent to another application.".to_owned());
    }
    is_trusted(snapshot, response.is_signed(), |keys, sha1| response.verify_signature(keys, sha1))?;
    Ok(read(response))
}

fn read(response: &LogoutResponse) -> (State, String) {
    let status = &response.status;
    if status.is_success() {
        return (State::Done, String::new());
    }
    let said = status.message.as_deref().or(status.sub_code.as_ref().map(saml::StatusCode::as_str));
    let said: String = said.unwrap_or(status.code.as_str()).chars().take(300).collect();
    let state = if status.is_partial_logout() { State::Partial } else { State::Refused };
    (state, said)
}
