//! Changing groups: what must hold afterwards.

use serde_json::json;

use super::{Group, find, store};
use crate::refusal::{Refusal, listed};
use crate::visit::AdminVisit;
use crate::{applications, users};

/// What an administrator filled in, checked field by field.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) is_superuser: bool,
    /// Ids of the users.
    pub(super) members: Vec<String>,
}

/// Creates a group.
pub(super) async fn create(by: &AdminVisit, wanted: &Wanted) -> Result<(), Refusal> {
    let mut tx = by.app.store.begin().await?;
    let id = store::create(&mut tx, &by.app.site, &wanted.name, wanted.is_superuser).await.map_err(taken)?;
    store::set_members(&mut tx, &id, &wanted.members).await.map_err(member_gone)?;
    by.record_in(&mut tx, "model_created", &wanted.name, &about(wanted)).await?;
    tx.commit().await?;
    Ok(())
}

/// Changes a group and its members.
pub(super) async fn change(by: &AdminVisit, id: &str, wanted: &Wanted) -> Result<(), Refusal> {
    let mut tx = by.app.store.begin().await?;
    let before = find(&mut tx, id).await?.ok_or(Refusal::Gone)?;
    store::update(&mut tx, id, &wanted.name, wanted.is_superuser).await.map_err(taken)?;
    store::set_members(&mut tx, id, &wanted.members).await.map_err(member_gone)?;
    if !users::require_administrator(&mut tx).await? {
        let field = if before.is_superuser && !wanted.is_superuser { "is_superuser" } else { "members" };
        return Err(Refusal::field(field, users::LAST_ADMINISTRATOR));
    }
    by.record_in(&mut tx, "model_updated", &wanted.name, &about(wanted)).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a group that no application is bound to, with its memberships.
pub(super) async fn delete(by: &AdminVisit, id: &str) -> Result<Group, Refusal> {
    let mut tx = by.app.store.begin().await?;
    let group = find(&mut tx, id).await?.ok_or(Refusal::Gone)?;
    let bound = applications::bound_to_group(&mut tx, id).await?;
    if let Some(names) = listed(&bound) {
        return Err(Refusal::Conflict(format!(
            "{} is named in the bindings of {names}, which say who may open it. Remove the binding there first.",
            group.name
        )));
    }
    store::delete(&mut tx, id).await?;
    if !users::require_administrator(&mut tx).await? {
        return Err(Refusal::Conflict(users::LAST_ADMINISTRATOR.to_owned()));
    }
    by.record_in(&mut tx, "model_deleted", &group.name, &json!({ "model": "group" })).await?;
    tx.commit().await?;
    Ok(group)
}

fn about(wanted: &Wanted) -> serde_json::Value {
    json!({ "model": "group", "is_superuser": wanted.is_superuser, "members": wanted.members.len() })
}

fn taken(error: ::store::Error) -> Refusal {
    if error.is_unique_violation_of("identity_groups.name") {
        return Refusal::field("name", "Another group has this name.");
    }
    error.into()
}

fn member_gone(error: ::store::Error) -> Refusal {
    match error {
        ::store::Error::ForeignKeyViolation { .. } => Refusal::field(
            "members",
            "One of these users is not here any more. Reload the page and choose again.",
        ),
        error => error.into(),
    }
}
