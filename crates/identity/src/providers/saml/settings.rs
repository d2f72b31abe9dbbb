//! The settings of a SAML provider: authentik's fields, read into types.

use saml::{Binding, DigestAlgorithm, NameIdFormat, SignatureAlgorithm};
use url::Url;

use super::period::Period;
use crate::mappings::Mapping;

/// Whether people are asked before the application learns who they are: authentik's authorization flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthorizationFlow {
    /// Straight on.
    Implicit,
    /// The person agrees first.
    Explicit,
}

impl AuthorizationFlow {
    pub(crate) const ALL: [Self; 2] = [Self::Implicit, Self::Explicit];

    /// The word in the database and in forms: the slug of authentik's flow.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Implicit => "default-provider-authorization-implicit-consent",
            Self::Explicit => "default-provider-authorization-explicit-consent",
        }
    }

    /// Reads [`Self::key`] back.
    pub(crate) fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flow| flow.key() == key)
    }

    /// The words on screen.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Implicit => {
                "Authorize Application, implicit consent (default-provider-authorization-implicit-consent)"
            }
            Self::Explicit => {
                "Authorize Application, explicit consent (default-provider-authorization-explicit-consent)"
            }
        }
    }
}

/// The formats of a name that a provider can answer with, in the order of the form (`authentik.md` 2.4).
pub(crate) const NAME_ID_POLICIES: [(NameIdFormat, &str); 6] = [
    (NameIdFormat::EmailAddress, "Email address"),
    (NameIdFormat::Persistent, "Persistent"),
    (NameIdFormat::X509SubjectName, "X509 Subject"),
    (NameIdFormat::WindowsDomainQualifiedName, "Windows"),
    (NameIdFormat::Transient, "Transient"),
    (NameIdFormat::Unspecified, "Unspecified"),
];

/// The words in the database and in forms for the bindings of an answer.
pub(crate) const SP_BINDINGS: [(Binding, &str, &str); 2] =
    [(Binding::HttpRedirect, "redirect", "Redirect"), (Binding::HttpPost, "post", "Post")];

/// Everything that an administrator sets about a provider.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Unique among providers.
    pub(crate) name: String,
    pub(crate) authorization_flow: AuthorizationFlow,
    /// Where answers go, and nowhere else.
    pub(crate) acs_url: Url,
    /// Empty: the address of the metadata.
    pub(crate) issuer: String,
    /// How an answer travels.
    pub(crate) sp_binding: Binding,
    /// Empty: the answer is not restricted to an audience.
    pub(crate) audience: String,
    /// Id of the certificate that signs answers.
    pub(crate) signing_kp: String,
    /// Id of the certificate that requests are checked against; without one they may be unsigned.
    pub(crate) verification_kp: Option<String>,
    pub(crate) sign_assertion: bool,
    pub(crate) sign_response: bool,
    pub(crate) property_mappings: Vec<Mapping>,
    /// Overrides the value of the name, not its format.
    pub(crate) name_id_mapping: Option<Mapping>,
    /// The format of the name if the application asks for none.
    pub(crate) default_name_id_policy: NameIdFormat,
    /// From when an answer is valid, relative to now.
    pub(crate) assertion_valid_not_before: Period,
    /// Until when an answer is valid, relative to now.
    pub(crate) assertion_valid_not_on_or_after: Period,
    /// How long the application may keep the person signed in.
    pub(crate) session_valid_not_on_or_after: Period,
    pub(crate) digest_algorithm: DigestAlgorithm,
    pub(crate) signature_algorithm: SignatureAlgorithm,
    /// Sent along when a sign-in begins here; empty for none.
    pub(crate) default_relay_state: String,
}

/// A SAML provider.
#[derive(Clone, Debug)]
pub(crate) struct SamlProvider {
    pub(crate) id: String,
    pub(crate) settings: Settings,
}
