//! The way of a browser through a logout: the applications in frames at once, then those one by one, then the end.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use site::{CspAdditions, Problem, Shell};
use store::Tx;
use url::Url;

use super::super::settings::LogoutMethod;
use super::under_way::{self, State as Progress, Step, UnderWay};
use super::{back_channel, page, requests, send};
use crate::app::App;
use crate::library::MY_APPLICATIONS;
use crate::visit::Visit;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/if/logout/{id}/", get(lead_on))
        .route("/if/logout/{id}/progress/", get(progress))
        .route("/if/logout/{id}/step/{position}/", get(take_step))
}

/// What the links of the page ask for.
#[derive(Deserialize)]
struct Wish {
    /// No more waiting for the frames.
    frames: Option<String>,
    /// No frames: one application after the other.
    one_by_one: Option<String>,
}

/// Whatever comes next. Whoever comes here again after an application was told, without its answer, goes on to the
/// next one: nobody is kept by an application that is down.
async fn lead_on(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Result<Response, Problem> {
    let logout = claimed(&app, &visit, &id).await?;
    if logout.finished {
        return if logout.asked.is_some() { Err(gone()) } else { summary(&app, &visit, &logout) };
    }
    back_channel::tell(&app, &id).await?;
    let mut tx = app.store.begin().await?;
    if wish.one_by_one.is_some() {
        under_way::one_by_one(&mut tx, &id).await?;
    }
    give_up(&mut tx, &logout, wish.frames.is_some()).await?;
    tx.commit().await?;
    let logout = claimed(&app, &visit, &id).await?;
    let open = |way| logout.steps.iter().find(move |step| step.way == way && !step.state.is_final());
    if open(LogoutMethod::FrontChannelIframe).is_some() {
        return frames(&app, &visit, &logout).await;
    }
    match open(LogoutMethod::FrontChannelNative) {
        Some(step) => next(&app, &visit, step),
        None => end(&app, &visit, &logout).await,
    }
}

async fn claimed(app: &App, visit: &Visit, id: &str) -> Result<UnderWay, Problem> {
    let mut tx = app.store.begin().await?;
    let logout = under_way::claim(&mut tx, id, &visit.visitor, app.site.now()).await?;
    tx.commit().await?;
    logout.ok_or_else(gone)
}

/// Those one by one that were told and whose answer did not bring the person here; those in frames, if the person
/// has waited long enough.
async fn give_up(tx: &mut Tx, logout: &UnderWay, frames: bool) -> Result<(), store::Error> {
    for step in &logout.steps {
        let given_up = match step.way {
            LogoutMethod::FrontChannelNative => step.state == Progress::Sent,
            LogoutMethod::FrontChannelIframe => frames && !step.state.is_final(),
            LogoutMethod::BackChannel => false,
        };
        if given_up {
            under_way::advance(tx, step, (step.state, Progress::Unanswered), "").await?;
        }
    }
    Ok(())
}

#[derive(Template)]
#[template(path = "providers/saml/logout/templates/frames.html")]
struct FramesPage<'a> {
    shell: Shell,
    here: String,
    logout: &'a UnderWay,
}

/// Tells the applications in frames, all at once.
async fn frames(app: &App, visit: &Visit, logout: &UnderWay) -> Result<Response, Problem> {
    let mut additions = CspAdditions::default();
    for step in logout.steps.iter().filter(|step| in_frame(step)) {
        if let Some(url) = sls_url(app, step).await? {
            additions = additions.frame(&url);
        }
    }
    let page = FramesPage { shell: visit.card(app, "Signing out"), here: page(&logout.id), logout };
    Ok(additions.on(site::html(&page)?))
}

/// Whether an application is being told in a frame. Templates pass arguments by reference.
fn in_frame(step: &Step) -> bool {
    step.way == LogoutMethod::FrontChannelIframe
}

async fn sls_url(app: &App, step: &Step) -> Result<Option<Url>, Problem> {
    let Some((slug, _)) = &step.application else { return Ok(None) };
    let snapshot = app.saml.find(app, slug, None).await?;
    Ok(snapshot.and_then(|snapshot| snapshot.provider.settings.sls_url.clone()))
}

#[derive(Deserialize)]
struct Look {
    over: Option<String>,
}

#[derive(Template)]
#[template(path = "providers/saml/logout/templates/progress.html")]
struct Progressing<'a> {
    logout: &'a UnderWay,
}

/// How far the applications in frames are, for the page that shows them. When nothing more will come it leads
/// elsewhere, at which the page's script loads the page anew; the address it leads to does nothing.
async fn progress(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Query(look): Query<Look>,
) -> Result<Response, Problem> {
    let logout = claimed(&app, &visit, &id).await?;
    let open = logout.steps.iter().any(|step| in_frame(step) && !step.state.is_final());
    if !open && look.over.is_none() {
        return Ok(Redirect::to(&format!("{}progress/?over=yes", page(&id))).into_response());
    }
    site::html(&Progressing { logout: &logout })
}

#[derive(Template)]
#[template(path = "providers/saml/logout/templates/next.html")]
struct NextPage<'a> {
    shell: Shell,
    application: &'a str,
    href: String,
}

/// Goes on to the next application. Browsers don't let the redirects after the form that signed out go to another
/// site: a page of its own begins the way.
fn next(app: &App, visit: &Visit, step: &Step) -> Result<Response, Problem> {
    let application = step.title();
    let shell = visit.card(app, format!("Signing out of {application}"));
    site::html(&NextPage { shell, application, href: step_page(step) })
}

fn step_page(step: &Step) -> String {
    format!("{}step/{}/", page(&step.logout_id), step.position)
}

/// Sends the browser, or its frame, to an application with the request to sign out. Once: whoever comes again goes
/// on.
async fn take_step(
    State(app): State<App>,
    visit: Visit,
    Path((id, position)): Path<(String, i64)>,
) -> Result<Response, Problem> {
    let logout = claimed(&app, &visit, &id).await?;
    let step = logout.steps.iter().find(|step| step.position == position).ok_or_else(gone)?;
    let mut tx = app.store.begin().await?;
    let first = step.way != LogoutMethod::BackChannel
        && under_way::advance(&mut tx, step, (Progress::Waiting, Progress::Sent), "").await?;
    tx.commit().await?;
    if !first {
        return Ok(Redirect::to(&page(&id)).into_response());
    }
    let slug = step.application.as_ref().map_or("", |(slug, _)| slug);
    let snapshot = app.saml.find(&app, slug, None).await?.ok_or_else(gone)?;
    let sls_url = snapshot.provider.settings.sls_url.as_ref().ok_or_else(gone)?;
    send::by_browser(&app, &visit, &snapshot, step, sls_url)
}

/// Everybody was told. The application that asked gets its answer; who signed out here is told how it went.
async fn end(app: &App, visit: &Visit, logout: &UnderWay) -> Result<Response, Problem> {
    let first = back_channel::finish(app, logout).await?;
    let Some(asked) = &logout.asked else { return summary(app, visit, logout) };
    if !first {
        return Err(gone());
    }
    let snapshot = app.saml.find(app, &asked.slug, None).await?.ok_or_else(gone)?;
    let answer = send::answer(app, visit, &snapshot, asked, &requests::outcome(logout))?;
    match answer {
        Some(response) => Ok(response),
        None => summary(app, visit, logout),
    }
}

#[derive(Template)]
#[template(path = "providers/saml/logout/templates/summary.html")]
struct SummaryPage<'a> {
    shell: Shell,
    logout: &'a UnderWay,
    everywhere: bool,
}

fn summary(app: &App, visit: &Visit, logout: &UnderWay) -> Result<Response, Problem> {
    let everywhere = logout.steps.iter().all(|step| step.state == Progress::Done);
    let title = if everywhere { "You are signed out" } else { "You are not signed out everywhere" };
    site::html(&SummaryPage { shell: visit.card(app, title), logout, everywhere })
}

/// How far an application is, in words.
fn words(step: &Step) -> String {
    let known = match step.state {
        Progress::Waiting => "waits to be told",
        Progress::Sent => "has been told",
        Progress::Done => "signed out",
        Progress::Partial => "signed out, but not everywhere it passed the sign-in on to",
        Progress::Refused => "refused to sign you out",
        Progress::Unanswered => "did not confirm it",
        Progress::Unreachable => "could not be told",
    };
    if step.detail.is_empty() { known.to_owned() } else { format!("{known}: {}", step.detail) }
}

fn badge(step: &Step) -> &'static str {
    match step.state {
        Progress::Waiting | Progress::Sent => "badge badge-muted",
        Progress::Done => "badge badge-success",
        _ => "badge badge-warning",
    }
}

fn gone() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "This sign-out is over",
        "It was finished already, took too long, or was begun in another browser. If you want to be sure, close the \
         browser: all its windows.",
    )
    .next("Go to My applications", MY_APPLICATIONS)
}
