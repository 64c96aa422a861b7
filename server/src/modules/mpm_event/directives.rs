//! The directives of the event MPM and those that all MPMs share.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, cmd_parms, command_rec};
use module_sdk::raw::Pool;

use crate::mpm::settings::{self, Settings};

/// A table of directives that never changes.
#[repr(transparent)]
pub struct Commands<const N: usize>([command_rec; N]);

// SAFETY: constant; it points to literals and functions.
unsafe impl<const N: usize> Sync for Commands<N> {}

type OneArgument =
    unsafe extern "C" fn(*mut cmd_parms, *mut c_void, *const c_char) -> *const c_char;

const fn one(name: &'static CStr, function: OneArgument, help: &'static CStr) -> command_rec {
    command_rec {
        name: name.as_ptr(),
        func: sys::cmd_func {
            take1: Some(function),
        },
        cmd_data: null_mut(),
        req_override: sys::RSRC_CONF as c_int,
        args_how: sys::TAKE1,
        errmsg: help.as_ptr(),
    }
}

/// The end of the table.
const END: command_rec = command_rec {
    name: null(),
    func: sys::cmd_func { take1: None },
    cmd_data: null_mut(),
    req_override: 0,
    args_how: 0,
    errmsg: null(),
};

/// Defines the functions of directives that set one number.
macro_rules! numbers {
    ($($function:ident $field:ident;)*) => {$(
        unsafe extern "C" fn $function(
            cmd: *mut cmd_parms,
            _dummy: *mut c_void,
            arg: *const c_char,
        ) -> *const c_char {
            // SAFETY: the engine passes its live record and an argument.
            unsafe { set_number(cmd, arg, |settings, value| settings.$field = value) }
        }
    )*};
}

numbers! {
    set_start_servers start_servers;
    set_server_limit server_limit;
    set_thread_limit thread_limit;
    set_threads_per_child threads_per_child;
    set_min_spare_threads min_spare_threads;
    set_max_spare_threads max_spare_threads;
    set_max_request_workers max_request_workers;
}

unsafe fn set_number(
    cmd: *mut cmd_parms,
    arg: *const c_char,
    set: impl FnOnce(&mut Settings, i32),
) -> *const c_char {
    // SAFETY: the caller's promise; the name stands in the table below.
    unsafe {
        let refusal = sys::ap_check_cmd_context(cmd, sys::GLOBAL_ONLY);
        if !refusal.is_null() {
            return refusal;
        }
        let text = CStr::from_ptr(arg).to_string_lossy();
        match text.trim().parse() {
            Ok(value) => {
                settings::change(|settings| set(settings, value));
                null()
            }
            Err(_) => {
                let name = CStr::from_ptr((*(*cmd).cmd).name).to_string_lossy();
                Pool::from_ptr((*cmd).pool)
                    .text(format_args!("{name} takes a whole number, not \"{text}\""))
                    .as_ptr()
            }
        }
    }
}

/// AsyncRequestWorkerFactor, StartServers' like of other MPMs: checked, and of no consequence here,
/// where an idle connection costs no worker.
unsafe extern "C" fn set_factor(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    arg: *const c_char,
) -> *const c_char {
    // SAFETY: the engine passes its live record and an argument.
    unsafe {
        let refusal = sys::ap_check_cmd_context(cmd, sys::GLOBAL_ONLY);
        if !refusal.is_null() {
            return refusal;
        }
        match CStr::from_ptr(arg).to_string_lossy().parse::<f64>() {
            Ok(factor) if factor > 0.0 => null(),
            _ => c"AsyncRequestWorkerFactor argument must be a positive number".as_ptr(),
        }
    }
}

/// The table.
pub static COMMANDS: Commands<24> = Commands([
    one(
        c"PidFile",
        sys::ap_mpm_set_pidfile,
        c"A file for logging the server process ID",
    ),
    one(
        c"ScoreBoardFile",
        sys::ap_set_scoreboard,
        c"A file for the server to maintain runtime process management information",
    ),
    one(
        c"MaxConnectionsPerChild",
        sys::ap_mpm_set_max_requests,
        c"Maximum number of connections a child handles before it is replaced",
    ),
    one(
        c"MaxRequestsPerChild",
        sys::ap_mpm_set_max_requests,
        c"Earlier name of MaxConnectionsPerChild",
    ),
    one(
        c"CoreDumpDirectory",
        sys::ap_mpm_set_coredumpdir,
        c"The directory in which core files are written",
    ),
    one(
        c"GracefulShutdownTimeout",
        sys::ap_mpm_set_graceful_shutdown,
        c"Seconds after which a graceful stop becomes a stop; 0 means no limit",
    ),
    one(
        c"MaxMemFree",
        sys::ap_mpm_set_max_mem_free,
        c"KiB of free memory that an allocator may keep",
    ),
    one(
        c"ThreadStackSize",
        sys::ap_mpm_set_thread_stacksize,
        c"Size in bytes of the stack of threads that run modules",
    ),
    one(
        c"StartServers",
        set_start_servers,
        c"Number of child processes",
    ),
    one(
        c"ServerLimit",
        set_server_limit,
        c"Upper limit on the number of child processes",
    ),
    one(
        c"ThreadLimit",
        set_thread_limit,
        c"Upper limit on ThreadsPerChild",
    ),
    one(
        c"ThreadsPerChild",
        set_threads_per_child,
        c"Number of threads of a child that may block at the same time",
    ),
    one(
        c"MinSpareThreads",
        set_min_spare_threads,
        c"Minimum number of idle threads",
    ),
    one(
        c"MaxSpareThreads",
        set_max_spare_threads,
        c"Maximum number of idle threads",
    ),
    one(
        c"MaxRequestWorkers",
        set_max_request_workers,
        c"Maximum number of requests processed at the same time",
    ),
    one(
        c"MaxClients",
        set_max_request_workers,
        c"Earlier name of MaxRequestWorkers",
    ),
    one(
        c"AsyncRequestWorkerFactor",
        set_factor,
        c"How many more connections than idle workers a child accepts in Apache's event MPM",
    ),
    one(
        c"ListenBacklog",
        sys::ap_set_listenbacklog,
        c"Maximum length of the queue of pending connections",
    ),
    one(
        c"ListenTCPDeferAccept",
        sys::ap_set_listentcpdeferaccept,
        c"Seconds for which the system may hold back a silent connection",
    ),
    one(
        c"ListenCoresBucketsRatio",
        sys::ap_set_listencbratio,
        c"Ratio between the number of CPU cores and of listeners' buckets",
    ),
    one(
        c"SendBufferSize",
        sys::ap_set_send_buffer_size,
        c"Send buffer size in bytes",
    ),
    one(
        c"ReceiveBufferSize",
        sys::ap_set_receive_buffer_size,
        c"Receive buffer size in bytes",
    ),
    command_rec {
        name: c"Listen".as_ptr(),
        func: sys::cmd_func {
            take_argv: Some(sys::ap_set_listener),
        },
        cmd_data: null_mut(),
        req_override: sys::RSRC_CONF as c_int,
        args_how: sys::TAKE_ARGV,
        errmsg:
            c"A port number or a numeric IP address and a port number, and an optional protocol"
                .as_ptr(),
    },
    END,
]);
