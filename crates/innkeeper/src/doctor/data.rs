//! The data directory, the master key and the database.

use std::path::Path;

use store::{Store, StoreConfig};

use super::Finding;
use crate::config::{Database, KeyFrom};
use crate::serve::with_causes;

/// Less free space than this, in bytes, is worth a word.
const LITTLE_SPACE: u64 = 1 << 30;

/// Whether the data directory can be written, or made; and whether there is room.
pub(super) fn directory(dir: &Path) -> Vec<Finding> {
    const NAME: &str = "data directory";
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let Some(nearest) = absolute.ancestors().find(|path| path.exists()) else {
        return vec![Finding::missing(
            NAME,
            format!("{} leads nowhere", dir.display()),
            "choose another with --data",
        )];
    };
    let shown = dir.display();
    if !nearest.is_dir() {
        let mend = format!("move {} away, or choose another with --data", nearest.display());
        return vec![Finding::missing(NAME, format!("{} is not a directory", nearest.display()), mend)];
    }
    if nix::unistd::access(nearest, nix::unistd::AccessFlags::W_OK | nix::unistd::AccessFlags::X_OK).is_err()
    {
        let user = nix::unistd::geteuid();
        let mend = format!("sudo mkdir -p {shown} && sudo chown {user} {shown}");
        return vec![Finding::missing(
            NAME,
            format!("{} can't be written by this user", nearest.display()),
            mend,
        )];
    }
    let sentence =
        if nearest == absolute { format!("{shown} can be written") } else { format!("{shown} will be made") };
    let mut findings = vec![Finding::good(NAME, sentence)];
    findings.extend(space(nearest));
    findings
}

fn space(dir: &Path) -> Option<Finding> {
    let numbers = nix::sys::statvfs::statvfs(dir).ok()?;
    let free = numbers.blocks_available().saturating_mul(numbers.fragment_size());
    let sentence = format!("{} MiB are left on the disk of {}", free >> 20, dir.display());
    (free < LITTLE_SPACE).then(|| Finding::advice("disk space", sentence, "remove what is not needed there"))
}

/// Whether the master key is there and is one.
pub(super) fn master_key(from: &KeyFrom) -> Finding {
    const NAME: &str = "master key";
    match from {
        KeyFrom::DataDirectory(path) if !path.exists() => {
            Finding::good(NAME, format!("{} will be made at the first start", path.display()))
        }
        KeyFrom::DataDirectory(path) => match from.load() {
            Ok(_) => {
                Finding::good(NAME, format!("{} (keep a copy of it apart from the database)", path.display()))
            }
            Err(sentence) => {
                Finding::missing(NAME, sentence, format!("restore {} from a backup", path.display()))
            }
        },
        KeyFrom::Configuration(_) => Finding::good(NAME, "given by the configuration"),
    }
}

/// Whether the database answers.
pub(super) fn database(database: &Database) -> Finding {
    const NAME: &str = "database";
    let address = &database.url;
    if let Some(path) = address.sqlite_path()
        && !path.exists()
    {
        return Finding::good(NAME, format!("{address} will be made at the first start"));
    }
    match answers(database) {
        Ok(()) => Finding::good(NAME, format!("{address} answers")),
        Err(cause) => {
            let mend = if address.sqlite_path().is_some() {
                "check that the file is an SQLite database that this user may write"
            } else {
                "check that the server runs and that database.url has the right host, name and password"
            };
            Finding::missing(NAME, format!("{address} can't be used: {cause}"), mend)
        }
    }
}

fn answers(database: &Database) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let config = StoreConfig { url: database.url.secret().to_owned(), max_connections: 1 };
        let store = Store::open(&config, &[]).await.map_err(|error| with_causes(&error))?;
        store.close().await;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, read};
    use crate::doctor::State;

    fn database_at(url: &str) -> Database {
        let environment = vec![("INNKEEPER__DATABASE__URL".to_owned(), url.to_owned())];
        read(&Sources { environment, ..Sources::default() }).config.database
    }

    #[test]
    fn a_directory_that_is_not_there_yet_is_no_problem_and_is_not_made() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("a/b");
        assert_eq!(directory(&dir)[0].state, State::Good);
        assert!(!parent.path().join("a").exists());
    }

    #[test]
    fn a_file_in_place_of_the_directory_is_told() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(directory(&file.join("data"))[0].state, State::Missing);
    }

    #[test]
    fn a_damaged_key_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret.key");
        assert_eq!(master_key(&KeyFrom::DataDirectory(path.clone())).state, State::Good);
        std::fs::write(&path, "x").unwrap();
        assert_eq!(master_key(&KeyFrom::DataDirectory(path)).state, State::Missing);
    }

    #[test]
    fn a_database_that_is_none_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        let url = format!("sqlite:{}", path.display());
        assert_eq!(database(&database_at(&url)).state, State::Good);
        assert!(!path.exists(), "looking must not make it");
        std::fs::write(&path, "This is a letter, not a database. ".repeat(200)).unwrap();
        let finding = database(&database_at(&url));
        assert_eq!(finding.state, State::Missing, "{finding:?}");
    }

    #[test]
    fn a_server_that_is_not_there_is_told_without_the_password() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let finding = database(&database_at(&format!("postgres://keeper:hunter2@127.0.0.1:{free}/inn")));
        assert_eq!(finding.state, State::Missing);
        assert!(!format!("{finding:?}").contains("hunter2"), "{finding:?}");
    }
}
