//! Bindings: the users and groups that may open an application.

use sqlx::{AnyConnection, FromRow};
use store::Error;

/// One line of the list that says who may open an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) id: String,
    pub(crate) target: Target,
    /// Bindings are looked at in ascending order.
    pub(crate) order: i64,
    /// Fits whom the target does not name.
    pub(crate) negate: bool,
    /// Counts at all.
    pub(crate) enabled: bool,
}

/// Whom a binding names, by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    User(String),
    Group(String),
}

#[derive(FromRow)]
struct Row {
    id: String,
    user_id: Option<String>,
    group_id: Option<String>,
    position: i64,
    negate: i64,
    enabled: i64,
}

impl Row {
    /// `None` for a row that names nobody, which the table's CHECK refuses.
    fn binding(self) -> Option<Binding> {
        let target = match (self.user_id, self.group_id) {
            (Some(user), _) => Target::User(user),
            (None, Some(group)) => Target::Group(group),
            (None, None) => return None,
        };
        let (negate, enabled) = (self.negate != 0, self.enabled != 0);
        Some(Binding { id: self.id, target, order: self.position, negate, enabled })
    }
}

/// The bindings of an application, in their order.
pub(crate) async fn bindings_of(conn: &mut AnyConnection, application_id: &str) -> Result<Vec<Binding>, Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, user_id, group_id, position, negate, enabled FROM identity_bindings \
         WHERE application_id = $1 ORDER BY position, id",
    )
    .bind(application_id)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(Row::binding).collect())
}
