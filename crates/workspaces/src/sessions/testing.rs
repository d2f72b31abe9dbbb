//! What tests launch sessions with: a driver whose rooms hold a few bytes of RFB, and the clicks of a person.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ::store::testing::TestDatabase;
use async_trait::async_trait;
use runtime::{
    Capabilities, Capacity, Driver, EndCause, Error, Handle, Observed, RfbStream, SessionSpec, StartError,
    State, Usage,
};
use testkit::{Browser, FakeClock, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::watch;

use crate::testing::{House, NOON, ORIGIN};

/// A driver that starts nothing, and does as it is told. Clones are the same driver.
#[derive(Clone)]
pub(crate) struct FakeDriver(Arc<Mutex<Rooms>>);

pub(crate) struct Rooms {
    pub(crate) rooms: BTreeMap<String, Room>,
    /// Every session that was started, as it was asked for.
    pub(crate) specs: Vec<SessionSpec>,
    /// Every session that was stopped.
    pub(crate) stopped: Vec<String>,
    pub(crate) max_sessions: usize,
    /// Why the next starts fail.
    pub(crate) refuse_start: Option<String>,
    pub(crate) refuse_stop: bool,
    /// [`Driver::list`] leaves out what runs, as if it had started a moment later.
    pub(crate) list_is_late: bool,
    /// What browsers sent after the handshake.
    pub(crate) input: Vec<u8>,
    /// Starts wait while this is `false`.
    gate: watch::Sender<bool>,
}

pub(crate) struct Room {
    handle: Handle,
    pub(crate) state: State,
    /// Dropped when the room ends, which closes what is connected.
    open: watch::Sender<()>,
}

impl Room {
    fn new(session: &str, number: usize) -> Self {
        let handle =
            Handle { driver: "fake".into(), session: session.to_owned(), incarnation: number.to_string() };
        Self { handle, state: State::Running, open: watch::channel(()).0 }
    }
}

impl FakeDriver {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Rooms {
            rooms: BTreeMap::new(),
            specs: Vec::new(),
            stopped: Vec::new(),
            max_sessions: 12,
            refuse_start: None,
            refuse_stop: false,
            list_is_late: false,
            input: Vec::new(),
            gate: watch::channel(true).0,
        })))
    }

    pub(crate) fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.0.lock().unwrap()
    }

    /// Starts wait from now on, or go on.
    pub(crate) fn gate(&self, open: bool) {
        self.rooms().gate.send_replace(open);
    }

    /// A session ends by itself.
    pub(crate) fn end(&self, session: &str, cause: EndCause) {
        let mut rooms = self.rooms();
        let room = rooms.rooms.get_mut(session).unwrap();
        room.state = State::Ended { cause };
        room.open = watch::channel(()).0;
    }

    /// A session is gone without a trace.
    pub(crate) fn vanish(&self, session: &str) {
        self.rooms().rooms.remove(session).unwrap();
    }

    /// A session runs that nobody asked for.
    pub(crate) fn stray(&self, session: &str) {
        self.rooms().rooms.insert(session.to_owned(), Room::new(session, 0));
    }

    pub(crate) fn runs(&self, session: &str) -> bool {
        self.rooms().rooms.get(session).is_some_and(|room| room.state == State::Running)
    }
}

#[async_trait]
impl Driver for FakeDriver {
    fn capabilities(&self) -> Capabilities {
        Capabilities { memory_limit: true, cpu_shares: true, survives_restart: true, network: false }
    }

    async fn start(&self, spec: &SessionSpec) -> Result<Handle, StartError> {
        let mut gate = {
            let mut rooms = self.rooms();
            rooms.specs.push(spec.clone());
            rooms.gate.subscribe()
        };
        let _gone = gate.wait_for(|open| *open).await;
        let mut rooms = self.rooms();
        if let Some(reason) = &rooms.refuse_start {
            return Err(StartError::Invalid(reason.clone()));
        }
        let number = rooms.specs.len();
        let room = rooms.rooms.entry(spec.id.clone()).or_insert_with(|| Room::new(&spec.id, number));
        Ok(room.handle.clone())
    }

    async fn connect(&self, handle: &Handle) -> Result<Box<dyn RfbStream>, Error> {
        let mut rooms = self.rooms();
        let room = rooms.rooms.get_mut(&handle.session).ok_or(Error::Ended(EndCause::Unknown))?;
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let mut open = room.open.subscribe();
        let driver = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                _closed = open.changed() => {}
                _left = speak(driver, ours) => {}
            }
        });
        Ok(Box::new(theirs))
    }

    async fn status(&self, handle: &Handle) -> Result<State, Error> {
        let rooms = self.rooms();
        let room = rooms.rooms.get(&handle.session).filter(|room| room.handle == *handle);
        Ok(room.map_or(State::Ended { cause: EndCause::Unknown }, |room| room.state.clone()))
    }

    async fn stop(&self, handle: &Handle, _: Duration) -> Result<(), Error> {
        let mut rooms = self.rooms();
        if rooms.refuse_stop {
            return Err(Error::NotRemoved("a process does not end".into()));
        }
        rooms.rooms.remove(&handle.session);
        rooms.stopped.push(handle.session.clone());
        Ok(())
    }

    async fn list(&self) -> Result<Vec<Observed>, Error> {
        let rooms = self.rooms();
        if rooms.list_is_late {
            return Ok(Vec::new());
        }
        let observed = |room: &Room| Observed { handle: room.handle.clone(), state: room.state.clone() };
        Ok(rooms.rooms.values().map(observed).collect())
    }

    async fn capacity(&self) -> Result<Capacity, Error> {
        let rooms = self.rooms();
        let (running, max_sessions) = (rooms.rooms.len(), rooms.max_sessions);
        let full = format!("{running} of {max_sessions} sessions are running");
        let no_room = (running >= max_sessions).then_some(full);
        Ok(Capacity { running, max_sessions, memory_available: 1 << 30, no_room })
    }

    async fn usage(&self, _: &Handle) -> Result<Usage, Error> {
        Ok(Usage::default())
    }
}

/// An RFB server (RFC 6143 section 7) with a screen of 640 by 480 on which nothing ever happens.
async fn speak(driver: FakeDriver, mut stream: DuplexStream) -> std::io::Result<()> {
    stream.write_all(b"RFB 003.008\n").await?;
    stream.read_exact(&mut [0; 12]).await?;
    stream.write_all(&[1, 1]).await?;
    stream.read_exact(&mut [0; 1]).await?;
    stream.write_all(&[0; 4]).await?;
    stream.read_exact(&mut [0; 1]).await?;
    stream.write_all(&[2, 128, 1, 224]).await?;
    stream.write_all(&[32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]).await?;
    stream.write_all(&[0, 0, 0, 4]).await?;
    stream.write_all(b"room").await?;
    loop {
        let mut bytes = [0; 1024];
        match stream.read(&mut bytes).await? {
            0 => return Ok(()),
            count => driver.rooms().input.extend_from_slice(&bytes[..count]),
        }
    }
}

/// The product on a database, with a driver.
pub(crate) async fn open(db: &TestDatabase, driver: &FakeDriver) -> House {
    House::open_with(db, Arc::new(driver.clone()), None, FakeClock::at(NOON)).await
}

/// Clicks on Launch and returns the id of the session.
pub(crate) async fn launch(browser: &mut Browser, workspace: &str) -> String {
    let page = browser.get(&format!("{ORIGIN}/")).await;
    let form = page.form(&format!("form:has(button[aria-label='Launch {workspace}'])"));
    let page = browser.submit(form).await;
    let id = page.url.path().strip_prefix("/session/");
    id.unwrap_or_else(|| panic!("no session: {} {}", page.url, page.body)).to_owned()
}

/// Launches, and waits until it runs.
pub(crate) async fn launch_and_wait(browser: &mut Browser, workspace: &str) -> String {
    let id = launch(browser, workspace).await;
    until_state(browser, &id, "running").await;
    id
}

/// Where the link with these words leads.
pub(crate) fn link_to(page: &Reply, words: &str) -> String {
    let end = page.body.find(&format!(">{words}</a>")).unwrap_or_else(|| panic!("no {words}: {}", page.body));
    let rest = page.body[..end].rsplit("href=\"").next().unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// Waits until the page of the session would say so, and returns the sentence.
pub(crate) async fn until_state(browser: &mut Browser, id: &str, wanted: &str) -> String {
    let mut last = String::new();
    for _ in 0..1000 {
        let status = browser.get(&format!("{ORIGIN}/api/sessions/{id}/status")).await;
        last = status.body.clone();
        if status.status.is_success() && status.json()["state"] == wanted {
            return status.json()["message"].as_str().unwrap().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the session {id} is never {wanted}: {last}")
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}")
}
