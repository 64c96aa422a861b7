//! Small tools of the request's files: the core's configuration in a vector, C strings made of
//! pieces, lines in the error log.

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::null_mut,
};

use httpd_sys as sys;

/// A line in the error log about a request. Formats as `printf` does; the place is the module whose
/// `LogLevel` counts.
macro_rules! log_request {
    ($place:expr, $level:ident, $status:expr, $r:expr, $format:expr $(, $arg:expr)* $(,)?) => {
        ::httpd_sys::ap_log_rerror_(
            concat!(file!(), "\0").as_ptr().cast(),
            line!() as ::std::ffi::c_int,
            $place,
            ::httpd_sys::$level as ::std::ffi::c_int,
            $status,
            $r,
            $format.as_ptr()
            $(, $arg)*
        )
    };
}

pub(in crate::abi) use log_request;

/// The place of the core in configuration vectors, and its `LogLevel`.
pub(in crate::abi) const CORE: c_int = sys::AP_CORE_MODULE_INDEX as c_int;

unsafe extern "C" {
    static http_module: sys::module;
}

/// The place of `http_module`, which speaks for errors of whole requests.
pub(in crate::abi) fn http_place() -> c_int {
    // SAFETY: only the address of a static is taken, and an index written before requests are read.
    unsafe { (&raw const http_module).read().module_index }
}

/// The core's part of a per-directory vector. The core is always module 0.
///
/// # Safety
/// `vector` is a per-directory vector.
pub(in crate::abi) unsafe fn core_dir(
    vector: *const sys::ap_conf_vector_t,
) -> *mut sys::core_dir_config {
    // SAFETY: the caller's promise.
    unsafe { *vector.cast::<*mut sys::core_dir_config>() }
}

/// The core's part of a server's vector.
///
/// # Safety
/// `server` is live.
pub(in crate::abi) unsafe fn core_server(
    server: *const sys::server_rec,
) -> *mut sys::core_server_config {
    // SAFETY: the caller's promise; the core is module 0.
    unsafe {
        *(*server)
            .module_config
            .cast::<*mut sys::core_server_config>()
    }
}

/// The bytes of a C string; none for NULL.
///
/// # Safety
/// `text` is NULL or ends with NUL and stays as it is for `'a`.
pub(in crate::abi) unsafe fn bytes<'a>(text: *const c_char) -> &'a [u8] {
    if text.is_null() {
        return b"";
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text).to_bytes() }
}

/// Whether a C string is NULL or empty.
///
/// # Safety
/// As `bytes`.
pub(in crate::abi) unsafe fn is_blank(text: *const c_char) -> bool {
    // SAFETY: the caller's promise.
    text.is_null() || unsafe { *text } == 0
}

/// The pieces one after another as a C string in `pool`.
///
/// # Safety
/// `pool` is live.
pub(in crate::abi) unsafe fn concat(pool: *mut sys::apr_pool_t, pieces: &[&[u8]]) -> *mut c_char {
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    // SAFETY: the pool gives room for all pieces and the NUL.
    unsafe {
        let text = sys::apr_palloc(pool, length + 1).cast::<u8>();
        let mut end = text;
        for piece in pieces {
            end.copy_from_nonoverlapping(piece.as_ptr(), piece.len());
            end = end.add(piece.len());
        }
        end.write(0);
        text.cast()
    }
}

/// A copy as a C string in `pool`.
///
/// # Safety
/// `pool` is live.
pub(in crate::abi) unsafe fn copy(pool: *mut sys::apr_pool_t, text: &[u8]) -> *mut c_char {
    // SAFETY: the caller's promise.
    unsafe { concat(pool, &[text]) }
}

/// Room for a `T` in `pool`, all zero bytes.
///
/// # Safety
/// `pool` is live, and zero bytes are a valid `T`.
pub(in crate::abi) unsafe fn zeroed<T>(pool: *mut sys::apr_pool_t) -> *mut T {
    // SAFETY: the caller's promise; APR aligns to eight bytes.
    unsafe {
        let room = sys::apr_palloc(pool, size_of::<T>()).cast::<T>();
        room.write_bytes(0, 1);
        room
    }
}

/// The elements of an array of APR; none for NULL.
///
/// # Safety
/// `array` is NULL or holds elements of type `T`, and does not change for `'a`.
pub(in crate::abi) unsafe fn elements<'a, T>(array: *const sys::apr_array_header_t) -> &'a [T] {
    // SAFETY: the caller's promise.
    unsafe {
        if array.is_null() || (*array).nelts == 0 {
            return &[];
        }
        std::slice::from_raw_parts((*array).elts.cast(), (*array).nelts as usize)
    }
}

/// `apr_pool_create` as its macro has it.
///
/// # Safety
/// `parent` is live.
pub(in crate::abi) unsafe fn sub_pool(
    parent: *mut sys::apr_pool_t,
    tag: &'static CStr,
) -> *mut sys::apr_pool_t {
    // SAFETY: the caller's promise. APR calls the abort function when there is no memory.
    unsafe {
        let mut pool = null_mut();
        sys::apr_pool_create_ex(&mut pool, parent, None, null_mut());
        sys::apr_pool_tag(pool, tag.as_ptr());
        pool
    }
}
