//! The SAML 2.0 identity provider.

mod pages;
mod period;

use std::sync::Arc;

use axum::response::Response;
use site::Problem;

pub(crate) use self::pages::routes;
use super::Client;
use crate::app::App;
use crate::sessions::Person;
use crate::visit::Visit;

/// What is kept in memory of providers: their settings and parsed keys, valid for one revision.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshots;

#[derive(Debug)]
pub(crate) struct Snapshot {
    client: Client,
}

impl Snapshot {
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

impl Snapshots {
    pub(crate) async fn find(&self, _: &App, _: &str, _: Option<i64>) -> Result<Option<Arc<Snapshot>>, Problem> {
        Ok(None)
    }
}

pub(crate) async fn answer_details(
    _: &App,
    _: &Visit,
    _: &Snapshot,
    _: &str,
    _: &Person,
) -> Result<Response, Problem> {
    Err(Problem::internal("not yet"))
}

pub(crate) fn refuse_passive_details(_: &App, _: &Visit, _: &Snapshot, _: &str) -> Result<Response, Problem> {
    Err(Problem::internal("not yet"))
}
