//! `make bench`: what docs/performance.md tells, measured in one run on the release binary.
//!
//! Every comparison is of CPU time within this run: the two sides take turns, and the median of the rounds
//! counts, so that another machine gives other milliseconds and nearly the same multiples.

mod administrator;
mod browser;
mod core_cost;
mod cpu;
mod first_frame;
mod http;
mod key;
mod machine;
mod page;
mod report;
mod service;
mod sign_in;
mod sso;
mod starting;
mod verification;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use report::Report;
use service::Place;

/// What worked, or a sentence about what did not.
type Outcome<T> = Result<T, Box<dyn Error>>;

/// Measures Innkeeper on this machine.
#[derive(Debug, Parser)]
struct Arguments {
    /// Print the table as docs/performance.md has it
    #[arg(long)]
    markdown: bool,
    /// Leave out the browser
    #[arg(long)]
    without_browser: bool,
    /// Measure nothing: only sign in, for that many seconds, so that a profiler can look at the service
    #[arg(long, value_name = "SECONDS")]
    profile: Option<u64>,
    /// The service to measure
    #[arg(long, default_value = "target/release/innkeeper")]
    innkeeper: PathBuf,
    /// A Python with python3-saml
    #[arg(long, default_value = "interop/.venv/bin/python")]
    python: PathBuf,
    /// A Node.js
    #[arg(long, default_value = "node")]
    node: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.profile {
        Some(seconds) => load(&arguments, Duration::from_secs(seconds)),
        None => measure(&arguments).map(|report| {
            print!("{}", if arguments.markdown { report.markdown() } else { report.text() });
        }),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Nothing was measured to the end: {error}");
            ExitCode::FAILURE
        }
    }
}

fn load(arguments: &Arguments, time: Duration) -> Outcome<()> {
    let service = Place::new(&arguments.innkeeper)?.start()?;
    let sign_in = sign_in::Person::prepare(&service)?.sign_in(&service)?;
    eprintln!("signing in for {} s; the service is process {}", time.as_secs(), service.pid());
    let begun = Instant::now();
    while begun.elapsed() < time {
        sso::sign_in_often(&service, &sign_in, sso::SIGN_INS, sso::CONNECTIONS)?;
    }
    service.stop()?;
    Ok(())
}

fn measure(arguments: &Arguments) -> Outcome<Report> {
    let mut report = Report::begin();
    let key = key::Key::generate()?;

    eprintln!("starting…");
    let (service, starts) = starting::measure(&arguments.innkeeper)?;
    starts.tell(&mut report);

    eprintln!("signing in…");
    let mut person = sign_in::Person::prepare(&service)?;
    let mut administrator = administrator::Administrator::set_up(&service)?;
    let encrypted = sso::measure(&service, &person.sign_in(&service)?, &key)?;
    administrator.encrypt_nothing()?;
    let sign_in = person.sign_in(&service)?;
    let sso = sso::measure(&service, &sign_in, &key)?;
    let response = sign_in.response(&service)?;
    let core = core_cost::measure(&sign_in, &response, &key)?;
    sso.tell(&core, &mut report);
    encrypted.tell_encrypted(&mut report);
    core.tell(&mut report);
    report.note("memory after these sign-ins", &service.memory()?.to_string());

    eprintln!("verifying…");
    verification::measure(&sign_in, &service, &arguments.python, &key)?.tell(&mut report);

    if !arguments.without_browser {
        eprintln!("launching…");
        first_frame::measure(&service, &person.username, &arguments.node)?.tell(&mut report);
    }

    eprintln!("signing in with ECDSA…");
    // Last, as Workspaces does not know the new certificate.
    administrator.sign_with_p256(&service)?;
    let sign_in = person.sign_in(&service)?;
    sso::measure(&service, &sign_in, &key)?.tell_elliptic(&sso, &mut report);
    service.stop()?;
    Ok(report)
}
