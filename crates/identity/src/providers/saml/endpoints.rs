//! The endpoints that service providers send people to, at authentik's addresses.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use saml::AuthnRequest;
use serde_json::json;
use site::{Problem, Visitor};
use url::form_urlencoded;

use super::refused::{self, Denial};
use super::request::{self, Checked};
use super::snapshot::Snapshot;
use super::{answer, fit, logout};
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
    let query = query.unwrap_or_default();
    let request = match AuthnRequest::from_redirect_query(&query) {
        Ok(request) => request,
        Err(error) if logout::is_logout(&error) || carries(query.as_bytes(), "SAMLResponse") => {
            return logout::by_redirect(&app, &visit, &slug, &query).await;
        }
        Err(error) => return Err(unreadable(&error)),
    };
    go_on(&app, &visit, &slug, |snapshot| request::check(&request, snapshot)).await
}

/// A sign-in that begins here: the application gets an answer to a request that it never sent. The link may bring
/// a RelayState, as a tile of the application's own pages would.
async fn begin_here(
    State(app): State<App>,
    visit: Visit,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let relay_state = pairs.find(|(name, _)| name == "RelayState").map(|(_, value)| value.into_owned());
    go_on(&app, &visit, &slug, |snapshot| Checked::begun_here(snapshot, relay_state)).await
}

/// A request in a form that another site posts. The cookie does not come with it (`SameSite=Lax`), so the
/// request waits, and the redirect that follows comes with the cookie.
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
    let request = AuthnRequest::from_post(message.as_deref().unwrap_or_default(), relay_state.as_deref());
    let request = match request {
        Ok(request) => request,
        Err(error) if logout::is_logout(&error) || carries(&body, "SAMLResponse") => {
            return logout::by_post(&app, &visit, &slug, &body).await;
        }
        Err(error) => return Err(unreadable(&error)),
    };
    let snapshot = find(&app, &slug, None).await?;
    match request::check(&request, &snapshot) {
        Ok(checked) => keep(&app, &snapshot, &checked, None).await,
        Err(denial) => deny(&app, &visit, &snapshot, denial).await,
    }
}

/// Whether a query or a form has a field of that name.
fn carries(encoded: &[u8], field: &str) -> bool {
    form_urlencoded::parse(encoded).any(|(name, _)| name == field)
}

/// Decides what comes next for who has our cookie, and does it.
async fn go_on(
    app: &App,
    visit: &Visit,
    slug: &str,
    check: impl FnOnce(&Snapshot) -> Result<Checked, Denial>,
) -> Result<Response, Problem> {
    let present = {
        let mut conn = app.store.read().await?;
        sessions::present(&mut conn, &app.site, &visit.visitor).await?
    };
    let snapshot = find(app, slug, present.as_ref().map(|present| present.revision)).await?;
    let checked = match check(&snapshot) {
        Ok(checked) => checked,
        Err(denial) => return deny(app, visit, &snapshot, denial).await,
    };
    let Some(person) = present.map(|present| present.person) else {
        return begin(app, visit, &snapshot, &checked).await;
    };
    let client = snapshot.client();
    let consented = client.asks_consent && {
        let mut conn = app.store.read().await?;
        flows::has_consented(&mut conn, &app.site, &person.user.id, &client.application.id).await?
    };
    let outcome = fit::check(app, &snapshot, &checked.asked, &person).await?;
    let fit = fit::for_flow(&outcome);
    let standing = Standing { person: Some(&person), proven: false, consented, fit: &fit };
    match (flows::next(client, checked.demands, standing), outcome) {
        (Step::Answer, Ok(granted)) => {
            answer::answer(app, visit, &snapshot, &checked.asked, (&person, &granted)).await
        }
        (Step::Refuse(Refusal::Unfit), Err(unfit)) if checked.demands.passive => {
            let refused = unfit.refused();
            answer::refuse(app, visit, &snapshot, &checked.asked, (Some(&person), &refused)).await
        }
        (Step::Refuse(refusal), _) if checked.demands.passive => {
            let refused = refused::by_flow(refusal);
            answer::refuse(app, visit, &snapshot, &checked.asked, (Some(&person), &refused)).await
        }
        _ => keep(app, &snapshot, &checked, Some(&visit.visitor)).await,
    }
}

/// What comes next for somebody who is not signed in.
async fn begin(
    app: &App,
    visit: &Visit,
    snapshot: &Snapshot,
    checked: &Checked,
) -> Result<Response, Problem> {
    if checked.demands.passive {
        let refused = refused::by_flow(Refusal::NotPassive);
        return answer::refuse(app, visit, snapshot, &checked.asked, (None, &refused)).await;
    }
    keep(app, snapshot, checked, Some(&visit.visitor)).await
}

/// Keeps the request, and sends the person to where it goes on.
async fn keep(
    app: &App,
    snapshot: &Snapshot,
    checked: &Checked,
    visitor: Option<&Visitor>,
) -> Result<Response, Problem> {
    let waiting = waiting(snapshot, checked)?;
    let mut tx = app.store.begin().await?;
    let token = flows::keep(&mut tx, &app.site, &waiting, visitor).await?;
    tx.commit().await?;
    Ok(Redirect::to(&flows::go_on(token.as_str())).into_response())
}

/// Tells whom it may tell that a request is not answered with an assertion, and notes it.
async fn deny(app: &App, visit: &Visit, snapshot: &Snapshot, denial: Denial) -> Result<Response, Problem> {
    match denial {
        Denial::Answer(asked, refused) => {
            answer::refuse(app, visit, snapshot, &asked, (None, &refused)).await
        }
        Denial::Page(problem) => {
            let context = json!({
                "provider": snapshot.provider.settings.name,
                "reason": problem.sentence(),
            });
            let application = &snapshot.client().application.slug;
            visit.record(app, "configuration_error", "", application, &context).await?;
            Err(problem)
        }
    }
}

fn waiting<'s>(snapshot: &'s Snapshot, checked: &Checked) -> Result<NewRequest<'s>, Problem> {
    Ok(NewRequest {
        application_id: &snapshot.client().application.id,
        demands: checked.demands,
        return_to: checked
            .asked
            .target(&snapshot.provider.settings)
            .map_or_else(|| &snapshot.provider.settings.acs_url, |(url, _)| url),
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

/// The page for a message that can't be read.
pub(super) fn unreadable(error: &saml::Error) -> Problem {
    Problem::bad_request(error.sentence()).because(format!("{error:?}"))
}
