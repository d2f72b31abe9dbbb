use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// What a session is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSpec {
    /// Unique among all sessions, 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub id: String,
    /// What runs beside the X server.
    pub kind: Kind,
    /// The screen at the start; the client may resize it.
    pub geometry: Geometry,
    /// Memory for the whole session, in bytes; at least 64 MiB.
    pub memory: u64,
    /// Processes and threads at once; at least 16.
    pub processes: u32,
    /// Share of the CPU under load, 1024 being ordinary (2 to 262144).
    pub cpu_shares: u32,
    /// Variables for the session's programs, over the driver's own.
    pub environment: BTreeMap<String, String>,
    /// The session ends by itself after this time, whatever happens to the service.
    pub deadline: Duration,
    /// The session ends by itself when the service has been away for this long.
    pub lease_grace: Duration,
    /// A directory that becomes the session's home; without one it gets an empty home that is lost at the end.
    /// On disk its files belong to user 1000 when the service runs as root, else to the service's own user.
    pub home: Option<PathBuf>,
}

/// What runs beside the X server. The session ends when it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A window manager with a panel, a file manager and a terminal; it ends when the person logs out.
    Desktop,
    /// A terminal over the whole screen; it ends with its shell.
    Terminal,
    /// One program over the whole screen; the session ends with it.
    Program {
        /// The program and its arguments, as seen inside the session.
        argv: Vec<String>,
    },
}

/// Size of a screen in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Geometry {
    /// 200 to 8192.
    pub width: u16,
    /// 150 to 8192.
    pub height: u16,
}

const MIB: u64 = 1024 * 1024;

impl SessionSpec {
    /// A session with the ordinary limits: 1280x720, 2 GiB, 512 processes, 8 hours, 10 minutes of lease grace.
    pub fn new(id: impl Into<String>, kind: Kind) -> SessionSpec {
        SessionSpec {
            id: id.into(),
            kind,
            geometry: Geometry { width: 1280, height: 720 },
            memory: 2048 * MIB,
            processes: 512,
            cpu_shares: 1024,
            environment: BTreeMap::new(),
            deadline: Duration::from_hours(8),
            lease_grace: Duration::from_mins(10),
            home: None,
        }
    }

    /// Checks what the fields promise; the error is a phrase for [`crate::StartError::Invalid`].
    pub(crate) fn check(&self) -> Result<(), String> {
        if !is_session_id(&self.id) {
            return Err("the session's id must be 1 to 64 letters, digits, - or _".to_owned());
        }
        let Geometry { width, height } = self.geometry;
        if !(200..=8192).contains(&width) || !(150..=8192).contains(&height) {
            return Err(format!("a screen of {width}x{height} is outside 200x150 to 8192x8192"));
        }
        if self.memory < 64 * MIB {
            return Err("a session needs at least 64 MiB of memory".to_owned());
        }
        if self.processes < 16 {
            return Err("a session needs at least 16 processes".to_owned());
        }
        if !(2..=262_144).contains(&self.cpu_shares) {
            return Err("CPU shares lie between 2 and 262144".to_owned());
        }
        if self.deadline.is_zero() || self.lease_grace.is_zero() {
            return Err("the time limit and the lease grace must be longer than nothing".to_owned());
        }
        if let Kind::Program { argv } = &self.kind
            && argv.first().is_none_or(String::is_empty)
        {
            return Err("no program is named".to_owned());
        }
        if self.environment.iter().any(|(name, value)| !is_variable(name) || value.contains('\0')) {
            return Err("an environment variable has an impossible name or value".to_owned());
        }
        match &self.home {
            Some(home) if !home.is_absolute() => {
                Err("the home directory must be an absolute path".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// Whether a text can name a session, and so a directory and a control group.
pub(crate) fn is_session_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(change: impl FnOnce(&mut SessionSpec)) -> Result<(), String> {
        let mut spec = SessionSpec::new("a-session", Kind::Desktop);
        change(&mut spec);
        spec.check()
    }

    #[test]
    fn the_ordinary_session_is_sound() {
        changed(|_| ()).unwrap();
    }

    #[test]
    fn ids_that_would_leave_their_directory_are_refused() {
        for id in ["", ".", "..", "a/b", "a.b", "ä", "a b", &"x".repeat(65)] {
            assert!(changed(|spec| spec.id = id.to_owned()).is_err(), "{id:?} was accepted");
        }
    }

    #[test]
    fn impossible_limits_are_refused() {
        assert!(changed(|spec| spec.geometry.width = 0).is_err());
        assert!(changed(|spec| spec.memory = 1).is_err());
        assert!(changed(|spec| spec.processes = 1).is_err());
        assert!(changed(|spec| spec.cpu_shares = 0).is_err());
        assert!(changed(|spec| spec.deadline = Duration::ZERO).is_err());
        assert!(changed(|spec| spec.kind = Kind::Program { argv: vec![] }).is_err());
        assert!(changed(|spec| spec.home = Some("profile".into())).is_err());
        assert!(changed(|spec| drop(spec.environment.insert("A=B".into(), String::new()))).is_err());
    }
}
