//! The service's side: workers that are started when they are needed, watched while they work, ended when
//! they take too long, and replaced.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use store::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::wire::{self, MAX_ANSWER, MAX_JOB, READY};
use super::{Context, Failure, FailureKind, Job, MEMORY_LIMIT, Outcome, TIME_LIMIT, WORKER_WORD};

/// Workers at once.
const WORKERS: usize = 4;

/// How long a new worker may take until it is ready.
const START_LIMIT: Duration = Duration::from_secs(10);

/// How long an answer may take. The worker itself keeps [`TIME_LIMIT`]; this is for one that can't, on a
/// machine that has other things to do.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// How long to wait for a worker to be free.
const QUEUE_LIMIT: Duration = Duration::from_secs(5);

/// Jobs after which a worker is replaced, so that none grows old.
const JOBS: u32 = 1000;

/// Evaluates expressions.
#[derive(Clone)]
pub struct Expressions(Arc<Inner>);

struct Inner {
    place: Place,
    idle: Mutex<Vec<Worker>>,
    free: Semaphore,
}

enum Place {
    /// In workers, which are this program started again.
    Workers { program: PathBuf, arguments: Vec<OsString> },
    /// Right here, for tests that are about something else.
    #[cfg(test)]
    Here(Mutex<super::python::Python>),
}

impl Expressions {
    /// Evaluates in workers. Each is `program`, started with the one argument [`WORKER_WORD`]; it must call
    /// [`super::worker_main`] then.
    pub fn in_workers(program: impl Into<PathBuf>) -> Self {
        Self::new(Place::Workers { program: program.into(), arguments: vec![WORKER_WORD.into()] })
    }

    /// Evaluates in this process.
    #[cfg(test)]
    pub(crate) fn here() -> Self {
        Self::new(Place::Here(Mutex::default()))
    }

    fn new(place: Place) -> Self {
        Self(Arc::new(Inner { place, idle: Mutex::default(), free: Semaphore::new(WORKERS) }))
    }

    /// Evaluates expressions for one context, all in one go. There is one outcome for each.
    pub async fn evaluate(&self, expressions: Vec<String>, context: Context, now: Timestamp) -> Vec<Outcome> {
        self.outcomes(Job { expressions, context: Some(context), now }).await
    }

    /// Says whether an expression is Python that can be evaluated here, without doing so.
    ///
    /// # Errors
    /// It is not, or nobody could be asked.
    pub async fn check(&self, expression: String, now: Timestamp) -> Result<(), Failure> {
        let outcomes = self.outcomes(Job { expressions: vec![expression], context: None, now }).await;
        outcomes.into_iter().try_for_each(|outcome| outcome.map(drop))
    }

    async fn outcomes(&self, mut job: Job) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(job.expressions.len());
        let mut second_try = false;
        while !job.expressions.is_empty() {
            let answered = self.ask(&job, second_try).await;
            let (answers, ended) = match answered {
                Ok(answers) => (answers, None),
                Err((answers, ended)) => (answers, Some(ended)),
            };
            second_try &= answers.is_empty();
            job.expressions.drain(..answers.len());
            outcomes.extend(answers);
            match ended {
                None => {}
                // Somebody else may have ended it, so the expression has one more chance.
                Some(Ended::Died(_)) if !second_try => second_try = true,
                Some(Ended::Died(failure) | Ended::Slow(failure)) => {
                    second_try = false;
                    job.expressions.drain(..1);
                    outcomes.push(Err(failure));
                }
                Some(Ended::NoWorker(failure)) => {
                    outcomes.extend(job.expressions.drain(..).map(|_| Err(failure.clone())));
                }
            }
        }
        outcomes
    }

    /// Asks one worker, a new one if need be; what it has answered until it ended, if it did.
    async fn ask(&self, job: &Job, fresh: bool) -> Result<Vec<Outcome>, (Vec<Outcome>, Ended)> {
        let (program, arguments) = match &self.0.place {
            Place::Workers { program, arguments } => (program, arguments),
            #[cfg(test)]
            Place::Here(python) => {
                let mut python = python.lock().unwrap_or_else(PoisonError::into_inner);
                return Ok(job.expressions.iter().map(|text| job.outcome(&mut python, text)).collect());
            }
        };
        let unavailable = |reason: String| (Vec::new(), Ended::NoWorker(unavailable(&reason)));
        let Ok(Ok(_place)) = timeout(QUEUE_LIMIT, self.0.free.acquire()).await else {
            return Err(unavailable(format!("none was free within {} seconds", QUEUE_LIMIT.as_secs())));
        };
        let idle = if fresh { None } else { self.idle() };
        let mut worker = match idle {
            Some(worker) => worker,
            None => Worker::start(program, arguments).await.map_err(unavailable)?,
        };
        let mut answers = Vec::with_capacity(job.expressions.len());
        match worker.answer(job, &mut answers).await {
            Ok(()) => {
                worker.jobs += 1;
                if worker.jobs < JOBS {
                    self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
                }
                Ok(answers)
            }
            // With the worker its process goes.
            Err(ended) => Err((answers, ended)),
        }
    }

    /// A worker that waits for something to do and has not died over it.
    fn idle(&self) -> Option<Worker> {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| idle.pop())
            .find_map(|mut worker| matches!(worker.child.try_wait(), Ok(None)).then_some(worker))
    }

    /// The processes of the workers that wait for something to do, for tests.
    #[doc(hidden)]
    pub fn idle_workers(&self) -> Vec<u32> {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.iter().filter_map(|worker| worker.child.id()).collect()
    }
}

/// Why a worker did not answer.
enum Ended {
    /// It ended.
    Died(Failure),
    /// It took too long.
    Slow(Failure),
    /// There was none.
    NoWorker(Failure),
}

fn unavailable(reason: &str) -> Failure {
    tracing::error!(reason, "no worker for expressions");
    let message = format!("No process could be had to evaluate the expression: {reason}");
    Failure::new(FailureKind::Unavailable, None, message)
}

fn died() -> Ended {
    let message = format!(
        "The expression ended its process, most likely because it needed more than {} MiB of memory",
        MEMORY_LIMIT >> 20
    );
    Ended::Died(Failure::new(FailureKind::Crash, None, message))
}

fn slow() -> Ended {
    let message = format!("The expression took longer than {} milliseconds", TIME_LIMIT.as_millis());
    Ended::Slow(Failure::new(FailureKind::Time, None, message))
}

/// A worker's process; it is killed with this.
struct Worker {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    jobs: u32,
}

impl Worker {
    async fn start(program: &PathBuf, arguments: &[OsString]) -> Result<Self, String> {
        let mut child = Command::new(program)
            .arg0("innkeeper-expressions")
            .args(arguments)
            // The service's environment may hold secrets.
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("it can't be started ({error})"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("it has no pipes".to_owned());
        };
        let mut worker = Self { child, input, output, jobs: 0 };
        match timeout(START_LIMIT, worker.frame()).await {
            Ok(Some(word)) if word == READY => Ok(worker),
            Ok(Some(reason)) => Err(String::from_utf8_lossy(&reason).into_owned()),
            Ok(None) => Err("it ended at once".to_owned()),
            Err(_) => Err(format!("it was not ready within {} seconds", START_LIMIT.as_secs())),
        }
    }

    /// Adds an answer for each expression of the job.
    async fn answer(&mut self, job: &Job, answers: &mut Vec<Outcome>) -> Result<(), Ended> {
        let Some(frame) = wire::frame_of(job, MAX_JOB) else {
            return Err(Ended::NoWorker(Failure::new(
                FailureKind::Unavailable,
                None,
                format!("What is known about the person is more than {} MiB", MAX_JOB >> 20),
            )));
        };
        match timeout(ANSWER_LIMIT, self.input.write_all(&frame)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(died()),
            Err(_) => return Err(slow()),
        }
        for _ in &job.expressions {
            let bytes = timeout(ANSWER_LIMIT, self.frame()).await.map_err(|_| slow())?;
            let answer = bytes.and_then(|bytes| serde_json::from_slice::<Outcome>(&bytes).ok());
            // It is in the hands of whoever wrote the expression.
            answers.push(answer.ok_or_else(died)?.map_err(|f| Failure::new(f.kind, f.line, f.message)));
        }
        Ok(())
    }

    /// The next frame; none if it ended or says what it may not.
    async fn frame(&mut self) -> Option<Vec<u8>> {
        let mut head = [0; 4];
        self.output.read_exact(&mut head).await.ok()?;
        let mut bytes = vec![0; wire::length(head, MAX_ANSWER)?];
        self.output.read_exact(&mut bytes).await.ok()?;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Most tests of this crate are about something else and have no program to start; what they see must be
    /// what a worker would say. The workers themselves are tested in `tests/expressions`.
    #[tokio::test]
    async fn without_workers_the_answers_are_the_same() {
        let here = Expressions::here();
        let now = Timestamp::from_micros(0);
        let texts = ["return [1, None, 'x']", "return 1 / 0"].map(str::to_owned).to_vec();
        let outcomes = here.evaluate(texts, Context::default(), now).await;
        assert_eq!(outcomes[0].as_ref().unwrap().values, Some(vec!["1".to_owned(), "x".to_owned()]));
        assert_eq!(outcomes[1].as_ref().unwrap_err().line, Some(1));
        assert_eq!(here.check("return [".into(), now).await.unwrap_err().kind, FailureKind::Syntax);
    }
}
