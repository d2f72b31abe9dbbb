//! How many files and connections this process may have open.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Enough for thousands of connections, each with a session behind it.
const WANTED: u64 = 65_536;

/// The limit now, and the most it could be raised to.
pub(crate) fn open_files_limit() -> Option<(u64, u64)> {
    getrlimit(Resource::RLIMIT_NOFILE).ok()
}

/// Raises the limit as far as wanted and allowed. The usual 1024 would end at some 500 people.
pub(super) fn raise_open_files_limit() {
    let Some((now, most)) = open_files_limit() else { return };
    let raised = WANTED.min(most);
    if raised > now
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, raised, most)
    {
        tracing::warn!(%error, now, "the limit of open files stays low, so few people can be served at once");
    }
}
