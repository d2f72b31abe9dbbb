//! Limits of memory, processes and CPU for a session as a whole, through control groups: version 2 where the
//! machine has it (`cgroups(7)`), else version 1. Where they can't be written, sessions run with per-process
//! limits, and the log says so.

use nix::unistd::{AccessFlags, access};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const PARENT: &str = "innkeeper";

/// Limits of one session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) memory: u64,
    pub(super) processes: u32,
    pub(super) cpu_shares: u32,
}

/// Where the groups of this service's sessions are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ControlGroups {
    /// One directory with all controllers.
    Unified(PathBuf),
    /// One directory for each controller.
    Separate(Vec<(Controller, PathBuf)>),
    /// None can be written; why.
    Absent(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Controller {
    Memory,
    Processes,
    Cpu,
    CpuAccounting,
}

impl ControlGroups {
    /// Makes the parent group and finds out what can be limited. `mount` is `/sys/fs/cgroup`, `own` the text of
    /// `/proc/self/cgroup`.
    pub(super) fn prepare(mount: &Path, own: &str) -> ControlGroups {
        if mount.join("cgroup.controllers").exists() {
            return match prepare_unified(mount, own) {
                Ok(parent) => ControlGroups::Unified(parent),
                Err(error) => ControlGroups::Absent(format!("control groups can't be written: {error}")),
            };
        }
        let controllers = [
            (Controller::Memory, "memory"),
            (Controller::Processes, "pids"),
            (Controller::Cpu, "cpu"),
            (Controller::CpuAccounting, "cpuacct"),
        ];
        let found: Vec<_> = controllers
            .into_iter()
            .filter_map(|(controller, name)| {
                let parent = mount.join(name).join(PARENT);
                (mount.join(name).is_dir() && make_writable(&parent).is_ok()).then_some((controller, parent))
            })
            .collect();
        if found.iter().any(|(controller, _)| *controller == Controller::Memory) {
            ControlGroups::Separate(found)
        } else {
            ControlGroups::Absent(format!("no control group below {} can be written", mount.display()))
        }
    }

    /// Whether a session's memory is limited as a whole.
    pub(super) fn limit_memory(&self) -> bool {
        !matches!(self, ControlGroups::Absent(_))
    }

    /// The groups of this name, which may not be there.
    pub(super) fn named(&self, name: &str) -> Vec<PathBuf> {
        match self {
            ControlGroups::Absent(_) => Vec::new(),
            ControlGroups::Unified(parent) => vec![parent.join(name)],
            ControlGroups::Separate(parents) => parents.iter().map(|(_, parent)| parent.join(name)).collect(),
        }
    }

    /// Makes the groups of one session and sets its limits; returns their directories.
    pub(super) fn create(&self, name: &str, limits: Limits) -> io::Result<Vec<PathBuf>> {
        match self {
            ControlGroups::Absent(_) => Ok(Vec::new()),
            ControlGroups::Unified(parent) => {
                let group = parent.join(name);
                make(&group)?;
                limit_unified(&group, limits)?;
                Ok(vec![group])
            }
            ControlGroups::Separate(parents) => {
                let mut groups: Vec<PathBuf> = Vec::new();
                for (controller, parent) in parents {
                    let group = parent.join(name);
                    make(&group)?;
                    limit_separate(*controller, &group, limits)?;
                    // `cpu` and `cpuacct` are often one hierarchy under two names.
                    let group = group.canonicalize()?;
                    if !groups.contains(&group) {
                        groups.push(group);
                    }
                }
                Ok(groups)
            }
        }
    }
}

/// Moves the calling process into a session's groups.
pub(super) fn join(groups: &[PathBuf]) -> io::Result<()> {
    groups.iter().try_for_each(|group| fs::write(group.join("cgroup.procs"), "0"))
}

/// Kills what is left in a session's groups and removes them.
pub(super) fn remove(groups: &[PathBuf]) -> io::Result<()> {
    let until = Instant::now() + Duration::from_secs(5);
    for group in groups {
        loop {
            kill_all(group);
            match fs::remove_dir(group) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(error) if Instant::now() >= until => return Err(error),
                // Killed processes leave their group only once the kernel is done with them.
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }
    Ok(())
}

/// Memory in bytes, CPU time and processes; `None` where the groups don't say.
pub(super) fn usage(groups: &[PathBuf]) -> (Option<u64>, Option<Duration>, Option<usize>) {
    let number = |name| first_number(groups, name);
    let memory = number("memory.current").or_else(|| number("memory.usage_in_bytes"));
    let cpu = field(groups, "cpu.stat", "usage_usec")
        .map(Duration::from_micros)
        .or_else(|| number("cpuacct.usage").map(Duration::from_nanos));
    (memory, cpu, number("pids.current").and_then(|count| usize::try_from(count).ok()))
}

/// Whether the kernel killed a process of the session for its memory limit.
pub(super) fn ran_out_of_memory(groups: &[PathBuf]) -> bool {
    let killed = field(groups, "memory.events", "oom_kill")
        .or_else(|| field(groups, "memory.oom_control", "oom_kill"));
    killed.is_some_and(|count| count > 0)
}

fn make(group: &Path) -> io::Result<()> {
    match fs::create_dir(group) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The parent may be there already and be another user's.
fn make_writable(group: &Path) -> io::Result<()> {
    make(group)?;
    Ok(access(group, AccessFlags::W_OK)?)
}

/// As root the parent is at the top, beside the service's own group, since systemd ends all processes in that
/// group with the service. As an ordinary user it is in the topmost group that was delegated to them.
fn prepare_unified(mount: &Path, own: &str) -> io::Result<PathBuf> {
    let own = own.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or("");
    let mut candidates = vec![mount.to_owned()];
    for part in Path::new(own) {
        let next = candidates.last().map_or_else(PathBuf::new, |last| last.join(part));
        candidates.push(next);
    }
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for place in candidates {
        let parent = place.join(PARENT);
        let made = make_writable(&parent)
            .and_then(|()| enable_controllers(&place))
            .and_then(|()| enable_controllers(&parent));
        match made {
            Ok(()) => return Ok(parent),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Memory and processes are a must; CPU may be missing.
fn enable_controllers(group: &Path) -> io::Result<()> {
    let control = group.join("cgroup.subtree_control");
    fs::write(&control, "+memory +pids")?;
    if let Err(error) = fs::write(&control, "+cpu") {
        tracing::info!(%error, group = %group.display(), "sessions share the CPU without weights");
    }
    Ok(())
}

fn limit_unified(group: &Path, limits: Limits) -> io::Result<()> {
    fs::write(group.join("memory.max"), limits.memory.to_string())?;
    write_if_present(&group.join("memory.swap.max"), "0")?;
    fs::write(group.join("pids.max"), limits.processes.to_string())?;
    write_if_present(&group.join("cpu.weight"), &cpu_weight(limits.cpu_shares).to_string())
}

fn limit_separate(controller: Controller, group: &Path, limits: Limits) -> io::Result<()> {
    match controller {
        Controller::Memory => {
            let memory = limits.memory.to_string();
            fs::write(group.join("memory.limit_in_bytes"), &memory)?;
            write_if_present(&group.join("memory.memsw.limit_in_bytes"), &memory)
        }
        Controller::Processes => fs::write(group.join("pids.max"), limits.processes.to_string()),
        Controller::Cpu => fs::write(group.join("cpu.shares"), limits.cpu_shares.to_string()),
        Controller::CpuAccounting => Ok(()),
    }
}

/// From shares (2 to 262144) to weight (1 to 10000), as container engines convert them.
fn cpu_weight(shares: u32) -> u64 {
    1 + (u64::from(shares).saturating_sub(2) * 9999) / 262_142
}

fn write_if_present(file: &Path, text: &str) -> io::Result<()> {
    if file.exists() { fs::write(file, text) } else { Ok(()) }
}

fn kill_all(group: &Path) {
    if fs::write(group.join("cgroup.kill"), "1").is_ok() {
        return;
    }
    let processes = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    for pid in processes.lines().filter_map(|line| line.parse().ok()) {
        // It may have ended since; a number of this list can't be another's while it is in the group.
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
    }
}

fn first_number(groups: &[PathBuf], name: &str) -> Option<u64> {
    groups.iter().find_map(|group| fs::read_to_string(group.join(name)).ok()?.trim().parse().ok())
}

fn field(groups: &[PathBuf], name: &str, key: &str) -> Option<u64> {
    groups.iter().find_map(|group| {
        let text = fs::read_to_string(group.join(name)).ok()?;
        text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { memory: 1 << 30, processes: 99, cpu_shares: 1024 };

    #[test]
    fn version_2_gets_its_limits_in_the_topmost_group_that_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("cgroup.controllers"), "cpu memory pids").unwrap();
        let own = "0::/user.slice/user@7.service\n";
        // Like a directory of another user: nothing can be made in it.
        fs::write(folder.path().join(PARENT), "").unwrap();
        fs::create_dir_all(folder.path().join("user.slice/user@7.service")).unwrap();
        fs::write(folder.path().join("user.slice").join(PARENT), "").unwrap();
        let groups = ControlGroups::prepare(folder.path(), own);
        let parent = folder.path().join("user.slice/user@7.service/innkeeper");
        assert_eq!(groups, ControlGroups::Unified(parent.clone()));

        let made = groups.create("one", LIMITS).unwrap();
        assert_eq!(made, [parent.join("one")]);
        assert_eq!(fs::read_to_string(parent.join("one/memory.max")).unwrap(), "1073741824");
        assert_eq!(fs::read_to_string(parent.join("one/pids.max")).unwrap(), "99");
        fs::write(parent.join("one/memory.events"), "low 0\noom 3\noom_kill 2\n").unwrap();
        fs::write(parent.join("one/memory.current"), "4096\n").unwrap();
        fs::write(parent.join("one/cpu.stat"), "usage_usec 1500\nuser_usec 2\n").unwrap();
        assert!(ran_out_of_memory(&made));
        assert_eq!(usage(&made), (Some(4096), Some(Duration::from_micros(1500)), None));
    }

    #[test]
    fn shares_become_weights() {
        assert_eq!([2, 1024, 262_144].map(cpu_weight), [1, 39, 10_000]);
    }

    #[test]
    fn a_machine_without_control_groups_is_said_to_have_none() {
        let folder = tempfile::tempdir().unwrap();
        let groups = ControlGroups::prepare(folder.path(), "");
        assert!(!groups.limit_memory());
        assert!(groups.create("one", LIMITS).unwrap().is_empty());
    }
}
