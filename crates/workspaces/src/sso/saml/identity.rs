//! From an assertion to an account: which of its values is the user name, which tell the profile and the
//! groups, and what becomes of them.

use ::store::Error;
use saml::{AuthnContextClass, NameIdFormat, VerifiedAssertion};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use super::SamlConfig;
use super::profile::{self, Filled, values};
use super::refusal::Refusal;
use super::settings::MatchBy;
use crate::app::App;
use crate::groups;
use crate::users::{self, NewUser, Realm, User};

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
    /// The fields of the profile that it fills, and from where.
    #[serde(default)]
    pub(super) filled: Vec<Filled>,
    /// The values of the Group Member Attribute.
    pub(super) group_values: Vec<String>,
}

/// Reads an assertion as the configuration says.
///
/// # Errors
/// What is wrong, for the administrator.
pub(super) fn read(config: &SamlConfig, assertion: &VerifiedAssertion) -> Result<Identity, Refusal> {
    check_authn_context(config, assertion)?;
    let username = user_name(config, assertion)?;
    let filled = profile::read(config, assertion, &username);
    let group_values = match config.group_member_attribute.as_str() {
        "" => Vec::new(),
        // A value is taken as it was given: groups that differ by a capital letter are two.
        name => values(assertion, name, MatchBy::Either)
            .into_iter()
            .map(|value| value.trim().to_owned())
            .collect(),
    };
    Ok(Identity { username, filled, group_values })
}

/// The request travels through the browser, where anybody can take from it what it asks for: so what was asked for
/// must be what came.
fn check_authn_context(config: &SamlConfig, assertion: &VerifiedAssertion) -> Result<(), Refusal> {
    let Some(wanted) = &config.requested_authn_context else { return Ok(()) };
    let given = assertion.authn_context().map(AuthnContextClass::from_uri);
    if given.as_ref().is_some_and(|given| wanted.admits(given)) {
        return Ok(());
    }
    let classes: Vec<&str> = wanted.classes.iter().map(AuthnContextClass::as_str).collect();
    Err(Refusal::new("The person signed in in another way than was requested (AuthnContextClassRef).")
        .expected(format!("{} {}", wanted.comparison, classes.join(", ")))
        .received(given.as_ref().map_or("none", AuthnContextClass::as_str))
        .remedy("Add this class to Authentication context classes, or set Requested authentication context to Not \
                 requested."))
}

fn user_name(config: &SamlConfig, assertion: &VerifiedAssertion) -> Result<String, Refusal> {
    let name = match UserNameSource::of(&config.name_id_attribute) {
        UserNameSource::NameId(wanted) => name_in_name_id(&wanted, assertion)?,
        UserNameSource::Attribute(attribute) => name_in_attribute(&attribute, assertion)?,
    };
    let unfit = |what, expected| {
        Err(Refusal::new(what).expected(expected).received(&*name).remedy(
            "Correct the name at the identity provider, or have NameID Attribute take the user name from elsewhere.",
        ))
    };
    if name.trim() != name {
        return unfit(
            "The user name in the answer begins or ends with a blank, which makes it look like another one.",
            "a name without blanks around it",
        );
    }
    match name.chars().count() {
        0 => unfit("The user name in the answer is empty.", "a name"),
        1..=256 if !name.chars().any(char::is_control) => Ok(name),
        _ => unfit(
            "The user name in the answer can't be taken.",
            "at most 256 characters, none of them a control character",
        ),
    }
}

fn name_in_name_id(wanted: &NameIdFormat, assertion: &VerifiedAssertion) -> Result<String, Refusal> {
    let Some(name_id) = assertion.name_id() else {
        return Err(Refusal::new(
            "The answer holds no NameID, from which NameID Attribute takes the user name.",
        )
        .expected(wanted.as_str())
        .received("none")
        .remedy(
            "Have the identity provider send one, or name the attribute that holds the user name in NameID \
                     Attribute.",
        ));
    };
    // The request travels through the browser, where anybody can ask for another kind of name: one that
    // people choose themselves, say. So what was asked for is not enough; it must be what came.
    if *wanted != NameIdFormat::Unspecified && name_id.format != *wanted {
        return Err(Refusal::new(
            "The NameID in the answer is of another format than NameID Attribute asks for.",
        )
        .expected(wanted.as_str())
        .received(name_id.format.as_str())
        .remedy(
            "Have the identity provider send that format, or write NameID in NameID Attribute to take the \
                     NameID as it comes.",
        ));
    }
    Ok(name_id.value.clone())
}

fn name_in_attribute(attribute: &str, assertion: &VerifiedAssertion) -> Result<String, Refusal> {
    let wanted = format!("one value of {attribute}");
    match values(assertion, attribute, MatchBy::Either).as_slice() {
        [value] => Ok((*value).to_owned()),
        [] => {
            let names: Vec<&str> = assertion.attributes().iter().map(|known| known.name.as_str()).collect();
            let received = if names.is_empty() { "no attribute".to_owned() } else { names.join(", ") };
            Err(Refusal::new(format!(
                "The answer holds no value of the attribute “{attribute}”, which NameID Attribute names."
            ))
            .expected(wanted)
            .received(received)
            .remedy("Write one of these in NameID Attribute, or emailAddress to use the NameID."))
        }
        several => Err(Refusal::new(format!(
            "The answer holds several values of the attribute “{attribute}”, which NameID Attribute names."
        ))
        .expected(wanted)
        .received(several.join(", "))
        .remedy("Name an attribute that has one value in NameID Attribute.")),
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

/// What the person is told who has no account and gets none.
fn no_account(name: &str) -> String {
    format!(
        "There is no account for {name} here, and new people are not let in: Create users is off. Ask your \
             administrator."
    )
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

/// Somebody who was let in.
#[derive(Clone, Debug)]
pub(super) struct Admitted {
    pub(super) user: User,
    /// The mapping called for no membership of Administrators any more, but nobody else could have administered.
    pub(super) kept_as_last_administrator: bool,
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
) -> Result<Result<Admitted, String>, Error> {
    let realm = Realm::Saml(config.id.clone());
    let profile = profile::profile_of(&identity.filled);
    let user = match users::find_in_realm(conn, &realm, &identity.username).await? {
        Some(user) => {
            if let Some(sentence) = user.barred() {
                return Ok(Err(sentence.to_owned()));
            }
            users::refresh_profile(conn, &user.id, &profile).await?;
            user
        }
        None if config.create_users => {
            let new = NewUser {
                username: &identity.username,
                realm: &realm,
                profile: &profile,
                password_hash: None,
            };
            users::create(conn, &app.site, &new).await?
        }
        None => return Ok(Err(no_account(&identity.username))),
    };
    let kept_as_last_administrator =
        groups::apply_mappings(conn, &user.id, config, &identity.group_values).await?;
    Ok(Ok(Admitted { user, kept_as_last_administrator }))
}
