//! The built binary, as a person meets it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const ENOUGH: Duration = Duration::from_secs(30);

/// The binary, in an empty directory and with no settings of the environment.
fn innkeeper(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
    command.current_dir(dir).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A running service; killed if a test ends early.
struct Service {
    child: Child,
    greeting: String,
    port: u16,
}

impl Service {
    /// Starts it on `dir/data` and waits for the end of its greeting.
    fn start(dir: &Path) -> Self {
        let port = free_port();
        let child = innkeeper(dir)
            .args(["up", "--listen", &format!("127.0.0.1:{port}")])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut service = Self { child, greeting: String::new(), port };
        for line in BufReader::new(service.child.stdout.take().unwrap()).lines() {
            service.greeting.push_str(&line.unwrap());
            service.greeting.push('\n');
            if service.greeting.contains("Ctrl-C") {
                return service;
            }
        }
        let mut log = String::new();
        service.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        panic!("it did not start:\n{}\n{log}", service.greeting);
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    fn end(mut self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        wait(&mut self.child)
    }

    fn ask(&self, host: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(ENOUGH)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            _ = self.child.kill();
            _ = self.child.wait();
        }
    }
}

fn wait(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(begun.elapsed() < ENOUGH, "the service does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn help_names_every_command_and_hides_the_sandbox() {
    let dir = tempfile::tempdir().unwrap();
    let output = innkeeper(dir.path()).arg("--help").output().unwrap();
    assert!(output.status.success());
    let text = told(&output);
    for part in ["up", "config", "doctor", "innkeeper.toml", "INNKEEPER__HTTP__LISTEN"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("sandbox-init"), "{text}");
    let up = told(&innkeeper(dir.path()).args(["up", "--help"]).output().unwrap());
    for flag in ["--bare", "--config <FILE>", "--data <DIR>", "--listen <ADDR>"] {
        assert!(up.contains(flag), "{flag} is not in\n{up}");
    }
}

#[test]
fn config_check_says_what_is_wrong_with_exit_code_1() {
    let dir = tempfile::tempdir().unwrap();
    let good = innkeeper(dir.path()).args(["config", "check"]).output().unwrap();
    assert_eq!(good.status.code(), Some(0), "{}", told(&good));

    std::fs::write(dir.path().join("innkeeper.toml"), "[http]\nlisen = \"127.0.0.1:80\"\n").unwrap();
    let bad = innkeeper(dir.path()).args(["config", "check"]).output().unwrap();
    assert_eq!(bad.status.code(), Some(1));
    let text = told(&bad);
    assert!(text.contains("error: innkeeper.toml:2: http.lisen: There is no such setting."), "{text}");
    assert!(text.contains("Did you mean http.listen?"), "{text}");

    let up = innkeeper(dir.path()).arg("up").output().unwrap();
    assert_eq!(up.status.code(), Some(1));
    assert!(told(&up).contains("The configuration has errors, so nothing was started."), "{}", told(&up));
    assert!(!dir.path().join("data").exists(), "bad input changes nothing");
}

#[test]
fn config_show_names_the_origin_of_each_value_and_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("other.toml"), "[log]\nformat = \"json\"\n").unwrap();
    let output = innkeeper(dir.path())
        .args(["config", "show", "--config", "other.toml", "--data", "elsewhere"])
        .env("INNKEEPER__DATABASE__URL", "postgres://keeper:hunter2@db/inn")
        .output()
        .unwrap();
    assert!(output.status.success());
    let text = told(&output);
    for part in ["# other.toml:2", "# --data", "# INNKEEPER__DATABASE__URL", "keeper:hidden@db"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn doctor_tells_a_missing_thing_with_what_mends_it_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let output = innkeeper(dir.path()).args(["doctor", "--listen", &listen]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = told(&output);
    assert!(text.contains(&format!("{listen} is in use by another program")), "{text}");
    assert!(text.contains("-> ") && text.contains("Xvnc"), "{text}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "looking must not make anything");
}

#[test]
fn both_products_answer_by_name_and_stopping_is_clean() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    for host in ["auth.localhost", "workspaces.localhost"] {
        let address = format!("http://{host}:{}", service.port);
        assert!(service.greeting.contains(&address), "{}", service.greeting);
        assert!(service.ask(host, "/-/health/ready/").starts_with("HTTP/1.1 200"));
        let answer = service.ask(host, "/there-is-no-such-page");
        assert!(
            answer.starts_with("HTTP/1.1 404") && answer.contains("content-security-policy:"),
            "{answer}"
        );
    }
    assert!(service.ask("elsewhere.example.com", "/").starts_with("HTTP/1.1 421"));
    assert_eq!(service.end(Signal::SIGTERM).code(), Some(0));

    let key = std::fs::read(dir.path().join("data/secret.key")).unwrap();
    let again = Service::start(dir.path());
    assert_eq!(again.end(Signal::SIGINT).code(), Some(0));
    assert_eq!(std::fs::read(dir.path().join("data/secret.key")).unwrap(), key, "everything is as it was");
}

#[test]
fn a_second_service_on_the_same_data_is_refused_and_a_killed_one_leaves_no_lock() {
    let dir = tempfile::tempdir().unwrap();
    let first = Service::start(dir.path());
    let second = innkeeper(dir.path()).args(["up", "--listen", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let text = told(&second);
    assert!(text.contains("Innkeeper is already running on ./data"), "{text}");
    assert!(text.contains(&first.child.id().to_string()), "{text}");
    first.end(Signal::SIGKILL);
    Service::start(dir.path()).end(Signal::SIGTERM);
}

#[test]
fn a_port_in_use_is_told_in_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap();
    let output = innkeeper(dir.path()).args(["up", "--listen", &listen.to_string()]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = told(&output);
    assert!(text.contains(&format!("Port {} is in use by another program.", listen.port())), "{text}");
}

#[test]
fn a_client_that_says_nothing_does_not_hold_up_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    let _idle = TcpStream::connect(("127.0.0.1", service.port)).unwrap();
    let mut half = TcpStream::connect(("127.0.0.1", service.port)).unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nHost: auth.loc").unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    assert_eq!(service.end(Signal::SIGTERM).code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[test]
fn a_client_that_dribbles_the_body_of_its_request_is_let_go() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    let mut stream = TcpStream::connect(("127.0.0.1", service.port)).unwrap();
    write!(
        stream,
        "POST /if/flow/initial-setup/ HTTP/1.1\r\nHost: auth.localhost\r\nContent-Length: 1000\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nOrigin: http://auth.localhost:{}\r\n\r\n",
        service.port
    )
    .unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let begun = Instant::now();
    let mut answer = Vec::new();
    let mut part = [0; 1024];
    loop {
        // Once the service has closed, writing fails: that is the end which the read below sees too.
        let sent = stream.write_all(b"x");
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&part[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                assert!(sent.is_ok(), "{sent:?}");
            }
            Err(_) => break,
        }
        assert!(begun.elapsed() < ENOUGH + Duration::from_secs(15), "it still listens");
    }
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 4") && answer.contains("it broke off on the way"), "{answer}");
    assert!(begun.elapsed() > Duration::from_secs(25), "{:?}: {answer}", begun.elapsed());
}
