//! What SQLite and PostgreSQL do differently; nothing else in the workspace asks which one it is.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

use crate::error::Error;

/// Which database this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The embedded default.
    Sqlite,
    /// A server of its own. One service uses a database for now: two would end each other's workspace sessions.
    PostgreSql,
}

impl Dialect {
    /// The statement that opens a transaction. SQLite takes the write lock at once, so that a
    /// transaction that reads and then writes can't find that somebody wrote in between.
    pub(crate) fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::PostgreSql => "BEGIN",
        }
    }

    /// What ends a transaction. PostgreSQL answers COMMIT after a failed statement by rolling back
    /// without an error; the SELECT before it fails there, so that no commit is lost in silence.
    pub(crate) fn commit(self) -> &'static str {
        match self {
            Self::Sqlite => "COMMIT",
            Self::PostgreSql => "SELECT 1; COMMIT",
        }
    }

    /// What every connection that writes runs first.
    pub(crate) fn prepare_writer(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                 PRAGMA busy_timeout = 5000"
            }
            Self::PostgreSql => "",
        }
    }

    /// What every connection that only reads runs first.
    pub(crate) fn prepare_reader(self) -> &'static str {
        match self {
            Self::Sqlite => "PRAGMA query_only = ON; PRAGMA busy_timeout = 5000",
            Self::PostgreSql => "",
        }
    }

    /// Makes instances that start at once migrate one after the other, until the transaction ends.
    /// SQLite's `BEGIN IMMEDIATE` did so already.
    pub(crate) fn lock_migrations(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            // The first key is "inkm" in ASCII; the second keeps schemas of one database apart.
            Self::PostgreSql => "SELECT pg_advisory_xact_lock(1768844141, hashtext(current_schema()))",
        }
    }

    /// An expression for the present moment in microseconds, by the database's own clock.
    pub(crate) fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
            Self::PostgreSql => "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
        }
    }

    /// The most values that one statement may bind.
    pub(crate) fn most_values(self) -> usize {
        match self {
            Self::Sqlite => 32_766,
            Self::PostgreSql => 65_535,
        }
    }
}

/// Where a database is: which dialect, and the address in the driver's form.
pub(crate) struct Location {
    pub(crate) dialect: Dialect,
    pub(crate) url: String,
}

impl Location {
    /// Reads `sqlite:PATH` or `postgres://…`. For SQLite the folder and the file are made if they
    /// are missing, for the owner alone.
    pub(crate) fn open(url: &str) -> Result<Self, Error> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
            return Ok(Self { dialect: Dialect::Sqlite, url: make_sqlite_file(&path)? });
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self { dialect: Dialect::PostgreSql, url: url.to_owned() });
        }
        Err(Error::Refused(
            "The database address must begin with sqlite: or postgres://, for example sqlite:data/innkeeper.db."
                .to_owned(),
        ))
    }
}

fn make_sqlite_file(path: &Path) -> Result<String, Error> {
    if path.as_os_str().is_empty() || path == Path::new(":memory:") {
        return Err(Error::Refused("The database address sqlite: needs the path of a file.".to_owned()));
    }
    let refuse = |error: std::io::Error| {
        Error::Refused(format!("The database file {} can't be opened: {error}.", path.display()))
    };
    let path = std::path::absolute(path).map_err(refuse)?;
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(refuse)?;
    }
    // SQLite gives its -wal and -shm files the mode of this one.
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(refuse)?;
    let url = url::Url::from_file_path(&path)
        .map_err(|()| Error::Refused(format!("The database path {} is not usable.", path.display())))?;
    // The file URL has every special character of the path encoded; the driver decodes them.
    Ok(format!("sqlite://{}", url.path()))
}

/// The columns that a unique violation is about, in SQLite's form on both databases.
pub(crate) fn unique_constraint(error: &dyn DatabaseError) -> String {
    match error.try_downcast_ref::<PgDatabaseError>() {
        Some(error) => postgres_constraint(error),
        None => sqlite_constraint(error.message()),
    }
}

/// `UNIQUE constraint failed: users.name`, or `…: index 'users_by_folded_name'`.
fn sqlite_constraint(message: &str) -> String {
    let columns = message.rsplit_once(": ").map_or(message, |(_, columns)| columns);
    let index = columns.strip_prefix("index '").and_then(|rest| rest.strip_suffix('\''));
    index.unwrap_or(columns).to_owned()
}

/// The columns from `Key (name)=(ann) already exists.`, of which only the words depend on the
/// server's language; the constraint's name if the key is an expression.
fn postgres_constraint(error: &PgDatabaseError) -> String {
    let columns = error.detail().and_then(|detail| {
        let (key, _) = detail.split_once(")=(")?;
        let (_, columns) = key.split_once('(')?;
        (!columns.contains('(')).then_some(columns)
    });
    match (error.table(), columns) {
        (Some(table), Some(columns)) => {
            let named = columns.split(", ").map(|column| format!("{table}.{}", column.trim_matches('"')));
            named.collect::<Vec<_>>().join(", ")
        }
        _ => error.constraint().unwrap_or("value").to_owned(),
    }
}

/// Whether the database says that it is busy, full of connections, or shutting down.
pub(crate) fn is_unavailable(error: &dyn DatabaseError) -> bool {
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<SqliteError>().is_some() {
        // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_CANTOPEN; the upper bytes say more.
        return code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 14));
    }
    // SQLSTATE: connection exceptions; serialization failure, deadlock, lock not available, too many
    // connections; the server is shutting down or starting.
    code.starts_with("08")
        || code.starts_with("57P")
        || matches!(&*code, "40001" | "40P01" | "55P03" | "53300")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn addresses_are_read_or_refused_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/100% mine?#.db");
        for form in ["sqlite:", "sqlite://"] {
            let location = Location::open(&format!("{form}{}", path.display())).unwrap();
            assert_eq!(location.dialect, Dialect::Sqlite);
            assert!(location.url.ends_with("/new/100%25%20mine%3F%23.db"), "{}", location.url);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(Location::open("postgresql://h/d").unwrap().dialect, Dialect::PostgreSql);
        for bad in
            ["", "mysql://h/d", "data/innkeeper.db", "sqlite:", "sqlite::memory:", "sqlite:/dev/null/x.db"]
        {
            assert!(matches!(Location::open(bad), Err(Error::Refused(why)) if why.ends_with('.')), "{bad}");
        }
    }

    #[test]
    fn sqlite_names_columns_or_the_index() {
        assert_eq!(sqlite_constraint("UNIQUE constraint failed: users.name"), "users.name");
        assert_eq!(sqlite_constraint("UNIQUE constraint failed: m.a, m.b"), "m.a, m.b");
        assert_eq!(sqlite_constraint("UNIQUE constraint failed: index 'by_name'"), "by_name");
    }
}
