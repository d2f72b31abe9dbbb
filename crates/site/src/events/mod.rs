//! Events: every decision leaves one, and none holds a secret.

#[cfg(test)]
mod tests;
mod words;

use std::time::Duration;

use serde::Serialize;
use sqlx::{AnyConnection, FromRow};
use store::{Beside, Journal, Timestamp, Value};

use crate::context::Site;
use crate::visitor::{ClientAddr, TraceId};

/// How long an event is kept.
pub(crate) const KEPT: Duration = Duration::from_hours(365 * 24);

/// Where events go: many at once share one commit, and each is durable before it is acknowledged.
#[derive(Clone)]
pub struct Events {
    site: Site,
    journal: Journal,
}

/// Columns of the table, in the order in which [`Events::record`] writes them.
const COLUMNS: &[&str] =
    &["id", "product", "at", "action", "actor", "subject", "client_addr", "trace_id", "context"];

/// One decision to be noted.
#[derive(Clone, Debug)]
pub struct Event<'e> {
    /// What was decided, as a word: `login`, `login_failed`, `authorize_application`, `model_updated`, …
    pub action: &'e str,
    /// Who acted: a user name, or empty when nobody is signed in.
    pub actor: &'e str,
    /// What it was about: an application, a user, a session.
    pub subject: &'e str,
    /// From which address.
    pub client_addr: ClientAddr,
    /// In which request.
    pub trace: &'e TraceId,
}

/// An event as the administrator reads it.
#[derive(Clone, Debug, FromRow)]
pub struct RecordedEvent {
    /// When.
    pub at: Timestamp,
    /// What was decided.
    pub action: String,
    /// Who acted.
    pub actor: String,
    /// What it was about.
    pub subject: String,
    /// From which address.
    pub client_addr: String,
    /// In which request.
    pub trace_id: String,
    /// More, as JSON.
    pub context: String,
}

impl Events {
    /// Opens the journal of a product's events.
    pub fn start(site: Site, store: &store::Store) -> Self {
        Self { site, journal: Journal::start(store.clone(), "events", COLUMNS) }
    }

    /// Notes an event and returns once it is durable.
    ///
    /// # Errors
    /// The database's; then the decision that it notes must not take effect.
    pub async fn record(&self, event: Event<'_>, context: &impl Serialize) -> Result<(), store::Error> {
        self.journal.record(self.row(&event, context)).await
    }

    /// As [`Self::record`], with a row of another table in the same commit.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub async fn record_with(
        &self,
        event: Event<'_>,
        context: &impl Serialize,
        beside: Beside,
    ) -> Result<(), store::Error> {
        self.journal.record_with(self.row(&event, context), beside).await
    }

    /// Notes an event within the transaction that makes the change: both are kept, or neither is.
    ///
    /// # Errors
    /// The database's.
    pub async fn record_in(
        &self,
        conn: &mut AnyConnection,
        event: Event<'_>,
        context: &impl Serialize,
    ) -> Result<(), store::Error> {
        self.journal.record_in(conn, self.row(&event, context)).await
    }

    fn row(&self, event: &Event<'_>, context: &impl Serialize) -> Vec<Value> {
        let context = serde_json::to_string(context).unwrap_or_else(|_| "{}".to_owned());
        vec![
            Value::from(store::new_id(&**self.site.random())),
            Value::from(self.site.product().key().to_owned()),
            Value::from(self.site.now()),
            Value::from(event.action.to_owned()),
            Value::from(event.actor.to_owned()),
            Value::from(event.subject.to_owned()),
            Value::from(event.client_addr.to_string()),
            Value::from(event.trace.0.to_string()),
            Value::from(context),
        ]
    }

    /// The newest events of this product, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn newest(
        &self,
        conn: &mut AnyConnection,
        most: u32,
    ) -> Result<Vec<RecordedEvent>, store::Error> {
        let rows = sqlx::query_as(
            "SELECT at, action, actor, subject, client_addr, trace_id, context FROM events \
             WHERE product = $1 ORDER BY at DESC LIMIT $2",
        )
        .bind(self.site.product().key())
        .bind(i64::from(most))
        .fetch_all(conn)
        .await?;
        Ok(rows)
    }
}

/// Removes the events of a product that are older than `before`.
///
/// # Errors
/// The database's.
pub async fn sweep(
    conn: &mut AnyConnection,
    product_key: &str,
    before: Timestamp,
) -> Result<(), store::Error> {
    sqlx::query("DELETE FROM events WHERE product = $1 AND at < $2")
        .bind(product_key)
        .bind(before)
        .execute(conn)
        .await?;
    Ok(())
}
