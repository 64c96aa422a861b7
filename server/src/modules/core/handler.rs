//! The handler of last resort: sends the file that the request's URI stands for.
//!
//! One `open` a request and nothing else: what the directory walk found out is not asked for again,
//! and the file goes down the filters as one bucket.

use std::ffi::{CStr, c_int};

use httpd_sys::{self as sys, request_rec};
use module_sdk::raw::{Brigade, Bucket};

use super::{dir_config, log_request, request_config};

const OK: c_int = sys::OK as c_int;
const NOT_FOUND: c_int = sys::HTTP_NOT_FOUND as c_int;

/// The handler.
pub(super) unsafe extern "C" fn serve_file(r: *mut request_rec) -> c_int {
    // SAFETY: the hook's caller passes a live request; its strings end with NUL.
    unsafe {
        sys::ap_allow_standard_methods(
            r,
            sys::MERGE_ALLOW as c_int,
            sys::M_GET as c_int,
            sys::M_OPTIONS as c_int,
            sys::M_POST as c_int,
            -1 as c_int,
        );
        // Filters that want the body have registered to read it; nobody else will.
        let status = sys::ap_discard_request_body(r);
        if status != OK {
            return status;
        }
        match (*r).method_number as u32 {
            sys::M_GET | sys::M_POST => {}
            sys::M_OPTIONS => return sys::ap_send_http_options(r),
            sys::M_INVALID => {
                log_invalid_method(r);
                return sys::HTTP_NOT_IMPLEMENTED as c_int;
            }
            _ => return sys::HTTP_METHOD_NOT_ALLOWED as c_int,
        }
        if let Err(refusal) = check_file(r) {
            return refusal;
        }
        // A filter that takes the file for a script lets POST through to it.
        if (*r).method_number != sys::M_GET as c_int && (*request_config(r)).deliver_script == 0 {
            log_request(
                r,
                sys::APLOG_ERR,
                0,
                format_args!(
                    "AH00131: This resource does not accept the {} method.",
                    shown((*r).method)
                ),
            );
            return sys::HTTP_METHOD_NOT_ALLOWED as c_int;
        }
        send(r)
    }
}

/// What keeps the file from being sent.
///
/// # Safety
/// `r` is a live request.
unsafe fn check_file(r: *mut request_rec) -> Result<(), c_int> {
    // SAFETY: the caller's promise.
    unsafe {
        let path_info = module_sdk::raw::text((*r).path_info).unwrap_or(c"");
        match (*r).finfo.filetype {
            sys::APR_NOFILE => log_missing(r, "AH00128"),
            sys::APR_DIR => log_request(
                r,
                sys::APLOG_INFO,
                0,
                format_args!(
                    "AH00129: Attempt to serve directory: {}",
                    shown((*r).filename)
                ),
            ),
            _ if (*r).used_path_info != sys::AP_REQ_ACCEPT_PATH_INFO as c_int
                && !path_info.is_empty() =>
            {
                log_missing(r, "AH00130");
            }
            _ => return Ok(()),
        }
        Err(NOT_FOUND)
    }
}

/// Opens the file and sends it.
///
/// # Safety
/// `r` is a live request for a file.
unsafe fn send(r: *mut request_rec) -> c_int {
    // SAFETY: the caller's promise; what is made here lives in the request's pool or in the
    // connection's bucket allocator.
    unsafe {
        let conf = dir_config((*r).per_dir_config);
        let c = (*r).connection;
        let mut flags = sys::APR_FOPEN_READ | sys::APR_FOPEN_BINARY;
        if (*conf).enable_sendfile() == sys::ENABLE_SENDFILE_ON {
            flags |= sys::APR_FOPEN_SENDFILE_ENABLED;
        }
        let mut file = std::ptr::null_mut();
        let status = sys::apr_file_open(&mut file, (*r).filename, flags as i32, 0, (*r).pool);
        if status != 0 {
            log_request(
                r,
                sys::APLOG_ERR,
                status,
                format_args!(
                    "AH00132: file permissions deny server access: {}",
                    shown((*r).filename)
                ),
            );
            return sys::HTTP_FORBIDDEN as c_int;
        }

        sys::ap_update_mtime(r, (*r).finfo.mtime);
        sys::ap_set_last_modified(r);
        sys::ap_set_etag_fd(r, file);
        sys::ap_set_accept_ranges(r);
        sys::ap_set_content_length(r, (*r).finfo.size);
        // A filter of the resource changes the body, and so its digest.
        if (*conf).content_md5() == 1
            && (*(*(*r).output_filters).frec).ftype != sys::AP_FTYPE_RESOURCE
        {
            let digest = sys::ap_md5digest((*r).pool, file);
            sys::apr_table_setn((*r).headers_out, c"Content-MD5".as_ptr(), digest);
        }

        let brigade = sys::apr_brigade_create((*r).pool, (*c).bucket_alloc);
        let status = sys::ap_meets_conditions(r);
        if status == OK {
            let bucket = sys::apr_brigade_insert_file(brigade, file, 0, (*r).finfo.size, (*r).pool);
            if (*conf).enable_mmap() == sys::ENABLE_MMAP_OFF {
                sys::apr_bucket_file_enable_mmap(bucket, 0);
            }
            if (*conf).read_buf_size != 0 {
                sys::apr_bucket_file_set_buf_size(bucket, (*conf).read_buf_size);
            }
        } else {
            sys::apr_file_close(file);
            (*r).status = status;
        }
        let end = sys::apr_bucket_eos_create((*c).bucket_alloc);
        Brigade::from_ptr(brigade).push(Bucket::from_ptr(end));

        let status = sys::ap_pass_brigade((*r).output_filters, brigade);
        if status == 0 || (*r).status != sys::HTTP_OK as c_int || (*c).aborted != 0 {
            return OK;
        }
        log_request(
            r,
            sys::APLOG_DEBUG,
            status,
            format_args!("AH00133: default_handler: ap_pass_brigade returned {status}"),
        );
        sys::AP_FILTER_ERROR
    }
}

/// Notes that there is no such file.
///
/// # Safety
/// `r` is a live request.
unsafe fn log_missing(r: *const request_rec, code: &str) {
    // SAFETY: the caller's promise.
    unsafe {
        log_request(
            r,
            sys::APLOG_INFO,
            0,
            format_args!(
                "{code}: File does not exist: {}{}",
                shown((*r).filename),
                shown((*r).path_info)
            ),
        );
    }
}

/// Notes a method nobody knows, and guesses why when it looks like TLS.
///
/// # Safety
/// `r` is a live request.
unsafe fn log_invalid_method(r: *const request_rec) {
    // SAFETY: the caller's promise.
    unsafe {
        let line = module_sdk::raw::text((*r).the_request).unwrap_or(c"");
        let (code, hint) = match line.to_bytes() {
            [0x16, 2 | 3, ..] => (
                "AH00134",
                " - possible attempt to establish SSL connection on non-SSL port",
            ),
            _ => ("AH00135", ""),
        };
        let line = line.to_string_lossy();
        log_request(
            r,
            sys::APLOG_ERR,
            0,
            format_args!("{code}: Invalid method in request {line}{hint}"),
        );
    }
}

/// A string for messages; NULL is empty.
///
/// # Safety
/// `text` is NULL or a string.
unsafe fn shown<'a>(text: *const std::ffi::c_char) -> std::borrow::Cow<'a, str> {
    // SAFETY: the caller's promise.
    unsafe { module_sdk::raw::text(text) }
        .map_or(std::borrow::Cow::Borrowed(""), CStr::to_string_lossy)
}
