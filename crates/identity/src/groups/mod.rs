//! Groups: who belongs together. Applications can be bound to them, and the members of a group of
//! superusers administer.

mod changes;
mod pages;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use self::pages::routes;
#[cfg(test)]
pub(crate) use self::store::create;
pub(crate) use self::store::{add_member, create_administrators, find, names, of_user, set_groups_of};

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) id: String,
    /// Unique; what applications are told.
    pub(crate) name: String,
    /// Members administer.
    pub(crate) is_superuser: bool,
}
