//! `innkeeper up`: database, products, listener, in this order, and back again at the end.

mod connections;
mod data_dir;
mod files;
mod greeting;
mod hosts;
mod signals;

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use store::{Store, StoreConfig};
use tokio::net::TcpListener;

use crate::config::{Config, Reading};
use crate::wiring::Products;
use crate::{logging, tell, wiring};

pub(crate) use data_dir::{DataDir, Holder, key_of, who_holds};
pub(crate) use files::open_files_limit;

/// How long requests under way may take to end after the signal to stop.
const GRACE: Duration = Duration::from_secs(8);

/// How long the products and the database may take after that.
const CLOSING: Duration = Duration::from_secs(5);

/// Why the service did not start, as a sentence for the person who started it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The configuration has errors; they have been told.
    #[error("The configuration has errors, so nothing was started.")]
    Configuration,
    /// The data directory or the master key.
    #[error("{0}")]
    Data(String),
    /// The database.
    #[error("The database {address} can't be used: {cause}.\nRun `innkeeper doctor` to see what it lacks.")]
    Database {
        /// Its address, without a password.
        address: String,
        /// What it said.
        cause: String,
    },
    /// A product.
    #[error("{0}")]
    Product(String),
    /// The listener.
    #[error("{}", listen_failure(*.0, .1))]
    Listen(SocketAddr, #[source] io::Error),
    /// The operating system.
    #[error("The service can't be started: {0}.")]
    System(#[from] io::Error),
}

/// Runs the service until it is told to stop.
pub(crate) fn up(reading: &Reading, bare: bool) -> ExitCode {
    for problem in &reading.problems {
        eprintln!("{problem}");
    }
    let outcome = if reading.is_usable() { run(&reading.config, bare) } else { Err(Failure::Configuration) };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(config: &Config, bare: bool) -> Result<(), Failure> {
    logging::start(&config.log);
    files::raise_open_files_limit();
    let data_dir = DataDir::take(&config.data.dir).map_err(Failure::Data)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(run_until_stopped(config, bare));
    // What still runs now is a task that did not listen; it must not keep the service from ending.
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(data_dir);
    outcome
}

async fn run_until_stopped(config: &Config, bare: bool) -> Result<(), Failure> {
    let key = key_of(&config.secrets.key).map_err(Failure::Data)?;
    let store = open_store(config).await?;
    let products = wiring::open(config, bare, &store, &key).await.map_err(|error| match error {
        wiring::Error::Store(error) => database_failure(config, &error),
        other => Failure::Product(other.to_string()),
    })?;

    let listen = config.http.listen;
    let listener = TcpListener::bind(listen).await.map_err(|error| Failure::Listen(listen, error))?;
    let mut stop = signals::Stop::listen()?;
    let hosts = hosts::Hosts::new(&config.addresses, &products, store.clone());
    tell(&greeting::text(config, &products.first_steps));
    tracing::info!(%listen, "listening");

    connections::serve(listener, hosts, stop.asked(), GRACE).await;
    tokio::select! {
        () = close(products, store) => tracing::info!("stopped"),
        () = tokio::time::sleep(CLOSING) => tracing::warn!("stopped before everything had ended"),
        () = stop.asked() => tracing::warn!("stopped at once, as was asked again"),
    }
    Ok(())
}

async fn open_store(config: &Config) -> Result<Store, Failure> {
    let store_config = StoreConfig {
        url: config.database.url.secret().to_owned(),
        max_connections: config.database.max_connections,
    };
    Store::open(&store_config, wiring::MIGRATIONS).await.map_err(|error| database_failure(config, &error))
}

/// Ends what was started, the last first.
async fn close(products: Products, store: Store) {
    products.close().await;
    store.close().await;
}

fn database_failure(config: &Config, error: &store::Error) -> Failure {
    Failure::Database { address: config.database.url.to_string(), cause: with_causes(error) }
}

/// An error with all its causes, in one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let sentence = error.to_string();
        if !text.contains(&sentence) {
            text = format!("{text}: {sentence}");
        }
        cause = error.source();
    }
    text.trim_end_matches('.').to_owned()
}

fn listen_failure(listen: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "Port {} is in use by another program. Stop that one, or choose another with --listen {}:{}.",
            listen.port(),
            listen.ip(),
            listen.port().checked_add(1).unwrap_or(9000),
        ),
        io::ErrorKind::PermissionDenied => format!(
            "Port {} may be opened by an administrator only. Choose one from 1024 up with --listen.",
            listen.port()
        ),
        io::ErrorKind::AddrNotAvailable => {
            format!("{} is not an address of this machine. Choose one with --listen.", listen.ip())
        }
        _ => format!("{listen} can't be listened on: {error}."),
    }
}
