//! The keeper: limits are enforced, and the table agrees with what really runs.

use std::collections::HashMap;
use std::time::Duration;

use runtime::{Observed, State as Running};

use super::{EndCause, Session, State, launch, store};
use crate::app::App;
use crate::catalogue;

/// How often limits are looked at and the table is compared with the driver.
const PERIOD: Duration = Duration::from_secs(3);
/// No start takes longer.
const LONGEST_START: Duration = Duration::from_mins(2);
/// How long an ended session stays in the list.
const REMEMBERED: Duration = Duration::from_hours(24 * 30);

/// Works until the service stops.
pub(crate) async fn keep(app: App) {
    loop {
        if let Err(error) = keep_once(&app).await {
            tracing::error!(?error, "sessions could not be looked after; will try again");
        }
        tokio::select! {
            () = app.stopped() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

/// Goes on with what was requested or starting when the service stopped. To be called before anybody can
/// launch: from then on each start is the affair of its own task.
///
/// # Errors
/// The database's.
pub(crate) async fn resume_starts(app: &App) -> Result<(), ::store::Error> {
    let sessions = store::alive(&mut *app.store.read().await?).await?;
    for session in
        sessions.into_iter().filter(|session| matches!(session.state, State::Requested | State::Starting))
    {
        let definition = catalogue::find(&mut *app.store.read().await?, &session.workspace_id).await?;
        match definition {
            Some(definition) => {
                tokio::spawn(launch::start(app.clone(), session.id, definition));
            }
            None => {
                let cause =
                    EndCause::Driver("The workspace was deleted before this session had started.".into());
                launch::conclude(app, &session.id, &cause).await?;
            }
        }
    }
    Ok(())
}

/// One round.
pub(super) async fn keep_once(app: &App) -> Result<(), ::store::Error> {
    let now = app.site.now();
    let overstaying = store::overstaying(&mut *app.store.read().await?, now).await?;
    launch::end_each(app, overstaying).await?;
    reconcile(app).await?;
    let mut tx = app.store.begin().await?;
    store::sweep(&mut tx, now, now.minus(REMEMBERED)).await?;
    tx.commit().await
}

/// Compares the table with what the driver sees, and mends the difference.
async fn reconcile(app: &App) -> Result<(), ::store::Error> {
    // The driver is asked first. A session that started in between is in the table but not in the list;
    // so whoever seems lost is asked after by its handle before it counts as such.
    let observed = match app.driver.list().await {
        Ok(observed) => observed,
        Err(error) => {
            tracing::error!(?error, "the driver can't list its sessions; nothing was changed");
            return Ok(());
        }
    };
    let known = store::alive(&mut *app.store.read().await?).await?;
    let mut observed: HashMap<String, Observed> =
        observed.into_iter().map(|seen| (seen.handle.session.clone(), seen)).collect();
    for session in known {
        let seen = observed.remove(&session.id);
        settle(app, &session, seen.as_ref()).await?;
    }
    for (id, orphan) in observed {
        // Sessions that ended in this very moment are looked up once more before they count as orphans.
        let row = store::find(&mut *app.store.read().await?, &id).await?;
        if row.is_none_or(|session| !session.state.is_alive()) {
            tracing::info!(session = id, "a session that nobody knows was removed");
            launch::stop(app, &id, &orphan.handle).await;
        }
    }
    Ok(())
}

async fn settle(app: &App, session: &Session, seen: Option<&Observed>) -> Result<(), ::store::Error> {
    match (&session.state, seen) {
        (State::Running(handle), Some(seen)) => match &seen.state {
            Running::Running if seen.handle == *handle => Ok(()),
            Running::Running => ended_by_itself(app, session, handle, &runtime::EndCause::Unknown).await,
            Running::Ended { cause } => ended_by_itself(app, session, handle, cause).await,
        },
        (State::Running(handle), None) => ask_after(app, session, handle).await,
        (State::Stopping(cause, _), Some(seen)) => {
            if launch::stop(app, &session.id, &seen.handle).await {
                launch::conclude(app, &session.id, cause).await?;
            }
            Ok(())
        }
        (State::Stopping(cause, _), None) => launch::conclude(app, &session.id, cause).await,
        (State::Requested | State::Starting, seen) => overdue(app, session, seen).await,
        (State::Ended(_), _) => Ok(()),
    }
}

/// A start is its own task's affair, unless it takes far too long: then the task could not write its outcome.
async fn overdue(app: &App, session: &Session, seen: Option<&Observed>) -> Result<(), ::store::Error> {
    if app.site.now() < session.created_at.plus(LONGEST_START) {
        return Ok(());
    }
    match seen {
        Some(Observed { handle, state: Running::Running }) => {
            let mut tx = app.store.begin().await?;
            store::started(&mut tx, &session.id, handle, app.site.now()).await?;
            tx.commit().await
        }
        _ => {
            let sentence = "The session could not be started in time. Launch it again from the dashboard.";
            launch::end(app, &session.id, EndCause::Driver(sentence.to_owned())).await
        }
    }
}

/// Asks the driver about a session that is said to run, and notes the end if it does not.
pub(super) async fn ask_after(
    app: &App,
    session: &Session,
    handle: &runtime::Handle,
) -> Result<(), ::store::Error> {
    match app.driver.status(handle).await {
        Ok(Running::Running) => Ok(()),
        Ok(Running::Ended { cause }) => ended_by_itself(app, session, handle, &cause).await,
        Err(error) => {
            tracing::error!(session = session.id, ?error, "a session could not be looked at; will try again");
            Ok(())
        }
    }
}

/// A row says that it runs, but nothing does; the driver clears away what is left.
async fn ended_by_itself(
    app: &App,
    session: &Session,
    handle: &runtime::Handle,
    cause: &runtime::EndCause,
) -> Result<(), ::store::Error> {
    tracing::info!(session = session.id, ?cause, "a session ended by itself");
    // If this fails, the next round finds remains that no row asks for.
    launch::stop(app, &session.id, handle).await;
    launch::conclude(app, &session.id, &end_cause(cause)).await
}

/// The driver enforces the time limit, too, and both say so in the same words.
fn end_cause(cause: &runtime::EndCause) -> EndCause {
    match cause {
        runtime::EndCause::Deadline => EndCause::TimeLimit,
        other => EndCause::Driver(other.to_string()),
    }
}
