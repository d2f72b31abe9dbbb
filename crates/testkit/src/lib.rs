//! What tests of the products are made from: a clock that is set, randomness that repeats, and a
//! browser that runs against routers in this process. A dev-dependency only.
//!
//! Databases for tests are in `store::testing`.

#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "what a test asks for and doesn't find fails the test"
)]

mod browser;
mod clock;
mod random;

pub use browser::{Browser, Form, Reply, Request};
pub use clock::FakeClock;
pub use random::SeededRandom;
