//! The administrator's start page: how much there is, what to do next, what happened last.

mod pages;
#[cfg(test)]
mod tests;

pub(crate) use self::pages::routes;

/// The administrator's start page.
pub(crate) const OVERVIEW: &str = "/if/admin/";
