//! Answering a request with an error: the status, the custom response (`ErrorDocument`) or the
//! standard page.

use std::ffi::{CStr, c_int};

use httpd_sys as sys;

use super::{
    redirect::adopt_filters,
    support::{bytes, http_place, log_request},
};
use crate::request::paths::{CustomResponse, custom_response};

exports! { ap_die }

const OK: c_int = sys::OK as c_int;
const HTTP_OK: c_int = sys::HTTP_OK as c_int;
const ERROR: c_int = sys::HTTP_INTERNAL_SERVER_ERROR as c_int;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_die(status: c_int, r: *mut sys::request_rec) {
    // SAFETY: the header asks for a live request.
    unsafe { answer(status, r, (*r).status) }
}

/// Ends a request with what its handler or a phase has answered. `before` is the status it had: an
/// error there means that this is the response to an error already, which gets no custom response.
///
/// # Safety
/// `r` is live.
pub(super) unsafe fn answer(status: c_int, r: *mut sys::request_rec, before: c_int) {
    // SAFETY: the caller's promise; requests it came from live longer.
    unsafe {
        if status == OK || status == sys::DONE {
            sys::ap_finalize_request_protocol(r);
            return;
        }
        let Some(status) = status_to_send(status, r) else {
            return;
        };
        let mut failed = r;
        let mut recursive = before;
        let mut custom = std::ptr::null_mut();
        if before == HTTP_OK {
            recursive = 0;
            custom = sys::ap_response_code_string(r, sys::ap_index_of_response(status));
        } else {
            // The error document has failed: the first request that failed gets the plain page.
            while !(*failed).prev.is_null() && (*(*failed).prev).status != HTTP_OK {
                failed = (*failed).prev;
            }
            if failed != r {
                adopt_filters((*failed).proto_output_filters, r, failed);
                adopt_filters((*failed).input_filters, r, failed);
            }
        }
        (*r).status = status;
        if status == sys::HTTP_UNAUTHORIZED as c_int
            && (*r).proxyreq == sys::PROXYREQ_PROXY as c_int
        {
            (*r).status = sys::HTTP_PROXY_AUTHENTICATION_REQUIRED as c_int;
        }
        if drops_connection((*r).status) {
            (*(*r).connection).keepalive = sys::AP_CONN_CLOSE;
        }
        if !custom.is_null() {
            match custom_response(bytes(custom), sys::ap_is_url(custom) != 0) {
                CustomResponse::Text => {}
                CustomResponse::Elsewhere => {
                    (*r).status = sys::HTTP_MOVED_TEMPORARILY as c_int;
                    sys::apr_table_setn((*r).headers_out, c"Location".as_ptr(), custom);
                }
                CustomResponse::Here => return error_document(custom, r),
                CustomResponse::Invalid => {
                    recursive = ERROR;
                    let format: &CStr = c"AH01580: Invalid error redirection directive: %s";
                    log_request!(http_place(), APLOG_ERR, 0, r, format, custom);
                }
            }
        }
        sys::ap_send_error_response(failed, recursive);
    }
}

/// The status of the response; `None` when there is none to be sent any more: a filter or a handler
/// has failed behind the header.
///
/// # Safety
/// `r` is live.
unsafe fn status_to_send(status: c_int, r: *mut sys::request_rec) -> Option<c_int> {
    if (100..600).contains(&status) {
        return Some(status);
    }
    // SAFETY: the caller's promise; a chain of filters ends with NULL.
    unsafe {
        // As long as the filter that sends the header is there, nothing has been sent.
        let mut filter = (*r).output_filters;
        while !filter.is_null() && (*filter).frec != sys::ap_http_header_filter_handle {
            filter = (*filter).next;
        }
        if filter.is_null() {
            return None;
        }
        if status == sys::AP_FILTER_ERROR {
            let format: &CStr = c"AH02831: Response from AP_FILTER_ERROR";
            log_request!(http_place(), APLOG_DEBUG, 0, r, format);
        } else {
            let format: &CStr = c"AH01579: Invalid response status %i";
            log_request!(http_place(), APLOG_ERR, 0, r, format, status);
        }
    }
    Some(ERROR)
}

/// Whether a connection cannot be used any more after a response of this status, for what follows
/// on it is not known to be a request.
fn drops_connection(status: c_int) -> bool {
    matches!(
        status as u32,
        sys::HTTP_BAD_REQUEST
            | sys::HTTP_REQUEST_TIME_OUT
            | sys::HTTP_LENGTH_REQUIRED
            | sys::HTTP_REQUEST_ENTITY_TOO_LARGE
            | sys::HTTP_REQUEST_URI_TOO_LARGE
            | sys::HTTP_INTERNAL_SERVER_ERROR
            | sys::HTTP_SERVICE_UNAVAILABLE
            | sys::HTTP_NOT_IMPLEMENTED
    )
}

/// Lets a path of this server answer in place of what failed.
///
/// # Safety
/// `r` is live; `path` lives as long as it.
unsafe fn error_document(path: *const std::ffi::c_char, r: *mut sys::request_rec) {
    // SAFETY: the caller's promise.
    unsafe {
        (*r).no_local_copy = 1;
        let environment = (*r).subprocess_env;
        sys::apr_table_setn(environment, c"REQUEST_METHOD".as_ptr(), (*r).method);
        let notes = sys::apr_table_get((*r).notes, c"error-notes".as_ptr());
        if !notes.is_null() {
            sys::apr_table_setn(environment, c"ERROR_NOTES".as_ptr(), notes);
        }
        // Error documents are got, whatever was tried; the log shows what it was.
        let (method, number) = ((*r).method, (*r).method_number);
        (*r).method = c"GET".as_ptr();
        (*r).method_number = sys::M_GET as c_int;
        sys::ap_internal_redirect(path, r);
        (*r).method = method;
        (*r).method_number = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_framing_end_the_connection() {
        assert!(drops_connection(400));
        assert!(drops_connection(413));
        assert!(drops_connection(500));
        assert!(!drops_connection(404));
        assert!(!drops_connection(502));
    }
}
