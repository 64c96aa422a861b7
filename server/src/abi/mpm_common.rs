//! Exports of `mpm_common.h`: settings that all MPMs share, and small helpers.
//!
//! What only Apache's own MPMs call among themselves (pods, queues of workers, child reclaim) is
//! absent: no module binary imports it.

use std::{
    ffi::{CStr, OsStr, c_char, c_int, c_void},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    ptr::null,
};

use httpd_sys::{self as sys, cmd_parms};
use module_sdk::raw::Pool;

use crate::mpm::{control, pidfile, rehearsal};

exports! {
    ap_mpm_set_pidfile, ap_mpm_dump_pidfile, ap_mpm_set_max_requests, ap_mpm_set_coredumpdir,
    ap_mpm_set_graceful_shutdown, ap_mpm_set_max_mem_free, ap_mpm_set_thread_stacksize,
    ap_mpm_safe_kill, ap_sock_disable_nagle, ap_uname2id, ap_gname2id,
}

/// PidFile, as it was given.
#[unsafe(no_mangle)]
pub static mut ap_pid_fname: *const c_char = null();

/// MaxConnectionsPerChild; 0: no limit.
#[unsafe(no_mangle)]
pub static mut ap_max_requests_per_child: c_int = 0;

/// CoreDumpDirectory.
#[unsafe(no_mangle)]
pub static mut ap_coredump_dir: [c_char; sys::HUGE_STRING_LEN as usize] =
    [0; sys::HUGE_STRING_LEN as usize];

/// Whether CoreDumpDirectory was given.
#[unsafe(no_mangle)]
pub static mut ap_coredumpdir_configured: c_int = 0;

/// GracefulShutdownTimeout in seconds; 0: no limit.
#[unsafe(no_mangle)]
pub static mut ap_graceful_shutdown_timeout: c_int = 0;

/// MaxMemFree in bytes.
#[unsafe(no_mangle)]
pub static mut ap_max_mem_free: u32 = 2048 * 1024;

/// ThreadStackSize in bytes; 0: the server's default.
#[unsafe(no_mangle)]
pub static mut ap_thread_stacksize: usize = 0;

/// Sets all of the above to what holds without directives.
pub fn reset() {
    // SAFETY: called while the configuration is read, by the only thread.
    unsafe {
        ap_pid_fname = c"logs/httpd.pid".as_ptr();
        ap_max_requests_per_child = 0;
        ap_coredumpdir_configured = 0;
        sys::apr_cpystrn(
            (&raw mut ap_coredump_dir).cast(),
            if sys::ap_server_root.is_null() {
                c"".as_ptr()
            } else {
                sys::ap_server_root
            },
            sys::HUGE_STRING_LEN as usize,
        );
        ap_graceful_shutdown_timeout = 0;
        ap_max_mem_free = 2048 * 1024;
        ap_thread_stacksize = 0;
    }
}

/// Whether a directive stands where only the main server's may; the text that says so otherwise.
unsafe fn only_global(cmd: *mut cmd_parms) -> *const c_char {
    // SAFETY: the engine passes its live record.
    unsafe { sys::ap_check_cmd_context(cmd, sys::GLOBAL_ONLY) }
}

/// The whole number of a directive's argument; the text of an error otherwise.
unsafe fn number(cmd: *mut cmd_parms, arg: *const c_char) -> Result<i64, *const c_char> {
    // SAFETY: the engine passes its live record and an argument.
    unsafe {
        let text = CStr::from_ptr(arg).to_string_lossy();
        text.trim().parse().map_err(|_| {
            let name = CStr::from_ptr((*(*cmd).cmd).name).to_string_lossy();
            Pool::from_ptr((*cmd).pool)
                .text(format_args!("{name}: not a whole number: {text}"))
                .as_ptr()
        })
    }
}

/// The text of an error about a number that cannot be taken.
unsafe fn invalid(cmd: *mut cmd_parms, name: &str, value: i64) -> *const c_char {
    // SAFETY: the engine passes its live record.
    unsafe { Pool::from_ptr((*cmd).pool) }
        .text(format_args!("Invalid {name} value: {value}"))
        .as_ptr()
}

/// A directive of the main server with one whole number.
macro_rules! number_directive {
    ($(#[$doc:meta])* $name:ident, $cmd:ident, $value:ident => $set:block) => {
        $(#[$doc])*
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            $cmd: *mut cmd_parms,
            _dummy: *mut c_void,
            arg: *const c_char,
        ) -> *const c_char {
            // SAFETY: the engine passes its live record and an argument; one thread reads the
            // configuration.
            unsafe {
                let refusal = only_global($cmd);
                if !refusal.is_null() {
                    return refusal;
                }
                match number($cmd, arg) {
                    Ok($value) => $set,
                    Err(text) => text,
                }
            }
        }
    };
}

number_directive! {
    /// MaxConnectionsPerChild.
    ap_mpm_set_max_requests, _cmd, value => {
        ap_max_requests_per_child = c_int::try_from(value).unwrap_or(c_int::MAX);
        null()
    }
}

number_directive! {
    /// GracefulShutdownTimeout.
    ap_mpm_set_graceful_shutdown, _cmd, value => {
        ap_graceful_shutdown_timeout = c_int::try_from(value).unwrap_or(c_int::MAX);
        null()
    }
}

number_directive! {
    /// MaxMemFree, in KiB.
    ap_mpm_set_max_mem_free, cmd, value => {
        if value < 0 {
            return invalid(cmd, "MaxMemFree", value);
        }
        let bytes = value.saturating_mul(1024);
        ap_max_mem_free = u32::try_from(bytes).unwrap_or(u32::MAX);
        null()
    }
}

number_directive! {
    /// ThreadStackSize, in bytes.
    ap_mpm_set_thread_stacksize, cmd, value => {
        match usize::try_from(value) {
            Ok(bytes) => {
                ap_thread_stacksize = bytes;
                null()
            }
            Err(_) => invalid(cmd, "ThreadStackSize", value),
        }
    }
}

/// PidFile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_mpm_set_pidfile(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    arg: *const c_char,
) -> *const c_char {
    // SAFETY: the engine passes its live record and an argument of the configuration's pool.
    unsafe {
        let refusal = only_global(cmd);
        if !refusal.is_null() {
            return refusal;
        }
        // Relative to ServerRoot; only the file of no directive is below DefaultRuntimeDir.
        let name = sys::ap_server_root_relative((*cmd).pool, arg);
        if name.is_null() {
            return c"PidFile: invalid path".as_ptr();
        }
        ap_pid_fname = name;
        null()
    }
}

/// The path of the pid file.
pub(crate) fn pid_file(pool: *mut sys::apr_pool_t) -> Option<PathBuf> {
    // SAFETY: the pool is live; PidFile is a string.
    let name = unsafe {
        let name = sys::ap_server_root_relative(pool, ap_pid_fname);
        module_sdk::raw::text(name)?
    };
    Some(PathBuf::from(OsStr::from_bytes(name.to_bytes())))
}

/// Makes the pid file this server's, before it opens anything else; false after saying that it
/// cannot be had, because another server runs with it.
pub(crate) fn claim_pid_file(pool: *mut sys::apr_pool_t) -> bool {
    let Some(path) = pid_file(pool).filter(|_| !rehearsal::is_on()) else {
        return true;
    };
    match pidfile::claim(&path) {
        Ok(()) => true,
        Err(why) => {
            control::log(
                sys::APLOG_ALERT | sys::APLOG_STARTUP,
                &format!("{why} (pid file {})", path.display()),
            );
            false
        }
    }
}

/// Prints the pid file's name, for `-D DUMP_RUN_CFG`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_mpm_dump_pidfile(
    pool: *mut sys::apr_pool_t,
    out: *mut sys::apr_file_t,
) {
    // SAFETY: the header asks for a live pool and an open file.
    unsafe {
        let name = sys::ap_server_root_relative(pool, ap_pid_fname);
        sys::apr_file_printf(out, c"PidFile: \"%s\"\n".as_ptr(), name);
    }
}

/// CoreDumpDirectory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_mpm_set_coredumpdir(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    arg: *const c_char,
) -> *const c_char {
    // SAFETY: the engine passes its live record and an argument; one thread reads the
    // configuration, and the text is cut to the room there is.
    unsafe {
        let refusal = only_global(cmd);
        if !refusal.is_null() {
            return refusal;
        }
        let name = sys::ap_server_root_relative((*cmd).temp_pool, arg);
        if name.is_null() {
            return c"CoreDumpDirectory: invalid path".as_ptr();
        }
        let directory = CStr::from_ptr(name);
        let exists = std::ffi::OsStr::new(&*directory.to_string_lossy()).to_owned();
        let path = std::path::Path::new(&exists);
        if !path.is_dir() {
            let why = if path.exists() {
                "is not a directory"
            } else {
                "does not exist"
            };
            return Pool::from_ptr((*cmd).pool)
                .text(format_args!(
                    "CoreDumpDirectory {} {why}",
                    directory.to_string_lossy()
                ))
                .as_ptr();
        }
        sys::apr_cpystrn(
            (&raw mut ap_coredump_dir).cast(),
            name,
            sys::HUGE_STRING_LEN as usize,
        );
        ap_coredumpdir_configured = 1;
    }
    null()
}

/// Signals a process, but never a whole group.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_mpm_safe_kill(pid: sys::pid_t, signal: c_int) -> sys::apr_status_t {
    if pid <= 1 {
        return libc::EINVAL;
    }
    // SAFETY: a plain system call on one process.
    if unsafe { libc::kill(pid, signal) } == 0 {
        0
    } else {
        std::io::Error::last_os_error()
            .raw_os_error()
            .unwrap_or(libc::EINVAL)
    }
}

/// Sends small packets at once on this socket.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_sock_disable_nagle(socket: *mut sys::apr_socket_t) {
    // SAFETY: the header asks for a live socket.
    unsafe { sys::apr_socket_opt_set(socket, sys::APR_TCP_NODELAY as i32, 1) };
}

/// The id of a user: `#1000`, or a name. An unknown name ends the server, as Apache documents.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_uname2id(name: *const c_char) -> sys::uid_t {
    // SAFETY: the header asks for a string; the record belongs to the C library.
    unsafe {
        if let Some(number) = number_of(name) {
            return number;
        }
        let entry = libc::getpwnam(name);
        if entry.is_null() {
            refuse("AH00543", "bad user name", name);
        }
        (*entry).pw_uid
    }
}

/// The same for a group.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_gname2id(name: *const c_char) -> sys::gid_t {
    // SAFETY: as above.
    unsafe {
        if let Some(number) = number_of(name) {
            return number;
        }
        let entry = libc::getgrnam(name);
        if entry.is_null() {
            refuse("AH00544", "bad group name", name);
        }
        (*entry).gr_gid
    }
}

/// The number of `#number`. It may be `#-1`, nobody's: what stands for "no user was given" in modules
/// that run processes of their own, as mod_wsgi.
unsafe fn number_of(name: *const c_char) -> Option<u32> {
    // SAFETY: the caller passes a string.
    let text = unsafe { CStr::from_ptr(name) }.to_str().ok()?;
    let number = text.strip_prefix('#')?;
    match number.parse::<i32>() {
        Ok(signed) => Some(signed.cast_unsigned()),
        Err(_) => number.parse().ok(),
    }
}

/// Says that an account does not exist, and ends the process.
unsafe fn refuse(code: &str, what: &str, name: *const c_char) -> ! {
    // SAFETY: the caller passes a string; exit ends the process.
    unsafe {
        let name = CStr::from_ptr(name).to_string_lossy();
        eprintln!("{code}: {}: {what} {name}", program());
        libc::exit(1)
    }
}

/// The name this program was started by.
unsafe fn program() -> String {
    // SAFETY: set at start-up, NULL before.
    let name = unsafe { module_sdk::raw::text(sys::ap_server_argv0) };
    name.map_or_else(
        || "httpd-rs".into(),
        |name| name.to_string_lossy().into_owned(),
    )
}
