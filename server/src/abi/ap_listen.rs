//! Exports of `ap_listen.h`: the sockets the server listens on.
//!
//! `directives` reads what the configuration says of them, `create` turns an address of Listen into
//! records, `open` binds them, `inherited` finds those that an earlier generation or systemd has
//! bound already. The records outlive a reading of the configuration: the second reading takes over
//! what the first has opened.

mod create;
pub(super) mod directives;
mod inherited;
pub(super) mod open;

use std::{
    ffi::{c_char, c_int},
    ptr::{null, null_mut},
    sync::atomic::{AtomicI32, AtomicPtr, Ordering},
};

use httpd_sys::{self as sys, ap_listen_rec};

use crate::mpm::buckets;

exports! { ap_listen_pre_config, ap_close_listeners, ap_close_listeners_ex, ap_close_selected_listeners }

/// The sockets the configuration asks for, in its order.
#[unsafe(no_mangle)]
pub static mut ap_listeners: *mut ap_listen_rec = null_mut();

/// How many sets of sockets there are: one, unless ListenCoresBucketsRatio asks for more.
#[unsafe(no_mangle)]
pub static mut ap_num_listen_buckets: c_int = 0;

/// Whether several sockets may share a port: -1 until it has been tried.
#[unsafe(no_mangle)]
pub static mut ap_have_so_reuseport: c_int = -1;

/// The sockets of the reading before; what the new one does not ask for is closed.
static EARLIER: AtomicPtr<ap_listen_rec> = AtomicPtr::new(null_mut());

/// A record as modules see it, and what only the server knows of it.
#[repr(C)]
pub(super) struct Listener {
    record: ap_listen_rec,
    /// The file with the Listen that asked for it.
    file: *const c_char,
    /// The line of that Listen.
    line: c_int,
    /// The address as that Listen has it; NULL: a port alone.
    host: *const c_char,
    /// The socket came bound.
    bound: bool,
}

/// A number that a directive sets.
struct Setting(AtomicI32);

impl Setting {
    const fn new(value: i32) -> Self {
        Self(AtomicI32::new(value))
    }

    fn get(&self) -> i32 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, value: i32) {
        self.0.store(value, Ordering::Relaxed);
    }
}

/// Seconds for which the system may hold back a connection that says nothing.
const DEFER_ACCEPT: i32 = 30;

static BACKLOG: Setting = Setting::new(sys::DEFAULT_LISTENBACKLOG as i32);
static SEND_BUFFER: Setting = Setting::new(0);
static RECEIVE_BUFFER: Setting = Setting::new(0);
static CORES_PER_BUCKET: Setting = Setting::new(0);
static DEFER: Setting = Setting::new(DEFER_ACCEPT);

/// The records of a list.
///
/// # Safety
/// `first` is NULL or the first of a list whose records live as long as the iterator.
unsafe fn records(first: *mut ap_listen_rec) -> impl Iterator<Item = *mut ap_listen_rec> {
    std::iter::successors((!first.is_null()).then_some(first), |&record| {
        // SAFETY: the caller's promise.
        let next = unsafe { (*record).next };
        (!next.is_null()).then_some(next)
    })
}

/// Prepares for a reading of the configuration.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_listen_pre_config() {
    buckets::forget();
    // SAFETY: called while the process has one thread.
    unsafe {
        EARLIER.store(ap_listeners, Ordering::Relaxed);
        ap_listeners = null_mut();
        ap_num_listen_buckets = 0;
        if ap_have_so_reuseport < 0 {
            ap_have_so_reuseport = c_int::from(open::can_share_ports());
        }
    }
    BACKLOG.set(sys::DEFAULT_LISTENBACKLOG as i32);
    SEND_BUFFER.set(0);
    RECEIVE_BUFFER.set(0);
    CORES_PER_BUCKET.set(0);
    DEFER.set(DEFER_ACCEPT);
}

/// Closes every listening socket of this process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_close_listeners() {
    // SAFETY: the list only changes while the configuration is read.
    unsafe { ap_close_listeners_ex(ap_listeners) }
    buckets::close();
}

/// Closes the sockets of a list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_close_listeners_ex(listeners: *mut ap_listen_rec) {
    // SAFETY: the header asks for a list of records.
    unsafe {
        for record in records(listeners) {
            close(record);
        }
    }
}

/// Closes the sockets that do not belong to `slave`; answers how many stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_close_selected_listeners(slave: *mut sys::ap_slave_t) -> c_int {
    let mut open = 0;
    // SAFETY: the list only changes while the configuration is read.
    unsafe {
        for record in records(ap_listeners) {
            if (*record).slave == slave {
                open += 1;
            } else {
                close(record);
            }
        }
    }
    open
}

/// # Safety
/// `record` is live.
unsafe fn close(record: *mut ap_listen_rec) {
    // SAFETY: the caller's promise; APR keeps the socket's structure, so closing twice is refused.
    unsafe {
        sys::apr_socket_close((*record).sd);
        (*record).active = 0;
    }
}

/// `127.0.0.1:80`, `[::1]:80`.
///
/// # Safety
/// `address` is live.
unsafe fn shown(address: *mut sys::apr_sockaddr_t) -> String {
    let mut text: *mut c_char = null_mut();
    // SAFETY: the caller's promise; APR answers a string of the address's pool.
    unsafe {
        if sys::apr_sockaddr_ip_get(&raw mut text, address) != 0 {
            return format!("port {}", (*address).port);
        }
        let text = module_sdk::raw::text(text).unwrap_or_default();
        let text = text.to_string_lossy();
        if (*address).family == libc::AF_INET6 && text.contains(':') {
            format!("[{text}]:{}", (*address).port)
        } else {
            format!("{text}:{}", (*address).port)
        }
    }
}

/// Tells the log, or the terminal while the server starts.
#[track_caller]
fn report(level: u32, status: sys::apr_status_t, message: std::fmt::Arguments<'_>) {
    // SAFETY: no server is passed; the index is a plain number.
    unsafe {
        let core = sys::core_module.module_index;
        super::http_log::report(core, level, status, null(), message);
    }
}
