//! Providers: how an application learns who somebody is. `flows` comes here and does not care by which
//! protocol; there is SAML.

mod pages;
pub(crate) mod saml;

use std::sync::Arc;

use site::Problem;

pub(crate) use self::pages::{PROVIDERS, routes};
pub(crate) use self::saml::logout;
pub(crate) use self::saml::{Snapshot as Provider, Waiting};
use crate::app::App;
use crate::applications::{Application, Binding};

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

/// A request of an application that waited, as its protocol kept it.
///
/// # Errors
/// Details that a newer version kept.
pub(crate) fn waiting(details: &str) -> Result<Waiting, Problem> {
    saml::waiting(details)
}
