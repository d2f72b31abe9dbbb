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

/// A row of another table that is kept if and only if the journal's row is. The table has no foreign keys: a row
/// that the database refuses would take the batch of everybody with it.
#[derive(Clone, Debug)]
pub struct Beside {
    /// The table.
    pub table: &'static str,
    /// Its columns, in the order of `row`. The first `key` of them are unique together: a row that is there
    /// already is brought up to date.
    pub columns: &'static [&'static str],
    /// How many columns are the key.
    pub key: usize,
    /// The values.
    pub row: Vec<Value>,
}

#[derive(Debug)]
enum Message {
    Row(Row, Option<Beside>, oneshot::Sender<Result<(), Error>>),
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
        self.send(row, None).await
    }

    /// As [`Self::record`], with a row of another table in the same commit.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub async fn record_with(&self, row: Vec<Value>, beside: Beside) -> Result<(), Error> {
        beside.check()?;
        self.send(row, Some(beside)).await
    }

    async fn send(&self, row: Vec<Value>, beside: Option<Beside>) -> Result<(), Error> {
        self.table.check(&row)?;
        let (done, outcome) = oneshot::channel();
        self.queue.send(Message::Row(row, beside, done)).await.map_err(|_| closed())?;
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
        let mut besides = Vec::new();
        for message in arrived.drain(..) {
            match message {
                Message::Row(row, beside, caller) => {
                    rows.push(row);
                    besides.extend(beside);
                    callers.push(caller);
                }
                Message::Shutdown(caller) => {
                    messages.close();
                    shutdowns.push(caller);
                }
            }
        }
        let outcome = write_batch(&store, table, rows, besides).await;
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
async fn write_batch(
    store: &Store,
    table: Table,
    mut rows: Vec<Row>,
    besides: Vec<Beside>,
) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut tx = store.begin().await?;
    while !rows.is_empty() {
        let chunk = 1 << rows.len().ilog2();
        let rest = rows.split_off(chunk);
        table.insert(&mut tx, std::mem::replace(&mut rows, rest)).await?;
    }
    for beside in besides {
        beside.write(&mut tx).await?;
    }
    tx.commit().await
}

impl Beside {
    fn check(&self) -> Result<(), Error> {
        Table { name: self.table, columns: self.columns }.check(&self.row)
    }

    async fn write(self, conn: &mut AnyConnection) -> Result<(), Error> {
        let table = Table { name: self.table, columns: self.columns };
        let (key, rest) = self.columns.split_at(self.key.min(self.columns.len()));
        let news: Vec<String> = rest.iter().map(|column| format!("{column} = excluded.{column}")).collect();
        let sql = format!(
            "{} ON CONFLICT ({}) DO UPDATE SET {}",
            table.insert_sql(1),
            key.join(", "),
            news.join(", ")
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for value in self.row {
            query = bind(query, value);
        }
        query.execute(conn).await?;
        Ok(())
    }
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
mod tests;
