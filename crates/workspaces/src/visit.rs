//! One request of one browser, as far as every page needs it.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use serde::Serialize;
use site::events::Event;
use site::visitor::{ClientAddr, TraceId};
use site::{NavItem, Notice, Problem, Shell, Visitor};

use crate::app::App;
use crate::auth::Person;

/// One request of one browser.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) visitor: Visitor,
    pub(crate) addr: ClientAddr,
    pub(crate) trace: TraceId,
    pub(crate) path: String,
    pub(crate) user_agent: String,
    /// The host name that the browser asked for, without its port.
    pub(crate) host: String,
    /// The page of ours that the browser wants after signing in (`?next=`).
    pub(crate) next: Option<String>,
    notice: Option<Notice>,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let visitor = Visitor::from_request_parts(parts, app).await?;
        let Ok(addr) = ClientAddr::from_request_parts(parts, app).await;
        let Ok(trace) = TraceId::from_request_parts(parts, app).await;
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        Ok(Self {
            visitor,
            addr,
            trace,
            path: parts.uri.path().to_owned(),
            user_agent: text(header::USER_AGENT).unwrap_or_default().to_owned(),
            host: host_name(parts.uri.host().or_else(|| text(header::HOST)).unwrap_or_default()),
            next: next_of(parts.uri.query().unwrap_or_default()),
            notice: Notice::take(&app.site, &parts.headers),
        })
    }
}

fn host_name(authority: &str) -> String {
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    };
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn next_of(query: &str) -> Option<String> {
    let (_, path) = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "next")?;
    site::origin::local_path(&path).map(str::to_owned)
}

impl Visit {
    /// The frame of a page in the middle of the screen, for people who are not signed in.
    pub(crate) fn card(&self, app: &App, title: impl Into<String>) -> Shell {
        Shell::new(&app.site, &self.visitor, title).with_notice(self.notice.clone())
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
    /// open: SQLite has one writer, and the two would wait for each other.
    pub(crate) async fn record(
        &self,
        app: &App,
        action: &str,
        actor: &str,
        subject: &str,
        context: &(impl Serialize + Sync),
    ) -> Result<(), store::Error> {
        let event = Event { action, actor, subject, client_addr: self.addr, trace: &self.trace };
        app.events.record(event, context).await
    }
}

fn corner(person: &Person, elsewhere: Option<(&'static str, &'static str)>) -> site::Person {
    site::Person { name: person.user.display_name(), sign_out: "/signout", elsewhere }
}

#[cfg(test)]
mod tests {
    use super::{host_name, next_of};

    #[test]
    fn only_a_page_of_ours_can_come_next() {
        assert_eq!(next_of("a=b&next=%2Fsession%2F1%3Fx%3Dy"), Some("/session/1?x=y".into()));
        for foreign in
            ["next=https://evil.example", "next=//evil.example", "next=%2F%5Cevil.example", "other=/x", ""]
        {
            assert_eq!(next_of(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_host_is_compared_without_port_and_case() {
        for (authority, name) in [
            ("Work.Example.com:9000", "work.example.com"),
            ("work.example.com.", "work.example.com"),
            ("[::1]:9000", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(host_name(authority), name);
        }
    }
}
