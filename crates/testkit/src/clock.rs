//! A clock that stands still until the test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use store::{Clock, Timestamp};

/// A clock that stands still until it is set or advanced. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct FakeClock(Arc<AtomicI64>);

impl FakeClock {
    /// A clock that shows this moment.
    pub fn at(moment: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(moment.micros())))
    }

    /// Shows this moment from now on; it may be an earlier one.
    pub fn set(&self, moment: Timestamp) {
        self.0.store(moment.micros(), Ordering::SeqCst);
    }

    /// Moves the clock forward.
    pub fn advance(&self, duration: Duration) {
        self.set(self.now().plus(duration));
    }
}

impl Default for FakeClock {
    /// Noon UTC on 15 January 2026.
    fn default() -> Self {
        Self::at(Timestamp::from_micros(1_768_478_400_000_000))
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_still_until_it_is_moved() {
        let clock = FakeClock::default();
        let held = clock.clone();
        let noon = held.now();
        assert_eq!(held.now(), noon);
        clock.advance(Duration::from_secs(60));
        assert_eq!(held.now().since(noon), Duration::from_secs(60));
        clock.set(Timestamp::from_micros(5));
        assert_eq!(held.now().micros(), 5);
    }
}
