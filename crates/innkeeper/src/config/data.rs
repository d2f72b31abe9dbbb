//! `[data]`: where everything lies that must survive a restart.

use std::path::PathBuf;

use super::Reader;

/// The data directory.
#[derive(Debug)]
pub(crate) struct Data {
    /// Its path. A relative one begins where the service was started.
    pub(crate) dir: PathBuf,
}

impl Data {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self { dir: reader.value("data.dir", PathBuf::from("./data")) }
    }
}
