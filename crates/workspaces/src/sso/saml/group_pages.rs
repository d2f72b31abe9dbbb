//! The page that shows which value of an identity provider leads to which group.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use site::{Problem, Shell};

use super::{Choice as _, GroupMappingMode, SamlConfig, pages};
use crate::app::App;
use crate::auth::Administrator;
use crate::groups::{self, Mappings};
use crate::users;
use crate::visit::Visit;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/admin/access/authentication/saml/{id}/groups", get(show))
}

#[derive(Template)]
#[template(path = "sso/saml/templates/groups.html")]
struct GroupsPage {
    shell: Shell,
    config: SamlConfig,
    mode: &'static str,
    mappings: Mappings,
    /// Values that people brought and that lead nowhere, each with the number of people.
    unmapped: Vec<(String, usize)>,
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let config = pages::find(&app, &id).await?;
    let mut conn = app.store.read().await?;
    let mappings = groups::mappings_of(&mut conn, &config.id).await?;
    let mut seen = users::group_values_seen(&mut conn, &config.id).await?;
    seen.retain(|value, _| mappings.by_value.iter().all(|(mapped, _)| mapped != value));
    let mode = GroupMappingMode::ALL.iter().find(|(mode, ..)| *mode == config.group_mapping_mode);
    site::html(&GroupsPage {
        shell: visit.admin_page(&app, &person, format!("{}: group mapping", config.display_name)),
        mode: mode.map_or("", |(.., words)| words),
        mappings,
        unmapped: seen.into_iter().collect(),
        config,
    })
}
