//! What has happened, as an administrator reads it.

mod pages;

pub(crate) use self::pages::routes;

/// The events page.
pub(crate) const EVENTS: &str = "/if/admin/events/";
