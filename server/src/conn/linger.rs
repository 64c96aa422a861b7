//! Lingering close: after the last response the client gets time to read it. Closing at once, with
//! bytes of the client still unread, would reset the connection and lose what it was sent.

use std::{
    future::poll_fn,
    io,
    os::fd::RawFd,
    task::Poll,
    time::{Duration, Instant},
};

use module_sdk::raw::Connection;
use tokio::io::unix::AsyncFd;

use super::wait::{Readiness, wait_blocking};
use crate::abi::network_filters::receive;

/// How long to linger.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// In all.
    total: Duration,
    /// Between two arrivals.
    quiet: Duration,
}

/// The limits for a connection; `short-lingering-close` among its notes asks for less.
pub fn limits(connection: Connection<'_>) -> Limits {
    let quiet = Duration::from_secs(2);
    let total = if connection.notes().contains(c"short-lingering-close") {
        quiet
    } else {
        Duration::from_secs(30)
    };
    Limits { total, quiet }
}

/// Reads and forgets what the client still sends until it closes; waits on this thread.
pub fn drain_blocking(socket: RawFd, limits: Limits) {
    let deadline = Instant::now() + limits.total;
    let mut buffer = [0; 512];
    while Instant::now() < deadline {
        match receive(socket, &mut buffer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if wait_blocking(socket, Readiness::Readable, Some(limits.quiet)).is_err() {
                    return;
                }
            }
            Err(_) => return,
        }
    }
}

/// The same without a thread.
pub async fn drain(socket: &AsyncFd<RawFd>, limits: Limits) {
    let deadline = Instant::now() + limits.total;
    while Instant::now() < deadline {
        let arrival = poll_fn(|cx| {
            loop {
                let Poll::Ready(ready) = socket.poll_read_ready(cx) else {
                    return Poll::Pending;
                };
                let Ok(mut guard) = ready else {
                    return Poll::Ready(0);
                };
                let mut buffer = [0; 512];
                match guard.try_io(|socket| receive(*socket.get_ref(), &mut buffer)) {
                    Ok(got) => return Poll::Ready(got.unwrap_or(0)),
                    Err(_) => continue,
                }
            }
        });
        match tokio::time::timeout(limits.quiet, arrival).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}
