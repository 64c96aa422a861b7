//! Socket activation: listening sockets that systemd (or another supervisor) has opened and passes
//! from descriptor 3 on (`LISTEN_FDS`, `LISTEN_PID`, `LISTEN_FDNAMES`).
//!
//! The originals stay open at their numbers for the life of the process, over restarts too, and Listen
//! lines get copies: a line that a later configuration adds, or takes back and adds again, finds its
//! socket.

use std::{
    net::{IpAddr, TcpListener},
    os::fd::{FromRawFd, RawFd},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use httpd_sys as sys;

use super::control;

/// The first descriptor that is passed.
const FIRST: RawFd = 3;

/// A socket that was passed.
#[derive(Debug)]
struct Passed {
    descriptor: RawFd,
    name: String,
    kind: Kind,
    /// A Listen line has it.
    used: AtomicBool,
}

/// What was passed.
#[derive(Debug)]
enum Kind {
    /// A TCP socket that listens.
    Tcp(IpAddr, u16),
    /// Something else, in words.
    Other(String),
}

static PASSED: OnceLock<Vec<Passed>> = OnceLock::new();

/// A copy of the passed socket of this address.
pub fn take(address: &str, port: u16) -> Option<RawFd> {
    let socket = passed().iter().find(|socket| socket.is(address, port))?;
    socket.used.store(true, Ordering::Relaxed);
    // SAFETY: the descriptor is open; the copy is a new one, which programs do not get.
    let copy = unsafe { libc::fcntl(socket.descriptor, libc::F_DUPFD_CLOEXEC, FIRST) };
    (copy >= 0).then_some(copy)
}

/// A Listen line has the socket of this address from the generation before.
pub fn note_used(address: &str, port: u16) {
    for socket in passed() {
        if socket.is(address, port) {
            socket.used.store(true, Ordering::Relaxed);
        }
    }
}

/// The name of a passed socket with this port: it is in the way of others.
pub fn name_of(port: u16) -> Option<String> {
    passed()
        .iter()
        .find(|socket| matches!(socket.kind, Kind::Tcp(_, number) if number == port))
        .map(Passed::shown)
}

/// Says what was passed in vain.
pub fn warn_of_unused() {
    for socket in passed() {
        if socket.used.load(Ordering::Relaxed) {
            continue;
        }
        let shown = socket.shown();
        let why = match &socket.kind {
            Kind::Tcp(address, port) => {
                let line = match address {
                    _ if address.is_unspecified() => port.to_string(),
                    IpAddr::V4(_) => format!("{address}:{port}"),
                    IpAddr::V6(_) => format!("[{address}]:{port}"),
                };
                format!(
                    "has no Listen line and is not served: its clients wait in vain. \"Listen \
                     {line}\" would serve it"
                )
            }
            Kind::Other(what) => format!("is {what} and is not served: Listen knows TCP only"),
        };
        control::log(
            sys::APLOG_WARNING,
            &format!("the socket {shown} that was passed by socket activation {why}"),
        );
    }
}

/// The sockets, which stay open over executing the server anew.
pub fn descriptors() -> impl Iterator<Item = RawFd> {
    passed().iter().map(|socket| socket.descriptor)
}

impl Passed {
    fn is(&self, address: &str, port: u16) -> bool {
        match self.kind {
            Kind::Tcp(bound, number) => number == port && address.parse() == Ok(bound),
            Kind::Other(_) => false,
        }
    }

    /// `http.socket ([::]:80)`.
    fn shown(&self) -> String {
        let name = match self.name.as_str() {
            "" => format!("{}", self.descriptor),
            name => format!("\"{name}\""),
        };
        match self.kind {
            Kind::Tcp(IpAddr::V6(address), port) => format!("{name} ([{address}]:{port})"),
            Kind::Tcp(address, port) => format!("{name} ({address}:{port})"),
            Kind::Other(_) => name,
        }
    }
}

/// What was passed to this process, which is the one that was meant.
fn passed() -> &'static [Passed] {
    PASSED.get_or_init(|| {
        let number = |name| std::env::var(name).ok()?.parse::<i32>().ok();
        if number("LISTEN_PID") != i32::try_from(std::process::id()).ok() {
            return Vec::new();
        }
        let count = number("LISTEN_FDS").unwrap_or(0).clamp(0, 1000);
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        (FIRST..FIRST + count)
            .map(|descriptor| Passed {
                descriptor,
                name: names.next().unwrap_or_default().to_owned(),
                kind: kind(descriptor),
                used: AtomicBool::new(false),
            })
            .collect()
    })
}

/// What a descriptor is. Programs that the server starts do not get it.
fn kind(descriptor: RawFd) -> Kind {
    let option = |name| {
        let mut value: libc::c_int = -1;
        let mut length = size_of_val(&value) as libc::socklen_t;
        // SAFETY: the system writes at most `length` bytes.
        let status = unsafe {
            libc::getsockopt(
                descriptor,
                libc::SOL_SOCKET,
                name,
                (&raw mut value).cast(),
                &raw mut length,
            )
        };
        (status == 0).then_some(value)
    };
    // SAFETY: only the descriptor's flag changes.
    unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    let other = |what: &str| Kind::Other(what.to_owned());
    match option(libc::SO_DOMAIN) {
        None => return other("no socket"),
        Some(libc::AF_UNIX) => return other("a Unix socket"),
        Some(libc::AF_INET | libc::AF_INET6) => {}
        Some(family) => return Kind::Other(format!("a socket of the address family {family}")),
    }
    if option(libc::SO_TYPE) != Some(libc::SOCK_STREAM) {
        return other("no stream socket");
    }
    if option(libc::SO_ACCEPTCONN) != Some(1) {
        return other("a connection (Accept=yes)");
    }
    // SAFETY: the borrowed descriptor is only asked, and stays open.
    let socket = unsafe { std::mem::ManuallyDrop::new(TcpListener::from_raw_fd(descriptor)) };
    match socket.local_addr() {
        Ok(address) => Kind::Tcp(address.ip(), address.port()),
        Err(_) => other("no socket that is bound"),
    }
}
