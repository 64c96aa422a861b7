//! Exports of `util_xml.h`: request bodies that are XML, for mod_dav.

use std::ffi::{CStr, c_char, c_int};

use httpd_sys as sys;
use module_sdk::raw::Brigade;

exports! { ap_xml_parse_input }

/// How much of the body is asked for at a time.
const BLOCK: sys::apr_off_t = 2048;

/// Why there is no document.
enum Failure {
    /// The body could not be read, or may not; what to answer.
    Read(c_int),
    /// It is no XML.
    Parse,
}

/// Reads the body and feeds the parser; returns how many bytes there were.
///
/// # Safety
/// The request, the parser and the brigade are live.
unsafe fn feed(
    r: *mut sys::request_rec,
    parser: *mut sys::apr_xml_parser,
    brigade: Brigade<'_>,
) -> Result<usize, Failure> {
    let bad_request = sys::HTTP_BAD_REQUEST as c_int;
    // SAFETY: the caller's promise; bucket data lives until the brigade is cleaned up.
    unsafe {
        let limit = sys::ap_get_limit_xml_body(r);
        let mut total = 0;
        loop {
            let status = sys::ap_get_brigade(
                (*r).input_filters,
                brigade.as_ptr(),
                sys::AP_MODE_READBYTES,
                sys::APR_BLOCK_READ,
                BLOCK,
            );
            if status != 0 {
                return Err(Failure::Read(sys::ap_map_http_request_error(
                    status,
                    bad_request,
                )));
            }
            for bucket in brigade.iter() {
                if bucket.is_eos() {
                    return Ok(total);
                }
                if bucket.is_metadata() {
                    continue;
                }
                let Ok(data) = bucket.read(sys::APR_BLOCK_READ) else {
                    return Err(Failure::Read(bad_request));
                };
                total += data.len();
                if total > limit {
                    notice!(
                        Core,
                        ERR,
                        0,
                        r,
                        "AH00539: XML request body is larger than the configured limit of {limit}"
                    );
                    return Err(Failure::Read(sys::HTTP_REQUEST_ENTITY_TOO_LARGE as c_int));
                }
                if sys::apr_xml_parser_feed(parser, data.as_ptr().cast(), data.len()) != 0 {
                    return Err(Failure::Parse);
                }
            }
            brigade.clear();
        }
    }
}

/// Logs what the parser found wrong.
///
/// # Safety
/// Both are live.
unsafe fn log_parser_error(r: *mut sys::request_rec, parser: *mut sys::apr_xml_parser) {
    let mut text: [c_char; 200] = [0; 200];
    // SAFETY: the caller's promise; the parser ends the text with NUL within the array.
    unsafe {
        sys::apr_xml_parser_geterror(parser, text.as_mut_ptr(), text.len());
        let text = CStr::from_ptr(text.as_ptr()).to_string_lossy();
        notice!(Core, ERR, 0, r, "AH00541: XML Parser Error: {text}");
    }
}

/// Reads and parses the request's body.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_xml_parse_input(
    r: *mut sys::request_rec,
    document: *mut *mut sys::apr_xml_doc,
) -> c_int {
    // SAFETY: the header asks for a live request and a place for the document.
    unsafe {
        let parser = sys::apr_xml_parser_create((*r).pool);
        let raw = sys::apr_brigade_create((*r).pool, (*(*r).connection).bucket_alloc);
        let total = feed(r, parser, Brigade::from_ptr(raw));
        let discard = || sys::apr_xml_parser_done(parser, std::ptr::null_mut());
        let result = match total {
            Ok(0) => {
                discard();
                *document = std::ptr::null_mut();
                sys::OK as c_int
            }
            Ok(_) => match sys::apr_xml_parser_done(parser, document) {
                0 => sys::OK as c_int,
                status => {
                    if status == sys::APR_EGENERAL as sys::apr_status_t {
                        log_parser_error(r, parser);
                    } else {
                        notice!(
                            Core,
                            ERR,
                            0,
                            r,
                            "AH00540: XML parser error (at end). status={status}"
                        );
                    }
                    sys::HTTP_BAD_REQUEST as c_int
                }
            },
            Err(Failure::Parse) => {
                log_parser_error(r, parser);
                discard();
                sys::HTTP_BAD_REQUEST as c_int
            }
            Err(Failure::Read(status)) => {
                discard();
                status
            }
        };
        sys::apr_brigade_destroy(raw);
        result
    }
}
