//! One SQL text on SQLite and PostgreSQL: connections, transactions, migrations, ids, sealed secrets,
//! and the journal that makes many small writes share one commit.
//!
//! The SQL that runs here is written once, with `$1` placeholders; ids are TEXT, moments are BIGINT
//! microseconds ([`Timestamp`]), truth values are BIGINT 0 or 1, JSON is TEXT. What the two databases
//! do differently is in `dialect.rs`.
//!
//! Reading takes [`Store::read`]; writing takes [`Store::begin`] and an explicit [`Tx::commit`]. A
//! dropped [`Tx`] is rolled back.

mod database;
mod dialect;
mod error;
mod journal;
mod migrations;
mod random;
mod readers;
mod sealer;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod time;

pub use database::{ReadConn, Store, StoreConfig, Tx};
pub use dialect::Dialect;
pub use error::Error;
pub use journal::{Beside, Journal, Value};
pub use migrations::Migrations;
pub use random::{Random, SharedRandom, SystemRandom, Token, hash_token, new_hex_id, new_id, new_token};
pub use sealer::{SealError, Sealer};
pub use time::{Clock, SharedClock, Timestamp};
