//! Error pages and redirections: `ap_send_error_response`, and interim responses.

use std::ffi::{CStr, c_char, c_int, c_void};

use httpd_sys::{self as sys, request_rec};
use module_sdk::raw::{Pool, Table, text};

use super::{
    finish::ap_finalize_request_protocol,
    header::status_line_fits,
    keepalive::lookup,
    status_codes::{is_redirect, version},
    trace::allowed_methods,
};
use crate::http::{
    error_page::{self, Context},
    status,
};

exports! { ap_send_error_response, ap_send_interim_response }

/// Answers with `r->status` in place of whatever was being prepared; `recursive_error` is the
/// status of an ErrorDocument that failed, or zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_send_error_response(r: *mut request_rec, recursive_error: c_int) {
    // SAFETY: the header asks for a live request.
    unsafe {
        let code = (*r).status;
        let place = status::place(code);
        let mut location = lookup((*r).headers_out, c"Location");
        (*r).eos_sent = 0;
        // Filters that were in the middle of the original response have no part in this one.
        (*r).output_filters = (*r).proto_output_filters;
        sys::ap_run_insert_error_filter(r);
        if status::has_no_body(code) {
            return ap_finalize_request_protocol(r);
        }
        location = location.or_else(|| lookup((*r).err_headers_out, c"Location"));
        if (*r).assbackwards == 0 {
            location = prepare_fields(r, location);
            if (*r).header_only != 0 {
                return ap_finalize_request_protocol(r);
            }
        }
        let custom = text(sys::ap_response_code_string(r, place as c_int));
        if let Some(words) = custom.and_then(|custom| custom.to_bytes().strip_prefix(b"\"")) {
            put(r, words);
        } else {
            send_page(r, code, place, location, recursive_error);
        }
        ap_finalize_request_protocol(r);
    }
}

/// Drops the fields of the response that failed and sets those of an error; answers the location
/// to be shown.
///
/// # Safety
/// `r` is live.
unsafe fn prepare_fields(r: *mut request_rec, location: Option<&CStr>) -> Option<&CStr> {
    // SAFETY: the caller's promise; the location's string outlives the table's entry.
    unsafe {
        let code = (*r).status;
        std::mem::swap(&mut (*r).headers_out, &mut (*r).err_headers_out);
        sys::apr_table_clear((*r).err_headers_out);
        let out = (*r).headers_out;
        if (is_redirect(code) || code == sys::HTTP_CREATED as c_int)
            && let Some(location) = location.filter(|location| !location.is_empty())
        {
            sys::apr_table_setn(out, c"Location".as_ptr(), location.as_ptr());
        }
        (*r).content_languages = std::ptr::null_mut();
        (*r).content_encoding = std::ptr::null();
        (*r).clength = 0;
        let mut kind = c"text/html; charset=iso-8859-1";
        if lookup((*r).subprocess_env, c"suppress-error-charset").is_some() {
            let conf = sys::ap_get_core_module_config((*r).request_config)
                .cast::<sys::core_request_config>();
            (*conf).suppress_charset = 1;
            kind = c"text/html";
        }
        sys::ap_set_content_type(r, kind.as_ptr());
        if code == sys::HTTP_METHOD_NOT_ALLOWED as c_int
            || code == sys::HTTP_NOT_IMPLEMENTED as c_int
        {
            let methods = Pool::from_ptr((*r).pool).copy(allowed_methods(r));
            sys::apr_table_setn(out, c"Allow".as_ptr(), methods.as_ptr());
        }
        location
    }
}

/// # Safety
/// `r` is live.
unsafe fn put(r: *mut request_rec, bytes: &[u8]) {
    // SAFETY: the caller's promise. Whether the client is still there shows at the end.
    unsafe {
        sys::ap_rwrite(bytes.as_ptr().cast::<c_void>(), bytes.len() as c_int, r);
    }
}

/// Writes the page.
///
/// # Safety
/// `r` is live.
unsafe fn send_page(
    r: *mut request_rec,
    code: c_int,
    place: usize,
    location: Option<&CStr>,
    recursive_error: c_int,
) {
    // SAFETY: the caller's promise; fields of a request are NULL or strings.
    unsafe {
        let title = title(r, place);
        let heading = title.get(4..).unwrap_or(b"");
        let bytes = |field: *const c_char| text(field).unwrap_or(c"").to_bytes();
        let note = |name: &CStr| lookup((*r).notes, name).map(CStr::to_bytes);
        let context = Context {
            method: bytes((*r).method),
            location: location.unwrap_or(c"").to_bytes(),
            expect: lookup((*r).headers_in, c"Expect").map(CStr::to_bytes),
            notes: note(c"error-notes"),
            variants: note(c"variant-list"),
            verbose: note(c"verbose-error-to") == Some(b"*"),
            admin: bytes((*(*r).server).server_admin),
        };
        let mut page = error_page::opening(&title, heading);
        page.extend_from_slice(&error_page::text(code, &context));
        if recursive_error != 0 {
            let line = status::line_at(status::place(recursive_error));
            page.extend_from_slice(&error_page::recursion(line));
        }
        page.extend_from_slice(bytes(sys::ap_psignature(c"<hr>\n".as_ptr(), r)));
        page.extend_from_slice(error_page::CLOSING);
        put(r, &page);
    }
}

/// The status line a module has set if it fits the status, else the usual one.
///
/// # Safety
/// `r` is live.
unsafe fn title(r: *mut request_rec, place: usize) -> Vec<u8> {
    // SAFETY: the caller's promise.
    unsafe {
        let usual = || status::line_at(place).as_bytes().to_vec();
        let Some(line) = text((*r).status_line).map(CStr::to_bytes) else {
            return usual();
        };
        if status_line_fits(line, (*r).status).is_none()
            || line
                .get(4)
                .is_some_and(|byte| !byte.is_ascii_alphanumeric())
        {
            return usual();
        }
        let line = match line.len() {
            3 => [line, b" Unknown Reason"].concat(),
            4 => [line, b"Unknown Reason"].concat(),
            _ => return line.to_vec(),
        };
        (*r).status_line = Pool::from_ptr((*r).pool).copy(&line).as_ptr();
        line
    }
}

/// Sends the status of an interim response (1xx), with the response's fields if asked for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_send_interim_response(r: *mut request_rec, send_headers: c_int) {
    // SAFETY: the header asks for a live request.
    unsafe {
        if (*r).proto_num < version(1, 1) {
            return;
        }
        if !(100..200).contains(&(*r).status) {
            notice!(
                Http,
                DEBUG,
                0,
                r,
                "AH00577: Status is {} - not sending interim response",
                (*r).status
            );
            return;
        }
        if (*r).status == sys::HTTP_CONTINUE as c_int {
            if (*r).expecting_100 == 0 {
                return;
            }
            let mut earlier = r;
            while !earlier.is_null() {
                (*earlier).expecting_100 = 0;
                earlier = (*earlier).main;
            }
        }
        let mut line = (*r).status_line;
        if line.is_null() {
            line = sys::ap_get_status_line_ex((*r).pool, (*r).status);
        }
        let mut head = [b"HTTP/1.1 ", text(line).unwrap_or(c"").to_bytes(), b"\r\n"].concat();
        if send_headers != 0 {
            for (name, value) in Table::from_ptr((*r).headers_out).iter() {
                head.extend_from_slice(name.to_bytes());
                head.extend_from_slice(b": ");
                head.extend_from_slice(value.to_bytes());
                head.extend_from_slice(b"\r\n");
            }
            sys::apr_table_clear((*r).headers_out);
        }
        head.extend_from_slice(b"\r\n");
        let filters = (*(*r).connection).output_filters;
        let bb = super::input_lines::brigade_of(r);
        sys::apr_brigade_write(
            bb,
            Some(sys::ap_filter_flush),
            filters.cast(),
            head.as_ptr().cast(),
            head.len(),
        );
        sys::ap_fflush(filters, bb);
        sys::apr_brigade_destroy(bb);
    }
}
