//! How often somebody may try: a bounded counter per key, with a pause after too many failures.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use store::Timestamp;

/// Failures within [`WINDOW`] before a pause.
const ALLOWED: u32 = 5;
const WINDOW: Duration = Duration::from_secs(300);
/// Keys kept at most; beyond that the stale ones go first, then all: memory stays bounded under attack.
const KEYS: usize = 50_000;

/// Counts failed attempts per key (a client address with an account name, say). In memory: a restart
/// forgives, which is no gain to an attacker who can't cause one.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<HashMap<String, Failures>>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    since: Timestamp,
}

impl Attempts {
    /// Whether `key` may try now; if not, after how long.
    ///
    /// # Errors
    /// The time to wait.
    pub fn permitted(&self, key: &str, now: Timestamp) -> Result<(), Duration> {
        let map = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match map.get(key) {
            Some(failures) if failures.count >= ALLOWED => {
                let until = failures.since.plus(WINDOW);
                if now < until { Err(until.since(now)) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// Notes a failure of `key`.
    pub fn failed(&self, key: &str, now: Timestamp) {
        let mut map = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if map.len() >= KEYS {
            map.retain(|_, failures| now < failures.since.plus(WINDOW));
            if map.len() >= KEYS {
                map.clear();
            }
        }
        let entry = map.entry(key.to_owned()).or_insert(Failures { count: 0, since: now });
        if now >= entry.since.plus(WINDOW) {
            *entry = Failures { count: 0, since: now };
        }
        entry.count += 1;
    }

    /// Forgets the failures of `key` after a success.
    pub fn succeeded(&self, key: &str) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_try_waits_and_time_or_success_forgives() {
        let attempts = Attempts::default();
        let start = Timestamp::from_micros(1_000_000);
        for _ in 0..5 {
            assert_eq!(attempts.permitted("a", start), Ok(()));
            attempts.failed("a", start);
        }
        assert_eq!(attempts.permitted("a", start), Err(WINDOW));
        assert_eq!(attempts.permitted("b", start), Ok(()));
        assert_eq!(attempts.permitted("a", start.plus(WINDOW)), Ok(()));
        attempts.succeeded("a");
        assert_eq!(attempts.permitted("a", start), Ok(()));
    }
}
