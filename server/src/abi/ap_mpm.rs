//! Exports of `ap_mpm.h`: what modules ask the MPM.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::null,
};

use httpd_sys as sys;

use super::unixd::ap_unixd_config;
use crate::modules::unixd::SUEXEC;

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

/// Starts a program for a request: as the user that a module names for it, through suexec, or with
/// the rights of this process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_os_create_privileged_process(
    r: *const sys::request_rec,
    process: *mut sys::apr_proc_t,
    program: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    attributes: *mut sys::apr_procattr_t,
    pool: *mut sys::apr_pool_t,
) -> sys::apr_status_t {
    // SAFETY: the header asks for a live request.
    let identity = unsafe { sys::ap_run_get_suexec_identity(r) };
    // SAFETY: a plain number, written while the configuration is read.
    let enabled = unsafe { ap_unixd_config.suexec_enabled != 0 };
    // SAFETY: the hook answers NULL or an identity that lives as long as the request.
    let identity = unsafe { identity.as_ref() }.filter(|_| enabled);
    let Some(identity) = identity else {
        // SAFETY: the header asks for what apr_proc_create asks for.
        return unsafe {
            sys::apr_proc_create(process, program, arguments, environment, attributes, pool)
        };
    };
    // SAFETY: the header asks for a string.
    let name = program_name(unsafe { CStr::from_ptr(program) });
    // What suexec reads: user, group, and the command as it is to be run.
    let home = if identity.userdir != 0 { "~" } else { "" };
    let (user, group) = (
        format!("{home}{}\0", identity.uid),
        format!("{}\0", identity.gid),
    );
    let mut through = vec![
        SUEXEC.as_ptr(),
        user.as_ptr().cast(),
        group.as_ptr().cast(),
        name.as_ptr(),
    ];
    // SAFETY: the header asks for an array that ends with NULL; its first string is the program.
    unsafe {
        if !arguments.is_null() && !(*arguments).is_null() {
            let mut next = arguments.add(1);
            while !(*next).is_null() {
                through.push(*next);
                next = next.add(1);
            }
        }
    }
    through.push(null());
    // SAFETY: as above; the array ends with NULL, and what it points to is read before the call
    // returns, in the new process.
    unsafe {
        sys::apr_proc_create(
            process,
            SUEXEC.as_ptr(),
            through.as_ptr(),
            environment,
            attributes,
            pool,
        )
    }
}

/// A program's path without the directories: suexec runs what is in the working directory only.
fn program_name(path: &CStr) -> &CStr {
    let bytes = path.to_bytes_with_nul();
    let name = match bytes.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => &bytes[slash + 1..],
        None => bytes,
    };
    CStr::from_bytes_with_nul(name).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_named_without_directories() {
        assert_eq!(program_name(c"/usr/lib/cgi-bin/x"), c"x");
        assert_eq!(program_name(c"x.sh"), c"x.sh");
        assert_eq!(program_name(c"dir/"), c"");
    }
}
