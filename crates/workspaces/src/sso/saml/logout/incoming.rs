//! Our single logout service: what an identity provider sends here, through the browser or by itself.

use ::store::Timestamp;
use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use saml::{LogoutRequest, LogoutResponse, LogoutResponseBuilder, Message, Status};
use serde_json::json;
use site::{Problem, Shell, browser_sessions};
use url::form_urlencoded;

use super::journal::{Journal, VALID_FOR, Way};
use super::{outgoing, sending, store};
use crate::app::App;
use crate::sso::saml::exchanges::{Exchange, Findings, Kind, Outcome};
use crate::sso::saml::service_provider::Named;
use crate::sso::saml::sign_in::{CLOCK_SKEW, saml_now};
use crate::sso::saml::{SamlConfig, keys, pending};
use crate::visit::Visit;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/slo/", get(by_address).post(by_body))
        .route("/api/slo", get(by_address).post(by_body))
        .route("/api/slo/{id}/", get(by_address).post(by_body))
        .route("/api/slo/{id}", get(by_address).post(by_body))
}

/// The redirect binding.
async fn by_address(
    State(app): State<App>,
    visit: Visit,
    Named(config): Named,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    let holds = |name: &str| form_urlencoded::parse(query.as_bytes()).any(|(key, _)| key == name);
    let xml = |kind| saml::untrusted_query_xml(&query, kind).unwrap_or_default();
    if holds(Message::Request.parameter()) {
        let read = LogoutRequest::from_redirect_query(&query);
        return asked(&app, &visit, &config, Way::Browser, read, &xml(Message::Request)).await;
    }
    if holds(Message::Response.parameter()) {
        let read = LogoutResponse::from_redirect_query(&query);
        return outgoing::answered(&app, &visit, &config, read, &xml(Message::Response)).await;
    }
    Err(nothing_sent())
}

fn nothing_sent() -> Problem {
    Problem::bad_request("This address takes the logout messages of an identity provider, and none was sent.")
        .next("Go to the start", "/")
}

/// The POST binding, and SOAP.
async fn by_body(
    State(app): State<App>,
    visit: Visit,
    Named(config): Named,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if ["text/xml", "application/xml", "application/soap+xml"].iter().any(|xml| kind.starts_with(xml)) {
        let xml = String::from_utf8_lossy(&body);
        return asked(&app, &visit, &config, Way::Soap, LogoutRequest::from_soap(&body), &xml).await;
    }
    let field = |name: &str| {
        form_urlencoded::parse(&body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let relay_state = field("RelayState");
    if let Some(value) = field(Message::Request.parameter()) {
        let xml = saml::untrusted_post_xml(&value).unwrap_or_default();
        let read = LogoutRequest::from_post(&value, relay_state.as_deref());
        return asked(&app, &visit, &config, Way::Browser, read, &xml).await;
    }
    if let Some(value) = field(Message::Response.parameter()) {
        let xml = saml::untrusted_post_xml(&value).unwrap_or_default();
        let read = LogoutResponse::from_post(&value, relay_state.as_deref());
        return outgoing::answered(&app, &visit, &config, read, &xml).await;
    }
    Err(nothing_sent())
}

/// What administrators are told of an answer to no pending request.
pub(super) fn not_pending(id: &str) -> String {
    match id {
        "" => "The answer does not say which request it is for (InResponseTo).".to_owned(),
        id => format!(
            "InResponseTo names the logout request {id}, which is not pending here: it was answered already, it is more \
             than 15 minutes old, or it was made elsewhere."
        ),
    }
}

/// The identity provider asks to sign somebody out.
async fn asked(
    app: &App,
    visit: &Visit,
    config: &SamlConfig,
    way: Way,
    read: Result<LogoutRequest, saml::Error>,
    xml: &str,
) -> Result<Response, Problem> {
    let mut journal = Journal::default();
    let ended = match examine(app, config, way, &read, &mut journal) {
        Ok(request) => end(app, visit, config, request, &mut journal).await?,
        Err(sentence) => Err(sentence),
    };
    let answered = match (&read, &ended) {
        (Ok(request), Ok(_)) => answer(app, visit, config, way, request, &Status::SUCCESS),
        (Ok(request), Err(_)) if journal.signed && (way == Way::Soap || !config.slo_url.is_empty()) => {
            answer(app, visit, config, way, request, &refusal())
        }
        _ => Ok((refused(config, way), String::new())),
    };
    let (outcome, who, sentence) = match ended {
        Ok(names) => (Outcome::Done, names.join(", "), String::new()),
        Err(sentence) => (Outcome::Refused, String::new(), sentence),
    };
    if outcome == Outcome::Refused {
        tracing::info!(
            id = &*visit.trace.0,
            config = config.id,
            cause = sentence,
            "SAML logout request refused"
        );
        let context = json!({ "method": "saml", "config": config.id, "because": sentence });
        visit.record(app, "logout_failed", "", &config.display_name, &context).await?;
    }
    let relay_state =
        read.as_ref().ok().and_then(|request| request.relay_state.as_deref()).unwrap_or_default();
    let sent = answered.as_ref().map(|(_, sent)| sent.clone()).unwrap_or_default();
    let exchange = Exchange {
        evidence: journal.evidence(),
        outcome,
        who,
        sentence,
        relay_state: relay_state.chars().count(),
        findings: Findings { checks: journal.checks, said: None },
        ..Exchange::new(app, visit, config, Kind::LogoutThere)
    };
    app.exchanges.keep(exchange.with_messages(&sent, xml));
    answered.map(|(response, _)| response)
}

fn examine<'m>(
    app: &App,
    config: &SamlConfig,
    way: Way,
    read: &'m Result<LogoutRequest, saml::Error>,
    journal: &mut Journal,
) -> Result<&'m LogoutRequest, String> {
    let request = journal.read("LogoutRequest", read)?;
    journal.request(app, config, way, request)?;
    Ok(request)
}

/// Ends the sign-ins that a good request means, each request once, and returns whose they were.
///
/// # Errors
/// Outer: the database's. Inner: what is wrong, for administrators.
async fn end(
    app: &App,
    visit: &Visit,
    config: &SamlConfig,
    request: &LogoutRequest,
    journal: &mut Journal,
) -> Result<Result<Vec<String>, String>, Problem> {
    let name_id = match request.name_id() {
        Ok(name_id) => name_id,
        Err(error) => return Ok(Err(error.sentence())),
    };
    let valid_until = request.not_on_or_after.unwrap_or(request.issue_instant.plus(VALID_FOR));
    let forget_at = Timestamp::from_micros(valid_until.micros()).plus(CLOCK_SKEW);
    let mut tx = app.store.begin().await?;
    let fresh = pending::consume_assertion(&mut tx, &request.issuer, &request.id, forget_at).await?;
    let replayed = "This request was used already: somebody reloaded the page, or played it back.";
    if let Err(sentence) =
        journal.note("ID", "one that was not used before", &request.id, (!fresh).then(|| replayed.to_owned()))
    {
        return Ok(Err(sentence));
    }
    let mut names = Vec::new();
    for signed_in in store::of_name(&mut tx, &app.site, &config.id, &name_id.value).await? {
        if signed_in.principal.is_named(name_id) && signed_in.principal.is_among(&request.session_indexes) {
            browser_sessions::close_one(&mut tx, &app.site, &signed_in.browser_session_id).await?;
            names.push(signed_in.username);
        }
    }
    let sessions = names.len();
    names.sort_unstable();
    names.dedup();
    let context = json!({ "method": "saml", "config": config.id, "asked_by": "the identity provider", "sign_ins": sessions });
    visit.record_in(app, &mut tx, "logout", &names.join(", "), &config.display_name, &context).await?;
    tx.commit().await?;
    Ok(Ok(names))
}

/// What an identity provider is told whose request was not carried out: the reason is for administrators here.
fn refusal() -> Status {
    Status {
        code: saml::StatusCode::Requester,
        sub_code: None,
        message: Some("The request was not accepted; the administrator of this service sees why.".to_owned()),
    }
}

/// What somebody is told whose request nothing speaks for. No answer goes anywhere.
fn refused(config: &SamlConfig, way: Way) -> Response {
    let sentence = format!(
        "This request to sign somebody out could not be trusted to come from {}, so nobody was signed out.",
        config.display_name
    );
    match way {
        Way::Browser => Problem::forbidden(sentence)
            .because("the logout request was refused; the exchanges of the configuration say why")
            .next("Go to the start", "/")
            .into_response(),
        Way::Soap => {
            (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, SOAP)], saml::soap_fault(&sentence))
                .into_response()
        }
    }
}

const SOAP: &str = "text/xml; charset=utf-8";

#[derive(Template)]
#[template(path = "sso/saml/logout/templates/outcome.html")]
struct EndedPage {
    shell: Shell,
    sentence: String,
    alert: bool,
    trace: String,
}

/// Answers a request by the way that it came. Returns the message, too, as it was sent.
fn answer(
    app: &App,
    visit: &Visit,
    config: &SamlConfig,
    way: Way,
    request: &LogoutRequest,
    status: &Status,
) -> Result<(Response, String), Problem> {
    let mut random = [0; 20];
    app.site.random().fill(&mut random);
    let id = saml::message_id(random);
    let issuer = config.entity_id(&app.site);
    let message = LogoutResponseBuilder {
        id: &id,
        issue_instant: saml_now(app),
        issuer: &issuer,
        destination: (way == Way::Browser).then_some(config.slo_url.as_str()),
        in_response_to: &request.id,
        status,
    };
    match way {
        Way::Soap => {
            let signer = keys::logout_signer(app, config)?;
            let xml = message.to_xml(signer.as_ref()).map_err(Problem::internal)?;
            let response = ([(header::CONTENT_TYPE, SOAP)], saml::soap_envelope(&xml)).into_response();
            Ok((response, xml))
        }
        // Nowhere to answer to: the page says what was done.
        Way::Browser if config.slo_url.is_empty() => {
            let page = EndedPage {
                shell: visit.card(app, "Signed out"),
                sentence: format!("{} has signed you out here.", config.display_name),
                alert: false,
                trace: visit.trace.0.to_string(),
            };
            Ok((sending::framing(config).on(site::html(&page)?), String::new()))
        }
        Way::Browser => {
            let relay_state = request.relay_state.as_deref();
            sending::by_browser(app, visit, config, Message::Response, relay_state, |signer| {
                message.to_xml(signer)
            })
        }
    }
}
