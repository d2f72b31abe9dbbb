//! What an administrator does to accounts, each in one transaction.

use serde_json::json;
use site::{FieldErrors, Problem, browser_sessions, passwords};

use super::store::{self as accounts, Change};
use super::{NewUser, Profile, Realm, User, local_username};
use crate::app::App;
use crate::auth::Person;
use crate::visit::Visit;
use crate::{groups, sessions};

/// Why nothing was changed.
pub(super) enum Refusal {
    /// Sentences for beside the fields.
    Fields(FieldErrors),
    /// Something failed.
    Problem(Problem),
}

impl<E: Into<Problem>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Problem(error.into())
    }
}

/// The sentence for whoever would leave nobody who can administer.
pub(crate) const LAST_ADMINISTRATOR: &str = "This is the last administrator who can sign in. Make somebody else an \
     administrator first.";

/// What the form of an account says, as typed.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub(super) username: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) email: String,
    pub(super) phone: String,
    pub(super) organization: String,
    pub(super) notes: String,
    /// Blank: stays as it is.
    pub(super) password: String,
    pub(super) locked: bool,
    pub(super) disabled: bool,
    pub(super) groups: Vec<String>,
}

impl Wanted {
    /// Checks every field; the name of an account of an identity provider is not ours to change.
    fn check(&self, existing: Option<&User>) -> Result<Change, FieldErrors> {
        let mut errors = FieldErrors::none();
        let username = match existing {
            Some(user) if user.realm != Realm::Local => Some(user.username.clone()),
            _ => errors.check("username", local_username(&self.username)),
        };
        let mut text_of = |field, value: &str, longest| {
            errors.check(field, site::form::optional(value, longest)).flatten().unwrap_or_default()
        };
        let notes = text_of("notes", &self.notes, 1000);
        let mut text = |field, value: &str| text_of(field, value, 128);
        let profile = Profile {
            first_name: text("first_name", &self.first_name),
            last_name: text("last_name", &self.last_name),
            email: text("email", &self.email),
            phone: text("phone", &self.phone),
            organization: text("organization", &self.organization),
            notes,
        };
        if existing.is_none() || !self.password.is_empty() {
            errors.check("password", passwords::acceptable(&self.password));
        }
        let change = username.map(|username| Change {
            username,
            profile,
            locked: self.locked,
            disabled: self.disabled,
        });
        errors.finish(change)
    }
}

fn name_taken(error: store::Error) -> Refusal {
    match error {
        store::Error::UniqueViolation { .. } => {
            Refusal::Fields(FieldErrors::of("username", "There is a local account of this name already."))
        }
        error => error.into(),
    }
}

/// Creates a local account.
pub(super) async fn create_local(
    app: &App,
    visit: &Visit,
    by: &Person,
    wanted: &Wanted,
) -> Result<User, Refusal> {
    let change = wanted.check(None).map_err(Refusal::Fields)?;
    let hash = passwords::hash(wanted.password.clone()).await?;
    let mut tx = app.store.begin().await?;
    let new = NewUser {
        username: &change.username,
        realm: &Realm::Local,
        profile: &change.profile,
        password_hash: Some(&hash),
    };
    let user = accounts::create(&mut tx, &app.site, &new).await.map_err(name_taken)?;
    accounts::update(&mut tx, &user.id, &change).await?;
    groups::set_manual_memberships(&mut tx, &user.id, &wanted.groups).await?;
    let context = json!({ "groups": wanted.groups });
    visit.record_in(app, &mut tx, "user_created", &by.user.username, &user.username, &context).await?;
    tx.commit().await?;
    Ok(user)
}

/// Changes an account. A disabled one loses its sessions at once, a new password ends its sign-ins.
pub(super) async fn change(
    app: &App,
    visit: &Visit,
    by: &Person,
    user: &User,
    wanted: &Wanted,
) -> Result<(), Refusal> {
    let change = wanted.check(Some(user)).map_err(Refusal::Fields)?;
    let new_password = user.realm == Realm::Local && !wanted.password.is_empty();
    let hash = if new_password { Some(passwords::hash(wanted.password.clone()).await?) } else { None };
    let mut tx = app.store.begin().await?;
    accounts::update(&mut tx, &user.id, &change).await.map_err(name_taken)?;
    groups::set_manual_memberships(&mut tx, &user.id, &wanted.groups).await?;
    if !accounts::require_administrator(&mut tx).await? {
        return Err(Refusal::Fields(FieldErrors::of("username", LAST_ADMINISTRATOR)));
    }
    if let Some(hash) = &hash {
        accounts::set_password(&mut tx, &user.id, hash).await?;
    }
    if change.disabled || new_password {
        browser_sessions::close_all_of(&mut tx, &app.site, &user.id).await?;
    }
    let context = json!({
        "groups": wanted.groups, "locked": change.locked, "disabled": change.disabled, "new_password": new_password,
    });
    visit.record_in(app, &mut tx, "user_updated", &by.user.username, &change.username, &context).await?;
    tx.commit().await?;
    if change.disabled {
        sessions::end_all_of(app, &user.id).await?;
    }
    Ok(())
}

/// Deletes an account with its sessions.
pub(super) async fn delete(app: &App, visit: &Visit, by: &Person, user: &User) -> Result<(), Problem> {
    let mut tx = app.store.begin().await?;
    accounts::delete(&mut tx, &user.id).await?;
    if !accounts::require_administrator(&mut tx).await? {
        return Err(Problem::bad_request(LAST_ADMINISTRATOR).next("Back to the users", "/admin/access/users"));
    }
    browser_sessions::close_all_of(&mut tx, &app.site, &user.id).await?;
    visit.record_in(app, &mut tx, "user_deleted", &by.user.username, &user.username, &json!({})).await?;
    tx.commit().await?;
    sessions::end_all_of(app, &user.id).await?;
    Ok(())
}
