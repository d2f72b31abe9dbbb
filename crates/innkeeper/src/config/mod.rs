//! The configuration: what is built in, then a file, then the environment, then the command line.
//!
//! One file here per section. Every setting has a built-in value, so no file is needed. Reading goes
//! on past a problem and collects them all: a wrong value is replaced by the built-in one only so
//! that the rest can still be looked at, and the configuration is refused as a whole.

mod data;
mod database;
mod http;
mod layers;
mod log;
mod problem;
mod products;
mod reader;
mod sandbox;
mod secrets;
mod setting;
mod show;

use std::path::PathBuf;

pub(crate) use data::Data;
pub(crate) use database::Database;
pub(crate) use http::Http;
pub(crate) use layers::{Argument, Layers, Origin};
pub(crate) use log::{Log, LogFormat};
pub(crate) use problem::Problem;
pub(crate) use products::{Addresses, PublicAddress};
use reader::Reader;
pub(crate) use reader::{Shown, ShownValue};
pub(crate) use sandbox::SandboxLimits;
pub(crate) use secrets::{KeyFrom, Secrets, write_new_key};
pub(crate) use show::show;

/// The file that is read when none is named and it is there.
const USUAL_FILE: &str = "innkeeper.toml";

/// Variables of the environment that are settings: `INNKEEPER__HTTP__LISTEN` is `http.listen`.
pub(crate) const VARIABLE_PREFIX: &str = "INNKEEPER__";

/// Where settings come from besides the built-in values.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// The file named on the command line.
    pub(crate) file: Option<PathBuf>,
    /// Variables of the environment.
    pub(crate) environment: Vec<(String, String)>,
    /// Settings made by flags.
    pub(crate) arguments: Vec<Argument>,
}

impl Sources {
    /// The file named, or the usual one if it is there.
    fn file(&self) -> Option<PathBuf> {
        let usual = || Some(PathBuf::from(USUAL_FILE)).filter(|path| path.exists());
        self.file.clone().or_else(usual)
    }
}

/// All settings of one start.
#[derive(Debug)]
pub(crate) struct Config {
    /// The listener.
    pub(crate) http: Http,
    /// The addresses of the two products.
    pub(crate) addresses: Addresses,
    /// The database.
    pub(crate) database: Database,
    /// The data directory.
    pub(crate) data: Data,
    /// The master key.
    pub(crate) secrets: Secrets,
    /// The log.
    pub(crate) log: Log,
    /// The sandbox.
    pub(crate) sandbox: SandboxLimits,
}

/// What came of reading the configuration.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The settings; to be used only if nothing in `problems` is an error.
    pub(crate) config: Config,
    /// Everything that is wrong or doubtful, in the order of the sources.
    pub(crate) problems: Vec<Problem>,
    /// Every setting with its value as shown to a person, and where it came from.
    pub(crate) shown: Vec<Shown>,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
}

impl Reading {
    /// Whether the service can start with it.
    pub(crate) fn is_usable(&self) -> bool {
        !self.problems.iter().any(Problem::is_error)
    }
}

/// Reads all sources.
pub(crate) fn read(sources: &Sources) -> Reading {
    let file = sources.file();
    let mut problems = Vec::new();
    let layers = Layers::read(file.as_deref(), &sources.environment, &sources.arguments, &mut problems);
    let mut reader = Reader::new(&layers);

    let http = Http::read(&mut reader);
    let addresses = Addresses::read(&mut reader, http.listen.port());
    let data = Data::read(&mut reader);
    let database = Database::read(&mut reader, &data);
    let secrets = Secrets::read(&mut reader, &data);
    let log = Log::read(&mut reader);
    let sandbox = SandboxLimits::read(&mut reader, &data);

    let (shown, found) = reader.finish();
    problems.extend(found);
    let config = Config { http, addresses, database, data, secrets, log, sandbox };
    Reading { config, problems, shown, file }
}

#[cfg(test)]
mod tests;
