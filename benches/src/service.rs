//! The service itself: started on a directory, looked at, ended.

use std::fmt;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use url::Url;

use crate::Outcome;
use crate::browser::Browser;

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Between two looks whether it answers.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Where everything of a service is, running or not.
pub(crate) struct Place {
    binary: PathBuf,
    directory: TempDir,
    port: u16,
}

/// A service that runs. It is killed if it is dropped.
pub(crate) struct Service {
    place: Place,
    child: Child,
    /// What it told the person who started it.
    greeting: String,
    /// From the start of the process to the whole sign-in page.
    pub(crate) first_page_after: Duration,
}

/// In bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    pub(crate) proportional: u64,
}

impl Place {
    /// An empty directory and a free port.
    pub(crate) fn new(binary: &Path) -> Outcome<Self> {
        let binary = binary.canonicalize().map_err(|error| format!("{}: {error}", binary.display()))?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        Ok(Self { binary, directory: tempfile::Builder::new().prefix("innkeeper-bench-").tempdir()?, port })
    }

    /// Starts the service here.
    pub(crate) fn start(self) -> Outcome<Service> {
        let data = self.directory.path().join("data");
        let log = fs::File::create(self.log())?;
        let begun = Instant::now();
        let mut child = Command::new(&self.binary)
            .arg("up")
            .current_dir(self.directory.path())
            .env("INNKEEPER__HTTP__LISTEN", format!("127.0.0.1:{}", self.port))
            .env("INNKEEPER__IDENTITY__URL", self.address("auth"))
            .env("INNKEEPER__WORKSPACES__URL", self.address("workspaces"))
            .env("INNKEEPER__DATA__DIR", &data)
            .env("INNKEEPER__DATABASE__URL", format!("sqlite:{}/innkeeper.db", data.display()))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let stdout = child.stdout.take().ok_or("the service has no output")?;
        let mut service =
            Service { place: self, child, greeting: String::new(), first_page_after: Duration::ZERO };
        service.wait_for_the_first_page(begun)?;
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            service.greeting.push_str(&line);
            service.greeting.push('\n');
            if line.contains("Ctrl-C") {
                return Ok(service);
            }
        }
        Err(format!("the service ended early:\n{}", service.log()).into())
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    fn address(&self, name: &str) -> String {
        format!("http://{name}.localhost:{}", self.port)
    }
}

impl Service {
    pub(crate) fn port(&self) -> u16 {
        self.place.port
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// An address at Identity.
    pub(crate) fn identity(&self, path: &str) -> Outcome<Url> {
        Ok(Url::parse(&self.place.address("auth"))?.join(path)?)
    }

    /// An address at Workspaces.
    pub(crate) fn workspaces(&self, path: &str) -> Outcome<Url> {
        Ok(Url::parse(&self.place.address("workspaces"))?.join(path)?)
    }

    /// The link in the greeting that has this in it.
    pub(crate) fn link(&self, part: &str) -> Outcome<Url> {
        let link =
            self.greeting.split_whitespace().find(|word| word.starts_with("http") && word.contains(part));
        Ok(Url::parse(link.ok_or_else(|| format!("no link with {part} in:\n{}", self.greeting))?)?)
    }

    /// What it takes of the machine's memory now.
    pub(crate) fn memory(&self) -> Outcome<Memory> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid()))?;
        let field = |name: &str| -> Outcome<u64> {
            let line =
                text.lines().find_map(|line| line.strip_prefix(name)).ok_or("smaps_rollup is different")?;
            Ok(line.split_whitespace().next().ok_or("smaps_rollup is different")?.parse::<u64>()? * 1024)
        };
        Ok(Memory { resident: field("Rss:")?, proportional: field("Pss:")? })
    }

    /// Ends it as Ctrl-C does.
    pub(crate) fn stop(mut self) -> Outcome<Place> {
        kill(self.pid(), Signal::SIGINT)?;
        let status = self.child.wait()?;
        if !status.success() {
            return Err(format!("the service ended with {status}:\n{}", self.log()).into());
        }
        // Only the directory is still wanted; there is no child to be killed any more.
        let empty = Place { binary: PathBuf::new(), directory: tempfile::tempdir()?, port: 0 };
        Ok(std::mem::replace(&mut self.place, empty))
    }

    fn wait_for_the_first_page(&mut self, begun: Instant) -> Outcome<()> {
        let address = self.identity("/if/flow/default-authentication-flow/")?;
        loop {
            let page = Browser::open(self.port()).and_then(|mut browser| browser.get(&address));
            if page.is_ok_and(|page| page.html.contains("type=\"password\"")) {
                self.first_page_after = begun.elapsed();
                return Ok(());
            }
            if self.child.try_wait()?.is_some() || begun.elapsed() > START_TIMEOUT {
                return Err(format!("the service does not show its sign-in page:\n{}", self.log()).into());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.place.log()).unwrap_or_default()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // After `stop` there is nothing left to end, and this says so and does nothing.
        if matches!(self.child.try_wait(), Ok(None)) {
            _ = self.child.kill();
            _ = self.child.wait();
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        write!(f, "{} MiB ({} MiB proportional)", mib(self.resident), mib(self.proportional))
    }
}
