//! `[database]`: SQLite in the data directory, or PostgreSQL.

use std::path::{Path, PathBuf};

use url::Url;

use super::reader::GivenSecret;
use super::setting::Count;
use super::{Data, Origin, Problem, Reader, ShownValue};

/// The database.
#[derive(Debug)]
pub(crate) struct Database {
    /// `sqlite:PATH` or `postgres://…`; may hold a password.
    pub(crate) url: DatabaseUrl,
    /// Connections at once.
    pub(crate) max_connections: u32,
}

/// The address of a database. `Debug` and `Display` hide the password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DatabaseUrl(String);

impl DatabaseUrl {
    /// With its password.
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }

    /// The file of an SQLite database.
    pub(crate) fn sqlite_path(&self) -> Option<&Path> {
        let path = self.0.strip_prefix("sqlite:")?;
        Some(Path::new(path.strip_prefix("//").unwrap_or(path)))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let url = Self(text.to_owned());
        if let Some(path) = url.sqlite_path() {
            return match path.to_str() {
                Some("") => Err("The path of the SQLite file is missing.".to_owned()),
                Some(":memory:") => Err("A database in memory would be lost at every stop.".to_owned()),
                _ => Ok(url),
            };
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err("The address begins with neither sqlite: nor postgres://.".to_owned());
        }
        match Url::parse(text) {
            Ok(_) => Ok(url),
            Err(error) => Err(format!("The address of the database can't be read: {error}.")),
        }
    }
}

impl std::fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match Url::parse(&self.0) {
            Ok(mut url) if url.has_host() => {
                let secret_in_query = url.query_pairs().any(|(name, _)| name == "password");
                let hidden = url.password().is_none() || url.set_password(Some("hidden")).is_ok();
                if !hidden || secret_in_query {
                    url.set_query(None);
                }
                f.write_str(url.as_str())
            }
            _ => f.write_str(&self.0),
        }
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

const WRITE: &str = "Write \"sqlite:./data/innkeeper.db\" or \"postgres://user:password@host/database\".";

impl Database {
    pub(super) fn read(reader: &mut Reader<'_>, data: &Data) -> Self {
        let in_data = DatabaseUrl(format!("sqlite:{}", data.dir.join("innkeeper.db").display()));
        let (url, origin) = match reader.secret("database.url", "database.url_file") {
            None => (in_data, Origin::BuiltIn),
            Some(given) => parse_given(reader, given).unwrap_or_else(|origin| (in_data, origin)),
        };
        reader.show("database.url", ShownValue::One(url.to_string()), origin);
        let Count(max_connections) = reader.value("database.max_connections", Count::<1000>(10));
        Self { url, max_connections }
    }
}

fn parse_given(reader: &mut Reader<'_>, given: GivenSecret) -> Result<(DatabaseUrl, Origin), Origin> {
    let GivenSecret { text, origin, file } = given;
    let key = if file.is_some() { "database.url_file" } else { "database.url" };
    match DatabaseUrl::parse(&text) {
        Ok(url) => {
            warn_if_open_to_all(reader, key, file, &origin);
            Ok((url, origin))
        }
        Err(what) => {
            reader.problem(Problem::error(what, WRITE).at(origin.clone()).of(key));
            Err(origin)
        }
    }
}

/// Warns if others on this machine can read a file that holds a secret.
pub(super) fn warn_if_open_to_all(
    reader: &mut Reader<'_>,
    key: &str,
    file: Option<PathBuf>,
    origin: &Origin,
) {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(file) = file else { return };
    let open = std::fs::metadata(&file).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0);
    if open {
        let path = file.display();
        let problem = Problem::warning(
            format!("Others on this machine can read the secret in {path}."),
            format!("Run: chmod 600 {path}"),
        );
        reader.problem(problem.at(origin.clone()).of(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_never_shows() {
        for text in [
            "postgres://keeper:hunter2@db.example.com/innkeeper",
            "postgresql://keeper@db.example.com/innkeeper?password=hunter2",
        ] {
            let url = DatabaseUrl::parse(text).unwrap();
            assert_eq!(url.secret(), text);
            assert!(!format!("{url} {url:?}").contains("hunter2"), "{url}");
            assert!(format!("{url}").contains("db.example.com"));
        }
    }

    #[test]
    fn addresses_that_would_lose_or_miss_the_data_are_refused() {
        for bad in ["sqlite:", "sqlite::memory:", "mysql://x/y", "innkeeper.db", "", "postgres://:::"] {
            assert!(DatabaseUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
