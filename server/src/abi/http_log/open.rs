//! Where lines of the error log go: standard error until the logs are open, then the file, program
//! or syslog that `ErrorLog` names.
//!
//! The main server's log takes the place of standard error, so that what libraries and programs say
//! there is found in the log. Its pool lives one reading of the configuration longer than the one
//! it was opened for: until its successor is in place.

use std::{
    ffi::{CStr, CString, c_char, c_int},
    ptr::{null, null_mut},
    sync::atomic::{AtomicBool, AtomicPtr, Ordering},
};

use httpd_sys::{self as sys, server_rec};
use module_sdk::raw;

use super::{items, log_id, lossy, piped, report, write};
use crate::mpm::rehearsal;

exports! {
    ap_open_stderr_log, ap_replace_stderr_log, ap_error_log2stderr, ap_open_logs,
    ap_logs_child_init, ap_register_log_hooks,
}

/// Standard error as a file of APR; NULL until `ap_open_stderr_log`.
static STDERR: AtomicPtr<sys::apr_file_t> = AtomicPtr::new(null_mut());
/// The pool of what stands in place of standard error; NULL before the first logs are open.
static STDERR_POOL: AtomicPtr<sys::apr_pool_t> = AtomicPtr::new(null_mut());
/// Whether some server logs to syslog: a server without a file means syslog then.
static SYSLOG: AtomicBool = AtomicBool::new(false);

/// Whether a program takes the main log's lines.
static PROGRAM: AtomicBool = AtomicBool::new(false);

const OK: sys::apr_status_t = sys::APR_SUCCESS as sys::apr_status_t;
const NO_MODULE: c_int = sys::APLOG_NO_MODULE;
/// `APR_OS_DEFAULT`: what the umask allows.
const DEFAULT_PERMISSIONS: i32 = 0x0fff;
const APPEND: i32 = (sys::APR_FOPEN_APPEND
    | sys::APR_FOPEN_WRITE
    | sys::APR_FOPEN_CREATE
    | sys::APR_FOPEN_LARGEFILE) as i32;

/// Where a line goes.
#[derive(Clone, Copy)]
pub(super) enum Destination {
    Syslog,
    Descriptor(c_int),
}

impl Destination {
    pub(super) fn is_syslog(self) -> bool {
        matches!(self, Self::Syslog)
    }

    /// Writes a whole line; syslog takes its lines by itself.
    pub(super) fn write(self, line: &[u8]) {
        if let Self::Descriptor(descriptor) = self {
            write::write_whole(descriptor, line);
        }
    }
}

/// Where messages that concern `server` go; NULL: those that concern none.
///
/// # Safety
/// `server` is NULL or live.
pub(super) unsafe fn destination(server: *const server_rec) -> Destination {
    if rehearsal::is_on() {
        // Whoever asked for it wants to know, not the logs of the server that runs.
        return Destination::Descriptor(libc::STDERR_FILENO);
    }
    // SAFETY: the caller's promise.
    let own = unsafe { server.as_ref() }.map(|server| server.error_log);
    let file = match own {
        Some(file) if !file.is_null() => file,
        Some(_) if SYSLOG.load(Ordering::Relaxed) => return Destination::Syslog,
        _ => STDERR.load(Ordering::Relaxed),
    };
    let mut descriptor = libc::STDERR_FILENO;
    // SAFETY: a log is open as long as its server is used; a failure leaves standard error.
    if !file.is_null() && unsafe { sys::apr_os_file_get(&raw mut descriptor, file) } != OK {
        descriptor = libc::STDERR_FILENO;
    }
    Destination::Descriptor(descriptor)
}

/// Registers what logging offers; called by core while it registers its hooks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_register_log_hooks(_pool: *mut sys::apr_pool_t) {
    items::forget_those_of_modules();
    log_id::register();
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_open_stderr_log(pool: *mut sys::apr_pool_t) {
    let mut file = null_mut();
    // SAFETY: the header asks for a live pool.
    if unsafe { sys::apr_file_open_stderr(&raw mut file, pool) } == OK {
        STDERR.store(file, Ordering::Relaxed);
    }
}

/// Sends standard error to a file: `-E` of the command line.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_replace_stderr_log(
    pool: *mut sys::apr_pool_t,
    name: *const c_char,
) -> sys::apr_status_t {
    let startup = sys::APLOG_STARTUP | sys::APLOG_CRIT;
    // SAFETY: the header asks for a live pool and a string.
    unsafe {
        let path = sys::ap_server_root_relative(pool, name);
        if path.is_null() {
            let status = sys::APR_EBADPATH as sys::apr_status_t;
            let name = lossy(name);
            report(
                NO_MODULE,
                startup,
                status,
                null(),
                format_args!("AH00085: Invalid -E error log file {name}"),
            );
            return status;
        }
        let mut file = null_mut();
        let status = sys::apr_file_open(&raw mut file, path, APPEND, DEFAULT_PERMISSIONS, pool);
        if status != OK {
            let (server, path) = (lossy(sys::ap_server_argv0), lossy(path));
            report(
                NO_MODULE,
                startup,
                status,
                null(),
                format_args!("AH00086: {server}: could not open error log file {path}."),
            );
            return status;
        }
        ap_open_stderr_log(pool);
        let status = replace(file, pool);
        sys::apr_file_close(file);
        if status != OK {
            report(
                NO_MODULE,
                sys::APLOG_CRIT,
                status,
                null(),
                format_args!("AH00087: unable to replace stderr with error log file"),
            );
        }
        status
    }
}

/// Lets standard error be `file`.
///
/// # Safety
/// `file` is open; `pool` lives as long as the replacement is used.
unsafe fn replace(file: *mut sys::apr_file_t, pool: *mut sys::apr_pool_t) -> sys::apr_status_t {
    let standard_error = STDERR.load(Ordering::Relaxed);
    if standard_error.is_null() {
        return sys::APR_EBADF as sys::apr_status_t;
    }
    // SAFETY: the caller's promise.
    unsafe {
        sys::apr_file_flush(standard_error);
        sys::apr_file_dup2(standard_error, file, pool)
    }
}

/// Lets standard error be the log of a server, for a process that is about to run a program.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_error_log2stderr(s: *mut server_rec) {
    // SAFETY: the header asks for a live server.
    unsafe {
        let pool = (*(*s).process).pool;
        let mut file = null_mut();
        if sys::apr_file_open_stderr(&raw mut file, pool) == OK && !(*s).error_log.is_null() {
            sys::apr_file_dup2(file, (*s).error_log, pool);
        }
    }
}

/// Opens the logs of all servers: core's function in the hook `open_logs`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_open_logs(
    _pconf: *mut sys::apr_pool_t,
    plog: *mut sys::apr_pool_t,
    _ptemp: *mut sys::apr_pool_t,
    main: *mut server_rec,
) -> c_int {
    SYSLOG.store(false, Ordering::Relaxed);
    // SAFETY: the hook passes live pools and the first of the servers.
    unsafe {
        let mut pool = null_mut();
        let parent = sys::apr_pool_parent_get(plog);
        if sys::apr_pool_create_ex(&raw mut pool, parent, None, null_mut()) != OK {
            return sys::DONE;
        }
        sys::apr_pool_tag(pool, c"stderr_pool".as_ptr());
        if !open_log(main, true, pool) {
            return sys::DONE;
        }
        take_over_stderr(main, pool);

        let mut server = (*main).next;
        while !server.is_null() {
            let (name, shared) = ((*server).error_fname, log_of_same_name(main, server));
            match shared {
                _ if name.is_null() => (*server).error_log = (*main).error_log,
                Some(log) => (*server).error_log = log,
                None if !open_log(server, false, plog) => return sys::DONE,
                None => {}
            }
            server = (*server).next;
        }
    }
    sys::OK as c_int
}

/// Lets the main log be standard error, or nothing when the log is no file: the terminal must not
/// be written to any more.
///
/// # Safety
/// `main` is live, and its log was opened in `pool`.
unsafe fn take_over_stderr(main: *mut server_rec, pool: *mut sys::apr_pool_t) {
    if rehearsal::is_on() {
        return;
    }
    // SAFETY: the caller's promise.
    unsafe {
        let log = (*main).error_log;
        let mut replaced = false;
        if !log.is_null() {
            if STDERR.load(Ordering::Relaxed).is_null() {
                ap_open_stderr_log((*(*main).process).pool);
            }
            sys::apr_file_flush(log);
            let status = replace(log, pool);
            if status == OK {
                replaced = true;
                // Ends the program that took the lines before.
                let before = STDERR_POOL.swap(pool, Ordering::Relaxed);
                if !before.is_null() {
                    sys::apr_pool_destroy(before);
                }
                // One descriptor is enough, and a program that takes lines only ends when nobody
                // holds the other end of its pipe.
                sys::apr_file_close(log);
                (*main).error_log = STDERR.load(Ordering::Relaxed);
            } else {
                report(
                    NO_MODULE,
                    sys::APLOG_CRIT,
                    status,
                    main,
                    format_args!("AH00092: unable to replace stderr with error_log"),
                );
            }
        }
        if !replaced && !stderr_to_nothing() {
            let status = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
            report(
                NO_MODULE,
                sys::APLOG_CRIT,
                status,
                main,
                format_args!("AH00093: unable to replace stderr with /dev/null"),
            );
        }
    }
}

/// Lets the program that takes the main log's lines see their end: the process is about to end.
pub fn close_program() {
    if PROGRAM.load(Ordering::Relaxed) {
        // Otherwise the program ends a little later, with this process.
        let _ = stderr_to_nothing();
    }
}

fn stderr_to_nothing() -> bool {
    // SAFETY: opens a device and moves it to a descriptor of this process.
    unsafe {
        let nothing = libc::open(c"/dev/null".as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if nothing < 0 {
            return false;
        }
        let moved = libc::dup2(nothing, libc::STDERR_FILENO) >= 0;
        libc::close(nothing);
        moved
    }
}

/// The log of an earlier server that logs to the same place.
///
/// # Safety
/// Both are live, and `server` follows `main` in the list of servers.
unsafe fn log_of_same_name(
    main: *const server_rec,
    server: *const server_rec,
) -> Option<*mut sys::apr_file_t> {
    // SAFETY: the caller's promise.
    unsafe {
        let name = raw::text((*server).error_fname)?;
        let mut earlier = main;
        while !earlier.is_null() && earlier != server {
            if raw::text((*earlier).error_fname) == Some(name) {
                return Some((*earlier).error_log);
            }
            earlier = (*earlier).next;
        }
        None
    }
}

/// Opens what `ErrorLog` of a server names; answers whether that worked, after telling what did
/// not.
///
/// # Safety
/// Both are live, and the server has a name for its log.
unsafe fn open_log(server: *mut server_rec, is_main: bool, pool: *mut sys::apr_pool_t) -> bool {
    // SAFETY: the caller's promise.
    let name = unsafe { raw::text((*server).error_fname) }.unwrap_or(c"logs/error_log");
    match name.to_bytes() {
        [b'|', program @ ..] => {
            let (kind, program) = piped::kind_of_program(program);
            let program = CString::new(program).unwrap_or_default();
            // SAFETY: as above. The main server's program must not inherit standard error, which
            // may be the pipe to the program of the configuration before.
            match unsafe { piped::start_simple(pool, &program, kind, is_main) } {
                Ok(pipe) => {
                    PROGRAM.fetch_or(is_main, Ordering::Relaxed);
                    // SAFETY: as above.
                    unsafe { (*server).error_log = pipe };
                    true
                }
                Err(status) => {
                    let program = name.to_string_lossy();
                    fail(
                        status,
                        format_args!(
                            "AH00089: Couldn't start ErrorLog process '{}'.",
                            &program[1..]
                        ),
                    );
                    false
                }
            }
        }
        text if text == b"syslog" || text.starts_with(b"syslog:") => {
            if !open_syslog(&text[b"syslog".len()..]) {
                return false;
            }
            SYSLOG.store(true, Ordering::Relaxed);
            // SAFETY: as above.
            unsafe { (*server).error_log = null_mut() };
            true
        }
        // SAFETY: as above.
        _ => unsafe { open_file(server, name, pool) },
    }
}

/// Opens a file to append to.
///
/// # Safety
/// As for `open_log`.
unsafe fn open_file(server: *mut server_rec, name: &CStr, pool: *mut sys::apr_pool_t) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let argv0 = lossy(sys::ap_server_argv0);
        let path = sys::ap_server_root_relative(pool, name.as_ptr());
        if path.is_null() {
            let name = name.to_string_lossy();
            fail(
                sys::APR_EBADPATH as sys::apr_status_t,
                format_args!("AH00090: {argv0}: Invalid error log path {name}."),
            );
            return false;
        }
        let log = &raw mut (*server).error_log;
        let status = sys::apr_file_open(log, path, APPEND, DEFAULT_PERMISSIONS, pool);
        if status != OK {
            let path = lossy(path);
            fail(
                status,
                format_args!("AH00091: {argv0}: could not open error log file {path}."),
            );
        }
        status == OK
    }
}

/// Tells the person at the terminal why the server does not start.
fn fail(status: sys::apr_status_t, message: std::fmt::Arguments<'_>) {
    // SAFETY: there is no server to be live.
    unsafe { report(NO_MODULE, sys::APLOG_STARTUP, status, null(), message) };
}

/// Opens syslog for what follows the word: nothing, `:facility`, `:facility:tag` or `::tag`.
fn open_syslog(rest: &[u8]) -> bool {
    /// The text that syslog puts before each line; it keeps the pointer.
    static TAG: AtomicPtr<c_char> = AtomicPtr::new(null_mut());

    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    let mut parts = rest.splitn(2, |&byte| byte == b':');
    let facility = parts.next().unwrap_or_default();
    let tag = parts.next().filter(|tag| !tag.is_empty());
    let Some(number) = facility_of(facility) else {
        // SAFETY: a string of the program, set at its start.
        let argv0 = unsafe { lossy(sys::ap_server_argv0) };
        let facility = String::from_utf8_lossy(facility);
        fail(
            sys::APR_EBADPATH as sys::apr_status_t,
            format_args!("AH10036: {argv0}: could not open syslog error log {facility}."),
        );
        return false;
    };
    let tag = tag.and_then(|tag| CString::new(tag).ok());
    let tag = match tag {
        Some(tag) => tag.into_raw(),
        // SAFETY: a string of the program.
        None => unsafe { sys::ap_server_argv0 }.cast_mut(),
    };
    // A tag is leaked once for each reading of the configuration: syslog may still point to it.
    TAG.store(tag, Ordering::Relaxed);
    let options = libc::LOG_NDELAY | libc::LOG_CONS | libc::LOG_PID;
    // SAFETY: the tag lives for ever.
    unsafe { libc::openlog(tag, options, number) };
    true
}

/// The number of a facility, of which a beginning is enough; nothing stands for `local7`.
fn facility_of(name: &[u8]) -> Option<c_int> {
    const FACILITIES: [(&str, c_int); 20] = [
        ("auth", libc::LOG_AUTH),
        ("authpriv", libc::LOG_AUTHPRIV),
        ("cron", libc::LOG_CRON),
        ("daemon", libc::LOG_DAEMON),
        ("ftp", libc::LOG_FTP),
        ("kern", libc::LOG_KERN),
        ("lpr", libc::LOG_LPR),
        ("mail", libc::LOG_MAIL),
        ("news", libc::LOG_NEWS),
        ("syslog", libc::LOG_SYSLOG),
        ("user", libc::LOG_USER),
        ("uucp", libc::LOG_UUCP),
        ("local0", libc::LOG_LOCAL0),
        ("local1", libc::LOG_LOCAL1),
        ("local2", libc::LOG_LOCAL2),
        ("local3", libc::LOG_LOCAL3),
        ("local4", libc::LOG_LOCAL4),
        ("local5", libc::LOG_LOCAL5),
        ("local6", libc::LOG_LOCAL6),
        ("local7", libc::LOG_LOCAL7),
    ];
    if name.is_empty() {
        return Some(libc::LOG_LOCAL7);
    }
    let begins = |known: &str| {
        let beginning = known.as_bytes().get(..name.len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(name))
    };
    let found = FACILITIES.iter().find(|(known, _)| begins(known));
    found.map(|(_, number)| *number)
}

/// Closes in a child what only the control process reads.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_logs_child_init(_pool: *mut sys::apr_pool_t, _s: *mut server_rec) {
    piped::close_reading_ends();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facilities_of_syslog_go_by_their_beginning() {
        assert_eq!(facility_of(b""), Some(libc::LOG_LOCAL7));
        assert_eq!(facility_of(b"User"), Some(libc::LOG_USER));
        assert_eq!(facility_of(b"local3"), Some(libc::LOG_LOCAL3));
        assert_eq!(facility_of(b"nowhere"), None);
    }
}
