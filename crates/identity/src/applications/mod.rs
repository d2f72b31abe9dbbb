//! Applications: what people open. An application may have a provider, which tells it who somebody is,
//! and bindings, which say who may open it.

mod binding_pages;
mod bindings;
mod changes;
mod fields;
mod pages;
mod store;
#[cfg(test)]
mod tests;

use axum::Router;

pub(crate) use self::bindings::{Binding, Target, all_bindings, bindings_of, bound_to_group, bound_to_user};
pub(crate) use self::changes::{Wanted, insert};
pub(crate) use self::fields::slug;
pub(crate) use self::store::{all, by_provider, by_slug};
use crate::app::App;
use crate::policies::EngineMode;

/// Something that people open.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    pub(crate) id: String,
    /// Names it in addresses; unique.
    pub(crate) slug: String,
    pub(crate) name: String,
    /// The heading under which it stands in My applications; may be empty.
    pub(crate) group_name: String,
    pub(crate) provider_id: Option<String>,
    /// Where people begin; empty: the provider knows.
    pub(crate) launch_url: String,
    pub(crate) open_in_new_tab: bool,
    /// Address of an image; may be empty.
    pub(crate) icon: String,
    pub(crate) description: String,
    pub(crate) publisher: String,
    /// Whether one binding that fits is enough, or all must.
    pub(crate) policy_engine_mode: EngineMode,
}

impl Application {
    /// Where a person begins: the launch URL, or what the provider begins with. `None` if there is
    /// nothing to open.
    pub(crate) fn start(&self) -> Option<String> {
        if !self.launch_url.is_empty() {
            return Some(self.launch_url.clone());
        }
        self.provider_id.as_ref().map(|_| format!("/application/saml/{}/init/", self.slug))
    }
}

pub(crate) fn routes() -> Router<App> {
    pages::routes().merge(binding_pages::routes())
}
