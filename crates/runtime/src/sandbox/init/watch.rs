//! The first process of a session: starts the X server and the programs, and watches over them.
//!
//! When it ends, the kernel kills everything in the session. It can't be signalled or read by the programs it
//! watches: the kernel shields the first process of a namespace from signals of its descendants, it is not
//! dumpable, and it tells the service's signals from theirs.

use super::confine::Walls;
use super::{Failure, Kept, Plan, Reporter, Step, mounts, root, watched_signals};
use crate::EndCause;
use crate::sandbox::plan::Report;
use crate::sandbox::screen;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, pipe2};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the X server may take.
const DISPLAY_LIMIT: Duration = Duration::from_secs(15);

/// How long programs may take to end after they were asked to; the service kills sooner if it wants to.
const END_LIMIT: Duration = Duration::from_secs(30);

/// How much of the X server's messages is kept.
const LOG_LIMIT: usize = 8 * 1024;

/// Runs the session to its end. Returns an error only when it did not start.
pub(super) fn run(plan: &Plan, kept: Kept, reporter: &mut Reporter) -> Result<(), Failure> {
    let started = Instant::now();
    let signals = watched_signals();
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&signals), None).step("blocking signals")?;
    let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .step("watching signals")?;
    limit_processes(plan)?;
    let walls = Arc::new(Walls::build()?);
    let (mut log, mut display) = (Log::default(), start_display(plan, &walls)?);
    if !display.wait_until_ready(&mut log) {
        reporter.send(&Report::DesktopStopped { log: log.text() });
        return Ok(());
    }
    root::detach_shared()?;
    walls.enclose()?;
    let program = start_program(plan)?;
    reporter.send(&Report::Ready);
    let lease = Lease::new(kept.lease, plan.spec.lease_grace, started);
    let deadline = started.checked_add(plan.spec.deadline);
    let mut watch =
        Watch { signals, log, messages: display.messages, display: display.pid, program, lease, deadline };
    let cause = watch.until_the_end();
    write_ending(kept.ending, &cause);
    if !matches!(cause, EndCause::DesktopStopped { .. }) {
        watch.ask_all_to_end();
    }
    Ok(())
}

/// Limits that hold for each process, for what control groups don't or can't limit.
fn limit_processes(plan: &Plan) -> Result<(), Failure> {
    let lower = |resource, limit: u64| {
        let (_, hard) = getrlimit(resource).step("reading limits")?;
        let limit = limit.min(hard);
        setrlimit(resource, limit, limit).step("setting limits")
    };
    lower(Resource::RLIMIT_CORE, 0)?;
    lower(Resource::RLIMIT_NOFILE, 65_536)?;
    lower(Resource::RLIMIT_MEMLOCK, 8 << 20)?;
    lower(Resource::RLIMIT_NPROC, u64::from(plan.spec.processes))?;
    if plan.control_groups.is_empty() {
        lower(Resource::RLIMIT_DATA, plan.spec.memory)?;
    }
    Ok(())
}

/// The X server while it starts.
struct Display {
    pid: Pid,
    /// The server writes its number here once clients and viewers can connect.
    ready: File,
    messages: File,
}

fn start_display(plan: &Plan, walls: &Arc<Walls>) -> Result<Display, Failure> {
    let (ready, ready_end) = pipe2(OFlag::O_CLOEXEC).step("making a pipe")?;
    let (messages, messages_end) = pipe2(OFlag::O_CLOEXEC).step("making a pipe")?;
    // Only our end: whatever holds the other one must not be able to keep us waiting.
    fcntl(&messages, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).step("making a pipe")?;
    let ready_number = ready_end.as_raw_fd();
    let mut command = Command::new("Xtigervnc");
    command
        .args(screen::display_arguments(plan.spec.geometry))
        .args(["-displayfd", &ready_number.to_string()])
        .env_clear()
        .envs(screen::environment())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(messages_end);
    let walls = Arc::clone(walls);
    // SAFETY: this process has one thread, so its child may do anything before the program takes its place.
    #[expect(unsafe_code, reason = "the X server is enclosed before this process itself can be")]
    unsafe {
        command.pre_exec(move || {
            mounts::keep_on_exec(ready_number)?;
            walls.enclose().map_err(|_| std::io::Error::from(std::io::ErrorKind::PermissionDenied))
        });
    }
    let pid = spawn(&mut command).step("starting Xvnc")?;
    Ok(Display { pid, ready: File::from(ready), messages: File::from(messages) })
}

impl Display {
    /// Whether the server got ready; what it says meanwhile goes to the log.
    fn wait_until_ready(&mut self, log: &mut Log) -> bool {
        let until = Instant::now() + DISPLAY_LIMIT;
        let mut messages_open = true;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            let mut fds = vec![PollFd::new(self.ready.as_fd(), PollFlags::POLLIN)];
            if messages_open {
                fds.push(PollFd::new(self.messages.as_fd(), PollFlags::POLLIN));
            }
            let polled = poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
            let said = |index: usize| fds.get(index).and_then(PollFd::any).unwrap_or(false);
            let (ready, message) = (said(0), said(1));
            if matches!(polled, Err(errno) if errno != Errno::EINTR) {
                return false;
            }
            if message {
                messages_open = log.drain(&mut self.messages);
            }
            if ready {
                // Nothing more comes when it has ended.
                let got_number = matches!(self.ready.read(&mut [0; 16]), Ok(count) if count > 0);
                log.drain(&mut self.messages);
                return got_number;
            }
        }
        false
    }
}

/// Starts the window manager, which starts the rest; the session ends when it does.
fn start_program(plan: &Plan) -> Result<Pid, Failure> {
    let mut command = Command::new("openbox");
    command
        .args(screen::PROGRAM_ARGUMENTS)
        .env_clear()
        .envs(screen::environment())
        .envs(&plan.spec.environment)
        .env("DISPLAY", screen::DISPLAY)
        .current_dir(screen::HOME)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let pid = spawn(&mut command).step("starting openbox")?;
    // When memory runs out, a program goes before the X server. Without this it is only less certain.
    let _ = std::fs::write(format!("/proc/{pid}/oom_score_adj"), "500");
    Ok(pid)
}

/// Its end is seen by the loop that collects every process of the session.
#[expect(unsafe_code, reason = "programs would inherit the blocked signals, and then never heed SIGTERM")]
fn spawn(command: &mut Command) -> std::io::Result<Pid> {
    let unblock = || Ok(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?);
    // SAFETY: setting the signal mask is safe between fork and exec, and this process has one thread anyway.
    unsafe { command.pre_exec(unblock) };
    let child = command.spawn()?;
    Ok(Pid::from_raw(i32::try_from(child.id()).map_err(std::io::Error::other)?))
}

/// A running session.
struct Watch {
    signals: SignalFd,
    log: Log,
    messages: File,
    display: Pid,
    program: Pid,
    lease: Lease,
    deadline: Option<Instant>,
}

impl Watch {
    /// Returns when the session is to end, with the cause.
    fn until_the_end(&mut self) -> EndCause {
        let mut messages_open = true;
        loop {
            if let Some(cause) = self.collect_ended() {
                return cause;
            }
            let now = Instant::now();
            if self.deadline.is_some_and(|deadline| now >= deadline) {
                return EndCause::Deadline;
            }
            if self.lease.expired(now) {
                return EndCause::LeaseExpired;
            }
            let next =
                self.deadline.map_or(self.lease.next_look, |deadline| deadline.min(self.lease.next_look));
            let left = next.saturating_duration_since(now) + Duration::from_millis(1);
            let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            if messages_open {
                fds.push(PollFd::new(self.messages.as_fd(), PollFlags::POLLIN));
            }
            // An interruption only means to look again.
            let _ = poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
            if fds.get(1).and_then(PollFd::any).unwrap_or(false) {
                messages_open = self.log.drain(&mut self.messages);
            }
            if self.asked_to_end() {
                return EndCause::Stopped;
            }
        }
    }

    /// Whether the service sent SIGTERM. A sender outside this process namespace has the number 0 here, which no
    /// program inside can claim: the kernel fills it in for kill(2).
    fn asked_to_end(&self) -> bool {
        let mut asked = false;
        while let Ok(Some(signal)) = self.signals.read_signal() {
            let terminate = i32::try_from(signal.ssi_signo) == Ok(Signal::SIGTERM as i32);
            asked |= terminate && signal.ssi_code == libc::SI_USER && signal.ssi_pid == 0;
        }
        asked
    }

    /// Collects ended processes; the end of the X server or of the window manager is the session's.
    fn collect_ended(&mut self) -> Option<EndCause> {
        let mut cause = None;
        loop {
            let status = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) | Err(_) => return cause,
                Ok(status) => status,
            };
            if status.pid() == Some(self.display) {
                cause = Some(self.desktop_stopped("The X server", status));
            } else if status == WaitStatus::Exited(self.program, 0) {
                cause.get_or_insert(EndCause::Closed);
            } else if status.pid() == Some(self.program) {
                // Also when the X server ends: it lets go of its clients first.
                cause = cause.or_else(|| Some(self.desktop_stopped("The window manager", status)));
            }
        }
    }

    fn desktop_stopped(&mut self, what: &str, status: WaitStatus) -> EndCause {
        self.log.drain(&mut self.messages);
        EndCause::DesktopStopped { log: format!("{}\n{what} ended: {status:?}", self.log.text()) }
    }

    /// Gives programs time to save their work.
    fn ask_all_to_end(&self) {
        // There may be none left.
        let _ = kill(Pid::from_raw(-1), Signal::SIGTERM);
        let until = Instant::now() + END_LIMIT;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            loop {
                match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                    Ok(WaitStatus::StillAlive) => break,
                    Err(Errno::ECHILD) => return,
                    _ => {}
                }
            }
            let mut fds = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
            self.asked_to_end();
        }
    }
}

/// Whether the service is there: it moves the lease's time of change. What that time is doesn't matter, so a
/// clock that jumps ends no session.
struct Lease {
    file: File,
    grace: Duration,
    seen: Option<(i64, i64)>,
    moved_at: Instant,
    next_look: Instant,
}

impl Lease {
    fn new(file: File, grace: Duration, now: Instant) -> Lease {
        Lease { file, grace, seen: None, moved_at: now, next_look: now }
    }

    fn expired(&mut self, now: Instant) -> bool {
        if now >= self.next_look {
            let time = self.file.metadata().ok().map(|data| (data.mtime(), data.mtime_nsec()));
            if time != self.seen {
                self.seen = time;
                self.moved_at = now;
            }
            self.next_look = now + (self.grace / 8).clamp(Duration::from_millis(50), Duration::from_secs(15));
        }
        now.saturating_duration_since(self.moved_at) >= self.grace
    }
}

/// The end of what the X server said.
#[derive(Default)]
struct Log {
    bytes: Vec<u8>,
}

impl Log {
    /// Reads what is there; false once there will be no more.
    fn drain(&mut self, from: &mut File) -> bool {
        let mut bytes = [0; 4096];
        loop {
            match from.read(&mut bytes) {
                Ok(0) => return false,
                Ok(count) => self.bytes.extend_from_slice(bytes.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
            }
            let surplus = self.bytes.len().saturating_sub(LOG_LIMIT);
            self.bytes.drain(..surplus);
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

fn write_ending(mut file: File, cause: &EndCause) {
    // A disk that is full leaves the session without a cause, which the service can say too.
    let _ = serde_json::to_vec(cause).map(|text| file.write_all(&text));
}
