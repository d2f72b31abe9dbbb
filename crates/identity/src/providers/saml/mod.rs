//! The SAML 2.0 identity provider: what a service provider asks for (`endpoints`, `request`) is checked
//! against how it was registered (`settings`, held ready in `snapshot`), `flows` finds out who is there,
//! and `answer` tells.

mod answer;
mod changes;
mod endpoints;
mod form;
mod import;
mod metadata;
mod name_id;
mod pages;
mod period;
mod preview;
mod refresh;
mod register;
mod request;
mod service_provider;
mod settings;
mod snapshot;
mod store;
#[cfg(test)]
mod tests;
mod told;
mod uses;

use axum::Router;
use axum::response::Response;
use site::Problem;

pub(crate) use self::changes::create;
pub(crate) use self::form::{Choices, Fields};
pub(crate) use self::pages::page_of;
pub(crate) use self::refresh::{Failing, failing, refresh_due};
pub(crate) use self::register::register;
pub(crate) use self::settings::Settings;
pub(crate) use self::snapshot::{Snapshot, Snapshots};
pub(crate) use self::store::{Listed, list};
pub(crate) use self::uses::{
    CertificateRole, CertificateUse, certificate_uses, uses_of_certificate, using_mapping,
};
use crate::app::App;
use crate::sessions::Person;
use crate::visit::Visit;

pub(crate) fn routes() -> Router<App> {
    endpoints::routes()
        .merge(metadata::routes())
        .merge(pages::routes())
        .merge(import::routes())
        .merge(refresh::routes())
}

/// The answer to a request that waited; `details` are those that it was kept with.
///
/// # Errors
/// A page for the person, if the answer can't be given; the database's.
pub(crate) async fn answer_waiting(
    app: &App,
    visit: &Visit,
    snapshot: &Snapshot,
    details: &str,
    person: &Person,
) -> Result<Response, Problem> {
    let asked = serde_json::from_str(details).map_err(Problem::internal)?;
    answer::answer(app, visit, snapshot, &asked, person).await
}

/// The answer to a request that waited that nothing can be said without showing something to the person.
///
/// # Errors
/// A page for the person, if the answer can't be given.
pub(crate) fn refuse_waiting(
    app: &App,
    visit: &Visit,
    snapshot: &Snapshot,
    details: &str,
) -> Result<Response, Problem> {
    let asked = serde_json::from_str(details).map_err(Problem::internal)?;
    answer::not_passive(app, visit, snapshot, &asked)
}
