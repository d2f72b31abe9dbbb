//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{Argument, Sources, VARIABLE_PREFIX};

/// The word with which the service starts itself again to enter a session's sandbox. It isn't a command
/// for people and so isn't listed with them.
pub(crate) const SANDBOX_INIT: &str = "sandbox-init";

/// The word with which the service starts itself again to evaluate expressions, likewise.
pub(crate) const EXPRESSION_WORKER: &str = identity::expressions::WORKER_WORD;

/// Signs people in once and gives each of them a room: a desktop or a terminal in a browser tab.
#[derive(Debug, Parser)]
#[command(name = "innkeeper", version, after_help = AFTER_HELP)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Begin with:
  innkeeper up        starts everything and prints the two addresses
  innkeeper doctor    says what is missing on this machine

Settings come from a file (innkeeper.toml here, or --config FILE), from variables such as
INNKEEPER__HTTP__LISTEN, and from flags; later ones win, and every setting has a built-in value.
`innkeeper config show` lists them all.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start Identity and Workspaces, connected, and stay in the foreground
    Up(Up),
    /// Check or show the configuration
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Say what is missing on this machine, and the command that mends it
    Doctor(Settings),
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say everything that is wrong with it, where, and what to write instead
    Check(Settings),
    /// Print every setting and where its value comes from; secrets stay hidden
    Show(Settings),
}

/// Start the service.
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Leave the two products unconnected and without the sample user, to connect them by hand
    #[arg(long)]
    pub(crate) bare: bool,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// Settings that can be made on the command line.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Configuration file [default: innkeeper.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory for everything that must survive a restart [default: ./data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Address and port to listen on [default: 127.0.0.1:9000]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
}

impl Settings {
    /// These settings over those of the environment and the file.
    pub(crate) fn into_sources(self) -> Sources {
        let flags = [("data.dir", "--data", self.data), ("http.listen", "--listen", self.listen)];
        let arguments = flags
            .into_iter()
            .filter_map(|(key, flag, value)| value.map(|value| Argument { key, flag, value }))
            .collect();
        Sources { file: self.config, environment: environment(), arguments }
    }
}

/// The variables that are settings. One that isn't text is none of ours.
fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(VARIABLE_PREFIX))
        .collect()
}
