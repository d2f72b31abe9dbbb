use std::time::Duration;

use ::store::Error;
use site::Site;
use sqlx::{AnyConnection, FromRow};

use super::{Definition, Details, Program, Thumbnail};

#[derive(FromRow)]
struct Row {
    id: String,
    friendly_name: String,
    description: String,
    thumbnail: String,
    category: String,
    program: String,
    command: String,
    centicores: i64,
    memory_bytes: i64,
    session_time_limit_seconds: i64,
    idle_limit_seconds: i64,
    enabled: i64,
}

const COLUMNS: &str = "d.id, d.friendly_name, d.description, d.thumbnail, d.category, d.program, d.command, \
     d.centicores, d.memory_bytes, d.session_time_limit_seconds, d.idle_limit_seconds, d.enabled";

impl From<Row> for Definition {
    fn from(row: Row) -> Self {
        let seconds = |value: i64| Duration::from_secs(u64::try_from(value).unwrap_or_default());
        let program = match row.program.as_str() {
            "terminal" => Program::Terminal,
            "command" => Program::Command(row.command.split_whitespace().map(str::to_owned).collect()),
            _ => Program::Desktop,
        };
        Self {
            id: row.id,
            details: Details {
                friendly_name: row.friendly_name,
                description: row.description,
                thumbnail: Thumbnail::stored(&row.thumbnail),
                category: row.category,
                program,
                centicores: u32::try_from(row.centicores).unwrap_or(100),
                memory_bytes: u64::try_from(row.memory_bytes).unwrap_or_default(),
                session_time_limit: seconds(row.session_time_limit_seconds),
                idle_limit: seconds(row.idle_limit_seconds),
                enabled: row.enabled != 0,
            },
        }
    }
}

/// A workspace as seen from one group, or a group as seen from one workspace.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Assignment {
    pub(crate) id: String,
    pub(crate) friendly_name: String,
    /// 1 if the group sees the workspace.
    pub(crate) assigned: i64,
}

/// Every definition, by name.
pub(crate) async fn all(conn: &mut AnyConnection) -> Result<Vec<Definition>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM workspaces_definitions d ORDER BY d.category, d.friendly_name, d.id");
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(conn).await?;
    Ok(rows.into_iter().map(Definition::from).collect())
}

/// One definition.
pub(crate) async fn find(conn: &mut AnyConnection, id: &str) -> Result<Option<Definition>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM workspaces_definitions d WHERE d.id = $1");
    let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(conn).await?;
    Ok(row.map(Definition::from))
}

/// The condition under which user `$1` may launch `d`: enabled, and assigned to one of the user's groups.
const VISIBLE: &str = "d.enabled = 1 AND EXISTS (SELECT 1 FROM workspaces_group_workspaces w \
     JOIN workspaces_group_members m ON m.group_id = w.group_id \
     WHERE w.workspace_id = d.id AND m.user_id = $1)";

/// What a user may launch, by name.
pub(crate) async fn visible_to(conn: &mut AnyConnection, user_id: &str) -> Result<Vec<Definition>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM workspaces_definitions d WHERE {VISIBLE} ORDER BY d.category, d.friendly_name, d.id"
    );
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(user_id).fetch_all(conn).await?;
    Ok(rows.into_iter().map(Definition::from).collect())
}

/// One definition, if this user may launch it.
pub(crate) async fn find_for(
    conn: &mut AnyConnection,
    user_id: &str,
    id: &str,
) -> Result<Option<Definition>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM workspaces_definitions d WHERE {VISIBLE} AND d.id = $2");
    let row: Option<Row> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(user_id).bind(id).fetch_optional(conn).await?;
    Ok(row.map(Definition::from))
}

/// Adds a definition and returns its id.
pub(crate) async fn insert(
    conn: &mut AnyConnection,
    site: &Site,
    details: &Details,
) -> Result<String, Error> {
    let id = ::store::new_id(&**site.random());
    let sql = "INSERT INTO workspaces_definitions (friendly_name, description, thumbnail, category, program, command, \
         centicores, memory_bytes, session_time_limit_seconds, idle_limit_seconds, enabled, id, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    bound(sqlx::query(sql), details).bind(&id).bind(site.now()).execute(conn).await?;
    Ok(id)
}

/// Changes a definition; running sessions keep what they were started with.
pub(crate) async fn update(conn: &mut AnyConnection, id: &str, details: &Details) -> Result<(), Error> {
    let sql = "UPDATE workspaces_definitions SET friendly_name = $1, description = $2, thumbnail = $3, \
         category = $4, program = $5, command = $6, centicores = $7, memory_bytes = $8, \
         session_time_limit_seconds = $9, idle_limit_seconds = $10, enabled = $11 WHERE id = $12";
    bound(sqlx::query(sql), details).bind(id).execute(conn).await?;
    Ok(())
}

type AnyQuery<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

fn bound<'q>(query: AnyQuery<'q>, details: &Details) -> AnyQuery<'q> {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let command = match &details.program {
        Program::Command(argv) => argv.join(" "),
        Program::Desktop | Program::Terminal => String::new(),
    };
    query
        .bind(details.friendly_name.clone())
        .bind(details.description.clone())
        .bind(details.thumbnail.text().to_owned())
        .bind(details.category.clone())
        .bind(details.program.key())
        .bind(command)
        .bind(i64::from(details.centicores))
        .bind(number(details.memory_bytes))
        .bind(number(details.session_time_limit.as_secs()))
        .bind(number(details.idle_limit.as_secs()))
        .bind(i64::from(details.enabled))
}

/// Removes a definition. Its sessions must have been ended before.
pub(crate) async fn delete(conn: &mut AnyConnection, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM workspaces_definitions WHERE id = $1").bind(id).execute(conn).await?;
    Ok(())
}

/// Every workspace, with whether the group sees it.
pub(crate) async fn assignments_of(conn: &mut AnyConnection, group: &str) -> Result<Vec<Assignment>, Error> {
    let rows = sqlx::query_as(
        "SELECT d.id, d.friendly_name, CASE WHEN w.group_id IS NULL THEN 0 ELSE 1 END AS assigned \
         FROM workspaces_definitions d \
         LEFT JOIN workspaces_group_workspaces w ON w.workspace_id = d.id AND w.group_id = $1 \
         ORDER BY d.friendly_name, d.id",
    )
    .bind(group)
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Every group, with whether it sees the workspace.
pub(crate) async fn groups_of(conn: &mut AnyConnection, workspace: &str) -> Result<Vec<Assignment>, Error> {
    let rows = sqlx::query_as(
        "SELECT g.id, g.name AS friendly_name, CASE WHEN w.workspace_id IS NULL THEN 0 ELSE 1 END AS assigned \
         FROM workspaces_groups g \
         LEFT JOIN workspaces_group_workspaces w ON w.group_id = g.id AND w.workspace_id = $1 \
         ORDER BY g.priority, g.name",
    )
    .bind(workspace)
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// The group sees exactly these workspaces.
pub(crate) async fn assign(
    conn: &mut AnyConnection,
    group: &str,
    workspaces: &[String],
) -> Result<(), Error> {
    sqlx::query("DELETE FROM workspaces_group_workspaces WHERE group_id = $1")
        .bind(group)
        .execute(&mut *conn)
        .await?;
    for workspace in workspaces {
        link(conn, group, workspace).await?;
    }
    Ok(())
}

/// The workspace is seen by exactly these groups.
pub(crate) async fn show_to(
    conn: &mut AnyConnection,
    workspace: &str,
    groups: &[String],
) -> Result<(), Error> {
    sqlx::query("DELETE FROM workspaces_group_workspaces WHERE workspace_id = $1")
        .bind(workspace)
        .execute(&mut *conn)
        .await?;
    for group in groups {
        link(conn, group, workspace).await?;
    }
    Ok(())
}

/// An id that names nothing is passed over: it was deleted while the form was open.
async fn link(conn: &mut AnyConnection, group: &str, workspace: &str) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO workspaces_group_workspaces (group_id, workspace_id) \
         SELECT g.id, d.id FROM workspaces_groups g, workspaces_definitions d WHERE g.id = $1 AND d.id = $2 \
         ON CONFLICT (group_id, workspace_id) DO NOTHING",
    )
    .bind(group)
    .bind(workspace)
    .execute(conn)
    .await?;
    Ok(())
}

/// Creates the sample workspaces, visible to one group.
pub(crate) async fn create_samples(conn: &mut AnyConnection, site: &Site, group: &str) -> Result<(), Error> {
    let sample = |name: &str, description: &str, thumbnail, program, memory_mib: u64| Details {
        friendly_name: name.to_owned(),
        description: description.to_owned(),
        thumbnail: Thumbnail::Own(thumbnail),
        category: String::new(),
        program,
        centicores: 100,
        memory_bytes: memory_mib << 20,
        session_time_limit: Duration::from_hours(8),
        idle_limit: Duration::from_hours(1),
        enabled: true,
    };
    let samples = [
        sample(
            "Desktop",
            "A desktop with a panel, files and a terminal.",
            "workspace-desktop.svg",
            Program::Desktop,
            1024,
        ),
        sample(
            "Terminal",
            "A command line over the whole screen.",
            "workspace-terminal.svg",
            Program::Terminal,
            512,
        ),
    ];
    for details in &samples {
        let id = insert(conn, site, details).await?;
        link(conn, group, &id).await?;
    }
    Ok(())
}
