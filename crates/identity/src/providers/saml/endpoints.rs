//! The endpoints that service providers send people to, at authentik's addresses.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use saml::AuthnRequest;
use site::Problem;
use url::form_urlencoded;

use super::answer;
use super::request::{self, Checked};
use super::snapshot::Snapshot;
use crate::app::App;
use crate::flows::{self, NewRequest, Refusal, Standing, Step};
use crate::sessions;
use crate::visit::Visit;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/application/saml/{slug}/", get(redirect_binding).post(post_binding))
        .route("/application/saml/{slug}/sso/binding/redirect/", get(redirect_binding))
        .route("/application/saml/{slug}/sso/binding/post/", post(post_binding))
        .route("/application/saml/{slug}/sso/binding/init/", get(begin_here))
        .route("/application/saml/{slug}/init/", get(begin_here))
}

/// A request in the query of a redirect. Our cookie comes with it: who is signed in and needs not be asked
/// gets the answer at once, with one query to the database and one signature.
async fn redirect_binding(
    State(app): State<App>,
    visit: Visit,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let request = AuthnRequest::from_redirect_query(query.as_deref().unwrap_or_default())
        .map_err(|error| unreadable(&error))?;
    go_on(&app, &visit, &slug, |snapshot| request::check(&request, snapshot)).await
}

/// A sign-in that begins here: the application gets an answer to a request that it never sent.
async fn begin_here(
    State(app): State<App>,
    visit: Visit,
    Path(slug): Path<String>,
) -> Result<Response, Problem> {
    go_on(&app, &visit, &slug, |snapshot| Ok(Checked::begun_here(snapshot))).await
}

/// A request in a form that another site posts. The cookie does not come with it (`SameSite=Lax`), so the
/// request waits, and the redirect that follows comes with the cookie.
async fn post_binding(
    State(app): State<App>,
    Path(slug): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|error| {
        Problem::new(
            error.status(),
            "That request can't be used",
            "The SAML request is too large, or it broke off.",
        )
    })?;
    let (mut message, mut relay_state) = (None, None);
    for (name, value) in form_urlencoded::parse(&body) {
        match &*name {
            "SAMLRequest" => message = message.or(Some(value)),
            "RelayState" => relay_state = relay_state.or(Some(value)),
            _ => {}
        }
    }
    let request = AuthnRequest::from_post(message.as_deref().unwrap_or_default(), relay_state.as_deref())
        .map_err(|error| unreadable(&error))?;
    let snapshot = find(&app, &slug, None).await?;
    let checked = request::check(&request, &snapshot)?;
    let mut tx = app.store.begin().await?;
    let token = flows::keep(&mut tx, &app.site, &waiting(&snapshot, &checked)?, None).await?;
    tx.commit().await?;
    Ok(Redirect::to(&flows::go_on(token.as_str())).into_response())
}

/// Decides what comes next for who has our cookie, and does it.
async fn go_on(
    app: &App,
    visit: &Visit,
    slug: &str,
    check: impl FnOnce(&Snapshot) -> Result<Checked, Problem>,
) -> Result<Response, Problem> {
    let present = {
        let mut conn = app.store.read().await?;
        sessions::present(&mut conn, &app.site, &visit.visitor).await?
    };
    let snapshot = find(app, slug, present.as_ref().map(|present| present.revision)).await?;
    let checked = check(&snapshot)?;
    let person = present.as_ref().map(|present| &present.person);
    let client = snapshot.client();
    let consented = match person {
        Some(person) if client.asks_consent => {
            let mut conn = app.store.read().await?;
            flows::has_consented(&mut conn, &app.site, &person.user.id, &client.application.id).await?
        }
        _ => false,
    };
    let standing = Standing { person, proven: false, consented };
    match (flows::next(client, checked.demands, standing), person) {
        (Step::Answer, Some(person)) => answer::answer(app, visit, &snapshot, &checked.asked, person).await,
        (Step::Refuse(Refusal::NotPassive), _) => answer::not_passive(app, visit, &snapshot, &checked.asked),
        (Step::Refuse(Refusal::NotAllowed), Some(person)) => {
            Err(flows::not_allowed(app, visit, &client.application, person).await?)
        }
        _ => {
            let mut tx = app.store.begin().await?;
            let waiting = waiting(&snapshot, &checked)?;
            let token = flows::keep(&mut tx, &app.site, &waiting, Some(&visit.visitor)).await?;
            tx.commit().await?;
            Ok(Redirect::to(&flows::go_on(token.as_str())).into_response())
        }
    }
}

fn waiting<'s>(snapshot: &'s Snapshot, checked: &Checked) -> Result<NewRequest<'s>, Problem> {
    Ok(NewRequest {
        application_id: &snapshot.client().application.id,
        demands: checked.demands,
        return_to: &snapshot.provider.settings.acs_url,
        details: serde_json::to_string(&checked.asked).map_err(Problem::internal)?,
    })
}

/// The provider of the application with that slug, or a page that says there is none.
pub(super) async fn find(app: &App, slug: &str, revision: Option<i64>) -> Result<Arc<Snapshot>, Problem> {
    app.saml.find(app, slug, revision).await?.ok_or_else(|| {
        Problem::not_found(
            "There is no application with a SAML provider at this address. Compare it with the addresses on the \
             page of the provider.",
        )
    })
}

fn unreadable(error: &saml::Error) -> Problem {
    Problem::bad_request(error.sentence()).because(format!("{error:?}"))
}
