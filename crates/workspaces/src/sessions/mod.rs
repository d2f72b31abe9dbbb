//! Sessions: launched workspaces, from the request to the end.
//!
//! The table holds what is wanted and what is known; the driver does it. A launch writes a row and a
//! task of its own starts the session; the keeper (`keeper.rs`) enforces limits and compares the table
//! with what really runs, so that a crash between the two mends itself.

mod keeper;
mod launch;
mod pages;
mod store;
mod streaming;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod tickets;

use ::store::Timestamp;
use serde::Serialize;
use tokio::sync::broadcast;

use crate::catalogue::Thumbnail;

pub(crate) use self::keeper::{keep, resume_starts};
pub(crate) use self::launch::end_all_of;
pub(crate) use self::pages::{ago, left, routes};
pub(crate) use self::store::{alive_of, alive_of_workspace};

/// A launched workspace.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    /// Empty if the account was deleted.
    pub(crate) username: String,
    pub(crate) workspace_id: String,
    /// As it was named at the launch: the definition may have changed since, or be gone.
    pub(crate) workspace_name: String,
    pub(crate) thumbnail: Thumbnail,
    pub(crate) state: State,
    pub(crate) created_at: Timestamp,
    /// When a key or a pointer last moved, to the quarter of a minute.
    pub(crate) last_active_at: Timestamp,
    /// When the time limit ends it.
    pub(crate) expires_at: Timestamp,
}

/// Where a session is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Asked for; no driver knows of it.
    Requested,
    /// A driver is starting it.
    Starting,
    /// It runs.
    Running(runtime::Handle),
    /// It is to end; the handle is missing if it never ran.
    Stopping(EndCause, Option<runtime::Handle>),
    /// It is over.
    Ended(EndCause),
}

impl State {
    /// Whether it takes up room: everything but the end.
    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self, Self::Ended(_))
    }

    /// The word on screen.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Requested => "Requested",
            Self::Starting => "Starting",
            Self::Running(_) => "Running",
            Self::Stopping(..) => "Stopping",
            Self::Ended(_) => "Ended",
        }
    }
}

/// Why a session ended, as a sentence for the person who was in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", tag = "cause", content = "sentence")]
pub(crate) enum EndCause {
    /// The person deleted it.
    Deleted,
    /// An administrator ended it.
    EndedByAdministrator,
    /// The workspace's time limit.
    TimeLimit,
    /// The workspace's idle limit.
    IdleLimit,
    /// The account was disabled or deleted.
    AccountClosed,
    /// It could not be started, or stopped by itself; the driver's sentence.
    Driver(String),
}

impl EndCause {
    /// The sentence.
    pub(crate) fn sentence(&self) -> &str {
        match self {
            Self::Deleted => "You deleted this session.",
            Self::EndedByAdministrator => "An administrator ended this session.",
            Self::TimeLimit => "This session reached its time limit.",
            Self::IdleLimit => "This session ended because it was not used for a while.",
            Self::AccountClosed => "This session ended because the account was closed.",
            Self::Driver(sentence) => sentence,
        }
    }
}

/// Tells the open streams of a session that it is over, so that the browser hears at once.
#[derive(Clone, Debug)]
pub(crate) struct Endings(broadcast::Sender<(String, EndCause)>);

impl Default for Endings {
    fn default() -> Self {
        Self(broadcast::channel(256).0)
    }
}

impl Endings {
    fn announce(&self, session_id: &str, cause: EndCause) {
        // Nobody listening is fine: no browser has this session open.
        let _listeners = self.0.send((session_id.to_owned(), cause));
    }

    fn listen(&self) -> broadcast::Receiver<(String, EndCause)> {
        self.0.subscribe()
    }
}
