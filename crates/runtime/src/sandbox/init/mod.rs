//! `sandbox-init`: makes the namespaces of one session and becomes their first process.
//!
//! Three processes, one after the other:
//!
//! 1. *outside*, with the service's rights: reads the plan, prepares what only it may, maps the users of the
//!    new namespace, writes down who its first process is, and ends;
//! 2. *between*: enters the namespaces and forks, since a process namespace begins with the next child; ends;
//! 3. *inside*: the first process of the session. Builds its root directory, starts the X server and the
//!    programs, gives up every right, and watches over the session until its end.

mod confine;
mod mounts;
mod namespaces;
mod root;
mod watch;

use super::plan::{Plan, Report};
use super::process::ProcessName;
use super::state_dir::Record;
use mounts::Tree;
use nix::fcntl::{OFlag, open};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction, sigprocmask};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{ForkResult, fork, setsid};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// What the hidden subcommand `sandbox-init` of the service's program does, before anything else is set up: it
/// must be the only thread of its process. The plan comes in on standard input and a report goes out on standard
/// output; both are this crate's own.
#[must_use]
pub fn init_main() -> ExitCode {
    // Nothing that the service left open by mistake is for the session.
    mounts::close_from(3);
    let Ok(mut reporter) = Reporter::take_over_stdout() else {
        return ExitCode::FAILURE;
    };
    match outside(&mut reporter) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            reporter.send(&Report::Failed { step: failure.step, reason: failure.reason });
            ExitCode::FAILURE
        }
    }
}

/// A step of making the sandbox that failed.
pub(super) struct Failure {
    step: String,
    reason: String,
}

/// Names the step that a result is of.
trait Step<T> {
    fn step(self, name: &str) -> Result<T, Failure>;
}

impl<T, E: std::fmt::Display> Step<T> for Result<T, E> {
    fn step(self, name: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure { step: name.to_owned(), reason: error.to_string() })
    }
}

/// The line to the service. It may be gone, and the session lives on.
struct Reporter {
    output: File,
}

impl Reporter {
    /// Keeps standard output for reports and puts `/dev/null` in its place, so that no program inherits it.
    fn take_over_stdout() -> nix::Result<Reporter> {
        let output: OwnedFd =
            std::io::stdout().as_fd().try_clone_to_owned().map_err(|_| nix::Error::EBADF)?;
        let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
        nix::unistd::dup2_stdout(&null)?;
        Ok(Reporter { output: File::from(output) })
    }

    fn send(&mut self, report: &Report) {
        let mut line = serde_json::to_vec(report).unwrap_or_default();
        line.push(b'\n');
        // Without a service nobody needs to know.
        let _ = self.output.write_all(&line);
    }
}

/// What the first process of the session keeps from outside.
struct Kept {
    /// Its time of change moves while the service is there.
    lease: File,
    /// Takes the cause of the session's end.
    ending: File,
}

/// Directories that only the service's user may reach, opened for the session.
struct Trees {
    shared: Option<Tree>,
    home: Option<Tree>,
}

fn outside(reporter: &mut Reporter) -> Result<(), Failure> {
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text).step("reading the plan")?;
    let plan: Plan = serde_json::from_slice(&text).step("reading the plan")?;
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()).step("/dev/null")?;
    nix::unistd::dup2_stdin(&null).step("/dev/null")?;
    drop(null);
    detach_from_service()?;

    let lease = File::open(&plan.lease).step("opening the lease")?;
    let ending = plan.session.create_ending().step("making ended.json")?;
    // As root the session's user can't reach these directories by name; an ordinary user can't open trees.
    let trees = if plan.as_root { Trees::open(&plan)? } else { Trees { shared: None, home: None } };

    let (ours, theirs) = UnixStream::pair().step("making a socket pair")?;
    // SAFETY: this process has one thread (init_main's contract), so the child may do anything.
    #[expect(unsafe_code, reason = "a fork is how a process namespace is entered")]
    let fork = unsafe { fork() };
    match fork.step("fork")? {
        ForkResult::Child => {
            drop(ours);
            let kept = Kept { lease, ending };
            let failure = match namespaces::enter(&plan, theirs) {
                Ok(Some(go)) => match inside(&plan, trees, kept, go, reporter) {
                    Ok(()) => std::process::exit(0),
                    Err(failure) => failure,
                },
                Ok(None) => std::process::exit(0),
                Err(failure) => failure,
            };
            reporter.send(&Report::Failed { step: failure.step, reason: failure.reason });
            std::process::exit(1)
        }
        ForkResult::Parent { child } => {
            drop(theirs);
            let result = settle(&plan, &trees, child.as_raw(), ours);
            nix::sys::wait::waitpid(child, None).step("waiting for the namespaces")?;
            result
        }
    }
}

/// A session of its own, so that the terminal and the signals of the service don't reach it.
fn detach_from_service() -> Result<(), Failure> {
    setsid().step("setsid")?;
    umask(Mode::from_bits_truncate(0o022));
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None).step("signals")?;
    for handled in [Signal::SIGSEGV, Signal::SIGBUS] {
        let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
        // SAFETY: no code of ours runs at the signal any more, so there is nothing that could be unsafe in it.
        #[expect(
            unsafe_code,
            reason = "the language's handlers would let a session signal its first process"
        )]
        unsafe { sigaction(handled, &default) }.step("signals")?;
    }
    Ok(())
}

impl Trees {
    fn open(plan: &Plan) -> Result<Trees, Failure> {
        let shared = Tree::clone_of(&plan.session.shared(), false).step("opening the session's directory")?;
        let home = match &plan.spec.home {
            Some(home) => Some(Tree::clone_of(home, false).step("opening the home directory")?),
            None => None,
        };
        Ok(Trees { shared: Some(shared), home })
    }
}

/// The outside half of entering the namespaces: maps users, and lets the first process go on only once it is
/// written down, so that none is ever lost.
fn settle(plan: &Plan, trees: &Trees, child: i32, mut channel: UnixStream) -> Result<(), Failure> {
    let mut byte = [0];
    channel.read_exact(&mut byte).step("entering the namespaces")?;
    namespaces::map_users(plan, child)?;
    if let Some(home) = &trees.home {
        let users =
            File::open(format!("/proc/{child}/ns/user")).step("mapping the owners of the home directory")?;
        home.map_owners(&users).step(
            "mapping the owners of the home directory, which its file system must support (ext4, XFS and Btrfs do)",
        )?;
    }
    channel.write_all(b"m").step("entering the namespaces")?;
    let mut pid = [0; 4];
    channel.read_exact(&mut pid).step("forking the first process")?;
    let process = ProcessName::of(i32::from_ne_bytes(pid)).step("naming the first process")?;
    let record = Record { process, host_uid: plan.host_uid, control_groups: plan.control_groups.clone() };
    plan.session.write_record(&record).step("recording the session")?;
    channel.write_all(b"g").step("starting the first process")
}

fn inside(
    plan: &Plan,
    trees: Trees,
    kept: Kept,
    mut go: UnixStream,
    reporter: &mut Reporter,
) -> Result<(), Failure> {
    let mut byte = [0];
    go.read_exact(&mut byte).step("waiting for the record")?;
    drop(go);
    // The session may outlive whatever reads the service's errors.
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()).step("/dev/null")?;
    nix::unistd::dup2_stderr(&null).step("/dev/null")?;
    drop(null);
    nix::sys::prctl::set_dumpable(false).step("closing the first process to others")?;
    root::build(plan, trees)?;
    confine::drop_for_good()?;
    watch::run(plan, kept, reporter)
}

/// The signals that the first process reads instead of obeying.
fn watched_signals() -> SigSet {
    [Signal::SIGCHLD, Signal::SIGTERM].into_iter().collect()
}
