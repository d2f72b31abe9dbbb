//! Verifying an answer, beside python3-saml (what Kasm uses), pysaml2, and one raw verification.

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

const PYTHON3_SAML: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python3_saml.py");

const PYSAML2: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pysaml2_verify.py");

const ROUNDS: usize = 5;

/// Verifications of ours in one round.
const OURS: u32 = 2_000;

/// Verifications of python3-saml in one round.
const THEIRS: u32 = 100;

/// Verifications of pysaml2 in one round: each starts a program.
const PYSAML2_TIMES: u32 = 10;

const GOAL: f64 = 40.0;

/// Of the rate of raw verifications, with every check.
const RATE_GOAL: f64 = 0.28;

pub(crate) struct Verification {
    raw: f64,
    ours: f64,
    theirs: f64,
    without_schema: f64,
    times_faster: f64,
    pysaml2: f64,
    times_faster_than_pysaml2: f64,
    rate: f64,
}

struct Round {
    raw: f64,
    ours: f64,
    python3_saml: Theirs,
    pysaml2: f64,
}

/// CPU seconds of one verification by python3-saml.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Theirs {
    /// As it comes.
    default: f64,
    /// With its check against the XML schema turned off.
    without_schema: f64,
}

/// CPU seconds of one verification by pysaml2.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Pysaml2 {
    each: f64,
}

/// All take turns on the same answer, with their settings prepared beforehand.
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
        rounds.push(Round {
            raw,
            ours,
            python3_saml: theirs(PYTHON3_SAML, THEIRS, sign_in, &response, python)?,
            pysaml2: theirs::<Pysaml2>(PYSAML2, PYSAML2_TIMES, sign_in, &response, python)?.each,
        });
    }
    let median = |of: fn(&Round) -> f64| cpu::median(rounds.iter().map(of));
    Ok(Verification {
        raw: median(|round| round.raw),
        ours: median(|round| round.ours),
        theirs: median(|round| round.python3_saml.default),
        without_schema: median(|round| round.python3_saml.without_schema),
        times_faster: median(|round| round.python3_saml.default / round.ours),
        pysaml2: median(|round| round.pysaml2),
        times_faster_than_pysaml2: median(|round| round.pysaml2 / round.ours),
        rate: median(|round| round.raw / round.ours),
    })
}

/// What one of our scripts measured.
fn theirs<T: serde::de::DeserializeOwned>(
    script: &str,
    times: u32,
    sign_in: &SignIn,
    response: &str,
    python: &Path,
) -> Outcome<T> {
    let expected = &sign_in.expectations;
    let certificate = expected.certificates.first().ok_or("Identity names no certificate")?;
    let task = json!({
        "issuer": expected.issuer,
        "audience": expected.audience,
        "acs_url": expected.acs_url,
        "in_response_to": expected.in_response_to,
        "certificate": certificate.pem(),
        "response": response,
        "times": times,
    });
    let mut child = Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().ok_or("python has no input")?.write_all(task.to_string().as_bytes())?;
    Ok(serde_json::from_slice(&output_of(child, script)?)?)
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
        report.note("times faster than pysaml2", &multiple(self.times_faster_than_pysaml2));
        report.note("the same by pysaml2", &microseconds(self.pysaml2));
        let goal = Goal::new("at least 0.28", self.rate >= RATE_GOAL);
        report.figure(
            "verifying with every check, in the rate of raw RSA-2048 verifications",
            &format!("{:.2}", self.rate),
            goal,
        );
        report.note("one raw RSA-2048 verification", &microseconds(self.raw));
    }
}
