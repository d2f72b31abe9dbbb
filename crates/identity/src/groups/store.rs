//! The SQL of groups and their members.

use site::Site;
use sqlx::{AnyConnection, FromRow};
use store::Error;

use super::Group;

#[derive(FromRow)]
struct Row {
    id: String,
    name: String,
    is_superuser: i64,
}

impl From<Row> for Group {
    fn from(row: Row) -> Self {
        Self { id: row.id, name: row.name, is_superuser: row.is_superuser != 0 }
    }
}

/// The group that administers, made at first start.
const ADMINISTRATORS: &str = "Administrators";

/// Makes the group Administrators if there is no group of superusers, and returns the id of one.
pub(crate) async fn create_administrators(conn: &mut AnyConnection, site: &Site) -> Result<String, Error> {
    let existing: Option<(String,)> =
        sqlx::query_as("SELECT id FROM identity_groups WHERE is_superuser <> 0 ORDER BY name LIMIT 1")
            .fetch_optional(&mut *conn)
            .await?;
    match existing {
        Some((id,)) => Ok(id),
        None => create(conn, site, ADMINISTRATORS, true).await,
    }
}

/// Creates a group and returns its id.
pub(crate) async fn create(
    conn: &mut AnyConnection,
    site: &Site,
    name: &str,
    is_superuser: bool,
) -> Result<String, Error> {
    let id = store::new_id(&**site.random());
    sqlx::query("INSERT INTO identity_groups (id, name, is_superuser) VALUES ($1, $2, $3)")
        .bind(&id)
        .bind(name)
        .bind(i64::from(is_superuser))
        .execute(conn)
        .await?;
    Ok(id)
}

/// The groups of a user, by name.
pub(crate) async fn of_user(conn: &mut AnyConnection, user_id: &str) -> Result<Vec<Group>, Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT g.id, g.name, g.is_superuser FROM identity_groups g \
         JOIN identity_group_members m ON m.group_id = g.id WHERE m.user_id = $1 ORDER BY g.name",
    )
    .bind(user_id)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Group::from).collect())
}

/// Every group as `(id, name)`, by name, for a choice in a form.
pub(crate) async fn names(conn: &mut AnyConnection) -> Result<Vec<(String, String)>, Error> {
    Ok(sqlx::query_as("SELECT id, name FROM identity_groups ORDER BY name").fetch_all(conn).await?)
}

/// Puts a user into a group; it is no error if they are in it.
pub(crate) async fn add_member(conn: &mut AnyConnection, group_id: &str, user_id: &str) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO identity_group_members (group_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    )
    .bind(group_id)
    .bind(user_id)
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes these the groups of a user, and no others.
pub(crate) async fn set_groups_of(
    conn: &mut AnyConnection,
    user_id: &str,
    groups: &[String],
) -> Result<(), Error> {
    sqlx::query("DELETE FROM identity_group_members WHERE user_id = $1")
        .bind(user_id)
        .execute(&mut *conn)
        .await?;
    for group in groups {
        add_member(conn, group, user_id).await?;
    }
    Ok(())
}

/// A group in the list of groups.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) is_superuser: i64,
    pub(super) members: i64,
}

/// Every group with the number of its members, by name.
pub(super) async fn list(conn: &mut AnyConnection) -> Result<Vec<Listed>, Error> {
    let rows = sqlx::query_as(
        "SELECT g.id, g.name, g.is_superuser, \
         (SELECT COUNT(*) FROM identity_group_members m WHERE m.group_id = g.id) AS members \
         FROM identity_groups g ORDER BY g.name",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// A group by its id.
pub(crate) async fn find(conn: &mut AnyConnection, id: &str) -> Result<Option<Group>, Error> {
    let row: Option<Row> = sqlx::query_as("SELECT id, name, is_superuser FROM identity_groups WHERE id = $1")
        .bind(id)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(Group::from))
}

/// The ids of a group's members.
pub(super) async fn members(conn: &mut AnyConnection, id: &str) -> Result<Vec<String>, Error> {
    let rows =
        sqlx::query_scalar("SELECT user_id FROM identity_group_members WHERE group_id = $1 ORDER BY user_id")
            .bind(id)
            .fetch_all(conn)
            .await?;
    Ok(rows)
}

/// Makes these the members of a group, and nobody else.
pub(super) async fn set_members(conn: &mut AnyConnection, id: &str, users: &[String]) -> Result<(), Error> {
    sqlx::query("DELETE FROM identity_group_members WHERE group_id = $1")
        .bind(id)
        .execute(&mut *conn)
        .await?;
    for user in users {
        add_member(conn, id, user).await?;
    }
    Ok(())
}

pub(super) async fn update(
    conn: &mut AnyConnection,
    id: &str,
    name: &str,
    is_superuser: bool,
) -> Result<(), Error> {
    sqlx::query("UPDATE identity_groups SET name = $2, is_superuser = $3 WHERE id = $1")
        .bind(id)
        .bind(name)
        .bind(i64::from(is_superuser))
        .execute(conn)
        .await?;
    Ok(())
}

/// Deletes a group with its memberships. A binding that still names it is a foreign key violation.
pub(super) async fn delete(conn: &mut AnyConnection, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM identity_groups WHERE id = $1").bind(id).execute(conn).await?;
    Ok(())
}
