//! The pages of signing in and out, and of consent.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use site::page::{html, html_with_status};
use site::{Button, CspAdditions, Notice, Problem, Shell, Submitted, browser_sessions, origin};
use url::Url;

use super::sign_in::{Credentials, Outcome};
use super::waiting::Waiting;
use super::{CANCEL, CONSENT, Refusal, SIGN_IN, SIGN_OUT, Step};
use crate::app::App;
use crate::library::MY_APPLICATIONS;
use crate::providers::logout;
use crate::sessions::Person;
use crate::visit::Visit;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(SIGN_IN, get(enter).post(sign_in))
        .route(CONSENT, get(enter).post(agree))
        .route(CANCEL, post(turn_back))
        .route(SIGN_OUT, get(leave).post(sign_out))
}

#[derive(Deserialize)]
struct Ask {
    request: Option<String>,
}

/// The sign-in page, or for who has a waiting request whatever comes next for it.
async fn enter(
    State(app): State<App>,
    visit: Visit,
    person: Option<Person>,
    Query(ask): Query<Ask>,
) -> Result<Response, Problem> {
    if let Some(token) = ask.request {
        return lead_on(&app, &visit, &token).await;
    }
    match person {
        Some(_) => Ok(Redirect::to(visit.next.as_deref().unwrap_or(MY_APPLICATIONS)).into_response()),
        None => SignInPage::new(&app, &visit).answer(StatusCode::OK),
    }
}

async fn lead_on(app: &App, visit: &Visit, token: &str) -> Result<Response, Problem> {
    let waiting = Waiting::find(app, visit, token).await?;
    match waiting.step() {
        Step::SignIn => SignInPage::new(app, visit).of(&waiting, token).answer(StatusCode::OK),
        Step::AskConsent => consent_page(app, visit, &waiting, token),
        Step::Answer => waiting.answer(app, visit).await,
        Step::Refuse(refusal) => match waiting.told_to_person(refusal) {
            Some(sentence) => refused_page(app, visit, &waiting, token, (refusal, &sentence)).await,
            None => waiting.refuse(app, visit, refusal).await,
        },
    }
}

#[derive(Template)]
#[template(path = "flows/templates/sign_in.html")]
struct SignInPage {
    shell: Shell,
    /// The application that waits.
    application: Option<String>,
    /// Who is signed in already and has to prove it again.
    signed_in_as: Option<String>,
    request: String,
    /// Whether there is an application to turn back to.
    can_turn_back: bool,
    next: String,
    login: String,
    stay: bool,
    failed: bool,
    return_to: Option<Url>,
}

impl SignInPage {
    fn new(app: &App, visit: &Visit) -> Self {
        Self {
            shell: visit.card(app, "Log in"),
            application: None,
            signed_in_as: None,
            request: String::new(),
            can_turn_back: false,
            next: visit.next.clone().unwrap_or_default(),
            login: String::new(),
            stay: false,
            failed: false,
            return_to: None,
        }
    }

    fn of(mut self, waiting: &Waiting, token: &str) -> Self {
        self.application = Some(waiting.application().name.clone());
        self.signed_in_as = waiting.person().map(|person| person.user.username.clone());
        token.clone_into(&mut self.request);
        self.can_turn_back = waiting.can_turn_back();
        self.login = waiting.login_hint().unwrap_or_default();
        self.return_to = waiting.return_to();
        self
    }

    /// The form leads, through redirects, to where the answer goes: browsers hold every hop against the
    /// page's policy.
    fn answer(&self, status: StatusCode) -> Result<Response, Problem> {
        let page = html_with_status(status, self)?;
        Ok(match &self.return_to {
            Some(url) => CspAdditions::default().form_action(url).on(page),
            None => page,
        })
    }
}

#[derive(Deserialize)]
struct SignInForm {
    uid_field: String,
    password: String,
    stay: Option<String>,
    #[serde(default)]
    next: String,
    #[serde(default)]
    request: String,
}

async fn sign_in(
    State(app): State<App>,
    visit: Visit,
    Submitted(form): Submitted<SignInForm>,
) -> Result<Response, Problem> {
    let waiting = match form.request.as_str() {
        "" => None,
        token => Some(Waiting::find(&app, &visit, token).await?),
    };
    let credentials =
        Credentials { login: form.uid_field.clone(), password: form.password, stay: form.stay.is_some() };
    let request = waiting.as_ref().map(|waiting| &waiting.pending);
    let visitor = match super::sign_in::sign_in(&app, &visit, credentials, request).await? {
        Outcome::SignedIn(visitor) => visitor,
        Outcome::Refused => {
            let mut page = SignInPage::new(&app, &visit);
            if let Some(waiting) = &waiting {
                page = page.of(waiting, &form.request);
            }
            let (login, next, stay) = (form.uid_field, form.next, form.stay.is_some());
            let page = SignInPage { login, next, stay, failed: true, ..page };
            return page.answer(StatusCode::UNPROCESSABLE_ENTITY);
        }
    };
    let mut response = match waiting {
        Some(_) => Redirect::to(&super::go_on(&form.request)).into_response(),
        None => signed_in(&app, &visit, origin::local_path(&form.next).unwrap_or(MY_APPLICATIONS))?,
    };
    response.extensions_mut().insert(visitor);
    Ok(response)
}

#[derive(Template)]
#[template(path = "flows/templates/signed_in.html")]
struct SignedInPage<'n> {
    shell: Shell,
    next: &'n str,
}

/// Goes on to a page of ours. The way to an application may end at another site, and browsers don't let
/// the redirects after a form go there: then a page of its own begins the way.
fn signed_in(app: &App, visit: &Visit, next: &str) -> Result<Response, Problem> {
    if next.starts_with("/application/") {
        return html(&SignedInPage { shell: visit.card(app, "Signed in"), next });
    }
    Ok(Redirect::to(next).into_response())
}

#[derive(Template)]
#[template(path = "flows/templates/consent.html")]
struct ConsentPage<'w> {
    shell: Shell,
    application: &'w str,
    username: &'w str,
    request: &'w str,
    can_turn_back: bool,
    step: String,
}

fn consent_page(app: &App, visit: &Visit, waiting: &Waiting, token: &str) -> Result<Response, Problem> {
    let (Some(person), Some(step)) = (waiting.person(), waiting.consent_step(app, token)) else {
        return Err(Problem::internal("consent was to be asked of nobody"));
    };
    let application = waiting.application().name.as_str();
    let shell = visit.card(app, format!("Sign in to {application}"));
    let page = ConsentPage {
        shell,
        application,
        username: &person.user.username,
        request: token,
        can_turn_back: waiting.can_turn_back(),
        step,
    };
    let page = html(&page)?;
    Ok(match waiting.return_to() {
        Some(url) => CspAdditions::default().form_action(&url).on(page),
        None => page,
    })
}

#[derive(Deserialize)]
struct ConsentForm {
    request: String,
    #[serde(default)]
    step: String,
}

/// “Continue” on the consent page. A post that does not come from that page, shown to this person for this
/// request, agrees to nothing: the person is led on from where they stand.
async fn agree(
    State(app): State<App>,
    visit: Visit,
    Submitted(form): Submitted<ConsentForm>,
) -> Result<Response, Problem> {
    let mut waiting = Waiting::find(&app, &visit, &form.request).await?;
    if waiting.step() == Step::AskConsent && waiting.is_consent_step(&app, &form.request, &form.step) {
        waiting.agreed = true;
        return waiting.answer(&app, &visit).await;
    }
    Ok(Redirect::to(&super::go_on(&form.request)).into_response())
}

#[derive(Template)]
#[template(path = "flows/templates/sign_out.html")]
struct SignOutPage {
    shell: Shell,
    username: String,
}

/// Asks first: a link somewhere else must not sign people out.
async fn leave(State(app): State<App>, visit: Visit, person: Option<Person>) -> Result<Response, Problem> {
    let Some(person) = person else { return Ok(Redirect::to(SIGN_IN).into_response()) };
    html(&SignOutPage { shell: visit.card(&app, "Log out"), username: person.user.username })
}

async fn sign_out(
    State(app): State<App>,
    visit: Visit,
    person: Option<Person>,
    Submitted(Button {}): Submitted<Button>,
) -> Result<Response, Problem> {
    let mut tx = app.store.begin().await?;
    let visitor = browser_sessions::close(&mut tx, &app.site, &visit.visitor).await?;
    let mut next = None;
    if let Some(person) = &person {
        let begun =
            logout::end_session(&mut tx, &app, &person.session.id, &person.user.username, &visitor).await?;
        next = begun.page();
        let (name, context) = (&person.user.username, serde_json::json!({ "session": person.session.id }));
        visit.record_in(&app, &mut tx, "logout", name, name, &context).await?;
    }
    tx.commit().await?;
    let mut response = match next {
        Some(page) => Redirect::to(&page).into_response(),
        None => Notice::redirect(&app.site, "You are signed out.", SIGN_IN),
    };
    response.extensions_mut().insert(visitor);
    Ok(response)
}

#[derive(Template)]
#[template(path = "flows/templates/refused.html")]
struct RefusedPage<'w> {
    shell: Shell,
    sentence: &'w str,
    application: &'w str,
    request: &'w str,
    can_turn_back: bool,
    trace: &'w str,
}

/// The page for a person who gets no further, and why: what is to be mended lies with them or their
/// administrator. The request goes on waiting, so that they can turn back to the application.
async fn refused_page(
    app: &App,
    visit: &Visit,
    waiting: &Waiting,
    token: &str,
    (refusal, sentence): (Refusal, &str),
) -> Result<Response, Problem> {
    let application = waiting.application();
    let username = waiting.person().map_or("", |person| person.user.username.as_str());
    let reason = match refusal {
        Refusal::NotAllowed => "the bindings do not let this person in",
        _ => sentence,
    };
    let context = serde_json::json!({ "reason": reason });
    visit.record(app, "access_denied", username, &application.slug, &context).await?;
    let page = RefusedPage {
        shell: visit.card(app, "Permission denied"),
        sentence,
        application: &application.name,
        request: token,
        can_turn_back: waiting.can_turn_back(),
        trace: &visit.trace.0,
    };
    let page = html_with_status(StatusCode::FORBIDDEN, &page)?;
    Ok(match waiting.return_to() {
        Some(url) => CspAdditions::default().form_action(&url).on(page),
        None => page,
    })
}

#[derive(Deserialize)]
struct TurnBackForm {
    request: String,
}

/// “Cancel” and “Go back”: the application hears that there will be no answer.
async fn turn_back(
    State(app): State<App>,
    visit: Visit,
    Submitted(form): Submitted<TurnBackForm>,
) -> Result<Response, Problem> {
    let waiting = Waiting::find(&app, &visit, &form.request).await?;
    if !waiting.can_turn_back() {
        return Ok(Redirect::to(MY_APPLICATIONS).into_response());
    }
    waiting.turn_back(&app, &visit).await
}
