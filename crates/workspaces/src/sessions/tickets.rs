//! Launch tickets: what admits one WebSocket to one session, once, within half a minute.

use std::time::Duration;

use ::store::{Error, Timestamp};
use site::Site;
use sqlx::AnyConnection;
use stream::LaunchTicket;

use crate::auth::Person;

/// How long a ticket waits for its WebSocket.
const LIFETIME: Duration = Duration::from_secs(30);

/// Issues a ticket for a person's own session, bound to this origin and this sign-in.
pub(super) async fn issue(
    conn: &mut AnyConnection,
    site: &Site,
    session_id: &str,
    person: &Person,
) -> Result<LaunchTicket, Error> {
    let mut bytes = [0; 32];
    site.random().fill(&mut bytes);
    let ticket = LaunchTicket::from_random(bytes);
    sqlx::query(
        "INSERT INTO workspaces_launch_tickets (token_hash, session_id, user_id, browser_session_id, origin, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(hash(&ticket))
    .bind(session_id)
    .bind(&person.user.id)
    .bind(&person.session.id)
    .bind(site.origin().to_string())
    .bind(site.now().plus(LIFETIME))
    .execute(conn)
    .await?;
    Ok(ticket)
}

/// Under which a ticket is stored.
fn hash(ticket: &LaunchTicket) -> String {
    ::store::hash_token(&ticket.token())
}

/// What a ticket must be for.
pub(super) struct Claim<'c> {
    pub(super) session_id: &'c str,
    pub(super) user_id: &'c str,
    pub(super) browser_session_id: &'c str,
    pub(super) origin: &'c str,
    pub(super) now: Timestamp,
}

/// Uses a ticket up; `true` if it was good for exactly this. Checked and consumed in one statement, so that of
/// two WebSockets with one ticket only one gets in.
pub(super) async fn consume(
    conn: &mut AnyConnection,
    ticket: &LaunchTicket,
    claim: &Claim<'_>,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "DELETE FROM workspaces_launch_tickets WHERE token_hash = $1 AND session_id = $2 AND user_id = $3 \
         AND browser_session_id = $4 AND origin = $5 AND expires_at > $6",
    )
    .bind(hash(ticket))
    .bind(claim.session_id)
    .bind(claim.user_id)
    .bind(claim.browser_session_id)
    .bind(claim.origin)
    .bind(claim.now)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
