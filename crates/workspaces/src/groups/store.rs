//! The SQL of groups, of their members, and of the values by which an identity provider puts people in.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use site::Site;
use sqlx::{AnyConnection, FromRow};
use store::Error;

use super::{ADMINISTRATORS, ALL_USERS, Group};
use crate::sso::saml::{GroupMappingMode, SamlConfig};
use crate::users;

/// The source of a membership that an administrator gave; others name the configuration that gave it.
const MANUAL: &str = "manual";

/// Creates All Users and Administrators; `true` if they were not there.
pub(crate) async fn create_system_groups(conn: &mut AnyConnection, _site: &Site) -> Result<bool, Error> {
    let mut created = 0;
    for (id, name, description, priority) in [
        (ADMINISTRATORS, "Administrators", "May change everything.", 1_i64),
        (ALL_USERS, "All Users", "Every account is in this group.", 2),
    ] {
        created += sqlx::query(
            "INSERT INTO workspaces_groups (id, name, description, priority, system) VALUES ($1, $2, $3, $4, 1) \
             ON CONFLICT DO NOTHING",
        )
        .bind(id)
        .bind(name)
        .bind(description)
        .bind(priority)
        .execute(&mut *conn)
        .await?
        .rows_affected();
    }
    Ok(created > 0)
}

/// A group with the number of its members.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) priority: i64,
    pub(super) system: i64,
    pub(super) members: i64,
}

pub(super) async fn list(conn: &mut AnyConnection) -> Result<Vec<Listed>, Error> {
    let rows = sqlx::query_as(
        "SELECT g.id, g.name, g.description, g.priority, g.system, \
         (SELECT COUNT(DISTINCT m.user_id) FROM workspaces_group_members m WHERE m.group_id = g.id) AS members \
         FROM workspaces_groups g ORDER BY g.priority, g.name",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

pub(super) async fn find(conn: &mut AnyConnection, id: &str) -> Result<Option<Group>, Error> {
    let row =
        sqlx::query_as("SELECT id, name, description, priority, system FROM workspaces_groups WHERE id = $1")
            .bind(id)
            .fetch_optional(conn)
            .await?;
    Ok(row)
}

/// Creates a group, or changes one. The name of a system group stays.
pub(super) async fn save(conn: &mut AnyConnection, group: &Group) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO workspaces_groups (id, name, description, priority, system) VALUES ($1, $2, $3, $4, 0) \
         ON CONFLICT (id) DO UPDATE SET \
         name = CASE WHEN workspaces_groups.system = 1 THEN workspaces_groups.name ELSE excluded.name END, \
         description = excluded.description, priority = excluded.priority",
    )
    .bind(&group.id)
    .bind(&group.name)
    .bind(&group.description)
    .bind(group.priority)
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a group, unless it is a system group.
pub(super) async fn delete(conn: &mut AnyConnection, id: &str) -> Result<bool, Error> {
    let done = sqlx::query("DELETE FROM workspaces_groups WHERE id = $1 AND system = 0")
        .bind(id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Puts an account into a group, as an administrator does.
pub(crate) async fn add_member(conn: &mut AnyConnection, group: &str, user: &str) -> Result<(), Error> {
    insert(conn, group, user, MANUAL).await
}

/// Nothing happens if either is gone by now, or the membership exists.
async fn insert(conn: &mut AnyConnection, group: &str, user: &str, source: &str) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO workspaces_group_members (group_id, user_id, source) \
         SELECT g.id, u.id, $3 FROM workspaces_groups g, workspaces_users u WHERE g.id = $1 AND u.id = $2 \
         ON CONFLICT DO NOTHING",
    )
    .bind(group)
    .bind(user)
    .bind(source)
    .execute(conn)
    .await?;
    Ok(())
}

/// A group as seen from one account.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Membership {
    pub(crate) id: String,
    pub(crate) name: String,
    /// 1 if an administrator put the account in.
    pub(crate) manual: i64,
    /// 1 if an identity provider did.
    pub(crate) mapped: i64,
}

/// The names of the groups of every account, by its id.
pub(crate) async fn names_by_user(conn: &mut AnyConnection) -> Result<HashMap<String, Vec<String>>, Error> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT m.user_id, g.name FROM workspaces_groups g \
         JOIN (SELECT DISTINCT group_id, user_id FROM workspaces_group_members) m ON m.group_id = g.id \
         ORDER BY g.priority, g.name",
    )
    .fetch_all(conn)
    .await?;
    let mut names: HashMap<String, Vec<String>> = HashMap::new();
    for (user, name) in rows {
        names.entry(user).or_default().push(name);
    }
    Ok(names)
}

/// Every group, with whether and by whom an account is in it.
pub(crate) async fn memberships_of(conn: &mut AnyConnection, user: &str) -> Result<Vec<Membership>, Error> {
    let rows = sqlx::query_as(
        "SELECT g.id, g.name, \
         (SELECT COUNT(*) FROM workspaces_group_members m WHERE m.group_id = g.id AND m.user_id = $1 \
          AND m.source = $2) AS manual, \
         (SELECT COUNT(*) FROM workspaces_group_members m WHERE m.group_id = g.id AND m.user_id = $1 \
          AND m.source <> $2) AS mapped \
         FROM workspaces_groups g ORDER BY g.priority, g.name",
    )
    .bind(user)
    .bind(MANUAL)
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The account is in exactly these groups by an administrator's hand, and always in All Users.
pub(crate) async fn set_manual_memberships(
    conn: &mut AnyConnection,
    user: &str,
    groups: &[String],
) -> Result<(), Error> {
    sqlx::query("DELETE FROM workspaces_group_members WHERE user_id = $1 AND source = $2")
        .bind(user)
        .bind(MANUAL)
        .execute(&mut *conn)
        .await?;
    for group in groups.iter().map(String::as_str).chain([ALL_USERS]) {
        insert(conn, group, user, MANUAL).await?;
    }
    Ok(())
}

/// An account as seen from one group.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Candidate {
    pub(super) id: String,
    pub(super) username: String,
    pub(super) realm: String,
    pub(super) manual: i64,
    pub(super) mapped: i64,
}

impl Candidate {
    /// What to say beside the check box.
    pub(super) fn help(&self) -> &'static str {
        if self.mapped != 0 {
            "An identity provider put this person in. It decides again at each sign-in."
        } else {
            ""
        }
    }
}

pub(super) async fn candidates(conn: &mut AnyConnection, group: &str) -> Result<Vec<Candidate>, Error> {
    let rows = sqlx::query_as(
        "SELECT u.id, u.username, u.realm, \
         (SELECT COUNT(*) FROM workspaces_group_members m WHERE m.user_id = u.id AND m.group_id = $1 \
          AND m.source = $2) AS manual, \
         (SELECT COUNT(*) FROM workspaces_group_members m WHERE m.user_id = u.id AND m.group_id = $1 \
          AND m.source <> $2) AS mapped \
         FROM workspaces_users u ORDER BY u.username, u.realm",
    )
    .bind(group)
    .bind(MANUAL)
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Exactly these accounts are in the group by an administrator's hand.
pub(super) async fn set_manual_members(
    conn: &mut AnyConnection,
    group: &str,
    users: &[String],
) -> Result<(), Error> {
    sqlx::query("DELETE FROM workspaces_group_members WHERE group_id = $1 AND source = $2")
        .bind(group)
        .bind(MANUAL)
        .execute(&mut *conn)
        .await?;
    for user in users {
        insert(conn, group, user, MANUAL).await?;
    }
    Ok(())
}

/// The values of one configuration's Group Member Attribute that put people into a group.
pub(super) async fn mapped_values(
    conn: &mut AnyConnection,
    group: &str,
    config: &str,
) -> Result<Vec<String>, Error> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT value FROM workspaces_group_mappings WHERE group_id = $1 AND sso_config_id = $2 ORDER BY value",
    )
    .bind(group)
    .bind(config)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(value,)| value).collect())
}

pub(super) async fn set_mapped_values(
    conn: &mut AnyConnection,
    group: &str,
    config: &str,
    values: &BTreeSet<String>,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM workspaces_group_mappings WHERE group_id = $1 AND sso_config_id = $2")
        .bind(group)
        .bind(config)
        .execute(&mut *conn)
        .await?;
    for value in values {
        sqlx::query(
            "INSERT INTO workspaces_group_mappings (group_id, sso_config_id, value) VALUES ($1, $2, $3)",
        )
        .bind(group)
        .bind(config)
        .bind(value)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The ids of the groups into which these values of a configuration put a person, and those that everybody is in
/// who signs in with it.
async fn mapped_groups(
    conn: &mut AnyConnection,
    config: &str,
    values: &[String],
) -> Result<BTreeSet<String>, Error> {
    let mapped = value_mappings(conn, config).await?;
    let by_value = mapped.into_iter().filter(|(_, value)| values.contains(value)).map(|(group, _)| group);
    let mut groups: BTreeSet<String> = by_value.collect();
    groups.extend(assigned_to_all(conn, config).await?);
    Ok(groups)
}

/// Group and value of every mapping of a configuration.
async fn value_mappings(conn: &mut AnyConnection, config: &str) -> Result<Vec<(String, String)>, Error> {
    let rows = sqlx::query_as(
        "SELECT group_id, value FROM workspaces_group_mappings WHERE sso_config_id = $1 ORDER BY value, group_id",
    )
    .bind(config)
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The ids of the groups that everybody is in who signs in with a configuration.
async fn assigned_to_all(conn: &mut AnyConnection, config: &str) -> Result<Vec<String>, Error> {
    let rows =
        sqlx::query_scalar("SELECT group_id FROM workspaces_group_assign_all WHERE sso_config_id = $1")
            .bind(config)
            .fetch_all(conn)
            .await?;
    Ok(rows)
}

/// Whether everybody who signs in with a configuration is in the group.
pub(super) async fn is_assigned_to_all(
    conn: &mut AnyConnection,
    group: &str,
    config: &str,
) -> Result<bool, Error> {
    Ok(assigned_to_all(conn, config).await?.iter().any(|assigned| assigned == group))
}

pub(super) async fn set_assigned_to_all(
    conn: &mut AnyConnection,
    group: &str,
    config: &str,
    assigned: bool,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM workspaces_group_assign_all WHERE group_id = $1 AND sso_config_id = $2")
        .bind(group)
        .bind(config)
        .execute(&mut *conn)
        .await?;
    if assigned {
        sqlx::query("INSERT INTO workspaces_group_assign_all (group_id, sso_config_id) VALUES ($1, $2)")
            .bind(group)
            .bind(config)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// What puts people into groups who sign in with one configuration.
#[derive(Clone, Debug)]
pub(crate) struct Mappings {
    /// Value, and the groups that it leads to.
    pub(crate) by_value: Vec<(String, Vec<Group>)>,
    /// The groups that everybody is in.
    pub(crate) for_all: Vec<Group>,
}

/// Every mapping of a configuration, by value.
pub(crate) async fn mappings_of(conn: &mut AnyConnection, config: &str) -> Result<Mappings, Error> {
    let groups: Vec<Group> = sqlx::query_as(
        "SELECT id, name, description, priority, system FROM workspaces_groups ORDER BY priority, name",
    )
    .fetch_all(&mut *conn)
    .await?;
    let mapped = value_mappings(conn, config).await?;
    let for_all = assigned_to_all(conn, config).await?;
    let mut by_value: BTreeMap<String, Vec<Group>> = BTreeMap::new();
    for group in &groups {
        for (_, value) in mapped.iter().filter(|(id, _)| *id == group.id) {
            by_value.entry(value.clone()).or_default().push(group.clone());
        }
    }
    Ok(Mappings {
        by_value: by_value.into_iter().collect(),
        for_all: groups.into_iter().filter(|group| for_all.contains(&group.id)).collect(),
    })
}

/// Does what the mode of a configuration says with the groups that these values give; what an administrator
/// gave stays. Whoever is the last who can administer stays so, whatever the mapping says: `true` if it said no.
pub(crate) async fn apply_mappings(
    conn: &mut AnyConnection,
    user: &str,
    config: &SamlConfig,
    values: &[String],
) -> Result<bool, Error> {
    users::remember_group_values(conn, user, values).await?;
    let mapped = mapped_groups(conn, &config.id, values).await?;
    let held = held_from(conn, user, &config.id).await?;
    let after = after_sign_in(config.group_mapping_mode, &held, &mapped);
    for group in held.difference(&after) {
        remove(conn, group, user, &config.id).await?;
    }
    for group in after.difference(&held) {
        insert(conn, group, user, &config.id).await?;
    }
    let resigns = held.contains(ADMINISTRATORS) && !after.contains(ADMINISTRATORS);
    if resigns && !users::require_administrator(conn).await? {
        insert(conn, ADMINISTRATORS, user, &config.id).await?;
        return Ok(true);
    }
    Ok(false)
}

/// Of the people who can administer, the names of those whom the mappings would take out of Administrators at
/// their next sign-in, if that leaves nobody; else none.
///
/// What a person's next sign-in will bring is judged by what the last one brought.
pub(crate) async fn administrators_who_would_all_resign(
    conn: &mut AnyConnection,
    configs: &[SamlConfig],
) -> Result<Vec<String>, Error> {
    let mut resigning = Vec::new();
    for administrator in users::administrators(conn).await? {
        let config = configs.iter().find(|config| config.id == administrator.sso_config_id);
        let only_by_mapping =
            administrator.sources.iter().all(|source| *source == administrator.sso_config_id);
        match config {
            Some(config) if only_by_mapping => {
                let mapped = mapped_groups(conn, &config.id, &administrator.group_values).await?;
                let held = BTreeSet::from([ADMINISTRATORS.to_owned()]);
                if after_sign_in(config.group_mapping_mode, &held, &mapped).contains(ADMINISTRATORS) {
                    return Ok(Vec::new());
                }
                resigning.push(administrator.username);
            }
            _ => return Ok(Vec::new()),
        }
    }
    Ok(resigning)
}

/// The memberships from one configuration after a sign-in that calls for `mapped`, of somebody who held `held`.
fn after_sign_in(
    mode: GroupMappingMode,
    held: &BTreeSet<String>,
    mapped: &BTreeSet<String>,
) -> BTreeSet<String> {
    let mut after = if mode.removes() { held & mapped } else { held.clone() };
    if mode.adds() {
        after.extend(mapped.iter().cloned());
    }
    after
}

/// The groups that an account is in by the word of one configuration.
async fn held_from(conn: &mut AnyConnection, user: &str, config: &str) -> Result<BTreeSet<String>, Error> {
    let rows: Vec<String> = sqlx::query_scalar(
        "SELECT group_id FROM workspaces_group_members WHERE user_id = $1 AND source = $2",
    )
    .bind(user)
    .bind(config)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

async fn remove(conn: &mut AnyConnection, group: &str, user: &str, source: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM workspaces_group_members WHERE group_id = $1 AND user_id = $2 AND source = $3")
        .bind(group)
        .bind(user)
        .bind(source)
        .execute(conn)
        .await?;
    Ok(())
}

/// The names of the groups that an account (or a new one, without a user) would be in after
/// [`apply_mappings`].
pub(crate) async fn names_after_mappings(
    conn: &mut AnyConnection,
    user: Option<&str>,
    config: &SamlConfig,
    values: &[String],
) -> Result<Vec<String>, Error> {
    let mapped = mapped_groups(conn, &config.id, values).await?;
    let held = match user {
        Some(user) => held_from(conn, user, &config.id).await?,
        None => BTreeSet::new(),
    };
    let mut groups = after_sign_in(config.group_mapping_mode, &held, &mapped);
    groups.insert(ALL_USERS.to_owned());
    if let Some(user) = user {
        let kept: Vec<(String,)> = sqlx::query_as(
            "SELECT group_id FROM workspaces_group_members WHERE user_id = $1 AND source <> $2",
        )
        .bind(user)
        .bind(&config.id)
        .fetch_all(&mut *conn)
        .await?;
        groups.extend(kept.into_iter().map(|(group,)| group));
    }
    let all = list(conn).await?;
    Ok(all.into_iter().filter(|group| groups.contains(&group.id)).map(|group| group.name).collect())
}
