//! One request of one browser, as far as every page needs it.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header;
use axum::http::request::Parts;

use crate::context::Site;
use crate::events::Event;
use crate::visitor::{ClientAddr, TraceId, Visitor};
use crate::{Notice, Problem, Shell};

/// One request of one browser. A product wraps it and adds its navigation.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The browser.
    pub visitor: Visitor,
    /// From which address.
    pub addr: ClientAddr,
    /// The id of the request.
    pub trace: TraceId,
    /// The path that was asked for.
    pub path: String,
    /// The browser, in its own words.
    pub user_agent: String,
    /// The host name that the browser asked for, in lower case and without its port.
    pub host: String,
    /// The page of ours that the browser wants after signing in (`?next=`); never one of another site.
    pub next: Option<String>,
    notice: Option<Notice>,
}

impl<S> FromRequestParts<S> for Visit
where
    S: Send + Sync,
    Site: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        let Ok(addr) = ClientAddr::from_request_parts(parts, state).await;
        let Ok(trace) = TraceId::from_request_parts(parts, state).await;
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        Ok(Self {
            visitor,
            addr,
            trace,
            path: parts.uri.path().to_owned(),
            user_agent: text(header::USER_AGENT).unwrap_or_default().to_owned(),
            host: host_name(parts.uri.host().or_else(|| text(header::HOST)).unwrap_or_default()),
            next: next_of(parts.uri.query().unwrap_or_default()),
            notice: Notice::take(&Site::from_ref(state), &parts.headers),
        })
    }
}

impl Visit {
    /// The frame of a page in the middle of the screen, and the beginning of every other.
    pub fn card(&self, site: &Site, title: impl Into<String>) -> Shell {
        Shell::new(site, &self.visitor, title).with_notice(self.notice.clone())
    }

    /// A decision of this request, to be noted.
    pub fn event<'e>(&'e self, action: &'e str, actor: &'e str, subject: &'e str) -> Event<'e> {
        Event { action, actor, subject, client_addr: self.addr, trace: &self.trace }
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
    crate::origin::local_path(&path).map(str::to_owned)
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
