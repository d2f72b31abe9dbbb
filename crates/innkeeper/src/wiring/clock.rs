//! The time of the machine.

use std::time::{SystemTime, UNIX_EPOCH};

use store::{Clock, Timestamp};

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else takes as a parameter"
    )]
    fn now(&self) -> Timestamp {
        // Before 1970 there is no moment to tell: a machine with that clock is told so by `innkeeper doctor`.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}
