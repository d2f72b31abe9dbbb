//! Who is signed in: the local sign-in page, the first setup, sign-out, and the extractors that let a
//! handler say whom it serves.

mod pages;
mod person;
#[cfg(test)]
mod tests;

pub(crate) use self::pages::{open_session, routes, start_page};
pub(crate) use self::person::{Administrator, Person};
