//! Who is signed in at a browser.

mod person;

use std::time::Duration;

use site::browser_sessions::{self, SignIn};
use site::{Site, Visitor};
use sqlx::AnyConnection;
use store::Error;

pub(crate) use self::person::{Administrator, Person};
use crate::users;
use crate::visit::Visit;

/// Opens a session of somebody who has proved who they are and ends the one that this browser had
/// before: one browser, one person. Put the visitor on the response (`extensions_mut().insert`).
pub(crate) async fn open(
    conn: &mut AnyConnection,
    site: &Site,
    visit: &Visit,
    user_id: &str,
    method: &str,
    lifetime: Duration,
) -> Result<Visitor, Error> {
    let sign_in =
        SignIn { user_id, method, client_addr: visit.addr, user_agent: &visit.user_agent, lifetime };
    browser_sessions::close(conn, site, &visit.visitor).await?;
    let (visitor, _session) = browser_sessions::open(conn, site, &sign_in).await?;
    users::signed_in(conn, site, user_id).await?;
    Ok(visitor)
}
