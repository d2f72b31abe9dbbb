//! Verifying an answer, beside python3-saml (what Kasm uses) and beside one raw verification.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde::Deserialize;
use serde_json::json;

use crate::key::Key;
use crate::report::{Goal, Report, microseconds, multiple};
use crate::service::Service;
use crate::sign_in::SignIn;
use crate::{Outcome, cpu};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python3_saml.py");

const ROUNDS: usize = 5;

/// Verifications of ours in one round.
const OURS: u32 = 2_000;

/// Verifications of theirs in one round.
const THEIRS: u32 = 100;

const GOAL: f64 = 40.0;

pub(crate) struct Verification {
    raw: f64,
    ours: f64,
    theirs: f64,
    without_schema: f64,
    times_faster: f64,
}

/// CPU seconds of one verification by python3-saml.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Theirs {
    /// As it comes.
    default: f64,
    /// With its check against the XML schema turned off.
    without_schema: f64,
}

/// The two take turns on the same answer, with their settings prepared beforehand.
pub(crate) fn measure(
    sign_in: &SignIn,
    service: &Service,
    python: &Path,
    key: &Key,
) -> Outcome<Verification> {
    let response = sign_in.response(service)?;
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let raw = key.seconds_to_verify(OURS)?;
        let ours = cpu::seconds_each(OURS, || {
            std::hint::black_box(sign_in.verify(&response)?);
            Ok(())
        })?;
        rounds.push((raw, ours, theirs(sign_in, &response, python)?));
    }
    Ok(Verification {
        raw: cpu::median(rounds.iter().map(|round| round.0)),
        ours: cpu::median(rounds.iter().map(|round| round.1)),
        theirs: cpu::median(rounds.iter().map(|round| round.2.default)),
        without_schema: cpu::median(rounds.iter().map(|round| round.2.without_schema)),
        times_faster: cpu::median(rounds.iter().map(|round| round.2.default / round.1)),
    })
}

fn theirs(sign_in: &SignIn, response: &str, python: &Path) -> Outcome<Theirs> {
    let expected = &sign_in.expectations;
    let certificate = expected.certificates.first().ok_or("Identity names no certificate")?;
    let task = json!({
        "issuer": expected.issuer,
        "audience": expected.audience,
        "acs_url": expected.acs_url,
        "in_response_to": expected.in_response_to,
        "certificate": certificate.pem(),
        "response": response,
        "times": THEIRS,
    });
    let mut child = Command::new(python).arg(SCRIPT).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().ok_or("python has no input")?.write_all(task.to_string().as_bytes())?;
    Ok(serde_json::from_slice(&output_of(child, "python3-saml")?)?)
}

/// What a program wrote, if it ended well.
pub(crate) fn output_of(child: Child, name: &str) -> Outcome<Vec<u8>> {
    let output = child.wait_with_output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("{name} ended with {}", output.status).into())
    }
}

impl Verification {
    pub(crate) fn tell(&self, report: &mut Report) {
        let goal = Goal::new("at least 40 ×", self.times_faster >= GOAL);
        report.figure(
            "verifying an answer, times faster than python3-saml",
            &multiple(self.times_faster),
            goal,
        );
        report.note("one verification", &microseconds(self.ours));
        report.note("the same by python3-saml", &microseconds(self.theirs));
        report.note(
            "the same by python3-saml, its schema check turned off",
            &microseconds(self.without_schema),
        );
        report.note("one verification, in raw RSA-2048 verifications", &multiple(self.ours / self.raw));
    }
}
