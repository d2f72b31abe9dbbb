//! Logouts under way: whom they concern, and how far each application is.

use std::time::Duration;

use saml::NameId;
use serde::{Deserialize, Serialize};
use site::Visitor;
use sqlx::{AnyConnection, FromRow};
use store::{Error, Timestamp};

use super::super::settings::LogoutMethod;
use super::sessions::{Name, Participation};
use crate::app::App;

/// How long a logout may take.
pub(super) const LIFETIME: Duration = Duration::from_mins(15);

/// The request of an application that began a logout: what its answer needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    /// The application.
    pub(super) slug: String,
    /// The ID of its request.
    pub(super) request_id: String,
    /// Goes back with the answer, unread.
    pub(super) relay_state: Option<String>,
}

/// How far an application is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not told yet.
    Waiting,
    /// Told, and has not answered yet.
    Sent,
    /// It ended its session.
    Done,
    /// It ended its own session, but not every one that hangs on it.
    Partial,
    /// It said no.
    Refused,
    /// It did not answer in time, or not so that it could be understood.
    Unanswered,
    /// It can't be told.
    Unreachable,
}

impl State {
    const ALL: [Self; 7] = [
        Self::Waiting,
        Self::Sent,
        Self::Done,
        Self::Partial,
        Self::Refused,
        Self::Unanswered,
        Self::Unreachable,
    ];

    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
            Self::Unreachable => "unreachable",
        }
    }

    fn of(key: &str) -> Self {
        // Only this module writes the column.
        Self::ALL.into_iter().find(|state| state.key() == key).unwrap_or(Self::Unanswered)
    }

    /// Whether nothing more will come.
    pub(super) fn is_final(self) -> bool {
        !matches!(self, Self::Waiting | Self::Sent)
    }
}

/// A logout under way.
#[derive(Clone, Debug)]
pub(super) struct UnderWay {
    /// Unguessable: it is in the address of its page, which the first browser that comes with it makes its own.
    pub(super) id: String,
    pub(super) username: String,
    pub(super) asked: Option<Asked>,
    /// Whether a browser brings it on.
    pub(super) has_browser: bool,
    pub(super) finished: bool,
    /// In their order.
    pub(super) steps: Vec<Step>,
}

/// One application that is to be told.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) logout_id: String,
    pub(super) position: i64,
    /// The ID of the request to it.
    pub(super) request_id: String,
    /// The application in addresses and by name; `None` if it was deleted meanwhile.
    pub(super) application: Option<(String, String)>,
    pub(super) way: LogoutMethod,
    pub(super) session_index: String,
    pub(super) name_id: NameId,
    pub(super) issuer: String,
    pub(super) state: State,
    /// More about the state, for people.
    pub(super) detail: String,
}

impl Step {
    /// What people call it.
    pub(super) fn title(&self) -> &str {
        self.application.as_ref().map_or("an application that is no longer here", |(_, name)| name)
    }
}

#[derive(FromRow)]
struct Row {
    id: String,
    username: String,
    asked: Option<String>,
    has_browser: i64,
    finished: i64,
}

#[derive(FromRow)]
struct StepRow {
    logout_id: String,
    position: i64,
    request_id: String,
    slug: Option<String>,
    application_name: Option<String>,
    way: String,
    session_index: String,
    #[sqlx(flatten)]
    name: Name,
    issuer: String,
    state: String,
    detail: String,
}

impl From<StepRow> for Step {
    fn from(row: StepRow) -> Self {
        Self {
            logout_id: row.logout_id,
            position: row.position,
            request_id: row.request_id,
            application: row.slug.zip(row.application_name),
            // Only this module writes the column.
            way: LogoutMethod::parse(&row.way).unwrap_or(LogoutMethod::BackChannel),
            session_index: row.session_index,
            name_id: row.name.name_id(),
            issuer: row.issuer,
            state: State::of(&row.state),
            detail: row.detail,
        }
    }
}

/// What a logout begins with.
pub(super) struct New<'n> {
    pub(super) username: &'n str,
    /// The browser by way of which applications are told; `None`: the first that comes.
    pub(super) visitor: Option<&'n Visitor>,
    /// Whether any browser will come.
    pub(super) has_browser: bool,
    pub(super) asked: Option<&'n Asked>,
    pub(super) told: &'n [Participation],
}

/// Keeps a logout with a step for each application, and returns its id.
pub(super) async fn keep(conn: &mut AnyConnection, app: &App, new: &New<'_>) -> Result<String, Error> {
    let id = store::new_token(&**app.site.random()).into_string();
    let asked = new.asked.map(|asked| serde_json::to_string(asked).unwrap_or_default());
    sqlx::query(
        "INSERT INTO identity_saml_logouts (id, visitor_hash, username, asked, has_browser, finished, expires_at) \
         VALUES ($1, $2, $3, $4, $5, 0, $6)",
    )
    .bind(&id)
    .bind(new.visitor.map(Visitor::hash))
    .bind(new.username)
    .bind(asked)
    .bind(i64::from(new.has_browser))
    .bind(app.site.now().plus(LIFETIME))
    .execute(&mut *conn)
    .await?;
    for (position, participation) in (0_i64..).zip(new.told) {
        let (way, state, detail) = match participation.way() {
            None => (LogoutMethod::BackChannel, State::Unreachable, NO_ADDRESS),
            Some(way) if way != LogoutMethod::BackChannel && !new.has_browser => {
                (way, State::Unreachable, NO_BROWSER)
            }
            Some(way) => (way, State::Waiting, ""),
        };
        let [name_id, format, qualifier, sp_qualifier] = participation.name.values();
        sqlx::query(
            "INSERT INTO identity_saml_logout_steps (request_id, logout_id, position, application_id, way, \
             session_index, name_id, name_format, name_qualifier, sp_name_qualifier, issuer, state, detail) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(super::send::fresh_id(app))
        .bind(&id)
        .bind(position)
        .bind(&participation.application_id)
        .bind(way.key())
        .bind(&participation.session_index)
        .bind(name_id)
        .bind(format)
        .bind(qualifier)
        .bind(sp_qualifier)
        .bind(&participation.issuer)
        .bind(state.key())
        .bind(detail)
        .execute(&mut *conn)
        .await?;
    }
    Ok(id)
}

const NO_ADDRESS: &str = "it has no address for signing out";
const NO_BROWSER: &str = "it can only be told by way of the browser, and there was none";

/// The logout of this browser; one that belongs to no browser yet becomes this one's. `None` if there is none, it
/// has expired, or it is another browser's.
pub(super) async fn claim(
    conn: &mut AnyConnection,
    id: &str,
    visitor: &Visitor,
    now: Timestamp,
) -> Result<Option<UnderWay>, Error> {
    sqlx::query(
        "UPDATE identity_saml_logouts SET visitor_hash = $2 WHERE id = $1 AND visitor_hash IS NULL AND has_browser <> 0",
    )
    .bind(id)
    .bind(visitor.hash())
    .execute(&mut *conn)
    .await?;
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, username, asked, has_browser, finished FROM identity_saml_logouts \
         WHERE id = $1 AND visitor_hash = $2 AND expires_at > $3",
    )
    .bind(id)
    .bind(visitor.hash())
    .bind(now)
    .fetch_optional(&mut *conn)
    .await?;
    with_steps(conn, row).await
}

/// A logout, whoever's it is.
pub(super) async fn find(conn: &mut AnyConnection, id: &str) -> Result<Option<UnderWay>, Error> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, username, asked, has_browser, finished FROM identity_saml_logouts WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(&mut *conn)
    .await?;
    with_steps(conn, row).await
}

async fn with_steps(conn: &mut AnyConnection, row: Option<Row>) -> Result<Option<UnderWay>, Error> {
    let Some(row) = row else { return Ok(None) };
    let steps: Vec<StepRow> = sqlx::query_as(steps("WHERE t.logout_id = $1 ORDER BY t.position"))
        .bind(&row.id)
        .fetch_all(conn)
        .await?;
    Ok(Some(UnderWay {
        id: row.id,
        username: row.username,
        // Only this module writes the column.
        asked: row.asked.and_then(|asked| serde_json::from_str(&asked).ok()),
        has_browser: row.has_browser != 0,
        finished: row.finished != 0,
        steps: steps.into_iter().map(Step::from).collect(),
    }))
}

fn steps(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!(
        "SELECT t.logout_id, t.position, t.request_id, a.slug, a.name AS application_name, t.way, t.session_index, \
         t.name_id, t.name_format, t.name_qualifier, t.sp_name_qualifier, t.issuer, t.state, t.detail \
         FROM identity_saml_logout_steps t LEFT JOIN identity_applications a ON a.id = t.application_id {rest}"
    ))
}

/// The step whose request has that ID, of a logout that has not expired.
pub(super) async fn step_of_request(
    conn: &mut AnyConnection,
    request_id: &str,
    now: Timestamp,
) -> Result<Option<Step>, Error> {
    let sql = steps(
        "JOIN identity_saml_logouts l ON l.id = t.logout_id WHERE t.request_id = $1 AND l.expires_at > $2",
    );
    let row: Option<StepRow> = sqlx::query_as(sql).bind(request_id).bind(now).fetch_optional(conn).await?;
    Ok(row.map(Step::from))
}

/// Takes a step from one state to the next. `false` if it was not in that state: somebody was faster.
pub(super) async fn advance(
    conn: &mut AnyConnection,
    step: &Step,
    (from, to): (State, State),
    detail: &str,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE identity_saml_logout_steps SET state = $3, detail = $4 WHERE request_id = $1 AND state = $2",
    )
    .bind(&step.request_id)
    .bind(from.key())
    .bind(to.key())
    .bind(detail)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Has the applications of a logout that have not answered in their frames told one by one instead, anew: in a
/// frame nobody may have been there to press the button of a form.
pub(super) async fn one_by_one(conn: &mut AnyConnection, id: &str) -> Result<(), Error> {
    sqlx::query(
        "UPDATE identity_saml_logout_steps SET way = $2, state = $4 \
         WHERE logout_id = $1 AND way = $3 AND state IN ($4, $5)",
    )
    .bind(id)
    .bind(LogoutMethod::FrontChannelNative.key())
    .bind(LogoutMethod::FrontChannelIframe.key())
    .bind(State::Waiting.key())
    .bind(State::Sent.key())
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that a logout is over. `false` if it was already.
pub(super) async fn finish(conn: &mut AnyConnection, id: &str) -> Result<bool, Error> {
    let done = sqlx::query("UPDATE identity_saml_logouts SET finished = 1 WHERE id = $1 AND finished = 0")
        .bind(id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The live logouts with steps from server to server that nobody has taken.
pub(super) async fn with_back_channel_left(
    conn: &mut AnyConnection,
    now: Timestamp,
) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar(
        "SELECT DISTINCT l.id FROM identity_saml_logouts l JOIN identity_saml_logout_steps t ON t.logout_id = l.id \
         WHERE t.way = $1 AND t.state = $2 AND l.expires_at > $3",
    )
    .bind(LogoutMethod::BackChannel.key())
    .bind(State::Waiting.key())
    .bind(now)
    .fetch_all(conn)
    .await?)
}
