//! Which application knows whom by which name, in which session here.

use saml::{NameId, NameIdFormat};
use sqlx::{AnyConnection, FromRow};
use store::{Beside, Error, Timestamp, Value};

use super::super::name_id::session_index;
use super::super::settings::{LogoutMethod, SlsBinding};
use super::super::snapshot::Snapshot;
use crate::app::App;
use crate::sessions::Person;

/// A sign-in that an application was told of.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Participation {
    pub(super) session_index: String,
    pub(super) provider_id: String,
    pub(super) application_id: String,
    pub(super) browser_session_id: String,
    pub(super) username: Option<String>,
    #[sqlx(flatten)]
    pub(super) name: Name,
    /// As whom we told it.
    pub(super) issuer: String,
    sls_url: Option<String>,
    sls_binding: Option<String>,
    logout_method: Option<String>,
}

impl Participation {
    /// How the application is to be told; `None` if it can't be.
    pub(super) fn way(&self) -> Option<LogoutMethod> {
        self.sls_url.as_ref()?;
        let binding = SlsBinding::parse(self.sls_binding.as_deref()?)?;
        let method = LogoutMethod::parse(self.logout_method.as_deref()?)?;
        Some(if binding == SlsBinding::Soap { LogoutMethod::BackChannel } else { method })
    }
}

/// A name as the application was told it.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Name {
    name_id: String,
    name_format: String,
    name_qualifier: Option<String>,
    sp_name_qualifier: Option<String>,
}

impl Name {
    pub(super) fn name_id(&self) -> NameId {
        NameId {
            format: NameIdFormat::from_uri(&self.name_format),
            value: self.name_id.clone(),
            name_qualifier: self.name_qualifier.clone(),
            sp_name_qualifier: self.sp_name_qualifier.clone(),
        }
    }

    /// Whether an application that names this person means this one (SAML Core 3.7.3.1). What it leaves out, its
    /// qualifiers or the format, it need not repeat.
    pub(super) fn is_meant_by(&self, given: &NameId) -> bool {
        let known = self.name_id();
        let same = |given: &Option<String>, known: &Option<String>| {
            given.is_none() || given == known || known.is_none()
        };
        given.value == known.value
            && (given.format == known.format || given.format == NameIdFormat::Unspecified)
            && same(&given.name_qualifier, &known.name_qualifier)
            && same(&given.sp_name_qualifier, &known.sp_name_qualifier)
    }

    /// The values of the columns, in the order of [`NAME_COLUMNS`].
    pub(super) fn values(&self) -> [Option<&str>; 4] {
        let (qualifier, sp_qualifier) = (self.name_qualifier.as_deref(), self.sp_name_qualifier.as_deref());
        [Some(&self.name_id), Some(&self.name_format), qualifier, sp_qualifier]
    }
}

const COLUMNS: &[&str] = &[
    "session_index",
    "provider_id",
    "application_id",
    "user_id",
    "browser_session_id",
    "name_id",
    "name_format",
    "name_qualifier",
    "sp_name_qualifier",
    "issuer",
    "created_at",
    "expires_at",
];

/// The row that an answer leaves, for the commit of its event: one insert more, and no commit of its own.
pub(in super::super) fn beside_answer(
    app: &App,
    snapshot: &Snapshot,
    person: &Person,
    name_id: &NameId,
) -> Beside {
    let text = |text: &str| Value::from(text.to_owned());
    Beside {
        table: "identity_saml_sessions",
        columns: COLUMNS,
        key: 2,
        row: vec![
            Value::from(session_index(&app.site, &person.session.id, &snapshot.provider)),
            text(&snapshot.provider.id),
            text(&snapshot.client().application.id),
            text(&person.user.id),
            text(&person.session.id),
            text(&name_id.value),
            text(name_id.format.as_str()),
            Value::from(name_id.name_qualifier.clone()),
            Value::from(name_id.sp_name_qualifier.clone()),
            text(&snapshot.issuer),
            Value::from(app.site.now()),
            Value::from(person.session.expires_at),
        ],
    }
}

fn select(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!(
        "SELECT s.session_index, s.provider_id, s.application_id, s.browser_session_id, u.username, \
         s.name_id, s.name_format, s.name_qualifier, s.sp_name_qualifier, s.issuer, \
         p.sls_url, p.sls_binding, p.logout_method \
         FROM identity_saml_sessions s LEFT JOIN identity_users u ON u.id = s.user_id \
         LEFT JOIN identity_saml_providers p ON p.id = s.provider_id {rest} ORDER BY s.created_at, s.session_index"
    ))
}

/// Those of one session here.
pub(super) async fn of_session(
    conn: &mut AnyConnection,
    session_id: &str,
) -> Result<Vec<Participation>, Error> {
    let sql = select("WHERE s.browser_session_id = $1");
    Ok(sqlx::query_as(sql).bind(session_id).fetch_all(conn).await?)
}

/// Those of one account.
pub(super) async fn of_user(conn: &mut AnyConnection, user_id: &str) -> Result<Vec<Participation>, Error> {
    Ok(sqlx::query_as(select("WHERE s.user_id = $1")).bind(user_id).fetch_all(conn).await?)
}

/// The live one with that index at a provider.
pub(super) async fn by_index(
    conn: &mut AnyConnection,
    provider_id: &str,
    session_index: &str,
    now: Timestamp,
) -> Result<Option<Participation>, Error> {
    let sql = select("WHERE s.provider_id = $1 AND s.session_index = $2 AND s.expires_at > $3");
    Ok(sqlx::query_as(sql).bind(provider_id).bind(session_index).bind(now).fetch_optional(conn).await?)
}

/// The live ones of that name at a provider.
pub(super) async fn by_name(
    conn: &mut AnyConnection,
    provider_id: &str,
    name_id: &str,
    now: Timestamp,
) -> Result<Vec<Participation>, Error> {
    let sql = select("WHERE s.provider_id = $1 AND s.name_id = $2 AND s.expires_at > $3");
    Ok(sqlx::query_as(sql).bind(provider_id).bind(name_id).bind(now).fetch_all(conn).await?)
}

/// Forgets one.
pub(super) async fn remove(conn: &mut AnyConnection, participation: &Participation) -> Result<(), Error> {
    sqlx::query("DELETE FROM identity_saml_sessions WHERE session_index = $1 AND provider_id = $2")
        .bind(&participation.session_index)
        .bind(&participation.provider_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Whoever signs in again in a browser takes over what its earlier session opened: signing out ends that, too.
///
/// # Errors
/// The database's.
pub(crate) async fn follow(
    conn: &mut AnyConnection,
    from: &str,
    to: &str,
    until: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE identity_saml_sessions SET browser_session_id = $2, expires_at = $3 WHERE browser_session_id = $1",
    )
    .bind(from)
    .bind(to)
    .bind(until)
    .execute(conn)
    .await?;
    Ok(())
}
