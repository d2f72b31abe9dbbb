//! Where applications send people to end their sessions, and call us to: at authentik's addresses.

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use saml::{ErrorKind, LogoutRequest, LogoutResponse, Message, Status};
use site::{CspAdditions, Problem, Shell};
use url::form_urlencoded;

use super::super::endpoints::{find, unreadable};
use super::super::settings::LogoutMethod;
use super::super::snapshot::Snapshot;
use super::requests::{self, Meant, Trust};
use super::under_way::{self, Asked, State as Progress, Step};
use super::{answers, back_channel, begin, page, pages, send};
use crate::app::App;
use crate::sessions;
use crate::visit::Visit;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/application/saml/{slug}/slo/binding/redirect/", get(redirect_binding))
        .route("/application/saml/{slug}/slo/binding/post/", post(post_binding))
        .route("/application/saml/{slug}/slo/binding/soap/", post(soap_binding))
        .merge(pages::routes())
}

/// Whether what could not be read as a request to sign in is one to sign out, at the address that takes both.
pub(in super::super) fn is_logout(error: &saml::Error) -> bool {
    error.kind() == ErrorKind::WrongMessage("AuthnRequest") && error.received_value() == "LogoutRequest"
}

async fn redirect_binding(
    State(app): State<App>,
    visit: Visit,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    by_redirect(&app, &visit, &slug, query.as_deref().unwrap_or_default()).await
}

/// A message in the query of a redirect: a request, or the answer to one of ours.
///
/// # Errors
/// A page that says what is wrong; the database's.
pub(in super::super) async fn by_redirect(
    app: &App,
    visit: &Visit,
    slug: &str,
    query: &str,
) -> Result<Response, Problem> {
    let snapshot = find(app, slug, None).await?;
    if form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "SAMLResponse") {
        let response = LogoutResponse::from_redirect_query(query).map_err(|error| unreadable(&error))?;
        return answered(app, visit, &snapshot, &response).await;
    }
    let request = LogoutRequest::from_redirect_query(query).map_err(|error| unreadable(&error))?;
    match requests::check(app, &snapshot, &request) {
        Ok(trust) => asked(app, visit, &snapshot, &request, trust).await,
        Err(sentence) => Err(requests::refuse(app, visit, &snapshot, REQUEST_REFUSED, &sentence).await?),
    }
}

const REQUEST_REFUSED: &str = "logout_request_refused";

async fn post_binding(
    State(app): State<App>,
    visit: Visit,
    Path(slug): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|error| {
        Problem::new(
            error.status(),
            "That request can't be used",
            "The message is too large, or it broke off.",
        )
    })?;
    by_post(&app, &visit, &slug, &body).await
}

/// A message in a form that another site posts: our cookie does not come with it (`SameSite=Lax`). An unsigned
/// request counts for nobody but the browser that brings it, so it goes on as a redirect, with which it comes.
///
/// # Errors
/// A page that says what is wrong; the database's.
pub(in super::super) async fn by_post(
    app: &App,
    visit: &Visit,
    slug: &str,
    body: &[u8],
) -> Result<Response, Problem> {
    let snapshot = find(app, slug, None).await?;
    let field =
        |name: &str| form_urlencoded::parse(body).find(|(key, _)| key == name).map(|(_, value)| value);
    let relay_state = field("RelayState");
    let relay_state = relay_state.as_deref();
    if let Some(value) = field("SAMLResponse") {
        let response = LogoutResponse::from_post(&value, relay_state).map_err(|error| unreadable(&error))?;
        return answered(app, visit, &snapshot, &response).await;
    }
    let value = field("SAMLRequest").unwrap_or_default();
    let request = LogoutRequest::from_post(&value, relay_state).map_err(|error| unreadable(&error))?;
    match requests::check(app, &snapshot, &request) {
        Ok(Trust::Signed) => asked(app, visit, &snapshot, &request, Trust::Signed).await,
        Ok(Trust::OwnBrowser) => {
            let here = app.site.url(&format!("/application/saml/{slug}/slo/binding/redirect/"));
            let xml = saml::untrusted_post_xml(&value).unwrap_or_default();
            let url = saml::redirect_url(&here, Message::Request, &xml, relay_state, None);
            let url = url.map_err(Problem::internal)?;
            if url.len() > LONGEST_ADDRESS {
                return Err(Problem::bad_request("The request to sign out is too large to be sent on."));
            }
            Ok(Redirect::to(&url).into_response())
        }
        Err(sentence) => Err(requests::refuse(app, visit, &snapshot, REQUEST_REFUSED, &sentence).await?),
    }
}

/// A longer address is refused on the way by some servers, in bytes.
const LONGEST_ADDRESS: usize = 8 * 1024;

/// Ends what a request of an application asks for, and goes on to tell the others.
async fn asked(
    app: &App,
    visit: &Visit,
    snapshot: &Snapshot,
    request: &LogoutRequest,
    trust: Trust,
) -> Result<Response, Problem> {
    let asked = Asked {
        slug: snapshot.client().application.slug.clone(),
        request_id: request.id.clone(),
        relay_state: request.relay_state.clone(),
    };
    let known = (!visit.visitor.is_new()).then_some(&visit.visitor);
    let mut tx = app.store.begin().await?;
    let present = sessions::present(&mut tx, &app.site, &visit.visitor).await?;
    let person = present.as_ref().map(|present| &present.person);
    let status = match requests::meant(&mut tx, app, snapshot, request, (trust, person)).await? {
        Meant::Sessions(ended) => {
            let id = begin::end_asked(&mut tx, app, visit, &asked, (&ended, known, true)).await?;
            tx.commit().await?;
            return Ok(Redirect::to(&page(&id)).into_response());
        }
        Meant::Over => Status::SUCCESS,
        Meant::Denied(status) => status,
    };
    tx.rollback().await?;
    note_denied(app, visit, snapshot, &status).await?;
    match send::answer(app, visit, snapshot, &asked, &status)? {
        Some(response) => Ok(response),
        None => Err(unanswerable(snapshot, &status)),
    }
}

/// Where no answer can go, the person gets it.
fn unanswerable(snapshot: &Snapshot, status: &Status) -> Problem {
    let application = &snapshot.client().application.name;
    let said = status.message.clone().unwrap_or_else(|| "There was nothing to sign out of.".to_owned());
    Problem::bad_request(format!(
        "{application} asked to sign you out. {said} It can't be told so: an administrator has to enter its SLS URL."
    ))
    .next("Go to My applications", crate::library::MY_APPLICATIONS)
}

async fn note_denied(app: &App, visit: &Visit, snapshot: &Snapshot, status: &Status) -> Result<(), Problem> {
    if let Some(sentence) = status.message.as_deref().filter(|_| !status.is_success()) {
        let _page = requests::refuse(app, visit, snapshot, REQUEST_REFUSED, sentence).await?;
    }
    Ok(())
}

/// A call from server to server: no browser is there, so it has to be signed, and only those applications learn
/// of it that can be told in the same way. The answer waits for theirs.
async fn soap_binding(
    State(app): State<App>,
    visit: Visit,
    Path(slug): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let Ok(body) = body else { return Ok(fault("The message is too large, or it broke off.")) };
    let snapshot = find(&app, &slug, None).await?;
    let request = match LogoutRequest::from_soap(&body) {
        Ok(request) => request,
        Err(error) => return Ok(fault(&error.sentence())),
    };
    let status = called(&app, &visit, &snapshot, &request).await?;
    Ok(envelope(StatusCode::OK, send::soap_answer(&app, &snapshot, &request.id, &status)?))
}

async fn called(
    app: &App,
    visit: &Visit,
    snapshot: &Snapshot,
    request: &LogoutRequest,
) -> Result<Status, Problem> {
    let refused = match requests::check(app, snapshot, request) {
        Ok(Trust::Signed) => None,
        Ok(Trust::OwnBrowser) => Some("A request from server to server has to be signed.".to_owned()),
        Err(sentence) => Some(sentence),
    };
    if let Some(sentence) = refused {
        let problem = requests::refuse(app, visit, snapshot, REQUEST_REFUSED, &sentence).await?;
        return Ok(Status {
            code: saml::StatusCode::Requester,
            sub_code: Some(saml::StatusCode::RequestDenied),
            message: Some(problem.sentence().to_owned()),
        });
    }
    let asked = Asked {
        slug: snapshot.client().application.slug.clone(),
        request_id: request.id.clone(),
        relay_state: None,
    };
    let mut tx = app.store.begin().await?;
    let ended = match requests::meant(&mut tx, app, snapshot, request, (Trust::Signed, None)).await? {
        Meant::Sessions(ended) => ended,
        Meant::Over => return Ok(Status::SUCCESS),
        Meant::Denied(status) => {
            tx.rollback().await?;
            note_denied(app, visit, snapshot, &status).await?;
            return Ok(status);
        }
    };
    let id = begin::end_asked(&mut tx, app, visit, &asked, (&ended, None, false)).await?;
    tx.commit().await?;
    back_channel::tell(app, &id).await?;
    let Some(logout) = under_way::find(&mut *app.store.read().await?, &id).await? else {
        return Ok(Status::PARTIAL_LOGOUT);
    };
    back_channel::finish(app, &logout).await?;
    Ok(requests::outcome(&logout))
}

fn envelope(status: StatusCode, xml: String) -> Response {
    (status, [(header::CONTENT_TYPE, "text/xml; charset=utf-8")], xml).into_response()
}

/// SOAP 1.1 6.2 has a fault go with this status.
fn fault(sentence: &str) -> Response {
    envelope(StatusCode::INTERNAL_SERVER_ERROR, saml::soap_fault(sentence))
}

/// The answer of an application to a request of ours.
async fn answered(
    app: &App,
    visit: &Visit,
    snapshot: &Snapshot,
    response: &LogoutResponse,
) -> Result<Response, Problem> {
    let step = match &response.in_response_to {
        Some(id) => under_way::step_of_request(&mut *app.store.read().await?, id, app.site.now()).await?,
        None => None,
    };
    let checked =
        match &step {
            Some(step) => answers::check(app, snapshot, step, response).map(|outcome| (step, outcome)),
            None => Err("This answers no request to sign out that is under way. It may have come too late."
                .to_owned()),
        };
    let (step, (state, detail)) = match checked {
        Ok(checked) => checked,
        Err(sentence) => {
            return Err(requests::refuse(app, visit, snapshot, "logout_response_refused", &sentence).await?);
        }
    };
    let mut tx = app.store.begin().await?;
    let late = !under_way::advance(&mut tx, step, (Progress::Sent, state), &detail).await?;
    tx.commit().await?;
    if late && step.way == LogoutMethod::FrontChannelIframe {
        return Err(Problem::bad_request("This answer was given before, or it came too late."));
    }
    if step.way == LogoutMethod::FrontChannelIframe {
        return in_frame(app, visit, step, state);
    }
    Ok(Redirect::to(&page(&step.logout_id)).into_response())
}

#[derive(askama::Template)]
#[template(path = "providers/saml/logout/templates/told.html")]
struct ToldPage<'a> {
    shell: Shell,
    application: &'a str,
    done: bool,
}

/// What is to be seen in the frame of an application when it has answered.
fn in_frame(app: &App, visit: &Visit, step: &Step, state: Progress) -> Result<Response, Problem> {
    let application = step.title();
    let shell = visit.card(app, format!("Signed out of {application}"));
    let page = ToldPage { shell, application, done: state == Progress::Done };
    Ok(CspAdditions::default().frame_ancestors(app.site.public_url()).on(site::html(&page)?))
}
