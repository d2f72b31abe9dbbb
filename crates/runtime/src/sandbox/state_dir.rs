//! What the sandbox keeps on disk, so that a service started anew finds its sessions:
//!
//! ```text
//! STATE/lease              touched by the service; sessions end when nobody has for too long
//! STATE/ID/session.json    the session's first process, written before any program of it runs
//! STATE/ID/ended.json      why it ended, written by that process
//! STATE/ID/ws/rfb.sock     the session's RFB server; this directory belongs to the session and is hostile
//! ```

use super::process::{Process, ProcessName};
use crate::spec::is_session_id;
use crate::{EndCause, Error};
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::{Mode, SFlag, UtimensatFlags, fstat, utimensat};
use nix::sys::time::TimeSpec;
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The name of the RFB socket in the session's directory.
pub(super) const RFB_SOCKET: &str = "rfb.sock";

/// The directory of all sessions of one service.
#[derive(Debug, Clone)]
pub(super) struct StateDir {
    path: PathBuf,
    pub(super) inode: u64,
}

impl StateDir {
    /// Opens it, making it (mode 0700) and its lease if need be.
    pub(super) fn open(path: &Path) -> io::Result<StateDir> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let path = path.canonicalize()?;
        let state = StateDir { inode: path.metadata()?.ino(), path };
        state.renew_lease()?;
        Ok(state)
    }

    pub(super) fn lease(&self) -> PathBuf {
        self.path.join("lease")
    }

    /// Touches the lease. The file is never replaced: running sessions hold it open.
    pub(super) fn renew_lease(&self) -> io::Result<()> {
        let lease = self.lease();
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&lease)?;
        let now = TimeSpec::UTIME_NOW;
        Ok(utimensat(nix::fcntl::AT_FDCWD, &lease, &now, &now, UtimensatFlags::NoFollowSymlink)?)
    }

    pub(super) fn session(&self, id: &str) -> SessionDir {
        SessionDir { path: self.path.join(id) }
    }

    /// The ids of all sessions that left anything here.
    pub(super) fn ids(&self) -> io::Result<Vec<String>> {
        let mut ids = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            if let Some(id) = name.to_str().filter(|name| is_session_id(name))
                && entry.file_type()?.is_dir()
            {
                ids.push(id.to_owned());
            }
        }
        ids.sort();
        Ok(ids)
    }
}

/// `session.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The first process of the session's process namespace; everything in the session ends with it.
    pub(super) process: ProcessName,
    /// The user of this machine that the session's user is.
    pub(super) host_uid: u32,
    /// Its control groups.
    pub(super) control_groups: Vec<PathBuf>,
}

impl Record {
    /// [`crate::Handle::incarnation`].
    pub(super) fn incarnation(&self) -> String {
        format!("{}-{}", self.process.pid, self.process.start_ticks)
    }

    pub(super) fn running(&self) -> Option<Process> {
        self.process.open()
    }
}

/// The directory of one session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SessionDir {
    path: PathBuf,
}

impl SessionDir {
    /// Makes the directory; `host_uid` is who owns the part of it that the session writes.
    pub(super) fn create(&self, host_uid: u32) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(&self.path)?;
        let ws = self.shared();
        DirBuilder::new().mode(0o700).create(&ws)?;
        if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(&ws, Some(host_uid), Some(host_uid))?;
        }
        Ok(())
    }

    /// The directory that is `/run/ws` inside.
    pub(super) fn shared(&self) -> PathBuf {
        self.path.join("ws")
    }

    pub(super) fn record(&self) -> Option<Record> {
        serde_json::from_slice(&std::fs::read(self.path.join("session.json")).ok()?).ok()
    }

    /// Writes the record so that a reader finds all of it or none.
    pub(super) fn write_record(&self, record: &Record) -> io::Result<()> {
        let fresh = self.path.join("session.json.new");
        std::fs::write(&fresh, serde_json::to_vec(record)?)?;
        std::fs::rename(fresh, self.path.join("session.json"))
    }

    /// The file into which the session's first process writes why it ended.
    pub(super) fn create_ending(&self) -> io::Result<std::fs::File> {
        OpenOptions::new().create_new(true).append(true).mode(0o600).open(self.path.join("ended.json"))
    }

    pub(super) fn ending(&self) -> Option<EndCause> {
        let mut text = Vec::new();
        let file = std::fs::File::open(self.path.join("ended.json")).ok()?;
        file.take(64 * 1024).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Opens the RFB socket as a path, for `connect` through `/proc/self/fd`.
    ///
    /// A session that got write access to its directory could plant a symbolic link to any socket of this
    /// machine there, so nothing but a socket directly in the directory is accepted.
    pub(super) fn rfb_socket(&self) -> Result<OwnedFd, Error> {
        let system = |source: nix::Error| Error::system("Opening the session's screen", source.into());
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let directory = open(&self.shared(), flags, Mode::empty()).map_err(system)?;
        let how = OpenHow::new()
            .flags(OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC)
            .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
        let socket = openat2(&directory, RFB_SOCKET, how).map_err(|errno| match errno {
            nix::Error::ELOOP | nix::Error::EXDEV => {
                Error::Untrusted("a link stands in its place".to_owned())
            }
            errno => system(errno),
        })?;
        let mode = fstat(&socket).map_err(system)?.st_mode;
        if SFlag::from_bits_truncate(mode) & SFlag::S_IFMT != SFlag::S_IFSOCK {
            return Err(Error::Untrusted("something else stands in its place".to_owned()));
        }
        Ok(socket)
    }

    /// Removes the directory and all in it; symbolic links are removed, never followed.
    pub(super) fn remove(&self) -> io::Result<()> {
        match std::fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The path that leads to an open descriptor, whatever its name has become since.
pub(super) fn path_of(fd: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    fn session() -> (tempfile::TempDir, StateDir, SessionDir) {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(&folder.path().join("state")).unwrap();
        let session = state.session("one");
        session.create(nix::unistd::geteuid().as_raw()).unwrap();
        (folder, state, session)
    }

    #[test]
    fn a_link_or_a_file_in_place_of_the_socket_is_refused() {
        let (folder, _, session) = session();
        let victim = folder.path().join("victim.sock");
        let _listener = UnixListener::bind(&victim).unwrap();
        let place = session.shared().join(RFB_SOCKET);

        symlink(&victim, &place).unwrap();
        assert!(matches!(session.rfb_socket(), Err(Error::Untrusted(_))));
        std::fs::remove_file(&place).unwrap();

        std::fs::write(&place, "").unwrap();
        assert!(matches!(session.rfb_socket(), Err(Error::Untrusted(_))));
        std::fs::remove_file(&place).unwrap();

        let _own = UnixListener::bind(&place).unwrap();
        session.rfb_socket().unwrap();
    }

    #[test]
    fn a_link_in_place_of_the_shared_directory_is_refused() {
        let (folder, _, session) = session();
        let _listener = UnixListener::bind(folder.path().join(RFB_SOCKET)).unwrap();
        std::fs::remove_dir(session.shared()).unwrap();
        symlink(folder.path(), session.shared()).unwrap();
        assert!(session.rfb_socket().is_err());
    }

    #[test]
    fn removing_a_session_follows_no_link() {
        let (folder, state, session) = session();
        let victim = folder.path().join("victim");
        std::fs::create_dir(&victim).unwrap();
        std::fs::write(victim.join("file"), "kept").unwrap();
        symlink(&victim, session.shared().join("link")).unwrap();
        session.remove().unwrap();
        assert_eq!(std::fs::read_to_string(victim.join("file")).unwrap(), "kept");
        assert!(state.ids().unwrap().is_empty());
        session.remove().unwrap();
    }

    #[test]
    fn only_session_directories_are_listed() {
        let (folder, state, _) = session();
        std::fs::create_dir(folder.path().join("state/not.a.session")).unwrap();
        symlink("/", folder.path().join("state/link")).unwrap();
        assert_eq!(state.ids().unwrap(), ["one"]);
    }

    #[test]
    fn the_lease_is_touched_and_not_replaced() {
        let (_folder, state, _) = session();
        let before = std::fs::metadata(state.lease()).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(30));
        state.renew_lease().unwrap();
        let after = std::fs::metadata(state.lease()).unwrap();
        assert_eq!(before.ino(), after.ino());
        assert!(after.modified().unwrap() > before.modified().unwrap());
    }
}
