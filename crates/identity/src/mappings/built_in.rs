//! The mappings that come with the house: authentik's seven managed ones, and the two names that its
//! documentation shows how to write. They are Rust, so that most sign-ins need no worker; the same in Python
//! is what a copy begins with.

use serde_json::Value;

use crate::groups::Group;
use crate::users::User;

/// A mapping that comes with the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BuiltIn {
    /// The user principal name, or else the mail address.
    Upn,
    /// The name on screen.
    Name,
    /// The first part of the name.
    GivenName,
    /// The last part of the name.
    Surname,
    /// The mail address.
    Email,
    /// The name that the person signs in with.
    Username,
    /// The user's id.
    UserId,
    /// The names of the user's groups, one value each.
    Groups,
    /// The name that the person signs in with, as Windows calls it.
    WindowsAccountName,
}

impl BuiltIn {
    /// Every one, in the order of the form.
    pub(crate) const ALL: [Self; 9] = [
        Self::Upn,
        Self::Name,
        Self::GivenName,
        Self::Surname,
        Self::Email,
        Self::Username,
        Self::UserId,
        Self::Groups,
        Self::WindowsAccountName,
    ];

    /// The key under which it is kept: authentik's `managed`.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Upn => "goauthentik.io/providers/saml/upn",
            Self::Name => "goauthentik.io/providers/saml/name",
            Self::GivenName => "innkeeper/providers/saml/givenname",
            Self::Surname => "innkeeper/providers/saml/surname",
            Self::Email => "goauthentik.io/providers/saml/email",
            Self::Username => "goauthentik.io/providers/saml/username",
            Self::UserId => "goauthentik.io/providers/saml/uid",
            Self::Groups => "goauthentik.io/providers/saml/groups",
            Self::WindowsAccountName => "goauthentik.io/providers/saml/ms-windowsaccountname",
        }
    }

    /// Reads [`Self::key`] back.
    pub(crate) fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|built_in| built_in.key() == key)
    }

    /// The last part of the key, for addresses.
    pub(super) fn slug(self) -> &'static str {
        let key = self.key();
        key.rsplit_once('/').map_or(key, |(_, slug)| slug)
    }

    /// The name on screen.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Upn => "Default SAML Mapping: UPN",
            Self::Name => "Default SAML Mapping: Name",
            Self::GivenName => "Default SAML Mapping: Given name",
            Self::Surname => "Default SAML Mapping: Surname",
            Self::Email => "Default SAML Mapping: Email",
            Self::Username => "Default SAML Mapping: Username",
            Self::UserId => "Default SAML Mapping: User ID",
            Self::Groups => "Default SAML Mapping: Groups",
            Self::WindowsAccountName => "Default SAML Mapping: WindowsAccountName",
        }
    }

    /// The name of the SAML attribute.
    pub(crate) fn saml_name(self) -> &'static str {
        match self {
            Self::Upn => "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
            Self::Name => "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
            Self::GivenName => "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
            Self::Surname => "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
            Self::Email => "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
            Self::Username => "http://schemas.goauthentik.io/2021/02/saml/username",
            Self::UserId => "http://schemas.goauthentik.io/2021/02/saml/uid",
            Self::Groups => "http://schemas.xmlsoap.org/claims/Group",
            Self::WindowsAccountName => {
                "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname"
            }
        }
    }

    /// The values for a person; none if nothing is known, and then the attribute is left out.
    pub(crate) fn values(self, user: &User, groups: &[Group]) -> Vec<String> {
        let one = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
        match self {
            Self::Upn => one(text_attribute(user, "upn").unwrap_or(&user.email)),
            Self::Name => one(&user.name),
            Self::GivenName => one(text_attribute(user, "given_name").unwrap_or(&parts_of(&user.name).0)),
            Self::Surname => one(text_attribute(user, "family_name").unwrap_or(&parts_of(&user.name).1)),
            Self::Email => one(&user.email),
            Self::Username | Self::WindowsAccountName => one(&user.username),
            Self::UserId => one(&user.id),
            Self::Groups => groups.iter().map(|group| group.name.clone()).collect(),
        }
    }

    /// The same as an expression.
    pub(crate) fn python(self) -> &'static str {
        match self {
            Self::Upn => {
                "upn = user.attributes.get(\"upn\")\n\
                 if not isinstance(upn, str) or not upn:\n    upn = user.email\n\
                 return upn or None\n"
            }
            Self::Name => "return user.name or None\n",
            Self::GivenName => GIVEN_NAME,
            Self::Surname => SURNAME,
            Self::Email => "return user.email or None\n",
            Self::Username | Self::WindowsAccountName => "return user.username\n",
            Self::UserId => "return user.pk\n",
            Self::Groups => "for group in user.ak_groups.all():\n    yield group.name\n",
        }
    }
}

/// A text among what an administrator noted about a user, unless it is empty.
pub(crate) fn text_attribute<'u>(user: &'u User, name: &str) -> Option<&'u str> {
    user.attributes.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Given name and surname, as far as one name tells: `Surname, Given name`, or else the surname is the last
/// word and the particles before it that begin in lower case (van, de la). A single word is a given name.
fn parts_of(name: &str) -> (String, String) {
    if let Some((surname, given)) = name.split_once(',') {
        return (joined(given.split_whitespace()), joined(surname.split_whitespace()));
    }
    let words: Vec<&str> = name.split_whitespace().collect();
    let [.., last] = words.as_slice() else { return <_>::default() };
    let mut first_of_surname = words.len().saturating_sub(1).max(1);
    if !begins_in_lower_case(last) {
        while first_of_surname > 1 && begins_in_lower_case(words[first_of_surname - 1]) {
            first_of_surname -= 1;
        }
    }
    let (given, surname) = words.split_at(first_of_surname);
    (joined(given.iter().copied()), joined(surname.iter().copied()))
}

fn joined<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

fn begins_in_lower_case(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_lowercase)
}

const GIVEN_NAME: &str = "\
given_name = user.attributes.get(\"given_name\")
if isinstance(given_name, str) and given_name:
    return given_name
if \",\" in user.name:
    return \" \".join(user.name.split(\",\", 1)[1].split()) or None
words = user.name.split()
surname = max(len(words) - 1, 1)
if words and not words[-1][0].islower():
    while surname > 1 and words[surname - 1][0].islower():
        surname -= 1
return \" \".join(words[:surname]) or None
";

const SURNAME: &str = "\
family_name = user.attributes.get(\"family_name\")
if isinstance(family_name, str) and family_name:
    return family_name
if \",\" in user.name:
    return \" \".join(user.name.split(\",\", 1)[0].split()) or None
words = user.name.split()
surname = max(len(words) - 1, 1)
if words and not words[-1][0].islower():
    while surname > 1 and words[surname - 1][0].islower():
        surname -= 1
return \" \".join(words[surname:]) or None
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_two_parts_as_far_as_it_tells() {
        for (name, given, surname) in [
            ("", "", ""),
            ("  ", "", ""),
            ("Ann", "Ann", ""),
            ("Ann Example", "Ann", "Example"),
            (" Anna  Maria\tExample ", "Anna Maria", "Example"),
            ("Ludwig van Beethoven", "Ludwig", "van Beethoven"),
            ("Anna de la Cruz", "Anna", "de la Cruz"),
            ("ann example", "ann", "example"),
            ("ann mary example", "ann mary", "example"),
            ("van Beethoven", "van", "Beethoven"),
            ("Example, Ann Mary", "Ann Mary", "Example"),
            ("van Beethoven, Ludwig", "Ludwig", "van Beethoven"),
            ("Example,", "", "Example"),
        ] {
            assert_eq!(parts_of(name), (given.to_owned(), surname.to_owned()), "{name}");
        }
    }
}
