//! The data directory: made, locked for one service at a time, and the home of the master key.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use store::SystemRandom;

use crate::config::{KeyFrom, write_new_key};

const LOCK: &str = "innkeeper.lock";

/// The data directory, held by this process. Let go when dropped, and by the kernel if the process dies.
#[derive(Debug)]
pub(crate) struct DataDir {
    _lock: File,
}

/// Who holds a data directory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// Nobody.
    Nobody,
    /// A running service, with the number of its process if that could be read.
    Service(Option<u32>),
}

impl DataDir {
    /// Makes the directory if it isn't there, and locks it.
    ///
    /// # Errors
    /// A sentence: it can't be made, or another service runs on it.
    pub(crate) fn take(dir: &Path) -> Result<Self, String> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| {
            format!(
                "The data directory {} can't be made: {error}. Choose another with --data, or make it yourself.",
                dir.display()
            )
        })?;
        match lock(&dir.join(LOCK)) {
            Ok(lock) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                let process =
                    process_of(dir).map_or(String::new(), |process| format!(" (process {process})"));
                Err(format!(
                    "Innkeeper is already running on {}{process}. Stop that one first, or choose another directory \
                     with --data.",
                    dir.display()
                ))
            }
            Err(TryLockError::Error(error)) => {
                Err(format!("The data directory {} can't be used: {error}.", dir.display()))
            }
        }
    }
}

/// Who holds the directory now. It changes nothing there.
pub(crate) fn who_holds(dir: &Path) -> Holder {
    let Ok(file) = File::open(dir.join(LOCK)) else { return Holder::Nobody };
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Holder::Service(process_of(dir)),
        _ => Holder::Nobody,
    }
}

/// The master key; made if it is to lie in the data directory and is not there.
///
/// # Errors
/// A sentence.
pub(crate) fn key_of(from: &KeyFrom) -> Result<[u8; 32], String> {
    let KeyFrom::DataDirectory(path) = from else { return from.load() };
    match write_new_key(path, &SystemRandom) {
        Ok(key) => Ok(key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => from.load(),
        Err(error) => Err(format!("The master key can't be written to {}: {error}.", path.display())),
    }
}

fn lock(path: &Path) -> Result<File, TryLockError> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(TryLockError::Error)?;
    file.try_lock()?;
    let process = format!("{}\n", std::process::id());
    file.set_len(0).and_then(|()| file.write_all(process.as_bytes())).map_err(TryLockError::Error)?;
    Ok(file)
}

fn process_of(dir: &Path) -> Option<u32> {
    std::fs::read_to_string(dir.join(LOCK)).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_service_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("a/data");
        assert_eq!(who_holds(&dir), Holder::Nobody);
        let held = DataDir::take(&dir).unwrap();
        let sentence = DataDir::take(&dir).unwrap_err();
        assert!(sentence.contains("already running") && sentence.contains(&std::process::id().to_string()));
        assert_eq!(who_holds(&dir), Holder::Service(Some(std::process::id())));
        drop(held);
        assert_eq!(who_holds(&dir), Holder::Nobody);
        DataDir::take(&dir).unwrap();
    }

    #[test]
    fn the_key_of_the_first_start_is_the_key_of_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let from = KeyFrom::DataDirectory(dir.path().join("secret.key"));
        let first = key_of(&from).unwrap();
        assert_eq!(key_of(&from).unwrap(), first);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_told() {
        let sentence = DataDir::take(Path::new("/proc/innkeeper")).unwrap_err();
        assert!(sentence.starts_with("The data directory /proc/innkeeper can't be made"), "{sentence}");
    }
}
