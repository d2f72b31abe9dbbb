//! The end of a session here, and with it the beginning of a logout.

use serde_json::json;
use site::{Visitor, browser_sessions};
use sqlx::AnyConnection;
use store::Error;

use super::sessions::{self, Participation};
use super::under_way::{self, Asked, New};
use super::{back_channel, page};
use crate::app::App;
use crate::visit::Visit;

/// A logout that has begun. Once the transaction is committed, the applications have to be told.
#[must_use]
#[derive(Clone, Debug)]
pub(crate) struct Begun(Option<String>);

impl Begun {
    /// The page that tells the applications by way of the browser; `None` if there are none.
    pub(crate) fn page(&self) -> Option<String> {
        self.0.as_deref().map(page)
    }

    /// Tells the applications that can be told from server to server, in the background.
    pub(crate) fn tell(self, app: &App) {
        let (Some(id), app) = (self.0, app.clone()) else { return };
        tokio::spawn(async move {
            if let Err(error) = back_channel::tell(&app, &id).await {
                tracing::error!(?error, "applications could not be told of a sign-out; will try again");
            }
        });
    }
}

/// Begins the logout of a session that its own browser ends. The caller closes the session.
///
/// # Errors
/// The database's.
pub(crate) async fn end_session(
    conn: &mut AnyConnection,
    app: &App,
    session_id: &str,
    username: &str,
    visitor: &Visitor,
) -> Result<Begun, Error> {
    let told = sessions::of_session(conn, session_id).await?;
    if told.is_empty() {
        return Ok(Begun(None));
    }
    let new = New { username, visitor: Some(visitor), has_browser: true, asked: None, told: &told };
    begin(conn, app, &new).await
}

/// Ends every session of an account, and begins one logout of them all: no browser will come, so only those
/// applications learn of it that can be told from server to server.
///
/// # Errors
/// The database's.
pub(crate) async fn end_all_of(
    conn: &mut AnyConnection,
    app: &App,
    user_id: &str,
    username: &str,
) -> Result<Begun, Error> {
    browser_sessions::close_all_of(conn, &app.site, user_id).await?;
    let told = sessions::of_user(conn, user_id).await?;
    if told.is_empty() {
        return Ok(Begun(None));
    }
    let new = New { username, visitor: None, has_browser: false, asked: None, told: &told };
    begin(conn, app, &new).await
}

/// Ends the sessions that an application's request is about, and begins their logout: all the other applications
/// of those sessions are told. Returns its id.
pub(super) async fn end_asked(
    conn: &mut AnyConnection,
    app: &App,
    visit: &Visit,
    asked: &Asked,
    (ended, visitor, has_browser): (&[Participation], Option<&Visitor>, bool),
) -> Result<String, Error> {
    let mut session_ids: Vec<&str> = ended.iter().map(|one| one.browser_session_id.as_str()).collect();
    session_ids.sort_unstable();
    session_ids.dedup();
    let mut told = Vec::new();
    for session_id in session_ids {
        browser_sessions::close_one(conn, &app.site, session_id).await?;
        told.extend(sessions::of_session(conn, session_id).await?);
    }
    let is_asking = |one: &Participation| {
        ended.iter().any(|e| e.session_index == one.session_index && e.provider_id == one.provider_id)
    };
    told.retain(|one| !is_asking(one));
    for participation in ended {
        sessions::remove(conn, participation).await?;
    }
    let username = ended.iter().find_map(|one| one.username.as_deref()).unwrap_or_default();
    let new = New { username, visitor, has_browser, asked: Some(asked), told: &told };
    let context = json!({ "application": asked.slug, "request": asked.request_id, "also_told": told.len() });
    visit.record_in(app, conn, "logout", username, username, &context).await?;
    for participation in &told {
        sessions::remove(conn, participation).await?;
    }
    under_way::keep(conn, app, &new).await
}

async fn begin(conn: &mut AnyConnection, app: &App, new: &New<'_>) -> Result<Begun, Error> {
    for participation in new.told {
        sessions::remove(conn, participation).await?;
    }
    Ok(Begun(Some(under_way::keep(conn, app, new).await?)))
}
