//! What every page and endpoint of both products shares: visitors and their cookies, CSRF,
//! the content security policy, the page shell, forms and their errors, problems told in plain
//! words, sign-in sessions, one-time links, events and assets.
//!
//! A product makes one [`Site`], keeps it in its state, and wraps its router with [`Site::wrap`].
//! Everything else follows from that one layer: a trace id, the client's address, a visitor, the
//! security headers, and problems rendered as pages (or as JSON for APIs).

pub mod assets;
pub mod attempts;
pub mod browser_sessions;
mod context;
pub mod events;
pub mod fetch;
pub mod form;
mod layer;
pub mod moments;
pub mod one_time_links;
pub mod origin;
pub mod page;
pub mod passwords;
pub mod problem;
mod visit;
pub mod visitor;

pub use context::{Product, Site, SiteSetup};
pub use form::{Button, FieldErrors, Submitted};
pub use layer::{CspAdditions, ImmutableCache};
pub use page::{NavItem, Notice, Person, Shell, html};
pub use problem::Problem;
pub use visit::Visit;
pub use visitor::{ClientAddr, TraceId, Visitor};

/// The tables that this crate keeps for both products.
pub const MIGRATIONS: store::Migrations = store::Migrations {
    product: "site",
    steps: &[
        (1, "sign-in sessions of both products", include_str!("browser_sessions.sql")),
        (2, "one-time links", include_str!("one_time_links.sql")),
        (3, "events", include_str!("events/schema.sql")),
    ],
};
