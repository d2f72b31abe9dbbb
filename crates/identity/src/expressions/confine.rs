//! What a worker is denied: everything but thinking, reading its pipe and answering on it. From then on the
//! kernel ends the process at any other system call, so no file, address, program or process is in reach,
//! whatever an expression makes of the interpreter.

use std::collections::BTreeMap;
use std::fmt::Display;

use nix::sys::prctl::{set_dumpable, set_no_new_privs};
use nix::sys::resource::{Resource, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

use super::MEMORY_LIMIT;

/// Seconds of work after which a worker has to end; one that has lost the service does so before.
const CPU_SECONDS: u64 = 300;

/// Shuts the calling process in, for good.
///
/// # Errors
/// The kernel can't; a sentence says what.
pub(super) fn shut_in() -> Result<(), String> {
    let failed = |what: &str, error: &dyn Display| format!("{what} failed: {error}");
    let limits = [
        (Resource::RLIMIT_AS, mapped()?.saturating_add(MEMORY_LIMIT)),
        (Resource::RLIMIT_CPU, CPU_SECONDS),
        // A dump would hold what people were told.
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, 0),
        (Resource::RLIMIT_NOFILE, 0),
        (Resource::RLIMIT_NPROC, 0),
    ];
    for (resource, limit) in limits {
        setrlimit(resource, limit, limit).map_err(|error| failed("Setting a limit", &error))?;
    }
    set_dumpable(false).map_err(|error| failed("Hiding the process", &error))?;
    set_no_new_privs().map_err(|error| failed("Giving up privileged programs", &error))?;
    let filter = filter().map_err(|error| failed("Building the filter of system calls", &error))?;
    apply_filter(&filter).map_err(|error| failed("Filtering system calls", &error))
}

/// Bytes of address space that the program takes before it has done anything.
fn mapped() -> Result<u64, String> {
    let text =
        std::fs::read_to_string("/proc/self/statm").map_err(|error| format!("/proc/self/statm: {error}"))?;
    let pages: Option<u64> = text.split(' ').next().and_then(|pages| pages.parse().ok());
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE);
    let page = page.ok().flatten().and_then(|page| u64::try_from(page).ok()).unwrap_or(4096);
    pages.map(|pages| pages * page).ok_or_else(|| "/proc/self/statm can't be read".to_owned())
}

fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let arch = if cfg!(target_arch = "aarch64") { TargetArch::aarch64 } else { TargetArch::x86_64 };
    let when = |argument, operator, value: i32| {
        let condition = SeccompCondition::new(
            argument,
            SeccompCmpArgLen::Dword,
            operator,
            u64::from(value.cast_unsigned()),
        );
        SeccompRule::new(vec![condition?])
    };
    let masked = |mask: i32| SeccompCmpOp::MaskedEq(u64::from(mask.cast_unsigned()));
    let never_code = || when(2, masked(libc::PROT_EXEC), 0);
    let mut allowed: BTreeMap<i64, Vec<SeccompRule>> =
        HARMLESS.iter().map(|call| (*call, Vec::new())).collect();
    // Standard error is /dev/null; the runtime's last words go there, and should not look like an escape.
    allowed.insert(libc::SYS_read, vec![when(0, SeccompCmpOp::Eq, 0)?]);
    allowed.insert(libc::SYS_write, vec![when(0, SeccompCmpOp::Eq, 1)?, when(0, SeccompCmpOp::Eq, 2)?]);
    // Memory, but no file's, and none that is code.
    let anonymous = SeccompCondition::new(
        3,
        SeccompCmpArgLen::Dword,
        masked(libc::MAP_ANONYMOUS),
        u64::from(libc::MAP_ANONYMOUS.cast_unsigned()),
    )?;
    let no_code = SeccompCondition::new(2, SeccompCmpArgLen::Dword, masked(libc::PROT_EXEC), 0)?;
    allowed.insert(libc::SYS_mmap, vec![SeccompRule::new(vec![anonymous, no_code])?]);
    allowed.insert(libc::SYS_mprotect, vec![never_code()?]);
    SeccompFilter::new(allowed, SeccompAction::KillProcess, SeccompAction::Allow, arch)?.try_into()
}

/// Memory, time, signals to itself, and the end.
const HARMLESS: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_yield,
    libc::SYS_sigaltstack,
    libc::SYS_tgkill,
];
