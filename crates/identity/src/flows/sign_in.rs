//! The sign-in page's work: name and password in, a session out.

use std::time::Duration;

use site::{Problem, Visitor};

use super::pending::{self, Pending};
use crate::app::App;
use crate::users::{self, User};
use crate::visit::Visit;
use crate::{flows, sessions};

/// How long a sign-in lasts, and how long with “Stay signed in”.
const SHORT: Duration = Duration::from_hours(24);
const LONG: Duration = Duration::from_hours(30 * 24);

/// What a person typed.
pub(super) struct Credentials {
    pub(super) login: String,
    pub(super) password: String,
    pub(super) stay: bool,
}

/// What came of it.
pub(super) enum Outcome {
    /// The person is signed in; put the visitor on the response.
    SignedIn(Visitor),
    /// Account and password don't belong together, or the account may not sign in. Why is not told.
    Refused,
}

/// Signs a person in, for a waiting request if there is one. An unknown account, a disabled one and
/// a wrong password take the same time and get the same answer.
///
/// # Errors
/// 429 after too many failures for this account from this address; the database's.
pub(super) async fn sign_in(
    app: &App,
    visit: &Visit,
    credentials: Credentials,
    request: Option<&Pending>,
) -> Result<Outcome, Problem> {
    let login = credentials.login.trim().to_lowercase();
    let key = format!("{} {login}", visit.addr);
    app.attempts.permitted(&key, app.site.now()).map_err(too_many)?;
    // Noted before the password is looked at: many tries at once don't get more than their share.
    app.attempts.failed(&key, app.site.now());
    let account = users::for_sign_in(&mut *app.store.read().await?, &login).await?;
    let (user, hash) = account.unzip();
    let hash = hash.flatten();
    let matches = site::passwords::verify(hash.clone(), credentials.password).await?;
    if let Some(user) = user.as_ref().filter(|user| matches && user.is_active) {
        let lifetime = if credentials.stay { LONG } else { SHORT };
        if let Some(visitor) = open(app, visit, (user, hash.as_deref()), lifetime, request).await? {
            app.attempts.succeeded(&key);
            return Ok(Outcome::SignedIn(visitor));
        }
    }
    note_failure(app, visit, user.as_ref(), matches).await?;
    Ok(Outcome::Refused)
}

/// Opens the session, unless the account was disabled or got another password while this one was checked.
async fn open(
    app: &App,
    visit: &Visit,
    (user, hash): (&User, Option<&str>),
    lifetime: Duration,
    request: Option<&Pending>,
) -> Result<Option<Visitor>, Problem> {
    let mut tx = app.store.begin().await?;
    let now = users::for_sign_in(&mut tx, &user.username).await?;
    if !now.is_some_and(|(now, stored)| now.id == user.id && now.is_active && stored.as_deref() == hash) {
        return Ok(None);
    }
    let (visitor, session) =
        sessions::open_session(&mut tx, &app.site, visit, &user.id, "password", lifetime).await?;
    if let Some(request) = request {
        pending::prove(&mut tx, request, &session.id).await?;
    }
    let context = serde_json::json!({ "method": "password", "session": session.id });
    visit.record_in(app, &mut tx, "login", &user.username, &user.username, &context).await?;
    tx.commit().await?;
    Ok(Some(visitor))
}

/// What was typed as a name is noted only if an account has it: people type passwords there by mistake.
async fn note_failure(app: &App, visit: &Visit, user: Option<&User>, matches: bool) -> Result<(), Problem> {
    let reason = match user {
        None => "no such account",
        Some(_) if !matches => "wrong password",
        Some(_) => "the account is disabled",
    };
    let subject = user.map_or("", |user| user.username.as_str());
    visit.record(app, "login_failed", "", subject, &serde_json::json!({ "reason": reason })).await?;
    Ok(())
}

fn too_many(wait: Duration) -> Problem {
    let minutes = wait.as_secs().div_ceil(60).max(1);
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    Problem::too_many(format!("There were too many failed attempts. Try again in {minutes} {unit}."))
        .next("Log in", flows::SIGN_IN)
}
