//! Workspace definitions: what can be launched, and which groups see it.

use axum::Router;
use site::Site;
use sqlx::AnyConnection;

use crate::app::App;

pub(crate) fn routes() -> Router<App> {
    Router::new()
}

/// Creates the sample workspaces, visible to one group.
pub(crate) async fn create_samples(
    _conn: &mut AnyConnection,
    _site: &Site,
    _group: &str,
) -> Result<(), store::Error> {
    Ok(())
}

/// A workspace as seen from one group.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Assignment {
    pub(crate) id: String,
    pub(crate) friendly_name: String,
    /// 1 if the group sees it.
    pub(crate) assigned: i64,
}

/// Every workspace, with whether the group sees it.
pub(crate) async fn assignments_of(
    _conn: &mut AnyConnection,
    _group: &str,
) -> Result<Vec<Assignment>, store::Error> {
    Ok(Vec::new())
}

/// The group sees exactly these workspaces.
pub(crate) async fn assign(
    _conn: &mut AnyConnection,
    _group: &str,
    _workspaces: &[String],
) -> Result<(), store::Error> {
    Ok(())
}
