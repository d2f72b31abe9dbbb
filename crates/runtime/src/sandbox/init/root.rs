//! The session's root directory: a small file system of our making, with the machine's programs bound read-only
//! into it and none of the machine's data.

use super::mounts::{Tree, make_read_only};
use super::namespaces::INNER_ID;
use super::{Failure, Plan, Step, Trees};
use crate::sandbox::screen;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::{chdir, pivot_root};
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Where the root is built: every Linux has this directory, and nothing in it is needed.
const STAGE: &str = "/sys";

/// What programs need of `/etc`. The rest may hold secrets and says things about the machine.
const OF_ETC: [&str; 22] = [
    "X11",
    "alternatives",
    "bash.bashrc",
    "bash_completion.d",
    "ca-certificates",
    "debian_version",
    "fonts",
    "gtk-2.0",
    "gtk-3.0",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "mime.types",
    "os-release",
    "profile",
    "protocols",
    "services",
    "ssl/certs",
    "terminfo",
    "xdg",
];

/// Builds the root and makes it the calling process's own.
pub(super) fn build(plan: &Plan, trees: Trees) -> Result<(), Failure> {
    let stage = Path::new(STAGE);
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .step("leaving the machine's mounts")?;
    memory_file_system(stage, 16 << 20, 0o755)?;
    programs(stage)?;
    settings(stage, plan)?;
    devices(stage, plan.spec.memory)?;
    folder(stage, "proc", 0o555)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), &stage.join("proc"), Some("proc"), flags, None::<&str>).step("mounting /proc")?;
    places_to_write(stage, plan, trees)?;

    chdir(stage).step("entering the new root")?;
    pivot_root(".", ".").step("changing the root")?;
    umount2(".", MntFlags::MNT_DETACH).step("leaving the machine's root")?;
    chdir("/").step("entering the new root")?;
    make_read_only(Path::new("/")).step("closing the root")
}

/// Takes the directory of the RFB socket away once the X server listens: nothing in the session then writes to a
/// disk of the machine, except to a home directory that was given.
pub(super) fn detach_shared() -> Result<(), Failure> {
    umount2("/run/ws", MntFlags::MNT_DETACH).step("closing the session's directory")
}

fn programs(stage: &Path) -> Result<(), Failure> {
    bind(Path::new("/usr"), &stage.join("usr"))?;
    for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
        let host = Path::new("/").join(name);
        if host.symlink_metadata().is_ok() {
            bind(&host, &stage.join(name))?;
        }
    }
    // Without it every program that shows text reads all fonts anew.
    let cache = Path::new("/var/cache/fontconfig");
    if cache.is_dir() {
        bind(cache, &stage.join("var/cache/fontconfig"))?;
    }
    Ok(())
}

fn settings(stage: &Path, plan: &Plan) -> Result<(), Failure> {
    for name in OF_ETC {
        let host = Path::new("/etc").join(name);
        if host.exists() {
            bind(&host, &stage.join("etc").join(name))?;
        }
    }
    for file in screen::files(&plan.spec.kind) {
        let path = stage.join(file.path);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(stage))?;
            fs::write(&path, &file.text)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(file.mode))
        };
        write().step(&format!("writing /{}", file.path))?;
    }
    Ok(())
}

fn devices(stage: &Path, memory: u64) -> Result<(), Failure> {
    let dev = folder(stage, "dev", 0o755)?;
    for name in ["null", "zero", "full", "random", "urandom", "tty"] {
        let node = Tree::clone_of(&Path::new("/dev").join(name), false).step("opening a device")?;
        fs::write(dev.join(name), "").step("making /dev")?;
        node.attach(&dev.join(name)).step("making /dev")?;
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ] {
        symlink(target, dev.join(name)).step("making /dev")?;
    }
    let pts = folder(&dev, "pts", 0o755)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount(Some("devpts"), &pts, Some("devpts"), flags, Some("newinstance,ptmxmode=0666,mode=0620"))
        .step("mounting /dev/pts")?;
    memory_file_system(&folder(&dev, "shm", 0o755)?, memory / 4, 0o1777)
}

/// Together they can't hold more than the session's memory, which they are part of.
fn places_to_write(stage: &Path, plan: &Plan, trees: Trees) -> Result<(), Failure> {
    let memory = plan.spec.memory;
    let tmp = folder(stage, "tmp", 0o755)?;
    memory_file_system(&tmp, memory / 4, 0o1777)?;
    folder(&tmp, ".X11-unix", 0o1777)?;
    folder(stage, "run", 0o755)?;
    let runtime = folder(stage, &format!("run/user/{INNER_ID}"), 0o755)?;
    memory_file_system(&runtime, memory / 16, 0o700)?;

    let shared = match trees.shared {
        Some(tree) => tree,
        None => Tree::clone_of(&plan.session.shared(), false).step("opening the session's directory")?,
    };
    let no_programs = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;
    shared.restrict(no_programs).step("closing the session's directory")?;
    shared.attach(&folder(stage, "run/ws", 0o700)?).step("attaching the session's directory")?;

    let place = folder(stage, screen::HOME.trim_start_matches('/'), 0o755)?;
    let home = match (trees.home, &plan.spec.home) {
        (Some(tree), _) => tree,
        (None, Some(home)) => Tree::clone_of(home, false).step("opening the home directory")?,
        (None, None) => return memory_file_system(&place, memory / 4, 0o700),
    };
    let restrictions = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
    home.restrict(restrictions).step("closing the home directory")?;
    home.attach(&place).step("attaching the home directory")
}

/// Shows something of the machine at `target`, read-only. A link is made again rather than followed, so that
/// `/bin` leads into the session's own `/usr`.
fn bind(host: &Path, target: &Path) -> Result<(), Failure> {
    let name = host.display();
    let prepare = || -> io::Result<bool> {
        fs::create_dir_all(target.parent().unwrap_or(target))?;
        if let Ok(link) = fs::read_link(host)
            && leads_into_usr(host, &link)
        {
            symlink(link, target)?;
            return Ok(false);
        }
        if host.is_dir() {
            fs::create_dir_all(target)?
        } else {
            fs::write(target, "")?
        }
        Ok(true)
    };
    if prepare().step(&format!("making a place for {name}"))? {
        let tree = Tree::clone_of(host, true).step(&format!("opening {name}"))?;
        let restrictions = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
        tree.restrict(restrictions).step(&format!("closing {name}"))?;
        tree.attach(target).step(&format!("attaching {name}"))?;
    }
    Ok(())
}

fn leads_into_usr(host: &Path, link: &Path) -> bool {
    let folder = host.parent().unwrap_or(Path::new("/"));
    let mut resolved = PathBuf::from("/");
    for part in folder.join(link).components() {
        match part {
            std::path::Component::ParentDir => drop(resolved.pop()),
            part => resolved.push(part),
        }
    }
    resolved.starts_with("/usr")
}

fn folder(parent: &Path, name: &str, mode: u32) -> Result<PathBuf, Failure> {
    let path = parent.join(name);
    let make = || {
        fs::create_dir_all(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))
    };
    make().step(&format!("making {name}"))?;
    Ok(path)
}

fn memory_file_system(target: &Path, size: u64, mode: u32) -> Result<(), Failure> {
    let options = format!("size={size},mode={mode:o}");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), target, Some("tmpfs"), flags, Some(options.as_str()))
        .step(&format!("mounting memory at {}", target.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_into_usr_are_made_again() {
        assert!(leads_into_usr(Path::new("/bin"), Path::new("usr/bin")));
        assert!(leads_into_usr(Path::new("/etc/os-release"), Path::new("../usr/lib/os-release")));
        assert!(!leads_into_usr(Path::new("/etc/localtime"), Path::new("/srv/zone")));
        assert!(!leads_into_usr(Path::new("/etc/magic"), Path::new("../usr/../root/magic")));
    }
}
