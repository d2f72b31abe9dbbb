//! The answer to a service provider: who is signed in, signed, or why nobody is.

use askama::Template;
use axum::response::{IntoResponse as _, Redirect, Response};
use saml::{Binding, Encryption, ErrorResponse, Message, NameIdFormat, SignedParts, Timestamp};
use serde_json::json;
use site::{CspAdditions, Problem, Shell};
use url::Url;

use super::fit::Granted;
use super::logout;
use super::name_id::session_index;
use super::period::Period;
use super::refused::Refused;
use super::request::Asked;
use super::snapshot::Snapshot;
use crate::app::App;
use crate::mappings::Subject;
use crate::sessions::Person;
use crate::visit::Visit;

/// Tells the application who is signed in. The caller has made sure that this person may, and that they fit what
/// was asked for. The event is durable before anything leaves.
///
/// # Errors
/// A page, if the answer's address is not registered any more; the database's.
pub(super) async fn answer(
    app: &App,
    visit: &Visit,
    snapshot: &Snapshot,
    asked: &Asked,
    (person, granted): (&Person, &Granted),
) -> Result<Response, Problem> {
    let provider = &snapshot.provider;
    let to = Destination::of(snapshot, asked)?;
    let subject = Subject { user: &person.user, groups: &person.groups, provider: &provider.settings.name };
    let told = snapshot.mapped.about(app, subject).await;
    told.settle(app, visit, provider, &person.user.username).await?;
    let xml = issue(app, snapshot, asked, &to, (person, granted, &told.attributes))?;
    if granted.name_id.format == NameIdFormat::Persistent {
        snapshot.names.note(app, &provider.id, &person.user.id).await?;
    }
    let context = json!({
        "provider": provider.settings.name,
        "name_id": granted.name_id.value,
        "in_response_to": asked.in_response_to,
        "session": person.session.id,
    });
    let (username, application) = (&person.user.username, &snapshot.client().application.slug);
    let beside = logout::beside_answer(app, snapshot, person, &granted.name_id);
    visit.record_with(app, "authorize_application", (username, application), &context, beside).await?;
    deliver(app, visit, snapshot, asked, &to, &xml)
}

/// Tells the application why it gets no assertion (SAML Core 3.2.2). The event is durable before anything leaves.
///
/// # Errors
/// A page, if the answer's address is not registered any more; the database's.
pub(super) async fn refuse(
    app: &App,
    visit: &Visit,
    snapshot: &Snapshot,
    asked: &Asked,
    (person, refused): (Option<&Person>, &Refused),
) -> Result<Response, Problem> {
    let to = Destination::of(snapshot, asked)?;
    let response = ErrorResponse {
        id: &fresh_id(app),
        issue_instant: moment(app, 0),
        issuer: &snapshot.issuer,
        destination: to.url.as_str(),
        in_response_to: asked.in_response_to.as_deref(),
        status: refused.status.clone(),
        sub_status: Some(refused.sub_status.clone()),
        message: Some(&refused.sentence),
    };
    let is_signed_inside = snapshot.provider.settings.sign_response && to.binding == Binding::HttpPost;
    let xml = response.to_xml(is_signed_inside.then_some(&snapshot.signer)).map_err(Problem::internal)?;
    let context = json!({
        "provider": snapshot.provider.settings.name,
        "status": refused.sub_status.as_str(),
        "reason": refused.sentence,
        "in_response_to": asked.in_response_to,
    });
    let username = person.map_or("", |person| person.user.username.as_str());
    visit.record(app, "request_refused", username, &snapshot.client().application.slug, &context).await?;
    deliver(app, visit, snapshot, asked, &to, &xml)
}

/// Where an answer goes: registered, and nowhere else.
struct Destination<'s> {
    url: &'s Url,
    binding: Binding,
}

impl<'s> Destination<'s> {
    fn of(snapshot: &'s Snapshot, asked: &Asked) -> Result<Self, Problem> {
        let settings = &snapshot.provider.settings;
        let (url, binding) = asked.target(settings).ok_or_else(|| {
            Problem::bad_request(
                "The address that the answer was to go to is not registered any more. Go back to the application and \
                 start again.",
            )
            .because(format!("the provider {} has no ACS URL with the index {}", settings.name, asked.acs))
        })?;
        Ok(Self { url, binding })
    }
}

fn issue(
    app: &App,
    snapshot: &Snapshot,
    asked: &Asked,
    to: &Destination<'_>,
    (person, granted, attributes): (&Person, &Granted, &[saml::Attribute]),
) -> Result<String, Problem> {
    let settings = &snapshot.provider.settings;
    let session_index = session_index(&app.site, &person.session.id, &snapshot.provider);
    let after = |period: &Period| moment(app, period.micros());
    let response = saml::Response {
        id: &fresh_id(app),
        assertion_id: &fresh_id(app),
        issue_instant: moment(app, 0),
        issuer: &snapshot.issuer,
        destination: to.url.as_str(),
        in_response_to: asked.in_response_to.as_deref(),
        audience: Some(settings.audience.as_str()).filter(|audience| !audience.is_empty()),
        name_id: &granted.name_id,
        attributes,
        not_before: after(&settings.assertion_valid_not_before),
        not_on_or_after: after(&settings.assertion_valid_not_on_or_after),
        authn_instant: Timestamp::from_micros(person.session.authenticated_at.micros()),
        session_index: Some(&session_index),
        session_not_on_or_after: Some(after(&settings.session_valid_not_on_or_after)),
        authn_context: granted.authn_context.clone(),
        encryption: snapshot.encryptor.as_ref().map(|encryptor| {
            let mut random = [0; 48];
            app.site.random().fill(&mut random);
            Encryption { encryptor, random }
        }),
    };
    let parts = match to.binding {
        Binding::HttpPost => snapshot.parts,
        // The message of a redirect is signed beside it, and not inside (SAML Bindings 3.4.4.1).
        Binding::HttpRedirect => SignedParts::Assertion,
    };
    response.sign(&snapshot.signer, parts).map_err(|error| {
        Problem::internal(format!("the answer for {} can't be signed: {error}", settings.name))
    })
}

fn deliver(
    app: &App,
    visit: &Visit,
    snapshot: &Snapshot,
    asked: &Asked,
    to: &Destination<'_>,
    xml: &str,
) -> Result<Response, Problem> {
    let relay_state = asked.relay_state.as_deref();
    match to.binding {
        Binding::HttpPost => {
            let application = snapshot.client().application.name.as_str();
            let page = AnswerPage {
                shell: visit.card(app, format!("Redirecting to {application}")),
                application,
                acs_url: to.url.as_str(),
                response: saml::post_value(xml),
                relay_state,
            };
            Ok(CspAdditions::default().form_action(to.url).on(site::html(&page)?))
        }
        Binding::HttpRedirect => {
            let signer = &snapshot.signer;
            let is_signed = snapshot.provider.settings.sign_response;
            let signing = is_signed.then_some((signer.key(), signer.signature_algorithm()));
            let url = saml::redirect_url(to.url.as_str(), Message::Response, xml, relay_state, signing)
                .map_err(Problem::internal)?;
            Ok(Redirect::to(&url).into_response())
        }
    }
}

#[derive(Template)]
#[template(path = "providers/saml/templates/answer.html")]
struct AnswerPage<'a> {
    shell: Shell,
    application: &'a str,
    acs_url: &'a str,
    response: String,
    relay_state: Option<&'a str>,
}

fn fresh_id(app: &App) -> String {
    let mut random = [0; 20];
    app.site.random().fill(&mut random);
    saml::message_id(random)
}

/// That many microseconds from now.
fn moment(app: &App, micros: i64) -> Timestamp {
    Timestamp::from_micros(app.site.now().micros().saturating_add(micros))
}
