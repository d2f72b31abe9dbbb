//! The administrator's start page.

mod pages;

pub(crate) use self::pages::routes;

/// The administrator's start page.
pub(crate) const OVERVIEW: &str = "/if/admin/";
