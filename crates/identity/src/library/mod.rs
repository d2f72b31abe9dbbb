//! My applications: what a person may open.

mod pages;

pub(crate) use self::pages::routes;

/// My applications.
pub(crate) const MY_APPLICATIONS: &str = "/if/user/";
