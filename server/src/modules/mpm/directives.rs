//! The directives of the three MPMs and those that they share.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, cmd_parms, command_rec};
use module_sdk::raw::Pool;

use crate::{
    modules::table::{Commands, END, take1},
    mpm::{
        control,
        numbers::Event,
        settings::{self, Settings},
    },
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
    set_min_spare min_spare;
    set_max_spare max_spare;
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

/// MaxClients: MaxRequestWorkers as it was called before.
unsafe extern "C" fn set_max_clients(
    cmd: *mut cmd_parms,
    dummy: *mut c_void,
    arg: *const c_char,
) -> *const c_char {
    let number = Event::MaxClients.number();
    let text = format!("{number}: MaxClients is deprecated, use MaxRequestWorkers instead.");
    control::log(sys::APLOG_INFO, &text);
    // SAFETY: the engine's arguments are passed on.
    unsafe { set_max_request_workers(cmd, dummy, arg) }
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
            Err(_) => c"error parsing value".as_ptr(),
            Ok(_) => c"AsyncRequestWorkerFactor argument must be a positive number".as_ptr(),
        }
    }
}

const SCOPE: u32 = sys::RSRC_CONF;

const START_SERVERS: command_rec = take1(
    c"StartServers",
    set_start_servers,
    SCOPE,
    c"Number of child processes at first",
);
const SERVER_LIMIT: command_rec = take1(
    c"ServerLimit",
    set_server_limit,
    SCOPE,
    c"Upper limit on the number of child processes",
);
const THREAD_LIMIT: command_rec = take1(
    c"ThreadLimit",
    set_thread_limit,
    SCOPE,
    c"Upper limit on ThreadsPerChild",
);
const THREADS_PER_CHILD: command_rec = take1(
    c"ThreadsPerChild",
    set_threads_per_child,
    SCOPE,
    c"Number of threads of a child that may block at the same time",
);
const MIN_SPARE_THREADS: command_rec = take1(
    c"MinSpareThreads",
    set_min_spare,
    SCOPE,
    c"Minimum number of idle threads",
);
const MAX_SPARE_THREADS: command_rec = take1(
    c"MaxSpareThreads",
    set_max_spare,
    SCOPE,
    c"Maximum number of idle threads",
);
const MIN_SPARE_SERVERS: command_rec = take1(
    c"MinSpareServers",
    set_min_spare,
    SCOPE,
    c"Minimum number of idle children",
);
const MAX_SPARE_SERVERS: command_rec = take1(
    c"MaxSpareServers",
    set_max_spare,
    SCOPE,
    c"Maximum number of idle children",
);
const MAX_REQUEST_WORKERS: command_rec = take1(
    c"MaxRequestWorkers",
    set_max_request_workers,
    SCOPE,
    c"Maximum number of requests processed at the same time",
);
const MAX_CLIENTS: command_rec = take1(
    c"MaxClients",
    set_max_clients,
    SCOPE,
    c"Earlier name of MaxRequestWorkers",
);
const FACTOR: command_rec = take1(
    c"AsyncRequestWorkerFactor",
    set_factor,
    SCOPE,
    c"How many more connections than idle workers a child accepts in Apache's event MPM",
);
const GRACEFUL_SHUTDOWN_TIMEOUT: command_rec = take1(
    c"GracefulShutdownTimeout",
    sys::ap_mpm_set_graceful_shutdown,
    SCOPE,
    c"Seconds after which a graceful stop becomes a stop; 0 means no limit",
);
const LISTEN_BACKLOG: command_rec = take1(
    c"ListenBacklog",
    sys::ap_set_listenbacklog,
    SCOPE,
    c"Maximum length of the queue of pending connections",
);
const LISTEN_TCP_DEFER_ACCEPT: command_rec = take1(
    c"ListenTCPDeferAccept",
    sys::ap_set_listentcpdeferaccept,
    SCOPE,
    c"Seconds for which the system may hold back a silent connection",
);
const LISTEN_CORES_BUCKETS_RATIO: command_rec = take1(
    c"ListenCoresBucketsRatio",
    sys::ap_set_listencbratio,
    SCOPE,
    c"Ratio between the number of CPU cores and of listeners' buckets",
);
const SEND_BUFFER_SIZE: command_rec = take1(
    c"SendBufferSize",
    sys::ap_set_send_buffer_size,
    SCOPE,
    c"Send buffer size in bytes",
);
const RECEIVE_BUFFER_SIZE: command_rec = take1(
    c"ReceiveBufferSize",
    sys::ap_set_receive_buffer_size,
    SCOPE,
    c"Receive buffer size in bytes",
);
const LISTEN: command_rec = command_rec {
    name: c"Listen".as_ptr(),
    func: sys::cmd_func {
        take_argv: Some(sys::ap_set_listener),
    },
    cmd_data: null_mut(),
    req_override: SCOPE as c_int,
    args_how: sys::TAKE_ARGV,
    errmsg: c"A port number or a numeric IP address and a port number, and an optional protocol"
        .as_ptr(),
};

/// The tables. What all MPMs share beside this (PidFile, MaxConnectionsPerChild, ...) is the core's.
pub static EVENT: Commands<17> = Commands([
    START_SERVERS,
    SERVER_LIMIT,
    THREAD_LIMIT,
    THREADS_PER_CHILD,
    MIN_SPARE_THREADS,
    MAX_SPARE_THREADS,
    MAX_REQUEST_WORKERS,
    MAX_CLIENTS,
    FACTOR,
    GRACEFUL_SHUTDOWN_TIMEOUT,
    LISTEN_BACKLOG,
    LISTEN_TCP_DEFER_ACCEPT,
    LISTEN_CORES_BUCKETS_RATIO,
    SEND_BUFFER_SIZE,
    RECEIVE_BUFFER_SIZE,
    LISTEN,
    END,
]);
pub static WORKER: Commands<16> = Commands([
    START_SERVERS,
    SERVER_LIMIT,
    THREAD_LIMIT,
    THREADS_PER_CHILD,
    MIN_SPARE_THREADS,
    MAX_SPARE_THREADS,
    MAX_REQUEST_WORKERS,
    MAX_CLIENTS,
    GRACEFUL_SHUTDOWN_TIMEOUT,
    LISTEN_BACKLOG,
    LISTEN_TCP_DEFER_ACCEPT,
    LISTEN_CORES_BUCKETS_RATIO,
    SEND_BUFFER_SIZE,
    RECEIVE_BUFFER_SIZE,
    LISTEN,
    END,
]);
pub static PREFORK: Commands<14> = Commands([
    START_SERVERS,
    SERVER_LIMIT,
    MIN_SPARE_SERVERS,
    MAX_SPARE_SERVERS,
    MAX_REQUEST_WORKERS,
    MAX_CLIENTS,
    GRACEFUL_SHUTDOWN_TIMEOUT,
    LISTEN_BACKLOG,
    LISTEN_TCP_DEFER_ACCEPT,
    LISTEN_CORES_BUCKETS_RATIO,
    SEND_BUFFER_SIZE,
    RECEIVE_BUFFER_SIZE,
    LISTEN,
    END,
]);
