//! `ap_log_data` and its kin: bytes in the error log, as numbers and characters.

use std::{
    ffi::{CStr, c_char, c_int, c_uint, c_void},
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, conn_rec, request_rec, server_rec};
use module_sdk::raw;

use super::write::{Entry, is_wanted};
use crate::log::dump;

exports! { ap_log_data_, ap_log_rdata_, ap_log_cdata_, ap_log_csdata_ }

/// Whom the bytes concern, and what was asked for.
struct Request {
    file: *const c_char,
    line: c_int,
    module: c_int,
    level: c_int,
    server: *const server_rec,
    connection: *const conn_rec,
    request: *const request_rec,
    label: *const c_char,
    flags: c_uint,
}

/// Writes a line with the label and one for each sixteen bytes.
///
/// # Safety
/// The pointers are NULL or live; `data` has `length` bytes.
unsafe fn log(asked: &Request, data: *const c_void, length: usize) {
    let Request {
        file,
        line,
        module,
        level,
        server,
        connection,
        request,
        label,
        flags,
    } = *asked;
    if !is_wanted(level, module, server, connection, request) {
        return;
    }
    // SAFETY: the caller's promise.
    unsafe {
        let bytes = match data.is_null() {
            true => &[][..],
            false => std::slice::from_raw_parts(data.cast::<u8>(), length),
        };
        let one = |message: &str| {
            Entry {
                file: raw::text(file).map(CStr::to_bytes),
                file_c: file,
                line,
                module,
                level,
                status: 0,
                server,
                connection,
                request,
                pool: null_mut(),
                format: null(),
                message: message.as_bytes(),
            }
            .write();
        };
        if let Some(label) = raw::text(label) {
            one(&format!("{} ({length} bytes)", label.to_string_lossy()));
        }
        let show_offset = flags & sys::AP_LOG_DATA_SHOW_OFFSET != 0;
        for (row, bytes) in bytes.chunks(dump::BYTES_OF_LINE).enumerate() {
            let offset = show_offset.then_some(row * dump::BYTES_OF_LINE);
            one(&dump::line(offset, bytes));
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_log_data_(
    file: *const c_char,
    line: c_int,
    module: c_int,
    level: c_int,
    server: *const server_rec,
    label: *const c_char,
    data: *const c_void,
    length: sys::apr_size_t,
    flags: c_uint,
) {
    let (connection, request) = (null(), null());
    let asked = Request {
        file,
        line,
        module,
        level,
        server,
        connection,
        request,
        label,
        flags,
    };
    // SAFETY: the header asks for live objects and `length` bytes.
    unsafe { log(&asked, data, length) };
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_log_rdata_(
    file: *const c_char,
    line: c_int,
    module: c_int,
    level: c_int,
    request: *const request_rec,
    label: *const c_char,
    data: *const c_void,
    length: sys::apr_size_t,
    flags: c_uint,
) {
    // SAFETY: as above.
    unsafe {
        let asked = Request {
            file,
            line,
            module,
            level,
            server: (*request).server,
            connection: (*request).connection,
            request,
            label,
            flags,
        };
        log(&asked, data, length);
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_log_cdata_(
    file: *const c_char,
    line: c_int,
    module: c_int,
    level: c_int,
    connection: *const conn_rec,
    label: *const c_char,
    data: *const c_void,
    length: sys::apr_size_t,
    flags: c_uint,
) {
    // SAFETY: as above.
    unsafe {
        let server = (*connection).base_server;
        ap_log_csdata_(
            file, line, module, level, connection, server, label, data, length, flags,
        );
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_log_csdata_(
    file: *const c_char,
    line: c_int,
    module: c_int,
    level: c_int,
    connection: *const conn_rec,
    server: *const server_rec,
    label: *const c_char,
    data: *const c_void,
    length: sys::apr_size_t,
    flags: c_uint,
) {
    let asked = Request {
        file,
        line,
        module,
        level,
        server,
        connection,
        request: null(),
        label,
        flags,
    };
    // SAFETY: as above.
    unsafe { log(&asked, data, length) };
}
