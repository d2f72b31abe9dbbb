use crate::SessionSpec;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// A place where sessions run: this machine's sandbox now, a container engine or a cluster later.
///
/// Every method may be called again after the service was restarted, with a [`Handle`] that was stored before.
#[async_trait]
pub trait Driver: Send + Sync {
    /// What this driver can do here, so that pages offer nothing that would be ignored.
    fn capabilities(&self) -> Capabilities;

    /// Starts a session and returns once its RFB server answers.
    ///
    /// Idempotent by [`SessionSpec::id`]: a session that runs already is returned as it is, and the remains of
    /// one that has ended are removed first.
    async fn start(&self, spec: &SessionSpec) -> Result<Handle, StartError>;

    /// Opens a byte stream to the session's RFB server (RFC 6143, no authentication: whoever holds the stream
    /// holds the session).
    async fn connect(&self, handle: &Handle) -> Result<Box<dyn RfbStream>, Error>;

    /// Whether the session runs, and if not, why it ended.
    async fn status(&self, handle: &Handle) -> Result<State, Error>;

    /// Ends the session: asks its programs to end, waits up to `grace`, kills what is left, and removes all that
    /// the driver kept for it. Succeeds when there is nothing left to end.
    async fn stop(&self, handle: &Handle, grace: Duration) -> Result<(), Error>;

    /// Every session this driver knows, running or ended and not yet removed by [`Driver::stop`]. The caller
    /// compares it with its own records after a restart and stops what it does not know.
    async fn list(&self) -> Result<Vec<Observed>, Error>;

    /// How much room there is.
    async fn capacity(&self) -> Result<Capacity, Error>;

    /// What the session uses at this moment.
    async fn usage(&self, handle: &Handle) -> Result<Usage, Error>;
}

/// The byte stream of [`Driver::connect`].
pub trait RfbStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> RfbStream for T {}

/// What a driver can do where it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// The memory limit holds for the session as a whole. Otherwise it holds for each of its processes.
    pub memory_limit: bool,
    /// The CPU share is honoured. Otherwise it is ignored.
    pub cpu_shares: bool,
    /// Sessions run on while the service is restarted.
    pub survives_restart: bool,
    /// A session can reach the network.
    pub network: bool,
}

/// Names one incarnation of a session to the driver that started it. Store it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Handle {
    /// The driver that started it, for example `sandbox`.
    pub driver: String,
    /// [`SessionSpec::id`].
    pub session: String,
    /// The driver's own mark of this incarnation; it differs when a session is started again under its id.
    pub incarnation: String,
}

/// The state of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It runs.
    Running,
    /// It has ended, or was never here.
    Ended {
        /// Why.
        cause: EndCause,
    },
}

/// Why a session ended. Its `Display` is a sentence for the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum EndCause {
    /// [`Driver::stop`].
    #[error("The session was ended.")]
    Stopped,
    /// The person logged out of the desktop or left the program.
    #[error("You left the session. Start it again from the dashboard.")]
    Closed,
    /// [`SessionSpec::deadline`] passed.
    #[error("The session reached its time limit. Start a new one from the dashboard.")]
    Deadline,
    /// Nobody kept the lease for [`SessionSpec::lease_grace`].
    #[error("The service was away for too long, so the session ended by itself. Start a new one.")]
    LeaseExpired,
    /// The X server ended; the last lines it wrote go to the log.
    #[error(
        "The desktop stopped. Start it again; if it stops again, ask your administrator to look at the log."
    )]
    DesktopStopped {
        /// What the X server said last.
        log: String,
    },
    /// The kernel killed it because its memory limit was reached.
    #[error(
        "The session used up its memory and was ended. Start it again with fewer programs, or ask for more memory."
    )]
    OutOfMemory,
    /// Killed from outside, or the machine was restarted.
    #[error("The session was ended from outside, for example by a restart of the machine. Start a new one.")]
    Killed,
    /// There is no trace of it.
    #[error("The session is no longer on this machine. Start a new one.")]
    Unknown,
}

/// One session found by [`Driver::list`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// To use with the other methods.
    pub handle: Handle,
    /// Its state.
    pub state: State,
}

/// How much room a driver has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capacity {
    /// Sessions that run now.
    pub running: usize,
    /// Sessions that may run at once.
    pub max_sessions: usize,
    /// Memory that could be given to new sessions, in bytes.
    pub memory_available: u64,
    /// Why no further session would be started; `None` when there is room.
    pub no_room: Option<String>,
}

/// What a session uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Usage {
    /// Memory in bytes.
    pub memory: u64,
    /// CPU time since its start.
    pub cpu_time: Duration,
    /// Processes, those of the sandbox itself included.
    pub processes: usize,
}

/// Why a session was not started. Its `Display` is a sentence for the person, with the next step.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A limit of this machine stands in the way.
    #[error("No room on this machine: {0}")]
    NoRoom(String),
    /// A program or a kernel feature is missing.
    #[error(
        "{what} is missing on this machine. Run `innkeeper doctor`, which names the command that mends it."
    )]
    Missing {
        /// What is missing, for example `Xvnc`.
        what: String,
    },
    /// The specification can't be met.
    #[error("This workspace can't be started as it is defined: {0}")]
    Invalid(String),
    /// The kernel refused a step of the sandbox.
    #[error(
        "The sandbox could not be made ({step}: {reason}). Run `innkeeper doctor` to see what this machine lacks."
    )]
    Sandbox {
        /// The step that failed.
        step: String,
        /// What the system said.
        reason: String,
    },
    /// The X server ended or did not answer in time.
    #[error("The desktop stopped while it started. Try again; if it stops again, look at the log.")]
    DesktopStopped {
        /// What it said last, for the log.
        log: String,
    },
}

/// Why an operation on a session failed. Its `Display` is a sentence for the person.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The session runs no more.
    #[error("{0}")]
    Ended(EndCause),
    /// Something in the session's directory is not what the driver put there.
    #[error("The session's screen can't be reached safely ({0}). End the session and start a new one.")]
    Untrusted(String),
    /// The session could not be ended or removed completely.
    #[error("The session could not be removed completely ({0}). Try again; the log has the details.")]
    NotRemoved(String),
    /// The system refused something.
    #[error("{doing} failed: {source}. Try again; if it persists, run `innkeeper doctor`.")]
    System {
        /// What was being done.
        doing: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn system(doing: impl Into<String>, source: std::io::Error) -> Error {
        Error::System { doing: doing.into(), source }
    }
}
