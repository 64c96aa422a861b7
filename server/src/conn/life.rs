//! The task of a connection. Waiting costs no thread: for the first byte, for a whole request head,
//! between requests, for the client to take the rest of a response, and for lingering close.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    io,
    os::fd::RawFd,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::futures::Notified,
    time::Sleep,
};

use super::{
    head::{Found, Search},
    linger,
    network::{RECEIVE_SIZE, Sent},
    turn,
    wait::blocking,
};
use crate::{
    abi::{
        network_filters::{receive, watch},
        session::{Accepted, Next, Session},
    },
    mpm::child::Child,
};

thread_local! {
    /// What a thread receives into before it knows whose it is: idle connections need no buffer.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; RECEIVE_SIZE]);
}

/// Why a wait for a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// A request can be read; its head is the first so many bytes received.
    Head(usize),
    /// A request is to be read through the input filters.
    Input,
    /// The client closed, took too long or failed, or the child is leaving.
    Nothing,
}

/// Serves a connection from accept to close.
pub async fn serve(accepted: Accepted, child: &'static Child) {
    let Some(mut session) = Session::open(accepted, child.next_connection_id()) else {
        return;
    };
    let taken = if child.connections_may_be_taken() {
        blocking(|| session.taken_over())
    } else {
        session.taken_over()
    };
    let Some(descriptor) = session.descriptor() else {
        // A module with a network of its own serves it where it likes; nothing is left to do.
        return;
    };
    let Ok(socket) = watch(descriptor, Interest::READABLE | Interest::WRITABLE) else {
        return;
    };
    if !taken {
        serve_requests(&mut session, &socket, child).await;
    }
    if let Some(limits) = session.start_close() {
        linger::drain(&socket, limits).await;
    }
    drop(socket);
    drop(session);
}

async fn serve_requests(session: &mut Session, socket: &AsyncFd<RawFd>, child: &'static Child) {
    let mut wait = Wait {
        leaving: pin!(child.leaving()),
        timer: pin!(tokio::time::sleep(Duration::ZERO)),
    };
    let mut first = true;
    loop {
        let wait_for = WaitFor {
            socket,
            child,
            deadline: session.timeout(first).map(|limit| Instant::now() + limit),
            first,
        };
        let head = match wait_for.request(session, &mut wait).await {
            Awaited::Head(length) => Some(length),
            Awaited::Input => None,
            Awaited::Nothing => return,
        };
        let next = session.run_request(head);
        if send_rest(session, socket).await.is_err() || next == Next::Close || child.is_leaving() {
            return;
        }
        session.rest();
        first = false;
    }
}

/// Waits, without a thread, until the socket has taken all that is pending.
async fn send_rest(session: &mut Session, socket: &AsyncFd<RawFd>) -> io::Result<()> {
    if session.send_pending()? == Sent::All {
        return Ok(());
    }
    let limit = session.timeout(true).unwrap_or(Duration::MAX);
    loop {
        let before = session.bytes_sent();
        let writing = socket.async_io(Interest::WRITABLE, |_| match session.send_pending()? {
            Sent::All => Ok(()),
            Sent::Blocked => Err(io::ErrorKind::WouldBlock.into()),
        });
        // The limit is on standing still; a client that goes on taking bytes may be slow.
        match tokio::time::timeout(limit, writing).await {
            Ok(done) => return done,
            Err(_) if session.bytes_sent() > before => {}
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// What a connection's waits have in common, kept so that a wait registers nothing anew.
struct Wait<'w> {
    leaving: Pin<&'w mut Notified<'static>>,
    /// Fires at some time before or at the deadline in force, and is set anew then.
    timer: Pin<&'w mut Sleep>,
}

impl Wait<'_> {
    /// Whether the deadline has passed.
    fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        while self.timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(deadline.into());
        }
        Poll::Pending
    }
}

/// What follows from a look at a head; `None`: wait for more of it.
fn found(found: Found) -> Option<Awaited> {
    match found {
        Found::Part => None,
        Found::Whole(length) => Some(Awaited::Head(length)),
        Found::TooMuch => Some(Awaited::Input),
    }
}

/// A wait for a request.
struct WaitFor<'a> {
    socket: &'a AsyncFd<RawFd>,
    child: &'static Child,
    deadline: Option<Instant>,
    first: bool,
}

impl WaitFor<'_> {
    async fn request(&self, session: &mut Session, wait: &mut Wait<'_>) -> Awaited {
        let mut search = Search::default();
        let mut started = false;
        if let Some(network) = session.plain_network() {
            if !network.unread().is_empty() {
                started = true;
                // It may have been sent before the answer to the one before, but not looked at.
                turn::end();
                if let Some(awaited) = found(search.look(network.unread())) {
                    return awaited;
                }
            }
        } else if session.input_pending() {
            return Awaited::Input;
        }
        poll_fn(|cx| {
            while let Poll::Ready(ready) = self.socket.poll_read_ready(cx) {
                let Ok(mut guard) = ready else {
                    return Poll::Ready(Awaited::Nothing);
                };
                let Some(network) = session.plain_network() else {
                    // Filters decide what the bytes mean; they read the socket themselves.
                    return Poll::Ready(Awaited::Input);
                };
                let received = BUFFER.with_borrow_mut(|buffer| {
                    let received = receive(*self.socket.get_ref(), buffer);
                    if let Ok(got) = received {
                        network.take_in(&buffer[..got], got < buffer.len());
                    }
                    received
                });
                match received {
                    Ok(0) => {
                        network.set_ended();
                        // An incomplete head is answered (400) or dropped by the parser.
                        return Poll::Ready(if network.unread().is_empty() {
                            Awaited::Nothing
                        } else {
                            Awaited::Input
                        });
                    }
                    Ok(got) => {
                        if got < RECEIVE_SIZE {
                            guard.clear_ready();
                        }
                        started = true;
                        if let Some(awaited) = found(search.look(network.unread())) {
                            return Poll::Ready(awaited);
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => guard.clear_ready(),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return Poll::Ready(Awaited::Nothing),
                }
            }
            // An idle connection leaves with its child; one that has begun a request may finish.
            let idle = !self.first && !started;
            if idle && (wait.leaving.as_mut().poll(cx).is_ready() || self.child.is_leaving()) {
                return Poll::Ready(Awaited::Nothing);
            }
            if let Some(deadline) = self.deadline
                && wait.poll_deadline(cx, deadline).is_ready()
            {
                // A head that came in part gets its answer (408); silence gets none.
                return Poll::Ready(match session.plain_network() {
                    Some(network) if started => {
                        network.set_expired();
                        Awaited::Input
                    }
                    _ => Awaited::Nothing,
                });
            }
            Poll::Pending
        })
        .await
    }
}
