//! Groups: who belongs together. A group decides which workspaces its members see; members of
//! Administrators may administer.

mod pages;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use self::pages::routes;
pub(crate) use self::store::{
    Membership, add_member, apply_mappings, create_system_groups, memberships_of, names_after_mappings,
    names_by_user, set_manual_memberships,
};

/// The group that every account is in.
pub(crate) const ALL_USERS: &str = "all-users";
/// The group whose members administer.
pub(crate) const ADMINISTRATORS: &str = "administrators";

/// A group.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    /// Where settings of several groups differ, the lowest number has the word.
    pub(crate) priority: i64,
    /// 1 for the groups that can't be deleted or renamed.
    pub(crate) system: i64,
}
