//! The answer to a service provider: who is signed in, signed.

use askama::Template;
use axum::response::{IntoResponse as _, Redirect, Response};
use saml::{AuthnContextClass, Binding, ErrorResponse, Message, NameId, StatusCode, Timestamp};
use serde_json::json;
use site::{CspAdditions, Problem, Shell};

use super::name_id::{self, per_session};
use super::period::Period;
use super::request::Asked;
use super::snapshot::Snapshot;
use crate::app::App;
use crate::library::MY_APPLICATIONS;
use crate::mappings::Subject;
use crate::sessions::Person;
use crate::visit::Visit;

/// Tells the application who is signed in. The caller has made sure that this person may. The event is
/// durable before anything leaves.
///
/// # Errors
/// A page, if the application knows people by what this account does not have; the database's.
pub(super) async fn answer(
    app: &App,
    visit: &Visit,
    snapshot: &Snapshot,
    asked: &Asked,
    person: &Person,
) -> Result<Response, Problem> {
    let provider = &snapshot.provider;
    let format = name_id::format(&provider.settings, asked.name_id_format().as_ref());
    let format = format.map_err(Problem::bad_request)?;
    let about = (&person.user, person.groups.as_slice());
    let name_id = name_id::name(&app.site, provider, format, about, &person.session.id)
        .map_err(|sentence| Problem::forbidden(sentence).next("Go to My applications", MY_APPLICATIONS))?;
    let subject = Subject { user: &person.user, groups: &person.groups, provider: &provider.settings.name };
    let told = snapshot.mapped.about(app, subject).await;
    told.settle(app, visit, provider, &person.user.username).await?;
    let xml = issue(app, snapshot, asked, person, (&name_id, &told.attributes))?;
    let context = json!({
        "provider": provider.settings.name,
        "name_id": name_id.value,
        "in_response_to": asked.in_response_to,
        "session": person.session.id,
    });
    let (username, application) = (&person.user.username, &snapshot.client().application.slug);
    visit.record(app, "authorize_application", username, application, &context).await?;
    deliver(app, visit, snapshot, asked, &xml)
}

/// Tells the application that nothing can be said without showing something to the person.
///
/// # Errors
/// The answer can't be written.
pub(super) fn not_passive(
    app: &App,
    visit: &Visit,
    snapshot: &Snapshot,
    asked: &Asked,
) -> Result<Response, Problem> {
    let response = ErrorResponse {
        id: &fresh_id(app),
        issue_instant: moment(app, 0),
        issuer: &snapshot.issuer,
        destination: snapshot.provider.settings.acs_url.as_str(),
        in_response_to: asked.in_response_to.as_deref(),
        status: StatusCode::Responder,
        sub_status: Some(StatusCode::NoPassive),
        message: Some("The person would have to sign in or to agree, and the request forbids to ask."),
    };
    let signed = snapshot.provider.settings.sign_response.then_some(&snapshot.signer);
    let xml = response.to_xml(signed).map_err(Problem::internal)?;
    deliver(app, visit, snapshot, asked, &xml)
}

fn issue(
    app: &App,
    snapshot: &Snapshot,
    asked: &Asked,
    person: &Person,
    (name_id, attributes): (&NameId, &[saml::Attribute]),
) -> Result<String, Problem> {
    let settings = &snapshot.provider.settings;
    let session_index = per_session(&app.site, "saml session index", &person.session.id, &snapshot.provider);
    let after = |period: &Period| moment(app, period.micros());
    let response = saml::Response {
        id: &fresh_id(app),
        assertion_id: &fresh_id(app),
        issue_instant: moment(app, 0),
        issuer: &snapshot.issuer,
        destination: settings.acs_url.as_str(),
        in_response_to: asked.in_response_to.as_deref(),
        audience: Some(settings.audience.as_str()).filter(|audience| !audience.is_empty()),
        name_id,
        attributes,
        not_before: after(&settings.assertion_valid_not_before),
        not_on_or_after: after(&settings.assertion_valid_not_on_or_after),
        authn_instant: Timestamp::from_micros(person.session.authenticated_at.micros()),
        session_index: Some(&session_index),
        session_not_on_or_after: Some(after(&settings.session_valid_not_on_or_after)),
        authn_context: match person.session.method.as_str() {
            "password" => AuthnContextClass::PasswordProtectedTransport,
            _ => AuthnContextClass::Unspecified,
        },
        encryption: None,
    };
    response.sign(&snapshot.signer, snapshot.parts).map_err(|error| {
        Problem::internal(format!("the answer for {} can't be signed: {error}", settings.name))
    })
}

/// Sends an answer to the registered address, by the provider's binding. It can't go anywhere else.
fn deliver(
    app: &App,
    visit: &Visit,
    snapshot: &Snapshot,
    asked: &Asked,
    xml: &str,
) -> Result<Response, Problem> {
    let settings = &snapshot.provider.settings;
    let relay_state = asked.relay_state.as_deref();
    match settings.sp_binding {
        Binding::HttpPost => {
            let application = snapshot.client().application.name.as_str();
            let page = AnswerPage {
                shell: visit.card(app, format!("Redirecting to {application}")),
                application,
                acs_url: settings.acs_url.as_str(),
                response: saml::post_value(xml),
                relay_state,
            };
            Ok(CspAdditions::default().form_action(&settings.acs_url).on(site::html(&page)?))
        }
        Binding::HttpRedirect => {
            let signer = &snapshot.signer;
            let signing = settings.sign_response.then_some((signer.key(), signer.signature_algorithm()));
            let endpoint = settings.acs_url.as_str();
            let url = saml::redirect_url(endpoint, Message::Response, xml, relay_state, signing)
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
