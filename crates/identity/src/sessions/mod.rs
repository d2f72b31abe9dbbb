//! Who is signed in at a browser, asked of the database at every request: a disabled account or a
//! changed group counts at once.

mod person;
mod store;

use std::time::Duration;

use ::store::Error;
use site::browser_sessions::{self, BrowserSession, SignIn};
use site::{Site, Visitor};
use sqlx::AnyConnection;

pub(crate) use self::person::{Administrator, Person};
pub(crate) use self::store::present;
use crate::providers::logout;
use crate::visit::Visit;
use crate::{flows, users};

/// Opens a session of somebody who has proved who they are, as [`open_session`] does. Put the visitor on
/// the response (`extensions_mut().insert`).
///
/// # Errors
/// The database's.
pub(crate) async fn open(
    conn: &mut AnyConnection,
    site: &Site,
    visit: &Visit,
    user_id: &str,
    method: &str,
    lifetime: Duration,
) -> Result<Visitor, Error> {
    Ok(open_session(conn, site, visit, user_id, method, lifetime).await?.0)
}

/// Opens a session and ends the one that this browser had before: one browser, one person. The browser
/// becomes a new visitor, so that a cookie known before sign-in is worth nothing after it, and the
/// requests that waited for it follow.
///
/// # Errors
/// The database's.
pub(crate) async fn open_session(
    conn: &mut AnyConnection,
    site: &Site,
    visit: &Visit,
    user_id: &str,
    method: &str,
    lifetime: Duration,
) -> Result<(Visitor, BrowserSession), Error> {
    let sign_in =
        SignIn { user_id, method, client_addr: visit.addr, user_agent: &visit.user_agent, lifetime };
    let earlier = browser_sessions::find(conn, site, &visit.visitor).await?;
    browser_sessions::close(conn, site, &visit.visitor).await?;
    let (visitor, session) = browser_sessions::open(conn, site, &sign_in).await?;
    if let Some(earlier) = earlier {
        logout::follow(conn, &earlier.id, &session.id, session.expires_at).await?;
    }
    flows::follow(conn, &visit.visitor, &visitor).await?;
    users::signed_in(conn, site, user_id).await?;
    Ok((visitor, session))
}
