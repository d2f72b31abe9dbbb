//! Who may open a connection to a session.

use std::future::Future;

use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::Url;

use crate::LaunchTicket;

/// The largest WebSocket message that a browser may send, in bytes: the largest clipboard and what is around it.
pub const MAX_MESSAGE: usize = 2 * 1024 * 1024;

/// Why a connection was not opened. Browsers do not show the answer to a refused WebSocket to a page; the log has it.
#[derive(Debug, thiserror::Error)]
pub enum Refusal<E> {
    /// The page that asked is not one of ours.
    #[error("the origin of the page is not that of this service")]
    Origin,
    /// No ticket was offered, or something that is none.
    #[error("the request has no launch ticket")]
    NoTicket,
    /// The ticket is unknown, was used before, has expired, or belongs to somebody or something else.
    #[error("the launch ticket is not valid, or not any more")]
    Ticket,
    /// The ticket could not be looked up.
    #[error("the launch ticket could not be checked")]
    Lookup(#[source] E),
}

impl<E> IntoResponse for Refusal<E> {
    fn into_response(self) -> Response {
        let (status, words) = match self {
            Self::Origin => (StatusCode::FORBIDDEN, "This page may not open a workspace."),
            Self::NoTicket | Self::Ticket => (
                StatusCode::FORBIDDEN,
                "This link to the workspace was used or has expired. Please open it again.",
            ),
            Self::Lookup(_) => (StatusCode::SERVICE_UNAVAILABLE, "The workspace cannot be opened now."),
        };
        (status, words).into_response()
    }
}

/// Decides about a connection before the upgrade. `consume` gets the ticket and must check it (session, user, time) and
/// use it up in one statement of the caller's database, so that of two requests with one ticket only one gets through;
/// it answers what the ticket stands for. A request from a foreign origin does not use up the ticket.
pub async fn admit<T, E, F>(
    headers: &HeaderMap,
    expected_origin: &str,
    consume: impl FnOnce(LaunchTicket) -> F,
) -> Result<T, Refusal<E>>
where
    F: Future<Output = Result<Option<T>, E>>,
{
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = origins.next().and_then(|origin| origin.to_str().ok()).ok_or(Refusal::Origin)?;
    if origins.next().is_some() || !origin_allowed(origin, expected_origin) {
        return Err(Refusal::Origin);
    }
    let ticket = LaunchTicket::from_headers(headers).ok_or(Refusal::NoTicket)?;
    consume(ticket).await.map_err(Refusal::Lookup)?.ok_or(Refusal::Ticket)
}

/// Upgrades an admitted request: bounded messages, and `binary` as the subprotocol (the ticket is never echoed).
pub fn accept<C, F>(upgrade: WebSocketUpgrade, callback: C) -> Response
where
    C: FnOnce(WebSocket) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    upgrade
        .protocols(["binary"])
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .on_upgrade(callback)
}

/// Whether an Origin header (RFC 6454, section 7) names exactly this origin. Both are compared as parsed scheme, host
/// and port; `null`, a path, or anything else around them does not match.
pub fn origin_allowed(origin: &str, expected: &str) -> bool {
    matches!((bare_origin(origin), bare_origin(expected)), (Some(one), Some(other)) if one == other)
}

fn bare_origin(text: &str) -> Option<url::Origin> {
    let url = Url::parse(text).ok()?;
    let origin = url.origin();
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && !text.ends_with('/');
    (bare && origin.is_tuple()).then_some(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "http://workspaces.localhost:9000";

    #[test]
    fn only_the_same_origin_is_allowed() {
        assert!(origin_allowed("http://workspaces.localhost:9000", OURS));
        assert!(origin_allowed("HTTP://Workspaces.LOCALHOST:9000", OURS));
        assert!(origin_allowed("https://a.example:443", "https://a.example"));
        for foreign in [
            "",
            "null",
            "http://workspaces.localhost",
            "https://workspaces.localhost:9000",
            "http://workspaces.localhost:9001",
            "http://workspaces.localhost:9000.evil.example",
            "http://evil.example/?http://workspaces.localhost:9000",
            "http://workspaces.localhost:9000@evil.example",
            "http://me@workspaces.localhost:9000",
            "http://workspaces.localhost:9000/path",
            "http://workspaces.localhost:9000/",
            "http://auth.localhost:9000",
            "file:///",
            "data:text/html,x",
        ] {
            assert!(!origin_allowed(foreign, OURS), "{foreign}");
        }
        assert!(!origin_allowed("null", "null"));
    }
}
