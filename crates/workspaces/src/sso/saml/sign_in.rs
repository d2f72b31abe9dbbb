//! One sign-in: the request to the identity provider, its answer at the assertion consumer service, and the
//! completion in the browser that began.
//!
//! The answer is posted from another site, so the browser withholds our cookie. The answer is examined
//! there and then and kept under a one-time token; the redirect that follows is ours, brings the cookie, and
//! shows whether this is the browser that began (otherwise anybody could be signed in as somebody else).

use std::time::Duration;

use ::store::Timestamp;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use saml::{AuthnRequestBuilder, Certificate, Examination, Expectations, NameIdFormat, VerifiedAssertion};
use serde::{Deserialize, Serialize};
use serde_json::json;
use site::{Problem, Shell, Submitted};
use url::form_urlencoded;

use super::exchanges::Exchange;
use super::identity::{self, Admitted, Identity, UserNameSource};
use super::logout::{self, Principal};
use super::pending::{self, Completion, Purpose, Request};
use super::refusal::Refusal;
use super::report::{self, Report};
use super::service_provider::{Named, named};
use super::{SamlConfig, keys, landing, start_href, store};
use crate::app::App;
use crate::auth::{self, Person};
use crate::visit::Visit;

/// By how much the clocks of the two sides may differ.
pub(super) const CLOCK_SKEW: Duration = Duration::from_mins(3);

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/sso/{id}", get(start))
        .route("/api/acs/", post(consume))
        .route("/api/acs", post(consume))
        .route("/api/acs/{id}/", post(consume))
        .route("/api/acs/{id}", post(consume))
        .route("/api/acs/complete", get(complete).post(continue_unsolicited))
}

/// What an answer came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// The person may come in.
    SignIn(Box<Admission>),
    /// The answer was refused.
    Refused(Box<Report>),
    /// An administrator tried the configuration out.
    Test(Box<Report>),
}

/// Somebody for whom the identity provider vouches.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Admission {
    /// Who it is.
    identity: Identity,
    /// How the identity provider knows the person, if it says so: for single logout.
    principal: Option<Principal>,
    /// The end that the identity provider set for the session.
    until: Option<Timestamp>,
    /// The exchange that brought the answer.
    exchange: String,
}

async fn start(State(app): State<App>, visit: Visit, Path(id): Path<String>) -> Result<Response, Problem> {
    let config = named(&app, &id).await?;
    if !config.enabled {
        return Err(not_enabled(&config));
    }
    let return_path = visit.next.clone().unwrap_or_else(|| config.landing(&app.site).to_owned());
    begin(&app, &visit, &config, Purpose::SignIn, return_path).await
}

fn not_enabled(config: &SamlConfig) -> Problem {
    Problem::forbidden(format!(
        "Signing in with {} is not enabled. Ask your administrator.",
        config.display_name
    ))
    .next("Sign in with a local account", "/staticlogin")
}

/// Sends the browser to the identity provider with a request that only it can come back for.
pub(super) async fn begin(
    app: &App,
    visit: &Visit,
    config: &SamlConfig,
    purpose: Purpose,
    return_path: String,
) -> Result<Response, Problem> {
    let mut random = [0; 20];
    app.site.random().fill(&mut random);
    let mut request = Request {
        id: saml::message_id(random),
        config_id: config.id.clone(),
        visitor_hash: visit.visitor.hash(),
        purpose,
        return_path,
        message: String::new(),
    };
    let mut message = AuthnRequestBuilder::new(&request.id, config.entity_id(&app.site), saml_now(app))
        .destination(&config.sso_url)
        .acs_url(config.acs_url(&app.site))
        .requested_authn_context(config.requested_authn_context.as_ref());
    match UserNameSource::of(&config.name_id_attribute) {
        UserNameSource::NameId(NameIdFormat::Unspecified) | UserNameSource::Attribute(_) => {}
        UserNameSource::NameId(format) => message = message.name_id_format(format),
    }
    request.message = message.to_xml().map_err(Problem::internal)?;
    let key = keys::signing_key(app, config)?;
    let location = message.redirect_url(&config.sso_url, None, key.as_ref()).map_err(Problem::internal)?;
    let mut tx = app.store.begin().await?;
    pending::remember(&mut tx, &app.site, &request).await?;
    tx.commit().await?;
    Ok(Redirect::to(&location).into_response())
}

pub(super) fn saml_now(app: &App) -> saml::Timestamp {
    saml::Timestamp::from_micros(app.site.now().micros())
}

async fn consume(
    State(app): State<App>,
    visit: Visit,
    Named(config): Named,
    body: Bytes,
) -> Result<Response, Problem> {
    let field = |name: &str| {
        form_urlencoded::parse(&body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let Some(answer) = field("SAMLResponse") else {
        return Err(Problem::bad_request(
            "This address takes the answer of an identity provider, and none was sent.",
        )
        .next("Go to sign-in", "/"));
    };
    let request = request_of(&app, &config, &answer).await?;
    let test = request.as_ref().is_some_and(|request| request.purpose == Purpose::Test);
    if !config.enabled && !test {
        return Err(not_enabled(&config));
    }
    let relay_state = field("RelayState").unwrap_or_default();
    let examination = examine(&app, &config, request.as_ref(), &answer)?;
    let sent = request.as_ref().map_or("", |request| &request.message);
    let report = Report::new(&visit, &config, sent, &examination);
    let exchange =
        Exchange::of_answer(&app, &visit, &config, request.as_ref(), &report, &examination, &relay_state);
    if request.is_none() && !config.idp_initiated {
        let sentence = not_pending(&answer);
        app.exchanges.keep(exchange.refused(sentence.clone()));
        return refuse_unsolicited(&app, &visit, &config, &sentence).await;
    }
    match examination.outcome() {
        Ok(assertion) if !use_up(&app, request.as_ref(), assertion).await? => {
            app.exchanges.keep(exchange.refused(replayed()));
            refuse_replay(&app, &visit, &config).await
        }
        outcome => {
            app.exchanges.keep(exchange);
            let vouched = outcome.as_ref().ok().copied();
            hand_over(&app, &visit, &config, request, report, vouched, &relay_state).await
        }
    }
}

/// What administrators are told of an answer that was used before.
fn replayed() -> String {
    Refusal::new(
        "This answer was used already: its request (InResponseTo) or its assertion (ID) was consumed before.",
    )
    .expected("an answer that was not used yet")
    .received("one that was: somebody reloaded the page, or played the answer back")
    .remedy("Begin the sign-in again.")
    .sentence()
}

/// What administrators are told of an answer to no pending request.
fn not_pending(answer: &str) -> String {
    let refusal = match saml::untrusted_in_response_to(answer) {
        Some(id) => Refusal::new("InResponseTo names a request that is not pending here.")
            .expected("a request that was made here in the last 15 minutes and not answered yet")
            .received(id)
            .remedy("Begin the sign-in again. If it was begun elsewhere, turn on Allow IdP-initiated sign-in and have \
                     the identity provider leave InResponseTo away."),
        None => Refusal::new("The identity provider began this sign-in (there is no InResponseTo).")
            .expected("the answer to a request that was made here")
            .received("an answer that nobody asked for")
            .remedy("Turn on Allow IdP-initiated sign-in for this configuration, or begin at our sign-in page."),
    };
    refusal.sentence()
}

/// The request of ours that the answer claims to be for. The claim is not to be trusted yet: it only
/// says what to expect, and verification compares it again.
async fn request_of(app: &App, config: &SamlConfig, answer: &str) -> Result<Option<Request>, Problem> {
    let Some(id) = saml::untrusted_in_response_to(answer) else { return Ok(None) };
    let mut conn = app.store.read().await?;
    Ok(pending::look_up(&mut conn, &app.site, &config.id, &id).await?)
}

/// The one place where an answer is checked.
fn examine(
    app: &App,
    config: &SamlConfig,
    request: Option<&Request>,
    answer: &str,
) -> Result<Examination, Problem> {
    let certificates = Certificate::parse_all(&config.certificates).map_err(Problem::internal)?;
    let expectations = Expectations {
        issuer: config.idp_entity_id.clone(),
        audience: config.entity_id(&app.site),
        acs_url: config.acs_url(&app.site),
        in_response_to: request.map(|request| request.id.clone()),
        certificates,
        clock_skew: CLOCK_SKEW,
        want_assertions_signed: config.want_assertions_signed,
        want_messages_signed: config.want_messages_signed,
        want_attribute_statement: config.want_attribute_statement,
        want_name_id: config.want_name_id,
        allow_sha1: config.allow_sha1,
        decryption_keys: keys::decryption_keys(app, config)?,
        want_assertions_encrypted: config.want_assertions_encrypted,
        allow_cbc: config.allow_cbc,
    };
    Ok(saml::examine_response(answer, &expectations, saml_now(app)))
}

/// Uses up the request and the assertion, both or neither; `false` if either was used before.
async fn use_up(
    app: &App,
    request: Option<&Request>,
    assertion: &saml::VerifiedAssertion,
) -> Result<bool, Problem> {
    let forget_at = Timestamp::from_micros(assertion.not_on_or_after().micros()).plus(CLOCK_SKEW);
    let mut tx = app.store.begin().await?;
    if let Some(request) = request
        && !pending::consume_request(&mut tx, &app.site, &request.id).await?
    {
        return Ok(false);
    }
    if !pending::consume_assertion(&mut tx, assertion.issuer(), assertion.id(), forget_at).await? {
        return Ok(false);
    }
    tx.commit().await?;
    Ok(true)
}

/// Keeps what was found for the browser that began and sends the browser to pick it up. A refusal that
/// nobody asked for is shown here and now.
async fn hand_over(
    app: &App,
    visit: &Visit,
    config: &SamlConfig,
    request: Option<Request>,
    report: Report,
    vouched: Option<&VerifiedAssertion>,
    relay_state: &str,
) -> Result<Response, Problem> {
    let test = request.as_ref().is_some_and(|request| request.purpose == Purpose::Test);
    if let (Some(sentence), false) = (&report.wrong, test) {
        tracing::info!(id = &*visit.trace.0, config = config.id, cause = sentence, "SAML response refused");
        let context = json!({ "method": "saml", "config": config.id, "because": sentence });
        visit.record(app, "login_failed", "", &config.display_name, &context).await?;
    }
    let outcome = match report.identity() {
        _ if test => Outcome::Test(Box::new(report)),
        Some(identity) => Outcome::SignIn(Box::new(Admission {
            identity: identity.clone(),
            principal: vouched.and_then(Principal::of),
            until: vouched.and_then(until),
            exchange: visit.trace.0.to_string(),
        })),
        None if request.is_none() => return report::refused_page(app, visit, config, &report, false),
        None if config.debug => Outcome::Refused(Box::new(report)),
        None => Outcome::Refused(Box::new(report.without_messages())),
    };
    let (visitor_hash, return_path) = match request {
        Some(request) => (request.visitor_hash, request.return_path),
        None => {
            let wanted = landing(&app.site, relay_state).unwrap_or_else(|| config.landing(&app.site));
            (String::new(), wanted.to_owned())
        }
    };
    let completion = Completion { config_id: config.id.clone(), visitor_hash, outcome, return_path };
    let mut tx = app.store.begin().await?;
    let token = pending::keep(&mut tx, &app.site, &completion).await?;
    tx.commit().await?;
    Ok(Redirect::to(&format!("/api/acs/complete?token={}", token.as_str())).into_response())
}

/// The end that the identity provider set for the session.
fn until(assertion: &VerifiedAssertion) -> Option<Timestamp> {
    assertion.session_not_on_or_after().map(|until| Timestamp::from_micros(until.micros()))
}

async fn refuse_unsolicited(
    app: &App,
    visit: &Visit,
    config: &SamlConfig,
    sentence: &str,
) -> Result<Response, Problem> {
    let context = json!({ "method": "saml", "config": config.id, "because": sentence });
    visit.record(app, "login_failed", "", &config.display_name, &context).await?;
    let plain = format!(
        "This sign-in with {} was not begun here, took too long, or was used already, so you were not signed in.",
        config.display_name
    );
    let told = if config.debug { format!("{plain} {sentence}") } else { plain };
    Err(Problem::forbidden(told).because(sentence).next("Try again", start_href(&config.id, None)))
}

async fn refuse_replay(app: &App, visit: &Visit, config: &SamlConfig) -> Result<Response, Problem> {
    let context = json!({ "method": "saml", "config": config.id, "because": replayed() });
    visit.record(app, "login_failed", "", &config.display_name, &context).await?;
    let told = if config.debug {
        replayed()
    } else {
        "This answer was used already, so you were not signed in. Begin again.".to_owned()
    };
    Err(Problem::forbidden(told).because(replayed()).next("Try again", start_href(&config.id, None)))
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
}

fn not_yours() -> Problem {
    Problem::forbidden(
        "This sign-in was begun in another browser, was finished already, or waited too long, so you were not \
         signed in. Begin again.",
    )
    .next("Go to sign-in", "/")
}

async fn complete(
    State(app): State<App>,
    visit: Visit,
    person: Option<Person>,
    Query(Token { token }): Query<Token>,
) -> Result<Response, Problem> {
    let mut tx = app.store.begin().await?;
    let Some(completion) = pending::pick_up(&mut tx, &app.site, &token, &visit.visitor.hash()).await? else {
        let unsolicited =
            pending::look_up_unsolicited(&mut tx, &app.site, &token).await?.ok_or_else(not_yours)?;
        drop(tx);
        return ask_to_continue(&app, &visit, &unsolicited, token).await;
    };
    tx.commit().await?;
    let config = named(&app, &completion.config_id).await?;
    let administrator = person.is_some_and(|person| person.administrator);
    match completion.outcome {
        Outcome::SignIn(admission) => {
            finish(&app, &visit, &config, &admission, &completion.return_path).await
        }
        Outcome::Refused(report) => report::refused_page(&app, &visit, &config, &report, administrator),
        Outcome::Test(report) if administrator => {
            let mut conn = app.store.read().await?;
            report::test_page(&app, &visit, &mut conn, &config, &report).await
        }
        Outcome::Test(_) => Err(Problem::forbidden("Only members of the group Administrators may see this.")),
    }
}

#[derive(askama::Template)]
#[template(path = "sso/saml/templates/continue.html")]
struct ContinuePage {
    shell: Shell,
    name: String,
    username: String,
    token: String,
}

/// An identity provider began: before anything happens the person sees as whom, for it may be somebody
/// else's link.
async fn ask_to_continue(
    app: &App,
    visit: &Visit,
    completion: &Completion,
    token: String,
) -> Result<Response, Problem> {
    let config = named(app, &completion.config_id).await?;
    let Outcome::SignIn(admission) = &completion.outcome else { return Err(not_yours()) };
    site::html(&ContinuePage {
        shell: visit.card(app, "Continue"),
        name: config.display_name,
        username: admission.identity.username.clone(),
        token,
    })
}

async fn continue_unsolicited(
    State(app): State<App>,
    visit: Visit,
    Submitted(Token { token }): Submitted<Token>,
) -> Result<Response, Problem> {
    let mut tx = app.store.begin().await?;
    let completion = pending::pick_up(&mut tx, &app.site, &token, "").await?.ok_or_else(not_yours)?;
    tx.commit().await?;
    let config = named(&app, &completion.config_id).await?;
    match completion.outcome {
        Outcome::SignIn(admission) => {
            finish(&app, &visit, &config, &admission, &completion.return_path).await
        }
        _ => Err(not_yours()),
    }
}

/// The person is who the identity provider says: account, groups, session.
async fn finish(
    app: &App,
    visit: &Visit,
    config: &SamlConfig,
    admission: &Admission,
    return_path: &str,
) -> Result<Response, Problem> {
    let Admission { identity, principal, until, exchange } = admission;
    let mut tx = app.store.begin().await?;
    if !store::hold_enabled(&mut tx, &config.id).await? {
        app.exchanges
            .conclude(exchange, Some("The configuration was disabled before the sign-in was finished."));
        return Err(not_enabled(config));
    }
    let Admitted { user, kept_as_last_administrator } =
        match identity::admit(&mut tx, app, config, identity).await? {
            Ok(admitted) => admitted,
            Err(sentence) => {
                drop(tx);
                app.exchanges.conclude(exchange, Some(&sentence));
                let context = json!({ "method": "saml", "config": config.id, "because": sentence });
                visit.record(app, "login_failed", &identity.username, &config.display_name, &context).await?;
                return Err(Problem::new(StatusCode::FORBIDDEN, "You could not be signed in", sentence)
                    .next("Sign in as somebody else", "/staticlogin"));
            }
        };
    let lifetime =
        until.map_or(app.sign_in_lifetime, |until| until.since(app.site.now()).min(app.sign_in_lifetime));
    let method = config.sign_in_method();
    let (response, session) =
        auth::open_session(app, visit, &mut tx, &user, &method, lifetime, return_path).await?;
    if let Some(principal) = principal {
        logout::keep(&mut tx, &config.id, &session.id, principal).await?;
    }
    let context = json!({ "method": "saml", "config": config.id, "groups": identity.group_values });
    visit.record_in(app, &mut tx, "login", &user.username, &config.display_name, &context).await?;
    if kept_as_last_administrator {
        let context = json!({
            "config": config.id, "groups": identity.group_values,
            "because": "the group mapping gives Administrators no longer, but nobody else could administer",
        });
        visit.record_in(app, &mut tx, "last_administrator_kept", "", &user.username, &context).await?;
    }
    tx.commit().await?;
    app.exchanges.conclude(exchange, None);
    Ok(response)
}
