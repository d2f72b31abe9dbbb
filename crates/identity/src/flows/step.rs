//! The one place that decides what comes next.

use super::pending::Demands;
use crate::policies;
use crate::providers::Client;
use crate::sessions::Person;

/// What comes next for a request of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The person signs in.
    SignIn,
    /// The person is asked whether the application may learn who they are.
    AskConsent,
    /// The application gets its answer.
    Answer,
    /// The request ends without one.
    Refuse(Refusal),
}

/// Why a request ends without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The person may not open the application.
    NotAllowed,
    /// The application wants nothing to be shown, and something would have to be.
    NotPassive,
}

/// How far the person has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing<'p> {
    /// Who is signed in.
    pub(crate) person: Option<&'p Person>,
    /// Whether their session was opened for this very request.
    pub(crate) proven: bool,
    /// Whether they agreed.
    pub(crate) consented: bool,
}

/// Decides what comes next. Nothing but a whole standing leads to [`Step::Answer`]: whatever step was
/// shown, posted, repeated or left out before, is of no account here.
pub(crate) fn next(client: &Client, demands: Demands, standing: Standing<'_>) -> Step {
    let show = |step| if demands.passive { Step::Refuse(Refusal::NotPassive) } else { step };
    let Some(person) = standing.person else { return show(Step::SignIn) };
    if demands.force_authn && !standing.proven {
        return show(Step::SignIn);
    }
    let mode = client.application.policy_engine_mode;
    if !policies::allows(mode, &client.bindings, &person.user.id, &person.groups) {
        return Step::Refuse(Refusal::NotAllowed);
    }
    if client.asks_consent && !standing.consented {
        return show(Step::AskConsent);
    }
    Step::Answer
}
