//! The start page, and the one click that connects the other product of the house.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;
use site::events::RecordedEvent;
use site::{Button, Problem, Shell, Submitted};
use sqlx::{AnyConnection, FromRow};
use store::Error;

use super::OVERVIEW;
use crate::ConnectError;
use crate::app::App;
use crate::certificates::{self, Warning};
use crate::providers::saml;
use crate::refusal::Refusal;
use crate::visit::AdminVisit;

/// Events on the start page.
const NEWEST: u32 = 10;

pub(crate) fn routes() -> Router<App> {
    Router::new().route(OVERVIEW, get(page)).route("/if/admin/connect/", post(connect))
}

#[derive(Clone, Copy, Debug, FromRow)]
struct Counts {
    applications: i64,
    providers: i64,
    unused_providers: i64,
    users: i64,
    groups: i64,
    certificates: i64,
}

async fn count(conn: &mut AnyConnection) -> Result<Counts, Error> {
    let counts = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM identity_applications) AS applications, \
         (SELECT COUNT(*) FROM identity_saml_providers) AS providers, \
         (SELECT COUNT(*) FROM identity_saml_providers p WHERE NOT EXISTS \
         (SELECT 1 FROM identity_applications a WHERE a.provider_id = p.id)) AS unused_providers, \
         (SELECT COUNT(*) FROM identity_users) AS users, \
         (SELECT COUNT(*) FROM identity_groups) AS groups, \
         (SELECT COUNT(*) FROM identity_certificates) AS certificates",
    )
    .fetch_one(conn)
    .await?;
    Ok(counts)
}

#[derive(Template)]
#[template(path = "overview/templates/overview.html")]
struct OverviewPage {
    shell: Shell,
    counts: Counts,
    events: Vec<RecordedEvent>,
    /// Certificates that have expired or soon will.
    warnings: Vec<Warning>,
    /// Providers whose metadata can't be refreshed.
    failing: Vec<saml::Failing>,
    /// The name of the product that one click connects.
    connector: Option<String>,
}

async fn page(by: AdminVisit) -> Result<Response, Problem> {
    let mut conn = by.app.store.read().await?;
    let page = OverviewPage {
        shell: by.page("Overview"),
        counts: count(&mut conn).await?,
        events: by.app.events.newest(&mut conn, NEWEST).await?,
        warnings: certificates::warnings(&mut conn, by.app.site.now()).await?,
        failing: saml::failing(&mut conn).await?,
        connector: by.app.workspaces.as_ref().map(|connector| connector.name()),
    };
    site::html(&page)
}

/// Connects the other product of the house, both sides at once.
async fn connect(by: AdminVisit, Submitted(Button {}): Submitted<Button>) -> Result<Response, Problem> {
    let Some(connector) = by.app.workspaces.clone() else {
        let sentence = "There is nothing to connect: this installation runs no other product of the house.";
        return Err(Problem::not_found(sentence).next("Overview", OVERVIEW));
    };
    let name = connector.name();
    match connector.connect().await {
        Ok(()) => {
            let (app, actor) = (&by.app, &by.person.user.username);
            by.visit.record(app, "connected", actor, &name, &json!({})).await?;
            Ok(by.done(
                &format!("{name} is connected: people sign in there with their account here."),
                OVERVIEW,
            ))
        }
        Err(ConnectError::Refused(sentence)) => {
            Err(Problem::from(Refusal::Conflict(sentence)).next("Overview", OVERVIEW))
        }
        Err(ConnectError::Store(error)) => Err(error.into()),
    }
}
