//! What passed between us and an identity provider, kept for administrators: the last 50 exchanges of each
//! configuration, each with both messages and every check.
//!
//! Nobody waits for this: a finished exchange goes into a queue, and one task writes what is in it. What finds
//! the queue full, or can't be written, is lost with a line in the log.
//!
//! The addresses that take messages are open to strangers, so what is kept is bounded three times: a message by
//! its size, a configuration by 50 exchanges, and within these each kind of [`Evidence`] by what its sender had
//! to bring. A flood of garbage gets ten places and pushes out nothing but garbage; a flood of refusals leaves
//! the 20 newest acceptances and tests, and a busy morning of acceptances the 15 newest refusals.
//!
//! What is kept can't be played back: values of signatures, what is encrypted, the RelayState and secrets in
//! addresses are masked before they are written (`readable.rs`). Names and attributes of people stay, since
//! they are what an administrator has to compare.

mod pages;
mod readable;
mod store;

use ::store::{Store, Timestamp};
use saml::{CheckName, Examination};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::SamlConfig;
use super::pending::{Purpose, Request};
use super::report::{Check, Report, Said};
use crate::app::App;
use crate::visit::Visit;

pub(super) use self::pages::{href, routes};
pub(super) use self::readable::readable;

/// Exchanges that wait to be written; with the largest messages about 8 MiB.
const WAITING: usize = 64;
/// Exchanges that share a transaction.
const BATCH: usize = 32;
/// A message beyond this is cut off, in bytes.
const MESSAGE_KEPT: usize = 64 * 1024;
/// The same for a message without anything to its credit.
const NOISE_KEPT: usize = 8 * 1024;

/// What an exchange was about and who began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Somebody began to sign in here.
    SignIn,
    /// An administrator tried the configuration out.
    Test,
    /// The identity provider sent an answer that nobody had asked for here.
    Unsolicited,
    /// Somebody signed out here.
    LogoutHere,
    /// The identity provider asked to sign somebody out.
    LogoutThere,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The message was right, and the browser has yet to come back with it.
    Accepted,
    /// What was wanted happened.
    Done,
    /// A part of it happened.
    Partial,
    /// It was refused.
    Refused,
}

/// What speaks for a message, and so how much room it may take up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// It was accepted, or an administrator asked for it.
    Proven,
    /// It was refused, but it answers a pending request or carries a good signature.
    Claimed,
    /// It was refused, and anybody could have made it.
    Noise,
}

impl Evidence {
    /// How much of a message is kept, in bytes.
    fn message_kept(self) -> usize {
        match self {
            Self::Proven | Self::Claimed => MESSAGE_KEPT,
            Self::Noise => NOISE_KEPT,
        }
    }
}

/// A message as it was, or its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    xml: String,
    /// Length of the whole, in bytes.
    bytes: usize,
}

impl Message {
    fn new(xml: &str, evidence: Evidence) -> Self {
        Self { xml: beginning(xml, evidence.message_kept()).to_owned(), bytes: xml.len() }
    }
}

/// The first `most` bytes of a text at most, whole characters only.
fn beginning(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What was found out about a message.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Findings {
    pub(super) checks: Vec<Check>,
    pub(super) said: Option<Said>,
}

/// An exchange that is over, or waits for the browser only.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    /// The id of the web request that brought the message: error pages show it.
    pub(super) id: String,
    pub(super) config_id: String,
    pub(super) at: Timestamp,
    pub(super) client_addr: String,
    pub(super) kind: Kind,
    pub(super) evidence: Evidence,
    pub(super) outcome: Outcome,
    /// The person, as far as it is proven; else empty.
    pub(super) who: String,
    /// What was wrong; empty if nothing was.
    pub(super) sentence: String,
    /// How long the RelayState was that came along, in characters; the text itself is never kept.
    pub(super) relay_state: usize,
    pub(super) findings: Findings,
    pub(super) sent: Message,
    pub(super) received: Message,
}

impl Exchange {
    /// What this request brought, of which nothing is known yet.
    pub(super) fn new(app: &App, visit: &Visit, config: &SamlConfig, kind: Kind) -> Self {
        Self {
            id: visit.trace.0.to_string(),
            config_id: config.id.clone(),
            at: app.site.now(),
            client_addr: visit.addr.to_string(),
            kind,
            evidence: Evidence::Noise,
            outcome: Outcome::Refused,
            who: String::new(),
            sentence: String::new(),
            relay_state: 0,
            findings: Findings::default(),
            sent: Message::default(),
            received: Message::default(),
        }
    }

    /// An answer to a request of ours, or to none, as it was examined.
    pub(super) fn of_answer(
        app: &App,
        visit: &Visit,
        config: &SamlConfig,
        request: Option<&Request>,
        report: &Report,
        examination: &Examination,
        relay_state: &str,
    ) -> Self {
        let kind = match request.map(|request| request.purpose) {
            Some(Purpose::SignIn) => Kind::SignIn,
            Some(Purpose::Test) => Kind::Test,
            None => Kind::Unsolicited,
        };
        let (outcome, evidence) = match (&report.wrong, kind) {
            (None, Kind::Test) => (Outcome::Done, Evidence::Proven),
            (None, _) => (Outcome::Accepted, Evidence::Proven),
            (Some(_), Kind::Test) => (Outcome::Refused, Evidence::Proven),
            (Some(_), _) if request.is_some() || bears_signature(examination) => {
                (Outcome::Refused, Evidence::Claimed)
            }
            (Some(_), _) => (Outcome::Refused, Evidence::Noise),
        };
        let exchange = Self {
            evidence,
            outcome,
            who: report.identity().map(|identity| identity.username.clone()).unwrap_or_default(),
            sentence: report.wrong.clone().unwrap_or_default(),
            relay_state: relay_state.chars().count(),
            findings: report.findings(),
            ..Self::new(app, visit, config, kind)
        };
        exchange.with_messages(request.map_or("", |request| &request.message), &received(examination))
    }

    /// The same, refused for another reason than the message itself. A message that can be sent over and over
    /// must not fill the places of the proven ones.
    #[must_use]
    pub(super) fn refused(self, sentence: String) -> Self {
        let evidence = match (self.evidence, self.kind) {
            (Evidence::Proven, Kind::SignIn | Kind::Unsolicited) => Evidence::Claimed,
            (evidence, _) => evidence,
        };
        Self { outcome: Outcome::Refused, evidence, sentence, ..self }
    }

    /// Sets both messages.
    #[must_use]
    pub(super) fn with_messages(mut self, sent: &str, received: &str) -> Self {
        self.sent = Message::new(sent, self.evidence);
        self.received = Message::new(received, self.evidence);
        self
    }
}

/// A message as it was received, and below it what was decrypted of it.
pub(super) fn received(examination: &Examination) -> String {
    let mut message = examination.xml().to_owned();
    for part in examination.decrypted() {
        message.push_str("\n<!-- Decrypted: -->\n");
        message.push_str(part);
    }
    message
}

/// Whether a signature in the message is one of the identity provider.
fn bears_signature(examination: &Examination) -> bool {
    examination.checks().iter().any(|check| {
        check.passed && matches!(check.name, CheckName::ResponseSignature | CheckName::AssertionSignature)
    })
}

/// How an accepted exchange ended after all.
#[derive(Clone, Debug)]
struct Conclusion {
    id: String,
    outcome: Outcome,
    sentence: String,
}

#[derive(Debug)]
enum Note {
    Kept(Box<Exchange>),
    Concluded(Conclusion),
    /// Somebody wants to know when everything before this is written.
    Settled(oneshot::Sender<()>),
}

/// Where exchanges go.
#[derive(Clone, Debug)]
pub(crate) struct Exchanges(mpsc::Sender<Note>);

impl Exchanges {
    /// Starts the task that writes them; it ends, with everything written, after `stopping` turns true.
    pub(crate) fn start(store: Store, stopping: watch::Receiver<bool>) -> (Self, JoinHandle<()>) {
        let (notes, waiting) = mpsc::channel(WAITING);
        (Self(notes), tokio::spawn(write(store, waiting, stopping)))
    }

    /// Keeps an exchange, soon.
    pub(super) fn keep(&self, exchange: Exchange) {
        self.send(Note::Kept(Box::new(exchange)));
    }

    /// Says how an accepted exchange ended: well, or with this sentence.
    pub(super) fn conclude(&self, id: &str, refusal: Option<&str>) {
        let outcome = if refusal.is_none() { Outcome::Done } else { Outcome::Refused };
        let sentence = refusal.unwrap_or_default().to_owned();
        self.send(Note::Concluded(Conclusion { id: id.to_owned(), outcome, sentence }));
    }

    fn send(&self, note: Note) {
        if let Err(error) = self.0.try_send(note) {
            tracing::warn!(cause = %error, "a SAML exchange was not kept: too many at once");
        }
    }

    /// Waits until everything that came before is written, so that whoever follows a link finds it.
    async fn settled(&self) {
        let (done, settled) = oneshot::channel();
        if self.0.send(Note::Settled(done)).await.is_ok() {
            // An error means that the service is stopping.
            let _stopping = settled.await;
        }
    }
}

async fn write(store: Store, mut waiting: mpsc::Receiver<Note>, mut stopping: watch::Receiver<bool>) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut closing = false;
    loop {
        tokio::select! {
            count = waiting.recv_many(&mut batch, BATCH) => if count == 0 { return },
            // An error means that `Workspaces` is gone, which is the same.
            _gone = stopping.wait_for(|stop| *stop), if !closing => {
                closing = true;
                waiting.close();
                continue;
            }
        }
        if let Err(error) = store::write(&store, &batch).await {
            tracing::error!(?error, lost = batch.len(), "SAML exchanges could not be kept");
        }
        for note in batch.drain(..) {
            if let Note::Settled(done) = note {
                // Nobody may be waiting any longer.
                let _left = done.send(());
            }
        }
    }
}
