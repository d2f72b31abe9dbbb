//! Starting and ending sessions.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use site::events::Event;
use site::{ClientAddr, Problem, TraceId};

use super::{EndCause, State, store};
use crate::app::App;
use crate::auth::Person;
use crate::catalogue::{self, Definition};
use crate::visit::Visit;

/// How long the programs of a session get to end by themselves.
const GRACE: Duration = Duration::from_secs(3);

/// Launches a workspace for a person and returns the session's id at once; a task starts it.
///
/// # Errors
/// A [`Problem`] that says which limit stands in the way, and what the person can do about it.
pub(crate) async fn launch(
    app: &App,
    visit: &Visit,
    person: &Person,
    workspace_id: &str,
) -> Result<String, Problem> {
    room_for_one_more(app).await?;
    let mut tx = app.store.begin().await?;
    if !store::hold_account(&mut tx, &person.user.id).await? {
        return Err(Problem::forbidden("This account is disabled. Ask your administrator."));
    }
    let Some(definition) = catalogue::find_for(&mut tx, &person.user.id, workspace_id).await? else {
        return Err(Problem::not_found(
            "This workspace does not exist, or it is not assigned to your groups (any more).",
        )
        .next("Go to my workspaces", "/"));
    };
    let alive = store::count_alive(&mut tx, &person.user.id).await?;
    if alive >= app.sessions_per_person {
        let sentence = format!(
            "You have {alive} sessions, which is as many as one person may have at a time. Delete one that you no \
             longer need, then launch again."
        );
        return Err(
            Problem::new(StatusCode::CONFLICT, "No more sessions", sentence).next("Show my sessions", "/")
        );
    }
    let id = ::store::new_id(&**app.site.random());
    store::request(&mut tx, &id, &person.user.id, &definition, app.site.now()).await?;
    let (by, name) = (&person.user.username, &definition.details.friendly_name);
    visit.record_in(app, &mut tx, "session_requested", by, name, &json!({"session": id})).await?;
    tx.commit().await?;
    tokio::spawn(start(app.clone(), id.clone(), definition));
    Ok(id)
}

async fn room_for_one_more(app: &App) -> Result<(), Problem> {
    let capacity =
        app.driver.capacity().await.map_err(|error| Problem::internal(format!("capacity: {error}")))?;
    let Some(reason) = capacity.no_room else { return Ok(()) };
    let sentence = format!(
        "There is no room on this machine: {reason}. Delete a session that you no longer need, try again in a while, \
         or ask your administrator for more room."
    );
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "No room on this machine", sentence)
        .next("Show my sessions", "/"))
}

/// Starts a requested session. Run again after a crash, it goes on where it was: drivers start a session
/// once, whatever happens.
pub(super) async fn start(app: App, id: String, definition: Definition) {
    if let Err(error) = try_start(&app, &id, &definition).await {
        tracing::error!(session = id, ?error, "the table could not be written; the keeper will try again");
    }
}

async fn try_start(app: &App, id: &str, definition: &Definition) -> Result<(), ::store::Error> {
    let mut tx = app.store.begin().await?;
    let wanted = store::begin_start(&mut tx, id).await?;
    tx.commit().await?;
    if !wanted {
        return Ok(());
    }
    match app.driver.start(&definition.session_spec(id)).await {
        Ok(handle) => {
            let mut tx = app.store.begin().await?;
            store::started(&mut tx, id, &handle, app.site.now()).await?;
            let session = store::find(&mut tx, id).await?;
            tx.commit().await?;
            // Deleted while it started: whoever did so found no handle to stop it by.
            let wanted = session.is_some_and(|session| session.state == State::Running(handle.clone()));
            if !wanted {
                stop(app, id, &handle).await;
            }
            Ok(())
        }
        Err(error) => {
            tracing::warn!(
                session = id,
                workspace = definition.details.friendly_name,
                ?error,
                "a session did not start"
            );
            conclude(app, id, &EndCause::Driver(error.to_string())).await
        }
    }
}

/// Ends a session, wherever it is in its life, and returns once nothing of it runs any more. Ending twice is
/// ending once.
///
/// # Errors
/// The database's.
pub(crate) async fn end(app: &App, id: &str, cause: EndCause) -> Result<(), ::store::Error> {
    end_each(app, vec![(id.to_owned(), cause)]).await
}

/// Ends every session of a user, at once: the account was disabled or deleted.
///
/// # Errors
/// The database's.
pub(crate) async fn end_all_of(app: &App, user_id: &str) -> Result<(), ::store::Error> {
    let sessions = store::alive_of(&mut *app.store.read().await?, user_id).await?;
    end_each(app, sessions.into_iter().map(|session| (session.id, EndCause::AccountClosed)).collect()).await
}

/// Ends sessions side by side: each takes as long as its programs need to end.
pub(super) async fn end_each(app: &App, sessions: Vec<(String, EndCause)>) -> Result<(), ::store::Error> {
    let mut endings = Vec::new();
    for (id, cause) in sessions {
        if let Some(handle) = begin_end(app, &id, &cause).await? {
            // A task of its own: a browser that goes away in the middle leaves nothing half done.
            let app = app.clone();
            endings.push(tokio::spawn(async move { finish(&app, &id, handle.as_ref(), &cause).await }));
        }
    }
    for ending in endings {
        match ending.await {
            Ok(outcome) => outcome?,
            Err(error) => tracing::error!(%error, "a session's end broke off; the keeper will try again"),
        }
    }
    Ok(())
}

/// Notes that a session is to end and tells the browsers that have it open. `None` if it is ending already;
/// else the handle, if it ran.
async fn begin_end(
    app: &App,
    id: &str,
    cause: &EndCause,
) -> Result<Option<Option<runtime::Handle>>, ::store::Error> {
    let mut tx = app.store.begin().await?;
    let mine = store::begin_end(&mut tx, id, cause).await?;
    let session = store::find(&mut tx, id).await?;
    tx.commit().await?;
    if !mine {
        return Ok(None);
    }
    app.endings.announce(id, cause.clone());
    Ok(session.map(|session| match session.state {
        State::Stopping(_, handle) => handle,
        _ => None,
    }))
}

/// Stops what runs and notes the end. What can't be stopped stays `stopping`, and the keeper tries again.
async fn finish(
    app: &App,
    id: &str,
    handle: Option<&runtime::Handle>,
    cause: &EndCause,
) -> Result<(), ::store::Error> {
    if let Some(handle) = handle
        && !stop(app, id, handle).await
    {
        return Ok(());
    }
    conclude(app, id, cause).await
}

/// Stops what runs; `false` if it could not be stopped.
pub(super) async fn stop(app: &App, id: &str, handle: &runtime::Handle) -> bool {
    match app.driver.stop(handle, GRACE).await {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(
                session = id,
                ?error,
                "a session could not be stopped; the keeper will try again"
            );
            false
        }
    }
}

/// Notes the end of a session whose programs are gone, and why nobody asked for it, if nobody did.
pub(super) async fn conclude(app: &App, id: &str, cause: &EndCause) -> Result<(), ::store::Error> {
    let mut tx = app.store.begin().await?;
    let Some(cause) = store::ended(&mut tx, id, cause, app.site.now()).await? else { return Ok(()) };
    if !matches!(cause, EndCause::Deleted | EndCause::EndedByAdministrator) {
        let session = store::find(&mut tx, id).await?;
        let (name, user) =
            session.map(|session| (session.workspace_name, session.username)).unwrap_or_default();
        let trace = TraceId("-".into());
        let event = Event {
            action: "session_ended",
            actor: "",
            subject: &name,
            client_addr: ClientAddr(None),
            trace: &trace,
        };
        let context = json!({"session": id, "user": user, "cause": cause.sentence()});
        app.events.record_in(&mut tx, event, &context).await?;
    }
    tx.commit().await?;
    app.endings.announce(id, cause);
    Ok(())
}
