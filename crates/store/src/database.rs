//! The database that the rest of the workspace holds: connections to read with, transactions to write with.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Connection};

use crate::dialect::{Dialect, Location};
use crate::error::Error;
use crate::migrations::{self, Migrations};
use crate::readers::{Reader, Readers};

/// How long a request waits for a connection before it hears that the database is not available.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A connection that lay idle for longer is asked whether it still lives before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(30);

/// Where the database is and how much of it to use.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// `sqlite:PATH` (made if missing, for the owner alone) or `postgres://USER:PASSWORD@HOST/DATABASE`.
    pub url: String,
    /// The most connections at once; on SQLite, of those that read. At least 1.
    pub max_connections: u32,
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        let scheme = self.url.split(':').next().unwrap_or_default();
        f.debug_struct("StoreConfig")
            .field("url", &format_args!("{scheme}:…"))
            .field("max_connections", &self.max_connections)
            .finish()
    }
}

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    dialect: Dialect,
    writer: AnyPool,
    reader: Source,
}

/// Where connections to read with come from.
#[derive(Clone, Debug)]
enum Source {
    /// On SQLite: connections of their own, which can't write.
    Readers(Readers),
    /// On PostgreSQL: the pool of the writers.
    Shared(AnyPool),
}

impl Store {
    /// Opens the database and brings its tables up to date.
    ///
    /// # Errors
    /// [`Error::Refused`] with a sentence if the address is unusable or a newer version wrote the
    /// database; otherwise what the database says.
    pub async fn open(config: &StoreConfig, migrations: &[Migrations]) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        let Location { dialect, url } = Location::open(&config.url)?;
        let most = config.max_connections.max(1);
        let (writer, reader) = match dialect {
            Dialect::Sqlite => {
                // The writer comes first: it puts the file into WAL mode.
                let writer = pool(1, dialect.prepare_writer()).connect(&url).await?;
                let reader = pool(most, dialect.prepare_reader()).connect(&url).await?;
                (writer, Source::Readers(Readers::of(reader, most, LONGEST_WAIT)))
            }
            Dialect::PostgreSql => {
                let both = pool(most, dialect.prepare_writer()).connect(&url).await?;
                (both.clone(), Source::Shared(both))
            }
        };
        let store = Self { dialect, writer, reader };
        migrations::apply(&store, migrations).await?;
        Ok(store)
    }

    /// Begins a transaction. On SQLite there is one at a time in this process: hold it briefly, and
    /// never wait for another one, or for [`crate::Journal::record`], while holding it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] after ten seconds without a connection.
    pub async fn begin(&self) -> Result<Tx, Error> {
        let conn = self.writer.acquire().await?;
        // From here on a drop rolls back, also if it comes while BEGIN is under way.
        let mut tx = Tx { dialect: self.dialect, conn: Some(conn) };
        sqlx::raw_sql(self.dialect.begin()).execute(&mut *tx).await?;
        Ok(tx)
    }

    /// A connection to read with. On SQLite it refuses to write.
    ///
    /// # Errors
    /// [`Error::Unavailable`] after ten seconds without a connection.
    pub async fn read(&self) -> Result<ReadConn, Error> {
        Ok(ReadConn(match &self.reader {
            Source::Readers(readers) => Lent::Reader(readers.acquire().await?),
            Source::Shared(pool) => Lent::Pooled(pool.acquire().await?),
        }))
    }

    /// Which database this is, for status pages.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Closes every connection, after the work under way. Later calls get [`Error::Unavailable`].
    pub async fn close(&self) {
        if let Source::Readers(readers) = &self.reader {
            readers.close().await;
        }
        self.writer.close().await;
    }
}

fn pool(most: u32, prepare: &'static str) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(LONGEST_WAIT)
        .test_before_acquire(false)
        .after_connect(move |conn, _| {
            Box::pin(async move {
                sqlx::raw_sql(prepare).execute(conn).await?;
                Ok(())
            })
        })
        .before_acquire(|conn, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED_IDLE {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
}

/// A connection to read with; give `&mut *conn` to a query. Goes to the next reader when dropped.
#[derive(Debug)]
pub struct ReadConn(Lent);

#[derive(Debug)]
enum Lent {
    Reader(Reader),
    Pooled(PoolConnection<Any>),
}

impl Deref for ReadConn {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        match &self.0 {
            Lent::Reader(conn) => conn,
            Lent::Pooled(conn) => conn,
        }
    }
}

impl DerefMut for ReadConn {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        match &mut self.0 {
            Lent::Reader(conn) => conn,
            Lent::Pooled(conn) => conn,
        }
    }
}

/// A transaction; give `&mut *tx` to a query. What isn't committed is rolled back when this is dropped,
/// at whatever point. After a failed statement PostgreSQL takes no other: let the transaction go.
#[derive(Debug)]
pub struct Tx {
    dialect: Dialect,
    /// There until the transaction ends.
    conn: Option<PoolConnection<Any>>,
}

impl Tx {
    /// Makes it all durable.
    ///
    /// # Errors
    /// Then nothing was written, unless the connection broke while the database was answering.
    pub async fn commit(mut self) -> Result<(), Error> {
        sqlx::raw_sql(self.dialect.commit()).execute(&mut *self).await?;
        self.conn = None;
        Ok(())
    }

    /// Undoes it all, and waits for that; dropping does the same without waiting.
    ///
    /// # Errors
    /// Those of the connection; nothing was written all the same.
    pub async fn rollback(mut self) -> Result<(), Error> {
        sqlx::raw_sql("ROLLBACK").execute(&mut *self).await?;
        self.conn = None;
        Ok(())
    }
}

impl Deref for Tx {
    type Target = AnyConnection;

    #[expect(
        clippy::expect_used,
        reason = "only commit, rollback and drop take the connection, and they own the Tx"
    )]
    fn deref(&self) -> &AnyConnection {
        self.conn.as_ref().expect("an open transaction has its connection")
    }
}

impl DerefMut for Tx {
    #[expect(
        clippy::expect_used,
        reason = "only commit, rollback and drop take the connection, and they own the Tx"
    )]
    fn deref_mut(&mut self) -> &mut AnyConnection {
        self.conn.as_mut().expect("an open transaction has its connection")
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(mut conn) = self.conn.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            // Nobody is left to roll back; the closed connection does.
            drop(conn.leak());
            return;
        };
        runtime.spawn(async move {
            // Fails if the drop came before BEGIN took effect, too: then a new connection is as good.
            if let Err(error) = sqlx::raw_sql("ROLLBACK").execute(&mut *conn).await {
                tracing::debug!(%error, "a connection is replaced after its rollback failed");
                conn.close_on_drop();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::Poll;

    use super::*;
    use crate::both_databases;
    use crate::testing::TestDatabase;

    const NOTES: Migrations = Migrations {
        product: "notes",
        steps: &[(1, "notes", "CREATE TABLE notes (text TEXT NOT NULL UNIQUE)")],
    };

    async fn write(tx: &mut AnyConnection, text: &str) -> Result<(), Error> {
        sqlx::query("INSERT INTO notes (text) VALUES ($1)").bind(text).execute(tx).await?;
        Ok(())
    }

    async fn notes(store: &Store) -> Vec<String> {
        let mut conn = store.read().await.unwrap();
        sqlx::query_scalar("SELECT text FROM notes ORDER BY text").fetch_all(&mut *conn).await.unwrap()
    }

    /// Polls a future that many times, then drops it.
    async fn drop_after_polls<F: Future>(future: F, polls: usize) -> Option<F::Output> {
        let mut future = pin!(future);
        for _ in 0..polls {
            let polled = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
            if let Poll::Ready(output) = polled {
                return Some(output);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        None
    }

    both_databases! {
        async fn commit_keeps_and_drop_undoes(db: TestDatabase) {
            let store = db.store(&[NOTES]).await;
            let mut tx = store.begin().await.unwrap();
            write(&mut tx, "kept").await.unwrap();
            tx.commit().await.unwrap();

            let mut tx = store.begin().await.unwrap();
            write(&mut tx, "dropped").await.unwrap();
            drop(tx);

            let mut tx = store.begin().await.unwrap();
            write(&mut tx, "rolled back").await.unwrap();
            tx.rollback().await.unwrap();

            let mut tx = store.begin().await.unwrap();
            write(&mut tx, "kept too").await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(notes(&store).await, ["kept", "kept too"]);
        }

        async fn readers_do_not_see_what_is_not_committed(db: TestDatabase) {
            let store = db.store(&[NOTES]).await;
            let mut tx = store.begin().await.unwrap();
            write(&mut tx, "pending").await.unwrap();
            assert!(notes(&store).await.is_empty());
            tx.commit().await.unwrap();
            assert_eq!(notes(&store).await, ["pending"]);
        }

        async fn a_future_dropped_anywhere_leaves_the_writer_usable(db: TestDatabase) {
            let store = db.store(&[NOTES]).await;
            for polls in 0..12 {
                let work = async {
                    let mut tx = store.begin().await?;
                    write(&mut tx, "half").await?;
                    write(&mut tx, "way").await?;
                    std::future::pending::<()>().await;
                    tx.commit().await
                };
                assert!(drop_after_polls(work, polls).await.is_none());
                let mut tx = store.begin().await.unwrap();
                write(&mut tx, &format!("after {polls:02}")).await.unwrap();
                tx.commit().await.unwrap();
            }
            let expected: Vec<String> = (0..12).map(|polls| format!("after {polls:02}")).collect();
            assert_eq!(notes(&store).await, expected);
        }

        async fn a_dropped_commit_happens_whole_or_not_at_all(db: TestDatabase) {
            let store = db.store(&[NOTES]).await;
            for polls in 0..6 {
                let mut tx = store.begin().await.unwrap();
                write(&mut tx, &format!("{polls} a")).await.unwrap();
                write(&mut tx, &format!("{polls} b")).await.unwrap();
                let _ = drop_after_polls(tx.commit(), polls).await;
                let mut tx = store.begin().await.unwrap();
                write(&mut tx, &format!("{polls} c")).await.unwrap();
                tx.commit().await.unwrap();
            }
            let notes = notes(&store).await;
            for polls in 0..6 {
                let of = |letter: &str| notes.contains(&format!("{polls} {letter}"));
                assert_eq!(of("a"), of("b"), "{notes:?}");
                assert!(of("c"), "{notes:?}");
            }
        }

        async fn writers_take_turns(db: TestDatabase) {
            let store = db.store(&[NOTES]).await;
            let writers = (0..20).map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    let mut tx = store.begin().await?;
                    write(&mut tx, &format!("{number:02}")).await?;
                    tokio::task::yield_now().await;
                    tx.commit().await
                })
            });
            for writer in writers.collect::<Vec<_>>() {
                writer.await.unwrap().unwrap();
            }
            assert_eq!(notes(&store).await.len(), 20);
        }

        async fn a_commit_after_a_failed_statement_is_never_lost_in_silence(db: TestDatabase) {
            let store = db.store(&[NOTES]).await;
            let mut tx = store.begin().await.unwrap();
            write(&mut tx, "same").await.unwrap();
            assert!(write(&mut tx, "same").await.unwrap_err().is_unique_violation_of("notes.text"));
            let committed = tx.commit().await.is_ok();
            assert_eq!(notes(&store).await.len(), usize::from(committed));
        }

        async fn a_read_dropped_anywhere_leaves_its_connection_usable(db: TestDatabase) {
            let store = db.store(&[NOTES]).await;
            let mut tx = store.begin().await.unwrap();
            write(&mut tx, "here").await.unwrap();
            tx.commit().await.unwrap();
            // More often than there are connections: none is lost, and none keeps half an answer.
            for polls in 0..40 {
                let _ = drop_after_polls(notes(&store), polls % 5).await;
                assert_eq!(notes(&store).await, ["here"]);
            }
        }

        async fn a_reader_waits_for_a_connection_and_hears_of_the_end(db: TestDatabase) {
            let store = db.store(&[NOTES]).await;
            let mut held = Vec::new();
            while let Ok(conn) = tokio::time::timeout(Duration::from_millis(200), store.read()).await {
                held.push(conn.unwrap());
                assert!(held.len() < 1000);
            }
            let waiting = tokio::spawn({
                let store = store.clone();
                async move { notes(&store).await.len() }
            });
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished());
            held.pop();
            assert_eq!(waiting.await.unwrap(), 0);
            let closing = tokio::spawn({
                let store = store.clone();
                async move { store.close().await }
            });
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert!(!closing.is_finished(), "a connection in use was closed");
            held.clear();
            closing.await.unwrap();
            assert!(matches!(store.read().await, Err(Error::Unavailable { .. })));
        }

        async fn an_opened_database_keeps_its_rows(db: TestDatabase) {
            let store = db.store(&[NOTES]).await;
            let mut tx = store.begin().await.unwrap();
            write(&mut tx, "here").await.unwrap();
            tx.commit().await.unwrap();
            store.close().await;
            assert_eq!(notes(&db.store(&[NOTES]).await).await, ["here"]);
        }
    }

    #[tokio::test]
    async fn sqlite_is_set_up_to_lose_nothing_and_its_readers_do_not_write() {
        let db = TestDatabase::sqlite();
        let store = db.store(&[NOTES]).await;
        let mut tx = store.begin().await.unwrap();
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *tx).await.unwrap();
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *tx).await.unwrap();
        let foreign_keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(&mut *tx).await.unwrap();
        assert_eq!((mode.as_str(), synchronous, foreign_keys), ("wal", 2, 1));
        let mut conn = store.read().await.unwrap();
        assert!(write(&mut conn, "sneaked in").await.is_err());
    }

    #[test]
    fn the_address_is_not_shown() {
        let config = StoreConfig { url: "postgres://ann:secret@db/inn".to_owned(), max_connections: 4 };
        assert_eq!(format!("{config:?}"), "StoreConfig { url: postgres:…, max_connections: 4 }");
    }
}
