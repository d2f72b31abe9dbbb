//! One request of one browser, as far as every page needs it.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use site::{NavItem, Notice, Problem, Shell};
use sqlx::AnyConnection;

use crate::app::App;
use crate::sessions::{Administrator, Person};
use crate::{flows, library, overview};

/// One request of one browser.
#[derive(Clone, Debug)]
pub(crate) struct Visit(site::Visit);

impl Deref for Visit {
    type Target = site::Visit;

    fn deref(&self) -> &site::Visit {
        &self.0
    }
}

impl FromRequestParts<App> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        site::Visit::from_request_parts(parts, app).await.map(Self)
    }
}

impl Visit {
    /// The frame of a page in the middle of the screen, for people who are not signed in.
    pub(crate) fn card(&self, app: &App, title: impl Into<String>) -> Shell {
        self.0.card(&app.site, title)
    }

    /// The frame of a page of a signed-in person.
    pub(crate) fn page(&self, app: &App, person: &Person, title: impl Into<String>) -> Shell {
        let mut shell = self.card(app, title);
        shell.nav = vec![NavItem::new("", "My applications", library::MY_APPLICATIONS, &self.path)];
        let admin = person.administers().then_some(("Admin interface", overview::OVERVIEW));
        shell.person = Some(corner(person, admin));
        shell
    }

    /// The frame of an administrator's page.
    pub(crate) fn admin_page(&self, app: &App, person: &Person, title: impl Into<String>) -> Shell {
        let mut shell = self.card(app, title);
        let item = |section, label, href| NavItem::new(section, label, href, &self.path);
        let current = self.path == overview::OVERVIEW;
        shell.nav = vec![
            NavItem { section: "", label: "Overview", href: overview::OVERVIEW, current },
            item("Applications", "Applications", "/if/admin/applications/"),
            item("Applications", "Providers", "/if/admin/providers/"),
            item("Customization", "Property Mappings", "/if/admin/property-mappings/"),
            item("Directory", "Users", "/if/admin/users/"),
            item("Directory", "Groups", "/if/admin/groups/"),
            item("System", "Certificates", "/if/admin/certificates/"),
            item("System", "Events", "/if/admin/events/"),
        ];
        shell.person = Some(corner(person, Some(("My applications", library::MY_APPLICATIONS))));
        shell
    }

    /// Notes a decision of this request and returns once the note is durable. Never while a transaction is
    /// open: SQLite has one writer, and the two would wait for each other; there is [`Self::record_in`].
    pub(crate) async fn record(
        &self,
        app: &App,
        action: &str,
        actor: &str,
        subject: &str,
        context: &(impl Serialize + Sync),
    ) -> Result<(), store::Error> {
        app.events.record(self.event(action, actor, subject), context).await
    }

    /// As [`Self::record`], with a row of another table in the same commit.
    pub(crate) async fn record_with(
        &self,
        app: &App,
        action: &str,
        (actor, subject): (&str, &str),
        context: &(impl Serialize + Sync),
        beside: store::Beside,
    ) -> Result<(), store::Error> {
        app.events.record_with(self.event(action, actor, subject), context, beside).await
    }

    /// Notes a change in the transaction that makes it: both are kept, or neither is.
    pub(crate) async fn record_in(
        &self,
        app: &App,
        conn: &mut AnyConnection,
        action: &str,
        actor: &str,
        subject: &str,
        context: &(impl Serialize + Sync),
    ) -> Result<(), store::Error> {
        app.events.record_in(conn, self.event(action, actor, subject), context).await
    }
}

/// One request of an administrator's browser.
#[derive(Clone)]
pub(crate) struct AdminVisit {
    pub(crate) app: App,
    pub(crate) visit: Visit,
    pub(crate) person: Person,
}

impl FromRequestParts<App> for AdminVisit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let Administrator(person) = Administrator::from_request_parts(parts, app).await?;
        let visit = Visit::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        Ok(Self { app: app.clone(), visit, person })
    }
}

impl AdminVisit {
    /// The frame of a page.
    pub(crate) fn page(&self, title: impl Into<String>) -> Shell {
        self.visit.admin_page(&self.app, &self.person, title)
    }

    /// Notes what this administrator changes, in the transaction that changes it. `action` is
    /// `model_created`, `model_updated`, `model_deleted` or a word of the feature's own.
    pub(crate) async fn record_in(
        &self,
        conn: &mut AnyConnection,
        action: &str,
        subject: &str,
        context: &(impl Serialize + Sync),
    ) -> Result<(), store::Error> {
        self.visit.record_in(&self.app, conn, action, &self.person.user.username, subject, context).await
    }

    /// Goes on to `path` and says there what was done.
    pub(crate) fn done(&self, sentence: &str, path: &str) -> Response {
        Notice::redirect(&self.app.site, sentence, path)
    }
}

fn corner(person: &Person, elsewhere: Option<(&'static str, &'static str)>) -> site::Person {
    site::Person { name: person.user.display_name().to_owned(), sign_out: flows::SIGN_OUT, elsewhere }
}
