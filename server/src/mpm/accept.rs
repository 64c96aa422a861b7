//! Taking connections from listening sockets: one call for all MPMs, and the wait of those whose
//! threads own their connections.

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    sync::Arc,
    time::Duration,
};

use httpd_sys as sys;

use crate::abi::session::Accepted;

/// Whether an error of accept concerns only the connection that was not accepted.
pub fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::ECONNABORTED
                | libc::ECONNRESET
                | libc::EINTR
                | libc::EPROTO
                | libc::ETIMEDOUT
                | libc::EHOSTUNREACH
                | libc::ENETUNREACH
        )
    )
}

pub fn accept_one(listener: RawFd) -> io::Result<Accepted> {
    // SAFETY: accept4 writes an address of at most the size it is told; the descriptor it answers
    // is new and ours.
    unsafe {
        let mut remote: libc::sockaddr_storage = std::mem::zeroed();
        let mut length = size_of_val(&remote) as libc::socklen_t;
        let descriptor = libc::accept4(
            listener,
            (&raw mut remote).cast(),
            &raw mut length,
            libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC,
        );
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        let socket = OwnedFd::from_raw_fd(descriptor);
        let on: libc::c_int = 1;
        libc::setsockopt(
            descriptor,
            libc::IPPROTO_TCP,
            libc::TCP_NODELAY,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        );
        let mut local: libc::sockaddr_storage = std::mem::zeroed();
        let mut length = size_of_val(&local) as libc::socklen_t;
        let asked = libc::getsockname(descriptor, (&raw mut local).cast(), &raw mut length);
        Ok(Accepted {
            socket,
            remote,
            local: (asked == 0).then_some(local),
        })
    }
}

/// The listening sockets as a thread waits for them that owns its connections. Of the processes that
/// wait the system wakes one for each connection.
#[derive(Debug)]
pub struct Listeners {
    watch: OwnedFd,
    waker: Waker,
}

/// Ends a wait for listening sockets, from another thread.
#[derive(Clone, Debug)]
pub struct Waker(Arc<OwnedFd>);

impl Waker {
    /// Ends the wait under way, or the next one.
    pub fn wake(&self) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: eight bytes that live for the call; the descriptor is open as long as this.
        unsafe { libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }
}

impl Listeners {
    /// Watches these sockets.
    ///
    /// # Errors
    /// What the system says.
    pub fn watch(sockets: &[RawFd]) -> io::Result<Self> {
        // SAFETY: plain calls that answer a new descriptor, which is ours.
        let (watch, waker) = unsafe {
            (
                owned(libc::epoll_create1(libc::EPOLL_CLOEXEC))?,
                owned(libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK))?,
            )
        };
        let exclusive = (libc::EPOLLIN | libc::EPOLLEXCLUSIVE) as u32;
        let told = sockets.iter().map(|&socket| (socket, exclusive));
        for (socket, events) in told.chain([(waker.as_raw_fd(), libc::EPOLLIN as u32)]) {
            let mut event = libc::epoll_event {
                events,
                u64: socket as u64,
            };
            // SAFETY: the record lives for the call; both descriptors are open.
            let done = unsafe {
                let add = libc::EPOLL_CTL_ADD;
                libc::epoll_ctl(watch.as_raw_fd(), add, socket, &raw mut event)
            };
            if done != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        let waker = Waker(Arc::new(waker));
        Ok(Self { watch, waker })
    }

    /// What ends the wait.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Waits for a connection, and takes it; `None` when the wait was ended, or another process has
    /// taken the connection.
    ///
    /// # Errors
    /// What the system says and does not pass by itself.
    pub fn take(&self) -> io::Result<Option<Accepted>> {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        // SAFETY: one record that lives for the call.
        let count = unsafe { libc::epoll_wait(self.watch.as_raw_fd(), &raw mut event, 1, -1) };
        let socket = event.u64 as RawFd;
        if count < 1 || socket == self.waker.0.as_raw_fd() {
            return Ok(None);
        }
        match accept_one(socket) {
            Ok(accepted) => Ok(Some(accepted)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock || is_passing(&error) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// The descriptor that a system call has answered.
///
/// # Safety
/// It is new and nobody else's.
unsafe fn owned(descriptor: RawFd) -> io::Result<OwnedFd> {
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// How long nothing is taken after a failure: mostly there are too many open files, connections end, and
/// then there is room again.
pub const PAUSE: Duration = Duration::from_millis(100);

/// Says why connections cannot be taken.
pub fn log_failure(error: &io::Error) {
    super::control::log(sys::APLOG_ERR, &format!("accept: {error}"));
}

/// The same on a thread that has nothing else to do, and waits.
pub fn pause_after(error: &io::Error) {
    log_failure(error);
    std::thread::sleep(PAUSE);
}
