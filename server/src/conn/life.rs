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
    offload::{self, Stretch},
    turn,
    wait::{Readiness, blocking, is_ready},
};
use crate::{
    abi::{
        network_filters::{receive, watch},
        scoreboard::connections::State,
        session::{Accepted, Head, Late, Next, Session, Turn},
    },
    mpm::child::{Child, Takers},
};

thread_local! {
    /// What a thread receives into before it knows whose it is: idle connections need no buffer.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; RECEIVE_SIZE]);
}

/// How long a head may be on its way before the filter that limits its time is asked: most come
/// whole, and then it costs nothing.
const GRACE: Duration = Duration::from_millis(100);

/// How often that filter is asked; it counts in seconds.
const TICK: Duration = Duration::from_secs(1);

/// Serves a connection from accept to close.
pub async fn serve(accepted: Accepted, child: &'static Child) {
    let Some(mut session) = Session::open(accepted, child.next_connection_id()) else {
        return;
    };
    let takers = match child.takers() {
        Takers::Encrypted if !session.is_encrypted() => Takers::None,
        takers => takers,
    };
    let Some(descriptor) = session.descriptor() else {
        // A module with a network of its own serves it where it likes; nothing is left to do.
        process(&mut session, takers).await;
        return;
    };
    let Ok(socket) = watch(descriptor, Interest::READABLE | Interest::WRITABLE) else {
        return;
    };
    let begun = match takers {
        Takers::None | Takers::Any => true,
        // Whoever connects and keeps silent costs no thread.
        Takers::Encrypted | Takers::ClientFirst => {
            ready(&socket, Readiness::Readable, session.timeout(true)).await
        }
    };
    if begun {
        converse(&mut session, &socket, child, takers).await;
    }
    if let Some(limits) = session.start_close() {
        let _closing = child.counted(State::Closing);
        linger::drain(&socket, limits).await;
    }
    drop(socket);
    drop(session);
}

/// Runs the `process_connection` hooks, on a thread that may block if one of them may.
async fn process(session: &mut Session, takers: Takers) -> Turn {
    if takers == Takers::None {
        return session.process();
    }
    let place = offload::take().await;
    let _stretch = Stretch::begin(place);
    blocking(|| session.process())
}

/// Lets the hooks have the connection, as often as they ask for, or the HTTP engine.
async fn converse(
    session: &mut Session,
    socket: &AsyncFd<RawFd>,
    child: &'static Child,
    takers: Takers,
) {
    let mut leaving = pin!(child.leaving());
    // Whether the hooks have been called since the child began to leave.
    let mut know_that_it_leaves = false;
    loop {
        know_that_it_leaves |= child.is_leaving();
        let turn = process(session, takers).await;
        let (readiness, mut limit) = match turn {
            Turn::Requests => return serve_requests(session, socket, child).await,
            Turn::Await(readiness) => (readiness, session.timeout(true)),
            Turn::KeepAlive => (Readiness::Readable, session.timeout(false)),
            Turn::Again => continue,
            Turn::Close => return,
        };
        if send_rest(session, socket, child).await.is_err() {
            return;
        }
        if readiness == Readiness::Readable && session.holds_input() {
            continue;
        }
        // An idle connection leaves with its child, after its module had the occasion to tell the
        // client (mod_http2 does) and the client the time to have heard. What one that waits otherwise
        // is about, only its module knows.
        let idle = turn == Turn::KeepAlive;
        if idle && child.is_leaving() {
            if !know_that_it_leaves {
                continue;
            }
            let left = child
                .last_call()
                .map(|end| end.saturating_duration_since(Instant::now()));
            limit = limit.into_iter().chain(left).min();
        }
        tokio::select! {
            ready = ready(socket, readiness, limit) => if !ready {
                return;
            },
            () = leaving.as_mut(), if idle && !child.is_leaving() => {}
        }
    }
}

/// Waits, without a thread, until the socket is ready; false when it takes too long or fails.
async fn ready(socket: &AsyncFd<RawFd>, readiness: Readiness, limit: Option<Duration>) -> bool {
    let arrival = async {
        loop {
            // Readiness is told once; what was left in the socket before has to be asked for.
            if is_ready(*socket.get_ref(), readiness) {
                return true;
            }
            let told = match readiness {
                Readiness::Readable => socket.readable().await,
                Readiness::Writable => socket.writable().await,
            };
            match told {
                Ok(mut guard) => guard.clear_ready(),
                Err(_) => return false,
            }
        }
    };
    let limit = limit.unwrap_or(Duration::MAX);
    tokio::time::timeout(limit, arrival).await.unwrap_or(false)
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
            first,
        };
        let Some(head) = wait_for.request(session, &mut wait).await else {
            return;
        };
        let mut next = session.run_request(head);
        while next == Next::Queued {
            next = session.go_on(offload::take().await);
        }
        if next == Next::Suspended {
            if let Some(done) = session.suspension() {
                done.notified().await;
            }
            next = session.resume();
        }
        // A child that leaves closes no connection that was told it would be kept: the client may have
        // sent its next request already. That one is answered with `Connection: close`.
        if send_rest(session, socket, child).await.is_err() || next == Next::Close {
            return;
        }
        session.rest();
        first = false;
    }
}

/// Waits, without a thread, until the socket has taken all that is pending.
async fn send_rest(
    session: &mut Session,
    socket: &AsyncFd<RawFd>,
    child: &Child,
) -> io::Result<()> {
    if session.send_rest()? == Sent::All {
        return Ok(());
    }
    let _writing = child.counted(State::Writing);
    let limit = session.timeout(true).unwrap_or(Duration::MAX);
    loop {
        let before = session.bytes_sent();
        let writing = socket.async_io(Interest::WRITABLE, |_| match session.send_rest()? {
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
        if self.timer.deadline() > deadline.into() {
            self.timer.as_mut().reset(deadline.into());
        }
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
fn found(found: Found) -> Option<Head> {
    match found {
        Found::Part => None,
        Found::Whole(length) => Some(Head::Whole(length)),
        Found::TooMuch => Some(Head::Input),
    }
}

/// A wait for a request.
struct WaitFor<'a> {
    socket: &'a AsyncFd<RawFd>,
    child: &'static Child,
    first: bool,
}

/// How far a head has come.
struct Progress {
    search: Search,
    /// Some of it is there.
    started: bool,
    /// When bytes came last, or the wait began.
    since: Instant,
    /// When a filter limits the time for the head: when to ask it.
    ask: Option<Instant>,
}

impl Progress {
    /// Takes note of bytes that came.
    ///
    /// # Errors
    /// `Late` when a filter says that they came too late.
    fn arrived(&mut self, session: &mut Session) -> Result<Option<Head>, Late> {
        self.since = Instant::now();
        let Some(network) = session.plain_network() else {
            return Ok(Some(Head::Input));
        };
        let head = found(self.search.look(network.unread()));
        if session.head_begun() {
            session.still_in_time(match head {
                Some(Head::Whole(length)) => length,
                _ => usize::MAX,
            })?;
        } else if !self.started && head.is_none() && session.limits_heads() {
            self.ask.get_or_insert(self.since + GRACE);
        }
        self.started = true;
        Ok(head)
    }

    /// Lets the filter that limits the time for the head have a look, when it is due.
    fn ask(&mut self, session: &mut Session, now: Instant) -> Result<(), Late> {
        let Some(due) = self.ask.as_mut().filter(|due| **due <= now) else {
            return Ok(());
        };
        *due = now + TICK;
        if session.head_begun() {
            session.still_in_time(usize::MAX)
        } else {
            session.begin_head()
        }
    }
}

impl WaitFor<'_> {
    /// The head of the next request; `None` when the client has closed or failed, was silent for too
    /// long, or the child is leaving.
    async fn request(&self, session: &mut Session, wait: &mut Wait<'_>) -> Option<Head> {
        let mut progress = Progress {
            search: Search::default(),
            started: false,
            since: Instant::now(),
            ask: None,
        };
        if let Some(network) = session.plain_network() {
            if !network.unread().is_empty() {
                // It may have been sent before the answer to the one before, but not looked at.
                turn::end();
                if let Some(head) = progress.arrived(session).unwrap_or(Some(Head::Late)) {
                    return Some(head);
                }
            }
        } else if session.input_pending() || (self.first && session.has_input()) {
            // What followed a handshake at once has been received already.
            return Some(Head::Input);
        }
        if self.first && session.limits_heads() {
            // The clock for a first request runs from the beginning.
            progress.ask = Some(progress.since + GRACE);
        }
        let _kept = (!self.first).then(|| self.child.counted(State::KeptAlive));
        poll_fn(|cx| {
            while let Poll::Ready(ready) = self.socket.poll_read_ready(cx) {
                let Ok(mut guard) = ready else {
                    return Poll::Ready(None);
                };
                let Some(network) = session.plain_network() else {
                    // Filters decide what the bytes mean; they read the socket themselves. Not all
                    // that comes is for the one who reads requests.
                    guard.clear_ready();
                    if session.has_input() {
                        return Poll::Ready(Some(Head::Input));
                    }
                    continue;
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
                        let some = !network.unread().is_empty();
                        return Poll::Ready(some.then_some(Head::Input));
                    }
                    Ok(got) => {
                        if got < RECEIVE_SIZE {
                            guard.clear_ready();
                        }
                        match progress.arrived(session) {
                            Ok(None) => {}
                            Ok(head) => return Poll::Ready(head),
                            Err(Late) => return Poll::Ready(Some(Head::Late)),
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => guard.clear_ready(),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => {
                        // The next look at the socket would find an end; what came is logged.
                        network.set_ended();
                        let some = !network.unread().is_empty();
                        return Poll::Ready(some.then_some(Head::Input));
                    }
                }
            }
            // An idle connection leaves with its child, but not at once; one that has begun a request
            // may finish.
            let idle = !self.first && !progress.started;
            let last_call =
                if idle && (self.child.is_leaving() || wait.leaving.as_mut().poll(cx).is_ready()) {
                    self.child.last_call()
                } else {
                    None
                };
            loop {
                let limit = session.timeout(self.first || progress.started);
                let end = limit.map(|limit| progress.since + limit);
                let end = end.into_iter().chain(last_call).min();
                let Some(next) = end.into_iter().chain(progress.ask).min() else {
                    return Poll::Pending;
                };
                if wait.poll_deadline(cx, next).is_pending() {
                    return Poll::Pending;
                }
                let now = Instant::now();
                if progress.ask(session, now).is_err() {
                    return Poll::Ready(Some(Head::Late));
                }
                if end.is_some_and(|end| end <= now) {
                    // A client that never said a thing, or half of it, goes into the log.
                    let some = self.first || progress.started;
                    return Poll::Ready(match session.plain_network() {
                        Some(_) if some => Some(Head::Late),
                        _ => None,
                    });
                }
            }
        })
        .await
    }
}
