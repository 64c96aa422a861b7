//! The end of a response, of requests and of sub-requests; how a sub-request begins.

use std::ffi::{CStr, c_int};

use httpd_sys::{self as sys, request_rec};
use module_sdk::raw::{Brigade, Bucket};

use super::{client_block::ap_discard_request_body, input_lines::brigade_of, keepalive::lookup};

exports! {
    ap_finalize_request_protocol, ap_finalize_sub_req_protocol, ap_set_sub_req_protocol,
}

/// Fields about a body, which a sub-request does not have.
const BODY_FIELDS: [&CStr; 10] = [
    c"Content-Encoding",
    c"Content-Language",
    c"Content-Length",
    c"Content-Location",
    c"Content-MD5",
    c"Content-Range",
    c"Content-Type",
    c"Expires",
    c"Last-Modified",
    c"Transfer-Encoding",
];

/// Sends the end of the stream, after an error if there is one.
///
/// # Safety
/// `r` is live.
unsafe fn end_output(r: *mut request_rec, error: c_int) {
    // SAFETY: the caller's promise.
    unsafe {
        let alloc = (*(*r).connection).bucket_alloc;
        let bb = brigade_of(r);
        let out = Brigade::from_ptr(bb);
        if error != sys::OK as c_int {
            let bucket = sys::ap_bucket_error_create(error, std::ptr::null(), (*r).pool, alloc);
            out.push(Bucket::from_ptr(bucket));
        }
        out.push(Bucket::from_ptr(sys::apr_bucket_eos_create(alloc)));
        sys::ap_pass_brigade((*r).output_filters, bb);
        sys::apr_brigade_cleanup(bb.cast());
    }
}

/// Throws away what is left of the body and ends the response, if that has not been done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_finalize_request_protocol(r: *mut request_rec) {
    // SAFETY: the header asks for a live request.
    unsafe {
        let mut error = ap_discard_request_body(r);
        if error == sys::AP_FILTER_ERROR {
            // The client has had its answer.
            error = sys::OK as c_int;
        }
        if (*r).eos_sent == 0 {
            end_output(r, error);
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_finalize_sub_req_protocol(sub_r: *mut request_rec) {
    // SAFETY: the header asks for a live request.
    unsafe {
        if (*sub_r).eos_sent == 0 {
            end_output(sub_r, sys::OK as c_int);
        }
    }
}

/// Gives a sub-request what it inherits of its main request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_sub_req_protocol(rnew: *mut request_rec, r: *const request_rec) {
    // SAFETY: the header asks for two live requests.
    unsafe {
        let pool = (*rnew).pool;
        (*rnew).the_request = (*r).the_request;
        // No head, and no 304 for a part of a page.
        (*rnew).assbackwards = 1;
        (*rnew).no_local_copy = 1;
        (*rnew).method = c"GET".as_ptr();
        (*rnew).method_number = sys::M_GET as c_int;
        (*rnew).protocol = c"INCLUDED".as_ptr().cast_mut();
        (*rnew).status = sys::HTTP_OK as c_int;
        (*rnew).headers_in = sys::apr_table_copy(pool, (*r).headers_in);
        (*rnew).trailers_in = sys::apr_table_copy(pool, (*r).trailers_in);
        let has_body = lookup((*r).headers_in, c"Content-Length").is_some()
            || lookup((*r).headers_in, c"Transfer-Encoding").is_some();
        if (*r).kept_body.is_null() && has_body {
            for name in BODY_FIELDS {
                sys::apr_table_unset((*rnew).headers_in, name.as_ptr());
            }
        }
        (*rnew).subprocess_env = sys::apr_table_copy(pool, (*r).subprocess_env);
        (*rnew).headers_out = sys::apr_table_make(pool, 5);
        (*rnew).err_headers_out = sys::apr_table_make(pool, 5);
        (*rnew).trailers_out = sys::apr_table_make(pool, 5);
        (*rnew).notes = sys::apr_table_make(pool, 5);
        (*rnew).expecting_100 = (*r).expecting_100;
        (*rnew).read_length = (*r).read_length;
        (*rnew).read_body = sys::REQUEST_NO_BODY as c_int;
        (*rnew).main = r.cast_mut();
    }
}
