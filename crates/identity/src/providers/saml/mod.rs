//! The SAML 2.0 identity provider: what a service provider asks for (`endpoints`, `request`) is checked
//! against how it was registered (`settings`, held ready in `snapshot`), `flows` finds out who is there,
//! and `answer` tells.

mod answer;
mod changes;
mod endpoints;
mod fit;
mod form;
mod import;
mod known_names;
pub(crate) mod logout;
mod metadata;
mod name_id;
mod pages;
mod period;
mod preview;
mod refresh;
mod refused;
mod register;
mod request;
mod service_provider;
mod settings;
mod snapshot;
mod store;
#[cfg(test)]
mod tests;
mod told;
mod trust;
mod uses;

use axum::Router;
use axum::response::Response;
use saml::NameIdFormat;
use site::Problem;

pub(crate) use self::changes::create;
pub(crate) use self::form::{Choices, Fields};
pub(crate) use self::pages::page_of;
pub(crate) use self::refresh::{Failing, failing, refresh_due};
use self::refused::Refused;
pub(crate) use self::register::register;
use self::request::Asked;
pub(crate) use self::settings::Settings;
pub(crate) use self::snapshot::{Snapshot, Snapshots};
pub(crate) use self::store::{Listed, list};
pub(crate) use self::uses::{
    CertificateRole, CertificateUse, certificate_uses, uses_of_certificate, using_mapping,
};
use crate::app::App;
use crate::flows::{Fit, Refusal};
use crate::sessions::Person;
use crate::visit::Visit;

pub(crate) fn routes() -> Router<App> {
    endpoints::routes()
        .merge(metadata::routes())
        .merge(pages::routes())
        .merge(import::routes())
        .merge(refresh::routes())
        .merge(logout::routes())
}

/// A request that waited, read back from the details that it was kept with.
///
/// # Errors
/// Details that a newer version kept.
pub(crate) fn waiting(details: &str) -> Result<Waiting, Problem> {
    serde_json::from_str(details).map(Waiting).map_err(Problem::internal)
}

/// A request that waited.
#[derive(Debug)]
pub(crate) struct Waiting(Asked);

impl Waiting {
    /// Whether anybody waits for an answer. Nobody does for a sign-in that began here.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.0.in_response_to.is_some()
    }

    /// What the person is called whom the request names, if people sign in by such a name.
    pub(crate) fn login_hint(&self) -> Option<String> {
        let subject = self.0.subject()?;
        matches!(subject.format, NameIdFormat::EmailAddress | NameIdFormat::Unspecified)
            .then_some(subject.value)
    }

    /// Whether the person fits what the application asks for.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn fit(&self, app: &App, snapshot: &Snapshot, person: &Person) -> Result<Fit, Problem> {
        Ok(fit::for_flow(&fit::check(app, snapshot, &self.0, person).await?))
    }

    /// The answer, for a person who is signed in, may, and fits.
    ///
    /// # Errors
    /// A page for the person, if the answer can't be given; the database's.
    pub(crate) async fn answer(
        &self,
        app: &App,
        visit: &Visit,
        snapshot: &Snapshot,
        person: &Person,
    ) -> Result<Response, Problem> {
        match fit::check(app, snapshot, &self.0, person).await? {
            Ok(granted) => answer::answer(app, visit, snapshot, &self.0, (person, &granted)).await,
            Err(unfit) => {
                answer::refuse(app, visit, snapshot, &self.0, (Some(person), &unfit.refused())).await
            }
        }
    }

    /// The answer that there will be none.
    ///
    /// # Errors
    /// A page for the person, if the answer can't be given; the database's.
    pub(crate) async fn refuse(
        &self,
        app: &App,
        visit: &Visit,
        snapshot: &Snapshot,
        (person, refusal): (Option<&Person>, Refusal),
    ) -> Result<Response, Problem> {
        let refused = self.refused(app, snapshot, person, refusal).await?;
        answer::refuse(app, visit, snapshot, &self.0, (person, &refused)).await
    }

    async fn refused(
        &self,
        app: &App,
        snapshot: &Snapshot,
        person: Option<&Person>,
        refusal: Refusal,
    ) -> Result<Refused, Problem> {
        if let (Refusal::Unfit, Some(person)) = (refusal, person)
            && let Err(unfit) = fit::check(app, snapshot, &self.0, person).await?
        {
            return Ok(unfit.refused());
        }
        Ok(refused::by_flow(refusal))
    }
}
