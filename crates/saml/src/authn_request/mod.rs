//! The request that begins a sign-in (SAML Core 3.4.1).

mod context;
mod read;
mod write;

pub use context::{AuthnContextComparison, RequestedAuthnContext};
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

/// Where the answer is to go (SAML Core 3.4.1): a number excludes an address and a binding. Whatever is asked for
/// must be compared with what is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestedAcs {
    /// Not said: to the default one.
    Default,
    /// The one that is registered under this number.
    Index(u16),
    /// The one at this address, or with this binding, or both. One of them is there.
    Address {
        /// The address.
        url: Option<String>,
        /// How the answer is to travel: the URI of a binding.
        binding: Option<String>,
    },
}

/// Who else may authenticate the person (SAML Core 3.4.1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scoping {
    /// Over how many identity providers the request may be passed on; `None` for any number, 0 for none.
    pub proxy_count: Option<u32>,
    /// The entity IDs of the identity providers that the requester trusts, in order of preference; empty if it
    /// does not say.
    pub idp_list: Vec<String>,
}
