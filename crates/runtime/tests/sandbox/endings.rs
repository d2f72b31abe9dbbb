//! How sessions end by themselves, and what is said of it.

use crate::support::{MIB, Scene, as_root, program};
use runtime::{Driver, EndCause, Kind, SessionSpec, State};
use std::time::{Duration, Instant};

#[test]
fn the_time_limit_ends_a_session() {
    let scene = Scene::new();
    let deadline = Duration::from_millis(1500);
    let handle = scene.start(&SessionSpec { deadline, ..SessionSpec::new("short", Kind::Desktop) });
    assert_eq!(scene.state(&handle), State::Running);
    assert_eq!(scene.ended(&handle, Duration::from_secs(15)), State::Ended { cause: EndCause::Deadline });
    let found = scene.run(scene.sandbox.list()).unwrap();
    assert_eq!(found[0].state, State::Ended { cause: EndCause::Deadline });
}

#[test]
fn a_session_lives_as_long_as_the_lease_is_kept() {
    let scene = Scene::new();
    let lease_grace = Duration::from_secs(2);
    let handle = scene.start(&SessionSpec { lease_grace, ..SessionSpec::new("leased", Kind::Terminal) });
    let kept_until = Instant::now() + Duration::from_secs(4);
    while Instant::now() < kept_until {
        scene.sandbox.keep_lease().unwrap();
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(scene.state(&handle), State::Running);
    assert_eq!(scene.ended(&handle, Duration::from_secs(15)), State::Ended { cause: EndCause::LeaseExpired });
}

#[test]
fn the_end_of_the_x_server_is_told_with_its_last_words() {
    let scene = Scene::new();
    // The X server is the second process of every session.
    let handle = scene.start(&program("blackout", "sleep 1; kill -TERM 2; exec sleep 600"));
    let State::Ended { cause: EndCause::DesktopStopped { log } } =
        scene.ended(&handle, Duration::from_secs(15))
    else {
        panic!("it is {:?}", scene.state(&handle));
    };
    assert!(log.contains("Xvnc TigerVNC"), "{log}");
    let refused = scene.run(scene.sandbox.connect(&handle));
    assert!(refused.err().unwrap().to_string().starts_with("The desktop stopped."));
}

#[test]
fn a_kill_from_outside_is_told() {
    let scene = Scene::new();
    let handle = scene.start(&SessionSpec::new("shot", Kind::Terminal));
    let pid = handle.incarnation.split('-').next().unwrap().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    assert_eq!(scene.ended(&handle, Duration::from_secs(10)), State::Ended { cause: EndCause::Killed });
}

#[test]
fn a_session_that_fills_its_memory_ends_alone_and_is_told_why() {
    if !as_root() {
        eprintln!("without control groups memory is limited for each process; see walls.rs");
        return;
    }
    let scene = Scene::new();
    let bystander = scene.start(&SessionSpec::new("bystander", Kind::Terminal));
    // What lies in files that are memory can't be freed by ending a program.
    let script = "for f in /tmp/f /dev/shm/f ~/f; do dd if=/dev/zero of=$f bs=1M; done; exec sleep 600";
    let handle = scene.start(&SessionSpec { memory: 64 * MIB, ..program("greedy", script) });
    assert_eq!(scene.ended(&handle, Duration::from_secs(20)), State::Ended { cause: EndCause::OutOfMemory });
    assert_eq!(scene.state(&bystander), State::Running);
}
