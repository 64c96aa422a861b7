//! The file that holds the number of the control process.

use std::{
    ffi::{CStr, c_char},
    os::unix::ffi::OsStrExt,
    ptr::null,
};

use httpd_sys::{self as sys, apr_pool_t, apr_status_t, pid_t};

use super::{lossy, report};
use crate::mpm::pidfile;

exports! { ap_log_pid, ap_remove_pid, ap_read_pid }

const OK: apr_status_t = sys::APR_SUCCESS as apr_status_t;
/// A longer file is none of ours.
const LONGEST: usize = 31;

fn tell(level: u32, status: apr_status_t, message: std::fmt::Arguments<'_>) {
    // SAFETY: there is no server to be live.
    unsafe { report(sys::APLOG_NO_MODULE, level, status, null(), message) };
}

/// The path of the file; `None` after telling that it is no path.
///
/// # Safety
/// A live pool and a string.
unsafe fn path<'a>(pool: *mut apr_pool_t, name: *const c_char, code: &str) -> Option<&'a CStr> {
    // SAFETY: the caller's promise.
    unsafe {
        let path = sys::ap_server_root_relative(pool, name);
        if path.is_null() {
            let name = lossy(name);
            tell(
                sys::APLOG_STARTUP | sys::APLOG_CRIT,
                sys::APR_EBADPATH as apr_status_t,
                format_args!("{code}: Invalid PID file path {name}, ignoring."),
            );
            return None;
        }
        Some(CStr::from_ptr(path))
    }
}

/// Writes this process's number into the file, which it holds from then on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_log_pid(pool: *mut apr_pool_t, name: *const c_char) {
    if name.is_null() {
        return;
    }
    // SAFETY: the header asks for a live pool and a string.
    let Some(path) = (unsafe { path(pool, name, "AH00097") }) else {
        return;
    };
    let target = std::path::Path::new(std::ffi::OsStr::from_bytes(path.to_bytes()));
    match pidfile::hold(target) {
        Ok(None) => {}
        Ok(Some(strange)) => {
            let strange = match strange.as_str() {
                "" => String::new(),
                what => format!(" It was {what}."),
            };
            tell(
                sys::APLOG_WARNING,
                0,
                format_args!(
                    "AH00098: pid file {} overwritten -- Unclean shutdown of previous Apache \
                     run?{strange}",
                    path.to_string_lossy()
                ),
            );
        }
        Err(error) => {
            // SAFETY: a string of the program.
            let argv0 = unsafe { lossy(sys::ap_server_argv0) };
            tell(
                sys::APLOG_STARTUP | sys::APLOG_ERR,
                0,
                format_args!(
                    "AH00100: {argv0}: could not log pid to file {}: {error}",
                    path.to_string_lossy()
                ),
            );
            // Without the file nobody could stop the server by its usual command.
            std::process::exit(1);
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_remove_pid(pool: *mut apr_pool_t, name: *const c_char) {
    // SAFETY: the header asks for a live pool and a string.
    unsafe {
        let path = sys::ap_server_root_relative(pool, name);
        if path.is_null() {
            return;
        }
        // A file that another server has made meanwhile is not this one's to remove.
        let Some(removed) = pidfile::remove() else {
            return;
        };
        if let Err(error) = removed {
            let status = error
                .raw_os_error()
                .unwrap_or(sys::APR_EGENERAL as apr_status_t);
            let path = lossy(path);
            report(
                sys::APLOG_NO_MODULE,
                sys::APLOG_ERR,
                status,
                sys::ap_server_conf,
                format_args!("AH00095: failed to remove PID file {path}"),
            );
        } else {
            let (path, process) = (lossy(path), std::process::id());
            report(
                sys::APLOG_NO_MODULE,
                sys::APLOG_INFO,
                0,
                sys::ap_server_conf,
                format_args!("AH00096: removed PID file {path} (pid={process})"),
            );
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_read_pid(
    pool: *mut apr_pool_t,
    name: *const c_char,
    process: *mut pid_t,
) -> apr_status_t {
    let unusable = sys::APR_EGENERAL as apr_status_t;
    if name.is_null() {
        return unusable;
    }
    // SAFETY: the header asks for a live pool, a string and a place.
    unsafe {
        let Some(path) = path(pool, name, "AH00101") else {
            return unusable;
        };
        let target = std::path::Path::new(std::ffi::OsStr::from_bytes(path.to_bytes()));
        // To open one's own would give up the lock on it.
        if let Some(own) = pidfile::own_pid(target) {
            process.write(own);
            return OK;
        }
        match std::fs::read(target) {
            Ok(text) => match number(&text) {
                Some(number) => {
                    process.write(number);
                    OK
                }
                None => unusable,
            },
            Err(error) => error.raw_os_error().unwrap_or(unusable),
        }
    }
}

/// The number at the start of such a file; `None` when it looks like anything else.
fn number(text: &[u8]) -> Option<pid_t> {
    if text.len() >= LONGEST {
        return None;
    }
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&text[..digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_anything_else_is_no_pid_file() {
        assert_eq!(number(b"4711\n"), Some(4711));
        assert_eq!(number(b""), None);
        assert_eq!(number(b"x"), None);
        assert_eq!(number(&[b'1'; 40]), None);
    }
}
