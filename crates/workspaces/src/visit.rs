//! One request of one browser, as far as every page needs it.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Serialize;
use site::{NavItem, Problem, Shell};
use sqlx::AnyConnection;

use crate::app::App;
use crate::auth::Person;

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
        shell.nav = vec![NavItem::new("", "Workspaces", "/", &self.path)];
        shell.person = Some(corner(person, person.administrator.then_some(("Administration", "/admin/"))));
        shell
    }

    /// The frame of an administrator's page.
    pub(crate) fn admin_page(&self, app: &App, person: &Person, title: impl Into<String>) -> Shell {
        let mut shell = self.card(app, title);
        let item = |section, label, href| NavItem::new(section, label, href, &self.path);
        let overview =
            NavItem { section: "", label: "Overview", href: "/admin/", current: self.path == "/admin/" };
        shell.nav = vec![
            overview,
            item("Workspaces", "Workspaces", "/admin/workspaces/"),
            item("Workspaces", "Sessions", "/admin/sessions/"),
            item("Access Management", "Users", "/admin/access/users"),
            item("Access Management", "Groups", "/admin/access/groups"),
            item("Access Management", "Authentication", "/admin/access/authentication/"),
            item("Diagnostics", "Events", "/admin/events/"),
        ];
        shell.person = Some(corner(person, Some(("Back to my workspaces", "/"))));
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

fn corner(person: &Person, elsewhere: Option<(&'static str, &'static str)>) -> site::Person {
    site::Person { name: person.user.display_name(), sign_out: "/signout", elsewhere }
}
