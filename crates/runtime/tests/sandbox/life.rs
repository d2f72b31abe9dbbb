//! Starting sessions, finding them again, ending them.

use crate::support::{
    Scene, Viewer, config_in, idle_command, processes_with, program, service, wait_for_file,
};
use runtime::sandbox::Sandbox;
use runtime::{Driver, EndCause, Error, Geometry, Handle, Kind, SessionSpec, StartError, State};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_desktop_answers_when_start_returns_and_draws_its_panel() {
    let scene = Scene::new();
    let geometry = Geometry { width: 1000, height: 700 };
    let handle = scene.start(&SessionSpec { geometry, ..SessionSpec::new("desk", Kind::Desktop) });
    assert_eq!(scene.state(&handle), State::Running);
    scene.run(async {
        let mut viewer = Viewer::connect(&scene.sandbox, &handle).await;
        assert_eq!((viewer.width, viewer.height, viewer.name.as_str()), (1000, 700, "Workspace"));
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let frame = viewer.frame().await;
            // The panel is a strip of its own colour along the bottom.
            let pixel = |x: usize, y: usize| frame[(y * 1000 + x) * 4..][..3].to_vec();
            if pixel(500, 690) != pixel(500, 500) && pixel(500, 690) == pixel(700, 690) {
                break;
            }
            assert!(Instant::now() < until, "no panel appeared");
        }
    });
}

#[test]
fn a_terminal_shows_what_is_typed_follows_the_size_and_ends_with_its_shell() {
    let scene = Scene::new();
    let handle = scene.start(&SessionSpec::new("term", Kind::Terminal));
    scene.run(async {
        let mut viewer = Viewer::connect(&scene.sandbox, &handle).await;
        viewer.resize(900, 500).await;
        let until = Instant::now() + Duration::from_secs(20);
        while viewer.width != 900 {
            assert!(Instant::now() < until, "the screen kept its size");
            viewer = Viewer::connect(&scene.sandbox, &handle).await;
        }
        assert_eq!(viewer.height, 500);
        // A prompt, on a terminal as large as the screen: its last row has the terminal's colour.
        let background = |frame: &[u8]| frame[frame.len() - 4..][..3] == [0x1f, 0x18, 0x14];
        let before = loop {
            let frame = viewer.frame().await;
            if background(&frame) && !frame.chunks(4).all(|pixel| pixel == &frame[..4]) {
                break frame;
            }
            assert!(Instant::now() < until, "no terminal appeared");
        };
        viewer.type_text("seq 9\n").await;
        while difference(&before, &viewer.frame().await) < 500 {
            assert!(Instant::now() < until, "typing changed nothing");
        }
        viewer.type_text("exit\n").await;
    });
    assert_eq!(scene.ended(&handle, Duration::from_secs(10)), State::Ended { cause: EndCause::Closed });
}

#[test]
fn a_start_takes_less_than_half_a_second() {
    let scene = Scene::new();
    let time = |number: u32| {
        let began = Instant::now();
        let handle = scene.start(&SessionSpec::new(format!("fast-{number}"), Kind::Desktop));
        scene.run(Viewer::connect(&scene.sandbox, &handle));
        let took = began.elapsed();
        scene.stop(&handle);
        took
    };
    // The fastest of some, since other tests run at the same time.
    let mut times: Vec<Duration> = (0..6).map(time).collect();
    times.sort();
    println!("from start() to an answering RFB server: {times:?}");
    assert!(times[0] < Duration::from_millis(500), "{times:?}");
}

#[test]
fn starting_twice_under_one_id_is_starting_once() {
    let scene = Scene::new();
    let spec = SessionSpec::new("one", Kind::Terminal);
    let (first, second) = scene.run(async {
        let both = [scene.sandbox.start(&spec), scene.sandbox.start(&spec)];
        let [first, second] = both;
        tokio::join!(first, second)
    });
    let handle = first.unwrap();
    assert_eq!(second.unwrap(), handle);
    assert_eq!(scene.start(&spec), handle);
    assert_eq!(scene.run(scene.sandbox.list()).unwrap().len(), 1);

    // After its end the id starts something new, which the old handle does not reach.
    scene.stop(&handle);
    let again = scene.start(&spec);
    assert_ne!(again, handle);
    scene.stop(&handle);
    assert_eq!(scene.state(&again), State::Running);
    assert_eq!(scene.state(&handle), State::Ended { cause: EndCause::Unknown });
}

#[test]
fn a_session_outlives_the_service_that_started_it_and_is_found_again() {
    let scene = Scene::new();
    let mut service = Command::new(service())
        .args(["start", scene.config.state_dir.to_str().unwrap(), "survivor"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(service.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let stored: Handle = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not started: {line}"));
    service.kill().unwrap();
    service.wait().unwrap();
    // Whoever reads what the service writes sees its end: the session holds neither open.
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut errors = service.stderr.take().unwrap();
    std::thread::spawn(move || {
        let mut rest = String::new();
        errors.read_to_string(&mut rest).unwrap();
        output.read_to_string(&mut rest).unwrap();
        sender.send(rest)
    });
    assert_eq!(receiver.recv_timeout(Duration::from_secs(10)).unwrap(), "");

    let anew = Sandbox::new(config_in(&scene.config.state_dir)).unwrap();
    let found = scene.run(anew.list()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].handle, &found[0].state), (&stored, &State::Running));
    scene.run(Viewer::connect(&anew, &stored));
    scene.run(anew.stop(&stored, Duration::from_secs(2))).unwrap();
    assert!(scene.run(anew.list()).unwrap().is_empty());
}

#[test]
fn stop_leaves_nothing_behind() {
    let scene = Scene::new();
    let home = scene.home("home");
    // Heeds no SIGTERM and has left its session and its parent.
    let (left, main) = (idle_command(11), idle_command(12));
    let script = format!("(trap '' TERM HUP; setsid {left} & ) & echo > ~/running; exec {main}");
    let handle = scene.start(&SessionSpec { home: Some(home.clone()), ..program("stubborn", &script) });
    wait_for_file(&home.join("running"));
    let until = Instant::now() + Duration::from_secs(10);
    while processes_with(&left).is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!processes_with(&left).is_empty());
    let groups = control_groups_of(&scene, "stubborn");
    assert!(groups.iter().all(|group| group.exists()));

    let began = Instant::now();
    scene.run(scene.sandbox.stop(&handle, Duration::from_millis(500))).unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(processes_with(&left).is_empty() && processes_with(&main).is_empty());
    assert!(!scene.session_dir("stubborn").exists());
    assert!(groups.iter().all(|group| !group.exists()));
    assert!(home.join("running").exists(), "the home directory is not the sandbox's to remove");
    assert_eq!(scene.state(&handle), State::Ended { cause: EndCause::Unknown });
    scene.stop(&handle);
}

fn control_groups_of(scene: &Scene, id: &str) -> Vec<std::path::PathBuf> {
    let text = std::fs::read(scene.session_dir(id).join("session.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&text).unwrap();
    serde_json::from_value(record["control_groups"].clone()).unwrap()
}

#[test]
fn a_process_number_used_again_is_left_alone() {
    let scene = Scene::new();
    let handle = scene.start(&SessionSpec::new("gone", Kind::Terminal));
    let record_path = scene.session_dir("gone").join("session.json");
    let mut record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&record_path).unwrap()).unwrap();
    let honest = record.clone();
    let mut stranger = Command::new("sleep").arg("60").spawn().unwrap();
    record["process"]["pid"] = stranger.id().into();
    std::fs::write(&record_path, record.to_string()).unwrap();
    let ticks = record["process"]["start_ticks"].as_u64().unwrap();
    let reused = Handle { incarnation: format!("{}-{ticks}", stranger.id()), ..handle.clone() };

    assert_eq!(scene.state(&reused), State::Ended { cause: EndCause::Killed });
    std::fs::write(&record_path, honest.to_string()).unwrap();
    scene.stop(&handle);
    assert_eq!(stranger.try_wait().unwrap(), None, "a stranger was killed");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn a_link_in_place_of_the_screen_is_not_followed() {
    let scene = Scene::new();
    let handle = scene.start(&SessionSpec::new("liar", Kind::Terminal));
    let victim = scene.session_dir("victim.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&victim).unwrap();
    let socket = scene.session_dir("liar").join("ws/rfb.sock");
    std::fs::remove_file(&socket).unwrap();
    std::os::unix::fs::symlink(&victim, &socket).unwrap();
    let refused = scene.run(scene.sandbox.connect(&handle));
    assert!(matches!(refused.err(), Some(Error::Untrusted(_))));
}

#[test]
fn a_start_that_was_cut_short_is_listed_and_can_be_removed() {
    let scene = Scene::new();
    std::fs::create_dir_all(scene.session_dir("half/ws")).unwrap();
    let found = scene.run(scene.sandbox.list()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].state, State::Ended { cause: EndCause::Unknown });
    scene.stop(&found[0].handle);
    assert!(scene.run(scene.sandbox.list()).unwrap().is_empty());
}

#[test]
fn a_full_machine_says_which_limit_it_is() {
    let scene = Scene::with(|config| config.max_sessions = 1);
    let handle = scene.start(&SessionSpec::new("first", Kind::Terminal));
    let capacity = scene.run(scene.sandbox.capacity()).unwrap();
    assert_eq!((capacity.running, capacity.max_sessions), (1, 1));
    let refused = scene.run(scene.sandbox.start(&SessionSpec::new("second", Kind::Terminal))).unwrap_err();
    assert!(matches!(refused, StartError::NoRoom(_)));
    assert!(refused.to_string().contains("1 of 1 sessions are running"), "{refused}");
    assert!(!scene.session_dir("second").exists());
    // The one that runs is still returned, full or not.
    assert_eq!(scene.start(&SessionSpec::new("first", Kind::Terminal)), handle);
    scene.stop(&handle);
    scene.start(&SessionSpec::new("second", Kind::Terminal));

    let scene = Scene::with(|config| config.memory_reserve = u64::MAX);
    let refused = scene.run(scene.sandbox.start(&SessionSpec::new("third", Kind::Terminal))).unwrap_err();
    assert!(refused.to_string().contains("MiB are kept in reserve"), "{refused}");
}

#[test]
fn as_many_start_at_once_as_there_is_room_for() {
    let scene = Scene::with(|config| config.max_sessions = 3);
    let specs = (0..5).map(|number| SessionSpec::new(format!("crowd-{number}"), Kind::Terminal));
    let started = scene.run(async {
        let mut starts = tokio::task::JoinSet::new();
        for spec in specs {
            let sandbox = scene.sandbox.clone();
            starts.spawn(async move { sandbox.start(&spec).await.is_ok() });
        }
        starts.join_all().await
    });
    assert_eq!(started.iter().filter(|started| **started).count(), 3);
    assert_eq!(scene.run(scene.sandbox.capacity()).unwrap().running, 3);
}

#[test]
fn without_xvnc_the_error_says_so() {
    let scene = Scene::new();
    // Something that is no program stands in its place, for this one process.
    let script = r#"mount --bind /dev/null "$(readlink -f /usr/bin/Xtigervnc)" && exec "$0" "$@""#;
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(service())
        .args(["start", scene.config.state_dir.to_str().unwrap(), "blind"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    let expected =
        "Xvnc is missing on this machine. Run `innkeeper doctor`, which names the command that mends it.";
    assert_eq!(text.trim(), expected, "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!scene.session_dir("blind").exists());
}

#[test]
fn what_can_not_start_leaves_nothing_behind() {
    let scene = Scene::new();
    let home = Some(scene.config.state_dir.join("no/such/home"));
    let spec = SessionSpec { home, ..SessionSpec::new("homeless", Kind::Terminal) };
    let error = scene.run(scene.sandbox.start(&spec)).unwrap_err();
    assert!(error.to_string().contains("opening the home directory"), "{error}");
    assert!(!scene.session_dir("homeless").exists());

    let spec = SessionSpec { memory: 1, ..SessionSpec::new("tiny", Kind::Terminal) };
    assert!(matches!(scene.run(scene.sandbox.start(&spec)), Err(StartError::Invalid(_))));
    let kind = Kind::Program { argv: vec!["no-such-program".to_owned()] };
    let error = scene.run(scene.sandbox.start(&SessionSpec::new("unknown", kind))).unwrap_err();
    assert!(error.to_string().starts_with("no-such-program is missing"), "{error}");
    assert!(scene.run(scene.sandbox.list()).unwrap().is_empty());
}

fn difference(one: &[u8], other: &[u8]) -> usize {
    one.chunks(4).zip(other.chunks(4)).filter(|(one, other)| one != other).count()
}
