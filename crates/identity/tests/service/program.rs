//! Stands in for the service in tests: evaluates expressions as users' program does when it is started for that.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|first| first == identity::expressions::WORKER_WORD) {
        return identity::expressions::worker_main();
    }
    ExitCode::FAILURE
}
