//! A hostile session: what a program inside tries, and how far it gets.

use crate::support::{MIB, Scene, as_root, idle_command, processes_with, program, wait_for_file};
use runtime::{Driver, Kind, SessionSpec, State};
use std::fmt::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

#[test]
fn a_program_has_no_rights() {
    let scene = Scene::new();
    let text = scene.probe("rights", "id -u; id -g; cat /proc/self/status; ls /sys; hostname", |_| ());
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
    };
    assert!(text.starts_with("1000\n1000\n"), "{text}");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    assert_eq!((field("NoNewPrivs"), field("Seccomp")), ("1".to_owned(), "2".to_owned()));
    assert!(text.ends_with("\nworkspace\n"), "{text}");
}

#[test]
fn a_program_sees_no_files_of_the_machine() {
    let scene = Scene::new();
    let neighbour = scene.start(&SessionSpec::new("neighbour", Kind::Terminal));
    let state = scene.config.state_dir.to_str().unwrap().to_owned();
    let own_tests = std::env::current_exe().unwrap();
    let own_tests = own_tests.to_str().unwrap();
    let paths = ["/root", "/etc/shadow", "/etc/ssl/private", "/var/lib", "/srv", "/boot", &state, own_tests];
    let tries: String = paths.iter().map(|path| format!("ls -ld '{path}'; cat '{path}'; ")).collect();
    let text = scene.probe("reader", &tries, |_| ());
    assert_eq!(text.matches("No such file or directory").count(), 2 * paths.len(), "{text}");

    let text = scene.probe(
        "writer",
        "for f in /new /usr/new /etc/new /etc/passwd /home/new /dev/new /run/new /proc/new; do echo x > $f; done
         ls -A /run/ws; ls -A /proc/1/root /proc/1/fd; cat /proc/1/environ /proc/1/maps /proc/1/mem; echo end",
        |_| (),
    );
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 14, "{text}");
    assert!(lines[..8].iter().all(|line| line.contains("annot create")), "{text}");
    assert!(lines[8..13].iter().all(|line| line.ends_with("Permission denied")), "{text}");
    assert_eq!(scene.state(&neighbour), State::Running);
}

/// What it is, the number of the call, its arguments, and the error it must meet.
const ATTEMPTS: &[(&str, i64, &[i64], i32)] = &[
    ("mount", libc::SYS_mount, &[0, 0, 0, 0, 0], EPERM),
    ("umount2", libc::SYS_umount2, &[0, 2], EPERM),
    ("pivot_root", libc::SYS_pivot_root, &[0, 0], EPERM),
    ("chroot", libc::SYS_chroot, &[0], EPERM),
    ("open_tree", libc::SYS_open_tree, &[-100, 0, 1], EPERM),
    ("move_mount", libc::SYS_move_mount, &[0, 0, 0, 0, 0], EPERM),
    ("fsopen", libc::SYS_fsopen, &[0, 0], EPERM),
    ("mount_setattr", libc::SYS_mount_setattr, &[0, 0, 0, 0, 0], EPERM),
    ("unshare user", libc::SYS_unshare, &[0x1000_0000], EPERM),
    ("unshare net", libc::SYS_unshare, &[0x4000_0000], EPERM),
    ("setns", libc::SYS_setns, &[0, 0], EPERM),
    ("clone user", libc::SYS_clone, &[0x1000_0011, 0, 0, 0, 0], EPERM),
    ("clone mount", libc::SYS_clone, &[0x0002_0011, 0, 0, 0, 0], EPERM),
    ("clone3", libc::SYS_clone3, &[0, 0], libc::ENOSYS),
    ("ptrace the first process", libc::SYS_ptrace, &[16, 1, 0, 0], EPERM),
    ("ptrace itself", libc::SYS_ptrace, &[0, 0, 0, 0], EPERM),
    ("process_vm_readv", libc::SYS_process_vm_readv, &[1, 0, 0, 0, 0, 0], EPERM),
    ("process_vm_writev", libc::SYS_process_vm_writev, &[1, 0, 0, 0, 0, 0], EPERM),
    ("pidfd_getfd", libc::SYS_pidfd_getfd, &[0, 0, 0], EPERM),
    ("kexec_load", libc::SYS_kexec_load, &[0, 0, 0, 0], EPERM),
    ("init_module", libc::SYS_init_module, &[0, 0, 0], EPERM),
    ("finit_module", libc::SYS_finit_module, &[0, 0, 0], EPERM),
    ("bpf", libc::SYS_bpf, &[0, 0, 0], EPERM),
    ("perf_event_open", libc::SYS_perf_event_open, &[0, 0, 0, 0, 0], EPERM),
    ("keyctl", libc::SYS_keyctl, &[0, 0, 0, 0, 0], EPERM),
    ("add_key", libc::SYS_add_key, &[0, 0, 0, 0, 0], EPERM),
    ("request_key", libc::SYS_request_key, &[0, 0, 0, 0], EPERM),
    ("userfaultfd", libc::SYS_userfaultfd, &[1], EPERM),
    ("io_uring_setup", libc::SYS_io_uring_setup, &[1, 0], EPERM),
    ("open_by_handle_at", libc::SYS_open_by_handle_at, &[0, 0, 0], EPERM),
    ("reboot", libc::SYS_reboot, &[0, 0, 0, 0], EPERM),
    ("swapon", libc::SYS_swapon, &[0, 0], EPERM),
    ("acct", libc::SYS_acct, &[0], EPERM),
    ("settimeofday", libc::SYS_settimeofday, &[0, 0], EPERM),
    ("clock_settime", libc::SYS_clock_settime, &[0, 0], EPERM),
    ("syslog", libc::SYS_syslog, &[2, 0, 0], EPERM),
    ("sethostname", libc::SYS_sethostname, &[0, 0], EPERM),
    ("TIOCSTI", libc::SYS_ioctl, &[0, 0x5412, 0], EPERM),
    ("TIOCSTI with high bits", libc::SYS_ioctl, &[0, 0x7_0000_5412, 0], EPERM),
    ("a vsock socket", libc::SYS_socket, &[40, 1, 0], EPERM),
    ("a packet socket", libc::SYS_socket, &[17, 3, 0], EPERM),
    ("a crypto socket", libc::SYS_socket, &[38, 5, 0], EPERM),
    ("setuid", libc::SYS_setuid, &[0], libc::EINVAL),
    #[cfg(target_arch = "x86_64")]
    ("the x32 number of mount", libc::SYS_mount | 0x4000_0000, &[0, 0, 0, 0, 0], EPERM),
    #[cfg(target_arch = "x86_64")]
    ("the x32 number of getpid", 39 | 0x4000_0000, &[], EPERM),
    #[cfg(target_arch = "x86_64")]
    ("iopl", libc::SYS_iopl, &[3], EPERM),
];

const EPERM: i32 = libc::EPERM;

#[test]
fn ways_out_of_sandboxes_are_closed() {
    let mut calls = String::new();
    for (_, number, arguments, _) in ATTEMPTS {
        let arguments: String = arguments.iter().map(|argument| format!(", {argument}")).collect();
        let _ =
            writeln!(calls, "$! = 0; $r = syscall({number}{arguments}); print $r, \" \", $! + 0, \"\\n\";");
    }
    let scene = Scene::new();
    let text = scene.probe("caller", &format!("perl -e '{calls}'"), |_| ());
    assert_eq!(text.lines().count(), ATTEMPTS.len(), "{text}");
    for ((name, _, _, errno), line) in ATTEMPTS.iter().zip(text.lines()) {
        assert_eq!(line, format!("-1 {errno}"), "{name}");
    }
}

#[test]
fn the_first_process_can_not_be_ended_from_inside() {
    let scene = Scene::new();
    let script =
        "for s in TERM KILL INT HUP QUIT SEGV STOP CHLD USR1; do kill -$s 1; done; sleep 1; echo alive";
    let text = scene.probe("killer", script, |_| ());
    assert_eq!(text, "alive\n");
}

#[test]
fn a_program_reaches_no_network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let scene = Scene::new();
    let script = format!(
        "sed 's/:.*//' /proc/net/dev | tail -n +3 | xargs echo
         for a in 127.0.0.1/{port} 169.254.169.254/80 10.0.0.1/80; do bash -c \"exec 3<>/dev/tcp/$a\" && echo in; done
         perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(7000, INADDR_LOOPBACK)) and
           listen(S, 1) and socket(C, AF_INET, SOCK_STREAM, 0) and
           connect(C, sockaddr_in(7000, INADDR_LOOPBACK)) and print \"own loopback works\\n\"'"
    );
    let text = scene.probe("caller", &script, |_| ());
    assert!(text.starts_with("lo\n"), "{text}");
    assert!(!text.lines().any(|line| line == "in"), "{text}");
    assert_eq!(text.matches("Connection refused").count(), 2, "{text}");
    assert_eq!(text.matches("Network is unreachable").count(), 4, "{text}");
    assert!(text.ends_with("own loopback works\n"), "{text}");
    assert!(listener.accept().is_err());
}

#[test]
fn two_sessions_know_nothing_of_each_other() {
    let scene = Scene::new();
    let home = scene.home("left-home");
    let script = "echo secret > /tmp/secret; echo secret > /dev/shm/secret; echo > ~/ready; exec sleep 48621";
    let left = scene.start(&SessionSpec { home: Some(home.clone()), ..program("left", script) });
    wait_for_file(&home.join("ready"));
    let text = scene.probe("right", "ls /tmp /dev/shm; cat /proc/[0-9]*/cmdline | tr '\\0' ' '", |_| ());
    assert!(!text.contains("secret") && !text.contains("48621"), "{text}");
    let killer = scene.start(&program("killer", "sleep 1; kill -9 -1; exec sleep 600"));
    assert!(matches!(scene.ended(&killer, Duration::from_secs(15)), State::Ended { .. }));
    assert_eq!(scene.state(&left), State::Running);
    if as_root() {
        let right = scene.start(&SessionSpec::new("right", Kind::Terminal));
        let owner = |id: &str| std::fs::metadata(scene.session_dir(id).join("ws")).unwrap().uid();
        assert_ne!(owner("left"), owner("right"), "two sessions are one user of this machine");
        assert!(owner("left") >= 200_000);
        scene.stop(&right);
    }
}

#[test]
fn a_fork_bomb_stays_small() {
    let scene = Scene::new();
    let idle = idle_command(31);
    let script = format!(
        "exec perl -e 'for (1..400) {{ $p = fork; exec qw({idle}) if defined $p && !$p }} sleep 600'"
    );
    let spec = SessionSpec { processes: 60, ..program("bomb", &script) };
    let handle = scene.start(&spec);
    std::thread::sleep(Duration::from_secs(2));
    let running = processes_with(&idle).len();
    assert!((10..60).contains(&running), "{running} processes run");
    let usage = scene.run(scene.sandbox.usage(&handle)).unwrap();
    assert!((10..=61).contains(&usage.processes), "{usage:?}");
    assert!(usage.memory > MIB && usage.cpu_time > Duration::ZERO, "{usage:?}");
    scene.stop(&handle);
    assert!(processes_with(&idle).is_empty());
}

#[test]
fn memory_has_a_limit_that_spares_the_session() {
    let scene = Scene::new();
    let script = "perl -e '$x = \"a\" x (1 << 30); print length $x'; echo \"ended with $?\"
        dd if=/dev/zero of=/tmp/fill bs=1M count=600 2>&1 | tail -n 3; rm /tmp/fill; echo alive";
    let text = scene.probe("eater", script, |spec| spec.memory = 256 * MIB);
    assert!(!text.contains(&(1_u64 << 30).to_string()), "{text}");
    assert!(text.contains("ended with ") && !text.contains("ended with 0"), "{text}");
    assert!(text.ends_with("alive\n"), "{text}");
    assert!(text.contains(" 67108864 bytes") || text.contains("67108864 bytes"), "{text}");
}

#[test]
fn a_given_home_keeps_its_owner() {
    let scene = Scene::new();
    let text = scene.probe("owner", "stat -c %u ~ ~/out; echo kept > ~/kept", |_| ());
    assert_eq!(text, "1000\n1000\n");
    let home = scene.config.state_dir.parent().unwrap().join("owner");
    assert_eq!(std::fs::read_to_string(home.join("kept")).unwrap(), "kept\n");
    let expected = if as_root() { 1000 } else { nix::unistd::geteuid().as_raw() };
    assert_eq!(std::fs::metadata(home.join("kept")).unwrap().uid(), expected);
}

#[test]
fn the_environment_is_what_the_workspace_says_and_nothing_of_the_service() {
    let scene = Scene::new();
    let text = scene.probe("environment", "env", |spec| {
        spec.environment.insert("LAUNCH_URL".to_owned(), "https://example.com/?a=1&b='2'".to_owned());
    });
    assert!(text.contains("LAUNCH_URL=https://example.com/?a=1&b='2'\n"), "{text}");
    assert!(!text.contains("CARGO") && !text.contains("TMPDIR"), "{text}");
}
