//! Applications: what people open. An application may have a provider, which tells it who somebody is,
//! and bindings, which say who may open it.

mod bindings;
mod pages;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use self::bindings::{Binding, Target, bindings_of};
pub(crate) use self::pages::routes;
pub(crate) use self::store::{by_provider, by_slug};
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
