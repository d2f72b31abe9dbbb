use askama::Template;
use axum::extract::{Path, State as Extract};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use site::{Button, Notice, Problem, Shell, Submitted, html};

use super::{EndCause, Session, State, keeper, launch, store, streaming, tickets};
use crate::app::App;
use crate::auth::{Administrator, Person};
use crate::visit::Visit;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/workspaces/{id}/launch", post(launch_workspace))
        .route("/session/{id}", get(show))
        .route("/session/{id}/delete", post(delete))
        .route("/api/sessions/{id}/status", get(status))
        .route("/api/sessions/{id}/ticket", post(ticket))
        .route("/api/sessions/{id}/stream", get(streaming::stream))
        .route("/admin/sessions/", get(list))
        .route("/admin/sessions/{id}/end", post(end))
}

async fn launch_workspace(
    Extract(app): Extract<App>,
    visit: Visit,
    person: Person,
    Path(id): Path<String>,
    _: Submitted<Button>,
) -> Result<Response, Problem> {
    let session = launch::launch(&app, &visit, &person, &id).await?;
    Ok(Redirect::to(&format!("/session/{session}")).into_response())
}

async fn own(app: &App, person: &Person, id: &str) -> Result<Session, Problem> {
    let found = store::find_own(&mut *app.store.read().await?, id, &person.user.id).await?;
    found
        .ok_or_else(|| Problem::not_found("There is no such session of yours.").next("Show my sessions", "/"))
}

#[derive(Template)]
#[template(path = "sessions/templates/workspace.html")]
struct WorkspacePage {
    shell: Shell,
    session: Session,
}

async fn show(
    Extract(app): Extract<App>,
    visit: Visit,
    person: Person,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let session = own(&app, &person, &id).await?;
    let shell = visit.page(&app, &person, session.workspace_name.clone());
    html(&WorkspacePage { shell, session })
}

async fn delete(
    Extract(app): Extract<App>,
    visit: Visit,
    person: Person,
    Path(id): Path<String>,
    _: Submitted<Button>,
) -> Result<Response, Problem> {
    let session = own(&app, &person, &id).await?;
    launch::end(&app, &id, EndCause::Deleted).await?;
    let name = &session.workspace_name;
    visit.record(&app, "session_deleted", &person.user.username, name, &json!({"session": id})).await?;
    Ok(Notice::redirect(&app.site, &format!("The session {name} was deleted."), "/"))
}

/// How a session is, for the page that waits for it, or whose connection has just ended: then the driver knows
/// it before the table does.
async fn status(
    Extract(app): Extract<App>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Json<serde_json::Value>, Problem> {
    let mut session = own(&app, &person, &id).await?;
    if let State::Running(handle) = &session.state {
        keeper::ask_after(&app, &session, handle).await?;
        session = own(&app, &person, &id).await?;
    }
    let (state, progress, message, next) = match &session.state {
        State::Requested => ("starting", 10, "Your session is about to start.", ""),
        State::Starting => ("starting", 50, "Your session is starting.", ""),
        State::Running(_) => ("running", 100, "Your session is ready.", ""),
        State::Stopping(cause, _) | State::Ended(cause) => {
            ("ended", 100, cause.sentence(), "Go to your workspaces and launch it again.")
        }
    };
    Ok(Json(json!({"state": state, "progress": progress, "message": message, "next": next})))
}

async fn ticket(
    Extract(app): Extract<App>,
    person: Person,
    Path(id): Path<String>,
    _: Submitted<Button>,
) -> Result<Json<serde_json::Value>, Problem> {
    let session = own(&app, &person, &id).await?;
    if let State::Stopping(cause, _) | State::Ended(cause) = &session.state {
        let gone = Problem::new(axum::http::StatusCode::GONE, "This session has ended", cause.sentence());
        return Err(gone.next("Go to my workspaces", "/"));
    }
    let mut tx = app.store.begin().await?;
    let ticket = tickets::issue(&mut tx, &app.site, &session.id, &person).await?;
    tx.commit().await?;
    Ok(Json(json!({"ticket": ticket.token(), "path": format!("/api/sessions/{}/stream", session.id)})))
}

#[derive(Template)]
#[template(path = "sessions/templates/list.html")]
struct ListPage {
    shell: Shell,
    sessions: Vec<Session>,
    capacity: runtime::Capacity,
    now: ::store::Timestamp,
}

async fn list(Extract(app): Extract<App>, visit: Visit, admin: Administrator) -> Result<Response, Problem> {
    let sessions = store::alive(&mut *app.store.read().await?).await?;
    let capacity =
        app.driver.capacity().await.map_err(|error| Problem::internal(format!("capacity: {error}")))?;
    let shell = visit.admin_page(&app, &admin.0, "Sessions");
    html(&ListPage { shell, sessions, capacity, now: app.site.now() })
}

async fn end(
    Extract(app): Extract<App>,
    visit: Visit,
    admin: Administrator,
    Path(id): Path<String>,
    _: Submitted<Button>,
) -> Result<Response, Problem> {
    let found = store::find(&mut *app.store.read().await?, &id).await?;
    let session = found.ok_or_else(|| {
        Problem::not_found("There is no such session (any more).").next("Sessions", "/admin/sessions/")
    })?;
    launch::end(&app, &id, EndCause::EndedByAdministrator).await?;
    let context = json!({"session": id, "user": session.username});
    visit.record(&app, "session_ended", &admin.0.user.username, &session.workspace_name, &context).await?;
    let sentence = format!("The session {} of {} was ended.", session.workspace_name, session.username);
    Ok(Notice::redirect(&app.site, &sentence, "/admin/sessions/"))
}

/// A span of time in words, coarse enough to be read at a glance.
pub(crate) fn ago(from: &::store::Timestamp, now: &::store::Timestamp) -> String {
    let minutes = now.since(*from).as_secs() / 60;
    match minutes {
        0 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..1440 => format!("{} h {} min ago", minutes / 60, minutes % 60),
        _ => format!("{} days ago", minutes / 1440),
    }
}

/// The time left, in words.
pub(crate) fn left(until: &::store::Timestamp, now: &::store::Timestamp) -> String {
    let minutes = until.since(*now).as_secs() / 60;
    match minutes {
        0 => "in less than a minute".to_owned(),
        1..60 => format!("in {minutes} min"),
        _ => format!("in {} h {} min", minutes / 60, minutes % 60),
    }
}
