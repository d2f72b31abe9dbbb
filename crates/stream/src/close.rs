//! Why a connection is closed, as the page is told it.

/// The reason in the close frame of the WebSocket (RFC 6455, section 7.4.2: 4000 to 4999 are for applications).
///
/// The page has the same table in `web/src/workspace/close_reasons.json`; a test below compares the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The desktop or program in the session ended.
    SessionEnded,
    /// The session reached its time limit.
    TimeLimit,
    /// Nobody used the session for as long as its idle limit allows.
    IdleLimit,
    /// The person deleted the session, here or in another tab.
    Deleted,
    /// An administrator stopped the session.
    Stopped,
    /// The person signed out.
    SignedOut,
    /// The person may no longer use this workspace.
    AccessRemoved,
    /// The session was opened in another tab or browser.
    OpenedElsewhere,
    /// The service stops or restarts; the session lives on.
    ServiceStopping,
    /// The browser sent something that is not the protocol.
    Malformed,
    /// The browser gave no sign of life.
    PeerLost,
    /// The session does not take or give data as it should.
    SessionUnreachable,
}

impl CloseReason {
    /// All reasons, in the order of their codes.
    pub const ALL: [Self; 12] = [
        Self::SessionEnded,
        Self::TimeLimit,
        Self::IdleLimit,
        Self::Deleted,
        Self::Stopped,
        Self::SignedOut,
        Self::AccessRemoved,
        Self::OpenedElsewhere,
        Self::ServiceStopping,
        Self::Malformed,
        Self::PeerLost,
        Self::SessionUnreachable,
    ];

    /// The status code of the close frame.
    pub fn code(self) -> u16 {
        match self {
            Self::SessionEnded => 4000,
            Self::TimeLimit => 4001,
            Self::IdleLimit => 4002,
            Self::Deleted => 4003,
            Self::Stopped => 4004,
            Self::SignedOut => 4005,
            Self::AccessRemoved => 4006,
            Self::OpenedElsewhere => 4007,
            Self::ServiceStopping => 4008,
            Self::Malformed => 4009,
            Self::PeerLost => 4010,
            Self::SessionUnreachable => 4011,
        }
    }

    /// The name in the close frame and in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::SessionEnded => "session-ended",
            Self::TimeLimit => "time-limit",
            Self::IdleLimit => "idle-limit",
            Self::Deleted => "deleted",
            Self::Stopped => "stopped",
            Self::SignedOut => "signed-out",
            Self::AccessRemoved => "access-removed",
            Self::OpenedElsewhere => "opened-elsewhere",
            Self::ServiceStopping => "service-stopping",
            Self::Malformed => "malformed",
            Self::PeerLost => "peer-lost",
            Self::SessionUnreachable => "session-unreachable",
        }
    }

    /// Whether the page should try to connect again by itself.
    pub fn reconnects(self) -> bool {
        matches!(self, Self::ServiceStopping | Self::PeerLost | Self::SessionUnreachable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_the_same_table() {
        let rows: Vec<String> = CloseReason::ALL
            .iter()
            .map(|reason| {
                format!(
                    "  \"{}\": {{ \"code\": {}, \"reconnect\": {} }}",
                    reason.name(),
                    reason.code(),
                    reason.reconnects()
                )
            })
            .collect();
        let expected = format!("{{\n{}\n}}\n", rows.join(",\n"));
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/src/workspace/close_reasons.json");
        assert_eq!(std::fs::read_to_string(path).unwrap(), expected, "{path} differs");
    }

    #[test]
    fn codes_are_those_of_applications_and_differ() {
        let codes: std::collections::HashSet<u16> =
            CloseReason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), CloseReason::ALL.len());
        assert!(codes.iter().all(|code| (4000..5000).contains(code)));
    }
}
