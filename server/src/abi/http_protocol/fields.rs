//! Header fields into `headers_in`: from input filters line by line, or from a head in memory.

use std::ffi::{c_char, c_int};

use httpd_sys::{self as sys, apr_bucket_brigade, request_rec};

use super::{
    input_lines::{brigade_of, line_of},
    request_line::is_strict,
    status_codes::{APR_ENOSPC, is_timeout},
};
use crate::{
    abi::notice::shown,
    http::fields::{Fault, Fields, Limits},
};

exports! { ap_get_mime_headers, ap_get_mime_headers_core }

const TOO_LONG: &[u8] = b"Size of a request header field exceeds server limit.\0";
const TOO_MANY: &[u8] = b"The number of request header fields exceeds this server's limit.\0";

/// The limits of the request's server.
///
/// # Safety
/// `r` is live.
pub(super) unsafe fn limits(r: *const request_rec) -> Limits {
    // SAFETY: the caller's promise.
    unsafe {
        let server = &*(*r).server;
        Limits {
            fields: usize::try_from(server.limit_req_fields).unwrap_or(0),
            field_size: usize::try_from(server.limit_req_fieldsize).unwrap_or(0),
            strict: is_strict(r),
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_mime_headers(r: *mut request_rec) {
    // SAFETY: the header asks for a live request.
    unsafe {
        let bb = brigade_of(r);
        ap_get_mime_headers_core(r, bb);
        sys::apr_brigade_destroy(bb);
    }
}

/// Reads fields up to the empty line; sets the status when they are refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_mime_headers_core(
    r: *mut request_rec,
    bb: *mut apr_bucket_brigade,
) {
    // SAFETY: the header asks for a live request and a brigade.
    unsafe {
        let limits = limits(r);
        let mut fields = Fields::new(limits);
        loop {
            match line_of(r, bb, (*(*r).server).limit_req_fieldsize, limits.strict) {
                Ok(line) => match fields.take_line(line) {
                    Ok(false) => {}
                    Ok(true) => break,
                    Err(fault) => return refuse(r, fault, &fields),
                },
                Err((status, _)) if is_timeout(status) => {
                    (*r).status = sys::HTTP_REQUEST_TIME_OUT as c_int;
                    return;
                }
                Err((APR_ENOSPC, line)) => return refuse_long_line(r, line),
                Err((status, _)) => {
                    notice!(Core, DEBUG, status, r, "Failed to read request header line");
                    (*r).status = sys::HTTP_BAD_REQUEST as c_int;
                    return;
                }
            }
        }
        store(r, &fields);
    }
}

/// Puts fields into `headers_in` and merges those of one name.
///
/// # Safety
/// `r` is live.
pub(super) unsafe fn store(r: *mut request_rec, fields: &Fields) {
    // SAFETY: the caller's promise; names and values of the copied text end with NULs.
    unsafe {
        let text = fields.text();
        let copy = sys::apr_pmemdup((*r).pool, text.as_ptr().cast(), text.len());
        let copy = copy.cast::<c_char>();
        for (name, value) in fields.offsets() {
            sys::apr_table_addn((*r).headers_in, copy.add(name), copy.add(value));
        }
        merge_repeated(r);
    }
}

/// Merges the fields of one name; the merged ones must stay within the limit, too.
///
/// # Safety
/// `r` is live.
pub(super) unsafe fn merge_repeated(r: *mut request_rec) {
    // SAFETY: the caller's promise; a table's entries are strings.
    unsafe {
        let headers = module_sdk::raw::Table::from_ptr((*r).headers_in);
        sys::apr_table_compress((*r).headers_in, sys::APR_OVERLAP_TABLES_MERGE);
        let limit = limits(r).field_size;
        if let Some((name, _)) = headers
            .iter()
            .find(|(_, value)| value.to_bytes().len() > limit)
        {
            bad_request(r, TOO_LONG);
            notice!(
                Core,
                INFO,
                0,
                r,
                "AH00560: Request header exceeds LimitRequestFieldSize after merging: {}",
                shown(name.to_bytes())
            );
        }
    }
}

/// # Safety
/// `r` is live; `note` ends with a NUL.
unsafe fn bad_request(r: *mut request_rec, note: &'static [u8]) {
    // SAFETY: the caller's promise.
    unsafe {
        (*r).status = sys::HTTP_BAD_REQUEST as c_int;
        if !note.is_empty() {
            sys::apr_table_setn(
                (*r).notes,
                c"error-notes".as_ptr(),
                note.as_ptr().cast::<c_char>(),
            );
        }
    }
}

/// Refuses a line beyond `LimitRequestFieldSize`.
///
/// # Safety
/// `r` is live.
pub(super) unsafe fn refuse_long_line(r: *mut request_rec, line: &[u8]) {
    // SAFETY: the caller's promise.
    unsafe {
        bad_request(r, TOO_LONG);
        notice!(
            Core,
            INFO,
            0,
            r,
            "AH00561: Request header exceeds LimitRequestFieldSize: {}",
            shown(name_of(line))
        );
    }
}

/// Refuses a malformed field, or one too many.
///
/// # Safety
/// `r` is live.
pub(super) unsafe fn refuse(r: *mut request_rec, fault: Fault, fields: &Fields) {
    let line = fields.open_line();
    let name = shown(name_of(line)).into_owned();
    // SAFETY: the caller's promise.
    unsafe {
        match fault {
            Fault::TooMany => {
                bad_request(r, TOO_MANY);
                notice!(
                    Core,
                    INFO,
                    0,
                    r,
                    "AH00563: Number of request headers exceeds LimitRequestFields"
                );
            }
            Fault::FoldTooLong => {
                bad_request(r, TOO_LONG);
                notice!(
                    Core,
                    INFO,
                    0,
                    r,
                    "AH00562: Request header exceeds LimitRequestFieldSize after folding: {name}"
                );
            }
            _ => {
                bad_request(r, b"");
                let text = match fault {
                    Fault::FoldFirst => {
                        "AH03442: Line folding encountered before first header line"
                    }
                    Fault::FoldEmpty => "AH03443: Empty folded line encountered",
                    Fault::NoColon => "AH00564: Request header field is missing ':' separator:",
                    Fault::EmptyName => "AH03453: Request header field name was empty",
                    Fault::SpaceInName => {
                        "AH03452: Request header field name presented invalid whitespace"
                    }
                    Fault::SpaceInValue => {
                        "AH03451: Request header field value presented bad whitespace"
                    }
                    Fault::BadName => "AH02426: Request header field name is malformed:",
                    _ => "AH02427: Request header value is malformed:",
                };
                notice!(Core, DEBUG, 0, r, "{text} {name}");
            }
        }
    }
}

/// What stands before the colon: values may be secret, names are not.
fn name_of(line: &[u8]) -> &[u8] {
    line.split(|&byte| byte == b':').next().unwrap_or(line)
}
