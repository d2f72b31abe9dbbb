//! What an entity says of itself (SAML Metadata 2).

mod idp;
mod read;
mod sp;
mod write;

pub use idp::IdpMetadata;
pub use sp::{AssertionConsumerService, SpMetadata};

use crate::vocabulary::Binding;

/// Larger metadata is refused, in bytes.
pub const MAX_METADATA_BYTES: usize = 1024 * 1024;

/// An address for one binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// How messages travel there.
    pub binding: Binding,
    /// The address.
    pub location: String,
}
