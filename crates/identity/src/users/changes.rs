//! Changing accounts: what must hold afterwards, and what ends with it.

use serde_json::json;
use site::passwords;

use super::store::{self, Change, NewUser};
use super::{Attributes, User, find, require_administrator};
use crate::applications;
use crate::groups;
use crate::providers::logout;
use crate::refusal::{Refusal, listed};
use crate::visit::AdminVisit;

/// What an administrator filled in, checked field by field.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) username: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) is_active: bool,
    pub(super) attributes: Attributes,
    /// Ids of the groups.
    pub(super) groups: Vec<String>,
}

/// Creates an account and returns its id.
pub(super) async fn create(by: &AdminVisit, wanted: &Wanted) -> Result<String, Refusal> {
    let mut tx = by.app.store.begin().await?;
    let new = NewUser {
        username: &wanted.username,
        name: &wanted.name,
        email: &wanted.email,
        attributes: wanted.attributes.clone(),
        password_hash: None,
    };
    let id = store::create(&mut tx, &by.app.site, &new).await.map_err(taken)?;
    if !wanted.is_active {
        store::update(&mut tx, &id, &change_of(wanted)).await?;
    }
    groups::set_groups_of(&mut tx, &id, &wanted.groups).await.map_err(group_gone)?;
    let about = json!({ "model": "user", "groups": wanted.groups.len() });
    by.record_in(&mut tx, "model_created", &wanted.username, &about).await?;
    tx.commit().await?;
    Ok(id)
}

/// Changes an account. An account that may not sign in any more is signed out everywhere.
pub(super) async fn change(by: &AdminVisit, id: &str, wanted: &Wanted) -> Result<(), Refusal> {
    let mut tx = by.app.store.begin().await?;
    let before = find(&mut tx, id).await?.ok_or(Refusal::Gone)?;
    let groups_before = groups::of_user(&mut tx, id).await?;
    store::update(&mut tx, id, &change_of(wanted)).await.map_err(taken)?;
    groups::set_groups_of(&mut tx, id, &wanted.groups).await.map_err(group_gone)?;
    if !require_administrator(&mut tx).await? {
        let field = if before.is_active && !wanted.is_active { "is_active" } else { "groups" };
        return Err(Refusal::field(field, LAST_ADMINISTRATOR));
    }
    let ended = if wanted.is_active {
        None
    } else {
        Some(logout::end_all_of(&mut tx, &by.app, id, &wanted.username).await?)
    };
    let groups_after = groups::of_user(&mut tx, id).await?;
    let names = |groups: &[groups::Group]| groups.iter().map(|group| group.name.clone()).collect::<Vec<_>>();
    let about = json!({
        "model": "user",
        "is_active": wanted.is_active,
        "groups_before": names(&groups_before),
        "groups": names(&groups_after),
    });
    by.record_in(&mut tx, "model_updated", &wanted.username, &about).await?;
    tx.commit().await?;
    if let Some(ended) = ended {
        ended.tell(&by.app);
    }
    Ok(())
}

/// Gives an account a password and signs it out everywhere.
pub(super) async fn set_password(by: &AdminVisit, user: &User, password: String) -> Result<(), Refusal> {
    passwords::acceptable(&password).map_err(|sentence| Refusal::field("password", sentence))?;
    let hash = passwords::hash(password).await?;
    let mut tx = by.app.store.begin().await?;
    store::set_password(&mut tx, &user.id, &hash).await?;
    let ended = logout::end_all_of(&mut tx, &by.app, &user.id, &user.username).await?;
    by.record_in(&mut tx, "password_set", &user.username, &json!({ "by": "administrator" })).await?;
    tx.commit().await?;
    ended.tell(&by.app);
    Ok(())
}

/// Deletes an account that no application is bound to, with its sessions.
pub(super) async fn delete(by: &AdminVisit, id: &str) -> Result<User, Refusal> {
    let mut tx = by.app.store.begin().await?;
    let user = find(&mut tx, id).await?.ok_or(Refusal::Gone)?;
    let bound = applications::bound_to_user(&mut tx, id).await?;
    if let Some(names) = listed(&bound) {
        return Err(Refusal::Conflict(format!(
            "{} is named in the bindings of {names}, which say who may open it. Remove the binding there first.",
            user.username
        )));
    }
    let ended = logout::end_all_of(&mut tx, &by.app, id, &user.username).await?;
    store::delete(&mut tx, id).await?;
    if !require_administrator(&mut tx).await? {
        return Err(Refusal::Conflict(LAST_ADMINISTRATOR.to_owned()));
    }
    by.record_in(&mut tx, "model_deleted", &user.username, &json!({ "model": "user" })).await?;
    tx.commit().await?;
    ended.tell(&by.app);
    Ok(user)
}

/// Why the last administrator stays one.
pub(crate) const LAST_ADMINISTRATOR: &str =
    "This is the last account that can sign in and administer. Make another one an administrator first.";

fn change_of(wanted: &Wanted) -> Change {
    Change {
        username: wanted.username.clone(),
        name: wanted.name.clone(),
        email: wanted.email.clone(),
        is_active: wanted.is_active,
        attributes: wanted.attributes.clone(),
    }
}

/// Whose name or address is taken is told beside the field.
pub(crate) fn taken(error: ::store::Error) -> Refusal {
    if error.is_unique_violation_of("identity_users.username") {
        return Refusal::field("username", "Another account has this user name.");
    }
    if error.is_unique_violation_of("identity_users_one_per_email") {
        return Refusal::field(
            "email",
            "Another account has this address. Applications know people by it, so it must be one person's.",
        );
    }
    error.into()
}

fn group_gone(error: ::store::Error) -> Refusal {
    match error {
        ::store::Error::ForeignKeyViolation { .. } => Refusal::field(
            "groups",
            "One of these groups is not here any more. Reload the page and choose again.",
        ),
        error => error.into(),
    }
}
