//! What an entity says of itself (SAML Metadata 2).

mod changes;
mod idp;
mod integrity;
mod period;
mod read;
mod sp;
mod write;

use std::time::Duration;

pub use changes::Change;
pub use idp::IdpMetadata;
pub use sp::{AssertionConsumerService, SpMetadata};

use crate::keys::VerifyingKey;
use crate::timestamp::Timestamp;
use crate::vocabulary::{Binding, LogoutBinding};

/// Larger metadata is refused, in bytes.
pub const MAX_METADATA_BYTES: usize = 1024 * 1024;

/// What is asked of a document besides being metadata; the default asks for nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct MetadataExpectations<'a> {
    /// The entity that is wanted; `None` if the document describes only one in the wanted role.
    pub entity_id: Option<&'a str>,
    /// The keys of whoever must have signed it: the entity, or a group around it. `None`: no signature is looked
    /// at.
    pub signed_by: Option<&'a [VerifyingKey]>,
    /// It must not have expired by then (validUntil of the role, the entity and each group around it). `None`:
    /// it may have.
    pub now: Option<Timestamp>,
}

/// How long metadata may be used (Metadata 2.3.1 and 2.3.2). Said of the role, the entity and the groups around
/// it: what is shortest counts.
#[derive(Clone, Copy, Default)]
struct Validity {
    valid_until: Option<Timestamp>,
    cache_duration: Option<Duration>,
}

/// An address for one binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// How messages travel there.
    pub binding: Binding,
    /// The address.
    pub location: String,
}

/// An address for messages that end sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleLogoutService {
    /// How messages travel there.
    pub binding: LogoutBinding,
    /// Where requests go.
    pub location: String,
    /// Where answers go, if not to the same address.
    pub response_location: Option<String>,
}

impl SingleLogoutService {
    /// An address for requests and answers.
    pub fn new(binding: LogoutBinding, location: impl Into<String>) -> Self {
        Self { binding, location: location.into(), response_location: None }
    }

    /// Where answers go.
    pub fn answers_to(&self) -> &str {
        self.response_location.as_deref().unwrap_or(&self.location)
    }
}

/// The first service with this binding.
fn service(services: &[SingleLogoutService], binding: LogoutBinding) -> Option<&SingleLogoutService> {
    services.iter().find(|service| service.binding == binding)
}
