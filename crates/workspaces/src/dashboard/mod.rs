//! What a person sees after signing in: workspaces to launch and sessions to resume.

#[cfg(test)]
mod tests;

use askama::Template;
use axum::response::Response;
use site::{Problem, Shell, html};

use crate::app::App;
use crate::auth::Person;
use crate::catalogue::{self, Definition};
use crate::sessions::{self, Session, State, ago, left};
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "dashboard/templates/dashboard.html")]
struct DashboardPage {
    shell: Shell,
    administrator: bool,
    sessions: Vec<Session>,
    definitions: Vec<Definition>,
    now: store::Timestamp,
}

/// The dashboard.
pub(crate) async fn page(app: &App, visit: &Visit, person: &Person) -> Result<Response, Problem> {
    let mut conn = app.store.read().await?;
    let definitions = catalogue::visible_to(&mut conn, &person.user.id).await?;
    let sessions = sessions::alive_of(&mut conn, &person.user.id).await?;
    drop(conn);
    let additions = catalogue::images(&definitions);
    let shell = visit.page(app, person, "Workspaces");
    let page =
        DashboardPage { shell, administrator: person.administrator, sessions, definitions, now: app.site.now() };
    Ok(additions.on(html(&page)?))
}
