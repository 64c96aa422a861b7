//! A child of any MPM: what happens after the fork and before the end, and what its connections
//! know of it. In between, the MPM serves.

use std::{
    ptr::null_mut,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicI64, AtomicPtr, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use httpd_sys as sys;
use tokio::sync::{Notify, futures::Notified};

use super::{
    buckets, execution,
    kind::{self, Kind},
    orders::{self, Order},
    places, signals,
};
use crate::{
    abi::{
        http_connection, network_filters,
        scoreboard::connections::{self, Counted, State},
    },
    log::access,
};

/// A child's state, shared by its tasks. It lives until the process ends.
pub struct Child {
    slot: i32,
    leaving: AtomicBool,
    /// It leaves because the server stops.
    stops: AtomicBool,
    /// Until when it keeps idle connections, since it leaves.
    last_call: OnceLock<Instant>,
    leave: Notify,
    connections: AtomicUsize,
    one_less: Notify,
    accepted: AtomicI64,
    /// MaxConnectionsPerChild; 0: no limit.
    most_connections: i64,
    takers: Takers,
}

/// How long a child that leaves keeps connections on which no request is under way. A client may have
/// sent one just before it could hear of the end, or be about to; it is answered, with the word that
/// the connection closes. Most clients that are at work have heard so within this time.
const LAST_CALL: Duration = Duration::from_secs(5);

/// The same when the server stops: whoever stopped it waits for that.
const LAST_CALL_OF_ALL: Duration = Duration::from_secs(1);

/// Which modules may keep a connection in `process_connection`, and so block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Takers {
    /// None: the hooks return at once.
    None,
    /// mod_ssl, which has to do with connections that are encrypted from the start.
    Encrypted,
    /// mod_http2, which looks at every connection; the client speaks first.
    ClientFirst,
    /// Others, of which nothing is known.
    Any,
}

/// Whether this child has begun to leave.
static STOPPING: AtomicBool = AtomicBool::new(false);

/// Lets modules know that this process is about to end: helpers are not started again.
pub fn set_stopping() {
    STOPPING.store(true, Ordering::Relaxed);
}

/// Whether the process has begun to leave, for modules that ask (`ap_mpm_query`).
pub fn is_stopping() -> bool {
    STOPPING.load(Ordering::Relaxed)
}

/// Whether the threads of this child own their connections.
static OWNS: AtomicBool = AtomicBool::new(false);

/// Whether the threads of this child own their connections, and so show in the scoreboard what those
/// wait for.
pub fn owns_connections() -> bool {
    OWNS.load(Ordering::Relaxed)
}

impl Child {
    /// A number for a connection that no other of the server has at this time.
    pub fn next_connection_id(&self) -> i64 {
        let number = self.accepted.fetch_add(1, Ordering::Relaxed);
        (i64::from(self.slot) << 40) | number
    }

    /// Which modules may keep a connection in `process_connection`.
    pub fn takers(&self) -> Takers {
        self.takers
    }

    /// Whether the child takes no new requests.
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// Completes when the child begins to leave.
    pub fn leaving(&'static self) -> Notified<'static> {
        self.leave.notified()
    }

    /// When idle connections are closed, since the child leaves; `None` before it does.
    pub fn last_call(&self) -> Option<Instant> {
        self.last_call.get().copied()
    }

    /// The server stops: if the child leaves later, that is why.
    pub fn note_stop(&self) {
        self.stops.store(true, Ordering::Relaxed);
    }

    /// Takes no more connections from now on, and ends those that wait for a next request, after a
    /// while in which it may come.
    pub fn begin_to_leave(&self) {
        let last_call = if self.stops.load(Ordering::Relaxed) {
            LAST_CALL_OF_ALL
        } else {
            LAST_CALL
        };
        // Only the first time counts.
        let _ = self.last_call.set(Instant::now() + last_call);
        self.leaving.store(true, Ordering::Relaxed);
        super::note_leaving(self.slot);
        set_stopping();
        places::show_leaving(self.slot);
        self.leave.notify_waiters();
    }

    /// Whether the child has had as many connections as it may have (MaxConnectionsPerChild).
    pub fn is_worn_out(&self) -> bool {
        let most = self.most_connections;
        most > 0 && self.accepted.load(Ordering::Relaxed) >= most
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Completes when a connection of a child that leaves has ended.
    pub fn one_less(&'static self) -> Notified<'static> {
        self.one_less.notified()
    }

    /// Counts a connection while it lives.
    pub fn enter(&'static self) -> Presence {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Presence(self, self.counted(State::Open))
    }

    /// Shows in the scoreboard, while the result lives, what a connection waits for.
    pub fn counted(&self, state: State) -> Counted {
        if owns_connections() {
            places::show(match state {
                State::Open => sys::SERVER_BUSY_READ,
                State::Writing => sys::SERVER_BUSY_WRITE,
                State::Closing => sys::SERVER_CLOSING,
                State::KeptAlive => sys::SERVER_BUSY_KEEPALIVE,
            });
        }
        Counted::new(self.slot, state)
    }
}

/// A connection, counted while this lives.
pub struct Presence(
    &'static Child,
    #[expect(dead_code, reason = "dropped with this")] Counted,
);

impl Drop for Presence {
    fn drop(&mut self) {
        if self.0.connections.fetch_sub(1, Ordering::Relaxed) == 1 && self.0.is_leaving() {
            self.0.one_less.notify_waiters();
        }
        if owns_connections() {
            places::show(sys::SERVER_READY);
        }
    }
}

/// Runs the child in `slot` of the scoreboard to its end, with a set of listening sockets; answers the
/// exit code. `parent` is the control process, unless this process is that itself.
pub fn run(slot: i32, bucket: i32, parent: Option<i32>) -> i32 {
    crate::crash::begin_child();
    if parent.is_some() {
        signals::forget();
        // Ctrl-C reaches the whole group of processes; the control process tells children what to do.
        // Programs that a thread starts are not to inherit that it is ignored.
        if kind::current() == Kind::Prefork {
            signals::ignore(libc::SIGINT);
        }
    }
    if let Err(error) = orders::prepare(parent.is_none()) {
        super::control::log(sys::APLOG_ALERT, &format!("cannot hear signals: {error}"));
        return CHILD_FATAL;
    }
    super::set_running(false);
    buckets::take(bucket);
    let mut pool = null_mut();
    // SAFETY: the process has one thread here; pconf and the main server live until it ends.
    unsafe {
        sys::apr_pool_create_ex(&raw mut pool, sys::ap_pglobal, None, null_mut());
        sys::apr_pool_tag(pool, c"pchild".as_ptr());
        sys::ap_reopen_scoreboard(pool, null_mut(), 0);
        if sys::ap_run_drop_privileges(pool, sys::ap_server_conf) != 0 {
            return CHILD_FATAL;
        }
        if let Some(parent) = parent {
            // The child ends when the control process dies unexpectedly. Only now, because the
            // system forgets this when a process changes its user; and it may have died before.
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
            if libc::getppid() != parent {
                return 0;
            }
        }
        sys::ap_run_child_init(pool, sys::ap_server_conf);
    }
    super::set_running(true);
    network_filters::find_byte_counters();
    let kind = kind::current();
    // SAFETY: a plain number that a directive has set.
    let most_connections = i64::from(unsafe { sys::ap_max_requests_per_child });
    let child: &'static Child = Box::leak(Box::new(Child {
        slot,
        leaving: AtomicBool::new(false),
        stops: AtomicBool::new(false),
        last_call: OnceLock::new(),
        leave: Notify::new(),
        connections: AtomicUsize::new(0),
        one_less: Notify::new(),
        accepted: AtomicI64::new(0),
        most_connections,
        takers: http_connection::takers(),
    }));
    crate::crash::count_connections(&child.connections);
    OWNS.store(kind != Kind::Event, Ordering::Relaxed);
    connections::forget(slot);
    places::take_slot(slot);
    execution::begin(slot);
    PCHILD.store(pool, Ordering::Relaxed);
    if let Err(error) = super::of(kind).serve(child) {
        super::control::log(sys::APLOG_ALERT, &format!("cannot start threads: {error}"));
        return CHILD_FATAL;
    }
    access::flush_thread_logs();
    // SAFETY: nothing of a module runs any more, or it is about to be ended with the process.
    unsafe { sys::apr_pool_destroy(pool) };
    0
}

/// The pool of `child_init`.
static PCHILD: AtomicPtr<sys::apr_pool_t> = AtomicPtr::new(null_mut());

/// Tells modules that the child takes no more connections, and how it leaves.
pub fn announce(order: Order) {
    let pool = PCHILD.load(Ordering::Relaxed);
    // SAFETY: the pool lives until the process ends.
    unsafe { sys::ap_run_child_stopping(pool, i32::from(order == Order::Gracefully)) };
}

/// The exit code by which a child says that its successors would fail too (httpd.h).
pub const CHILD_FATAL: i32 = sys::APEXIT_CHILDFATAL as i32;
