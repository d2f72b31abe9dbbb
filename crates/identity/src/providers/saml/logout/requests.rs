//! Requests of applications to end a session: whether they may, and which one they mean.

use std::time::Duration;

use saml::{LogoutRequest, NameId, Status, StatusCode};
use serde_json::json;
use site::Problem;
use sqlx::AnyConnection;

use super::super::settings::RequestSignatures;
use super::super::snapshot::Snapshot;
use super::send::now;
use super::sessions::{self, Participation};
use super::{SERVICES, under_way};
use crate::app::App;
use crate::sessions::Person;
use crate::visit::Visit;

/// How far the clocks of the two servers may differ.
const SKEW: Duration = Duration::from_mins(1);
/// How old a request may be that does not say itself until when it is valid.
const OLDEST: Duration = Duration::from_mins(5);
/// The longest RelayState that is kept, in bytes.
const LONGEST_RELAY_STATE: usize = 8 * 1024;

/// Why a request may do what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The application signed it.
    Signed,
    /// Nobody did: only for the browser that brings it, which might as well sign itself out.
    OwnBrowser,
}

/// Checks who asks, where, when, and whether they signed it.
///
/// # Errors
/// What is wrong, in a sentence.
pub(super) fn check(app: &App, snapshot: &Snapshot, request: &LogoutRequest) -> Result<Trust, String> {
    check_parties(app, snapshot, &request.issuer, request.destination.as_deref())?;
    request.check_time(now(app), SKEW).map_err(|error| error.sentence())?;
    if request.not_on_or_after.is_none() && request.issue_instant < now(app).minus(OLDEST) {
        return Err("The request to sign out is too old. Sign out at the application again.".to_owned());
    }
    if request.relay_state.as_ref().is_some_and(|text| text.len() > LONGEST_RELAY_STATE) {
        return Err("The RelayState of this request is too long.".to_owned());
    }
    let signed =
        is_trusted(snapshot, request.is_signed(), |keys, sha1| request.verify_signature(keys, sha1))?;
    Ok(if signed { Trust::Signed } else { Trust::OwnBrowser })
}

/// Checks that a message is of the application and for us.
pub(super) fn check_parties(
    app: &App,
    snapshot: &Snapshot,
    issuer: &str,
    destination: Option<&str>,
) -> Result<(), String> {
    let settings = &snapshot.provider.settings;
    if !settings.audience.is_empty() && issuer != settings.audience {
        let shown: String = issuer.chars().take(300).collect();
        return Err(format!(
            "The Issuer of the message is not the application. Expected: {}. Received: {shown}. Compare the Audience \
             of the provider with the entity ID of the application.",
            settings.audience
        ));
    }
    let slug = &snapshot.client().application.slug;
    let ours = |path: &str| app.site.url(&format!("/application/saml/{slug}/{path}"));
    let Some(destination) = destination else { return Ok(()) };
    if destination == ours("") || SERVICES.iter().any(|(_, path)| destination == ours(path)) {
        return Ok(());
    }
    let shown: String = destination.chars().take(300).collect();
    Err(format!(
        "The Destination of the message is none of our addresses for signing out. Expected: {}. Received: {shown}. \
         Compare the address that the application has with the ones on the page of the provider.",
        ours("slo/binding/redirect/")
    ))
}

/// Whether a message carries a signature of the application. It must not carry a bad one, unless nobody looks.
///
/// # Errors
/// It has to be signed and is not, or badly.
pub(super) fn is_trusted(
    snapshot: &Snapshot,
    is_signed: bool,
    verify: impl FnOnce(&[saml::VerifyingKey], bool) -> Result<(), saml::Error>,
) -> Result<bool, String> {
    let settings = &snapshot.provider.settings;
    let keys = snapshot.verification.as_slice();
    let looks_at = match settings.request_signatures {
        _ if keys.is_empty() => false,
        RequestSignatures::Ignored => false,
        RequestSignatures::Optional => is_signed,
        RequestSignatures::Required => true,
    };
    if looks_at {
        verify(keys, settings.allow_sha1).map_err(|error| error.sentence())?;
    }
    Ok(looks_at)
}

/// What a request comes to.
#[derive(Debug)]
pub(super) enum Meant {
    /// These sessions.
    Sessions(Vec<Participation>),
    /// None that is still there: there is nothing to end.
    Over,
    /// Not theirs to end: why, for the answer.
    Denied(Status),
}

/// Finds the sessions that a request means. Every SessionIndex must belong to the person that it names.
///
/// # Errors
/// The database's.
pub(super) async fn meant(
    conn: &mut AnyConnection,
    app: &App,
    snapshot: &Snapshot,
    request: &LogoutRequest,
    (trust, person): (Trust, Option<&Person>),
) -> Result<Meant, store::Error> {
    let name_id = match request.name_id() {
        Ok(name_id) => name_id,
        Err(error) => return Ok(denied(StatusCode::RequestUnsupported, error.sentence())),
    };
    // Somebody's name is no secret, so that any page could send their browser here with it. The index is one.
    if trust == Trust::OwnBrowser && request.session_indexes.is_empty() {
        let message = "A request that is not signed has to name the session by its SessionIndex.";
        return Ok(denied(StatusCode::RequestDenied, message.to_owned()));
    }
    let provider_id = &snapshot.provider.id;
    let mut found = find(conn, app, provider_id, name_id, &request.session_indexes).await?;
    if found.iter().any(|one| !one.name.is_meant_by(name_id)) {
        return Ok(denied(StatusCode::UnknownPrincipal, "The NameID is not that of the session.".to_owned()));
    }
    if found.is_empty() {
        return Ok(Meant::Over);
    }
    if trust == Trust::OwnBrowser {
        let own = person.map(|person| person.session.id.as_str());
        found.retain(|one| Some(one.browser_session_id.as_str()) == own);
        if found.is_empty() {
            let message =
                "The request is not signed, and the session is not that of the browser that brought it.";
            return Ok(denied(StatusCode::RequestDenied, message.to_owned()));
        }
    }
    Ok(Meant::Sessions(found))
}

fn denied(sub_code: StatusCode, message: String) -> Meant {
    Meant::Denied(Status { code: StatusCode::Requester, sub_code: Some(sub_code), message: Some(message) })
}

async fn find(
    conn: &mut AnyConnection,
    app: &App,
    provider_id: &str,
    name_id: &NameId,
    session_indexes: &[String],
) -> Result<Vec<Participation>, store::Error> {
    let now = app.site.now();
    if session_indexes.is_empty() {
        let mut found = sessions::by_name(conn, provider_id, &name_id.value, now).await?;
        found.retain(|one| one.name.is_meant_by(name_id));
        return Ok(found);
    }
    let mut found = Vec::new();
    for index in session_indexes {
        found.extend(sessions::by_index(conn, provider_id, index, now).await?);
    }
    Ok(found)
}

/// Notes that a message was refused, and says so.
///
/// # Errors
/// The database's.
pub(super) async fn refuse(
    app: &App,
    visit: &Visit,
    snapshot: &Snapshot,
    action: &str,
    sentence: &str,
) -> Result<Problem, Problem> {
    let context = json!({ "provider": snapshot.provider.settings.name, "reason": sentence });
    visit.record(app, action, "", &snapshot.client().application.slug, &context).await?;
    Ok(Problem::bad_request(sentence))
}

/// What an application is told when all the others were: everybody is signed out, or not everybody.
pub(super) fn outcome(logout: &under_way::UnderWay) -> Status {
    let all = logout.steps.iter().all(|step| step.state == under_way::State::Done);
    if all { Status::SUCCESS } else { Status::PARTIAL_LOGOUT }
}
