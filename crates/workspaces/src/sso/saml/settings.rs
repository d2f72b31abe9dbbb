//! The settings of a configuration that are a choice among several.

use saml::AuthnContextComparison;
use serde::{Deserialize, Serialize};

/// A choice as the form sends it and the database keeps it.
pub(crate) trait Choice: Copy + Eq + 'static {
    /// Every value with its key and the words on screen; the first is the default.
    const ALL: &'static [(Self, &'static str, &'static str)];

    /// The key of a value.
    fn key(self) -> &'static str {
        Self::ALL.iter().find(|(value, ..)| *value == self).map_or("", |(_, key, _)| key)
    }

    /// The value of a key.
    fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == key).map(|(value, ..)| *value)
    }

    /// Keys and words, for a list to choose from.
    fn options() -> Vec<(&'static str, &'static str)> {
        Self::ALL.iter().map(|(_, key, words)| (*key, *words)).collect()
    }
}

/// How our own addresses name the configuration. Both forms always answer; this one is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntityIdStyle {
    /// `/api/metadata/?id=X`, as Kasm has it.
    Query,
    /// `/api/metadata/X/`, for identity providers that can't match a query string (ADFS).
    Path,
}

impl Choice for EntityIdStyle {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Query, "query", "With a query string: /api/metadata/?id=…"),
        (Self::Path, "path", "Without a query string: /api/metadata/…/"),
    ];
}

/// What a sign-in does with the memberships that the mappings of a configuration decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupMappingMode {
    /// Gives those that the values call for, and takes away those that they no longer do.
    Both,
    /// Only gives.
    Add,
    /// Only takes away.
    Remove,
}

impl Choice for GroupMappingMode {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Both, "both", "Add and remove: the identity provider decides at each sign-in"),
        (Self::Add, "add", "Add only: nobody leaves a group by signing in"),
        (Self::Remove, "remove", "Remove only: nobody joins a group by signing in"),
    ];
}

impl GroupMappingMode {
    pub(crate) fn adds(self) -> bool {
        matches!(self, Self::Both | Self::Add)
    }

    pub(crate) fn removes(self) -> bool {
        matches!(self, Self::Both | Self::Remove)
    }
}

/// How logout messages travel to the identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SloBinding {
    /// HTTP-Redirect.
    Redirect,
    /// HTTP-POST.
    Post,
}

impl Choice for SloBinding {
    const ALL: &'static [(Self, &'static str, &'static str)] =
        &[(Self::Redirect, "redirect", "Redirect"), (Self::Post, "post", "POST")];
}

/// A field of a person's profile that an attribute may fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProfileField {
    FirstName,
    LastName,
    Email,
    Phone,
    Organization,
    Notes,
}

impl Choice for ProfileField {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::FirstName, "first_name", "First Name"),
        (Self::LastName, "last_name", "Last Name"),
        (Self::Email, "email", "Email"),
        (Self::Phone, "phone", "Phone"),
        (Self::Organization, "organization", "Organization"),
        (Self::Notes, "notes", "Notes"),
    ];
}

/// By which of its two names an attribute is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MatchBy {
    /// `Name`, or `FriendlyName` where no attribute has the Name.
    Either,
    /// `Name` alone.
    Name,
    /// `FriendlyName` alone.
    FriendlyName,
}

impl Choice for MatchBy {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Either, "either", "Name or FriendlyName"),
        (Self::Name, "name", "Name"),
        (Self::FriendlyName, "friendly_name", "FriendlyName"),
    ];
}

/// One row of the attribute mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProfileMapping {
    /// The attribute, as the identity provider calls it.
    pub(crate) attribute: String,
    pub(crate) match_by: MatchBy,
    pub(crate) field: ProfileField,
}

impl Choice for AuthnContextComparison {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Exact, "exact", "Exactly one of them (exact)"),
        (Self::Minimum, "minimum", "One of them or stronger (minimum)"),
        (Self::Better, "better", "Stronger than any of them (better)"),
        (Self::Maximum, "maximum", "Not stronger than one of them (maximum)"),
    ];
}
