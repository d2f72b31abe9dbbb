//! Entering the namespaces.

use super::{Failure, Plan, Step, mounts};
use crate::sandbox::control_groups;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{ForkResult, Gid, Uid, fork, setgroups, setresgid, setresuid};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

/// The user and the group of a session, as seen inside.
pub(super) const INNER_ID: u32 = 1000;

/// Enters all namespaces. Returns in two processes: with `None` in the one that only had to fork, and with the
/// channel in the first process of the session, which is to wait for a byte from it.
pub(super) fn enter(plan: &Plan, mut channel: UnixStream) -> Result<Option<UnixStream>, Failure> {
    // Before the control group namespace begins, so that the session's own group is its root.
    control_groups::join(&plan.control_groups).step("entering the control groups")?;
    unshare(
        CloneFlags::CLONE_NEWUSER
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWCGROUP,
    )
    .step("making the namespaces")?;
    channel.write_all(b"n").step("entering the namespaces")?;
    let mut byte = [0];
    channel.read_exact(&mut byte).step("mapping the users")?;
    if plan.as_root {
        setgroups(&[]).step("leaving the groups of the service")?;
    }
    let (user, group) = (Uid::from_raw(INNER_ID), Gid::from_raw(INNER_ID));
    setresgid(group, group, group).step("becoming the session's group")?;
    setresuid(user, user, user).step("becoming the session's user")?;
    mounts::raise_loopback().step("bringing up the loopback interface")?;
    nix::unistd::sethostname("workspace").step("naming the host")?;

    // SAFETY: this process has one thread, so the child may do anything.
    #[expect(unsafe_code, reason = "the process namespace begins with the next child")]
    let fork = unsafe { fork() };
    match fork.step("forking the first process")? {
        ForkResult::Child => Ok(Some(channel)),
        ForkResult::Parent { child } => {
            channel.write_all(&child.as_raw().to_ne_bytes()).step("forking the first process")?;
            Ok(None)
        }
    }
}

/// Maps the one user and the one group that exist inside (user_namespaces(7)); called from outside.
pub(super) fn map_users(plan: &Plan, child: i32) -> Result<(), Failure> {
    let write =
        |file: &str, text: &str| fs::write(format!("/proc/{child}/{file}"), text).step("mapping the users");
    if plan.as_root {
        write("uid_map", &format!("{INNER_ID} {} 1", plan.host_uid))?;
        write("gid_map", &format!("{INNER_ID} {} 1", plan.host_uid))
    } else {
        write("uid_map", &format!("{INNER_ID} {} 1", plan.host_uid))?;
        // The kernel's condition for letting an ordinary user map a group.
        write("setgroups", "deny")?;
        write("gid_map", &format!("{INNER_ID} {} 1", nix::unistd::getegid()))
    }
}
