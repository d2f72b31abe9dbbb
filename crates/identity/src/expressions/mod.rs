//! Expressions: a few lines of Python that an administrator writes, as authentik has them, so that those
//! written there run here. Mappings say with them what an application is told; nothing here knows of SAML.
//!
//! What an administrator writes is not trusted: it runs in a process of its own that can do nothing but
//! read its pipe and answer ([`worker`]), with limits on time, memory and output, and each evaluation
//! begins with fresh state. Why, and what of Python is there: `docs/decisions/0004-python-in-a-worker.md`.

mod confine;
mod pool;
mod python;
mod rewrite;
mod wire;
mod worker;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use store::Timestamp;

pub use pool::Expressions;
pub use worker::worker_main;

/// The word with which the service's program is started again as a worker.
pub const WORKER_WORD: &str = "expression-worker";

/// Bytes that an expression may have.
pub const MAX_TEXT: usize = 32 * 1024;

/// How long one evaluation may take.
pub const TIME_LIMIT: Duration = Duration::from_millis(200);

/// Bytes that an evaluation may take beside what the interpreter itself needs.
pub const MEMORY_LIMIT: u64 = 64 << 20;

/// Values and bytes that an expression may return.
const MAX_VALUES: usize = 2000;
const MAX_RETURNED: usize = 64 * 1024;

/// A JSON object.
pub type Facts = serde_json::Map<String, serde_json::Value>;

/// What an expression can ask about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// The attributes of `user`, but for its groups.
    pub user: Facts,
    /// The attributes of each of `user.ak_groups.all()`.
    pub groups: Vec<Facts>,
    /// The attributes of `request`; `request.user` is `user`.
    pub request: Facts,
    /// The attributes of `provider`.
    pub provider: Facts,
}

/// What an expression returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// Whether Python holds it for true.
    pub truthy: bool,
    /// The value, or each value of a list, tuple, set or generator, as `str()` writes it. Nothing of `None`.
    pub values: Option<Vec<String>>,
}

/// Why an expression returned nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// The line of the expression, from 1, where it is known.
    pub line: Option<u32>,
    /// What the interpreter says; may hold values that the expression read.
    pub message: String,
}

/// The kinds of failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// It is no Python, or Python that is not there.
    Syntax,
    /// It raised an exception, of this type.
    Raised(String),
    /// It took longer than [`TIME_LIMIT`].
    Time,
    /// Its process ended under it.
    Crash,
    /// It returned more than it may.
    TooMuch,
    /// No process could be had; the expression is not to blame.
    Unavailable,
}

/// Exceptions whose messages hold names and types of the expression, and no values that it read.
const TELLING: &[&str] =
    &["AttributeError", "ImportError", "ModuleNotFoundError", "NameError", "NotImplementedError"];

impl Failure {
    pub(crate) fn new(kind: FailureKind, line: Option<u32>, message: impl Into<String>) -> Self {
        let message: String = message.into();
        // It comes from a process that we don't trust, and may be long.
        let message = message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
        Self { kind, line, message }
    }

    /// What failed, for who may see the values: somebody who tests the expression.
    pub fn sentence(&self) -> String {
        let at = self.line.map(|line| format!("Line {line}: ")).unwrap_or_default();
        match &self.kind {
            FailureKind::Syntax => format!("{at}{}", full_stop(&self.message)),
            FailureKind::Raised(name) if self.message.is_empty() => format!("{at}{name}."),
            FailureKind::Raised(name) => format!("{at}{name}: {}", full_stop(&self.message)),
            FailureKind::Time | FailureKind::Crash | FailureKind::TooMuch | FailureKind::Unavailable => {
                full_stop(&self.message)
            }
        }
    }

    /// What failed without anything that the expression read, for logs and events.
    pub fn sentence_without_values(&self) -> String {
        match &self.kind {
            FailureKind::Raised(name) if !TELLING.contains(&name.as_str()) => {
                Self { message: String::new(), ..self.clone() }.sentence()
            }
            _ => self.sentence(),
        }
    }
}

fn full_stop(message: &str) -> String {
    let message = message.trim();
    if message.ends_with(['.', '!', '?']) { message.to_owned() } else { format!("{message}.") }
}

/// What becomes of one expression.
pub type Outcome = Result<Returned, Failure>;

/// What a worker is asked: to compile the expressions, or to evaluate them for one context.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Job {
    expressions: Vec<String>,
    /// None: only compile.
    context: Option<Context>,
    now: Timestamp,
}

impl Job {
    /// What becomes of one of its expressions, in this process.
    fn outcome(&self, python: &mut python::Python, expression: &str) -> Outcome {
        let program = python.compile(expression)?;
        match &self.context {
            Some(context) => program.evaluate(context, self.now),
            None => Ok(Returned { truthy: false, values: None }),
        }
    }
}
