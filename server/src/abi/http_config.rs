//! Exports of `http_config.h`, by subject.
//!
//! From the text to a running configuration: `reader` (lines) -> `tree` (directives) -> `walk` and
//! `invoke` (commands); `read` does it for the server's files, `htaccess` for a request.

pub(super) mod fault;
pub(super) mod hosts;
pub(super) mod htaccess;
pub(super) mod invoke;
pub(super) mod kept;
pub(super) mod levels;
pub(super) mod listing;
pub(super) mod paths;
pub(super) mod read;
pub(super) mod reader;
pub(super) mod registry;
pub(super) mod retained;
pub(super) mod slots;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;
pub(super) mod tree;
pub mod vectors;
pub(super) mod walk;

use std::ffi::{CStr, c_char, c_int};

use httpd_sys::{self as sys, apr_pool_t, apr_status_t};

/// A copy of `text` in `pool`, ended by NUL.
///
/// # Safety
/// `pool` is live.
pub(super) unsafe fn pool_text(pool: *mut apr_pool_t, text: impl AsRef<[u8]>) -> *mut c_char {
    let text = text.as_ref();
    // SAFETY: the caller's promise; `apr_pstrmemdup` copies the bytes and adds the NUL.
    unsafe { sys::apr_pstrmemdup(pool, text.as_ptr().cast(), text.len()) }
}

/// A C string as text for messages; empty for NULL.
///
/// # Safety
/// `text` is NULL or ends with NUL.
pub(super) unsafe fn lossy(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}

/// A line of the core on standard error, where no pool says which log holds.
///
/// # Safety
/// Always; the log functions ask for it.
pub(super) unsafe fn log_plain(level: u32, text: &str) {
    let text = reader::c_string(text.as_bytes());
    // SAFETY: the format takes one string; there may be no server yet.
    unsafe {
        sys::ap_log_error_(
            c"config.c".as_ptr(),
            0,
            CORE,
            level as c_int,
            0,
            std::ptr::null(),
            c"%s".as_ptr(),
            text.as_ptr(),
        );
    }
}

/// What the system says about a status.
pub(super) fn status_text(status: apr_status_t) -> String {
    let mut buffer = [0 as c_char; 256];
    // SAFETY: the buffer has the size that is said, and ends with NUL afterwards.
    unsafe { lossy(sys::apr_strerror(status, buffer.as_mut_ptr(), buffer.len())) }
}

/// The index of the core: it is always the first module.
const CORE: c_int = 0;

/// A line of the core in the error log that holds for this pool.
///
/// # Safety
/// `pool` is live.
pub(super) unsafe fn log(pool: *mut apr_pool_t, level: u32, status: apr_status_t, text: &str) {
    let text = reader::c_string(text.as_bytes());
    // SAFETY: the caller's promise; the format takes one string.
    unsafe {
        sys::ap_log_perror_(
            c"config.c".as_ptr(),
            0,
            CORE,
            level as c_int,
            status,
            pool,
            c"%s".as_ptr(),
            text.as_ptr(),
        );
    }
}
