//! Property mappings: what an application is told about a person. Those that come with the house are Rust;
//! administrators write others as expressions.

mod built_in;
mod changes;
mod pages;
mod store;
#[cfg(test)]
mod tests;

use serde_json::json;

pub(crate) use self::built_in::{BuiltIn, text_attribute};
pub(crate) use self::pages::routes;
pub(crate) use self::store::all;
use crate::app::App;
use crate::expressions::{Context, Facts, Failure, FailureKind, Outcome};
use crate::groups::Group;
use crate::users::User;

/// A property mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// What providers keep: an id, or the key of a built-in one.
    pub(crate) id: String,
    /// Unique.
    pub(crate) name: String,
    /// `Name` of the attribute (SAML Core 2.7.3.1).
    pub(crate) saml_name: String,
    /// `FriendlyName` of the attribute; empty for none.
    pub(crate) friendly_name: String,
    pub(crate) name_format: NameFormat,
    pub(crate) source: Source,
}

/// Where the values come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// From the house.
    BuiltIn(BuiltIn),
    /// From Python that an administrator wrote.
    Expression(String),
}

/// `NameFormat` of an attribute: how its name is to be read (SAML Core 8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameFormat {
    /// Not said.
    None,
    /// A simple name.
    Basic,
    /// A URI.
    Uri,
    /// Said to be unspecified.
    Unspecified,
}

impl NameFormat {
    /// Every one with its word in the database and forms, its URI and its words on screen.
    const ALL: [(Self, &'static str, Option<&'static str>, &'static str); 4] = [
        (Self::None, "none", None, "--------- (none)"),
        (Self::Basic, "basic", Some("urn:oasis:names:tc:SAML:2.0:attrname-format:basic"), "Basic"),
        (Self::Uri, "uri", Some("urn:oasis:names:tc:SAML:2.0:attrname-format:uri"), "URI"),
        (
            Self::Unspecified,
            "unspecified",
            Some("urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"),
            "Unspecified",
        ),
    ];

    fn key(self) -> &'static str {
        Self::ALL.into_iter().find(|(format, ..)| *format == self).map_or("none", |(_, key, ..)| key)
    }

    fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known, ..)| *known == key).map(|(format, ..)| format)
    }

    fn uri(self) -> Option<&'static str> {
        Self::ALL.into_iter().find(|(format, ..)| *format == self).and_then(|(_, _, uri, _)| uri)
    }
}

impl From<BuiltIn> for Mapping {
    fn from(built_in: BuiltIn) -> Self {
        Self {
            id: built_in.key().to_owned(),
            name: built_in.label().to_owned(),
            saml_name: built_in.saml_name().to_owned(),
            friendly_name: String::new(),
            name_format: NameFormat::None,
            source: Source::BuiltIn(built_in),
        }
    }
}

impl Mapping {
    /// Whether it comes with the house, and so can't be changed.
    pub(crate) fn is_built_in(&self) -> bool {
        matches!(self.source, Source::BuiltIn(_))
    }

    /// What it does, as an expression.
    fn python(&self) -> &str {
        match &self.source {
            Source::BuiltIn(built_in) => built_in.python(),
            Source::Expression(expression) => expression,
        }
    }

    /// The attribute with these values.
    pub(crate) fn attribute(&self, values: Vec<String>) -> saml::Attribute {
        saml::Attribute {
            name: self.saml_name.clone(),
            friendly_name: Some(self.friendly_name.clone()).filter(|name| !name.is_empty()),
            name_format: self.name_format.uri().map(str::to_owned),
            values,
        }
    }
}

/// What an administrator filled in, checked field by field.
#[derive(Clone, Debug)]
struct Wanted {
    name: String,
    saml_name: String,
    friendly_name: String,
    name_format: NameFormat,
    expression: String,
}

/// Whom an application is told about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'s> {
    pub(crate) user: &'s User,
    pub(crate) groups: &'s [Group],
    /// The name of the provider; empty where there is none.
    pub(crate) provider: &'s str,
}

impl Subject<'_> {
    fn context(&self) -> Context {
        let facts = |value: serde_json::Value| match value {
            serde_json::Value::Object(facts) => facts,
            _ => Facts::new(),
        };
        let user = self.user;
        let of_group = |group: &Group| {
            facts(json!({
                "pk": group.id, "name": group.name, "is_superuser": group.is_superuser, "attributes": {},
            }))
        };
        Context {
            user: facts(json!({
                "pk": user.id,
                "uuid": user.id,
                "uid": ::store::hash_token(&user.id),
                "username": user.username,
                "name": user.name,
                "email": user.email,
                "is_active": user.is_active,
                "attributes": user.attributes,
            })),
            groups: self.groups.iter().map(of_group).collect(),
            request: Facts::new(),
            provider: facts(json!({ "name": self.provider })),
        }
    }
}

/// What each mapping says about somebody, in order. Built-in ones cost nothing and never fail; all expressions
/// go to a worker together. No values: the attribute is left out.
pub(crate) async fn evaluate(
    app: &App,
    mappings: &[&Mapping],
    subject: Subject<'_>,
) -> Vec<Result<Vec<String>, Failure>> {
    let expression = |mapping: &&Mapping| match &mapping.source {
        Source::BuiltIn(_) => None,
        Source::Expression(expression) => Some(expression.clone()),
    };
    let expressions: Vec<String> = mappings.iter().filter_map(expression).collect();
    let outcomes = match expressions.is_empty() {
        true => Vec::new(),
        false => app.expressions.evaluate(expressions, subject.context(), app.site.now()).await,
    };
    let mut outcomes = outcomes.into_iter();
    let values = |mapping: &&Mapping| match &mapping.source {
        Source::BuiltIn(built_in) => Ok(built_in.values(subject.user, subject.groups)),
        Source::Expression(_) => told(outcomes.next()),
    };
    mappings.iter().map(values).collect()
}

/// Characters that XML 1.0 can't hold can't be told.
fn told(outcome: Option<Outcome>) -> Result<Vec<String>, Failure> {
    let Some(outcome) = outcome else { return Ok(Vec::new()) };
    let values = outcome?.values.unwrap_or_default();
    let sayable = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    match values.iter().any(|value| !value.chars().all(sayable)) {
        true => Err(Failure::new(
            FailureKind::Raised("ValueError".into()),
            None,
            "it returned a character that no SAML message can hold",
        )),
        false => Ok(values),
    }
}
