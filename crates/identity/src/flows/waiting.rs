//! A waiting request together with who came with it and how far they are.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use site::Problem;
use url::Url;

use super::pending::{self, Pending};
use super::{Fit, Refusal, Standing, Step, Told, consents};
use crate::app::App;
use crate::applications::Application;
use crate::library::MY_APPLICATIONS;
use crate::providers::{self, Provider};
use crate::sessions::{self, Person};
use crate::visit::Visit;

/// A waiting request together with who came with it and how far they are.
pub(super) struct Waiting {
    pub(super) pending: Pending,
    provider: Arc<Provider>,
    request: providers::Waiting,
    person: Option<Person>,
    fit: Fit,
    consented: bool,
    /// Whether the person agreed in this very request.
    pub(super) agreed: bool,
}

impl Waiting {
    /// Finds the request of this browser.
    ///
    /// # Errors
    /// A page that says to begin again, if there is none; the database's.
    pub(super) async fn find(app: &App, visit: &Visit, token: &str) -> Result<Self, Problem> {
        let mut tx = app.store.begin().await?;
        let pending = pending::claim(&mut tx, &app.site, token, &visit.visitor).await?.ok_or_else(gone)?;
        let present = sessions::present(&mut tx, &app.site, &visit.visitor).await?;
        tx.commit().await?;
        let revision = present.as_ref().map(|present| present.revision);
        let person = present.map(|present| present.person);
        let provider = providers::find(app, &pending.slug, revision).await?.ok_or_else(gone)?;
        let client = provider.client();
        let consented = match &person {
            Some(person) if client.asks_consent => {
                let mut conn = app.store.read().await?;
                consents::has_consented(&mut conn, &app.site, &person.user.id, &client.application.id).await?
            }
            _ => false,
        };
        let request = providers::waiting(&pending.details)?;
        let fit = match &person {
            Some(person) => request.fit(app, &provider, person).await?,
            None => Fit::default(),
        };
        Ok(Self { pending, provider, request, person, fit, consented, agreed: false })
    }

    pub(super) fn person(&self) -> Option<&Person> {
        self.person.as_ref()
    }

    pub(super) fn application(&self) -> &Application {
        &self.provider.client().application
    }

    /// Whether an application waits for an answer, so that a person can turn back to it.
    pub(super) fn can_turn_back(&self) -> bool {
        self.request.is_asked_for()
    }

    /// By what the person signs in whom the application names.
    pub(super) fn login_hint(&self) -> Option<String> {
        self.request.login_hint()
    }

    /// What the person is told before the application is, if the request ends for this reason.
    pub(super) fn told_to_person(&self, refusal: Refusal) -> Option<String> {
        if self.pending.demands.passive {
            return None;
        }
        let (person, application) = (self.person.as_ref()?, &self.application().name);
        match (refusal, &self.fit) {
            (Refusal::NotAllowed, _) => Some(format!(
                "You are signed in as {username}, and that account may not open {application}. Ask an administrator \
                 to bind {application} to you or to one of your groups, or sign out and use another account.",
                username = person.user.username
            )),
            (Refusal::Unfit, Fit::Unfit(Told::Person(sentence))) => Some(sentence.clone()),
            _ => None,
        }
    }

    pub(super) fn return_to(&self) -> Option<Url> {
        Url::parse(&self.pending.return_to).ok()
    }

    /// What comes next.
    pub(super) fn step(&self) -> Step {
        let person = self.person.as_ref();
        let session_id = person.map(|person| person.session.id.as_str());
        let standing = Standing {
            person,
            proven: session_id.is_some() && session_id == self.pending.proven_session_id.as_deref(),
            consented: self.consented || self.agreed,
            fit: &self.fit,
        };
        super::next(self.provider.client(), self.pending.demands, standing)
    }

    /// What the consent form carries, so that only it can agree: bound to this request, this step and
    /// this session.
    pub(super) fn consent_step(&self, app: &App, token: &str) -> Option<String> {
        let session = &self.person.as_ref()?.session.id;
        Some(URL_SAFE_NO_PAD.encode(app.site.mac("flow step", &[token, "consent", session])))
    }

    pub(super) fn is_consent_step(&self, app: &App, token: &str, given: &str) -> bool {
        self.consent_step(app, token)
            .is_some_and(|expected| verify_slices_are_equal(expected.as_bytes(), given.as_bytes()).is_ok())
    }

    /// Uses the request up and gives the application its answer, if that is what comes next.
    ///
    /// # Errors
    /// A page that says to begin again, if the request was used meanwhile; those of the answer.
    pub(super) async fn answer(self, app: &App, visit: &Visit) -> Result<Response, Problem> {
        let (Step::Answer, Some(person)) = (self.step(), &self.person) else {
            return Err(Problem::internal("an answer was to be given that is not due"));
        };
        let mut tx = app.store.begin().await?;
        if !pending::consume(&mut tx, &app.site, &self.pending).await? {
            return Err(gone());
        }
        if self.agreed {
            let application = self.application();
            consents::consent(&mut tx, &app.site, &person.user.id, &application.id).await?;
        }
        tx.commit().await?;
        self.request.answer(app, visit, &self.provider, person).await
    }

    /// Uses the request up and tells the application that there will be no answer.
    ///
    /// # Errors
    /// A page that says to begin again, if the request was used meanwhile; the database's.
    pub(super) async fn refuse(
        self,
        app: &App,
        visit: &Visit,
        refusal: Refusal,
    ) -> Result<Response, Problem> {
        let mut tx = app.store.begin().await?;
        if !pending::consume(&mut tx, &app.site, &self.pending).await? {
            return Err(gone());
        }
        tx.commit().await?;
        self.request.refuse(app, visit, &self.provider, (self.person.as_ref(), refusal)).await
    }

    /// The person turns back: what the application hears depends on how far they had come.
    ///
    /// # Errors
    /// As [`Self::refuse`].
    pub(super) async fn turn_back(self, app: &App, visit: &Visit) -> Result<Response, Problem> {
        let refusal = match self.step() {
            Step::SignIn => Refusal::Cancelled,
            Step::AskConsent | Step::Answer => Refusal::Declined,
            Step::Refuse(refusal) => refusal,
        };
        self.refuse(app, visit, refusal).await
    }
}

fn gone() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "Please start again",
        "This sign-in was finished already, took too long, or was begun in another browser. Go back to the \
         application and start again.",
    )
    .next("Go to My applications", MY_APPLICATIONS)
}
