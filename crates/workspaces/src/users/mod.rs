//! Accounts: local ones with a password, and those that a SAML identity provider vouches for.
//!
//! A name is unique within its realm only: somebody whom an identity provider calls `admin` is another
//! account than the local `admin`, and never becomes it.

mod administration;
mod pages;
mod store;
#[cfg(test)]
mod tests;

use ::store::Timestamp;

pub(crate) use self::administration::LAST_ADMINISTRATOR;
pub(crate) use self::pages::routes;
pub(crate) use self::store::{
    NewUser, Profile, administrators, any_administrator, create, find, find_in_realm, forget_group_values,
    group_values_seen, is_administrator, local_with_password, refresh_profile, remember_group_values,
    require_administrator, signed_in,
};

/// Who vouches for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Realm {
    /// This installation, by a password.
    Local,
    /// An identity provider, by the id of its SAML configuration.
    Saml(String),
}

impl Realm {
    fn columns(&self) -> (&'static str, &str) {
        match self {
            Self::Local => ("local", ""),
            Self::Saml(config) => ("saml", config),
        }
    }
}

/// An account.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) realm: Realm,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) phone: String,
    pub(crate) organization: String,
    pub(crate) notes: String,
    /// May not sign in; sessions that are open go on.
    pub(crate) locked: bool,
    /// May not sign in, and every session has ended.
    pub(crate) disabled: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) last_sign_in_at: Option<Timestamp>,
}

impl User {
    /// First and last name, or the user name of somebody who has none.
    pub(crate) fn display_name(&self) -> String {
        let name = format!("{} {}", self.first_name, self.last_name);
        match name.trim() {
            "" => self.username.clone(),
            name => name.to_owned(),
        }
    }

    /// Why this account may not sign in, as a sentence for its owner.
    pub(crate) fn barred(&self) -> Option<&'static str> {
        if self.disabled {
            return Some("This account is disabled. Ask your administrator.");
        }
        self.locked.then_some("This account is locked. Ask your administrator to unlock it.")
    }
}

/// What an administrator, or the first setup, chose as a local user name.
///
/// # Errors
/// A sentence for beside the field.
pub(crate) fn local_username(text: &str) -> Result<String, String> {
    let name = site::form::required(text, 128)?.to_lowercase();
    if name.chars().any(char::is_whitespace) {
        return Err("A user name has no spaces.".into());
    }
    Ok(name)
}
