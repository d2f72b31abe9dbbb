//! Single logout that begins here: the request, and the identity provider's answer to it.

use std::time::Duration;

use ::store::Error;
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use saml::{LogoutReason, LogoutRequestBuilder, LogoutResponse, Message};
use serde::Deserialize;
use serde_json::json;
use site::{Problem, Shell, Visitor};
use sqlx::AnyConnection;

use super::journal::Journal;
use super::{Principal, sending, store};
use crate::app::App;
use crate::sso::saml::exchanges::{Exchange, Findings, Kind, Outcome};
use crate::sso::saml::sign_in::saml_now;
use crate::sso::saml::{SamlConfig, service_provider};
use crate::visit::Visit;

/// How long the identity provider may take to answer.
pub(super) const REQUEST_LIFETIME: Duration = Duration::from_mins(15);
/// How long the request itself is valid.
const VALID_FOR: Duration = Duration::from_mins(5);

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/slo/start", get(start))
}

/// Somebody who has signed out here and is to be signed out at the identity provider, too.
#[derive(Clone, Debug)]
pub(crate) struct Leaving {
    pub(super) config_id: String,
    pub(super) username: String,
    pub(super) principal: Principal,
}

/// Who is about to sign out, if the identity provider of this sign-in has a single logout service. To be called
/// while the sign-in is still there.
pub(crate) async fn leaving(
    conn: &mut AnyConnection,
    browser_session_id: &str,
    username: &str,
) -> Result<Option<Leaving>, Error> {
    let Some((config_id, principal)) = store::of_session(conn, browser_session_id).await? else {
        return Ok(None);
    };
    let config = super::super::store::find(conn, &config_id).await?;
    let serves = config.is_some_and(|config| config.enabled && !config.slo_url.is_empty());
    Ok(serves.then(|| Leaving { config_id, username: username.to_owned(), principal }))
}

/// Remembers it for the browser that has just signed out; returns the id that [`pending`] takes.
pub(crate) async fn remember(
    conn: &mut AnyConnection,
    app: &App,
    leaving: &Leaving,
    visitor: &Visitor,
) -> Result<String, Error> {
    let mut random = [0; 20];
    app.site.random().fill(&mut random);
    let id = saml::message_id(random);
    store::remember(conn, &app.site, &id, &visitor.hash(), leaving).await?;
    Ok(id)
}

/// The name of the identity provider that this browser is to be sent to, and the address that sends it.
pub(crate) async fn pending(app: &App, visit: &Visit, id: &str) -> Result<Option<(String, String)>, Error> {
    let mut conn = app.store.read().await?;
    let Some(leaving) = store::unsent(&mut conn, &app.site, id, &visit.visitor.hash()).await? else {
        return Ok(None);
    };
    let config = super::super::store::find(&mut conn, &leaving.config_id).await?;
    Ok(config.map(|config| (config.display_name, format!("/api/slo/start?logout={id}"))))
}

#[derive(Deserialize)]
struct StartQuery {
    #[serde(default)]
    logout: String,
}

/// Sends the browser that has just signed out here to the identity provider. Once: coming back later leads to
/// the page that says what is so.
async fn start(
    State(app): State<App>,
    visit: Visit,
    Query(StartQuery { logout: id }): Query<StartQuery>,
) -> Result<Response, Problem> {
    let mut conn = app.store.read().await?;
    let visitor = visit.visitor.hash();
    let leaving = store::unsent(&mut conn, &app.site, &id, &visitor).await?;
    drop(conn);
    let Some(leaving) = leaving else { return Ok(Redirect::to("/signed-out").into_response()) };
    let config = service_provider::named(&app, &leaving.config_id).await?;
    if config.slo_url.is_empty() {
        return Ok(Redirect::to("/signed-out").into_response());
    }
    let now = saml_now(&app);
    let issuer = config.entity_id(&app.site);
    let name_id = leaving.principal.name_id();
    let indexes: Vec<String> =
        Some(leaving.principal.session_index.clone()).into_iter().filter(|index| !index.is_empty()).collect();
    let request = LogoutRequestBuilder {
        id: &id,
        issue_instant: now,
        issuer: &issuer,
        destination: &config.slo_url,
        not_on_or_after: Some(now.plus(VALID_FOR)),
        reason: Some(LogoutReason::User),
        name_id: &name_id,
        session_indexes: &indexes,
    };
    let (response, xml) =
        sending::by_browser(&app, &visit, &config, Message::Request, None, |signer| request.to_xml(signer))?;
    let mut tx = app.store.begin().await?;
    if !store::sent(&mut tx, &id, &visitor, &xml).await? {
        return Ok(Redirect::to("/signed-out").into_response());
    }
    tx.commit().await?;
    Ok(response)
}

#[derive(Template)]
#[template(path = "sso/saml/logout/templates/outcome.html")]
struct OutcomePage {
    shell: Shell,
    sentence: String,
    alert: bool,
    trace: String,
}

/// What a good answer means.
enum Answer {
    Everywhere,
    Partly,
    Refused(String),
}

/// The identity provider's answer to a request of ours. Our own session is over in any case.
pub(super) async fn answered(
    app: &App,
    visit: &Visit,
    config: &SamlConfig,
    read: Result<LogoutResponse, saml::Error>,
    xml: &str,
) -> Result<Response, Problem> {
    let mut journal = Journal::default();
    let examined = examine(app, config, &read, &mut journal).await?;
    let remembered = examined.as_ref().ok().map(|(remembered, _)| remembered.clone());
    let who = remembered.as_ref().map(|remembered| remembered.leaving.username.clone()).unwrap_or_default();
    let sent = remembered.map(|remembered| remembered.message).unwrap_or_default();
    let name = &config.display_name;
    let (outcome, sentence, shown) = match examined {
        Ok((_, Answer::Everywhere)) => {
            (Outcome::Done, String::new(), format!("You are signed out here and at {name}."))
        }
        Ok((_, Answer::Partly)) => (
            Outcome::Partial,
            format!("{name} could not sign the person out of every other application (PartialLogout)."),
            format!(
                "You are signed out here and at {name}, but {name} could not sign you out of every other application. \
                 Close the browser to be sure."
            ),
        ),
        Ok((_, Answer::Refused(said))) => (
            Outcome::Refused,
            format!("{name} did not sign the person out: {said}"),
            format!(
                "You are signed out here, but {name} did not sign you out. You may still be signed in there."
            ),
        ),
        Err(sentence) => (
            Outcome::Refused,
            sentence,
            format!(
                "You are signed out here. The answer of {name} could not be used, so it is not known whether you are \
                 signed out there, too."
            ),
        ),
    };
    let evidence = journal.evidence();
    let context = json!({ "method": "saml", "config": config.id, "because": sentence });
    let action = if outcome == Outcome::Refused { "logout_failed" } else { "logout" };
    visit.record(app, action, &who, name, &context).await?;
    let exchange = Exchange {
        evidence,
        outcome,
        who,
        sentence,
        findings: Findings { checks: journal.checks, said: None },
        ..Exchange::new(app, visit, config, Kind::LogoutHere)
    };
    app.exchanges.keep(exchange.with_messages(&sent, xml));
    site::html(&OutcomePage {
        shell: visit.card(app, "Signed out"),
        sentence: shown,
        alert: outcome != Outcome::Done,
        trace: visit.trace.0.to_string(),
    })
}

/// Checks an answer, and uses up the request that it is for.
///
/// # Errors
/// Outer: the database's. Inner: what is wrong, for administrators.
async fn examine(
    app: &App,
    config: &SamlConfig,
    read: &Result<LogoutResponse, saml::Error>,
    journal: &mut Journal,
) -> Result<Result<(store::Remembered, Answer), String>, Problem> {
    let response = match journal.read("LogoutResponse", read) {
        Ok(response) => response,
        Err(sentence) => return Ok(Err(sentence)),
    };
    let id = response.in_response_to.clone().unwrap_or_default();
    let remembered = store::look_up(&mut *app.store.read().await?, &app.site, &config.id, &id).await?;
    if let Err(sentence) = journal.answer(app, config, response, remembered.is_some()) {
        return Ok(Err(sentence));
    }
    let Some(remembered) = remembered else { return Ok(Err(super::incoming::not_pending(&id))) };
    let mut tx = app.store.begin().await?;
    if !store::consume(&mut tx, &id).await? {
        return Ok(Err(super::incoming::not_pending(&id)));
    }
    tx.commit().await?;
    let status = &response.status;
    let answer = if status.is_success() {
        Answer::Everywhere
    } else if status.is_partial_logout() {
        Answer::Partly
    } else {
        let codes = [Some(&status.code), status.sub_code.as_ref()];
        let mut said: Vec<String> = codes.into_iter().flatten().map(ToString::to_string).collect();
        said.extend(status.message.clone());
        Answer::Refused(format!("it answered {}.", said.join(", ")))
    };
    Ok(Ok((remembered, answer)))
}
