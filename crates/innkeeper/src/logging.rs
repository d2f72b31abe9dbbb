//! The log, on standard error. Standard output is for the person who started the service.

use std::io::IsTerminal as _;

use crate::config::{Log, LogFormat};

/// Starts the log, once.
pub(crate) fn start(log: &Log) {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(log.level.filter())
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match log.format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
}
