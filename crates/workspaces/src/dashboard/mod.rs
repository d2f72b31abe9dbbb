//! What a person sees after signing in: workspaces to launch and sessions to resume.

#[cfg(test)]
mod tests;

use askama::Template;
use axum::response::Response;
use site::{Problem, Shell, html};

use crate::app::App;
use crate::auth::Person;
use crate::catalogue::{self, Definition};
use crate::sessions::{self, Session, State};
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "dashboard/templates/dashboard.html")]
struct DashboardPage {
    shell: Shell,
    administrator: bool,
    sessions: Vec<Session>,
    categories: Vec<Category>,
    now: store::Timestamp,
}

/// The tiles below one heading.
struct Category {
    /// Empty for workspaces without one, which come first.
    heading: String,
    definitions: Vec<Definition>,
}

/// Definitions come ordered by their category.
fn by_category(definitions: Vec<Definition>) -> Vec<Category> {
    let mut categories: Vec<Category> = Vec::new();
    for definition in definitions {
        match categories.last_mut() {
            Some(last) if last.heading == definition.details.category => last.definitions.push(definition),
            _ => categories.push(Category {
                heading: definition.details.category.clone(),
                definitions: vec![definition],
            }),
        }
    }
    categories
}

/// The dashboard.
pub(crate) async fn page(app: &App, visit: &Visit, person: &Person) -> Result<Response, Problem> {
    let mut conn = app.store.read().await?;
    let definitions = catalogue::visible_to(&mut conn, &person.user.id).await?;
    let sessions = sessions::alive_of(&mut conn, &person.user.id).await?;
    drop(conn);
    let thumbnails = definitions.iter().map(|definition| &definition.details.thumbnail);
    let additions = catalogue::images(thumbnails.chain(sessions.iter().map(|session| &session.thumbnail)));
    let shell = visit.page(app, person, "Workspaces");
    let (administrator, categories) = (person.administrator, by_category(definitions));
    let page = DashboardPage { shell, administrator, sessions, categories, now: app.site.now() };
    Ok(additions.on(html(&page)?))
}
