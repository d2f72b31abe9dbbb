//! The messages that we send: requests to end a session, and answers to such requests.

use std::time::Duration;

use askama::Template;
use axum::response::{IntoResponse as _, Redirect, Response};
use saml::{LogoutReason, LogoutRequestBuilder, LogoutResponseBuilder, Message, Status, Timestamp};
use site::{CspAdditions, Problem, Shell};
use url::Url;

use super::super::settings::SlsBinding;
use super::super::snapshot::Snapshot;
use super::under_way::{Asked, Step};
use crate::app::App;
use crate::visit::Visit;

/// How long a request of ours is valid.
const VALID: Duration = Duration::from_mins(5);

/// A request to an application to end somebody's session, as XML: with a signature inside where the binding has
/// it there.
pub(super) fn request_xml(
    app: &App,
    snapshot: &Snapshot,
    step: &Step,
    sls_url: &Url,
) -> Result<String, saml::Error> {
    let settings = &snapshot.provider.settings;
    let inside = settings.sign_logout_request && settings.sls_binding != SlsBinding::Redirect;
    let request = LogoutRequestBuilder {
        id: &step.request_id,
        issue_instant: now(app),
        issuer: &step.issuer,
        destination: sls_url.as_str(),
        not_on_or_after: Some(now(app).plus(VALID)),
        reason: Some(LogoutReason::User),
        name_id: &step.name_id,
        session_indexes: std::slice::from_ref(&step.session_index),
    };
    request.to_xml(inside.then_some(&snapshot.signer))
}

/// Sends a request by way of the browser.
///
/// # Errors
/// It can't be written.
pub(super) fn by_browser(
    app: &App,
    visit: &Visit,
    snapshot: &Snapshot,
    step: &Step,
    sls_url: &Url,
) -> Result<Response, Problem> {
    let xml = request_xml(app, snapshot, step, sls_url).map_err(Problem::internal)?;
    let signed = snapshot.provider.settings.sign_logout_request;
    let message = Outgoing { kind: Message::Request, xml: &xml, relay_state: None, signed };
    message.deliver(app, visit, snapshot, sls_url)
}

/// Answers the request of an application by way of the browser. Without an address for the answer, `None`.
///
/// # Errors
/// It can't be written.
pub(super) fn answer(
    app: &App,
    visit: &Visit,
    snapshot: &Snapshot,
    asked: &Asked,
    status: &Status,
) -> Result<Option<Response>, Problem> {
    let settings = &snapshot.provider.settings;
    let Some(sls_url) = settings.sls_url.as_ref().filter(|_| settings.sls_binding != SlsBinding::Soap) else {
        return Ok(None);
    };
    let inside = settings.sign_logout_response && settings.sls_binding == SlsBinding::Post;
    let xml = answer_xml(app, snapshot, &asked.request_id, Some(sls_url), status, inside)?;
    let relay_state = asked.relay_state.as_deref();
    let signed = settings.sign_logout_response;
    let message = Outgoing { kind: Message::Response, xml: &xml, relay_state, signed };
    message.deliver(app, visit, snapshot, sls_url).map(Some)
}

/// The answer to a call from server to server, in its envelope.
///
/// # Errors
/// It can't be written.
pub(super) fn soap_answer(
    app: &App,
    snapshot: &Snapshot,
    request_id: &str,
    status: &Status,
) -> Result<String, Problem> {
    let signed = snapshot.provider.settings.sign_logout_response;
    Ok(saml::soap_envelope(&answer_xml(app, snapshot, request_id, None, status, signed)?))
}

fn answer_xml(
    app: &App,
    snapshot: &Snapshot,
    request_id: &str,
    destination: Option<&Url>,
    status: &Status,
    signed: bool,
) -> Result<String, Problem> {
    let response = LogoutResponseBuilder {
        id: &fresh_id(app),
        issue_instant: now(app),
        issuer: &snapshot.issuer,
        destination: destination.map(Url::as_str),
        in_response_to: request_id,
        status,
    };
    response.to_xml(signed.then_some(&snapshot.signer)).map_err(Problem::internal)
}

/// A message that goes by way of the browser.
struct Outgoing<'m> {
    kind: Message,
    xml: &'m str,
    relay_state: Option<&'m str>,
    signed: bool,
}

impl Outgoing<'_> {
    fn deliver(&self, app: &App, visit: &Visit, snapshot: &Snapshot, to: &Url) -> Result<Response, Problem> {
        let settings = &snapshot.provider.settings;
        if settings.sls_binding == SlsBinding::Redirect {
            let signer = &snapshot.signer;
            let signing = self.signed.then_some((signer.key(), signer.signature_algorithm()));
            let url = saml::redirect_url(to.as_str(), self.kind, self.xml, self.relay_state, signing);
            return Ok(Redirect::to(&url.map_err(Problem::internal)?).into_response());
        }
        let application = snapshot.client().application.name.as_str();
        let page = SendPage {
            shell: visit.card(app, format!("Signing out of {application}")),
            application,
            url: to.as_str(),
            parameter: self.kind.parameter(),
            message: saml::post_value(self.xml),
            relay_state: self.relay_state,
        };
        Ok(CspAdditions::default()
            .form_action(to)
            .frame_ancestors(app.site.public_url())
            .on(site::html(&page)?))
    }
}

#[derive(Template)]
#[template(path = "providers/saml/logout/templates/send.html")]
struct SendPage<'a> {
    shell: Shell,
    application: &'a str,
    url: &'a str,
    parameter: &'static str,
    message: String,
    relay_state: Option<&'a str>,
}

/// The ID of a message.
pub(super) fn fresh_id(app: &App) -> String {
    let mut random = [0; 20];
    app.site.random().fill(&mut random);
    saml::message_id(random)
}

/// Now, as messages say it.
pub(super) fn now(app: &App) -> Timestamp {
    Timestamp::from_micros(app.site.now().micros())
}
