//! The service's part in starting a session.

use super::Inner;
use super::control_groups::Limits;
use super::plan::{Plan, Report};
use super::state_dir::Record;
use crate::{SessionSpec, StartError};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a session may take until its RFB server answers.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Makes the session's directory and control groups and runs `sandbox-init`; returns once RFB answers. What is
/// left after an error is for the caller to remove.
pub(super) fn launch(inner: &Inner, spec: SessionSpec, host_uid: u32) -> Result<Record, StartError> {
    let session = inner.state.session(&spec.id);
    session.create(host_uid).map_err(|error| failed("making the session's directory", error))?;
    let limits = Limits { memory: spec.memory, processes: spec.processes, cpu_shares: spec.cpu_shares };
    let control_groups = inner
        .control_groups
        .create(&inner.group_name(&spec.id), limits)
        .map_err(|error| failed("making the session's control groups", error))?;
    let lease = inner.state.lease();
    let plan = Plan { spec, session, lease, host_uid, as_root: inner.as_root, control_groups };
    run_init(inner, &plan)
}

fn run_init(inner: &Inner, plan: &Plan) -> Result<Record, StartError> {
    let mut init = spawn(&inner.config.init)?;
    let report = converse(&mut init, plan);
    if report.is_err() {
        // It may have been what did not answer. Its child, if there is one, is in the record.
        let _ = init.kill();
    }
    init.wait().map_err(|error| failed("waiting for sandbox-init", error))?;
    if let Err(StartError::DesktopStopped { log }) = &report {
        tracing::warn!(session = plan.spec.id, log, "the X server stopped while it started");
    }
    report?;
    plan.session.record().ok_or_else(|| failed("sandbox-init", "it left no record of the session"))
}

fn spawn(init: &PathBuf) -> Result<Child, StartError> {
    Command::new(init)
        .arg0("innkeeper-session")
        .arg("sandbox-init")
        // The service's environment may hold secrets.
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed("starting sandbox-init", error))
}

fn converse(init: &mut Child, plan: &Plan) -> Result<(), StartError> {
    let text = serde_json::to_vec(plan).map_err(|error| failed("writing the plan", error))?;
    if let Some(mut input) = init.stdin.take() {
        input.write_all(&text).map_err(|error| failed("writing the plan", error))?;
    }
    let mut output = init.stdout.take().ok_or_else(|| failed("sandbox-init", "it has no output"))?;
    let line = read_line(&mut output)?;
    let report: Report = serde_json::from_slice(&line).map_err(|_| {
        failed("sandbox-init", "it ended without a word; its errors are in the service's log")
    })?;
    report.into()
}

fn read_line(output: &mut ChildStdout) -> Result<Vec<u8>, StartError> {
    let until = Instant::now() + START_LIMIT;
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let log = format!("nothing answered within {} seconds", START_LIMIT.as_secs());
            return Err(StartError::DesktopStopped { log });
        }
        let mut fds = [PollFd::new(output.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
            Ok(0) | Err(nix::Error::EINTR) => continue,
            Ok(_) => {}
            Err(errno) => return Err(failed("waiting for sandbox-init", errno)),
        }
        let mut bytes = [0; 4096];
        let count = output.read(&mut bytes).map_err(|error| failed("reading from sandbox-init", error))?;
        line.extend_from_slice(bytes.get(..count).unwrap_or_default());
        if count == 0 {
            break;
        }
    }
    // Reports are single lines, but more than one may have come: the first one counts.
    line.truncate(line.iter().position(|byte| *byte == b'\n').unwrap_or(line.len()));
    Ok(line)
}

fn failed(step: &str, reason: impl std::fmt::Display) -> StartError {
    StartError::Sandbox { step: step.to_owned(), reason: reason.to_string() }
}
