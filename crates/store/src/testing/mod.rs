//! Fresh databases for tests: a new file on SQLite, a new schema on PostgreSQL, removed afterwards.

mod statements;

use std::future::Future;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::{AnyConnection, Connection as _};

pub use statements::{check_statements, statements_in};

use crate::database::{Store, StoreConfig};
use crate::dialect::Dialect;
use crate::error::Error;
use crate::migrations::Migrations;
use crate::random::{SystemRandom, new_hex_id};

/// The environment variable with the address of a PostgreSQL server for tests.
pub const POSTGRESQL_VARIABLE: &str = "INNKEEPER_TEST_POSTGRES";

/// Enough to find what depends on having several connections, few enough for many tests at once.
const CONNECTIONS: u32 = 4;

/// Makes of each `async fn name(db: TestDatabase) { … }` two tests, `name::sqlite` and
/// `name::postgresql`, each with a fresh database. The second fails, rather than being skipped, if
/// there is no server for tests.
#[macro_export]
macro_rules! both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($($db:ident)+: $type:ty) $body:block)+) => {$(
        async fn $name($($db)+: $type) $body

        mod $name {
            $(#[$meta])*
            #[test]
            fn sqlite() {
                $crate::testing::run(async { $crate::testing::TestDatabase::sqlite() }, super::$name);
            }

            $(#[$meta])*
            #[test]
            fn postgresql() {
                $crate::testing::run($crate::testing::TestDatabase::postgresql(), super::$name);
            }
        }
    )+};
}

/// A fresh, empty database. Clones are the same database.
#[derive(Clone)]
pub struct TestDatabase(Arc<Fresh>);

struct Fresh {
    place: Place,
    opened: Mutex<Vec<Store>>,
}

enum Place {
    Folder(tempfile::TempDir),
    Schema { server: String, name: String },
}

impl TestDatabase {
    /// A database in a new folder, which goes when the last clone does.
    ///
    /// # Panics
    /// If the folder for temporary files is not writable.
    #[expect(clippy::expect_used, reason = "a test that can't have a database fails")]
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        Self(Arc::new(Fresh { place: Place::Folder(folder), opened: Mutex::default() }))
    }

    /// A new schema on the server that [`POSTGRESQL_VARIABLE`] names. Call [`Self::remove`] at the end.
    ///
    /// # Panics
    /// If the variable is not set or the server does not answer.
    #[expect(clippy::panic, clippy::expect_used, reason = "a test that can't have a database fails")]
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration but the environment")]
    pub async fn postgresql() -> Self {
        let Ok(server) = std::env::var(POSTGRESQL_VARIABLE) else {
            panic!(
                "This test needs a PostgreSQL server. `make test-db` starts one; `make test` uses it by itself. \
                 By hand: export {POSTGRESQL_VARIABLE}=$(scripts/test-postgres)"
            );
        };
        let name = format!("test_{}", new_hex_id(&SystemRandom));
        on_server(&server, format!("CREATE SCHEMA {name}"))
            .await
            .expect("the PostgreSQL server for tests answers");
        Self(Arc::new(Fresh { place: Place::Schema { server, name }, opened: Mutex::default() }))
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        match self.0.place {
            Place::Folder(_) => Dialect::Sqlite,
            Place::Schema { .. } => Dialect::PostgreSql,
        }
    }

    /// Its address, for what opens it by itself: a process under test.
    pub fn url(&self) -> String {
        match &self.0.place {
            Place::Folder(folder) => format!("sqlite:{}/test.db", folder.path().display()),
            Place::Schema { server, name } => {
                let separator = if server.contains('?') { '&' } else { '?' };
                format!("{server}{separator}options[search_path]={name}&application_name={name}")
            }
        }
    }

    /// Opens it with these tables. Opening again finds the same rows, as a restart would.
    ///
    /// # Panics
    /// If it can't be opened.
    #[expect(clippy::expect_used, reason = "a test that can't have a database fails")]
    pub async fn store(&self, migrations: &[Migrations]) -> Store {
        self.try_store(migrations).await.expect("the test's database opens")
    }

    /// Opens it with these tables.
    ///
    /// # Errors
    /// Those of [`Store::open`].
    pub async fn try_store(&self, migrations: &[Migrations]) -> Result<Store, Error> {
        let config = StoreConfig { url: self.url(), max_connections: CONNECTIONS };
        let store = Store::open(&config, migrations).await?;
        self.0.opened.lock().unwrap_or_else(PoisonError::into_inner).push(store.clone());
        Ok(store)
    }

    /// Closes what was opened and removes the database; [`both_databases!`] does it by itself.
    ///
    /// # Panics
    /// If the server refuses.
    #[expect(clippy::expect_used, reason = "a test that leaves its database behind fails")]
    pub async fn remove(&self) {
        let opened = std::mem::take(&mut *self.0.opened.lock().unwrap_or_else(PoisonError::into_inner));
        for store in opened {
            // A test that failed may still hold a connection; it is ended below.
            let _ = tokio::time::timeout(Duration::from_millis(500), store.close()).await;
        }
        if let Place::Schema { server, name } = &self.0.place {
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name";
            let sql = format!("{end} = '{name}'; DROP SCHEMA {name} CASCADE");
            on_server(server, sql).await.expect("the test's schema is dropped");
        }
    }
}

/// Runs one test with its database on a runtime of its own, and removes the database also if the test fails.
///
/// # Panics
/// As the test does.
#[expect(clippy::expect_used, reason = "a test that can't have a runtime fails")]
pub fn run<M, T, F>(make: M, test: T)
where
    M: Future<Output = TestDatabase>,
    T: FnOnce(TestDatabase) -> F,
    F: Future<Output = ()> + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let outcome = tokio::task::LocalSet::new().block_on(&runtime, async {
        let database = make.await;
        // A task of its own, so that its panic ends it and not the removal.
        let outcome = tokio::task::spawn_local(test(database.clone())).await;
        database.remove().await;
        outcome
    });
    if let Err(error) = outcome {
        resume_unwind(error.into_panic());
    }
}

async fn on_server(server: &str, sql: String) -> Result<(), sqlx::Error> {
    sqlx::any::install_default_drivers();
    let mut conn = AnyConnection::connect(server).await?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut conn).await?;
    conn.close().await
}

#[cfg(test)]
mod tests {
    use super::*;

    both_databases! {
        async fn each_test_has_an_empty_database(db: TestDatabase) {
            let store = db.store(&[]).await;
            let mut tx = store.begin().await.unwrap();
            // Fails if another test's table of this name were in sight.
            sqlx::raw_sql("CREATE TABLE rooms (id TEXT)").execute(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
        }

        async fn each_test_has_a_database_of_its_own(db: TestDatabase) {
            each_test_has_an_empty_database(db).await;
        }
    }

    #[tokio::test]
    async fn a_schema_is_dropped_even_if_a_connection_is_held() {
        let db = TestDatabase::postgresql().await;
        let Place::Schema { server, name } = &db.0.place else { panic!("not on PostgreSQL") };
        let store = db.store(&[]).await;
        let mut held = store.begin().await.unwrap();
        sqlx::raw_sql("CREATE TABLE rooms (id TEXT)").execute(&mut *held).await.unwrap();
        db.remove().await;
        let mut conn = AnyConnection::connect(server).await.unwrap();
        let sql = "SELECT COUNT(*) FROM pg_namespace WHERE nspname = $1";
        let left: i64 = sqlx::query_scalar(sql).bind(name).fetch_one(&mut conn).await.unwrap();
        assert_eq!(left, 0);
    }
}
