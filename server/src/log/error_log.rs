//! Where a line of the error log goes: the log of the server it concerns, or standard error before
//! the logs are open. Called by the C shim, which has formatted the message.

use std::{
    ffi::{CStr, c_char, c_int},
    io::Write,
    sync::atomic::{AtomicPtr, Ordering},
};

use httpd_sys::{self as sys, conn_rec, request_rec, server_rec};

use super::line::{self, Line};

/// The log of the main server, for messages which concern none; NULL: standard error.
static MAIN_LOG: AtomicPtr<sys::apr_file_t> = AtomicPtr::new(std::ptr::null_mut());

/// Sends messages without a server to `file` from now on; NULL: to standard error.
pub fn set_main_log(file: *mut sys::apr_file_t) {
    MAIN_LOG.store(file, Ordering::Relaxed);
}

/// Whether a message of this level would be written.
#[unsafe(no_mangle)]
extern "C" fn httpd_rs_log_wanted(
    level: c_int,
    module: c_int,
    s: *const server_rec,
    c: *const conn_rec,
    r: *const request_rec,
) -> c_int {
    let level_and_up = level & sys::APLOG_LEVELMASK as c_int;
    if s.is_null() && c.is_null() && r.is_null() {
        // SAFETY: a plain number, written while the configuration is read.
        return c_int::from(level_and_up <= unsafe { ap_default_loglevel });
    }
    // SAFETY: the shim passes the objects of its caller, who keeps them alive for the call.
    let limit = unsafe {
        if !r.is_null() {
            sys::ap_get_request_module_loglevel(r, module)
        } else if !c.is_null() {
            sys::ap_get_conn_server_module_loglevel(c, s, module)
        } else {
            sys::ap_get_server_module_loglevel(s, module)
        }
    };
    c_int::from(level_and_up <= limit)
}

/// The level of messages that concern no server.
#[unsafe(no_mangle)]
pub static mut ap_default_loglevel: c_int = sys::APLOG_WARNING as c_int;

/// Writes a message that `httpd_rs_log_wanted` let pass.
#[unsafe(no_mangle)]
unsafe extern "C" fn httpd_rs_log(
    file: *const c_char,
    source_line: c_int,
    module: c_int,
    level: c_int,
    status: sys::apr_status_t,
    s: *const server_rec,
    c: *const conn_rec,
    r: *const request_rec,
    _pool: *mut sys::apr_pool_t,
    text: *const c_char,
    length: c_int,
) {
    // SAFETY: the shim passes `length` bytes of text and live objects.
    let message = unsafe {
        std::slice::from_raw_parts(text.cast::<u8>(), usize::try_from(length).unwrap_or(0))
    };
    // SAFETY: as above.
    let log = unsafe {
        if s.is_null() {
            MAIN_LOG.load(Ordering::Relaxed)
        } else {
            (*s).error_log
        }
    };
    let mut out = Vec::with_capacity(message.len() + 160);
    if level & sys::APLOG_STARTUP as c_int != 0 && log.is_null() {
        // What the person at the terminal reads while the server starts needs no time and place.
        out.extend_from_slice(message);
        out.push(b'\n');
    } else {
        // SAFETY: as above.
        unsafe {
            compose(
                &mut out,
                file,
                source_line,
                module,
                level,
                status,
                c,
                r,
                message,
            )
        };
    }
    // SAFETY: the file is the server's log, open as long as the server lives.
    unsafe { put(log, &out) };
}

/// Puts the parts of a line together.
///
/// # Safety
/// `file` is NULL or a string; `c` and `r` are NULL or live.
#[expect(clippy::too_many_arguments, reason = "the parts of a line")]
unsafe fn compose(
    out: &mut Vec<u8>,
    file: *const c_char,
    source_line: c_int,
    module: c_int,
    level: c_int,
    status: sys::apr_status_t,
    c: *const conn_rec,
    r: *const request_rec,
    message: &[u8],
) {
    let level_only = level & sys::APLOG_LEVELMASK as c_int;
    // SAFETY: the caller's promise; APR fills the buffers it is given the sizes of.
    unsafe {
        let connection = if r.is_null() {
            c
        } else {
            (*r).connection.cast_const()
        };
        let mut time_text = [0 as c_char; sys::APR_CTIME_LEN as usize + 16];
        let time = time_of_line(&mut time_text);
        let mut error_text = [0 as c_char; 200];
        let error = (status != 0 && level & sys::APLOG_NOERRNO as c_int == 0).then(|| {
            sys::apr_strerror(status, error_text.as_mut_ptr(), error_text.len());
            let text = CStr::from_ptr(error_text.as_ptr())
                .to_str()
                .unwrap_or("unknown error");
            (number_of_error(status), text)
        });
        let client = (!connection.is_null())
            .then(|| {
                let (address, from) = if r.is_null() {
                    (
                        (*connection).client_ip.cast_const(),
                        (*connection).client_addr,
                    )
                } else {
                    ((*r).useragent_ip.cast_const(), (*r).useragent_addr)
                };
                let port = if from.is_null() { 0 } else { (*from).port };
                string(address).map(|address| (address, port))
            })
            .flatten();
        let referer = (!r.is_null() && !(*r).headers_in.is_null())
            .then(|| sys::apr_table_get((*r).headers_in, c"Referer".as_ptr()))
            .filter(|value| !value.is_null())
            .map(|value| CStr::from_ptr(value).to_bytes());
        let source = (level_only >= sys::APLOG_DEBUG as c_int)
            .then(|| string(file))
            .flatten()
            .map(|path| (path.rsplit('/').next().unwrap_or(path), source_line));
        Line {
            time,
            module: crate::modules::short_name(module),
            level: line::level_name(level_only),
            pid: std::process::id(),
            tid: libc::gettid() as u64,
            source,
            error,
            client,
            message,
            referer,
        }
        .write(out);
    }
}

/// The number the system knows an error by: APR shifts its own.
fn number_of_error(status: sys::apr_status_t) -> i32 {
    let shifted = status - sys::APR_OS_START_SYSERR as sys::apr_status_t;
    if shifted > 0 { shifted } else { status }
}

/// A C string as text; `None` for NULL or what is no UTF-8.
///
/// # Safety
/// `text` is NULL or a string that lives as long as the answer is used.
unsafe fn string<'a>(text: *const c_char) -> Option<&'a str> {
    // SAFETY: the caller's promise.
    (!text.is_null())
        .then(|| unsafe { CStr::from_ptr(text) }.to_str().ok())
        .flatten()
}

/// `Mon Nov 23 18:05:22.123456 2026`, in local time.
fn time_of_line(buffer: &mut [c_char]) -> &str {
    // SAFETY: the broken-down time is plain numbers, and the buffer's size is passed with it.
    unsafe {
        let now = sys::apr_time_now();
        let mut exploded = std::mem::zeroed::<sys::apr_time_exp_t>();
        sys::apr_time_exp_lt(&mut exploded, now);
        let mut length = 0;
        let format = c"%a %b %d %H:%M:%S.!!!!!! %Y";
        let size = buffer.len();
        sys::apr_strftime(
            buffer.as_mut_ptr(),
            &mut length,
            size,
            format.as_ptr(),
            &mut exploded,
        );
        let bytes = std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast::<u8>(), length);
        if let Some(at) = bytes.iter().position(|&b| b == b'!') {
            let mut rest = &mut bytes[at..at + 6];
            // Six digits fit into six bytes.
            let _ = write!(rest, "{:06}", exploded.tm_usec);
        }
        std::str::from_utf8(bytes).unwrap_or("")
    }
}

/// Appends a whole line with one write, so that lines of several processes do not mix.
///
/// # Safety
/// `log` is NULL or an open file.
unsafe fn put(log: *mut sys::apr_file_t, line: &[u8]) {
    let mut descriptor: sys::apr_os_file_t = libc::STDERR_FILENO;
    // SAFETY: the caller's promise; the write reads `line` only.
    unsafe {
        if !log.is_null() && sys::apr_os_file_get(&mut descriptor, log) != 0 {
            return;
        }
        let mut rest = line;
        while !rest.is_empty() {
            match libc::write(descriptor, rest.as_ptr().cast(), rest.len()) {
                written if written > 0 => rest = &rest[written as usize..],
                _ if std::io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) => {}
                _ => return,
            }
        }
    }
}
