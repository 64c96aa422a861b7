//! Exports of `http_log.h`, and of `http_core.h` what concerns the error log: `write` (a message to
//! a line), `items` (what `ErrorLogFormat` can tell), `open` (where lines go), `piped` (programs that
//! take lines), `pid_file`, `data` (bytes as text) and `notes` (what the server tells of itself).
//!
//! The functions with C's variable arguments stand in `shim/http_log.c`.

pub mod data;
pub mod items;
pub mod log_id;
pub mod notes;
pub mod open;
pub mod pid_file;
pub mod piped;
pub mod write;

use std::{
    ffi::{CStr, c_char},
    fmt::Arguments,
    panic::Location,
    ptr::{null, null_mut},
};

use httpd_sys as sys;

/// `MAX_STRING_LEN` of httpd.h: the longest line of the error log.
pub const LINE_MAX: usize = 8192;

/// Writes a message of the server itself, as `ap_log_error` does.
///
/// # Safety
/// `server` is NULL or live.
#[track_caller]
pub unsafe fn report(
    module: i32,
    level: u32,
    status: sys::apr_status_t,
    server: *const sys::server_rec,
    message: Arguments<'_>,
) {
    // SAFETY: the caller's promise.
    unsafe { report_for(module, level, status, server, null(), message) };
}

/// The same for a message that concerns a request.
///
/// # Safety
/// `server` and `request` are NULL or live.
#[track_caller]
pub unsafe fn report_for(
    module: i32,
    level: u32,
    status: sys::apr_status_t,
    server: *const sys::server_rec,
    request: *const sys::request_rec,
    message: Arguments<'_>,
) {
    let level = level as i32;
    // SAFETY: the caller's promise; a request has a server and a connection.
    let (server, connection) = match unsafe { request.as_ref() } {
        Some(r) => (r.server.cast_const(), r.connection.cast_const()),
        None => (server, null()),
    };
    if !write::is_wanted(level, module, server, connection, request) {
        return;
    }
    let place = Location::caller();
    let text = message.to_string();
    let entry = write::Entry {
        file: Some(place.file().as_bytes()),
        file_c: null(),
        line: place.line() as i32,
        module,
        level,
        status,
        server,
        connection,
        request,
        pool: null_mut(),
        format: null(),
        message: text.as_bytes(),
    };
    // SAFETY: the caller's promise.
    unsafe { entry.write() };
}

/// The text of a C string for a message; empty for NULL.
///
/// # Safety
/// `text` is NULL or a string that lives as long as the answer is used.
pub unsafe fn lossy<'a>(text: *const c_char) -> std::borrow::Cow<'a, str> {
    if text.is_null() {
        return "".into();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_string_lossy()
}

/// Every exported function.
pub(in crate::abi) static EXPORTS: &[&[crate::abi::Export]] = &[
    data::EXPORTS,
    items::EXPORTS,
    notes::EXPORTS,
    open::EXPORTS,
    pid_file::EXPORTS,
    piped::EXPORTS,
];
