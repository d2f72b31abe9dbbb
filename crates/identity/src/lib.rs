//! The identity provider: people sign in once, and applications learn who they are through SAML.
//!
//! Each folder is one feature and holds all of it: its rules (`mod.rs`), its SQL (`store.rs`), its
//! pages (`pages.rs`, `templates/`) and its tests. A sign-in walks through `providers/saml` (what does
//! the application ask for?), `flows` (who is this?), `policies` (may they?), `mappings` (what is the
//! application told?) and back to `providers/saml`, which signs the answer.

mod app;
mod applications;
mod certificates;
mod connect;
mod events;
pub mod expressions;
mod flows;
mod groups;
mod library;
mod mappings;
mod overview;
mod policies;
mod providers;
mod refusal;
mod revision;
mod sessions;
mod setup;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod users;
mod visit;

pub use app::{Identity, OpenError, Setup};
pub use connect::{ConnectError, Connected, ServiceProvider, ServiceProviders, WorkspacesConnector};

/// The tables of this product.
pub const MIGRATIONS: store::Migrations = store::Migrations {
    product: "identity",
    steps: &[
        (1, "revision of the configuration", include_str!("revision.sql")),
        (2, "users", include_str!("users/schema.sql")),
        (3, "groups and their members", include_str!("groups/schema.sql")),
        (4, "certificates", include_str!("certificates/schema.sql")),
        (5, "SAML providers", include_str!("providers/saml/schema.sql")),
        (6, "applications and their bindings", include_str!("applications/schema.sql")),
        (7, "requests under way, consents", include_str!("flows/schema.sql")),
        (8, "warnings about certificates", include_str!("certificates/announced.sql")),
        (
            9,
            "SAML requests, encryption and logout",
            include_str!("providers/saml/schema_requests_and_logout.sql"),
        ),
        (10, "metadata of service providers", include_str!("providers/saml/refresh/schema.sql")),
        (11, "property mappings", include_str!("mappings/schema.sql")),
        (12, "failures of property mappings", include_str!("providers/saml/schema_mapping_failures.sql")),
        (13, "people whom an application knows", include_str!("providers/saml/schema_known_names.sql")),
        (14, "SAML sessions and logouts", include_str!("providers/saml/logout/schema.sql")),
    ],
};
