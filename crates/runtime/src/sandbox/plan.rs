//! What the service and `sandbox-init` say to each other.

use super::state_dir::SessionDir;
use crate::{SessionSpec, StartError};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What the service writes to the standard input of `sandbox-init`, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) spec: SessionSpec,
    pub(super) session: SessionDir,
    pub(super) lease: PathBuf,
    /// The user of this machine that the session's user is.
    pub(super) host_uid: u32,
    /// The service is root: `host_uid` is another user, and owners in the home directory are mapped.
    pub(super) as_root: bool,
    pub(super) control_groups: Vec<PathBuf>,
}

/// What `sandbox-init` writes to its standard output, one JSON line; the first one counts.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// The RFB server answers.
    Ready,
    /// A step of making the sandbox failed.
    Failed { step: String, reason: String },
    /// The X server ended or was not ready in time.
    DesktopStopped { log: String },
}

impl From<Report> for Result<(), StartError> {
    fn from(report: Report) -> Self {
        match report {
            Report::Ready => Ok(()),
            Report::Failed { step, reason } => Err(StartError::Sandbox { step, reason }),
            Report::DesktopStopped { log } => Err(StartError::DesktopStopped { log }),
        }
    }
}
