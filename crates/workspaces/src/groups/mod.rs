//! Groups: who belongs together. A group decides which workspaces its members see; members of
//! Administrators may administer.

mod pages;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use self::pages::routes;
pub(crate) use self::store::{
    Mappings, Membership, add_member, administrators_who_would_all_resign, apply_mappings,
    create_system_groups, mappings_of, memberships_of, names_after_mappings, names_by_user,
    set_manual_memberships,
};

/// The group that every account is in.
pub(crate) const ALL_USERS: &str = "all-users";
/// The group whose members administer.
pub(crate) const ADMINISTRATORS: &str = "administrators";

/// What an administrator reads before a change that would leave nobody in Administrators, once these people have
/// signed in again.
pub(crate) fn resignation_warning(names: &[String]) -> String {
    format!(
        "Nothing was saved yet: at their next sign-in the group mapping would take the last administrators out of \
         Administrators: {}. The very last one would be kept in, with an event that says so. Better make somebody else \
         an administrator by hand first, or tick Save all the same.",
        names.join(", ")
    )
}

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
