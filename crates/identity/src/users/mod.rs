//! Accounts.

mod changes;
mod pages;
mod store;
#[cfg(test)]
mod tests;

use ::store::Timestamp;

pub(crate) use self::changes::{LAST_ADMINISTRATOR, taken};
pub(crate) use self::pages::routes;
pub(crate) use self::store::{
    NewUser, any_administrator, create, ensure_sample, find, for_sign_in, names, require_administrator,
    set_password, signed_in,
};

/// An account.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: String,
    /// Lower case; unique.
    pub(crate) username: String,
    /// The person's name, as people say it.
    pub(crate) name: String,
    /// May be empty; otherwise unique, whatever its case.
    pub(crate) email: String,
    /// May sign in.
    pub(crate) is_active: bool,
    /// What mappings may read beside the rest: `upn`, `distinguishedName`, …
    pub(crate) attributes: Attributes,
    pub(crate) created_at: Timestamp,
    pub(crate) last_login_at: Option<Timestamp>,
}

/// A JSON object.
pub(crate) type Attributes = serde_json::Map<String, serde_json::Value>;

impl User {
    /// The person's name, or the user name of somebody who has none.
    pub(crate) fn display_name(&self) -> &str {
        if self.name.is_empty() { &self.username } else { &self.name }
    }
}

/// Reads what somebody chose as a user name.
///
/// # Errors
/// A sentence for beside the field.
pub(crate) fn username(text: &str) -> Result<String, String> {
    let name = site::form::required(text, 150)?.to_lowercase();
    if name.chars().any(char::is_whitespace) {
        return Err("A user name has no spaces.".into());
    }
    if name.contains('@') && email(&name)?.is_empty() {
        return Err("Fill this in.".into());
    }
    Ok(name)
}

/// Reads an email address, which may be left empty.
///
/// # Errors
/// A sentence for beside the field.
pub(crate) fn email(text: &str) -> Result<String, String> {
    let Some(address) = site::form::optional(text, 254)? else { return Ok(String::new()) };
    let plausible = address.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && !address.contains(char::is_whitespace)
    });
    if plausible { Ok(address) } else { Err("This is not an email address.".into()) }
}
