//! KeepAlive, KeepAliveTimeout and MaxKeepAliveRequests.

use std::{
    ffi::{c_char, c_int, c_void},
    ptr::null,
};

use httpd_sys::{self as sys, cmd_parms};

use crate::modules::table::{Commands, END, flag, take1};

/// The table of directives.
pub(super) static COMMANDS: Commands<4> = Commands([
    take1(
        c"KeepAliveTimeout",
        set_timeout,
        sys::RSRC_CONF,
        c"Keep-Alive timeout duration (sec)",
    ),
    take1(
        c"MaxKeepAliveRequests",
        set_max,
        sys::RSRC_CONF,
        c"Maximum number of Keep-Alive requests per connection, or 0 for infinite",
    ),
    flag(
        c"KeepAlive",
        set_keep_alive,
        sys::RSRC_CONF,
        c"Whether persistent connections should be On or Off",
    ),
    END,
]);

/// Why a directive may not stand here; NULL when it may.
///
/// # Safety
/// `cmd` is live.
unsafe fn misplaced(cmd: *mut cmd_parms) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { sys::ap_check_cmd_context(cmd, sys::NOT_IN_DIR_CONTEXT) }
}

unsafe extern "C" fn set_timeout(
    cmd: *mut cmd_parms,
    _: *mut c_void,
    arg: *const c_char,
) -> *const c_char {
    // SAFETY: directives are called with a server and a string.
    unsafe {
        let error = misplaced(cmd);
        if !error.is_null() {
            return error;
        }
        let mut timeout = 0;
        if sys::ap_timeout_parameter_parse(arg, &mut timeout, c"s".as_ptr()) != 0 {
            return c"KeepAliveTimeout has wrong format".as_ptr();
        }
        let server = &mut *(*cmd).server;
        server.keep_alive_timeout = timeout;
        server.set_keep_alive_timeout_set(1);
        null()
    }
}

unsafe extern "C" fn set_max(
    cmd: *mut cmd_parms,
    _: *mut c_void,
    arg: *const c_char,
) -> *const c_char {
    // SAFETY: directives are called with a server and a string.
    unsafe {
        let error = misplaced(cmd);
        if !error.is_null() {
            return error;
        }
        (*(*cmd).server).keep_alive_max = libc::atoi(arg);
        null()
    }
}

unsafe extern "C" fn set_keep_alive(
    cmd: *mut cmd_parms,
    _: *mut c_void,
    on: c_int,
) -> *const c_char {
    // SAFETY: directives are called with a server.
    unsafe {
        let error = misplaced(cmd);
        if !error.is_null() {
            return error;
        }
        (*(*cmd).server).keep_alive = on;
        null()
    }
}
