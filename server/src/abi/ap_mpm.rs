//! Exports of `ap_mpm.h`: what modules ask the MPM.

use std::ffi::{c_char, c_int, c_void};

use httpd_sys as sys;

exports! { ap_mpm_query, ap_mpm_register_timed_callback, ap_os_create_privileged_process }

/// What the MPM can do and how large it is; `code` is one of `AP_MPMQ_*`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_mpm_query(code: c_int, result: *mut c_int) -> sys::apr_status_t {
    const APR_EGENERAL: sys::apr_status_t = 20014;
    let mut status = APR_EGENERAL;
    // SAFETY: the header asks for a place for the answer.
    unsafe {
        if sys::ap_run_mpm_query(code, result, &raw mut status) == sys::DECLINED {
            status = APR_EGENERAL;
        }
    }
    status
}

/// Calls `callback` with `baton` on a thread of the MPM when `interval` has passed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_mpm_register_timed_callback(
    interval: sys::apr_time_t,
    callback: sys::ap_mpm_callback_fn_t,
    baton: *mut c_void,
) -> sys::apr_status_t {
    // SAFETY: the caller's arguments are passed on.
    unsafe { sys::ap_run_mpm_register_timed_callback(interval, callback, baton) }
}

/// Starts a program with the rights of this process: there is no other way on Unix.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_os_create_privileged_process(
    _r: *const sys::request_rec,
    process: *mut sys::apr_proc_t,
    program: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    attributes: *mut sys::apr_procattr_t,
    pool: *mut sys::apr_pool_t,
) -> sys::apr_status_t {
    // SAFETY: the header asks for what apr_proc_create asks for.
    unsafe { sys::apr_proc_create(process, program, arguments, environment, attributes, pool) }
}
