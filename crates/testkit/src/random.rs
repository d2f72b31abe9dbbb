//! Randomness that repeats.

use std::sync::atomic::{AtomicU64, Ordering};

use store::Random;

/// SplitMix64's increment (Steele, Lea, Flood 2014).
const INCREMENT: u64 = 0x9e37_79b9_7f4a_7c15;

/// Bytes that follow from a seed, so that a test that failed fails again. Never for anything real.
#[derive(Debug)]
pub struct SeededRandom(AtomicU64);

impl SeededRandom {
    /// The sequence that follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn next(&self) -> u64 {
        let state = self.0.fetch_add(INCREMENT, Ordering::SeqCst).wrapping_add(INCREMENT);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_its_sequence_again() {
        let ids = |seed| {
            let random = SeededRandom::new(seed);
            [store::new_id(&random), store::new_id(&random)]
        };
        assert_eq!(ids(1), ids(1));
        assert_ne!(ids(1), ids(2));
        assert_ne!(ids(1)[0], ids(1)[1]);
        // The reference implementation's first value for seed 1234567.
        assert_eq!(SeededRandom::new(1_234_567).next(), 6_457_827_717_110_365_317);
    }
}
