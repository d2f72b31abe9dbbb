//! Which attribute fills which field of a person's profile.

use saml::{Attribute, VerifiedAssertion};
use serde::{Deserialize, Serialize};

use super::settings::{MatchBy, ProfileField};
use super::{Choice as _, SamlConfig};
use crate::users::Profile;

/// A field that an assertion filled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Filled {
    pub(super) field: ProfileField,
    pub(super) value: String,
    /// The attribute that held the value, or where else it came from.
    pub(super) from: String,
}

impl Filled {
    /// The field's words on screen.
    pub(super) fn label(&self) -> &'static str {
        ProfileField::ALL.iter().find(|(field, ..)| *field == self.field).map_or("", |(.., words)| words)
    }
}

/// Names under which identity providers commonly send the fields: the claims of Entra and ADFS, the attributes of
/// X.500 by number, and plain words. The first with a value has the word.
const WELL_KNOWN: &[(ProfileField, &[&str])] = &[
    (
        ProfileField::FirstName,
        &[
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
            "urn:oid:2.5.4.42",
            "givenName",
            "firstName",
            "first_name",
        ],
    ),
    (
        ProfileField::LastName,
        &[
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
            "urn:oid:2.5.4.4",
            "sn",
            "surname",
            "lastName",
            "last_name",
        ],
    ),
    (
        ProfileField::Email,
        &[
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
            "urn:oid:0.9.2342.19200300.100.1.3",
            "email",
            "mail",
            "emailAddress",
        ],
    ),
    (
        ProfileField::Phone,
        &[
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/mobilephone",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/otherphone",
            "urn:oid:2.5.4.20",
            "urn:oid:0.9.2342.19200300.100.1.41",
            "telephoneNumber",
            "mobile",
            "phone",
            "phoneNumber",
            "phone_number",
        ],
    ),
    (ProfileField::Organization, &["urn:oid:2.5.4.10", "organization", "organizationName", "company", "o"]),
];
/// The whole name, where first and last name are not told apart.
const WHOLE_NAME: &[&str] = &[
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "displayName",
];

/// The values of an attribute that is found so; blank ones count for nothing.
pub(super) fn values<'a>(assertion: &'a VerifiedAssertion, name: &str, by: MatchBy) -> Vec<&'a str> {
    let attributes = assertion.attributes();
    let by_name = || attributes.iter().find(|attribute| attribute.name == name);
    let by_friendly_name =
        || attributes.iter().find(|attribute| attribute.friendly_name.as_deref() == Some(name));
    let found: Option<&Attribute> = match by {
        MatchBy::Either => by_name().or_else(by_friendly_name),
        MatchBy::Name => by_name(),
        MatchBy::FriendlyName => by_friendly_name(),
    };
    let values = found.map(|attribute| attribute.values.iter().map(String::as_str));
    values.into_iter().flatten().filter(|value| !value.trim().is_empty()).collect()
}

/// What an assertion says of a person: first by the rows of the configuration, then by well-known names.
pub(super) fn read(config: &SamlConfig, assertion: &VerifiedAssertion, username: &str) -> Vec<Filled> {
    let mut filled: Vec<Filled> = Vec::new();
    let mut fill = |field, name: &str, by| {
        let known = filled.iter().any(|filled| filled.field == field);
        if let (false, Some(value)) = (known, values(assertion, name, by).first()) {
            filled.push(Filled { field, value: shortened(field, value), from: name.to_owned() });
        }
    };
    for row in &config.profile_mappings {
        fill(row.field, &row.attribute, row.match_by);
    }
    if config.well_known_attributes {
        for (field, names) in WELL_KNOWN {
            names.iter().for_each(|name| fill(*field, name, MatchBy::Either));
        }
        add_what_follows(&mut filled, assertion, username);
    }
    filled.sort_by_key(|filled| filled.field);
    filled
}

/// A whole name stands in for first and last name, and a user name that is an e-mail address for that.
fn add_what_follows(filled: &mut Vec<Filled>, assertion: &VerifiedAssertion, username: &str) {
    let known = |filled: &[Filled], field| filled.iter().any(|filled| filled.field == field);
    if !known(filled, ProfileField::FirstName) && !known(filled, ProfileField::LastName) {
        let whole = WHOLE_NAME.iter().find_map(|name| {
            values(assertion, name, MatchBy::Either)
                .first()
                .map(|value| (*name, shortened(ProfileField::FirstName, value)))
        });
        if let Some((name, value)) = whole {
            filled.push(Filled { field: ProfileField::FirstName, value, from: name.to_owned() });
        }
    }
    if !known(filled, ProfileField::Email) && username.contains('@') {
        let value = shortened(ProfileField::Email, username);
        filled.push(Filled { field: ProfileField::Email, value, from: "the user name".to_owned() });
    }
}

fn shortened(field: ProfileField, value: &str) -> String {
    let longest = if field == ProfileField::Notes { 1000 } else { 128 };
    value.trim().chars().filter(|c| !c.is_control()).take(longest).collect()
}

/// The profile of these fields.
pub(super) fn profile_of(filled: &[Filled]) -> Profile {
    let value = |field| {
        let found = filled.iter().find(|filled| filled.field == field);
        found.map(|filled| filled.value.clone()).unwrap_or_default()
    };
    Profile {
        first_name: value(ProfileField::FirstName),
        last_name: value(ProfileField::LastName),
        email: value(ProfileField::Email),
        phone: value(ProfileField::Phone),
        organization: value(ProfileField::Organization),
        notes: value(ProfileField::Notes),
    }
}
