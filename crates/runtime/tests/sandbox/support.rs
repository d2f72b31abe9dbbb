//! Sessions for tests, which clean up after themselves, and a viewer of the RFB protocol (RFC 6143).

use runtime::sandbox::{Config, Sandbox};
use runtime::{Driver, Handle, Kind, RfbStream, SessionSpec, State};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub(crate) const MIB: u64 = 1024 * 1024;

/// A sandbox with a state directory of its own. Whatever still runs in it ends with it.
pub(crate) struct Scene {
    pub(crate) sandbox: Sandbox,
    pub(crate) config: Config,
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
}

impl Scene {
    pub(crate) fn new() -> Scene {
        Scene::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config_in(&folder.path().join("state"));
        change(&mut config);
        let sandbox = Sandbox::new(config.clone()).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Scene { sandbox, config, runtime, folder }
    }

    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(crate) fn start(&self, spec: &SessionSpec) -> Handle {
        self.run(self.sandbox.start(spec)).unwrap()
    }

    pub(crate) fn stop(&self, handle: &Handle) {
        self.run(self.sandbox.stop(handle, Duration::from_secs(2))).unwrap();
    }

    pub(crate) fn state(&self, handle: &Handle) -> State {
        self.run(self.sandbox.status(handle)).unwrap()
    }

    /// Waits until the session has ended.
    pub(crate) fn ended(&self, handle: &Handle, limit: Duration) -> State {
        let until = Instant::now() + limit;
        loop {
            match self.state(handle) {
                State::Running if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
                state => return state,
            }
        }
    }

    pub(crate) fn session_dir(&self, id: &str) -> PathBuf {
        self.config.state_dir.join(id)
    }

    /// A new empty directory, writable by a session's user as its home.
    pub(crate) fn home(&self, name: &str) -> PathBuf {
        let home = self.folder.path().join(name);
        std::fs::create_dir(&home).unwrap();
        if as_root() {
            std::os::unix::fs::chown(&home, Some(1000), Some(1000)).unwrap();
        }
        home
    }

    /// Runs a shell script in a session that ends with it, and returns what it printed.
    pub(crate) fn probe(&self, id: &str, script: &str, change: impl FnOnce(&mut SessionSpec)) -> String {
        let home = self.home(id);
        let mut spec = program(id, &format!("{{ {script}\n}} > ~/out 2>&1; mv ~/out ~/done; exec sleep 600"));
        spec.home = Some(home.clone());
        change(&mut spec);
        let handle = self.start(&spec);
        let text = wait_for_file(&home.join("done"));
        self.stop(&handle);
        text
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let (sandbox, runtime) = (&self.sandbox, &self.runtime);
        runtime.block_on(async {
            for observed in sandbox.list().await.unwrap_or_default() {
                if let Err(error) = sandbox.stop(&observed.handle, Duration::ZERO).await {
                    eprintln!("{} is left behind: {error}", observed.handle.session);
                }
            }
        });
    }
}

pub(crate) fn config_in(state_dir: &Path) -> Config {
    let mut config = Config::new(state_dir);
    config.init = service();
    config.memory_reserve = 64 * MIB;
    config
}

/// The program that stands in for the service. Where the tests are run again as another user, it lies beside
/// them.
pub(crate) fn service() -> PathBuf {
    let beside = std::env::current_exe().unwrap().with_file_name("runtime-test-service");
    if beside.exists() { beside } else { PathBuf::from(env!("CARGO_BIN_EXE_runtime-test-service")) }
}

pub(crate) fn as_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// A session whose only program is a shell script.
pub(crate) fn program(id: &str, script: &str) -> SessionSpec {
    let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
    SessionSpec { memory: 512 * MIB, ..SessionSpec::new(id, Kind::Program { argv }) }
}

pub(crate) fn wait_for_file(path: &Path) -> String {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        if let Ok(text) = std::fs::read_to_string(path) {
            return text;
        }
        assert!(Instant::now() < until, "{} never appeared", path.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A command that does nothing, and that no other test or run of the tests has.
pub(crate) fn idle_command(number: u32) -> String {
    format!("sleep {number}{}", std::process::id())
}

/// The processes of this machine whose command line contains `text`.
pub(crate) fn processes_with(text: &str) -> Vec<i32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap() {
        let Some(pid) = entry.unwrap().file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).replace('\0', " ").contains(text) {
            found.push(pid);
        }
    }
    found
}

/// A connected viewer.
pub(crate) struct Viewer {
    stream: Box<dyn RfbStream>,
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) name: String,
}

impl Viewer {
    pub(crate) async fn connect(sandbox: &Sandbox, handle: &Handle) -> Viewer {
        let mut stream = sandbox.connect(handle).await.unwrap();
        let mut version = [0; 12];
        stream.read_exact(&mut version).await.unwrap();
        assert_eq!(&version, b"RFB 003.008\n");
        stream.write_all(&version).await.unwrap();
        let count = stream.read_u8().await.unwrap();
        let mut kinds = vec![0; count.into()];
        stream.read_exact(&mut kinds).await.unwrap();
        assert_eq!(kinds, [1], "no authentication is the only security type");
        stream.write_all(&[1]).await.unwrap();
        assert_eq!(stream.read_u32().await.unwrap(), 0);
        stream.write_all(&[1]).await.unwrap();
        let (width, height) = (stream.read_u16().await.unwrap(), stream.read_u16().await.unwrap());
        stream.read_exact(&mut [0; 16]).await.unwrap();
        let mut name = vec![0; stream.read_u32().await.unwrap().try_into().unwrap()];
        stream.read_exact(&mut name).await.unwrap();
        // Raw encoding only.
        stream.write_all(&[2, 0, 0, 1, 0, 0, 0, 0]).await.unwrap();
        Viewer { stream, width, height, name: String::from_utf8(name).unwrap() }
    }

    /// One whole frame, four bytes a pixel.
    pub(crate) async fn frame(&mut self) -> Vec<u8> {
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        let mut request = vec![3, 0, 0, 0, 0, 0];
        request.extend(self.width.to_be_bytes());
        request.extend(self.height.to_be_bytes());
        self.stream.write_all(&request).await.unwrap();
        let mut frame = vec![0; width * height * 4];
        while self.stream.read_u8().await.unwrap() != 0 {
            // Bells and clipboards may come first.
            self.skip_message().await;
        }
        self.stream.read_u8().await.unwrap();
        for _ in 0..self.stream.read_u16().await.unwrap() {
            let mut place = [0_usize; 4];
            for part in &mut place {
                *part = self.stream.read_u16().await.unwrap().into();
            }
            assert_eq!(self.stream.read_i32().await.unwrap(), 0);
            let [left, top, across, down] = place;
            for row in top..top + down {
                let start = (row * width + left) * 4;
                self.stream.read_exact(&mut frame[start..start + across * 4]).await.unwrap();
            }
        }
        frame
    }

    /// Presses and releases keys by their X11 keysyms; for ASCII these are the codes.
    pub(crate) async fn type_text(&mut self, text: &str) {
        for key in text.bytes().map(|byte| if byte == b'\n' { 0xff0d } else { u32::from(byte) }) {
            for down in [1, 0] {
                let mut event = vec![4, down, 0, 0];
                event.extend(key.to_be_bytes());
                self.stream.write_all(&event).await.unwrap();
            }
        }
    }

    /// Asks for another size of the screen (SetDesktopSize); a viewer that connects after it sees the new one.
    pub(crate) async fn resize(&mut self, width: u16, height: u16) {
        let mut request = vec![251, 0];
        request.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
        request.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        request.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
        request.extend([0; 4]);
        // The server heeds it only from viewers that know the pseudo-encoding ExtendedDesktopSize, -308.
        self.stream.write_all(&[2, 0, 0, 2, 0, 0, 0, 0, 0xff, 0xff, 0xfe, 0xcc]).await.unwrap();
        self.stream.write_all(&request).await.unwrap();
    }

    async fn skip_message(&mut self) {
        // ServerCutText after its type; a bell has no body, and then nothing follows before the next type.
        self.stream.read_exact(&mut [0; 3]).await.unwrap();
        let length = self.stream.read_u32().await.unwrap();
        let mut text = vec![0; length.try_into().unwrap()];
        self.stream.read_exact(&mut text).await.unwrap();
    }
}
