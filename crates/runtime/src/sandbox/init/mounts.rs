//! The kernel's calls for trees of mounts (open_tree(2), mount_setattr(2), move_mount(2)) and other calls that
//! have no safe wrapper.

use nix::errno::Errno;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A directory or file of the machine, taken out of its place, to be attached elsewhere.
pub(super) struct Tree {
    fd: OwnedFd,
}

impl Tree {
    /// Takes a copy of what is at `path`, with the mounts below it if `recursive`.
    #[expect(unsafe_code, reason = "nix has no open_tree")]
    pub(super) fn clone_of(path: &Path, recursive: bool) -> io::Result<Tree> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        let recurse = if recursive { libc::AT_RECURSIVE.cast_unsigned() } else { 0 };
        let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | recurse;
        // SAFETY: the path is a C string that outlives the call, and the call writes to no memory of ours.
        let fd = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) };
        let fd = libc::c_int::try_from(Errno::result(fd)?).map_err(io::Error::other)?;
        // SAFETY: the kernel just made this descriptor for us and nothing else knows its number.
        Ok(Tree { fd: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// Takes rights away, in all of the tree.
    pub(super) fn restrict(&self, attributes: u64) -> io::Result<()> {
        self.set(libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: 0 })
    }

    /// Shows the owners of files as a user namespace maps them (an idmapped mount): user 1000 on disk is user
    /// 1000 in the session.
    pub(super) fn map_owners(&self, users: &File) -> io::Result<()> {
        let userns_fd = u64::try_from(users.as_raw_fd()).map_err(io::Error::other)?;
        let attr_set = libc::MOUNT_ATTR_IDMAP;
        self.set(libc::mount_attr { attr_set, attr_clr: 0, propagation: 0, userns_fd })
    }

    /// Puts it in place of `target`, which exists.
    #[expect(unsafe_code, reason = "nix has no move_mount")]
    pub(super) fn attach(&self, target: &Path) -> io::Result<()> {
        let target = CString::new(target.as_os_str().as_bytes())?;
        // SAFETY: both paths are C strings that outlive the call, and the call writes to no memory of ours.
        let result = unsafe {
            libc::syscall(
                libc::SYS_move_mount,
                self.fd.as_raw_fd(),
                c"".as_ptr(),
                libc::AT_FDCWD,
                target.as_ptr(),
                libc::MOVE_MOUNT_F_EMPTY_PATH,
            )
        };
        Ok(Errno::result(result).map(drop)?)
    }

    fn set(&self, attributes: libc::mount_attr) -> io::Result<()> {
        let flags = libc::AT_EMPTY_PATH | libc::AT_RECURSIVE;
        Ok(mount_setattr(self.fd.as_raw_fd(), c"", flags, &attributes)?)
    }
}

/// Makes the mount at `path`, and not those below it, read-only.
pub(super) fn make_read_only(path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let attr_set = libc::MOUNT_ATTR_RDONLY;
    let attributes = libc::mount_attr { attr_set, attr_clr: 0, propagation: 0, userns_fd: 0 };
    Ok(mount_setattr(libc::AT_FDCWD, &path, 0, &attributes)?)
}

#[expect(unsafe_code, reason = "nix has no mount_setattr")]
fn mount_setattr(
    fd: libc::c_int,
    path: &std::ffi::CStr,
    flags: libc::c_int,
    attributes: &libc::mount_attr,
) -> Result<(), Errno> {
    // SAFETY: the path and the structure outlive the call, the size is the structure's own, and the call only
    // reads both.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            fd,
            path.as_ptr(),
            flags,
            std::ptr::from_ref(attributes),
            size_of::<libc::mount_attr>(),
        )
    };
    Errno::result(result).map(drop)
}

/// Leaves a descriptor, known only by its number, open when another program is run.
#[expect(unsafe_code, reason = "fcntl by number")]
pub(super) fn keep_on_exec(number: libc::c_int) -> io::Result<()> {
    // SAFETY: clearing a flag by number touches no memory; a number that is not open is refused by the kernel.
    Ok(Errno::result(unsafe { libc::fcntl(number, libc::F_SETFD, 0) }).map(drop)?)
}

/// Closes all descriptors from this number on. Only for the start of a program, before it has opened any.
#[expect(unsafe_code, reason = "nix has no close_range")]
pub(super) fn close_from(first: libc::c_uint) {
    // SAFETY: at the start of the program nothing owns a descriptor past the three standard ones, so none is
    // closed under its owner. A kernel without the call lacks more than this and is refused later.
    let _ = unsafe { libc::close_range(first, libc::c_uint::MAX, 0) };
}

/// Brings up the loopback interface of the calling process's network namespace.
#[expect(unsafe_code, reason = "nix has no ioctl for interface flags")]
pub(super) fn raise_loopback() -> io::Result<()> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: ifreq is plain data for which all zeros is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(b"lo") {
        *place = byte.cast_signed();
    }
    let flags = libc::c_short::try_from(libc::IFF_UP | libc::IFF_RUNNING).map_err(io::Error::other)?;
    request.ifr_ifru.ifru_flags = flags;
    // SAFETY: the request is a valid ifreq with a terminated name, and the call only reads it.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    Ok(Errno::result(result).map(drop)?)
}

/// Gives up all capabilities (capset(2), version 3).
#[expect(unsafe_code, reason = "nix has no capset")]
pub(super) fn drop_capabilities() -> io::Result<()> {
    const VERSION_3: u32 = 0x2008_0522;
    let header: [u32; 2] = [VERSION_3, 0];
    let none: [u32; 6] = [0; 6];
    // SAFETY: the header is {version, pid} and version 3 takes two structures of three 32-bit words, which is
    // what both arrays are; the call only reads them.
    let result = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) };
    Ok(Errno::result(result).map(drop)?)
}

/// Empties the ambient set and the bounding set, so that no program ever gains a capability.
#[expect(unsafe_code, reason = "nix has no prctl for capabilities")]
pub(super) fn empty_bounding_set() -> io::Result<()> {
    // SAFETY: these prctl operations take integers only.
    Errno::result(unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) })?;
    for capability in 0..64 {
        // SAFETY: as above.
        match Errno::result(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) }) {
            Ok(_) => {}
            // Past the last capability that this kernel knows.
            Err(Errno::EINVAL) => break,
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}
