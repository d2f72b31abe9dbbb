//! The screen of a session, carried to a browser: who may open it, and what ends it.

use std::time::Duration;

use ::stream::{CloseReason, Observer, Policy, Refusal, Timing};
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State as Extract};
use axum::http::HeaderMap;
use axum::response::Response;
use site::Problem;
use tokio::sync::{Notify, broadcast};

use super::store::Presence;
use super::{EndCause, State, store, tickets};
use crate::app::App;
use crate::auth::Person;

/// How often an open stream looks whether its person is still signed in.
const LOOK_EVERY: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
/// How often the idle clock of a session that is used is set back.
const ACTIVITY_EVERY: Duration = Duration::from_secs(if cfg!(test) { 0 } else { 15 });
/// Copying works both ways, and who is let in may type.
const POLICY: Policy = Policy { clipboard_up: true, clipboard_down: true, view_only: false };

/// Opens the WebSocket between a person's browser and their session. The ticket comes as a subprotocol, since
/// a browser can set no header here and an address would end up in logs.
pub(super) async fn stream(
    Extract(app): Extract<App>,
    person: Person,
    Path(id): Path<String>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    let origin = app.site.origin().to_string();
    let admitted = ::stream::admit(&headers, &origin, async |ticket: ::stream::LaunchTicket| {
        let claim = tickets::Claim {
            session_id: &id,
            user_id: &person.user.id,
            browser_session_id: &person.session.id,
            origin: &origin,
            now: app.site.now(),
        };
        let mut tx = app.store.begin().await?;
        let good = tickets::consume(&mut tx, &ticket, &claim).await?;
        tx.commit().await?;
        Ok::<_, ::store::Error>(good.then_some(()))
    });
    admitted.await.map_err(refused)?;
    let viewer = Viewer { session_id: id, user_id: person.user.id, sign_in: person.session.id };
    Ok(::stream::accept(upgrade, move |socket| viewer.watch(app, socket)))
}

fn refused(refusal: Refusal<::store::Error>) -> Problem {
    match refusal {
        Refusal::Lookup(error) => error.into(),
        Refusal::Origin => Problem::forbidden("Another site may not open a session.").because(refusal),
        Refusal::NoTicket | Refusal::Ticket => {
            Problem::forbidden("This ticket is not good for this session (any more). Reload the page.")
                .because(refusal)
        }
    }
}

/// Whoever looks at a session, from the admission until the end.
struct Viewer {
    session_id: String,
    user_id: String,
    /// The sign-in that the ticket was given to.
    sign_in: String,
}

impl Viewer {
    async fn watch(self, app: App, socket: WebSocket) {
        // Listening begins before the session is looked up, so that no end is missed.
        let endings = app.endings.listen();
        let activity = Activity::default();
        let timing = Timing { input_every: ACTIVITY_EVERY, ..Timing::default() };
        let outcome = match self.connect(&app).await {
            Ok(session) => {
                let end = self.until_the_end(&app, endings, &activity);
                ::stream::relay(socket, session, POLICY, &activity, timing, end).await
            }
            Err(reason) => {
                let nothing = tokio::io::empty();
                ::stream::relay(socket, nothing, POLICY, &activity, timing, std::future::ready(reason)).await
            }
        };
        tracing::info!(session = self.session_id, ?outcome, "a browser left a session");
    }

    /// A connection to what runs, or what to tell the browser.
    async fn connect(&self, app: &App) -> Result<Box<dyn runtime::RfbStream>, CloseReason> {
        let found =
            async { store::find_own(&mut *app.store.read().await?, &self.session_id, &self.user_id).await };
        let session = found.await.map_err(|error| {
            tracing::error!(session = self.session_id, ?error, "a session could not be looked up");
            CloseReason::SessionUnreachable
        })?;
        let handle = match session.map(|session| session.state) {
            Some(State::Running(handle)) => handle,
            Some(State::Requested | State::Starting) => return Err(CloseReason::SessionUnreachable),
            Some(State::Stopping(cause, _) | State::Ended(cause)) => return Err(close_reason(&cause)),
            None => return Err(CloseReason::SessionEnded),
        };
        app.driver.connect(&handle).await.map_err(|error| {
            tracing::warn!(session = self.session_id, ?error, "the screen of a session can't be reached");
            match error {
                runtime::Error::Ended(_) => CloseReason::SessionEnded,
                _ => CloseReason::SessionUnreachable,
            }
        })
    }

    /// Resolves when this person may not look any longer. On the way, sets back the idle clock.
    async fn until_the_end(
        &self,
        app: &App,
        mut endings: broadcast::Receiver<(String, EndCause)>,
        activity: &Activity,
    ) -> CloseReason {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let presence = tokio::select! {
                () = app.stopped() => return CloseReason::ServiceStopping,
                ending = endings.recv() => match ending {
                    Ok((id, cause)) if id == self.session_id => return close_reason(&cause),
                    Ok(_) => continue,
                    // So many ended at once that this one may have been among them.
                    Err(broadcast::error::RecvError::Lagged(_)) => self.look(app).await,
                    Err(broadcast::error::RecvError::Closed) => return CloseReason::ServiceStopping,
                },
                _ = looks.tick() => self.look(app).await,
                () = activity.0.notified() => self.note_activity(app).await.map(|()| Presence::Welcome),
            };
            match presence {
                Ok(Presence::Welcome) => {}
                Ok(Presence::SignedOut) => return CloseReason::SignedOut,
                Ok(Presence::AccountClosed) => return CloseReason::AccessRemoved,
                Ok(Presence::Over(cause)) => return close_reason(&cause),
                Err(error) => {
                    tracing::error!(session = self.session_id, ?error, "a stream could not be looked after")
                }
            }
        }
    }

    async fn look(&self, app: &App) -> Result<Presence, ::store::Error> {
        let mut conn = app.store.read().await?;
        store::presence(&mut conn, &self.session_id, &self.user_id, &self.sign_in, app.site.now()).await
    }

    async fn note_activity(&self, app: &App) -> Result<(), ::store::Error> {
        let mut tx = app.store.begin().await?;
        store::active(&mut tx, &self.session_id, app.site.now()).await?;
        tx.commit().await
    }
}

/// Remembers that a key or a pointer moved until it is written down, without holding up the stream.
#[derive(Default)]
struct Activity(Notify);

impl Observer for Activity {
    fn input(&self) {
        self.0.notify_one();
    }

    fn carried(&self, _to_session: u64, _to_browser: u64) {}
}

/// What the page is told.
fn close_reason(cause: &EndCause) -> CloseReason {
    match cause {
        EndCause::Deleted => CloseReason::Deleted,
        EndCause::EndedByAdministrator => CloseReason::Stopped,
        EndCause::TimeLimit => CloseReason::TimeLimit,
        EndCause::IdleLimit => CloseReason::IdleLimit,
        EndCause::AccountClosed => CloseReason::AccessRemoved,
        EndCause::Driver(_) => CloseReason::SessionEnded,
    }
}
