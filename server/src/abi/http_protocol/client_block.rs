//! The older way for handlers to read a body, and throwing a body away.

use std::ffi::{c_char, c_int, c_long};

use httpd_sys::{self as sys, apr_size_t, apr_status_t, request_rec};
use module_sdk::raw::Brigade;

use super::{
    input_lines::brigade_of,
    keepalive::lookup,
    status_codes::{APR_EGENERAL, APR_ENOSPC, APR_ENOTIMPL, is_timeout},
};
use crate::{abi::notice::shown, http::status};

exports! {
    ap_setup_client_block, ap_should_client_block, ap_get_client_block, ap_map_http_request_error,
    ap_discard_request_body,
}

/// How much is read at a time when nobody wants it.
const DISCARDED_AT_ONCE: i64 = 8192;

/// Says how a handler wants the body; OK, or why it cannot have it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_setup_client_block(r: *mut request_rec, read_policy: c_int) -> c_int {
    // SAFETY: the header asks for a live request.
    unsafe {
        let coding = lookup((*r).headers_in, c"Transfer-Encoding");
        let length = lookup((*r).headers_in, c"Content-Length");
        (*r).read_body = read_policy;
        (*r).read_chunked = 0;
        (*r).remaining = 0;
        let uri = module_sdk::raw::text((*r).uri).unwrap_or(c"").to_bytes();
        if let Some(coding) = coding {
            if !coding.to_bytes().eq_ignore_ascii_case(b"chunked") {
                notice!(
                    Http,
                    ERR,
                    0,
                    r,
                    "AH01592: Unknown Transfer-Encoding {}",
                    shown(coding.to_bytes())
                );
                return sys::HTTP_NOT_IMPLEMENTED as c_int;
            }
            if read_policy == sys::REQUEST_CHUNKED_ERROR as c_int {
                notice!(
                    Http,
                    ERR,
                    0,
                    r,
                    "AH01593: chunked Transfer-Encoding forbidden: {}",
                    shown(uri)
                );
                (*r).read_body = sys::REQUEST_NO_BODY as c_int;
                return match length {
                    Some(_) => sys::HTTP_BAD_REQUEST,
                    None => sys::HTTP_LENGTH_REQUIRED,
                } as c_int;
            }
            (*r).read_chunked = 1;
        } else if let Some(length) = length
            && sys::ap_parse_strict_length(&mut (*r).remaining, length.as_ptr()) == 0
        {
            (*r).remaining = 0;
            notice!(
                Http,
                ERR,
                0,
                r,
                "AH01594: Invalid Content-Length '{}'",
                shown(length.to_bytes())
            );
            return sys::HTTP_BAD_REQUEST as c_int;
        }
        if (*r).read_body == sys::REQUEST_NO_BODY as c_int
            && ((*r).read_chunked != 0 || (*r).remaining > 0)
        {
            let method = module_sdk::raw::text((*r).method).unwrap_or(c"");
            notice!(
                Http,
                ERR,
                0,
                r,
                "AH01595: {} with body is not allowed for {}",
                shown(method.to_bytes()),
                shown(uri)
            );
            return sys::HTTP_REQUEST_ENTITY_TOO_LARGE as c_int;
        }
        sys::OK as c_int
    }
}

/// Whether there is a body that has not been read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_should_client_block(r: *mut request_rec) -> c_int {
    // SAFETY: the header asks for a live request.
    unsafe {
        let read = (*r).read_length != 0;
        c_int::from(!read && ((*r).read_chunked != 0 || (*r).remaining > 0))
    }
}

/// Reads a piece of the body: its length, 0 at the end, -1 on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_client_block(
    r: *mut request_rec,
    buffer: *mut c_char,
    bufsiz: apr_size_t,
) -> c_long {
    // SAFETY: the header asks for a live request and `bufsiz` bytes.
    unsafe {
        if (*r).remaining < 0 || ((*r).read_chunked == 0 && (*r).remaining == 0) {
            return 0;
        }
        let bb = brigade_of(r);
        let status = sys::ap_get_brigade(
            (*r).input_filters,
            bb,
            sys::AP_MODE_READBYTES,
            sys::APR_BLOCK_READ,
            bufsiz as i64,
        );
        let brigade = Brigade::from_ptr(bb);
        let mut length = bufsiz;
        let read = if status != 0 || brigade.is_empty() {
            // A filter that reports an error of its own has answered the client.
            if status != sys::AP_FILTER_ERROR {
                (*(*r).connection).keepalive = sys::AP_CONN_CLOSE;
            }
            -1
        } else {
            if brigade.last().is_some_and(|bucket| bucket.is_eos()) {
                (*r).remaining = if (*r).read_chunked != 0 { -1 } else { 0 };
            }
            match sys::apr_brigade_flatten(bb, buffer, &mut length) {
                0 => {
                    (*r).read_length += length as i64;
                    length as c_long
                }
                _ => -1,
            }
        };
        sys::apr_brigade_destroy(bb);
        read
    }
}

/// The status to answer when reading a body failed with `rv`; `status` when that says nothing.
#[unsafe(no_mangle)]
pub extern "C" fn ap_map_http_request_error(rv: apr_status_t, status: c_int) -> c_int {
    match rv {
        sys::AP_FILTER_ERROR => sys::AP_FILTER_ERROR,
        APR_EGENERAL => sys::HTTP_BAD_REQUEST as c_int,
        APR_ENOSPC => sys::HTTP_REQUEST_ENTITY_TOO_LARGE as c_int,
        APR_ENOTIMPL => sys::HTTP_NOT_IMPLEMENTED as c_int,
        rv if is_timeout(rv) => sys::HTTP_REQUEST_TIME_OUT as c_int,
        _ => status,
    }
}

/// Reads what is left of the body, so that the next request can be read; OK, or why it cannot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_discard_request_body(r: *mut request_rec) -> c_int {
    // SAFETY: the header asks for a live request.
    unsafe {
        let c = (*r).connection;
        if !(*r).main.is_null() || (*c).keepalive == sys::AP_CONN_CLOSE || has_no_body(r) {
            return sys::OK as c_int;
        }
        if status::drops_connection((*r).status) {
            (*c).keepalive = sys::AP_CONN_CLOSE;
            return sys::OK as c_int;
        }
        let bb = brigade_of(r);
        let answer = discard(r, bb);
        sys::apr_brigade_destroy(bb);
        if answer != sys::OK as c_int {
            (*c).keepalive = sys::AP_CONN_CLOSE;
        }
        answer
    }
}

/// Whether the request came without body, and no filter of a module wants to see its end.
///
/// # Safety
/// `r` is live.
unsafe fn has_no_body(r: *mut request_rec) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let first = (*r).input_filters;
        !first.is_null()
            && (*first).frec == sys::ap_http_input_filter_handle
            && lookup((*r).headers_in, c"Content-Length").is_none()
            && lookup((*r).headers_in, c"Transfer-Encoding").is_none()
    }
}

/// # Safety
/// `r` and `bb` are live.
unsafe fn discard(r: *mut request_rec, bb: *mut sys::apr_bucket_brigade) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        let brigade = Brigade::from_ptr(bb);
        loop {
            let status = sys::ap_get_brigade(
                (*r).input_filters,
                bb,
                sys::AP_MODE_READBYTES,
                sys::APR_BLOCK_READ,
                DISCARDED_AT_ONCE,
            );
            if status != 0 {
                return ap_map_http_request_error(status, sys::HTTP_BAD_REQUEST as c_int);
            }
            if brigade.is_empty() {
                // A filter that answers success without anything would never end.
                return sys::HTTP_BAD_REQUEST as c_int;
            }
            while let Some(bucket) = brigade.first() {
                if bucket.is_eos() {
                    return sys::OK as c_int;
                }
                // Only reading exhausts what is of unknown length.
                if bucket.len().is_none() && bucket.read(sys::APR_BLOCK_READ).is_err() {
                    return sys::HTTP_BAD_REQUEST as c_int;
                }
                bucket.delete();
            }
        }
    }
}
