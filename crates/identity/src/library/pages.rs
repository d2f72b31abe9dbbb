//! The page My applications, and the way from a tile to its application.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde_json::json;
use site::{CspAdditions, Problem, Shell};
use url::Url;

use super::MY_APPLICATIONS;
use crate::app::App;
use crate::applications::{self, Application};
use crate::policies;
use crate::sessions::Person;
use crate::visit::Visit;

pub(crate) fn routes() -> Router<App> {
    Router::new().route(MY_APPLICATIONS, get(page)).route("/application/launch/{slug}/", get(launch))
}

#[derive(Template)]
#[template(path = "library/templates/my_applications.html")]
struct MyApplicationsPage {
    shell: Shell,
    sections: Vec<Section>,
    many: bool,
    administers: bool,
}

/// The applications of one group.
struct Section {
    heading: String,
    applications: Vec<Application>,
}

async fn page(State(app): State<App>, visit: Visit, person: Person) -> Result<Response, Problem> {
    let mine = super::of(&mut *app.store.read().await?, &person).await?;
    let icons = mine.iter().filter_map(|application| Url::parse(&application.icon).ok());
    let csp = icons.fold(CspAdditions::default(), |csp, icon| csp.img(&icon));
    let page = MyApplicationsPage {
        shell: visit.page(&app, &person, "My applications"),
        many: mine.len() > 8,
        sections: sections(mine),
        administers: person.administers(),
    };
    Ok(csp.on(site::html(&page)?))
}

/// Applications come by group and name, so those of one group stand together.
fn sections(applications: Vec<Application>) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for application in applications {
        match sections.last_mut() {
            Some(section) if section.heading == application.group_name => {
                section.applications.push(application)
            }
            _ => {
                let heading = application.group_name.clone();
                sections.push(Section { heading, applications: vec![application] });
            }
        }
    }
    sections
}

/// The first letter of an application without an icon.
fn initial(application: &Application) -> String {
    application.name.chars().take(1).flat_map(char::to_uppercase).collect()
}

async fn launch(
    State(app): State<App>,
    visit: Visit,
    person: Person,
    Path(slug): Path<String>,
) -> Result<Response, Problem> {
    let mut conn = app.store.read().await?;
    let application = applications::by_slug(&mut conn, &slug).await?;
    let application = application.ok_or_else(|| {
        Problem::not_found("There is no such application.").next("My applications", MY_APPLICATIONS)
    })?;
    let bindings = applications::bindings_of(&mut conn, &application.id).await?;
    drop(conn);
    let mode = application.policy_engine_mode;
    if !policies::allows(mode, &bindings, &person.user.id, &person.groups) {
        visit
            .record(&app, "access_denied", &person.user.username, &application.name, &json!({ "slug": slug }))
            .await?;
        return Err(permission_denied(&application.name));
    }
    let start = application.start().ok_or_else(|| {
        let sentence =
            "This application has neither a provider nor a launch URL, so there is nothing to open.";
        Problem::not_found(sentence).next("My applications", MY_APPLICATIONS)
    })?;
    Ok(Redirect::to(&start).into_response())
}

fn permission_denied(application: &str) -> Problem {
    Problem::forbidden(format!(
        "You may not open {application}. If you need it, ask your administrator for access."
    ))
    .next("My applications", MY_APPLICATIONS)
}
