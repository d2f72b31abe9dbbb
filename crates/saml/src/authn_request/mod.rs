//! The request that begins a sign-in (SAML Core 3.4.1).

mod read;
mod write;

pub use read::AuthnRequest;
pub use write::AuthnRequestBuilder;

use crate::vocabulary::NameIdFormat;

/// Which kind of name the service provider asks for (SAML Core 3.4.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameIdPolicy {
    /// The kind; `None` leaves it to the identity provider.
    pub format: Option<NameIdFormat>,
    /// The namespace of the name, if it is not that of the service provider itself.
    pub sp_name_qualifier: Option<String>,
    /// Whether a new name may be made for this person.
    pub allow_create: bool,
}
