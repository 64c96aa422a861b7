//! File names of the configuration made absolute.

use std::{
    ffi::{CStr, c_char},
    ptr::null_mut,
};

use httpd_sys::{self as sys, apr_pool_t};

exports! { ap_server_root_relative, ap_runtime_dir_relative }

/// `file` under `root`, unless it is absolute; NULL when that is no path.
///
/// # Safety
/// `p` is live, the others are NULL or NUL-terminated.
unsafe fn under(p: *mut apr_pool_t, root: *const c_char, file: *const c_char) -> *mut c_char {
    let mut path = null_mut();
    let flags = (sys::APR_FILEPATH_TRUENAME) as i32;
    // SAFETY: the caller's promise.
    let status = unsafe { sys::apr_filepath_merge(&mut path, root, file, flags, p) };
    // What does not exist yet, or has wildcards, is a path all the same.
    match u32::try_from(status) {
        Ok(0 | sys::APR_EPATHWILD | sys::APR_ENOENT | sys::APR_ENOTDIR) => path,
        _ => null_mut(),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_server_root_relative(
    p: *mut apr_pool_t,
    file: *const c_char,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and a name.
    unsafe { under(p, sys::ap_server_root, file) }
}

/// `file` in the directory for files of the running server (`DefaultRuntimeDir`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_runtime_dir_relative(
    p: *mut apr_pool_t,
    file: *const c_char,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and a name; the directory is NULL until it is set.
    unsafe {
        let default = CStr::from_bytes_until_nul(sys::DEFAULT_REL_RUNTIMEDIR).unwrap_or(c"");
        let set = sys::ap_runtime_dir;
        let dir = if set.is_null() { default.as_ptr() } else { set };
        let dir = ap_server_root_relative(p, dir);
        if dir.is_null() {
            return null_mut();
        }
        under(p, dir, file)
    }
}
