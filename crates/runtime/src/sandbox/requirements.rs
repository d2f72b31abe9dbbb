//! What this machine must have for sessions to run, for `innkeeper doctor`.

use crate::{Kind, StartError};
use nix::errno::Errno;
use std::path::{Path, PathBuf};

/// Debian packages of the sandbox. The first six are needed, the others make the desktop what it should be.
pub const PACKAGES: [&str; 12] = [
    "tigervnc-standalone-server",
    "x11-xkb-utils",
    "xterm",
    "openbox",
    "xfonts-base",
    "fonts-dejavu-core",
    "x11-xserver-utils",
    "hsetroot",
    "tint2",
    "pcmanfm",
    "adwaita-icon-theme",
    "gnome-themes-extra",
];

/// One thing this machine needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// What it is, for example `Xvnc (Xtigervnc)`.
    pub name: &'static str,
    /// Without it no session starts; otherwise sessions only lack something.
    pub needed: bool,
    /// What is wrong; `None` when nothing is.
    pub problem: Option<String>,
    /// The command or the setting that mends it.
    pub mend: String,
}

/// Looks at this machine.
pub fn requirements() -> Vec<Requirement> {
    let mut list: Vec<Requirement> = PROGRAMS.iter().map(|program| program.require()).collect();
    list.push(font("bitmap fonts", "usr/share/fonts/X11/misc/fonts.dir", "xfonts-base"));
    list.push(font(
        "DejaVu fonts",
        "usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
        "fonts-dejavu-core",
    ));
    list.push(user_namespaces(Path::new("/proc/sys")));
    list.push(visible_proc(&std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default()));
    list.push(kernel_calls());
    list.push(landlock());
    list.push(control_groups());
    list
}

struct Program {
    name: &'static str,
    command: &'static str,
    package: &'static str,
    needed: bool,
}

const PROGRAMS: [Program; 7] = [
    Program {
        name: "Xvnc (Xtigervnc)",
        command: "Xtigervnc",
        package: "tigervnc-standalone-server",
        needed: true,
    },
    Program { name: "xkbcomp", command: "xkbcomp", package: "x11-xkb-utils", needed: true },
    Program { name: "openbox", command: "openbox", package: "openbox", needed: true },
    Program { name: "xterm", command: "xterm", package: "xterm", needed: true },
    Program { name: "hsetroot (background)", command: "hsetroot", package: "hsetroot", needed: false },
    Program { name: "tint2 (panel)", command: "tint2", package: "tint2", needed: false },
    Program { name: "pcmanfm (file manager)", command: "pcmanfm", package: "pcmanfm", needed: false },
];

impl Program {
    fn require(&self) -> Requirement {
        let problem = find(self.command).is_none().then(|| format!("{} is not installed", self.command));
        Requirement { name: self.name, needed: self.needed, problem, mend: install(self.package) }
    }
}

/// Fails with a plain sentence when a program that this kind of session can't do without is missing.
pub(super) fn check_programs(kind: &Kind) -> Result<(), StartError> {
    let missing = |what: &str| Err(StartError::Missing { what: what.to_owned() });
    if find("Xtigervnc").is_none() {
        return missing("Xvnc");
    }
    for command in ["xkbcomp", "openbox"] {
        if find(command).is_none() {
            return missing(command);
        }
    }
    match kind {
        Kind::Desktop | Kind::Terminal if find("xterm").is_none() => missing("xterm"),
        Kind::Program { argv } => match argv.first() {
            // A path may exist inside the session only; a name must be found where sessions look for it.
            Some(name) if !name.contains('/') && find(name).is_none() => missing(name),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Looks where a session would: its `/usr` is this machine's.
fn find(command: &str) -> Option<PathBuf> {
    let mut places = super::screen::PATH.split(':').map(|folder| Path::new(folder).join(command));
    places.find(|path| path.is_file())
}

fn install(package: &str) -> String {
    format!("sudo apt-get install --no-install-recommends {package}")
}

fn font(name: &'static str, path: &str, package: &str) -> Requirement {
    let path = Path::new("/").join(path);
    let problem = (!path.exists()).then(|| format!("{} is not there", path.display()));
    Requirement { name, needed: true, problem, mend: install(package) }
}

/// Root may make user namespaces unless they are switched off; ordinary users where the distribution lets them.
fn user_namespaces(sysctl: &Path) -> Requirement {
    let is = |name: &str, value: &str| {
        std::fs::read_to_string(sysctl.join(name)).is_ok_and(|text| text.trim() == value)
    };
    let ordinary = !nix::unistd::geteuid().is_root();
    let (problem, mend) = if !Path::new("/proc/self/ns/user").exists() {
        ("this kernel was built without user namespaces", "use a kernel with CONFIG_USER_NS=y")
    } else if is("user/max_user_namespaces", "0") {
        ("user namespaces are switched off", "sudo sysctl -w user.max_user_namespaces=15000")
    } else if ordinary && is("kernel/unprivileged_userns_clone", "0") {
        ("only root may make user namespaces", "sudo sysctl -w kernel.unprivileged_userns_clone=1")
    } else if ordinary && is("kernel/apparmor_restrict_unprivileged_userns", "1") {
        (
            "AppArmor keeps ordinary users from making user namespaces",
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        )
    } else {
        ("", "")
    };
    Requirement {
        name: "user namespaces",
        needed: true,
        problem: (!problem.is_empty()).then(|| problem.to_owned()),
        mend: mend.to_owned(),
    }
}

/// The kernel lets a user namespace mount `/proc` only where the machine's own is not partly covered, as
/// container engines do it.
fn visible_proc(mountinfo: &str) -> Requirement {
    let points = mountinfo.lines().filter_map(|line| line.split(' ').nth(4));
    let covered = points
        .into_iter()
        .find(|point| point.starts_with("/proc/") && *point != "/proc/sys/fs/binfmt_misc")
        .map(|point| format!("{point} is covered, as container engines do it"));
    Requirement {
        name: "an uncovered /proc",
        needed: true,
        problem: covered,
        mend: "start the container with --security-opt systempaths=unconfined, or run outside of one"
            .to_owned(),
    }
}

#[expect(unsafe_code, reason = "asks the kernel whether it knows a call, which no crate does")]
fn kernel_calls() -> Requirement {
    // SAFETY: with an invalid descriptor the call fails before it reads anything; we look at the error alone.
    let result = unsafe {
        libc::syscall(libc::SYS_mount_setattr, -1, std::ptr::null::<u8>(), 0, std::ptr::null::<u8>(), 0)
    };
    let unknown = Errno::result(result) == Err(Errno::ENOSYS);
    Requirement {
        name: "Linux 5.12",
        needed: true,
        problem: unknown.then(|| "the kernel does not know mount_setattr".to_owned()),
        mend: "use a newer kernel; Debian 12 has 6.1".to_owned(),
    }
}

#[expect(unsafe_code, reason = "asks for the Landlock version, which the crate does not tell")]
fn landlock() -> Requirement {
    const VERSION: libc::c_uint = 1;
    // SAFETY: a null attribute with the version flag is the documented way to ask; nothing is written.
    let result =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0, VERSION) };
    Requirement {
        name: "Landlock",
        needed: false,
        problem: Errno::result(result).err().map(|errno| {
            format!("the kernel has no Landlock ({errno}); sessions lack the second wall around files")
        }),
        mend: "boot with lsm=landlock,... and a kernel with CONFIG_SECURITY_LANDLOCK=y".to_owned(),
    }
}

fn control_groups() -> Requirement {
    use super::control_groups::ControlGroups;
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let problem = match ControlGroups::prepare(Path::new("/sys/fs/cgroup"), &own) {
        ControlGroups::Absent(why) => Some(format!("{why}; memory limits hold for each process only")),
        _ => None,
    };
    Requirement {
        name: "control groups",
        needed: false,
        problem,
        mend: "run as root, or under systemd with Delegate=yes".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_covered_proc_is_named() {
        let systemd =
            "22 1 0:5 / /proc rw - proc proc rw\n40 22 0:35 / /proc/sys/fs/binfmt_misc rw - autofs x rw";
        assert_eq!(visible_proc(systemd).problem, None);
        let container = "22 1 0:5 / /proc rw - proc proc rw\n41 22 0:6 /null /proc/kcore rw - tmpfs tmpfs rw";
        assert!(visible_proc(container).problem.unwrap().contains("/proc/kcore"));
    }

    #[test]
    fn switched_off_user_namespaces_are_named_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(user_namespaces(folder.path()).problem, None);
        std::fs::create_dir(folder.path().join("user")).unwrap();
        std::fs::write(folder.path().join("user/max_user_namespaces"), "0\n").unwrap();
        let requirement = user_namespaces(folder.path());
        assert!(requirement.problem.is_some());
        assert!(requirement.mend.contains("user.max_user_namespaces"));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let kind = Kind::Program { argv: vec!["no-such-program".to_owned()] };
        let error = check_programs(&kind).unwrap_err().to_string();
        assert!(error.contains("no-such-program") || error.contains("Xvnc"), "{error}");
        assert!(error.contains("innkeeper doctor"));
    }
}
