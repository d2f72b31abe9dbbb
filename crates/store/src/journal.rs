//! Many small writes that share one commit: events, mostly.
//!
//! A commit costs a disk flush, whether it holds one row or a hundred. The journal collects the rows
//! that arrive while the previous commit is under way and writes them with the next, and tells each
//! caller once its row is durable.

use sqlx::AnyConnection;
use sqlx::query::Query;
use tokio::sync::{mpsc, oneshot};

use crate::database::Store;
use crate::error::Error;
use crate::time::Timestamp;

/// Rows that wait at most; further callers wait until there is room.
const QUEUE: usize = 1024;

/// The most rows in one commit; a power of two.
const LARGEST_BATCH: usize = 256;

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// TEXT, or NULL.
    Text(Option<String>),
    /// BIGINT, or NULL.
    Integer(Option<i64>),
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Integer(Some(i64::from(truth)))
    }
}

impl From<Timestamp> for Value {
    fn from(moment: Timestamp) -> Self {
        Self::Integer(Some(moment.micros()))
    }
}

impl From<Option<Timestamp>> for Value {
    fn from(moment: Option<Timestamp>) -> Self {
        Self::Integer(moment.map(Timestamp::micros))
    }
}

/// Appends rows to one table, many callers to a commit. Cheap to clone. Dropping the last one lets
/// what is queued be written still; [`Self::shutdown`] also waits for it.
#[derive(Clone, Debug)]
pub struct Journal {
    queue: mpsc::Sender<Message>,
    table: Table,
}

/// A row's values, in the order of the journal's columns.
type Row = Vec<Value>;

#[derive(Debug)]
enum Message {
    Row(Row, oneshot::Sender<Result<(), Error>>),
    Shutdown(oneshot::Sender<()>),
}

impl Journal {
    /// Begins to write into `table`, whose `columns` each row will give in this order. Call it within
    /// a tokio runtime.
    pub fn start(store: Store, table: &'static str, columns: &'static [&'static str]) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE);
        let table = Table { name: table, columns };
        tokio::spawn(write_batches(store, table, messages));
        Self { queue, table }
    }

    /// Writes one row and returns once it is durable. Never wait for this while holding a
    /// [`crate::Tx`]: SQLite has one writer, and the journal needs it; use [`Self::record_in`] there.
    ///
    /// # Errors
    /// What the database said to the batch that held this row; then none of the batch was written.
    pub async fn record(&self, row: Vec<Value>) -> Result<(), Error> {
        self.table.check(&row)?;
        let (done, outcome) = oneshot::channel();
        self.queue.send(Message::Row(row, done)).await.map_err(|_| closed())?;
        outcome.await.map_err(|_| closed())?
    }

    /// Writes one row within the caller's transaction: it is there if and only if the rest is.
    ///
    /// # Errors
    /// The database's.
    pub async fn record_in(&self, conn: &mut AnyConnection, row: Vec<Value>) -> Result<(), Error> {
        self.table.check(&row)?;
        self.table.insert(conn, vec![row]).await
    }

    /// Writes what is queued and returns when it is durable; later rows are refused.
    pub async fn shutdown(&self) {
        let (done, finished) = oneshot::channel();
        if self.queue.send(Message::Shutdown(done)).await.is_ok() {
            // An error means that an earlier shutdown has finished already.
            let _ = finished.await;
        }
    }
}

fn closed() -> Error {
    Error::Refused("The journal is closed: the service is shutting down.".to_owned())
}

async fn write_batches(store: Store, table: Table, mut messages: mpsc::Receiver<Message>) {
    let largest = LARGEST_BATCH.min(store.dialect().most_values() / table.columns.len().max(1)).max(1);
    let mut arrived = Vec::with_capacity(largest);
    let mut shutdowns = Vec::new();
    while messages.recv_many(&mut arrived, largest).await > 0 {
        let mut rows = Vec::with_capacity(arrived.len());
        let mut callers = Vec::with_capacity(arrived.len());
        for message in arrived.drain(..) {
            match message {
                Message::Row(row, caller) => {
                    rows.push(row);
                    callers.push(caller);
                }
                Message::Shutdown(caller) => {
                    messages.close();
                    shutdowns.push(caller);
                }
            }
        }
        let outcome = write_batch(&store, table, rows).await;
        if let Err(error) = &outcome {
            tracing::error!(
                table = table.name,
                rows = callers.len(),
                ?error,
                "a batch of rows was not written"
            );
        }
        for caller in callers {
            // A caller that went away has no use for the answer.
            let _ = caller.send(outcome.clone());
        }
    }
    for caller in shutdowns {
        let _ = caller.send(());
    }
}

/// Writes the rows in one transaction, in chunks whose sizes are powers of two: so there are nine
/// different statements to prepare and keep, not as many as there are batch sizes.
async fn write_batch(store: &Store, table: Table, mut rows: Vec<Row>) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut tx = store.begin().await?;
    while !rows.is_empty() {
        let chunk = 1 << rows.len().ilog2();
        let rest = rows.split_off(chunk);
        table.insert(&mut tx, std::mem::replace(&mut rows, rest)).await?;
    }
    tx.commit().await
}

#[derive(Clone, Copy, Debug)]
struct Table {
    name: &'static str,
    columns: &'static [&'static str],
}

impl Table {
    fn check(self, row: &[Value]) -> Result<(), Error> {
        if row.len() == self.columns.len() {
            return Ok(());
        }
        let (name, wanted, given) = (self.name, self.columns.len(), row.len());
        Err(Error::Refused(format!("A row of {name} has {wanted} values, and {given} were given.")))
    }

    async fn insert(self, conn: &mut AnyConnection, rows: Vec<Row>) -> Result<(), Error> {
        let mut query = sqlx::query(sqlx::AssertSqlSafe(self.insert_sql(rows.len())));
        for value in rows.into_iter().flatten() {
            query = bind(query, value);
        }
        query.execute(conn).await?;
        Ok(())
    }

    fn insert_sql(self, rows: usize) -> String {
        let width = self.columns.len();
        let tuple = |row: usize| {
            let places: Vec<String> =
                (1..=width).map(|column| format!("${}", row * width + column)).collect();
            format!("({})", places.join(", "))
        };
        let tuples: Vec<String> = (0..rows).map(tuple).collect();
        format!("INSERT INTO {} ({}) VALUES {}", self.name, self.columns.join(", "), tuples.join(", "))
    }
}

type AnyQuery<'q> = Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

fn bind(query: AnyQuery<'_>, value: Value) -> AnyQuery<'_> {
    match value {
        Value::Text(text) => query.bind(text),
        Value::Integer(number) => query.bind(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::both_databases;
    use crate::migrations::Migrations;
    use crate::testing::TestDatabase;

    const EVENTS: Migrations = Migrations {
        product: "events",
        steps: &[(
            1,
            "events",
            "CREATE TABLE events (id TEXT PRIMARY KEY, at BIGINT, note TEXT, CONSTRAINT positive CHECK (at > 0))",
        )],
    };
    const COLUMNS: &[&str] = &["id", "at", "note"];

    fn row(id: &str, at: i64) -> Vec<Value> {
        vec![id.into(), Timestamp::from_micros(at).into(), Value::Text(None)]
    }

    async fn count(store: &Store) -> i64 {
        let mut conn = store.read().await.unwrap();
        sqlx::query_scalar("SELECT COUNT(*) FROM events").fetch_one(&mut *conn).await.unwrap()
    }

    /// Records all of them at once. On the tests' single thread every row is queued before the journal
    /// looks, so up to [`LARGEST_BATCH`] rows share a batch.
    async fn record_together(journal: &Journal, rows: Vec<Vec<Value>>) -> Vec<Result<(), Error>> {
        let record = |row| {
            let journal = journal.clone();
            tokio::spawn(async move { journal.record(row).await })
        };
        let tasks: Vec<_> = rows.into_iter().map(record).collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.unwrap());
        }
        outcomes
    }

    fn numbered(count: i64) -> Vec<Vec<Value>> {
        (1..=count).map(|number| row(&format!("row {number}"), number)).collect()
    }

    both_databases! {
        async fn every_acknowledged_row_is_there(db: TestDatabase) {
            let store = db.store(&[EVENTS]).await;
            let journal = Journal::start(store.clone(), "events", COLUMNS);
            let outcomes = record_together(&journal, numbered(1500)).await;
            assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
            assert_eq!(count(&store).await, 1500);

            journal.record(vec!["whole".into(), Value::Integer(None), "a note".into()]).await.unwrap();
            let mut conn = store.read().await.unwrap();
            let whole: (String, Option<i64>, Option<String>) =
                sqlx::query_as("SELECT id, at, note FROM events WHERE id = 'whole'").fetch_one(&mut *conn).await.unwrap();
            assert_eq!(whole, ("whole".to_owned(), None, Some("a note".to_owned())));
        }

        async fn a_failed_batch_is_told_to_all_and_the_next_one_works(db: TestDatabase) {
            let store = db.store(&[EVENTS]).await;
            let journal = Journal::start(store.clone(), "events", COLUMNS);
            let mut rows = numbered(20);
            rows.push(row("bad", -1));
            let outcomes = record_together(&journal, rows).await;
            assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(Error::Other { .. }))), "{outcomes:?}");
            assert_eq!(count(&store).await, 0);

            journal.record(row("row 1", 1)).await.unwrap();
            assert!(journal.record(row("row 1", 1)).await.unwrap_err().is_unique_violation_of("events.id"));
            journal.record(row("row 2", 1)).await.unwrap();
            assert_eq!(count(&store).await, 2);
        }

        async fn a_shutdown_writes_what_is_queued_and_refuses_the_rest(db: TestDatabase) {
            let store = db.store(&[EVENTS]).await;
            let journal = Journal::start(store.clone(), "events", COLUMNS);
            let recording = tokio::spawn({
                let journal = journal.clone();
                async move { record_together(&journal, numbered(300)).await }
            });
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            journal.shutdown().await;
            let written = count(&store).await;
            let acknowledged = recording.await.unwrap().iter().filter(|outcome| outcome.is_ok()).count();
            assert_eq!(i64::try_from(acknowledged).unwrap(), written);
            assert!(written > 0);
            assert!(matches!(journal.record(row("late", 1)).await, Err(Error::Refused(_))));
            journal.shutdown().await;
            assert_eq!(count(&store).await, written);
        }

        async fn a_row_in_a_transaction_shares_its_fate(db: TestDatabase) {
            let store = db.store(&[EVENTS]).await;
            let journal = Journal::start(store.clone(), "events", COLUMNS);
            let mut tx = store.begin().await.unwrap();
            journal.record_in(&mut tx, row("undone", 1)).await.unwrap();
            tx.rollback().await.unwrap();
            let mut tx = store.begin().await.unwrap();
            journal.record_in(&mut tx, row("done", 1)).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(count(&store).await, 1);
        }

        async fn a_row_of_the_wrong_width_is_refused_alone(db: TestDatabase) {
            let store = db.store(&[EVENTS]).await;
            let journal = Journal::start(store.clone(), "events", COLUMNS);
            let outcomes = record_together(&journal, vec![row("good", 1), vec!["short".into()]]).await;
            assert!(outcomes[0].is_ok());
            assert!(matches!(&outcomes[1], Err(Error::Refused(why)) if why.contains("3 values, and 1")));
        }

        async fn a_closed_database_is_told_to_all(db: TestDatabase) {
            let store = db.store(&[EVENTS]).await;
            let journal = Journal::start(store.clone(), "events", COLUMNS);
            store.close().await;
            let outcomes = record_together(&journal, numbered(5)).await;
            assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(Error::Unavailable { .. }))), "{outcomes:?}");
        }
    }

    #[tokio::test]
    async fn rows_share_commits() {
        let db = TestDatabase::postgresql().await;
        let store = db.store(&[EVENTS]).await;
        let journal = Journal::start(store.clone(), "events", COLUMNS);
        record_together(&journal, numbered(200)).await;
        let mut conn = store.read().await.unwrap();
        // PostgreSQL keeps with each row the transaction that wrote it.
        let commits: i64 = sqlx::query_scalar("SELECT COUNT(DISTINCT CAST(xmin AS TEXT)) FROM events")
            .fetch_one(&mut *conn)
            .await
            .unwrap();
        drop(conn);
        assert!((1..=4).contains(&commits), "{commits} commits for 200 rows");
        db.remove().await;
    }

    #[test]
    fn statements_number_their_places_through() {
        let table = Table { name: "t", columns: &["a", "b"] };
        assert_eq!(table.insert_sql(2), "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)");
    }
}
