//! Real sessions on this machine, as root and as an ordinary user.

#[cfg(test)]
mod endings;
#[cfg(test)]
mod life;
#[cfg(test)]
mod support;
#[cfg(test)]
mod walls;

use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

/// All tests of this program once more, as a user without any rights.
#[test]
fn everything_holds_for_an_ordinary_user_too() {
    if !support::as_root() {
        eprintln!("these tests run as an ordinary user already");
        return;
    }
    const USER: u32 = 54_321;
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in [
        (std::env::current_exe().unwrap(), folder.path().join("tests")),
        (support::service(), folder.path().join("runtime-test-service")),
    ] {
        std::fs::copy(from, &to).unwrap();
    }
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let scratch = folder.path().join("scratch");
    std::fs::create_dir(&scratch).unwrap();
    chown(&scratch, Some(USER), Some(USER)).unwrap();
    let output = Command::new("setpriv")
        .args([format!("--reuid={USER}"), format!("--regid={USER}")])
        .args(["--clear-groups", "--bounding-set=-all", "--inh-caps=-all"])
        .arg(folder.path().join("tests"))
        .args(["--skip", "everything_holds_for_an_ordinary_user_too"])
        .env("TMPDIR", &scratch)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("test walls::"), "no test ran: {text}");
}
