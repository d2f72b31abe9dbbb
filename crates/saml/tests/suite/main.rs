//! The whole of SAML, seen from outside: what is written is read, what is forged is refused, and other people's
//! software agrees.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod coverage;
mod encryption;
mod fixtures;
mod logout;
mod metadata;
mod mutation;
mod profile;
mod requests;
mod round_trip;
mod signatures;
mod size;
mod splicing;
mod xmlsec;
mod xmlsec_encryption;
