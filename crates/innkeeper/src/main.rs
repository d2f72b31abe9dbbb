//! The binary: configuration, wiring, command line. The only crate that knows both products.

mod command_line;
mod config;
mod doctor;
mod logging;
mod serve;
mod wiring;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use command_line::{Command, CommandLine, ConfigCommand, EXPRESSION_WORKER, SANDBOX_INIT, Settings};

fn main() -> ExitCode {
    // A session's sandbox begins as a copy of this program. It must be entered before anything else
    // is set up: a process with threads can't change its namespaces.
    let first = std::env::args_os().nth(1);
    if first.as_ref().is_some_and(|first| first == SANDBOX_INIT) {
        return runtime::sandbox::init_main();
    }
    // Likewise what evaluates expressions, which gives up its rights as a whole process.
    if first.as_ref().is_some_and(|first| first == EXPRESSION_WORKER) {
        return identity::expressions::worker_main();
    }
    match CommandLine::parse().command {
        Command::Up(up) => serve::up(&read(up.settings), up.bare),
        Command::Config { command: ConfigCommand::Check(settings) } => check(&read(settings)),
        Command::Config { command: ConfigCommand::Show(settings) } => show(&read(settings)),
        Command::Doctor(settings) => doctor::run(&read(settings)),
    }
}

fn read(settings: Settings) -> config::Reading {
    config::read(&settings.into_sources())
}

fn check(reading: &config::Reading) -> ExitCode {
    print_problems(reading);
    if !reading.is_usable() {
        return ExitCode::FAILURE;
    }
    match &reading.file {
        Some(file) => tell(&format!("The configuration is good ({}).\n", file.display())),
        None => tell("The configuration is good (no file; built-in values).\n"),
    }
    ExitCode::SUCCESS
}

fn show(reading: &config::Reading) -> ExitCode {
    tell(&config::show(&reading.shown));
    if reading.problems.is_empty() {
        return ExitCode::SUCCESS;
    }
    print_problems(reading);
    if reading.is_usable() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Problems go to standard error, so that what is shown can be kept in a file.
fn print_problems(reading: &config::Reading) {
    for problem in &reading.problems {
        eprintln!("{problem}");
    }
}

/// Writes to standard output. If nobody reads it any more (`innkeeper up | head`), that is no reason to end.
fn tell(text: &str) {
    let mut out = std::io::stdout().lock();
    _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
