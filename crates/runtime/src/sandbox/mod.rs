//! Sessions on this machine, each in namespaces of its own.
//!
//! The service has many threads, and a process with threads can't enter a user namespace. So a session is made
//! by a program of one thread: the service's own, started again as `sandbox-init` ([`init_main`]). It builds the
//! namespaces, leaves their first process behind, and ends. That process belongs to nobody and so lives on while
//! the service is restarted; it ends by itself at the session's deadline, or when the service's lease
//! ([`Sandbox::keep_lease`]) has gone stale.

mod control_groups;
mod init;
mod launch;
mod plan;
mod process;
mod requirements;
mod screen;
mod state_dir;

pub use init::init_main;
pub use requirements::{PACKAGES, Requirement, requirements};

use crate::{
    Capabilities, Capacity, Driver, EndCause, Error, Handle, Observed, RfbStream, SessionSpec, StartError,
    State, Usage,
};
use async_trait::async_trait;
use control_groups::ControlGroups;
use nix::sys::signal::Signal;
use state_dir::{Record, SessionDir, StateDir};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::UnixStream;

/// How often the service is to call [`Sandbox::keep_lease`].
pub const LEASE_PERIOD: Duration = Duration::from_secs(5);

/// What of the sandbox can be configured.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where sessions are remembered; of one service only, mode 0700.
    pub state_dir: PathBuf,
    /// Sessions that may run at once.
    pub max_sessions: usize,
    /// Memory of this machine, in bytes, that sessions leave alone: none is started when less is available.
    pub memory_reserve: u64,
    /// As root, sessions run as users of this machine from this number on.
    pub first_uid: u32,
    /// The program that calls [`init_main`] when its only argument is `sandbox-init`.
    pub init: PathBuf,
}

impl Config {
    /// 20 sessions, 512 MiB left to the rest of the machine, users from 200000, the running program as init.
    pub fn new(state_dir: impl Into<PathBuf>) -> Config {
        Config {
            state_dir: state_dir.into(),
            max_sessions: 20,
            memory_reserve: 512 * 1024 * 1024,
            first_uid: 200_000,
            // Not its path: that may be another program by now, after an upgrade.
            init: PathBuf::from("/proc/self/exe"),
        }
    }
}

/// The driver for sessions on this machine.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    state: StateDir,
    control_groups: ControlGroups,
    as_root: bool,
    /// Sessions being started or removed, with the user that each was given.
    busy: Mutex<BTreeMap<String, u32>>,
    released: Condvar,
}

impl Sandbox {
    /// Opens the state directory and renews the lease. Sessions of an earlier service are found by
    /// [`Driver::list`].
    pub fn new(config: Config) -> io::Result<Sandbox> {
        let state = StateDir::open(&config.state_dir)?;
        let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let control_groups = ControlGroups::prepare(Path::new("/sys/fs/cgroup"), &own);
        if let ControlGroups::Absent(why) = &control_groups {
            tracing::warn!(
                why,
                "memory limits hold for each process of a session, not for the session as a whole"
            );
        }
        let as_root = nix::unistd::geteuid().is_root();
        let (busy, released) = (Mutex::default(), Condvar::new());
        Ok(Sandbox { inner: Arc::new(Inner { config, state, control_groups, as_root, busy, released }) })
    }

    /// Tells the sessions that the service is there. To be called every [`LEASE_PERIOD`]; a session ends by
    /// itself when nobody did so for its [`SessionSpec::lease_grace`].
    pub fn keep_lease(&self) -> io::Result<()> {
        self.inner.state.renew_lease()
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> T + Send + 'static,
    ) -> io::Result<T> {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || work(&inner)).await.map_err(io::Error::other)
    }
}

#[async_trait]
impl Driver for Sandbox {
    fn capabilities(&self) -> Capabilities {
        let whole = self.inner.control_groups.limit_memory();
        Capabilities { memory_limit: whole, cpu_shares: whole, survives_restart: true, network: false }
    }

    async fn start(&self, spec: &SessionSpec) -> Result<Handle, StartError> {
        let spec = spec.clone();
        // On a thread of its own, so that a caller who goes away leaves no half-made session.
        self.blocking(move |inner| inner.start(spec)).await.unwrap_or_else(|error| {
            Err(StartError::Sandbox { step: "start".to_owned(), reason: error.to_string() })
        })
    }

    async fn connect(&self, handle: &Handle) -> Result<Box<dyn RfbStream>, Error> {
        let record = match self.inner.look_up(handle) {
            Found::Running(record) => record,
            Found::Ended(cause) => return Err(Error::Ended(cause)),
        };
        let socket = self.inner.state.session(&handle.session).rfb_socket()?;
        let system = |source| Error::system("Connecting to the session's screen", source);
        let stream = UnixStream::connect(state_dir::path_of(&socket)).await.map_err(system)?;
        if stream.peer_cred().map_err(system)?.uid() != record.host_uid {
            return Err(Error::Untrusted("another user answers".to_owned()));
        }
        Ok(Box::new(stream))
    }

    async fn status(&self, handle: &Handle) -> Result<State, Error> {
        Ok(match self.inner.look_up(handle) {
            Found::Running(_) => State::Running,
            Found::Ended(cause) => State::Ended { cause },
        })
    }

    async fn stop(&self, handle: &Handle, grace: Duration) -> Result<(), Error> {
        let handle = handle.clone();
        let stopped = self.blocking(move |inner| inner.stop(&handle, grace)).await;
        stopped.unwrap_or_else(|error| Err(Error::system("Ending the session", error)))
    }

    async fn list(&self) -> Result<Vec<Observed>, Error> {
        let listed = self.blocking(Inner::list).await.and_then(|list| list);
        listed.map_err(|error| Error::system("Listing the sessions", error))
    }

    async fn capacity(&self) -> Result<Capacity, Error> {
        let capacity = self
            .blocking(|inner| inner.capacity(&inner.lock_busy(), None))
            .await
            .and_then(|capacity| capacity);
        capacity.map_err(|error| Error::system("Counting the sessions", error))
    }

    async fn usage(&self, handle: &Handle) -> Result<Usage, Error> {
        match self.inner.look_up(handle) {
            Found::Ended(cause) => Err(Error::Ended(cause)),
            Found::Running(record) => {
                usage_of(&record).map_err(|error| Error::system("Measuring the session", error))
            }
        }
    }
}

enum Found {
    Running(Record),
    Ended(EndCause),
}

impl Inner {
    fn look_up(&self, handle: &Handle) -> Found {
        let session = self.state.session(&handle.session);
        match session.record() {
            Some(record) if record.incarnation() == handle.incarnation => look_at(&session, record),
            _ => Found::Ended(EndCause::Unknown),
        }
    }

    fn start(&self, spec: SessionSpec) -> Result<Handle, StartError> {
        spec.check().map_err(StartError::Invalid)?;
        let claim = self.claim(&spec.id);
        let session = self.state.session(&spec.id);
        if let Some(record) = session.record()
            && record.running().is_some()
        {
            return Ok(handle_to(&spec.id, &record));
        }
        let sandbox = |step: &str, error: &dyn std::fmt::Display| StartError::Sandbox {
            step: step.to_owned(),
            reason: error.to_string(),
        };
        requirements::check_programs(&spec.kind)?;
        self.remove(&spec.id).map_err(|error| sandbox("removing the earlier session", &error))?;
        if let Some(why) = claim.capacity.map_err(|error| sandbox("counting sessions", &error))?.no_room {
            return Err(StartError::NoRoom(why));
        }
        self.state.renew_lease().map_err(|error| sandbox("renewing the lease", &error))?;
        let id = spec.id.clone();
        let started = launch::launch(self, spec, claim.host_uid);
        match started {
            Ok(record) => Ok(handle_to(&id, &record)),
            Err(error) => {
                if let Err(left) = self.remove(&id) {
                    tracing::warn!(session = id, error = %left, "a session that did not start left something behind");
                }
                Err(error)
            }
        }
    }

    fn stop(&self, handle: &Handle, grace: Duration) -> Result<(), Error> {
        let _claim = self.claim(&handle.session);
        let session = self.state.session(&handle.session);
        match session.record() {
            Some(record) if record.incarnation() != handle.incarnation => return Ok(()),
            Some(record) => {
                if let Some(process) = record.running() {
                    let signalled = process.signal(Signal::SIGTERM);
                    signalled.map_err(|error| Error::system("Ending the session", error))?;
                    process.ended_within(grace);
                }
            }
            None => {}
        }
        self.remove(&handle.session).map_err(|error| Error::NotRemoved(error.to_string()))
    }

    /// Kills what runs of a session and removes its control groups and its directory.
    fn remove(&self, id: &str) -> io::Result<()> {
        let session = self.state.session(id);
        if let Some(record) = session.record() {
            if let Some(process) = record.running() {
                process.signal(Signal::SIGKILL)?;
                if !process.ended_within(Duration::from_secs(10)) {
                    return Err(io::Error::other("its first process does not end"));
                }
            }
            control_groups::remove(&record.control_groups)?;
        }
        // Also those of a session whose start was cut short before it was recorded.
        control_groups::remove(&self.control_groups.named(&self.group_name(id)))?;
        session.remove()
    }

    /// Two services on one machine, each with a directory of its own, may have sessions of the same id.
    fn group_name(&self, id: &str) -> String {
        format!("{:x}-{id}", self.state.inode)
    }

    fn list(&self) -> io::Result<Vec<Observed>> {
        let mut list = Vec::new();
        for id in self.state.ids()? {
            if self.lock_busy().contains_key(&id) {
                continue;
            }
            let session = self.state.session(&id);
            list.push(match session.record() {
                Some(record) => {
                    let handle = handle_to(&id, &record);
                    let state = match look_at(&session, record) {
                        Found::Running(_) => State::Running,
                        Found::Ended(cause) => State::Ended { cause },
                    };
                    Observed { handle, state }
                }
                // The service was killed before it could write down the process, which ends by itself then.
                None => Observed {
                    handle: Handle { driver: DRIVER.to_owned(), session: id, incarnation: String::new() },
                    state: State::Ended { cause: EndCause::Unknown },
                },
            });
        }
        Ok(list)
    }

    /// Sessions being started count already, except the one that asks.
    fn capacity(&self, busy: &BTreeMap<String, u32>, asking: Option<&str>) -> io::Result<Capacity> {
        let alive =
            |id: &String| self.state.session(id).record().is_some_and(|record| record.running().is_some());
        let mut running: BTreeSet<String> = self.state.ids()?.into_iter().filter(alive).collect();
        running.extend(busy.keys().cloned());
        let running = running.iter().filter(|id| asking != Some(id)).count();
        let memory = memory_available()?;
        let Config { max_sessions, memory_reserve, .. } = self.config;
        let no_room = if running >= max_sessions {
            Some(format!(
                "{running} of {max_sessions} sessions are running. End one, or ask your administrator for more."
            ))
        } else if memory < memory_reserve {
            Some(format!(
                "only {} MiB of memory are free and {} MiB are kept in reserve. End a session, or try again later.",
                memory >> 20,
                memory_reserve >> 20
            ))
        } else {
            None
        };
        let memory_available = memory.saturating_sub(memory_reserve);
        Ok(Capacity { running, max_sessions, memory_available, no_room })
    }

    fn lock_busy(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u32>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody else starts or stops this session; finds a user of this machine for it, and whether
    /// there is room, both before anybody else can claim either.
    fn claim(&self, id: &str) -> Claim<'_> {
        let mut busy = self.lock_busy();
        while busy.contains_key(id) {
            busy = self.released.wait(busy).unwrap_or_else(PoisonError::into_inner);
        }
        let host_uid = if self.as_root { self.free_uid(&busy) } else { nix::unistd::geteuid().as_raw() };
        let capacity = self.capacity(&busy, Some(id));
        busy.insert(id.to_owned(), host_uid);
        let lock = Lock { inner: self, id: id.to_owned() };
        Claim { _lock: lock, host_uid, capacity }
    }

    fn free_uid(&self, busy: &BTreeMap<String, u32>) -> u32 {
        let ids = self.state.ids().unwrap_or_default();
        let recorded = ids.iter().filter_map(|id| self.state.session(id).record());
        let taken: Vec<u32> = recorded.map(|record| record.host_uid).chain(busy.values().copied()).collect();
        let mut uids = self.config.first_uid..;
        uids.find(|uid| !taken.contains(uid)).unwrap_or(self.config.first_uid)
    }
}

struct Claim<'a> {
    _lock: Lock<'a>,
    host_uid: u32,
    capacity: io::Result<Capacity>,
}

/// Keeps others from starting or stopping the same session.
struct Lock<'a> {
    inner: &'a Inner,
    id: String,
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        self.inner.lock_busy().remove(&self.id);
        self.inner.released.notify_all();
    }
}

const DRIVER: &str = "sandbox";

fn handle_to(id: &str, record: &Record) -> Handle {
    Handle { driver: DRIVER.to_owned(), session: id.to_owned(), incarnation: record.incarnation() }
}

fn look_at(session: &SessionDir, record: Record) -> Found {
    if record.running().is_some() {
        return Found::Running(record);
    }
    let out_of_memory = || control_groups::ran_out_of_memory(&record.control_groups);
    Found::Ended(match session.ending() {
        Some(EndCause::DesktopStopped { .. }) | None if out_of_memory() => EndCause::OutOfMemory,
        Some(cause) => cause,
        None => EndCause::Killed,
    })
}

fn usage_of(record: &Record) -> io::Result<Usage> {
    let (memory, cpu_time, processes) = control_groups::usage(&record.control_groups);
    if let (Some(memory), Some(cpu_time), Some(processes)) = (memory, cpu_time, processes) {
        return Ok(Usage { memory, cpu_time, processes });
    }
    let (resident, ticks, count) = process::usage_of_tree(record.process.pid)?;
    Ok(Usage {
        memory: memory.unwrap_or(resident),
        // A tick is a hundredth of a second on every Linux (USER_HZ).
        cpu_time: cpu_time.unwrap_or(Duration::from_millis(ticks * 10)),
        processes: processes.unwrap_or(count),
    })
}

fn memory_available() -> io::Result<u64> {
    let text = std::fs::read_to_string("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| io::Error::other("/proc/meminfo has no MemAvailable"))
}
