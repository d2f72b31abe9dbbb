//! What can go wrong with the database, by what a caller does about it.

use std::sync::Arc;

use crate::dialect;
use crate::sealer::SealError;

/// What went wrong with the database. Its text is for the log; the cause is its `source`. Cloning
/// shares the cause, so that one failed batch can be told to everybody who waited for it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The row would repeat a value that must be unique.
    #[error("a row with the same {constraint} exists already")]
    UniqueViolation {
        /// The columns, alike on both databases: `users.name`, or `members.group_id, members.user_id`.
        /// For an index on an expression its name.
        constraint: String,
        /// The database's own words.
        source: Arc<sqlx::Error>,
    },
    /// The row refers to a row that isn't there, or is still referred to.
    #[error("a row refers to one that does not exist, or is still referred to")]
    ForeignKeyViolation {
        /// The database's own words.
        source: Arc<sqlx::Error>,
    },
    /// The database can't be reached, is too busy, or is shutting down. Trying later may help.
    #[error("the database is not available")]
    Unavailable {
        /// What happened.
        source: Arc<sqlx::Error>,
    },
    /// A plain sentence about a configuration, a database from another version, or a wrong call.
    #[error("{0}")]
    Refused(String),
    /// A sealed secret could not be opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Anything else: a mistake in the SQL, a full disk, a damaged file.
    #[error("the database failed")]
    Other {
        /// What happened.
        source: Arc<sqlx::Error>,
    },
}

impl Error {
    /// Whether a unique value was repeated, in the columns that `constraint` names
    /// (as in [`Error::UniqueViolation`]).
    pub fn is_unique_violation_of(&self, constraint: &str) -> bool {
        matches!(self, Self::UniqueViolation { constraint: found, .. } if found == constraint)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(database) = &error {
            if database.is_unique_violation() {
                let constraint = dialect::unique_constraint(&**database);
                return Self::UniqueViolation { constraint, source: Arc::new(error) };
            }
            if database.is_foreign_key_violation() {
                return Self::ForeignKeyViolation { source: Arc::new(error) };
            }
        }
        let source = Arc::new(error);
        if is_unavailable(&source) { Self::Unavailable { source } } else { Self::Other { source } }
    }
}

fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(database) => dialect::is_unavailable(&**database),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::both_databases;
    use crate::testing::TestDatabase;

    const TABLES: &str = "CREATE TABLE groups (id TEXT PRIMARY KEY, name TEXT NOT NULL);
        CREATE UNIQUE INDEX groups_by_folded_name ON groups (lower(name));
        CREATE TABLE members (group_id TEXT NOT NULL REFERENCES groups (id), user_id TEXT NOT NULL, mail TEXT UNIQUE,
            PRIMARY KEY (group_id, user_id));
        INSERT INTO groups VALUES ('g', 'Staff');
        INSERT INTO members VALUES ('g', 'u', 'u@example.com)=(');";

    async fn failure(db: &TestDatabase, sql: &'static str) -> Error {
        let store = db.store(&[]).await;
        let mut tx = store.begin().await.unwrap();
        sqlx::raw_sql(TABLES).execute(&mut *tx).await.unwrap();
        sqlx::query(sql).execute(&mut *tx).await.unwrap_err().into()
    }

    both_databases! {
        async fn unique_violations_name_their_columns(db: TestDatabase) {
            for (sql, constraint) in [
                ("INSERT INTO groups VALUES ('g', 'Other')", "groups.id"),
                ("INSERT INTO groups VALUES ('h', 'staff')", "groups_by_folded_name"),
                ("INSERT INTO members VALUES ('g', 'u', NULL)", "members.group_id, members.user_id"),
                ("INSERT INTO members VALUES ('g', 'v', 'u@example.com)=(')", "members.mail"),
            ] {
                let error = failure(&db, sql).await;
                assert!(error.is_unique_violation_of(constraint), "{sql}: {error:?}");
                assert!(std::error::Error::source(&error).is_some());
            }
        }

        async fn a_missing_parent_is_told_apart(db: TestDatabase) {
            let error = failure(&db, "INSERT INTO members VALUES ('nowhere', 'u', NULL)").await;
            assert!(matches!(error, Error::ForeignKeyViolation { .. }), "{error:?}");
        }

        async fn a_mistake_in_the_sql_is_other(db: TestDatabase) {
            let error = failure(&db, "SELECT nothing FROM nowhere").await;
            assert!(matches!(error, Error::Other { .. }), "{error:?}");
        }

        async fn a_closed_store_is_unavailable(db: TestDatabase) {
            let store = db.store(&[]).await;
            store.close().await;
            assert!(matches!(store.begin().await, Err(Error::Unavailable { .. })));
            assert!(matches!(store.read().await, Err(Error::Unavailable { .. })));
        }
    }
}
