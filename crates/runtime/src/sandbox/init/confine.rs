//! What the programs of a session are denied beside what its namespaces already hide: capabilities, privileged
//! programs, files (Landlock) and system calls (seccomp).

use super::{Failure, Step, mounts};
use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
    path_beneath_rules,
};
use nix::sys::prctl::set_no_new_privs;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter, sock_filter,
};
use std::collections::BTreeMap;

/// Gives up what no later step needs: the bounding set and the gain of rights through programs.
pub(super) fn drop_for_good() -> Result<(), Failure> {
    mounts::empty_bounding_set().step("giving up capabilities")?;
    set_no_new_privs().step("giving up privileged programs")
}

/// The walls, made ready once and put around each process that needs them.
pub(super) struct Walls {
    filters: Vec<BpfProgram>,
}

impl Walls {
    pub(super) fn build() -> Result<Walls, Failure> {
        let mut filters = vec![
            deny(DENIED.iter().map(|call| (*call, Vec::new())).collect(), libc::EPERM)?,
            deny(conditions()?, libc::EPERM)?,
            // Not EPERM: programs then fall back to clone(2), whose flags a filter can read.
            deny(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)?,
        ];
        if cfg!(target_arch = "x86_64") {
            filters.push(no_x32());
        }
        Ok(Walls { filters })
    }

    /// Puts the calling process and its future children behind them.
    pub(super) fn enclose(&self) -> Result<(), Failure> {
        files()?;
        mounts::drop_capabilities().step("giving up capabilities")?;
        self.filters.iter().try_for_each(|filter| apply_filter(filter).step("filtering system calls"))
    }
}

/// Landlock: reading everywhere, writing only where the session has a place to. As strict as the kernel can.
fn files() -> Result<(), Failure> {
    const VERSION: ABI = ABI::V5;
    let all = AccessFs::from_all(VERSION);
    let write_devices = AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::IoctlDev;
    let build = || {
        Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(all)?
            .create()?
            .add_rules(path_beneath_rules(["/"], AccessFs::from_read(VERSION)))?
            .add_rules(path_beneath_rules(["/tmp", "/dev/shm", "/run", "/home"], all))?
            .add_rules(path_beneath_rules(["/dev", "/proc"], write_devices))?
            .restrict_self()
    };
    build().map(drop).step("Landlock")
}

fn deny(rules: BTreeMap<i64, Vec<SeccompRule>>, errno: i32) -> Result<BpfProgram, Failure> {
    let arch = if cfg!(target_arch = "aarch64") { TargetArch::aarch64 } else { TargetArch::x86_64 };
    let errno = SeccompAction::Errno(errno.cast_unsigned());
    let filter =
        SeccompFilter::new(rules, SeccompAction::Allow, errno, arch).step("filtering system calls")?;
    filter.try_into().step("filtering system calls")
}

/// Calls that are denied for some of their arguments.
fn conditions() -> Result<BTreeMap<i64, Vec<SeccompRule>>, Failure> {
    let rule =
        |conditions: Vec<SeccompCondition>| SeccompRule::new(conditions).step("filtering system calls");
    let when = |argument, operator, value: i64| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value.cast_unsigned())
            .step("filtering system calls")
    };
    let mut clone = Vec::new();
    for flag in [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWCGROUP,
    ] {
        let flag = i64::from(flag);
        clone.push(rule(vec![when(0, SeccompCmpOp::MaskedEq(flag.cast_unsigned()), flag)?])?);
    }
    // TIOCSTI types into a terminal that other programs read; TIOCLINUX does so on consoles.
    let mut ioctl = Vec::new();
    for request in [0x5412, 0x541c] {
        ioctl.push(rule(vec![when(1, SeccompCmpOp::Eq, request)?])?);
    }
    // Other families reach past the network namespace (AF_VSOCK: the hypervisor) or deep into the kernel.
    let mut families = Vec::new();
    for family in [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK] {
        families.push(when(0, SeccompCmpOp::Ne, i64::from(family))?);
    }
    Ok(BTreeMap::from([
        (libc::SYS_clone, clone),
        (libc::SYS_ioctl, ioctl),
        (libc::SYS_socket, vec![rule(families)?]),
    ]))
}

/// On x86_64 every call has a second number, for programs of the x32 kind, that the other filters don't know.
fn no_x32() -> BpfProgram {
    const X32_BIT: u32 = 0x4000_0000;
    let errno = libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned();
    let (load, jump, give) = (0x20, 0x35, 0x06);
    vec![
        sock_filter { code: load, jt: 0, jf: 0, k: 0 },
        sock_filter { code: jump, jt: 0, jf: 1, k: X32_BIT },
        sock_filter { code: give, jt: 0, jf: 0, k: errno },
        sock_filter { code: give, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW },
    ]
}

/// System calls that no program of a session needs and that have been ways out of sandboxes: mounts and
/// namespaces, other processes' memory, the kernel's own code and keys, the machine's clock and power.
const DENIED: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_migrate_pages,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_move_pages,
    libc::SYS_name_to_handle_at,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_madvise,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
];
