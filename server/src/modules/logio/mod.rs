//! `logio_module`: how many bytes a request cost its connection, and how long it took until the
//! first of them left, as mod_logio has it: `%I`, `%O`, `%S` and `%^FB` of `LogFormat`.
//!
//! Bytes sent are counted by the core's network filter, through the optional function
//! `ap_logio_add_bytes_out`; bytes received by a filter, which is there only when some format shows
//! them.

mod first_byte;

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::null,
    sync::atomic::{AtomicBool, Ordering},
};

use httpd_sys::{
    self as sys, ap_filter_t, apr_bucket_brigade, apr_off_t, apr_pool_t, apr_status_t, conn_rec,
    request_rec,
};
use module_sdk::raw::Pool;

use super::{
    log_config,
    table::{self, Commands},
};
use crate::crash::panics::{caught1, caught2, caught5};

/// The module.
#[unsafe(no_mangle)]
pub static mut logio_module: sys::module = sys::module {
    create_dir_config: Some(first_byte::create),
    merge_dir_config: Some(first_byte::merge),
    cmds: COMMANDS.as_ptr(),
    register_hooks: Some(register_hooks),
    ..table::module(c"mod_logio.c")
};

static COMMANDS: Commands<2> = Commands([
    table::flag(
        c"LogIOTrackTTFB",
        first_byte::track,
        sys::OR_ALL,
        c"Set to 'ON' to enable tracking time to first byte",
    ),
    table::END,
]);

const INPUT_FILTER: &CStr = c"LOG_INPUT_OUTPUT";

/// Whether some format shows bytes received.
static SHOWS_INPUT: AtomicBool = AtomicBool::new(false);

/// Bytes since the last request of a connection was logged.
struct Counts {
    received: apr_off_t,
    sent: apr_off_t,
    /// What the request before had received and sent.
    last: apr_off_t,
}

/// The counts of a connection; `None` for one that did not come through `pre_connection`.
///
/// # Safety
/// The connection is live.
unsafe fn counts<'a>(c: *mut conn_rec) -> Option<&'a mut Counts> {
    // SAFETY: the caller's promise; our place in its vector is what `pre_connection` made.
    unsafe {
        let module = &raw const logio_module;
        sys::ap_get_module_config((*c).conn_config, module)
            .cast::<Counts>()
            .as_mut()
    }
}

/// Some format shows bytes received: they must be counted.
pub fn shows_input() {
    SHOWS_INPUT.store(true, Ordering::Relaxed);
}

unsafe extern "C" fn register_hooks(_pool: *mut apr_pool_t) {
    SHOWS_INPUT.store(false, Ordering::Relaxed);
    let (middle, last) = (
        sys::APR_HOOK_MIDDLE as c_int,
        sys::APR_HOOK_REALLY_LAST as c_int,
    );
    // SAFETY: called while hooks are registered; the optional functions have the types that
    // http_core.h gives their names.
    unsafe {
        sys::ap_hook_pre_connection(caught2(pre_connection), null(), null(), middle);
        sys::ap_hook_pre_config(Some(pre_config), null(), null(), middle);
        sys::ap_hook_log_transaction(caught1(log_transaction), null(), null(), last);
        let name = INPUT_FILTER.as_ptr();
        // Nearer to the network than what encrypts.
        let kind = sys::AP_FTYPE_NETWORK - 1;
        sys::ap_register_input_filter(name, caught5(count_received), None, kind);
        first_byte::register();
        table::offer(
            c"ap_logio_add_bytes_out",
            ap_logio_add_bytes_out as *const (),
        );
        table::offer(c"ap_logio_add_bytes_in", ap_logio_add_bytes_in as *const ());
        table::offer(
            c"ap_logio_get_last_bytes",
            ap_logio_get_last_bytes as *const (),
        );
    }
}

unsafe extern "C" fn pre_config(
    pool: *mut apr_pool_t,
    _plog: *mut apr_pool_t,
    _ptemp: *mut apr_pool_t,
) -> c_int {
    for (tag, handler) in [
        (c"I", received as log_config::Handler),
        (c"O", sent),
        (c"S", both),
        (c"^FB", first_byte::show),
    ] {
        // SAFETY: the hook passes a live pool; the tag is a string.
        unsafe { log_config::register(pool, tag.as_ptr().cast_mut(), Some(handler), 0) };
    }
    sys::OK as c_int
}

unsafe extern "C-unwind" fn pre_connection(
    c: *mut conn_rec,
    _socket: *mut std::ffi::c_void,
) -> c_int {
    // SAFETY: the hook passes a live connection, whose pool holds the counts.
    unsafe {
        let counts = Pool::from_ptr((*c).pool).zeroed::<Counts>();
        sys::ap_set_module_config((*c).conn_config, &raw const logio_module, counts.cast());
        if SHOWS_INPUT.load(Ordering::Relaxed) {
            let name = INPUT_FILTER.as_ptr();
            sys::ap_add_input_filter(name, std::ptr::null_mut(), std::ptr::null_mut(), c);
        }
    }
    sys::OK as c_int
}

/// The input filter.
unsafe extern "C-unwind" fn count_received(
    f: *mut ap_filter_t,
    brigade: *mut apr_bucket_brigade,
    mode: sys::ap_input_mode_t,
    block: sys::apr_read_type_e,
    most: apr_off_t,
) -> apr_status_t {
    // SAFETY: the contract of input filters; ours is added to connections only.
    unsafe {
        let status = sys::ap_get_brigade((*f).next, brigade, mode, block, most);
        let mut length = 0;
        sys::apr_brigade_length(brigade, 0, &raw mut length);
        if length > 0
            && let Some(counts) = counts((*f).c)
        {
            counts.received += length;
        }
        status
    }
}

/// The request is logged: the next one's bytes count from zero.
unsafe extern "C-unwind" fn log_transaction(r: *mut request_rec) -> c_int {
    // SAFETY: the hook passes a live request.
    if let Some(counts) = unsafe { counts((*r).connection) } {
        *counts = Counts {
            received: 0,
            sent: 0,
            last: counts.received + counts.sent,
        };
    }
    sys::OK as c_int
}

/// Optional function: bytes went out.
unsafe extern "C" fn ap_logio_add_bytes_out(c: *mut conn_rec, bytes: apr_off_t) {
    // SAFETY: http_core.h asks for a live connection.
    if let Some(counts) = unsafe { counts(c) } {
        counts.sent += bytes;
    }
}

/// Optional function: bytes came in.
unsafe extern "C" fn ap_logio_add_bytes_in(c: *mut conn_rec, bytes: apr_off_t) {
    // SAFETY: as above.
    if let Some(counts) = unsafe { counts(c) } {
        counts.received += bytes;
    }
}

/// Optional function: what the last request of a connection has taken, both ways.
unsafe extern "C" fn ap_logio_get_last_bytes(c: *mut conn_rec) -> apr_off_t {
    // SAFETY: as above.
    unsafe { counts(c) }.map_or(0, |counts| counts.last)
}

/// A number of bytes as text of the request's pool.
///
/// # Safety
/// The request is live.
unsafe fn show(r: *mut request_rec, number: impl FnOnce(&Counts) -> apr_off_t) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        match counts((*r).connection) {
            Some(counts) => Pool::from_ptr((*r).pool).text(number(counts)).as_ptr(),
            None => null(),
        }
    }
}

unsafe extern "C" fn received(r: *mut request_rec, _argument: *mut c_char) -> *const c_char {
    // SAFETY: log_config passes a live request.
    unsafe { show(r, |counts| counts.received) }
}

unsafe extern "C" fn sent(r: *mut request_rec, _argument: *mut c_char) -> *const c_char {
    // SAFETY: as above.
    unsafe { show(r, |counts| counts.sent) }
}

unsafe extern "C" fn both(r: *mut request_rec, _argument: *mut c_char) -> *const c_char {
    // SAFETY: as above.
    unsafe { show(r, |counts| counts.received + counts.sent) }
}
