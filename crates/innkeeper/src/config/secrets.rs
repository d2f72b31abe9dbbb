//! `[secrets]`: the master key. Everything sealed in the database is sealed with it.

use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use store::Random;

use super::database::warn_if_open_to_all;
use super::{Data, Problem, Reader, ShownValue};

/// The master key.
#[derive(Debug)]
pub(crate) struct Secrets {
    /// Where it is.
    pub(crate) key: KeyFrom,
}

/// Where the master key is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum KeyFrom {
    /// It was given.
    Configuration([u8; 32]),
    /// It lies in this file in the data directory, which the first start makes.
    DataDirectory(PathBuf),
}

impl std::fmt::Debug for KeyFrom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Configuration(_) => f.write_str("Configuration(hidden)"),
            Self::DataDirectory(path) => write!(f, "DataDirectory({})", path.display()),
        }
    }
}

impl KeyFrom {
    /// The key itself.
    ///
    /// # Errors
    /// A sentence: the file can't be read, or holds no key.
    pub(crate) fn load(&self) -> Result<[u8; 32], String> {
        match self {
            Self::Configuration(key) => Ok(*key),
            Self::DataDirectory(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| format!("The master key {} can't be read: {error}.", path.display()))?;
                parse(text.trim()).ok_or_else(|| {
                    format!(
                        "{} holds no master key. Put the backup of that file back: without it the secrets in the \
                         database can't be read.",
                        path.display()
                    )
                })
            }
        }
    }
}

const WRITE: &str = "Write 32 random bytes in base64, as `openssl rand -base64 32` prints them.";

impl Secrets {
    pub(super) fn read(reader: &mut Reader<'_>, data: &Data) -> Self {
        let in_data = KeyFrom::DataDirectory(data.dir.join("secret.key"));
        let Some(given) = reader.secret("secrets.key", "secrets.key_file") else {
            let origin = reader.origin("secrets.key");
            reader.show("secrets.key", ShownValue::Unset, origin);
            return Self { key: in_data };
        };
        reader.show("secrets.key", ShownValue::Hidden, given.origin.clone());
        let name = if given.file.is_some() { "secrets.key_file" } else { "secrets.key" };
        let Some(key) = parse(&given.text) else {
            reader.problem(Problem::error("This is not a key of 32 bytes.", WRITE).at(given.origin).of(name));
            return Self { key: in_data };
        };
        warn_if_open_to_all(reader, name, given.file, &given.origin);
        Self { key: KeyFrom::Configuration(key) }
    }
}

/// Makes a master key in a file that only its owner can read, and that wasn't there before.
///
/// # Errors
/// The file is there already, or can't be written.
pub(crate) fn write_new_key(path: &Path, random: &dyn Random) -> io::Result<[u8; 32]> {
    let mut key = [0; 32];
    random.fill(&mut key);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", BASE64_STANDARD.encode(key))?;
    file.sync_all()?;
    Ok(key)
}

fn parse(text: &str) -> Option<[u8; 32]> {
    BASE64_STANDARD.decode(text).ok()?.try_into().ok()
}
