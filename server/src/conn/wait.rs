//! Waiting for a socket on the thread that runs a request.
//!
//! On a reactor thread the wait hands the reactor to another thread first, so that other
//! connections go on; on a thread that a module made, it is a plain poll.

use std::{
    io,
    os::fd::RawFd,
    ptr::null,
    time::{Duration, Instant},
};

use tokio::runtime::RuntimeFlavor;

use super::offload::Stretch;
use crate::{hooks::timing, log::access::set_deferred_logs};

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Bytes, or the end, to be read.
    Readable,
    /// Room for bytes to be written.
    Writable,
}

/// Waits until `socket` is ready or `timeout` has passed (`None`: for ever).
///
/// # Errors
/// `TimedOut`, or what poll says.
pub fn wait_blocking(
    socket: RawFd,
    readiness: Readiness,
    timeout: Option<Duration>,
) -> io::Result<()> {
    let begun = Instant::now();
    let result = blocking(|| poll(socket, readiness, timeout));
    timing::add_waited(begun.elapsed());
    result
}

/// Runs something that may take long: a reactor thread gives its other connections away first.
///
/// Another thread may be the reactor from then on, and this one idle for seconds when its request
/// is done; so lines of logs wait for nothing until it is known to be a reactor thread again.
pub fn blocking<T>(work: impl FnOnce() -> T) -> T {
    set_deferred_logs(false);
    super::turn::end();
    if has_reactor() {
        let _away = timing::leave_reactor();
        let _stretch = Stretch::begin_if_free();
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}

/// Whether this thread turns an event loop that others depend on, and can give it away. A thread that
/// owns its connection (worker, prefork) has one for itself.
pub fn has_reactor() -> bool {
    tokio::runtime::Handle::try_current()
        .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// Whether a socket is ready at this moment.
pub fn is_ready(socket: RawFd, readiness: Readiness) -> bool {
    poll(socket, readiness, Some(Duration::ZERO)).is_ok()
}

fn poll(socket: RawFd, readiness: Readiness, timeout: Option<Duration>) -> io::Result<()> {
    let mut descriptor = libc::pollfd {
        fd: socket,
        events: match readiness {
            Readiness::Readable => libc::POLLIN,
            Readiness::Writable => libc::POLLOUT,
        },
        revents: 0,
    };
    let deadline = timeout.map(|timeout| Instant::now() + timeout);
    loop {
        let left = deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            libc::timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            }
        });
        let limit = left.as_ref().map_or(null(), |left| &raw const *left);
        // Not `poll`, which would ask again whether there is a reactor to give away.
        // SAFETY: one pollfd and a limit, which live for the call.
        match unsafe { libc::ppoll(&raw mut descriptor, 1, limit, null()) } {
            0 => return Err(io::ErrorKind::TimedOut.into()),
            -1 => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
            _ => return Ok(()),
        }
    }
}
