//! From an assertion to an account: which of its values is the user name, which tell the profile and the
//! groups, and what becomes of them.

use ::store::Error;
use saml::{NameIdFormat, VerifiedAssertion};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use super::SamlConfig;
use crate::app::App;
use crate::groups;
use crate::users::{self, NewUser, Profile, Realm, User};

/// Where the user name comes from: the meaning of the field NameID Attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UserNameSource {
    /// The NameID, asked for in this format.
    NameId(NameIdFormat),
    /// The value of an attribute.
    Attribute(String),
}

impl UserNameSource {
    /// `emailAddress` is the NameID as an e-mail address, blank or `NameID` the NameID as it comes, the name
    /// of a NameID format that format; everything else is the name of an attribute.
    pub(super) fn of(field: &str) -> Self {
        let text = field.trim();
        if text.is_empty() || text.eq_ignore_ascii_case("nameid") {
            return Self::NameId(NameIdFormat::Unspecified);
        }
        if text.eq_ignore_ascii_case("emailaddress") {
            return Self::NameId(NameIdFormat::EmailAddress);
        }
        match NameIdFormat::from_uri(text) {
            NameIdFormat::Other(_) => Self::Attribute(text.to_owned()),
            format => Self::NameId(format),
        }
    }
}

/// What an assertion says of a person, as far as we use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) username: String,
    pub(super) profile: Profile,
    /// The values of the Group Member Attribute.
    pub(super) group_values: Vec<String>,
}

/// Names under which identity providers send an e-mail address, a first and a last name.
const EMAIL: &[&str] = &[
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "email",
    "mail",
    "emailAddress",
];
const FIRST_NAME: &[&str] = &[
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
    "urn:oid:2.5.4.42",
    "givenName",
    "firstName",
    "first_name",
];
const LAST_NAME: &[&str] = &[
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
    "urn:oid:2.5.4.4",
    "sn",
    "surname",
    "lastName",
    "last_name",
];
/// The whole name, where first and last name are not told apart.
const WHOLE_NAME: &[&str] = &[
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "displayName",
];

/// The values of an attribute, by its Name or else by its FriendlyName.
fn values<'a>(assertion: &'a VerifiedAssertion, name: &str) -> Vec<&'a str> {
    let attributes = assertion.attributes();
    let found = attributes
        .iter()
        .find(|attribute| attribute.name == name)
        .or_else(|| attributes.iter().find(|attribute| attribute.friendly_name.as_deref() == Some(name)));
    let values = found.map(|attribute| attribute.values.iter().map(String::as_str));
    values.into_iter().flatten().filter(|value| !value.trim().is_empty()).collect()
}

fn first(assertion: &VerifiedAssertion, names: &[&str]) -> String {
    let found = names.iter().find_map(|name| values(assertion, name).first().copied());
    found.unwrap_or_default().trim().chars().take(128).collect()
}

/// Reads an assertion as the configuration says.
///
/// # Errors
/// A sentence for the administrator that names the field to mend.
pub(super) fn read(config: &SamlConfig, assertion: &VerifiedAssertion) -> Result<Identity, String> {
    let username = user_name(config, assertion)?;
    let mut profile = Profile {
        first_name: first(assertion, FIRST_NAME),
        last_name: first(assertion, LAST_NAME),
        email: first(assertion, EMAIL),
    };
    if profile.first_name.is_empty() && profile.last_name.is_empty() {
        profile.first_name = first(assertion, WHOLE_NAME);
    }
    if profile.email.is_empty() && username.contains('@') {
        profile.email.clone_from(&username);
    }
    let group_values = match config.group_member_attribute.as_str() {
        "" => Vec::new(),
        name => values(assertion, name).into_iter().map(|value| value.trim().to_owned()).collect(),
    };
    Ok(Identity { username, profile, group_values })
}

fn user_name(config: &SamlConfig, assertion: &VerifiedAssertion) -> Result<String, String> {
    let name = match UserNameSource::of(&config.name_id_attribute) {
        UserNameSource::NameId(wanted) => match assertion.name_id() {
            // The request travels through the browser, where anybody can ask for another kind of name: one that
            // people choose themselves, say. So what was asked for is not enough; it must be what came.
            Some(name_id) if wanted != NameIdFormat::Unspecified && name_id.format != wanted => {
                return Err(format!(
                    "The answer holds a NameID of the format {}, but NameID Attribute asks for {}. Have the identity \
                     provider send that format, or write NameID in the field to take the NameID as it comes.",
                    name_id.format, wanted
                ));
            }
            Some(name_id) => name_id.value.clone(),
            None => {
                return Err("The answer holds no NameID. Have the identity provider send one, or name the \
                            attribute that holds the user name in NameID Attribute."
                    .to_owned());
            }
        },
        UserNameSource::Attribute(attribute) => match values(assertion, &attribute).as_slice() {
            [value] => (*value).to_owned(),
            [] => {
                let names: Vec<&str> =
                    assertion.attributes().iter().map(|known| known.name.as_str()).collect();
                let received = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                return Err(format!(
                    "The answer holds no value of the attribute “{attribute}”, which NameID Attribute names. It \
                     holds: {received}. Write emailAddress there to use the NameID."
                ));
            }
            several => {
                return Err(format!(
                    "The answer holds {} values of the attribute “{attribute}”, which NameID Attribute names. A \
                     user name must be one value.",
                    several.len()
                ));
            }
        },
    };
    if name.trim() != name {
        return Err("The user name in the answer begins or ends with a blank, which would make it look like another one."
            .to_owned());
    }
    match name.chars().count() {
        0 => Err("The user name in the answer is empty.".to_owned()),
        1..=256 if !name.chars().any(char::is_control) => Ok(name),
        _ => Err("The user name in the answer is longer than 256 characters, or holds a control character."
            .to_owned()),
    }
}

/// What a sign-in would do, without doing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Preview {
    /// What becomes of the account, as a sentence.
    pub(super) account: String,
    /// The groups the person would be in.
    pub(super) groups: Vec<String>,
}

fn no_account(name: &str) -> String {
    format!("There is no account for {name} here, and new people are not let in. Ask your administrator.")
}

pub(super) async fn preview(
    conn: &mut AnyConnection,
    config: &SamlConfig,
    identity: &Identity,
) -> Result<Preview, Error> {
    let realm = Realm::Saml(config.id.clone());
    let user = users::find_in_realm(conn, &realm, &identity.username).await?;
    let name = &identity.username;
    let account = match &user {
        Some(user) if user.disabled => format!("{name} is an account that is disabled: it would be refused."),
        Some(user) if user.locked => format!("{name} is an account that is locked: it would be refused."),
        Some(_) => format!("{name} is an account already and would be signed in."),
        None if config.create_users => format!("{name} would be created and signed in."),
        None => format!("{name} has no account, and Create users is off: it would be refused."),
    };
    let id = user.as_ref().map(|user| user.id.as_str());
    let groups = groups::names_after_mappings(conn, id, config, &identity.group_values).await?;
    Ok(Preview { account, groups })
}

/// The account of this person at this identity provider, created at the first sign-in, with what the
/// assertion says of profile and groups. An account of another realm is never taken, whatever its name.
///
/// # Errors
/// Outer: the database's. Inner: a sentence for the person who may not sign in.
pub(super) async fn admit(
    conn: &mut AnyConnection,
    app: &App,
    config: &SamlConfig,
    identity: &Identity,
) -> Result<Result<User, String>, Error> {
    let realm = Realm::Saml(config.id.clone());
    let user = match users::find_in_realm(conn, &realm, &identity.username).await? {
        Some(user) => {
            if let Some(sentence) = user.barred() {
                return Ok(Err(sentence.to_owned()));
            }
            users::refresh_profile(conn, &user.id, &identity.profile).await?;
            user
        }
        None if config.create_users => {
            let new = NewUser {
                username: &identity.username,
                realm: &realm,
                profile: &identity.profile,
                password_hash: None,
            };
            users::create(conn, &app.site, &new).await?
        }
        None => return Ok(Err(no_account(&identity.username))),
    };
    groups::apply_mappings(conn, &user.id, config, &identity.group_values).await?;
    Ok(Ok(user))
}
