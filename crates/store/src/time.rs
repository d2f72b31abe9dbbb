//! Moments, and the clock that tells them.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::any::{AnyTypeInfo, AnyValueRef};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Any, Database, Decode, Encode, Type};

/// A moment: microseconds since the Unix epoch, as the databases keep it. Binds to a query and comes
/// out of a row by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment that many microseconds after the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// That much later; the last representable moment if that is beyond it.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(whole_micros(duration)))
    }

    /// That much earlier; the first representable moment if that is before it.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(whole_micros(duration)))
    }

    /// How long ago `earlier` was at this moment; zero if it is still to come.
    pub fn since(self, earlier: Self) -> Duration {
        let micros = i128::from(self.0) - i128::from(earlier.0);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

fn whole_micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl Type<Any> for Timestamp {
    fn type_info() -> AnyTypeInfo {
        <i64 as Type<Any>>::type_info()
    }

    fn compatible(ty: &AnyTypeInfo) -> bool {
        <i64 as Type<Any>>::compatible(ty)
    }
}

impl Encode<'_, Any> for Timestamp {
    fn encode_by_ref(&self, buf: &mut <Any as Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <i64 as Encode<'_, Any>>::encode_by_ref(&self.0, buf)
    }
}

impl<'r> Decode<'r, Any> for Timestamp {
    fn decode(value: AnyValueRef<'r>) -> Result<Self, BoxDynError> {
        <i64 as Decode<'r, Any>>::decode(value).map(Self)
    }
}

/// Tells the time. The real one is made in the binary; tests bring one that they set.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// A clock that many parts hold.
pub type SharedClock = Arc<dyn Clock>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::both_databases;
    use crate::testing::TestDatabase;

    #[test]
    fn arithmetic_stops_at_the_ends() {
        let noon = Timestamp::from_micros(1_000_000);
        assert_eq!(noon.plus(Duration::from_secs(2)).micros(), 3_000_000);
        assert_eq!(noon.minus(Duration::from_millis(1)).micros(), 999_000);
        assert_eq!(noon.plus(Duration::MAX).micros(), i64::MAX);
        assert_eq!(Timestamp::from_micros(i64::MIN).minus(Duration::MAX).micros(), i64::MIN);
        assert_eq!(noon.plus(Duration::from_secs(5)).since(noon), Duration::from_secs(5));
        assert_eq!(noon.since(noon.plus(Duration::from_secs(5))), Duration::ZERO);
        let all = Timestamp::from_micros(i64::MAX).since(Timestamp::from_micros(i64::MIN));
        assert_eq!(all, Duration::from_micros(u64::MAX));
    }

    #[derive(sqlx::FromRow)]
    struct Moments {
        at: Timestamp,
        ended: Option<Timestamp>,
    }

    both_databases! {
        async fn moments_go_in_and_come_out(db: TestDatabase) {
            let store = db.store(&[]).await;
            let mut tx = store.begin().await.unwrap();
            sqlx::raw_sql("CREATE TABLE moments (at BIGINT NOT NULL, ended BIGINT)").execute(&mut *tx).await.unwrap();
            let at = Timestamp::from_micros(1_795_000_000_123_456);
            let insert = "INSERT INTO moments (at, ended) VALUES ($1, $2)";
            sqlx::query(insert).bind(at).bind(None::<Timestamp>).execute(&mut *tx).await.unwrap();
            sqlx::query(insert).bind(Timestamp::from_micros(-1)).bind(Some(at)).execute(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();

            let mut conn = store.read().await.unwrap();
            let rows: Vec<Moments> = sqlx::query_as("SELECT at, ended FROM moments WHERE at <= $1 ORDER BY at")
                .bind(at)
                .fetch_all(&mut *conn)
                .await
                .unwrap();
            assert_eq!(rows.len(), 2);
            assert_eq!((rows[0].at.micros(), rows[0].ended), (-1, Some(at)));
            assert_eq!((rows[1].at, rows[1].ended), (at, None));
        }
    }
}
