//! The one query that finds who is signed in.

use std::sync::LazyLock;

use site::browser_sessions::{self, BrowserSession};
use site::{Site, Visitor};
use sqlx::{AnyConnection, FromRow};
use store::{Error, Timestamp};

use super::Person;
use crate::groups::Group;
use crate::users::User;

/// Who is signed in, and which revision of the configuration was current in that moment.
#[derive(Clone, Debug)]
pub(crate) struct Present {
    pub(crate) person: Person,
    pub(crate) revision: i64,
}

#[derive(FromRow)]
struct Row {
    #[sqlx(flatten)]
    session: BrowserSession,
    username: String,
    name: String,
    email: String,
    attributes: String,
    user_created_at: Timestamp,
    last_login_at: Option<Timestamp>,
    revision: i64,
    group_id: Option<String>,
    group_name: Option<String>,
    is_superuser: Option<i64>,
}

static PRESENT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, u.username, u.name, u.email, u.attributes, u.created_at AS user_created_at, u.last_login_at, \
         (SELECT value FROM identity_revision WHERE id = 1) AS revision, \
         g.id AS group_id, g.name AS group_name, g.is_superuser \
         FROM browser_sessions s \
         JOIN identity_users u ON u.id = s.user_id AND u.is_active <> 0 \
         LEFT JOIN identity_group_members m ON m.user_id = u.id \
         LEFT JOIN identity_groups g ON g.id = m.group_id \
         WHERE s.token_hash = $1 AND s.product = $2 AND s.expires_at > $3 \
         ORDER BY g.name",
        browser_sessions::COLUMNS
    )
});

/// The person who is signed in at a browser and whose account is active. One query brings session,
/// account, groups and the revision together: it is on the path of every sign-in to an application.
///
/// # Errors
/// The database's.
pub(crate) async fn present(
    conn: &mut AnyConnection,
    site: &Site,
    visitor: &Visitor,
) -> Result<Option<Present>, Error> {
    if visitor.is_new() {
        return Ok(None);
    }
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(PRESENT.as_str()))
        .bind(visitor.hash())
        .bind(site.product().key())
        .bind(site.now())
        .fetch_all(conn)
        .await?;
    Ok(one_person(rows))
}

/// There is a row per group, or one for a person without groups.
fn one_person(rows: Vec<Row>) -> Option<Present> {
    let mut rows = rows.into_iter();
    let mut first = rows.next()?;
    let groups = group(&mut first).into_iter().chain(rows.filter_map(|mut row| group(&mut row))).collect();
    let user = User {
        id: first.session.user_id.clone(),
        username: first.username,
        name: first.name,
        email: first.email,
        is_active: true,
        // Only `users` writes this column, from a map.
        attributes: serde_json::from_str(&first.attributes).unwrap_or_default(),
        created_at: first.user_created_at,
        last_login_at: first.last_login_at,
    };
    Some(Present { person: Person { user, session: first.session, groups }, revision: first.revision })
}

fn group(row: &mut Row) -> Option<Group> {
    let (id, name) = (row.group_id.take()?, row.group_name.take()?);
    Some(Group { id, name, is_superuser: row.is_superuser.is_some_and(|value| value != 0) })
}
