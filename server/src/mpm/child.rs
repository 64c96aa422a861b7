//! A child: its reactor threads, its connections, and how it leaves.
//!
//! After the fork the child's main thread runs `child_init`, starts the runtime and waits for the
//! order to leave. Every listening socket is accepted from by one task; every connection is a task.

use std::{
    cell::Cell,
    io,
    os::fd::{FromRawFd, OwnedFd, RawFd},
    ptr::null_mut,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use httpd_sys as sys;
use tokio::{
    io::Interest,
    signal::unix::{Signal, SignalKind, signal},
    sync::{Notify, futures::Notified},
};

use super::{execution, settings::settings, signals, sockets};
use crate::{
    abi::{
        http_connection, network_filters,
        scoreboard::connections::{self, Counted, State},
        session::Accepted,
        threads,
    },
    conn::{life, offload, turn, watchdog},
    log::access,
    modules::mpm_event,
};

/// A child's state, shared by its tasks. It lives until the process ends.
pub struct Child {
    slot: i32,
    leaving: AtomicBool,
    leave: Notify,
    connections: AtomicUsize,
    one_less: Notify,
    accepted: AtomicI64,
    /// MaxConnectionsPerChild; 0: no limit.
    most_connections: i64,
    takers: Takers,
}

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

/// How a child is asked to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// Finish the requests under way.
    Gracefully,
    /// At once.
    Now,
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

    fn begin_to_leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
        set_stopping();
        self.leave.notify_waiters();
    }

    /// Counts a connection while it lives.
    fn enter(&'static self) -> Presence {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Presence(self, self.counted(State::Open))
    }

    /// Shows in the scoreboard, while the result lives, what a connection waits for.
    pub fn counted(&self, state: State) -> Counted {
        Counted::new(self.slot, state)
    }
}

struct Presence(
    &'static Child,
    #[expect(dead_code, reason = "dropped with this")] Counted,
);

impl Drop for Presence {
    fn drop(&mut self) {
        if self.0.connections.fetch_sub(1, Ordering::Relaxed) == 1 && self.0.is_leaving() {
            self.0.one_less.notify_waiters();
        }
    }
}

/// Runs the child in `slot` of the scoreboard to its end; answers the exit code. `parent` is the
/// control process, unless this process is that itself.
pub fn run(slot: i32, parent: Option<i32>) -> i32 {
    for fault in [libc::SIGSEGV, libc::SIGBUS] {
        signals::reset(fault);
    }
    // Ctrl-C reaches the whole group of processes; the control process tells children what to do.
    signals::ignore(libc::SIGINT);
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
    network_filters::find_byte_counters();
    // SAFETY: a plain number that a directive has set.
    let most_connections = i64::from(unsafe { sys::ap_max_requests_per_child });
    let child: &'static Child = Box::leak(Box::new(Child {
        slot,
        leaving: AtomicBool::new(false),
        leave: Notify::new(),
        connections: AtomicUsize::new(0),
        one_less: Notify::new(),
        accepted: AtomicI64::new(0),
        most_connections,
        takers: http_connection::takers(),
    }));
    SLOT.store(slot as usize, Ordering::Relaxed);
    connections::forget(slot);
    show_places(slot);
    let runtime = match build_runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            super::control::log(sys::APLOG_ALERT, &format!("cannot start threads: {error}"));
            return CHILD_FATAL;
        }
    };
    mpm_event::set_runtime(runtime.handle().clone());
    execution::begin(slot, runtime.handle());
    let order = runtime.block_on(async {
        let order = accept_until_ordered(child).await;
        // SAFETY: the pool is the one made above; it lives until the process ends.
        unsafe { sys::ap_run_child_stopping(pool, i32::from(order.how == Order::Gracefully)) };
        leave(child, order).await
    });
    watchdog::end();
    runtime.shutdown_timeout(Duration::from_millis(if order == Order::Now {
        50
    } else {
        500
    }));
    access::flush_thread_logs();
    // SAFETY: as above.
    unsafe { sys::apr_pool_destroy(pool) };
    0
}

/// The exit code by which a child says that its successors would fail too (httpd.h).
pub const CHILD_FATAL: i32 = sys::APEXIT_CHILDFATAL as i32;

fn build_runtime() -> io::Result<tokio::runtime::Runtime> {
    let settings = settings();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let children = usize::try_from(settings.start_servers).unwrap_or(1).max(1);
    let blocking = execution::places();
    // SAFETY: a plain number that a directive has set.
    let stack = unsafe { sys::ap_thread_stacksize };
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(processors.div_ceil(children).max(1) + watchdog::RESERVES)
        // Reactor threads that block are replaced from this number.
        .max_blocking_threads(blocking + offload::spare_threads(blocking))
        .thread_stack_size(if stack == 0 { 8 << 20 } else { stack })
        .thread_name("httpd-rs")
        .enable_io()
        .enable_time()
        .on_thread_stop(|| {
            threads::end();
            access::flush_thread_logs();
        })
        .on_thread_park(|| {
            access::flush_thread_logs();
            turn::end();
        })
        // Only a thread that turns the event loop comes here; others of the runtime do not.
        .on_thread_unpark(|| {
            access::set_deferred_logs(true);
            turn::begin();
        })
        .build()
}

/// The order to leave, and where a more urgent one comes from.
struct Ordered {
    how: Order,
    stop: Option<Signal>,
}

/// Accepts until the order to leave.
async fn accept_until_ordered(child: &'static Child) -> Ordered {
    let (Ok(mut stop), Ok(mut graceful), Ok(mut winch)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::user_defined1()),
        signal(SignalKind::window_change()),
    ) else {
        return Ordered {
            how: Order::Now,
            stop: None,
        };
    };
    super::control::child_signals().unblock();
    let listeners: Vec<_> = sockets::listening()
        .into_iter()
        .map(|listener| tokio::spawn(accept(listener, child)))
        .collect();
    let order = tokio::select! {
        _ = stop.recv() => Order::Now,
        _ = graceful.recv() => Order::Gracefully,
        _ = winch.recv() => Order::Gracefully,
        () = child.leaving() => Order::Gracefully,
    };
    for listener in listeners {
        listener.abort();
        // Its watch is gone when it has ended, one way or the other; then the socket may be closed.
        let _ = listener.await;
    }
    super::close_listeners();
    child.begin_to_leave();
    Ordered {
        how: order,
        stop: Some(stop),
    }
}

/// Waits for what is under way, if there is time; how the child leaves in the end.
async fn leave(child: &'static Child, ordered: Ordered) -> Order {
    let Ordered {
        how: order,
        stop: Some(mut stop),
    } = ordered
    else {
        return Order::Now;
    };
    if order == Order::Gracefully {
        // SAFETY: a plain number that a directive has set.
        let seconds = unsafe { sys::ap_graceful_shutdown_timeout };
        let limit = match u64::try_from(seconds) {
            Ok(seconds) if seconds > 0 => Duration::from_secs(seconds),
            _ => Duration::MAX,
        };
        let emptied = async {
            while child.connections.load(Ordering::Relaxed) > 0 {
                // Looked at again now and then, so that a wake-up between the two is not missed.
                let one_less = child.one_less.notified();
                let _ = tokio::time::timeout(Duration::from_millis(100), one_less).await;
            }
        };
        tokio::select! {
            () = emptied => {}
            () = tokio::time::sleep(limit) => {}
            _ = stop.recv() => return Order::Now,
        }
    }
    order
}

/// Takes the connections of one listening socket.
async fn accept(listener: RawFd, child: &'static Child) {
    let Ok(listener) = network_filters::watch(listener, Interest::READABLE) else {
        super::control::log(sys::APLOG_ALERT, "cannot wait for a listening socket");
        return;
    };
    loop {
        let accepted = listener
            .async_io(Interest::READABLE, |descriptor| accept_one(*descriptor))
            .await;
        match accepted {
            Ok(accepted) => {
                let presence = child.enter();
                tokio::spawn(async move {
                    life::serve(accepted, child).await;
                    drop(presence);
                });
                let most = child.most_connections;
                if most > 0 && child.accepted.load(Ordering::Relaxed) >= most {
                    child.begin_to_leave();
                    return;
                }
            }
            Err(error) if is_passing(&error) => {}
            Err(error) => {
                // Mostly too many open files: connections end, and then there is room again.
                super::control::log(sys::APLOG_ERR, &format!("accept: {error}"));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Whether an error of accept concerns only the connection that was not accepted.
fn is_passing(error: &io::Error) -> bool {
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

fn accept_one(listener: RawFd) -> io::Result<Accepted> {
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

/// This child's slot in the scoreboard.
static SLOT: AtomicUsize = AtomicUsize::new(0);

/// The scoreboard's places for threads, of which a thread takes one for its life.
static PLACES: Mutex<Vec<bool>> = Mutex::new(Vec::new());

thread_local! {
    static PLACE: Place = const { Place(Cell::new(None)) };
}

/// A thread's place in the scoreboard: its number and handle.
struct Place(Cell<Option<(usize, usize)>>);

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((number, _)) = self.0.get() {
            show_place(SLOT.load(Ordering::Relaxed) as i32, number);
            let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
            places[number] = false;
        }
    }
}

/// Shows a place that no thread has: a thread can be had for the first ThreadsPerChild of them, the
/// others are not in use.
fn show_place(slot: i32, number: usize) {
    let ready = usize::try_from(settings().threads_per_child).is_ok_and(|ready| number < ready);
    let state = if ready {
        sys::SERVER_READY
    } else {
        sys::SERVER_DEAD
    };
    // SAFETY: no request is named.
    unsafe {
        sys::ap_update_child_status_from_indexes(slot, number as i32, state as i32, null_mut())
    };
}

/// The same for all places.
fn show_places(slot: i32) {
    for number in 0..usize::try_from(settings().thread_limit).unwrap_or(0) {
        show_place(slot, number);
    }
}

/// The scoreboard handle of the thread that calls; NULL when there is no place left for it.
pub fn thread_scoreboard_handle() -> *mut sys::ap_sb_handle_t {
    PLACE.with(|place| {
        if let Some((_, handle)) = place.0.get() {
            return std::ptr::with_exposed_provenance_mut(handle);
        }
        let limit = usize::try_from(settings().thread_limit).unwrap_or(0);
        let number = {
            let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
            places.resize(limit, false);
            let Some(free) = places.iter().position(|taken| !taken) else {
                return null_mut();
            };
            places[free] = true;
            free
        };
        let mut handle = null_mut();
        // SAFETY: the pool is a thread's own and lives until the process ends, like its handle.
        unsafe {
            let mut pool = null_mut();
            sys::apr_pool_create_unmanaged_ex(&raw mut pool, None, null_mut());
            let slot = SLOT.load(Ordering::Relaxed) as i32;
            sys::ap_create_sb_handle(&raw mut handle, pool, slot, number as i32);
        }
        place.0.set(Some((number, handle.expose_provenance())));
        handle
    })
}
