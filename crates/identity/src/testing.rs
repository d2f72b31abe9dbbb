//! What the tests of this crate begin with.
