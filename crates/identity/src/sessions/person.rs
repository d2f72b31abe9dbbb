//! Extractors: a signed-in person, and one who administers.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use site::browser_sessions::BrowserSession;
use site::{Problem, Visitor};

use super::store::present;
use crate::app::App;
use crate::flows;
use crate::groups::Group;
use crate::users::User;

/// Whoever is signed in at this browser. Without anybody a page leads to sign-in and back again.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) user: User,
    pub(crate) session: BrowserSession,
    pub(crate) groups: Vec<Group>,
}

impl Person {
    /// Whether the person is in a group of superusers.
    pub(crate) fn administers(&self) -> bool {
        self.groups.iter().any(|group| group.is_superuser)
    }
}

impl OptionalFromRequestParts<App> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Problem> {
        let visitor = <Visitor as FromRequestParts<App>>::from_request_parts(parts, app).await?;
        if visitor.is_new() {
            return Ok(None);
        }
        let mut conn = app.store.read().await?;
        Ok(present(&mut conn, &app.site, &visitor).await?.map(|present| present.person))
    }
}

impl FromRequestParts<App> for Person {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        match <Self as OptionalFromRequestParts<App>>::from_request_parts(parts, app).await {
            Ok(Some(person)) => Ok(person),
            Ok(None) => Err(sign_in_first(parts)),
            Err(problem) => Err(problem.into_response()),
        }
    }
}

fn sign_in_first(parts: &Parts) -> Response {
    if parts.method == Method::GET {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        return Redirect::to(&flows::sign_in_then(path)).into_response();
    }
    let sentence = "You are not signed in any more, so nothing was changed. Sign in and try again.";
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "Please sign in", sentence);
    problem.next("Sign in", flows::SIGN_IN).into_response()
}

/// A person who may administer; everybody else is told that they may not.
#[derive(Clone, Debug)]
pub(crate) struct Administrator(pub(crate) Person);

impl FromRequestParts<App> for Administrator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let person = <Person as FromRequestParts<App>>::from_request_parts(parts, app).await?;
        if person.administers() {
            return Ok(Self(person));
        }
        let refused = Problem::forbidden("Only members of a group of administrators may do this.")
            .because(format!("{} is no administrator", person.user.username))
            .next("Go to My applications", "/if/user/");
        Err(refused.into_response())
    }
}
