//! What has happened, as an administrator reads it.

mod pages;

use serde::Serialize;
use site::events::Event;
use site::{ClientAddr, TraceId};
use sqlx::AnyConnection;
use store::Error;

use crate::app::App;

pub(crate) use self::pages::routes;

/// The events page.
pub(crate) const EVENTS: &str = "/if/admin/events/";

/// Notes, in the transaction that does it, what the house itself does: no person, no request.
///
/// # Errors
/// The database's.
pub(crate) async fn note_in(
    conn: &mut AnyConnection,
    app: &App,
    action: &str,
    subject: &str,
    about: &(impl Serialize + Sync),
) -> Result<(), Error> {
    let (client_addr, trace) = (ClientAddr(None), TraceId("-".into()));
    let event = Event { action, actor: "", subject, client_addr, trace: &trace };
    app.events.record_in(conn, event, about).await
}
