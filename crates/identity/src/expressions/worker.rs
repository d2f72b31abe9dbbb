//! The worker: a process that evaluates expressions and can do nothing else.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use super::python::Python;
use super::wire::{self, MAX_ANSWER, MAX_JOB, READY};
use super::{Failure, FailureKind, Job, Outcome, confine};

/// What the hidden subcommand [`super::WORKER_WORD`] of the service's program does, before anything else is
/// set up: it shuts itself in, then answers what comes in on standard input until that ends. It must be the
/// only thread of its process.
#[must_use]
pub fn worker_main() -> ExitCode {
    // Words about a panic would go nowhere, and finding them opens files.
    std::panic::set_hook(Box::new(|_| {}));
    let mut output = io::stdout().lock();
    let told = match confine::shut_in() {
        Ok(()) => say(&mut output, &wire::frame(READY, MAX_ANSWER)),
        Err(reason) => {
            // Instead of the word that it is ready.
            _ = say(&mut output, &wire::frame(reason.as_bytes(), MAX_ANSWER));
            return ExitCode::FAILURE;
        }
    };
    match told.and_then(|()| work(&mut io::stdin().lock(), &mut output)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn work(input: &mut impl Read, output: &mut impl Write) -> io::Result<()> {
    let mut python = Python::default();
    while let Some(job) = next_job(input)? {
        for expression in &job.expressions {
            let outcome = outcome_of(&job, &mut python, expression);
            let too_much = || {
                let failure = Failure::new(FailureKind::TooMuch, None, "The expression returned too much");
                wire::frame_of(&Err::<(), _>(failure), MAX_ANSWER)
            };
            say(output, &wire::frame_of(&outcome, MAX_ANSWER).or_else(too_much))?;
        }
    }
    Ok(())
}

/// A fault of the interpreter is the expression's failure; then what it had compiled is suspect.
fn outcome_of(job: &Job, python: &mut Python, expression: &str) -> Outcome {
    let attempt = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job.outcome(python, expression)));
    attempt.unwrap_or_else(|_| {
        *python = Python::default();
        Err(Failure::new(FailureKind::Crash, None, "The interpreter came upon something that it can't do"))
    })
}

/// The next thing to do; none if the service has gone.
fn next_job(input: &mut impl Read) -> io::Result<Option<Job>> {
    let mut head = [0; 4];
    match input.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = wire::length(head, MAX_JOB).ok_or(io::ErrorKind::InvalidData)?;
    let mut bytes = vec![0; length];
    input.read_exact(&mut bytes)?;
    Ok(Some(serde_json::from_slice(&bytes)?))
}

fn say(output: &mut impl Write, frame: &Option<Vec<u8>>) -> io::Result<()> {
    output.write_all(frame.as_deref().ok_or(io::ErrorKind::InvalidData)?)?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::super::{Context, Returned};
    use super::*;

    fn answers(input: &[u8]) -> (io::Result<()>, Vec<Outcome>) {
        let mut output = Vec::new();
        let ended = work(&mut &*input, &mut output);
        let (mut outcomes, mut rest) = (Vec::new(), &output[..]);
        while let Some((head, after)) = rest.split_first_chunk::<4>() {
            let (answer, after) = after.split_at(wire::length(*head, MAX_ANSWER).unwrap());
            outcomes.push(serde_json::from_slice(answer).unwrap());
            rest = after;
        }
        (ended, outcomes)
    }

    #[test]
    fn every_expression_of_a_job_is_answered_in_turn() {
        let expressions = ["return 1", "return nobody", "return ["].map(str::to_owned).to_vec();
        let job =
            Job { expressions, context: Some(Context::default()), now: store::Timestamp::from_micros(0) };
        let mut input = wire::frame_of(&job, MAX_JOB).unwrap();
        input.extend(wire::frame_of(&job, MAX_JOB).unwrap());
        let (ended, outcomes) = answers(&input);
        ended.unwrap();
        assert_eq!(outcomes.len(), 6);
        assert_eq!(outcomes[3], Ok(Returned { truthy: true, values: Some(vec!["1".into()]) }));
        assert_eq!(
            [&outcomes[1], &outcomes[2]].map(|outcome| outcome.as_ref().unwrap_err().sentence()),
            ["Line 1: NameError: name 'nobody' is not defined.", "Line 1: unexpected EOF while parsing."]
        );
    }

    #[test]
    fn what_is_no_job_ends_the_worker() {
        for input in [&b"\xff\xff\xff\xff"[..], b"\x05\0\0\0{}", b"\x02\0\0\0{}", b"\x04\0\0\0null"] {
            let (ended, outcomes) = answers(input);
            assert!(ended.is_err() && outcomes.is_empty(), "{input:?}");
        }
        assert!(answers(b"").0.is_ok());
    }
}
