//! Bringing the tables up to date, one recorded step at a time.

use std::collections::BTreeSet;

use crate::database::{Store, Tx};
use crate::error::Error;

/// The tables of one product, as the steps that lead to them. A step that has been released never
/// changes; new ones are added at the end.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    /// Whose steps these are; versions count within it.
    pub product: &'static str,
    /// Version (ascending), name, and SQL (one or more statements, alike on both databases).
    pub steps: &'static [(i64, &'static str, &'static str)],
}

/// Applies what is missing, each step in its own transaction. Instances that start at once take turns.
pub(crate) async fn apply(store: &Store, migrations: &[Migrations]) -> Result<(), Error> {
    migrations.iter().try_for_each(check_order)?;
    let mut tx = locked(store).await?;
    create_table(&mut tx).await?;
    for product in migrations {
        refuse_newer(&mut tx, product).await?;
    }
    tx.commit().await?;
    for product in migrations {
        for step in product.steps {
            apply_step(store, product.product, *step).await?;
        }
    }
    Ok(())
}

fn check_order(migrations: &Migrations) -> Result<(), Error> {
    if migrations.steps.is_sorted_by(|(earlier, ..), (later, ..)| earlier < later) {
        return Ok(());
    }
    Err(Error::Refused(format!("The migrations of {} are not in ascending order.", migrations.product)))
}

async fn locked(store: &Store) -> Result<Tx, Error> {
    let mut tx = store.begin().await?;
    sqlx::raw_sql(store.dialect().lock_migrations()).execute(&mut *tx).await?;
    Ok(tx)
}

async fn create_table(tx: &mut Tx) -> Result<(), Error> {
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS migrations (product TEXT NOT NULL, version BIGINT NOT NULL, name TEXT NOT NULL, \
         applied_at BIGINT NOT NULL, PRIMARY KEY (product, version))",
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn refuse_newer(tx: &mut Tx, migrations: &Migrations) -> Result<(), Error> {
    let applied: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM migrations WHERE product = $1 ORDER BY version")
            .bind(migrations.product)
            .fetch_all(&mut **tx)
            .await?;
    let known: BTreeSet<i64> = migrations.steps.iter().map(|(version, ..)| *version).collect();
    match applied.iter().find(|version| !known.contains(version)) {
        None => Ok(()),
        Some(version) => Err(Error::Refused(format!(
            "The database was last used by a newer version of Innkeeper (step {version} of {} is unknown here). \
             Start that version again, or restore a backup made before it.",
            migrations.product
        ))),
    }
}

async fn apply_step(
    store: &Store,
    product: &'static str,
    (version, name, sql): (i64, &'static str, &'static str),
) -> Result<(), Error> {
    let mut tx = locked(store).await?;
    let applied: Option<i64> =
        sqlx::query_scalar("SELECT version FROM migrations WHERE product = $1 AND version = $2")
            .bind(product)
            .bind(version)
            .fetch_optional(&mut *tx)
            .await?;
    if applied.is_some() {
        return tx.rollback().await;
    }
    sqlx::raw_sql(sql).execute(&mut *tx).await.inspect_err(|error| {
        tracing::error!(product, version, name, %error, "a migration failed and was undone");
    })?;
    let record = format!(
        "INSERT INTO migrations (product, version, name, applied_at) VALUES ($1, $2, $3, {})",
        store.dialect().now()
    );
    sqlx::query(sqlx::AssertSqlSafe(record)).bind(product).bind(version).bind(name).execute(&mut *tx).await?;
    tx.commit().await?;
    tracing::info!(product, version, name, "migrated the database");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::both_databases;
    use crate::testing::TestDatabase;

    const FIRST: (i64, &str, &str) = (
        1,
        "guests",
        "-- one; two\nCREATE TABLE guests (name TEXT PRIMARY KEY, note TEXT NOT NULL DEFAULT 'a; b');\n\
         /* ; */ INSERT INTO guests (name) VALUES ('it''s; ann');",
    );
    const SECOND: (i64, &str, &str) = (2, "rooms", "CREATE TABLE rooms (id TEXT PRIMARY KEY)");
    const BROKEN: (i64, &str, &str) =
        (2, "broken", "CREATE TABLE half (id TEXT); INSERT INTO nowhere VALUES (1)");

    const ONE: Migrations = Migrations { product: "inn", steps: &[FIRST] };
    const TWO: Migrations = Migrations { product: "inn", steps: &[FIRST, SECOND] };
    const TORN: Migrations = Migrations { product: "inn", steps: &[FIRST, BROKEN] };
    const OTHER: Migrations =
        Migrations { product: "bar", steps: &[(1, "drinks", "CREATE TABLE drinks (id TEXT)")] };

    async fn recorded(store: &Store) -> Vec<(String, i64, String)> {
        let mut conn = store.read().await.unwrap();
        let sql = "SELECT product, version, name FROM migrations ORDER BY product, version";
        sqlx::query_as(sql).fetch_all(&mut *conn).await.unwrap()
    }

    async fn guests(store: &Store) -> Vec<(String, String)> {
        let mut conn = store.read().await.unwrap();
        sqlx::query_as("SELECT name, note FROM guests").fetch_all(&mut *conn).await.unwrap()
    }

    both_databases! {
        async fn steps_are_applied_once_and_later_ones_added(db: TestDatabase) {
            let store = db.store(&[ONE]).await;
            assert_eq!(guests(&store).await, [("it's; ann".to_owned(), "a; b".to_owned())]);
            let mut conn = store.read().await.unwrap();
            let applied_at: i64 =
                sqlx::query_scalar("SELECT applied_at FROM migrations").fetch_one(&mut *conn).await.unwrap();
            // Microseconds: after 2020 and before 2200.
            assert!((1_577_836_800_000_000..7_258_118_400_000_000).contains(&applied_at), "{applied_at}");
            drop(conn);
            store.close().await;

            let store = db.store(&[TWO, OTHER]).await;
            let expected = [("bar", 1, "drinks"), ("inn", 1, "guests"), ("inn", 2, "rooms")];
            let expected = expected.map(|(product, version, name)| (product.to_owned(), version, name.to_owned()));
            assert_eq!(recorded(&store).await, expected);
            store.close().await;

            let store = db.store(&[TWO, OTHER]).await;
            assert_eq!(recorded(&store).await, expected);
            assert_eq!(guests(&store).await.len(), 1);
        }

        async fn a_newer_database_is_refused_and_left_alone(db: TestDatabase) {
            db.store(&[TWO]).await.close().await;
            let Err(Error::Refused(why)) = db.try_store(&[OTHER, ONE]).await else { panic!("opened") };
            assert!(why.contains("newer version of Innkeeper") && why.contains("step 2 of inn"), "{why}");
            assert_eq!(recorded(&db.store(&[TWO]).await).await.len(), 2);
        }

        async fn a_broken_step_is_undone_whole(db: TestDatabase) {
            assert!(db.try_store(&[TORN]).await.is_err());
            let store = db.store(&[ONE]).await;
            assert_eq!(recorded(&store).await.len(), 1);
            let mut conn = store.read().await.unwrap();
            assert!(sqlx::query("SELECT id FROM half").fetch_all(&mut *conn).await.is_err());
        }

        async fn steps_out_of_order_are_refused(db: TestDatabase) {
            let unordered = Migrations { product: "inn", steps: &[SECOND, FIRST] };
            assert!(matches!(db.try_store(&[unordered]).await, Err(Error::Refused(_))));
        }

        async fn an_instance_waits_while_another_migrates(db: TestDatabase) {
            let first = db.store(&[]).await;
            let migrating = locked(&first).await.unwrap();
            let second = tokio::spawn({
                let db = db.clone();
                async move { db.try_store(&[TWO]).await }
            });
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            assert!(!second.is_finished());
            migrating.rollback().await.unwrap();
            assert_eq!(recorded(&second.await.unwrap().unwrap()).await.len(), 2);
        }

        async fn instances_that_start_at_once_do_not_collide(db: TestDatabase) {
            let starts: Vec<_> = (0..8).map(|_| {
                let db = db.clone();
                tokio::spawn(async move { db.try_store(&[TWO, OTHER]).await })
            }).collect();
            for start in starts {
                let store = start.await.unwrap().unwrap();
                assert_eq!(recorded(&store).await.len(), 3);
            }
        }
    }
}
