//! Processes that are not our children: named so that a number used again is not mistaken for them, signalled
//! and awaited through a pidfd, which stays with the process it was opened for.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// A process of this machine, past or present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProcessName {
    pub(super) pid: i32,
    /// Field 22 of `/proc/PID/stat`: when it started, in clock ticks since the machine did.
    pub(super) start_ticks: u64,
    /// `/proc/sys/kernel/random/boot_id`: which start of the machine that was.
    pub(super) boot: String,
}

impl ProcessName {
    /// Names the process that has this number now.
    pub(super) fn of(pid: i32) -> io::Result<ProcessName> {
        let stat = Stat::read(pid)?;
        Ok(ProcessName { pid, start_ticks: stat.start_ticks, boot: boot_id()? })
    }

    /// Opens the process if it still runs. A zombie has ended, whoever has yet to collect it.
    pub(super) fn open(&self) -> Option<Process> {
        let fd = pidfd_open(self.pid).ok()?;
        // Read after opening: if it is still the same process now, the pidfd is that process too.
        let stat = Stat::read(self.pid).ok()?;
        let same = stat.start_ticks == self.start_ticks && boot_id().ok()? == self.boot;
        if same && matches!(stat.state, 'Z' | 'X') {
            self.collect();
        }
        (same && !matches!(stat.state, 'Z' | 'X')).then_some(Process { fd })
    }

    /// Where the service is the first process of a container, ended sessions become its children.
    fn collect(&self) {
        // Not our child is the ordinary case, and then there is nothing to do.
        let _ = waitpid(Pid::from_raw(self.pid), Some(WaitPidFlag::WNOHANG));
    }
}

/// A running process.
pub(super) struct Process {
    fd: OwnedFd,
}

impl Process {
    /// Sends a signal. That the process has ended meanwhile is no error.
    #[expect(unsafe_code, reason = "nix has no pidfd_send_signal")]
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        // SAFETY: the descriptor is open as long as self; a null siginfo is what the call documents for "like
        // kill(2)"; no memory is shared.
        let result = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.fd.as_raw_fd(),
                signal as libc::c_int,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            )
        };
        match Errno::result(result) {
            Ok(_) | Err(Errno::ESRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Waits until it has ended; false when it still runs after `limit`.
    pub(super) fn ended_within(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout) {
                Ok(0) if Instant::now() >= until => return false,
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => return true,
                Err(_) => return false,
            }
        }
    }
}

/// Memory in bytes, CPU time in clock ticks and number of a process and all its descendants, from `/proc`.
pub(super) fn usage_of_tree(root: i32) -> io::Result<(u64, u64, usize)> {
    let mut children: HashMap<i32, Vec<(i32, Stat)>> = HashMap::new();
    let mut found = vec![(root, Stat::read(root)?)];
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process may end while we read; then it uses nothing any more.
        if let Ok(stat) = Stat::read(pid) {
            children.entry(stat.parent).or_default().push((pid, stat));
        }
    }
    let mut next = 0;
    while let Some((pid, _)) = found.get(next) {
        found.extend(children.remove(pid).unwrap_or_default());
        next += 1;
    }
    let memory = found.iter().map(|(_, stat)| stat.resident_pages).sum::<u64>() * page_size();
    Ok((memory, found.iter().map(|(_, stat)| stat.cpu_ticks).sum(), found.len()))
}

/// What we read of `/proc/PID/stat` (proc(5)).
struct Stat {
    state: char,
    parent: i32,
    cpu_ticks: u64,
    start_ticks: u64,
    resident_pages: u64,
}

impl Stat {
    fn read(pid: i32) -> io::Result<Stat> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        Stat::parse(&text).ok_or_else(|| io::Error::other("an unreadable /proc/PID/stat"))
    }

    /// The name in parentheses may itself hold parentheses and spaces, so fields are counted after the last one.
    fn parse(text: &str) -> Option<Stat> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Stat {
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            cpu_ticks: number(11)? + number(12)?,
            start_ticks: number(19)?,
            resident_pages: number(21)?,
        })
    }
}

fn boot_id() -> io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

fn page_size() -> u64 {
    let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE);
    size.ok().flatten().and_then(|size| u64::try_from(size).ok()).unwrap_or(4096)
}

#[expect(unsafe_code, reason = "nix has no pidfd_open")]
fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two integers and returns a new descriptor (close-on-exec) or -1.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    let fd = libc::c_int::try_from(fd).map_err(io::Error::other)?;
    // SAFETY: the kernel just made this descriptor for us and nothing else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let text = "7 (a) Z (b)) S 3 7 7 0 -1 0 0 0 0 0 11 22 0 0 20 0 1 0 4444 9999 55 0";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.state, stat.parent, stat.cpu_ticks), ('S', 3, 33));
        assert_eq!((stat.start_ticks, stat.resident_pages), (4444, 55));
    }

    #[test]
    fn a_process_number_used_again_is_not_the_same_process() {
        let own = ProcessName::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(own.open().is_some());
        let earlier = ProcessName { start_ticks: own.start_ticks - 1, ..own.clone() };
        assert!(earlier.open().is_none());
        let other_boot = ProcessName { boot: "another".to_owned(), ..own };
        assert!(other_boot.open().is_none());
    }

    #[test]
    fn an_ended_process_is_not_running_even_before_it_is_collected() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let name = ProcessName::of(i32::try_from(child.id()).unwrap()).unwrap();
        let process = name.open().unwrap();
        assert!(!process.ended_within(Duration::from_millis(20)));
        process.signal(Signal::SIGKILL).unwrap();
        assert!(process.ended_within(Duration::from_secs(5)));
        assert!(name.open().is_none());
        // Collected by open() already, or here.
        let _ = child.wait();
    }
}
