//! `ScoreBoardFile`, `ExtendedStatus` and `SeeRequestTail`; the tables of directives are those of
//! the core and the MPM.

use std::ffi::{c_char, c_int, c_void};

use httpd_sys::{self as sys, cmd_parms};

use super::{
    memory::ap_scoreboard_fname,
    status::{ap_extended_status, ap_mod_status_reqtail},
};

exports! { ap_set_scoreboard, ap_set_extended_status, ap_set_reqtail }

/// What forbids the directive where it stands; NULL: nothing.
///
/// # Safety
/// Called by the engine.
unsafe fn refusal(cmd: *mut cmd_parms) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { sys::ap_check_cmd_context(cmd, sys::GLOBAL_ONLY) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_scoreboard(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: the engine passes its live record and a string of the configuration's pool.
    unsafe {
        let refusal = refusal(cmd);
        if refusal.is_null() {
            ap_scoreboard_fname = name;
        }
        refusal
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_extended_status(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    on: c_int,
) -> *const c_char {
    // SAFETY: as above.
    unsafe {
        let refusal = refusal(cmd);
        if refusal.is_null() {
            ap_extended_status = on;
        }
        refusal
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_reqtail(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    on: c_int,
) -> *const c_char {
    // SAFETY: as above.
    unsafe {
        let refusal = refusal(cmd);
        if refusal.is_null() {
            ap_mod_status_reqtail = on;
        }
        refusal
    }
}
