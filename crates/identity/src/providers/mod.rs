//! Providers: how an application learns who somebody is. `flows` comes here and does not care by which
//! protocol; there is SAML.

mod pages;
pub(crate) mod saml;

use std::sync::Arc;

use axum::response::Response;
use site::Problem;

pub(crate) use self::pages::{PROVIDERS, routes};
pub(crate) use self::saml::Snapshot as Provider;
use crate::app::App;
use crate::applications::{Application, Binding};
use crate::sessions::Person;
use crate::visit::Visit;

/// An application as a sign-in needs it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) application: Application,
    /// In their order.
    pub(crate) bindings: Vec<Binding>,
    /// Whether people are asked before the application learns who they are.
    pub(crate) asks_consent: bool,
}

/// The provider of an application, as of this revision of the configuration or a later one; `None` if
/// there is no such application or it has no provider.
///
/// # Errors
/// The database's.
pub(crate) async fn find(
    app: &App,
    slug: &str,
    revision: Option<i64>,
) -> Result<Option<Arc<Provider>>, Problem> {
    app.saml.find(app, slug, revision).await
}

/// The answer to a request that waited, for the person who is signed in and may. The answer is noted first.
///
/// # Errors
/// A page for the person, if the answer can't be given; the database's.
pub(crate) async fn answer(
    app: &App,
    visit: &Visit,
    provider: &Provider,
    details: &str,
    person: &Person,
) -> Result<Response, Problem> {
    saml::answer_waiting(app, visit, provider, details, person).await
}

/// The answer that nothing can be said without showing something to the person.
///
/// # Errors
/// A page for the person, if the answer can't be given.
pub(crate) fn refuse_passive(
    app: &App,
    visit: &Visit,
    provider: &Provider,
    details: &str,
) -> Result<Response, Problem> {
    saml::refuse_waiting(app, visit, provider, details)
}
