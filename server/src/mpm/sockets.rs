//! The listening sockets, as the control process and its children use them.

use std::{
    os::fd::{FromRawFd, RawFd},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI32, Ordering},
    },
};

use httpd_sys as sys;

use super::{activation, buckets, restart};

/// The variable by which an executed control process is handed its sockets:
/// `descriptor:address:port`, separated by semicolons.
pub const INHERITED: &str = "HTTPD_RS_LISTEN_FDS";

/// The sockets handed over; `None` before the environment was read. They stay open until the server
/// runs: should it not come to that, they are needed for another try.
static INHERITED_SOCKETS: Mutex<Option<Vec<(RawFd, String, u16)>>> = Mutex::new(None);

/// As many sockets of one address have been handed over.
static SETS: AtomicI32 = AtomicI32::new(0);

/// A copy of the inherited socket of this address in this set (`buckets`), when there is one.
pub fn take_inherited(address: &str, port: u16, set: usize) -> Option<RawFd> {
    let mut sockets = INHERITED_SOCKETS
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let Some((descriptor, ..)) = sockets
        .get_or_insert_with(inherited)
        .iter()
        .filter(|(_, bound, number)| bound == address && *number == port)
        .nth(set)
    else {
        return if set == 0 {
            activation::take(address, port)
        } else {
            None
        };
    };
    activation::note_used(address, port);
    // SAFETY: plain system call: programs that the server starts do not get the socket.
    let copy = unsafe { libc::fcntl(*descriptor, libc::F_DUPFD_CLOEXEC, 3) };
    (copy >= 0).then_some(copy)
}

/// How many sets of sockets there were before a restart that loses no connection: as many as there
/// are sockets of one address. 0 without such a restart.
pub fn inherited_sets() -> i32 {
    let mut sockets = INHERITED_SOCKETS
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    sockets.get_or_insert_with(inherited);
    if restart::is_graceful() {
        SETS.load(Ordering::Relaxed)
    } else {
        0
    }
}

/// Closes the sockets that were handed over: those that are listened on have been copied.
pub fn close_inherited() {
    let mut sockets = INHERITED_SOCKETS
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    close_all(sockets.get_or_insert_with(inherited));
}

fn close_all(sockets: &mut Vec<(RawFd, String, u16)>) {
    for (descriptor, ..) in sockets.drain(..) {
        // SAFETY: the descriptor was handed over to this process, and nobody else has taken it.
        unsafe { libc::close(descriptor) };
    }
}

/// Runs in each fork: one that a module makes while the server starts (mod_cgid's daemon) would keep
/// sockets open that the new configuration does not listen on, and clients would wait at them.
extern "C" fn close_inherited_in_fork() {
    if let Ok(mut sockets) = INHERITED_SOCKETS.try_lock()
        && let Some(sockets) = sockets.as_mut()
    {
        close_all(sockets);
    }
}

/// What the process that executed this one has left.
fn inherited() -> Vec<(RawFd, String, u16)> {
    let list = restart::handed(INHERITED).unwrap_or_default();
    let sockets: Vec<_> = list.split(';').filter_map(parse).collect();
    for (descriptor, ..) in &sockets {
        // SAFETY: only a flag changes: programs that the server starts do not get the socket.
        unsafe { libc::fcntl(*descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    let like = |(_, address, port): &(RawFd, String, u16)| {
        let others = sockets.iter().filter(|(_, a, p)| a == address && p == port);
        i32::try_from(others.count()).unwrap_or(i32::MAX)
    };
    let most = sockets.iter().map(like).max().unwrap_or(0);
    SETS.store(most, Ordering::Relaxed);
    if !sockets.is_empty() {
        // SAFETY: the function closes descriptors, which a fork may do. This runs once.
        unsafe { libc::pthread_atfork(None, None, Some(close_inherited_in_fork)) };
    }
    sockets
}

/// `descriptor:address:port`.
fn parse(text: &str) -> Option<(RawFd, String, u16)> {
    let (descriptor, rest) = text.split_once(':')?;
    let (address, port) = rest.rsplit_once(':')?;
    Some((
        descriptor.parse().ok()?,
        address.to_owned(),
        port.parse().ok()?,
    ))
}

/// The addresses that are listened on: `127.0.0.1:80`, `[::]:443`.
pub fn addresses() -> Vec<String> {
    let sockets = listening().into_iter().filter_map(|descriptor| {
        // SAFETY: the borrowed descriptor is only asked, and stays open.
        let socket =
            unsafe { std::mem::ManuallyDrop::new(std::net::TcpListener::from_raw_fd(descriptor)) };
        Some(socket.local_addr().ok()?.to_string())
    });
    sockets.collect()
}

/// The sockets that are listened on.
pub fn listening() -> Vec<RawFd> {
    let mut sockets = Vec::new();
    // SAFETY: the list is built while the configuration is read and then only read.
    unsafe {
        let mut listener = sys::ap_listeners;
        while !listener.is_null() {
            let mut descriptor = -1;
            if sys::apr_os_sock_get(&raw mut descriptor, (*listener).sd) == 0 && descriptor >= 0 {
                sockets.push(descriptor);
            }
            listener = (*listener).next;
        }
    }
    sockets
}

/// The descriptors in a list of the form of `INHERITED`.
pub fn descriptors(list: &str) -> Vec<RawFd> {
    let sockets = list.split(';').filter_map(parse);
    sockets.map(|(descriptor, ..)| descriptor).collect()
}

/// Copies of the sockets that stay open when the server executes itself, as `INHERITED` names them.
pub fn inheritable() -> String {
    let mut named = Vec::new();
    for listener in buckets::all() {
        // SAFETY: as above; a copy of a descriptor is independent of the pool that closes the original.
        unsafe {
            let (mut descriptor, mut address) = (-1, std::ptr::null_mut());
            sys::apr_os_sock_get(&raw mut descriptor, (*listener).sd);
            let copy = libc::dup(descriptor);
            let bound = (*listener).bind_addr;
            if copy >= 0 && sys::apr_sockaddr_ip_get(&raw mut address, bound) == 0 {
                let address = module_sdk::raw::text(address).unwrap_or_default();
                named.push(format!(
                    "{copy}:{}:{}",
                    address.to_string_lossy(),
                    (*bound).port
                ));
            }
        }
    }
    named.join(";")
}
