//! The hooks of `http_module`.

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, apr_pool_t, request_rec, server_rec};
use module_sdk::raw::Pool;

use crate::abi::{http_protocol::write_filter_slot, mod_core};
use crate::crash::panics::caught1;

/// Registers filters and hooks.
pub(super) unsafe extern "C" fn register(pool: *mut apr_pool_t) {
    // SAFETY: called once for each reading of the configuration, single-threaded; names are static
    // and functions have the types of their places.
    unsafe {
        let none = null();
        sys::ap_hook_map_to_storage(
            Some(sys::ap_send_http_trace),
            none,
            none,
            sys::APR_HOOK_MIDDLE as c_int,
        );
        sys::ap_hook_map_to_storage(
            caught1(answer_ping),
            none,
            none,
            sys::APR_HOOK_MIDDLE as c_int,
        );
        sys::ap_hook_http_scheme(
            caught1(scheme),
            none,
            none,
            sys::APR_HOOK_REALLY_LAST as c_int,
        );
        sys::ap_hook_default_port(
            caught1(port),
            none,
            none,
            sys::APR_HOOK_REALLY_LAST as c_int,
        );
        sys::ap_hook_create_request(
            caught1(add_filters),
            none,
            none,
            sys::APR_HOOK_REALLY_LAST as c_int,
        );
        sys::ap_hook_post_config(
            Some(choose_boundary),
            none,
            none,
            sys::APR_HOOK_MIDDLE as c_int,
        );

        mod_core::ap_http_input_filter_handle = sys::ap_register_input_filter(
            c"HTTP_IN".as_ptr(),
            Some(sys::ap_http_filter),
            None,
            sys::AP_FTYPE_PROTOCOL,
        );
        let output = |name: *const c_char, function, kind| {
            sys::ap_register_output_filter(name, function, None, kind)
        };
        mod_core::ap_http_header_filter_handle = output(
            c"HTTP_HEADER".as_ptr(),
            Some(sys::ap_http_header_filter),
            sys::AP_FTYPE_PROTOCOL,
        );
        mod_core::ap_chunk_filter_handle = output(
            c"CHUNK".as_ptr(),
            Some(sys::ap_http_chunk_filter),
            sys::AP_FTYPE_TRANSCODE,
        );
        mod_core::ap_http_outerror_filter_handle = output(
            c"HTTP_OUTERROR".as_ptr(),
            Some(sys::ap_http_outerror_filter),
            sys::AP_FTYPE_PROTOCOL,
        );
        mod_core::ap_byterange_filter_handle = output(
            c"BYTERANGE".as_ptr(),
            Some(sys::ap_byterange_filter),
            sys::AP_FTYPE_PROTOCOL,
        );
        // Before all that modules add.
        *write_filter_slot() = output(
            c"OLD_WRITE".as_ptr(),
            Some(sys::ap_old_write_filter),
            sys::AP_FTYPE_RESOURCE - 10,
        );
        sys::ap_method_registry_init(pool);
    }
}

/// `OPTIONS *` asks whether the server is there: a bare 200.
unsafe extern "C-unwind" fn answer_ping(r: *mut sys::request_rec) -> c_int {
    // SAFETY: the hook is called with a live request.
    unsafe {
        let uri = module_sdk::raw::text((*r).uri);
        if (*r).method_number == sys::M_OPTIONS as c_int && uri == Some(c"*") {
            return sys::DONE;
        }
    }
    sys::DECLINED
}

/// Whether `ServerName` says that clients reach the server through TLS, whoever ends it.
///
/// # Safety
/// `r` is live.
unsafe fn is_https(r: *const request_rec) -> bool {
    // SAFETY: the caller's promise; the scheme is a string or NULL.
    unsafe {
        let scheme = (*(*r).server).server_scheme;
        !scheme.is_null() && CStr::from_ptr(scheme) == c"https"
    }
}

unsafe extern "C-unwind" fn scheme(r: *const request_rec) -> *const c_char {
    // SAFETY: the hook is called with a live request.
    if unsafe { is_https(r) } {
        c"https".as_ptr()
    } else {
        c"http".as_ptr()
    }
}

unsafe extern "C-unwind" fn port(r: *const request_rec) -> sys::apr_port_t {
    // SAFETY: as above.
    let port = if unsafe { is_https(r) } {
        sys::DEFAULT_HTTPS_PORT
    } else {
        sys::DEFAULT_HTTP_PORT
    };
    port as sys::apr_port_t
}

/// Puts the filters of HTTP before the connection's, in the order in which they work.
unsafe extern "C-unwind" fn add_filters(r: *mut request_rec) -> c_int {
    // SAFETY: called with a live request; the handles were set by `register`.
    unsafe {
        if (*r).main.is_null() && (*r).prev.is_null() {
            for handle in [
                sys::ap_byterange_filter_handle,
                sys::ap_content_length_filter_handle,
                sys::ap_http_header_filter_handle,
                sys::ap_http_outerror_filter_handle,
            ] {
                sys::ap_add_output_filter_handle(handle, null_mut(), r, (*r).connection);
            }
        }
    }
    sys::OK as c_int
}

/// What separates parts must not occur in them: nobody can foresee it.
unsafe extern "C" fn choose_boundary(
    pool: *mut apr_pool_t,
    _: *mut apr_pool_t,
    _: *mut apr_pool_t,
    _: *mut server_rec,
) -> c_int {
    // SAFETY: called with the configuration's pool, single-threaded.
    unsafe {
        let mut number = 0u64;
        sys::ap_random_insecure_bytes((&raw mut number).cast(), size_of::<u64>());
        mod_core::ap_multipart_boundary =
            Pool::from_ptr(pool).text_ptr(format_args!("{number:016x}"));
    }
    sys::OK as c_int
}
