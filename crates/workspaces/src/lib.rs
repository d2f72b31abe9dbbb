//! The workspace platform: people sign in (locally or through a SAML identity provider), and their
//! groups decide which workspaces they may launch. A launched workspace is a session: it runs on this
//! machine and appears in a browser tab.
//!
//! Each folder is one feature and holds all of it: its rules (`mod.rs`), its SQL (`store.rs`), its
//! pages (`pages.rs`, `templates/`) and its tests.

mod app;
mod auth;
mod catalogue;
mod dashboard;
mod events;
mod groups;
mod overview;
mod sessions;
mod sso;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod users;
mod visit;

pub use app::{Setup, Workspaces};
pub use sso::connect::{ConnectError, Connected, IdentityConnector, ServiceProvider};

/// The tables of this product.
pub const MIGRATIONS: store::Migrations = store::Migrations {
    product: "workspaces",
    steps: &[
        (1, "users", include_str!("users/schema.sql")),
        (2, "groups and their members", include_str!("groups/schema.sql")),
        (3, "SAML configurations and sign-ins under way", include_str!("sso/saml/schema.sql")),
        (4, "workspace definitions and who sees them", include_str!("catalogue/schema.sql")),
        (5, "sessions and launch tickets", include_str!("sessions/schema.sql")),
        (6, "SAML exchanges", include_str!("sso/saml/exchanges/schema.sql")),
        (7, "more settings of SAML configurations, more of a profile", include_str!("sso/saml/settings.sql")),
        (8, "SAML metadata that is refreshed", include_str!("sso/saml/refresh/schema.sql")),
        (9, "SAML single logout", include_str!("sso/saml/logout/schema.sql")),
        (10, "the groups that the last sign-in brought", include_str!("groups/mapping.sql")),
    ],
};
