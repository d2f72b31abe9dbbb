//! Stands in for the service in tests: `sandbox-init` as users' program has it, and `start STATE ID`, which starts
//! a session, prints its handle or the error, and then stays until it is killed.

use runtime::sandbox::{Config, Sandbox};
use runtime::{Driver, Kind, SessionSpec};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["sandbox-init"] => runtime::sandbox::init_main(),
        ["start", state_dir, id] => start(state_dir, id),
        _ => ExitCode::FAILURE,
    }
}

fn start(state_dir: &str, id: &str) -> ExitCode {
    let started = tokio::runtime::Runtime::new().and_then(|runtime| {
        let sandbox = Sandbox::new(Config { memory_reserve: 0, ..Config::new(state_dir) })?;
        Ok(runtime.block_on(sandbox.start(&SessionSpec::new(id, Kind::Terminal))))
    });
    match started {
        Ok(Ok(handle)) => println!("{}", serde_json::to_string(&handle).unwrap_or_default()),
        Ok(Err(error)) => {
            println!("{error}");
            return ExitCode::FAILURE;
        }
        Err(error) => {
            println!("{error}");
            return ExitCode::FAILURE;
        }
    }
    loop {
        std::thread::park();
    }
}
