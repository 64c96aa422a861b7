//! OPTIONS and TRACE, and the list of methods for Allow.

use std::ffi::c_int;

use httpd_sys::{self as sys, request_rec};
use module_sdk::raw::{Array, Brigade, Bucket, Pool, Table, text};

use super::{input_lines::brigade_of, request_line::core_config};
use crate::http::method;

exports! { ap_send_http_options, ap_send_http_trace }

/// The longest body that is echoed.
const LONGEST_ECHOED: usize = 65_536;

/// The methods that are allowed, for the field Allow.
///
/// # Safety
/// `r` is live.
pub(super) unsafe fn allowed_methods(r: *mut request_rec) -> Vec<u8> {
    // SAFETY: the caller's promise; the list holds strings.
    unsafe {
        let allowed = &*(*r).allowed_methods;
        let mut names: Vec<Vec<u8>> = Vec::new();
        for number in 0..method::END {
            if allowed.method_mask & (1 << number) == 0 || number == method::INVALID {
                continue;
            }
            if number == sys::M_GET as c_int {
                names.push(b"HEAD".to_vec());
            }
            if let Some(name) = text(sys::ap_method_name_of((*r).pool, number)) {
                names.push(name.to_bytes().to_vec());
            }
        }
        if core_config(r).trace_enable != sys::AP_TRACE_DISABLE as c_int {
            names.retain(|name| name != b"TRACE");
            names.push(b"TRACE".to_vec());
        }
        if allowed.method_mask & (1 << method::INVALID) != 0 && !allowed.method_list.is_null() {
            let others = Array::<*const std::ffi::c_char>::from_ptr(allowed.method_list);
            names.extend(
                others
                    .iter()
                    .filter_map(|name| Some(text(name)?.to_bytes().to_vec())),
            );
        }
        names.join(&b","[..])
    }
}

/// Sets Allow; the response has no body.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_send_http_options(r: *mut request_rec) -> c_int {
    // SAFETY: the header asks for a live request.
    unsafe {
        if (*r).assbackwards != 0 {
            return sys::DECLINED;
        }
        let methods = Pool::from_ptr((*r).pool).copy(allowed_methods(r));
        sys::apr_table_setn((*r).headers_out, c"Allow".as_ptr(), methods.as_ptr());
        sys::OK as c_int
    }
}

/// # Safety
/// `r` is live.
unsafe fn note(r: *mut request_rec, text: &'static std::ffi::CStr) {
    // SAFETY: the caller's promise.
    unsafe { sys::apr_table_setn((*r).notes, c"error-notes".as_ptr(), text.as_ptr()) }
}

/// Answers TRACE with the request itself, where TraceEnable allows it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_send_http_trace(r: *mut request_rec) -> c_int {
    // SAFETY: the header asks for a live request.
    unsafe {
        if (*r).method_number != sys::M_TRACE as c_int {
            return sys::DECLINED;
        }
        let mut r = r;
        while !(*r).prev.is_null() {
            r = (*r).prev;
        }
        let enabled = core_config(r).trace_enable;
        if enabled == sys::AP_TRACE_DISABLE as c_int {
            note(r, c"TRACE denied by server configuration");
            return sys::HTTP_METHOD_NOT_ALLOWED as c_int;
        }
        let policy = if enabled == sys::AP_TRACE_EXTENDED as c_int {
            sys::REQUEST_CHUNKED_DECHUNK
        } else {
            sys::REQUEST_NO_BODY
        };
        let refused = sys::ap_setup_client_block(r, policy as c_int);
        if refused != 0 {
            if refused == sys::HTTP_REQUEST_ENTITY_TOO_LARGE as c_int {
                note(r, c"TRACE with a request body is not allowed");
            }
            return refused;
        }
        let body = match read_body(r) {
            Ok(body) => body,
            Err(status) => return status as c_int,
        };
        sys::ap_set_content_type(r, c"message/http".as_ptr());
        let mut echo = text((*r).the_request).unwrap_or(c"").to_bytes().to_vec();
        echo.extend_from_slice(b"\r\n");
        for (name, value) in Table::from_ptr((*r).headers_in).iter() {
            echo.extend_from_slice(name.to_bytes());
            echo.extend_from_slice(b": ");
            echo.extend_from_slice(value.to_bytes());
            echo.extend_from_slice(b"\r\n");
        }
        echo.extend_from_slice(b"\r\n");
        echo.extend_from_slice(&body);
        let alloc = (*(*r).connection).bucket_alloc;
        let bb = brigade_of(r);
        let text = sys::apr_bucket_heap_create(echo.as_ptr().cast(), echo.len(), None, alloc);
        Brigade::from_ptr(bb).push(Bucket::from_ptr(text));
        sys::ap_pass_brigade((*r).output_filters, bb);
        sys::DONE
    }
}

/// The body of a TRACE request, which may be short and is echoed.
///
/// # Safety
/// `r` is live and set up for reading.
unsafe fn read_body(r: *mut request_rec) -> Result<Vec<u8>, u32> {
    // SAFETY: the caller's promise; the buffer's size goes with it.
    unsafe {
        let mut body = Vec::new();
        if sys::ap_should_client_block(r) == 0 {
            return Ok(body);
        }
        let mut buffer = [0u8; 8192];
        let mut too_long = (*r).remaining > LONGEST_ECHOED as i64;
        while !too_long {
            match sys::ap_get_client_block(r, buffer.as_mut_ptr().cast(), buffer.len()) {
                0 => return Ok(body),
                length @ 1.. => body.extend_from_slice(&buffer[..length as usize]),
                _ => return Err(sys::HTTP_BAD_REQUEST),
            }
            too_long = body.len() > LONGEST_ECHOED;
        }
        note(r, c"Extended TRACE request bodies cannot exceed 64k\n");
        Err(sys::HTTP_REQUEST_ENTITY_TOO_LARGE)
    }
}
