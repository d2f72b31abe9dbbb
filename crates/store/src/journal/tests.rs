//! The journal under load, under failure, at its end, and under kill -9.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

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

const BESIDE: Migrations = Migrations {
    product: "beside",
    steps: &[(1, "beside", "CREATE TABLE beside (a TEXT, b TEXT, note TEXT, PRIMARY KEY (a, b))")],
};

fn beside(a: &str, note: &str) -> Beside {
    let row = vec![a.into(), "b".into(), note.into()];
    Beside { table: "beside", columns: &["a", "b", "note"], key: 2, row }
}

both_databases! {
    async fn a_row_beside_is_kept_with_its_row_and_brought_up_to_date(db: TestDatabase) {
        let store = db.store(&[EVENTS, BESIDE]).await;
        let journal = Journal::start(store.clone(), "events", COLUMNS);
        let record = |number: i64, a: &'static str, note: &'static str| {
            let journal = journal.clone();
            tokio::spawn(async move { journal.record_with(row(&format!("row {number}"), number), beside(a, note)).await })
        };
        // The same key twice in one batch, too.
        for task in [record(1, "x", "first"), record(2, "x", "second"), record(3, "y", "third")] {
            task.await.unwrap().unwrap();
        }
        journal.record_with(row("row 4", 4), beside("y", "fourth")).await.unwrap();
        let refused = journal.record_with(row("row 5", -1), beside("z", "never")).await;
        assert!(refused.is_err());
        let mut narrow = beside("z", "never");
        narrow.row.pop();
        assert!(journal.record_with(row("row 6", 6), narrow).await.is_err());
        let mut conn = store.read().await.unwrap();
        let found: Vec<(String, String)> =
            sqlx::query_as("SELECT a, note FROM beside ORDER BY a").fetch_all(&mut *conn).await.unwrap();
        assert_eq!(found, [("x".into(), "second".into()), ("y".into(), "fourth".into())]);
        drop(conn);
        assert_eq!(count(&store).await, 4);
    }

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

/// Set for the process that is killed: the address of the database into which it writes.
const KILLED: &str = "INNKEEPER_TEST_KILLED";

/// Writes from many tasks for ever, and says which rows were acknowledged.
async fn write_until_killed(url: String) {
    let config = crate::StoreConfig { url, max_connections: 2 };
    let store = Store::open(&config, &[EVENTS]).await.unwrap();
    let journal = Journal::start(store, "events", COLUMNS);
    let writers = (0..16).map(|writer| {
        let journal = journal.clone();
        tokio::spawn(async move {
            for number in 1.. {
                let id = format!("{writer}-{number}");
                journal.record(row(&id, number)).await.unwrap();
                println!("acknowledged {id}.");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

both_databases! {
    async fn nothing_acknowledged_is_lost_on_kill(db: TestDatabase) {
        #[expect(clippy::disallowed_methods, reason = "this test is its own child process")]
        if let Ok(url) = std::env::var(KILLED) {
            return write_until_killed(url).await;
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "journal::tests::nothing_acknowledged_is_lost_on_kill::sqlite", "--nocapture"])
            .env(KILLED, db.url())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut acknowledged = BTreeSet::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            // A line that the kill cut short has no full stop.
            let line = line.unwrap();
            let id = line.split_once("acknowledged ").and_then(|(_, id)| id.strip_suffix('.'));
            acknowledged.extend(id.map(str::to_owned));
            if acknowledged.len() == 400 {
                child.kill().unwrap();
            }
        }
        assert!(!child.wait().unwrap().success());
        assert!(acknowledged.len() >= 400, "the child wrote only {} rows", acknowledged.len());

        let store = db.store(&[EVENTS]).await;
        let mut conn = store.read().await.unwrap();
        let written: Vec<String> = sqlx::query_scalar("SELECT id FROM events").fetch_all(&mut *conn).await.unwrap();
        let written: BTreeSet<String> = written.into_iter().collect();
        let lost: Vec<_> = acknowledged.difference(&written).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
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
