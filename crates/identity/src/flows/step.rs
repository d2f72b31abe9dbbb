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
    /// The application asks for what this person or this sign-in can't give.
    Unfit,
    /// The person turned back instead of signing in.
    Cancelled,
    /// The person turned back instead of agreeing.
    Declined,
}

/// Whether a person fits what the application asks for. Its protocol knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fit {
    #[default]
    Fits,
    /// Not in this session; another sign-in may mend it.
    SignInAgain,
    /// Not at all.
    Unfit(Told),
}

/// Who can do something about it, and so is told first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// The application, at once.
    Application,
    /// The person, in this sentence.
    Person(String),
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
    /// Whether they fit what is asked for; of no account without a person.
    pub(crate) fit: &'p Fit,
}

/// Decides what comes next. Nothing but a whole standing leads to [`Step::Answer`]: whatever step was
/// shown, posted, repeated or left out before, is of no account here.
pub(crate) fn next(client: &Client, demands: Demands, standing: Standing<'_>) -> Step {
    let show = |step| if demands.passive { Step::Refuse(Refusal::NotPassive) } else { step };
    let Some(person) = standing.person else { return show(Step::SignIn) };
    if demands.force_authn && !standing.proven {
        return show(Step::SignIn);
    }
    match standing.fit {
        Fit::SignInAgain if standing.proven => return Step::Refuse(Refusal::Unfit),
        Fit::SignInAgain => return show(Step::SignIn),
        Fit::Fits | Fit::Unfit(_) => {}
    }
    let mode = client.application.policy_engine_mode;
    if !policies::allows(mode, &client.bindings, &person.user.id, &person.groups) {
        return Step::Refuse(Refusal::NotAllowed);
    }
    if matches!(standing.fit, Fit::Unfit(_)) {
        return Step::Refuse(Refusal::Unfit);
    }
    if client.asks_consent && !standing.consented {
        return show(Step::AskConsent);
    }
    Step::Answer
}

#[cfg(test)]
mod tests {
    use site::browser_sessions::BrowserSession;
    use store::Timestamp;

    use super::*;
    use crate::applications::{Application, Binding, Target};
    use crate::policies::EngineMode;
    use crate::users::User;

    fn client(asks_consent: bool, only_for: Option<&str>) -> Client {
        let application = Application {
            id: "a".into(),
            slug: "kasm".into(),
            name: "kasm".into(),
            group_name: String::new(),
            provider_id: None,
            launch_url: String::new(),
            open_in_new_tab: false,
            icon: String::new(),
            description: String::new(),
            publisher: String::new(),
            policy_engine_mode: EngineMode::Any,
        };
        let bindings = only_for.into_iter().map(|id| Binding {
            id: String::new(),
            target: Target::User(id.into()),
            order: 0,
            negate: false,
            enabled: true,
        });
        Client { application, bindings: bindings.collect(), asks_consent }
    }

    fn ann() -> Person {
        let epoch = Timestamp::from_micros(0);
        let session = BrowserSession {
            id: "s".into(),
            user_id: "ann".into(),
            method: "password".into(),
            client_addr: String::new(),
            user_agent: String::new(),
            created_at: epoch,
            authenticated_at: epoch,
            last_seen_at: epoch,
            expires_at: epoch,
        };
        let user = User {
            id: "ann".into(),
            username: "ann".into(),
            name: String::new(),
            email: String::new(),
            is_active: true,
            attributes: serde_json::Map::new(),
            created_at: epoch,
            last_login_at: None,
        };
        Person { user, session, groups: Vec::new() }
    }

    const REFUSED: Step = Step::Refuse(Refusal::NotAllowed);
    const UNFIT: Step = Step::Refuse(Refusal::Unfit);
    const NOT_PASSIVE: Step = Step::Refuse(Refusal::NotPassive);

    /// Every combination of seven truths.
    fn every_case() -> impl Iterator<Item = [bool; 7]> {
        (0_u8..128).map(|bits| std::array::from_fn(|index| bits >> index & 1 == 1))
    }

    #[test]
    fn every_standing_has_one_next_step() {
        let ann = ann();
        let fits = [Fit::Fits, Fit::SignInAgain, Fit::Unfit(Told::Application)];
        for ([force_authn, passive, signed_in, proven, allowed, asks_consent, consented], fit) in
            every_case().flat_map(|case| fits.iter().map(move |fit| (case, fit)))
        {
            let client = client(asks_consent, (!allowed).then_some("bob"));
            let standing = Standing { person: signed_in.then_some(&ann), proven, consented, fit };
            let step = next(&client, Demands { force_authn, passive }, standing);
            let again = force_authn || *fit == Fit::SignInAgain;
            let known = signed_in && (proven || !again);
            let expected = match (known, fit, allowed, asks_consent && !consented) {
                (false, ..) if passive => NOT_PASSIVE,
                (false, ..) => Step::SignIn,
                (true, Fit::SignInAgain, ..) => UNFIT,
                (true, _, false, _) => REFUSED,
                (true, Fit::Unfit(_), true, _) => UNFIT,
                (true, Fit::Fits, true, true) if passive => NOT_PASSIVE,
                (true, Fit::Fits, true, true) => Step::AskConsent,
                (true, Fit::Fits, true, false) => Step::Answer,
            };
            assert_eq!(step, expected, "{client:?} {standing:?}");
        }
    }
}
