//! Bindings: the users and groups that may open an application.

use std::collections::HashMap;

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
pub(crate) async fn bindings_of(
    conn: &mut AnyConnection,
    application_id: &str,
) -> Result<Vec<Binding>, Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, user_id, group_id, position, negate, enabled FROM identity_bindings \
         WHERE application_id = $1 ORDER BY position, id",
    )
    .bind(application_id)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(Row::binding).collect())
}

#[derive(FromRow)]
struct OfApplication {
    application_id: String,
    #[sqlx(flatten)]
    row: Row,
}

/// The bindings of every application, by the id of the application.
pub(crate) async fn all_bindings(conn: &mut AnyConnection) -> Result<HashMap<String, Vec<Binding>>, Error> {
    let rows: Vec<OfApplication> = sqlx::query_as(
        "SELECT application_id, id, user_id, group_id, position, negate, enabled FROM identity_bindings \
         ORDER BY position, id",
    )
    .fetch_all(conn)
    .await?;
    let mut all: HashMap<String, Vec<Binding>> = HashMap::new();
    for OfApplication { application_id, row } in rows {
        all.entry(application_id).or_default().extend(row.binding());
    }
    Ok(all)
}

/// The names of the applications whose bindings name this user.
pub(crate) async fn bound_to_user(conn: &mut AnyConnection, user_id: &str) -> Result<Vec<String>, Error> {
    let names = sqlx::query_scalar(
        "SELECT a.name FROM identity_bindings b JOIN identity_applications a ON a.id = b.application_id \
         WHERE b.user_id = $1 ORDER BY a.name",
    )
    .bind(user_id)
    .fetch_all(conn)
    .await?;
    Ok(names)
}

/// The names of the applications whose bindings name this group.
pub(crate) async fn bound_to_group(conn: &mut AnyConnection, group_id: &str) -> Result<Vec<String>, Error> {
    let names = sqlx::query_scalar(
        "SELECT a.name FROM identity_bindings b JOIN identity_applications a ON a.id = b.application_id \
         WHERE b.group_id = $1 ORDER BY a.name",
    )
    .bind(group_id)
    .fetch_all(conn)
    .await?;
    Ok(names)
}

/// A binding of this application by its id, with the words for whom it names.
pub(super) async fn find(
    conn: &mut AnyConnection,
    application_id: &str,
    id: &str,
) -> Result<Option<Shown>, Error> {
    let shown = shown(conn, application_id).await?;
    Ok(shown.into_iter().find(|shown| shown.binding.id == id))
}

/// A binding as an administrator reads it.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) binding: Binding,
    /// The name of the user or group.
    pub(super) name: String,
}

impl Shown {
    /// `User ann`, `Group Staff`.
    pub(super) fn words(&self) -> String {
        match self.binding.target {
            Target::User(_) => format!("User {}", self.name),
            Target::Group(_) => format!("Group {}", self.name),
        }
    }
}

#[derive(FromRow)]
struct Named {
    name: String,
    #[sqlx(flatten)]
    row: Row,
}

/// The bindings of an application, in their order, with names.
pub(super) async fn shown(conn: &mut AnyConnection, application_id: &str) -> Result<Vec<Shown>, Error> {
    let rows: Vec<Named> = sqlx::query_as(
        "SELECT COALESCE(u.username, g.name, '') AS name, b.id, b.user_id, b.group_id, b.position, b.negate, b.enabled \
         FROM identity_bindings b LEFT JOIN identity_users u ON u.id = b.user_id \
         LEFT JOIN identity_groups g ON g.id = b.group_id \
         WHERE b.application_id = $1 ORDER BY b.position, b.id",
    )
    .bind(application_id)
    .fetch_all(conn)
    .await?;
    let shown = |Named { name, row }: Named| Some(Shown { binding: row.binding()?, name });
    Ok(rows.into_iter().filter_map(shown).collect())
}

pub(super) async fn insert(
    conn: &mut AnyConnection,
    application_id: &str,
    binding: &Binding,
) -> Result<(), Error> {
    let (user, group) = match &binding.target {
        Target::User(id) => (Some(id), None),
        Target::Group(id) => (None, Some(id)),
    };
    sqlx::query(
        "INSERT INTO identity_bindings (id, application_id, user_id, group_id, position, negate, enabled) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&binding.id)
    .bind(application_id)
    .bind(user)
    .bind(group)
    .bind(binding.order)
    .bind(i64::from(binding.negate))
    .bind(i64::from(binding.enabled))
    .execute(conn)
    .await?;
    Ok(())
}

/// Changes all but the target.
pub(super) async fn update(conn: &mut AnyConnection, binding: &Binding) -> Result<(), Error> {
    sqlx::query("UPDATE identity_bindings SET position = $2, negate = $3, enabled = $4 WHERE id = $1")
        .bind(&binding.id)
        .bind(binding.order)
        .bind(i64::from(binding.negate))
        .bind(i64::from(binding.enabled))
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn delete(conn: &mut AnyConnection, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM identity_bindings WHERE id = $1").bind(id).execute(conn).await?;
    Ok(())
}
