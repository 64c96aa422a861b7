//! What the server tells the error log of itself: its command line, its sockets, an assertion that
//! does not hold.

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::null,
};

use httpd_sys::{self as sys, server_rec};

use super::{lossy, report};

exports! { ap_log_command_line, ap_log_mpm_common, ap_log_assert }

/// Core's index, under which the server speaks of itself.
fn core_index() -> c_int {
    // SAFETY: a plain number, set when the module is registered.
    unsafe { sys::core_module.module_index }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_log_command_line(_pool: *mut sys::apr_pool_t, s: *mut server_rec) {
    // SAFETY: the header asks for a live server; its process has `argc` arguments.
    unsafe {
        let process = (*s).process;
        let words: Vec<_> = (0..(*process).argc)
            .map(|at| *(*process).argv.add(at as usize))
            .take_while(|word| !word.is_null())
            .map(|word| CStr::from_ptr(word).to_string_lossy())
            .collect();
        let line = words.join(" ");
        report(
            core_index(),
            sys::APLOG_NOTICE,
            0,
            s,
            format_args!("AH00094: Command line: '{line}'"),
        );
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_log_mpm_common(s: *mut server_rec) {
    // SAFETY: the header asks for a live server; plain numbers, set when the sockets were opened.
    unsafe {
        let (possible, sets) = (sys::ap_have_so_reuseport, sys::ap_num_listen_buckets);
        let possible = if possible != 0 { "yes" } else { "no" };
        report(
            core_index(),
            sys::APLOG_DEBUG,
            0,
            s,
            format_args!("AH02639: Using SO_REUSEPORT: {possible} ({sets})"),
        );
    }
}

/// Tells what does not hold, and ends the process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_log_assert(
    expression: *const c_char,
    file: *const c_char,
    line: c_int,
) -> ! {
    // SAFETY: the header asks for strings.
    unsafe {
        let (expression, file) = (lossy(expression), lossy(file));
        report(
            core_index(),
            sys::APLOG_CRIT,
            0,
            null(),
            format_args!("AH00102: file {file}, line {line}, assertion \"{expression}\" failed"),
        );
    }
    std::process::abort();
}
