//! A connection as its task sees it: the records that modules know, made, run and taken down.
//!
//! The task (`conn::life`) is safe code; everything it does with a `conn_rec` is a method here.

use std::{
    ffi::{c_int, c_long},
    os::fd::{IntoRawFd, OwnedFd, RawFd},
    ptr::null_mut,
    time::Duration,
};

use httpd_sys::{self as sys, conn_rec};
use module_sdk::raw::Connection;

use super::{http_connection, memory};
use crate::conn::{
    linger::{self, Limits},
    network::{Network, Sent, Wait},
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
}

/// A connection. Dropping it closes the socket and frees everything.
pub struct Session {
    pool: *mut sys::apr_pool_t,
    c: *mut conn_rec,
    /// The allocator of buckets; NULL while the connection waits and needs none.
    buckets: *mut sys::apr_bucket_alloc_t,
    /// The core's network; NULL when a module has put its own in place.
    network: *mut Network,
}

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
            sys::ap_update_vhost_given_ip(session.c);
            if sys::ap_pre_connection(session.c, socket.cast()) != sys::OK as c_int
                || (*session.c).aborted != 0
            {
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

    /// Whether a module took the whole connection over in `process_connection`; it is done then.
    pub fn taken_over(&mut self) -> bool {
        // SAFETY: the connection is live; the core's hook, the last one, leaves this state.
        unsafe {
            (*(*self.c).cs).state = sys::CONN_STATE_NUM;
            sys::ap_run_process_connection(self.c);
            (*(*self.c).cs).state != sys::CONN_STATE_PROCESSING
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
    }

    /// Takes what a connection needs to do something.
    fn wake(&mut self) {
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

    /// Reads a request and processes it on this thread. With `head`, the request's head is the first
    /// so many unread bytes of a plain network; else it is read through the input filters.
    pub fn run_request(&mut self, head: Option<usize>) -> Next {
        self.wake();
        let head = head.and_then(|length| Some(self.network()?.take_head(length)));
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
            let r = match head {
                Some(head) => {
                    super::network_filters::count_received(c, head.len());
                    super::http_protocol::read_request_from_head(c, &head)
                }
                None => sys::ap_read_request(c),
            };
            let next = if r.is_null() {
                Next::Close
            } else {
                // `ap_read_request` may have decided that this is the last request.
                if (*r).status == sys::HTTP_OK as c_int {
                    (*(*c).cs).state = sys::CONN_STATE_HANDLER;
                    sys::ap_update_child_status(
                        (*c).sbh.cast(),
                        sys::SERVER_BUSY_WRITE as c_int,
                        r,
                    );
                    sys::ap_process_async_request(r);
                    if (*c).keepalive == sys::AP_CONN_KEEPALIVE && (*c).aborted == 0 {
                        Next::KeepAlive
                    } else {
                        Next::Close
                    }
                } else {
                    (*c).keepalive = sys::AP_CONN_CLOSE;
                    Next::Close
                }
            };
            sys::ap_update_child_status((*c).sbh.cast(), sys::SERVER_READY as c_int, null_mut());
            next
        }
    }

    /// Sends what waits in the output, without waiting for the socket.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn send_pending(&mut self) -> std::io::Result<Sent> {
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

    /// How many bytes the socket has taken in all.
    pub fn bytes_sent(&mut self) -> u64 {
        self.network().map_or(0, |network| network.bytes_sent())
    }

    /// Ends the connection's dialogue: hooks and filters hear of it, the sending side is closed.
    /// `None` when there is nobody to linger for.
    pub fn start_close(&mut self) -> Option<Limits> {
        self.wake();
        // SAFETY: the connection is live.
        let gone = unsafe { sys::ap_start_lingering_close(self.c) } != 0;
        (!gone).then(|| linger::limits(self.connection()))
    }

    /// The socket's descriptor, for waiting.
    pub fn descriptor(&mut self) -> Option<RawFd> {
        self.network().map(|network| network.socket())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
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
    let name = unsafe { module_sdk::raw::text((*frec).name) };
    name.is_some_and(|name| {
        [&b"reqtimeout"[..], b"log_input_output"]
            .iter()
            .any(|passive| name.to_bytes().eq_ignore_ascii_case(passive))
    })
}
