//! What is sent in place of the server's own error messages: `ErrorDocument`, and what a module
//! sets for one request.

use std::{
    ffi::{CStr, c_char, c_int},
    mem::size_of,
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, request_rec};
use module_sdk::raw::{Pool, text};

use crate::modules::core::{self, dir_config, request_config};

exports! { ap_custom_response, ap_response_code_string }

/// How many statuses `ap_index_of_response` tells apart.
const STATUSES: usize = sys::RESPONSE_CODES as usize;

/// Sets the response to a status for this request: a path, a URL or a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_custom_response(
    r: *mut request_rec,
    status: c_int,
    response: *const c_char,
) {
    // SAFETY: the header asks for a live request and a string; the table has a place for each
    // status.
    unsafe {
        let pool = Pool::from_ptr((*r).pool);
        let conf = request_config(r);
        if (*conf).response_code_strings.is_null() {
            (*conf).response_code_strings = pool.zeroed::<[*mut c_char; STATUSES]>().cast();
        }
        let Ok(index) = usize::try_from(sys::ap_index_of_response(status)) else {
            return;
        };
        if index >= STATUSES {
            return;
        }
        let bytes = CStr::from_ptr(response).to_bytes();
        let is_place = bytes.starts_with(b"/") || sys::ap_is_url(response) != 0;
        // A quote in front tells a message from a place.
        let kept = if is_place {
            pool.copy(bytes)
        } else {
            pool.copy([b"\"", bytes].concat())
        };
        *(*conf).response_code_strings.add(index) = kept.as_ptr().cast_mut();
    }
}

/// The response set for a status, by its `ap_index_of_response`; NULL: the server's own message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_response_code_string(r: *mut request_rec, index: c_int) -> *mut c_char {
    // SAFETY: the header asks for a live request and an index of `ap_index_of_response`.
    unsafe {
        let own = (*request_config(r)).response_code_strings;
        if let Ok(at) = usize::try_from(index)
            && at < STATUSES
            && !own.is_null()
            && !(*own.add(at)).is_null()
        {
            return *own.add(at);
        }
        let configured = (*dir_config((*r).per_dir_config)).response_code_exprs;
        if configured.is_null() {
            return null_mut();
        }
        let key = (&raw const index).cast();
        let expression = sys::apr_hash_get(configured, key, size_of::<c_int>() as isize);
        if expression.is_null() || expression.cast_const() == core::original_message() {
            return null_mut();
        }
        let mut error = null();
        let response = sys::ap_expr_str_exec(r, expression.cast(), &mut error);
        if let Some(error) = text(error) {
            core::log_request(
                r,
                sys::APLOG_ERR,
                0,
                format_args!(
                    "AH02841: core: ErrorDocument: can't evaluate require expression: {}",
                    error.to_string_lossy()
                ),
            );
            return null_mut();
        }
        sys::apr_pstrdup((*r).pool, response)
    }
}
