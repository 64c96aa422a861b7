//! A connection as its task sees it: the records that modules know, made, run and taken down.
//!
//! The task (`conn::life`) is safe code; everything it does with a `conn_rec` is a method here.

use std::{
    ffi::{c_int, c_long},
    os::fd::{IntoRawFd, OwnedFd, RawFd},
    ptr::null_mut,
    sync::Arc,
    time::Duration,
};

use httpd_sys::{self as sys, conn_rec};
use module_sdk::raw::{Brigade, Connection};
use tokio::sync::Notify;

use super::{
    http_config::retained,
    http_connection,
    http_protocol::{self, Missing},
    http_request::{self, process::Outcome},
    memory, threads,
};
use crate::{
    conn::{
        linger::{self, Limits},
        network::{Network, Sent, Wait},
        offload::{self, Place, Stretch},
        suspended,
        wait::{Readiness, blocking},
    },
    hooks::{
        kinds::{Key, Sort, first_part},
        timing,
    },
};

/// An accepted socket with its addresses.
pub struct Accepted {
    /// The socket, non-blocking.
    pub socket: OwnedFd,
    /// The client's address.
    pub remote: libc::sockaddr_storage,
    /// The address it came to; `None` when the system has to be asked.
    pub local: Option<libc::sockaddr_storage>,
}

/// What to do when a request has been processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send the rest and wait for the next request.
    KeepAlive,
    /// Send the rest and close.
    Close,
    /// Wait until the module that has suspended the request is done with it.
    Suspended,
    /// Wait for a place to block in, and go on with it.
    Queued,
}

/// A request that waits for a place to block in.
struct Queued {
    r: *mut sys::request_rec,
    /// Where it was left; `None` before all phases.
    left: Option<retained::Left>,
}

/// What becomes of a connection when its `process_connection` hooks have returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// No module keeps it: the HTTP engine serves it to its end.
    Requests,
    /// The hooks are to be called again when the socket is ready, or not at all if that takes longer
    /// than Timeout.
    Await(Readiness),
    /// They are to be called again when the client sends something, within KeepAliveTimeout.
    KeepAlive,
    /// They are to be called again at once: filters hold input already.
    Again,
    /// It ends.
    Close,
}

/// A connection. Dropping it closes the socket and frees everything.
pub struct Session {
    pool: *mut sys::apr_pool_t,
    c: *mut conn_rec,
    /// The allocator of buckets; NULL while the connection waits and needs none.
    buckets: *mut sys::apr_bucket_alloc_t,
    /// The core's network; NULL when a module has put its own in place.
    network: *mut Network,
    /// The request whose head is awaited under the eyes of its filters; NULL when none is.
    begun: *mut sys::request_rec,
    /// How much of that head they have seen.
    seen: usize,
    /// The request that waits for a place.
    queued: Option<Queued>,
    /// Modules were told that the connection has left its thread.
    is_away: bool,
}

/// How the wait for a request's head ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// It is the first so many unread bytes of a plain network.
    Whole(usize),
    /// It is to be read through the input filters.
    Input,
    /// What there is of it is all that came in time.
    Late,
}

/// The time for a head is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late;

// SAFETY: the records are used by whichever thread runs the connection's task, and a task runs on
// one thread at a time; between two requests nothing of a module runs.
unsafe impl Send for Session {}

impl Session {
    /// Makes the records and runs the `pre_connection` hooks. `None` when a module refuses or the
    /// client is gone already.
    pub fn open(accepted: Accepted, id: i64) -> Option<Self> {
        let mut session = Self {
            pool: null_mut(),
            c: null_mut(),
            buckets: null_mut(),
            network: null_mut(),
            begun: null_mut(),
            seen: 0,
            queued: None,
            is_away: false,
        };
        // SAFETY: pool and socket are made here and live as long as the session; the addresses are
        // copied. APR ends the process when memory runs out.
        unsafe {
            session.pool = memory::connection_pool();
            let pool = session.pool;
            sys::apr_pool_tag(pool, c"transaction".as_ptr());

            let mut local = accepted.local;
            let mut remote = accepted.remote;
            let mut descriptor = accepted.socket.into_raw_fd();
            let mut info = sys::apr_os_sock_info_t {
                os_sock: &raw mut descriptor,
                local: local
                    .as_mut()
                    .map_or(null_mut(), |local| (&raw mut *local).cast()),
                remote: (&raw mut remote).cast(),
                family: c_int::from(remote.ss_family),
                type_: libc::SOCK_STREAM,
                protocol: libc::IPPROTO_TCP,
            };
            let mut socket = null_mut();
            sys::apr_os_sock_make(&raw mut socket, &raw mut info, pool);
            let server = sys::ap_server_conf;
            sys::apr_socket_timeout_set(socket, (*server).timeout);
            session.buckets = memory::take_buckets();
            session.c = sys::ap_run_create_connection(
                pool,
                server,
                socket,
                id as c_long,
                crate::mpm::thread_scoreboard_handle().cast(),
                session.buckets,
            );
            if session.c.is_null() {
                return None;
            }
            session.move_here();
            sys::ap_update_vhost_given_ip(session.c);
            let key = Key::CONNECTION.named(Sort::Connection, String::new);
            let prepared =
                off_the_reactor_if_slow(key, || sys::ap_pre_connection(session.c, socket.cast()));
            if prepared != sys::OK as c_int || (*session.c).aborted != 0 {
                return None;
            }
            session.network = http_connection::network(session.c).map_or(null_mut(), |n| n);
        }
        Some(session)
    }

    fn connection(&self) -> Connection<'_> {
        // SAFETY: made by `open`, lives as long as the session.
        unsafe { Connection::from_ptr(self.c) }
    }

    /// Runs the `process_connection` hooks; what follows is in the state they leave.
    pub fn process(&mut self) -> Turn {
        self.wake();
        // SAFETY: the connection is live; the core's hook, the last one, leaves PROCESSING, and a
        // module that took the connection over without a word about its state is done with it.
        unsafe {
            let (c, cs) = (self.c, (*self.c).cs);
            (*c).sbh = crate::mpm::thread_scoreboard_handle().cast();
            (*cs).state = sys::CONN_STATE_NUM;
            (*cs).sense = sys::CONN_SENSE_DEFAULT;
            sys::ap_run_process_connection(c);
            if (*cs).state != sys::CONN_STATE_PROCESSING && !crate::mpm::child::owns_connections() {
                // The module has shown what the connection does; the thread is free for others, and
                // counts as idle.
                let sbh = crate::mpm::thread_scoreboard_handle();
                sys::ap_update_child_status(sbh, sys::SERVER_READY as c_int, null_mut());
            }
            let wanted = match (*cs).sense {
                sys::CONN_SENSE_WANT_WRITE => Readiness::Writable,
                _ => Readiness::Readable,
            };
            match (*cs).state {
                _ if (*c).aborted != 0 => Turn::Close,
                sys::CONN_STATE_PROCESSING => Turn::Requests,
                sys::CONN_STATE_ASYNC_WAITIO => Turn::Await(wanted),
                sys::CONN_STATE_WRITE_COMPLETION if (*cs).sense != sys::CONN_SENSE_DEFAULT => {
                    Turn::Await(wanted)
                }
                sys::CONN_STATE_WRITE_COMPLETION | sys::CONN_STATE_KEEPALIVE
                    if (*c).keepalive == sys::AP_CONN_KEEPALIVE =>
                {
                    if (*c).data_in_input_filters != 0 {
                        Turn::Again
                    } else {
                        Turn::KeepAlive
                    }
                }
                _ => Turn::Close,
            }
        }
    }

    /// Whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        // SAFETY: the connection is live.
        unsafe { sys::ap_ssl_conn_is_ssl(self.c) != 0 }
    }

    /// Whether bytes have been received that nobody has used yet.
    pub fn holds_input(&mut self) -> bool {
        self.network()
            .is_some_and(|network| !network.unread().is_empty())
    }

    /// Looks, without waiting, whether the input filters have something to read: what they hold, or
    /// make of what the socket has. An end or an error counts: reading tells.
    pub fn has_input(&mut self) -> bool {
        self.wake();
        if let Some(network) = self.network() {
            network.look_again();
        }
        // SAFETY: the connection is live; the brigade is emptied before its allocator may go.
        unsafe {
            let brigade = http_request::process::brigade_of(self.c);
            let status = sys::ap_get_brigade(
                (*self.c).input_filters,
                brigade,
                sys::AP_MODE_SPECULATIVE,
                sys::APR_NONBLOCK_READ,
                1,
            );
            let empty = Brigade::from_ptr(brigade).is_empty();
            sys::apr_brigade_cleanup(brigade.cast());
            !(status == libc::EAGAIN || (status == 0 && empty))
        }
    }

    /// The network when the input chain passes bytes on as they come, so that a request head can be
    /// recognised in what the socket delivers.
    pub fn plain_network(&mut self) -> Option<&mut Network> {
        // SAFETY: the chain of a live connection is whole, its records named.
        let plain = unsafe {
            let core = super::network_filters::ap_core_input_filter_handle;
            is_plain((*self.c).input_filters, core)
        };
        if !plain {
            return None;
        }
        self.network()
    }

    /// The core's network; `None` when a module has put its own in place.
    pub fn network(&mut self) -> Option<&mut Network> {
        // SAFETY: lives in the connection's pool; the session is borrowed for as long.
        unsafe { self.network.as_mut() }
    }

    /// How long to wait for a request.
    pub fn timeout(&self, first: bool) -> Option<Duration> {
        // SAFETY: the connection and its server are live.
        unsafe {
            let server = (*self.c).base_server;
            http_connection::duration(if first {
                (*server).timeout
            } else {
                (*server).keep_alive_timeout
            })
        }
    }

    /// Gives up what a connection does not need while it waits for its next request.
    pub fn rest(&mut self) {
        // SAFETY: the connection is live.
        unsafe { (*(*self.c).cs).state = sys::CONN_STATE_KEEPALIVE };
        // A filter of a module, or one that has read lines, may keep a brigade; then its allocator has
        // to stay.
        // SAFETY: the chain of a live connection is whole, its records named.
        let plain_output = unsafe {
            let core = super::network_filters::ap_core_output_filter_handle;
            is_plain((*self.c).output_filters, core)
        };
        let idle = plain_output
            && self.plain_network().is_some_and(|network| {
                network.unread().is_empty() && network.pending().is_empty() && !network.gave_lines()
            });
        if idle && !self.buckets.is_null() {
            self.set_buckets(null_mut());
        }
        if !self.holds_input() && !self.input_pending() {
            self.tell_suspended();
        }
    }

    /// Says which thread serves the connection from here on.
    fn move_here(&mut self) {
        // SAFETY: the connection is live.
        unsafe { (*self.c).current_thread = threads::current() };
    }

    /// Takes what a connection needs to do something.
    fn wake(&mut self) {
        self.move_here();
        if self.buckets.is_null() {
            self.set_buckets(memory::take_buckets());
        }
    }

    /// Changes the allocator of buckets, of which none is left with the connection.
    fn set_buckets(&mut self, buckets: *mut sys::apr_bucket_alloc_t) {
        let old = std::mem::replace(&mut self.buckets, buckets);
        // SAFETY: the connection and its empty brigade are live; nothing else holds the allocator.
        unsafe {
            (*self.c).bucket_alloc = buckets;
            if let Some(network) = self.network() {
                (*network.pending().as_ptr()).bucket_alloc = buckets;
            }
            if !old.is_null() {
                memory::give_buckets(old);
            }
        }
    }

    /// Whether input filters hold data of the next request already.
    pub fn input_pending(&self) -> bool {
        // SAFETY: the connection is live.
        unsafe { (*self.c).data_in_input_filters != 0 }
    }

    /// Whether an input filter limits the time for a head (mod_reqtimeout's).
    pub fn limits_heads(&self) -> bool {
        // SAFETY: the chain of a live connection is whole, its records named.
        unsafe {
            let mut filter = (*self.c).input_filters;
            while !filter.is_null() {
                if is_named((*filter).frec, REQTIMEOUT) {
                    return true;
                }
                filter = (*filter).next;
            }
        }
        false
    }

    /// Begins a request whose head is still to come, so that the filter that limits the time for it
    /// can do so: it is asked at once, when bytes come and from time to time.
    ///
    /// # Errors
    /// `Late` when the time is over.
    pub fn begin_head(&mut self) -> Result<(), Late> {
        self.wake();
        // SAFETY: the connection is live, and between two requests.
        self.begun = unsafe { http_protocol::begin(self.c) };
        self.seen = 0;
        self.still_in_time(usize::MAX)
    }

    /// Whether a request has been begun by `begin_head`.
    pub fn head_begun(&self) -> bool {
        !self.begun.is_null()
    }

    /// Shows the filters what came of a head, of which no more than `most` bytes are, without taking
    /// it off the input.
    ///
    /// # Errors
    /// `Late` when one of them says that the time is over.
    pub fn still_in_time(&mut self, most: usize) -> Result<(), Late> {
        let seen = self.seen;
        let Some(network) = self.network() else {
            return Ok(());
        };
        let new = network.unread().len().min(most).saturating_sub(seen);
        network.hide(seen);
        self.seen += new;
        let mode = if new == 0 {
            sys::AP_MODE_INIT
        } else {
            sys::AP_MODE_SPECULATIVE
        };
        // SAFETY: the connection is live; the brigade is made and destroyed here.
        let status = unsafe {
            let brigade = sys::apr_brigade_create((*self.begun).pool, (*self.c).bucket_alloc);
            let status = sys::ap_get_brigade(
                (*self.c).input_filters,
                brigade,
                mode,
                sys::APR_NONBLOCK_READ,
                new as sys::apr_off_t,
            );
            sys::apr_brigade_destroy(brigade);
            status
        };
        if let Some(network) = self.network() {
            network.hide(0);
        }
        if status == sys::APR_TIMEUP as sys::apr_status_t {
            Err(Late)
        } else {
            Ok(())
        }
    }

    /// Reads a request and processes it on this thread.
    pub fn run_request(&mut self, head: Head) -> Next {
        self.wake();
        if self.is_away {
            self.tell_resumed();
        }
        let missing = if head == Head::Late {
            Missing::Late
        } else {
            Missing::Ended
        };
        let head = match (head, self.network()) {
            (Head::Input, _) | (_, None) => None,
            (Head::Whole(length), Some(network)) => Some(network.take_head(length)),
            (Head::Late, Some(network)) => {
                network.set_expired();
                let length = network.unread().len();
                Some(network.take_head(length))
            }
        };
        let begun = std::mem::replace(&mut self.begun, null_mut());
        // SAFETY: the connection is live and used by this thread alone; the functions are those of
        // the request room, called in the order in which Apache calls them.
        unsafe {
            let c = self.c;
            (*c).sbh = crate::mpm::thread_scoreboard_handle().cast();
            (*(*c).cs).state = sys::CONN_STATE_PROCESSING;
            sys::ap_update_child_status_from_conn(
                (*c).sbh.cast(),
                sys::SERVER_BUSY_READ as c_int,
                c,
            );
            let counted = !begun.is_null();
            let r = if counted {
                begun
            } else {
                http_protocol::begin(c)
            };
            let server = (*c).base_server;
            let reading = Key::reading(server.addr()).named(Sort::Reading, || name_of(server));
            let r = off_the_reactor_if_slow(reading, || match head {
                Some(head) => {
                    if !counted {
                        super::network_filters::count_received(c, head.len());
                    }
                    http_protocol::read_from_head(r, &head, missing)
                }
                None => http_protocol::read_through_filters(r),
            });
            if r.is_null() || (*r).status != sys::HTTP_OK as c_int {
                // `ap_read_request` may have decided that this is the last request.
                if !r.is_null() {
                    (*c).keepalive = sys::AP_CONN_CLOSE;
                }
                return self.done(Next::Close);
            }
            (*(*c).cs).state = sys::CONN_STATE_HANDLER;
            if sys::ap_extended_status != 0 && !crate::mpm::child::owns_connections() {
                // This one counts too.
                sys::ap_set_conn_count((*c).sbh.cast(), r, ((*c).keepalives + 1) as u16);
            }
            http_request::process::begin(r);
            self.process_request(Queued { r, left: None }, None)
        }
    }

    /// Goes on with a request that has waited for a place.
    pub fn go_on(&mut self, place: Option<Place>) -> Next {
        self.move_here();
        let Some(queued) = self.queued.take() else {
            return self.next();
        };
        // SAFETY: the connection is live.
        unsafe { (*self.c).sbh = crate::mpm::thread_scoreboard_handle().cast() };
        self.process_request(queued, place)
    }

    /// Runs the phases of a request, or what is left of them.
    fn process_request(&mut self, queued: Queued, place: Option<Place>) -> Next {
        let Queued { r, left } = queued;
        let c = self.c;
        let _stretch = Stretch::begin(place);
        // SAFETY: connection and request are live, and used by this thread alone.
        let key = unsafe {
            sys::ap_update_child_status((*c).sbh.cast(), sys::SERVER_BUSY_WRITE as c_int, r);
            request_key(r)
        };
        if left.is_none() && key.is_long() && !offload::enter() {
            return self.queue(Queued { r, left });
        }
        let outcome = off_the_reactor_if_slow(key, || {
            // SAFETY: as above; `begin` was called when it had been read.
            let outcome = unsafe { http_request::process::go_on(r, left) };
            if matches!(outcome, Outcome::Answered) {
                // The request is logged when its last byte has left: hooks run then too. A
                // client that is gone is noted with the connection.
                let _ = self.send_pending();
            }
            outcome
        });
        match outcome {
            Outcome::Answered => self.done(self.next()),
            Outcome::Left(left) => {
                let left = Some(left);
                self.queue(Queued { r, left })
            }
            Outcome::Suspended => {
                // The connection is another thread's for now; this one is free.
                let sbh = crate::mpm::thread_scoreboard_handle().cast();
                // SAFETY: a handle of this thread.
                unsafe { sys::ap_update_child_status(sbh, sys::SERVER_READY as c_int, null_mut()) };
                Next::Suspended
            }
        }
    }

    /// The request waits, and this thread is free.
    fn queue(&mut self, queued: Queued) -> Next {
        self.queued = Some(queued);
        self.done(Next::Queued)
    }

    /// This thread is free, unless it owns the connection.
    fn done(&self, next: Next) -> Next {
        if !crate::mpm::child::owns_connections() {
            // SAFETY: the connection is live.
            unsafe {
                let sbh = (*self.c).sbh.cast();
                sys::ap_update_child_status(sbh, sys::SERVER_READY as c_int, null_mut());
            }
        }
        next
    }

    /// What follows a request that has been processed.
    fn next(&self) -> Next {
        // SAFETY: the connection is live.
        unsafe {
            if (*self.c).keepalive == sys::AP_CONN_KEEPALIVE && (*self.c).aborted == 0 {
                Next::KeepAlive
            } else {
                Next::Close
            }
        }
    }

    /// What tells that a suspended request is done; `None` when it is.
    pub fn suspension(&self) -> Option<Arc<Notify>> {
        suspended::waiting(self.c.addr())
    }

    /// The connection is the task's again.
    pub fn resume(&mut self) -> Next {
        self.move_here();
        self.tell_resumed();
        self.next()
    }

    /// Tells modules that the connection leaves its thread, between two requests.
    fn tell_suspended(&mut self) {
        self.is_away = true;
        // SAFETY: the connection is live. The scoreboard's place is for the thread's next request.
        unsafe {
            sys::ap_run_suspend_connection(self.c, null_mut());
            (*self.c).sbh = null_mut();
        }
    }

    /// Tells modules that the connection is on a thread again, whose place in the scoreboard it shows.
    fn tell_resumed(&mut self) {
        self.is_away = false;
        // SAFETY: the connection is live; its request may be gone.
        unsafe {
            (*self.c).sbh = crate::mpm::thread_scoreboard_handle().cast();
            sys::ap_run_resume_connection(self.c, null_mut());
        }
    }

    /// Sends what waits in the output, without waiting for the socket.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn send_pending(&mut self) -> std::io::Result<Sent> {
        // A request that has been sent is logged here, by hooks that may ask.
        self.move_here();
        let aborted = self.connection().aborted();
        let Some(network) = self.network() else {
            return Ok(Sent::All);
        };
        if aborted {
            network.discard_pending();
            return Ok(Sent::All);
        }
        let sent = network.send(Wait::Never);
        // SAFETY: the connection is live.
        unsafe {
            match sent {
                Ok(Sent::All) => (*self.c).data_in_output_filters = 0,
                Ok(Sent::Blocked) => {}
                Err(_) => {
                    (*self.c).aborted = 1;
                    (*self.c).data_in_output_filters = 0;
                    if let Some(network) = self.network() {
                        network.discard_pending();
                    }
                }
            }
        }
        sent
    }

    /// The same outside of a request: it is logged, by hooks, when all has been sent.
    ///
    /// # Errors
    /// As `send_pending`.
    pub fn send_rest(&mut self) -> std::io::Result<Sent> {
        timing::on_reactor(ending(), || self.send_pending())
    }

    /// How many bytes the socket has taken in all.
    pub fn bytes_sent(&mut self) -> u64 {
        self.network().map_or(0, |network| network.bytes_sent())
    }

    /// Ends the connection's dialogue: hooks and filters hear of it, the sending side is closed.
    /// `None` when there is nobody to linger for.
    pub fn start_close(&mut self) -> Option<Limits> {
        self.wake();
        if self.is_away {
            self.tell_resumed();
        }
        // SAFETY: the connection is live. Its task may have moved to another thread since its last
        // request; this one is free again when the hooks and filters have heard.
        let gone = timing::on_reactor(ending(), || unsafe {
            (*self.c).sbh = crate::mpm::thread_scoreboard_handle().cast();
            let gone = sys::ap_start_lingering_close(self.c) != 0;
            if !crate::mpm::child::owns_connections() {
                let ready = sys::SERVER_READY as c_int;
                sys::ap_update_child_status((*self.c).sbh.cast(), ready, null_mut());
            }
            gone
        });
        (!gone).then(|| linger::limits(self.connection()))
    }

    /// The socket's descriptor, for waiting.
    pub fn descriptor(&mut self) -> Option<RawFd> {
        self.network().map(|network| network.socket())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        suspended::resume(self.c.addr());
        // SAFETY: made by `open`; closes the socket and frees all that belongs to the connection, its
        // buckets among it, after which their allocator is nobody's.
        unsafe {
            sys::apr_pool_destroy(self.pool);
            if !self.buckets.is_null() {
                memory::give_buckets(self.buckets);
            }
        }
    }
}

/// Runs hooks; where these were slow before, other connections of this thread go on meanwhile.
fn off_the_reactor_if_slow<T>(key: Key, run: impl FnOnce() -> T) -> T {
    timing::hooks_measured(key, || {
        if key.is_slow() {
            key.note_moved();
            blocking(run)
        } else {
            run()
        }
    })
}

/// The kind of what runs when a connection ends or what was sent is logged.
fn ending() -> Key {
    Key::ENDING.named(Sort::Ending, String::new)
}

/// What kind of request it is.
///
/// # Safety
/// `r` is live and has been read.
unsafe fn request_key(r: *const sys::request_rec) -> Key {
    // SAFETY: the caller's promise; a server's names are strings.
    unsafe {
        let path = module_sdk::raw::text((*r).uri).unwrap_or_default();
        let server = (*r).server;
        Key::request(server.addr(), path.to_bytes()).named(Sort::Request, || {
            format!(
                "{}{}",
                name_of(server),
                String::from_utf8_lossy(first_part(path.to_bytes()))
            )
        })
    }
}

/// The name of a server, for the status page.
///
/// # Safety
/// `server` is live.
unsafe fn name_of(server: *const sys::server_rec) -> String {
    // SAFETY: the caller's promise.
    let (name, port) = unsafe {
        (
            module_sdk::raw::text((*server).server_hostname),
            (*server).port,
        )
    };
    let name = name.unwrap_or_default().to_string_lossy();
    if port == 0 {
        name.into_owned()
    } else {
        format!("{name}:{port}")
    }
}

/// Whether a chain consists of the core's network filter and of filters that only look at what
/// passes.
///
/// # Safety
/// `filter` is NULL or the first of a whole chain, and the records are registered.
unsafe fn is_plain(mut filter: *mut sys::ap_filter_t, core: *mut sys::ap_filter_rec_t) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        while !filter.is_null() {
            if (*filter).frec != core && !is_passive((*filter).frec) {
                return false;
            }
            filter = (*filter).next;
        }
    }
    true
}

/// Whether a filter only looks at what passes: a head that the socket delivered arrives unchanged.
///
/// # Safety
/// `frec` is a registered filter's record.
unsafe fn is_passive(frec: *const sys::ap_filter_rec_t) -> bool {
    // SAFETY: the caller's promise.
    unsafe { is_named(frec, REQTIMEOUT) || is_named(frec, b"log_input_output") }
}

/// The name of mod_reqtimeout's filter.
const REQTIMEOUT: &[u8] = b"reqtimeout";

/// # Safety
/// `frec` is a registered filter's record.
unsafe fn is_named(frec: *const sys::ap_filter_rec_t, name: &[u8]) -> bool {
    // SAFETY: the caller's promise.
    let found = unsafe { module_sdk::raw::text((*frec).name) };
    found.is_some_and(|found| found.to_bytes().eq_ignore_ascii_case(name))
}
