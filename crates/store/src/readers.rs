//! The connections that read on SQLite. A pool asks each connection that comes back whether it still lives,
//! which there costs as much as a query; these go from hand to hand.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;

/// The connections of one pool, which nobody else uses: whoever is done with one leaves it for the next.
#[derive(Clone, Debug)]
pub(crate) struct Readers {
    pool: AnyPool,
    idle: Arc<Idle>,
    /// As many as the pool has connections, so that whoever holds a permit gets one.
    permits: Arc<Semaphore>,
    longest_wait: Duration,
}

/// What nobody uses just now; `None` once no more are kept.
#[derive(Debug)]
struct Idle(Mutex<Option<Vec<PoolConnection<Any>>>>);

impl Idle {
    fn take(&self) -> Option<PoolConnection<Any>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.pop()
    }

    fn leave(&self, conn: PoolConnection<Any>) {
        if let Some(idle) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            idle.push(conn);
        }
        // Otherwise its drop takes it back into the pool, which waits for it.
    }

    fn close(&self) -> Vec<PoolConnection<Any>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        // There may be no runtime any more that could take them back into the pool.
        for conn in self.close() {
            drop(conn.leak());
        }
    }
}

impl Readers {
    /// All `most` connections of `pool`.
    pub(crate) fn of(pool: AnyPool, most: u32, longest_wait: Duration) -> Self {
        let permits = Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS)));
        let idle = Arc::new(Idle(Mutex::new(Some(Vec::new()))));
        Self { pool, idle, permits, longest_wait }
    }

    /// A connection for the caller alone.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if none became free in time, or after [`Self::close`].
    pub(crate) async fn acquire(&self) -> Result<Reader, Error> {
        let permit = self.permits.clone().acquire_owned();
        let permit =
            tokio::time::timeout(self.longest_wait, permit).await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let permit = permit.map_err(|_| sqlx::Error::PoolClosed)?;
        let conn = match self.idle.take() {
            Some(conn) => conn,
            None => self.pool.acquire().await?,
        };
        Ok(Reader { conn: Some(conn), idle: self.idle.clone(), _permit: permit })
    }

    /// Closes every connection, after the work under way.
    pub(crate) async fn close(&self) {
        self.permits.close();
        drop(self.idle.close());
        self.pool.close().await;
    }
}

/// A connection until it is left for the next.
#[derive(Debug)]
pub(crate) struct Reader {
    /// There until the drop.
    conn: Option<PoolConnection<Any>>,
    idle: Arc<Idle>,
    /// Given back after the connection: fields are dropped after `drop`.
    _permit: OwnedSemaphorePermit,
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            self.idle.leave(conn);
        }
    }
}

impl Deref for Reader {
    type Target = AnyConnection;

    #[expect(clippy::expect_used, reason = "only drop takes the connection")]
    fn deref(&self) -> &AnyConnection {
        self.conn.as_ref().expect("a reader has its connection")
    }
}

impl DerefMut for Reader {
    #[expect(clippy::expect_used, reason = "only drop takes the connection")]
    fn deref_mut(&mut self) -> &mut AnyConnection {
        self.conn.as_mut().expect("a reader has its connection")
    }
}
