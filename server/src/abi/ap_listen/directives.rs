//! The directives about listening sockets. The MPM has them in its table of commands.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, cmd_parms};
use module_sdk::raw::Pool;

use super::{BACKLOG, CORES_PER_BUCKET, DEFER, RECEIVE_BUFFER, SEND_BUFFER, Setting, create};

exports! {
    ap_set_listenbacklog, ap_set_listentcpdeferaccept, ap_set_listencbratio, ap_set_listener,
    ap_set_send_buffer_size, ap_set_receive_buffer_size,
}

/// The smallest buffer that a directive may ask for.
const SMALLEST_BUFFER: i32 = 512;

/// ListenBacklog.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_listenbacklog(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    arg: *const c_char,
) -> *const c_char {
    let wrong = c"ListenBacklog must be > 0";
    // SAFETY: the engine passes its live record and an argument.
    unsafe { set(cmd, arg, &BACKLOG, |value| (value < 1).then_some(wrong)) }
}

/// ListenTCPDeferAccept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_listentcpdeferaccept(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    arg: *const c_char,
) -> *const c_char {
    let wrong = c"ListenTCPDeferAccept must be > 0";
    // SAFETY: as above.
    unsafe { set(cmd, arg, &DEFER, |value| (value < 1).then_some(wrong)) }
}

/// ListenCoresBucketsRatio.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_listencbratio(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    arg: *const c_char,
) -> *const c_char {
    let wrong = c"ListenCoresBucketsRatio must be > 0";
    // SAFETY: as above.
    unsafe {
        set(cmd, arg, &CORES_PER_BUCKET, |value| {
            (value < 1).then_some(wrong)
        })
    }
}

/// SendBufferSize.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_send_buffer_size(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    arg: *const c_char,
) -> *const c_char {
    let wrong = c"SendBufferSize must be >= 512 bytes, or 0 for system default.";
    // SAFETY: as above.
    unsafe {
        set(cmd, arg, &SEND_BUFFER, |value| {
            (value != 0 && value < SMALLEST_BUFFER).then_some(wrong)
        })
    }
}

/// ReceiveBufferSize.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_receive_buffer_size(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    arg: *const c_char,
) -> *const c_char {
    let wrong = c"ReceiveBufferSize must be >= 512 bytes, or 0 for system default.";
    // SAFETY: as above.
    unsafe {
        set(cmd, arg, &RECEIVE_BUFFER, |value| {
            (value != 0 && value < SMALLEST_BUFFER).then_some(wrong)
        })
    }
}

/// Sets a number unless `refuse` says why not. What is no number counts as its leading digits do.
///
/// # Safety
/// `cmd` is the engine's record, `arg` a string.
unsafe fn set(
    cmd: *mut cmd_parms,
    arg: *const c_char,
    setting: &Setting,
    refuse: impl FnOnce(i32) -> Option<&'static CStr>,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        let elsewhere = sys::ap_check_cmd_context(cmd, sys::GLOBAL_ONLY);
        if !elsewhere.is_null() {
            return elsewhere;
        }
        let value = libc::atoi(arg);
        if let Some(wrong) = refuse(value) {
            return wrong.as_ptr();
        }
        setting.set(value);
    }
    null()
}

/// Listen: `[address:]port [protocol]`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_listener(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    argc: c_int,
    argv: *const *mut c_char,
) -> *const c_char {
    // SAFETY: the engine passes its live record and `argc` arguments.
    unsafe {
        let elsewhere = sys::ap_check_cmd_context(cmd, sys::GLOBAL_ONLY);
        if !elsewhere.is_null() {
            return elsewhere;
        }
        if !(1..=2).contains(&argc) {
            return c"Listen requires 1 or 2 arguments.".as_ptr();
        }
        let (mut host, mut scope, mut port) = (null_mut(), null_mut(), 0);
        if sys::apr_parse_addr_port(
            &raw mut host,
            &raw mut scope,
            &raw mut port,
            *argv,
            (*cmd).pool,
        ) != 0
        {
            return c"Invalid address or port".as_ptr();
        }
        if port == 0 {
            return c"Port must be specified".as_ptr();
        }
        let process = (*(*cmd).server).process;
        let protocol = if argc == 2 {
            let given = CStr::from_ptr(*argv.add(1)).to_bytes();
            Pool::from_ptr((*process).pool).copy(given.to_ascii_lowercase())
        } else if port == 443 {
            c"https"
        } else {
            c"http"
        };
        let host = module_sdk::raw::text(host).filter(|&host| host != c"*");
        create::listen(cmd, host, module_sdk::raw::text(scope), port, protocol)
    }
}
