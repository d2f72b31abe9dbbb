//! What an assertion says of a person; the same for the side that writes it and the side that reads it.

use roxmltree::Node;

use crate::error::Error;
use crate::vocabulary::NameIdFormat;
use crate::xml::{Writer, attribute, text};

/// The name of a person (SAML Core 2.2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameId {
    /// What kind of name it is. A NameID without a format is [`NameIdFormat::Unspecified`].
    pub format: NameIdFormat,
    /// The name itself, exactly as signed, white space included.
    pub value: String,
    /// The identity provider that the name belongs to, if said.
    pub name_qualifier: Option<String>,
    /// The service provider that the name was made for, if said.
    pub sp_name_qualifier: Option<String>,
}

impl NameId {
    /// A name without qualifiers.
    pub fn new(format: NameIdFormat, value: impl Into<String>) -> Self {
        Self { format, value: value.into(), name_qualifier: None, sp_name_qualifier: None }
    }

    /// Reads the element `NameID`.
    pub(crate) fn read(node: Node<'_, '_>) -> Result<Self, Error> {
        let owned = |name| attribute(node, name).map(str::to_owned);
        Ok(Self {
            format: attribute(node, "Format").map_or(NameIdFormat::Unspecified, NameIdFormat::from_uri),
            value: text(node, "NameID")?.into_owned(),
            name_qualifier: owned("NameQualifier"),
            sp_name_qualifier: owned("SPNameQualifier"),
        })
    }

    /// Writes the element `saml:NameID`, with this declaration of its namespace if it needs one.
    pub(crate) fn write(&self, writer: &mut Writer, namespace: Option<&str>) {
        let attributes = [
            ("xmlns:saml", namespace),
            ("Format", Some(self.format.as_str())),
            ("NameQualifier", self.name_qualifier.as_deref()),
            ("SPNameQualifier", self.sp_name_qualifier.as_deref()),
        ];
        writer.text("saml:NameID", &attributes, &self.value);
    }
}

/// One attribute with its values (SAML Core 2.7.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// What it is called between machines.
    pub name: String,
    /// What it is called for people.
    pub friendly_name: Option<String>,
    /// How `name` is to be read: a URI.
    pub name_format: Option<String>,
    /// None, one or several, in order.
    pub values: Vec<String>,
}

impl Attribute {
    /// An attribute without a friendly name and a name format.
    pub fn new(name: impl Into<String>, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        Self { name: name.into(), friendly_name: None, name_format: None, values }
    }
}
