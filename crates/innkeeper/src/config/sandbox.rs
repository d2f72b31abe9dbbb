//! `[sandbox]`: how much of this machine workspaces may use.

use std::path::PathBuf;

use super::setting::Count;
use super::{Data, Reader};

/// What the sandbox may use.
#[derive(Debug)]
pub(crate) struct SandboxLimits {
    /// Where it keeps what belongs to running sessions.
    pub(crate) dir: PathBuf,
    /// Sessions at once, of all people.
    pub(crate) max_sessions: u32,
    /// Sessions at once, of one person.
    pub(crate) sessions_per_person: u32,
    /// Memory in MiB that is left to the rest of the machine.
    pub(crate) memory_reserve_mib: u32,
}

impl SandboxLimits {
    pub(super) fn read(reader: &mut Reader<'_>, data: &Data) -> Self {
        let dir = reader.value("sandbox.dir", data.dir.join("sandbox"));
        let Count(max_sessions) = reader.value("sandbox.max_sessions", Count::<10_000>(20));
        let Count(sessions_per_person) = reader.value("sandbox.sessions_per_person", Count::<10_000>(10));
        let Count(memory_reserve_mib) = reader.value("sandbox.memory_reserve_mib", Count::<{ 1 << 24 }>(512));
        Self { dir, max_sessions, sessions_per_person, memory_reserve_mib }
    }
}
