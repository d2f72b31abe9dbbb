//! What an application is told about a person: the managed property mappings, by authentik's names.

use serde_json::Value;

use crate::groups::Group;
use crate::users::User;

/// One of the managed property mappings for SAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mapping {
    /// The user principal name, or else the mail address.
    Upn,
    /// The name on screen.
    Name,
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

impl Mapping {
    /// Every mapping, in the order of the form.
    pub(crate) const ALL: [Self; 7] = [
        Self::Upn,
        Self::Name,
        Self::Email,
        Self::Username,
        Self::UserId,
        Self::Groups,
        Self::WindowsAccountName,
    ];

    /// The key under which the mapping is kept: authentik's `managed`.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Upn => "goauthentik.io/providers/saml/upn",
            Self::Name => "goauthentik.io/providers/saml/name",
            Self::Email => "goauthentik.io/providers/saml/email",
            Self::Username => "goauthentik.io/providers/saml/username",
            Self::UserId => "goauthentik.io/providers/saml/uid",
            Self::Groups => "goauthentik.io/providers/saml/groups",
            Self::WindowsAccountName => "goauthentik.io/providers/saml/ms-windowsaccountname",
        }
    }

    /// Reads [`Self::key`] back.
    pub(crate) fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mapping| mapping.key() == key)
    }

    /// The name on screen.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Upn => "UPN",
            Self::Name => "Name",
            Self::Email => "Email",
            Self::Username => "Username",
            Self::UserId => "User ID",
            Self::Groups => "Groups",
            Self::WindowsAccountName => "WindowsAccountName",
        }
    }

    /// The name of the SAML attribute.
    pub(crate) fn saml_name(self) -> &'static str {
        match self {
            Self::Upn => "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
            Self::Name => "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
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
    pub(crate) fn values<'u>(self, user: &'u User, groups: &'u [Group]) -> Vec<&'u str> {
        let one = |text: &'u str| if text.is_empty() { Vec::new() } else { vec![text] };
        match self {
            Self::Upn => one(text_attribute(user, "upn").unwrap_or(&user.email)),
            Self::Name => one(&user.name),
            Self::Email => one(&user.email),
            Self::Username | Self::WindowsAccountName => one(&user.username),
            Self::UserId => one(&user.id),
            Self::Groups => groups.iter().map(|group| group.name.as_str()).collect(),
        }
    }
}

/// A text among what an administrator noted about a user, unless it is empty.
pub(crate) fn text_attribute<'u>(user: &'u User, name: &str) -> Option<&'u str> {
    user.attributes.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The attributes for a person: name and values, ordered by name, without those that have no value.
pub(crate) fn attributes<'u>(
    mappings: &[Mapping],
    user: &'u User,
    groups: &'u [Group],
) -> Vec<(&'static str, Vec<&'u str>)> {
    let mut found: Vec<_> =
        mappings.iter().map(|mapping| (mapping.saml_name(), mapping.values(user, groups))).collect();
    found.retain(|(_, values)| !values.is_empty());
    found.sort_unstable_by_key(|(name, _)| *name);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> User {
        User {
            id: "5f0c".into(),
            username: "ann".into(),
            name: "Ann Example".into(),
            email: "ann@example.com".into(),
            is_active: true,
            attributes: serde_json::Map::new(),
            created_at: store::Timestamp::from_micros(0),
            last_login_at: None,
        }
    }

    fn group(name: &str) -> Group {
        Group { id: format!("id of {name}"), name: name.into(), is_superuser: false }
    }

    #[test]
    fn the_seven_default_attributes_have_authentiks_names() {
        assert_eq!(
            attributes(&Mapping::ALL, &ann(), &[group("Night shift"), group("Staff")]),
            [
                ("http://schemas.goauthentik.io/2021/02/saml/uid", vec!["5f0c"]),
                ("http://schemas.goauthentik.io/2021/02/saml/username", vec!["ann"]),
                ("http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname", vec!["ann"]),
                ("http://schemas.xmlsoap.org/claims/Group", vec!["Night shift", "Staff"]),
                (
                    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
                    vec!["ann@example.com"]
                ),
                ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", vec!["Ann Example"]),
                ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", vec!["ann@example.com"]),
            ]
        );
    }

    #[test]
    fn upn_prefers_the_attribute_and_what_is_unknown_is_left_out() {
        let mut bob = User { name: String::new(), email: String::new(), ..ann() };
        assert!(
            attributes(&[Mapping::Name, Mapping::Email, Mapping::Groups, Mapping::Upn], &bob, &[]).is_empty()
        );
        bob.attributes.insert("upn".into(), "bob@corp.example".into());
        assert_eq!(Mapping::Upn.values(&bob, &[]), ["bob@corp.example"]);
        bob.attributes.insert("upn".into(), 7.into());
        assert!(Mapping::Upn.values(&bob, &[]).is_empty());
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        for mapping in Mapping::ALL {
            assert_eq!(Mapping::parse(mapping.key()), Some(mapping));
        }
        assert_eq!(Mapping::parse("goauthentik.io/providers/saml/other"), None);
    }
}
