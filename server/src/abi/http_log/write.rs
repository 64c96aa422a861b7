//! A message becomes a line: is it wanted, how does it look, where does it go. Called by the shim,
//! which has formatted the text, and by the server's own code through `http_log::report`.

use std::{
    ffi::{CStr, c_char, c_int},
    io,
    ops::Range,
    ptr::{null, null_mut},
};

use httpd_sys::{
    self as sys, ap_errorlog_format_item, ap_errorlog_info, conn_rec, core_server_config,
    request_rec, server_rec,
};
use module_sdk::raw;

use super::{LINE_MAX, items, open};
use crate::log::{
    clock,
    line::{Head, Line, Peer},
};
use crate::mpm::rehearsal;

/// A rehearsal is about what is wrong.
const MOST_IN_REHEARSAL: c_int = sys::APLOG_WARNING as c_int;

/// The level of messages that concern no server.
#[unsafe(no_mangle)]
pub static mut ap_default_loglevel: c_int = sys::APLOG_WARNING as c_int;

/// Whether a message of this level would be written. Notices always are: they tell of starts and
/// stops.
#[unsafe(no_mangle)]
extern "C" fn httpd_rs_log_wanted(
    level: c_int,
    module: c_int,
    s: *const server_rec,
    c: *const conn_rec,
    r: *const request_rec,
) -> c_int {
    c_int::from(is_wanted(level, module, s, c, r))
}

/// The same for Rust.
pub(super) fn is_wanted(
    level: c_int,
    module: c_int,
    s: *const server_rec,
    c: *const conn_rec,
    r: *const request_rec,
) -> bool {
    let level = level & sys::APLOG_LEVELMASK as c_int;
    if level == sys::APLOG_NOTICE as c_int {
        return !rehearsal::is_on();
    }
    // SAFETY: whoever logs passes live objects; the common level is a plain number, written while
    // the configuration is read.
    let limit = unsafe {
        if s.is_null() {
            ap_default_loglevel
        } else if !r.is_null() {
            sys::ap_get_request_module_loglevel(r, module)
        } else if !c.is_null() {
            sys::ap_get_conn_server_module_loglevel(c, s, module)
        } else {
            sys::ap_get_server_module_loglevel(s, module)
        }
    };
    level <= limit
}

/// Writes a message that `httpd_rs_log_wanted` let pass.
#[unsafe(no_mangle)]
unsafe extern "C" fn httpd_rs_log(
    file: *const c_char,
    line: c_int,
    module: c_int,
    level: c_int,
    status: sys::apr_status_t,
    s: *const server_rec,
    c: *const conn_rec,
    r: *const request_rec,
    pool: *mut sys::apr_pool_t,
    format: *const c_char,
    text: *const c_char,
) {
    // SAFETY: the shim passes strings and the live objects of its caller.
    unsafe {
        Entry {
            file: raw::text(file).map(CStr::to_bytes),
            file_c: file,
            line,
            module,
            level,
            status,
            server: s,
            connection: c,
            request: r,
            pool,
            format,
            message: CStr::from_ptr(text).to_bytes(),
        }
        .write();
    }
}

/// Lets error documents show a message that its author meant for the client.
#[unsafe(no_mangle)]
unsafe extern "C" fn httpd_rs_note_for_client(r: *const request_rec, text: *const c_char) {
    // SAFETY: the shim passes the live request and a string; the escaped copy is the pool's.
    unsafe {
        let escaped = sys::ap_escape_html2((*r).pool, text, 0);
        sys::apr_table_setn((*r).notes, c"error-notes".as_ptr(), escaped);
    }
}

/// A message with what it concerns.
pub(super) struct Entry<'a> {
    pub(super) file: Option<&'a [u8]>,
    /// The same as C passed it, for hooks; NULL when it comes from Rust.
    pub(super) file_c: *const c_char,
    pub(super) line: c_int,
    pub(super) module: c_int,
    pub(super) level: c_int,
    pub(super) status: sys::apr_status_t,
    pub(super) server: *const server_rec,
    pub(super) connection: *const conn_rec,
    pub(super) request: *const request_rec,
    pub(super) pool: *mut sys::apr_pool_t,
    pub(super) format: *const c_char,
    pub(super) message: &'a [u8],
}

impl Entry<'_> {
    /// Writes the message, after the lines that introduce its connection and request when it is
    /// their first.
    ///
    /// # Safety
    /// The pointers are NULL or live.
    pub(super) unsafe fn write(&self) {
        // SAFETY: the caller's promise; core's configuration, where there is one, has the arrays
        // that `log::format` fills.
        unsafe {
            if rehearsal::is_on()
                && self.level & (sys::APLOG_LEVELMASK as c_int) > MOST_IN_REHEARSAL
            {
                return;
            }
            let log = open::destination(self.server);
            let config = self.core_config();
            let connection = match self.request.as_ref() {
                Some(r) => r.connection.cast_const(),
                None => self.connection,
            };
            let main = main_request(self.request);
            let mut info = ap_errorlog_info {
                s: self.server,
                c: connection,
                r: null(),
                rmain: null(),
                pool: self.pool,
                file: null(),
                line: 0,
                module_index: sys::APLOG_NO_MODULE,
                level: -1,
                status: 0,
                using_syslog: c_int::from(log.is_syslog()),
                startup: c_int::from(self.level & sys::APLOG_STARTUP as c_int != 0),
                format: self.format,
            };
            let level = self.level & sys::APLOG_LEVELMASK as c_int;
            let mut out = Vec::with_capacity(LINE_MAX);

            let (new_connection, new_request) = give_ids(self.server, connection, main);
            if let Some(config) = config.as_ref() {
                let of_connection = new_connection.then_some(config.error_log_conn);
                let of_request = new_request.then_some(config.error_log_req);
                for format in of_connection.into_iter().flat_map(|lines| formats(lines)) {
                    self.one(&mut info, format, log, level, &mut out);
                }
                (info.r, info.rmain) = (main, main);
                for format in of_request.into_iter().flat_map(|lines| formats(lines)) {
                    self.one(&mut info, format, log, level, &mut out);
                }
            }

            info.r = self.request;
            info.rmain = main;
            info.level = level;
            info.module_index = self.module;
            info.file = self.file_c;
            info.line = self.line;
            info.status = self.status;
            let format = config
                .as_ref()
                .map_or(null_mut(), |config| config.error_log_format);
            if let Some(message) = self.one(&mut info, format, log, level, &mut out) {
                // The hook sees the message without what the line puts around it.
                out.truncate(message.end);
                out.push(0);
                sys::ap_run_error_log(&raw const info, out[message.start..].as_ptr().cast());
            }
        }
    }

    /// Writes one line; answers where in `out` the message stands, `None` when there was no line.
    ///
    /// # Safety
    /// As for `write`; `format` is NULL or an array of items.
    unsafe fn one(
        &self,
        info: &mut ap_errorlog_info,
        format: *const sys::apr_array_header_t,
        log: open::Destination,
        level: c_int,
        out: &mut Vec<u8>,
    ) -> Option<Range<usize>> {
        out.clear();
        // SAFETY: the caller's promise.
        let message = unsafe {
            if format.is_null() || info.startup != 0 {
                self.default_line(info, out)
            } else {
                self.formatted_line(info, format, out)
            }
        };
        if out.is_empty() {
            return None;
        }
        out.truncate(LINE_MAX - 2);
        let length = out.len();
        if log.is_syslog() {
            out.push(0);
            // SAFETY: the text ends with NUL, and the format prints it as it is.
            unsafe {
                let priority = level.min(libc::LOG_DEBUG);
                libc::syslog(priority, c"%s".as_ptr(), out.as_ptr().cast::<c_char>());
            }
        } else {
            out.push(b'\n');
            log.write(out);
        }
        out.truncate(length);
        Some(message.start.min(length)..message.end.min(length))
    }

    /// The line in the form that holds unless configured otherwise.
    ///
    /// # Safety
    /// As for `write`.
    unsafe fn default_line(&self, info: &ap_errorlog_info, out: &mut Vec<u8>) -> Range<usize> {
        let at_start = info.startup != 0;
        let error = (info.status != 0).then(|| items::status_text(info.status));
        let debug = sys::APLOG_DEBUG as c_int;
        // SAFETY: the caller's promise.
        unsafe {
            let bytes = |text: *const c_char| raw::text(text).map_or(&[][..], CStr::to_bytes);
            let peer = info.c.as_ref().map(|c| {
                let (ip, address) = match info.r.as_ref() {
                    Some(r) => (r.useragent_ip, r.useragent_addr),
                    None => (c.client_ip, c.client_addr),
                };
                Peer {
                    // Only a connection that a client opened has a place in the scoreboard.
                    role: if c.sbh.is_null() { "remote" } else { "client" },
                    address: bytes(ip),
                    port: address.as_ref().map_or(0, |address| address.port),
                }
            });
            let referer = info
                .r
                .as_ref()
                .filter(|r| !r.headers_in.is_null())
                .and_then(|r| raw::text(sys::apr_table_get(r.headers_in, c"Referer".as_ptr())));
            Line {
                time: (!at_start && info.using_syslog == 0).then(|| clock::local(clock::now())),
                head: (!at_start).then(|| Head {
                    module: crate::modules::short_name(info.module_index).unwrap_or("-"),
                    level: info.level,
                    pid: std::process::id(),
                    tid: libc::gettid(),
                }),
                source: (info.level >= debug)
                    .then_some(self.file)
                    .flatten()
                    .map(|file| (items::base_name(file), info.line)),
                error: error.as_deref(),
                peer,
                message: self.message,
                referer: referer.map(CStr::to_bytes),
            }
            .write(out)
        }
    }

    /// The line that `ErrorLogFormat` asks for.
    ///
    /// # Safety
    /// As for `write`; `format` is an array of items.
    unsafe fn formatted_line(
        &self,
        info: &ap_errorlog_info,
        format: *const sys::apr_array_header_t,
        out: &mut Vec<u8>,
    ) -> Range<usize> {
        // SAFETY: the caller's promise.
        let items = unsafe { elements::<ap_errorlog_format_item>(format) };
        let mut field = 0;
        let mut skipping = false;
        let mut message = 0..0;
        for item in items {
            let has = |flag: u32| item.flags & flag != 0;
            if has(sys::AP_ERRORLOG_FLAG_FIELD_SEP) {
                if skipping {
                    skipping = false;
                } else {
                    field = out.len();
                }
            }
            if has(sys::AP_ERRORLOG_FLAG_MESSAGE) {
                let start = out.len();
                crate::log::escape::for_error_log(self.message, out);
                out.truncate(LINE_MAX - 2);
                message = start.min(out.len())..out.len();
                continue;
            }
            if skipping {
                continue;
            }
            let too_urgent = info.level >= 0 && item.min_loglevel as c_int > info.level;
            // SAFETY: the caller's promise.
            let written = !too_urgent && unsafe { append(item, info, out) };
            if written {
                continue;
            }
            if too_urgent
                || !has(sys::AP_ERRORLOG_FLAG_REQUIRED | sys::AP_ERRORLOG_FLAG_NULL_AS_HYPHEN)
            {
                out.truncate(field);
                skipping = true;
            } else if has(sys::AP_ERRORLOG_FLAG_REQUIRED) {
                out.clear();
                return 0..0;
            } else {
                out.push(b'-');
            }
        }
        message
    }

    /// Core's configuration of the server the message concerns; NULL when there is none.
    ///
    /// # Safety
    /// As for `write`.
    unsafe fn core_config(&self) -> *const core_server_config {
        // SAFETY: the caller's promise.
        match unsafe { self.server.as_ref() } {
            // SAFETY: the vector of a live server.
            Some(s) if !s.module_config.is_null() => unsafe {
                sys::ap_get_core_module_config(s.module_config).cast()
            },
            _ => null(),
        }
    }
}

/// Lets an item write what it knows; answers whether that was anything.
///
/// # Safety
/// The item comes from `log::format` or a module, and `info` points to live objects.
unsafe fn append(
    item: &ap_errorlog_format_item,
    info: &ap_errorlog_info,
    out: &mut Vec<u8>,
) -> bool {
    let Some(function) = item.func else {
        return false;
    };
    let start = out.len();
    let room = (LINE_MAX - 1).saturating_sub(start);
    out.resize(start + room, 0);
    // SAFETY: the buffer has `room` bytes from `start` on; the rest is the caller's promise.
    let length = unsafe {
        let place = out[start..].as_mut_ptr().cast();
        function(info, item.arg, place, room as c_int)
    };
    let length = usize::try_from(length).unwrap_or(0).min(room);
    out.truncate(start + length);
    length > 0
}

/// Gives connection and request ids when this is their first message; answers for which it did.
///
/// # Safety
/// The pointers are NULL or live.
unsafe fn give_ids(
    s: *const server_rec,
    c: *const conn_rec,
    r: *const request_rec,
) -> (bool, bool) {
    if s.is_null() || c.is_null() {
        return (false, false);
    }
    // SAFETY: the caller's promise. C casts the const away, too: the id is what logging adds.
    unsafe {
        let new_connection = (*c).log_id.is_null();
        if new_connection {
            sys::ap_run_generate_log_id(c, null(), &raw mut (*c.cast_mut()).log_id);
        }
        let new_request = !r.is_null() && (*r).log_id.is_null();
        if new_request {
            sys::ap_run_generate_log_id(c, r, &raw mut (*r.cast_mut()).log_id);
        }
        (new_connection, new_request)
    }
}

/// The request that a sub-request belongs to; the request itself when it is none.
///
/// # Safety
/// `r` is NULL or live.
unsafe fn main_request(mut r: *const request_rec) -> *const request_rec {
    // SAFETY: the caller's promise; a request keeps the one it belongs to alive.
    while let Some(of) = unsafe { r.as_ref() }
        .map(|r| r.main)
        .filter(|main| !main.is_null())
    {
        r = of;
    }
    r
}

/// The elements of an array; none for NULL.
///
/// # Safety
/// `array` is NULL or holds elements of this type and does not change meanwhile.
unsafe fn elements<'a, T>(array: *const sys::apr_array_header_t) -> &'a [T] {
    // SAFETY: the caller's promise.
    match unsafe { array.as_ref() } {
        Some(array) if array.nelts > 0 => unsafe {
            std::slice::from_raw_parts(array.elts.cast(), array.nelts as usize)
        },
        _ => &[],
    }
}

/// The formats of the lines that introduce a connection or a request.
///
/// # Safety
/// `lines` is NULL or an array that `log::format` filled.
unsafe fn formats<'a>(
    lines: *const sys::apr_array_header_t,
) -> impl Iterator<Item = *const sys::apr_array_header_t> + 'a {
    // SAFETY: the caller's promise.
    let formats = unsafe { elements::<*const sys::apr_array_header_t>(lines) };
    formats.iter().copied()
}

/// Appends a whole line with one write, so that lines of several processes do not mix.
pub(super) fn write_whole(descriptor: c_int, line: &[u8]) {
    let mut rest = line;
    while !rest.is_empty() {
        // SAFETY: reads `rest` only.
        match unsafe { libc::write(descriptor, rest.as_ptr().cast(), rest.len()) } {
            written if written > 0 => rest = &rest[(written as usize).min(rest.len())..],
            _ if io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) => {}
            // There is nobody to tell that the log is gone.
            _ => return,
        }
    }
}
