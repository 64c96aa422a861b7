//! The handler of last resort: sends the file that the request's URI stands for.
//!
//! What the directory walk found out is not asked for again. A small file that has not changed since
//! it was last sent comes from memory (`request/files`); any other is opened and goes down the filters
//! as one bucket.

use std::{
    cell::Cell,
    ffi::{CStr, c_int},
    ptr::null_mut,
    sync::Arc,
    time::SystemTime,
};

use httpd_sys::{self as sys, request_rec};
use module_sdk::raw::{Brigade, Bucket};

use super::{dir_config, log_request, request_config};
use crate::{
    abi::stat,
    request::files::{CONTENTS, Contents, Identity},
};

const OK: c_int = sys::OK as c_int;
const NOT_FOUND: c_int = sys::HTTP_NOT_FOUND as c_int;

thread_local! {
    /// Whether the handler has answered a GET since somebody asked.
    static SERVED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread's last request was served here, and so changed nothing. Asking forgets it.
pub(crate) fn take_served() -> bool {
    SERVED.replace(false)
}

/// The handler.
pub(super) unsafe extern "C-unwind" fn serve_file(r: *mut request_rec) -> c_int {
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

/// Where the body comes from.
enum Source {
    Memory(Arc<[u8]>),
    File(*mut sys::apr_file_t),
}

impl Source {
    /// The open file; NULL when it need not be opened.
    fn file(&self) -> *mut sys::apr_file_t {
        match self {
            Self::Memory(_) => null_mut(),
            Self::File(file) => *file,
        }
    }
}

/// Sends the file.
///
/// # Safety
/// `r` is a live request for a file.
unsafe fn send(r: *mut request_rec) -> c_int {
    // SAFETY: the caller's promise; what is made here lives in the request's pool or in the
    // connection's bucket allocator.
    unsafe {
        let conf = dir_config((*r).per_dir_config);
        let c = (*r).connection;
        // A filter of the resource changes the body, and so its digest.
        let needs_digest = (*conf).content_md5() == 1
            && (*(*(*r).output_filters).frec).ftype != sys::AP_FTYPE_RESOURCE;
        let needs_file = needs_digest
            || ((*conf).etag_bits | (*conf).etag_add) & u64::from(sys::ETAG_DIGEST) != 0;
        let source = match source(r, needs_file) {
            Ok(source) => source,
            Err(status) => {
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
        };

        sys::ap_update_mtime(r, (*r).finfo.mtime);
        sys::ap_set_last_modified(r);
        sys::ap_set_etag_fd(r, source.file());
        sys::ap_set_accept_ranges(r);
        sys::ap_set_content_length(r, (*r).finfo.size);
        if needs_digest {
            let digest = sys::ap_md5digest((*r).pool, source.file());
            sys::apr_table_setn((*r).headers_out, c"Content-MD5".as_ptr(), digest);
        }

        let brigade = sys::apr_brigade_create((*r).pool, (*c).bucket_alloc);
        let status = sys::ap_meets_conditions(r);
        match source {
            Source::Memory(content) if status == OK => {
                let bucket = sys::apr_bucket_heap_create(
                    content.as_ptr().cast(),
                    content.len(),
                    None,
                    (*c).bucket_alloc,
                );
                Brigade::from_ptr(brigade).push(Bucket::from_ptr(bucket));
            }
            Source::File(file) if status == OK => {
                let bucket =
                    sys::apr_brigade_insert_file(brigade, file, 0, (*r).finfo.size, (*r).pool);
                if (*conf).enable_mmap() == sys::ENABLE_MMAP_OFF {
                    sys::apr_bucket_file_enable_mmap(bucket, 0);
                }
                if (*conf).read_buf_size != 0 {
                    sys::apr_bucket_file_set_buf_size(bucket, (*conf).read_buf_size);
                }
            }
            Source::Memory(_) => (*r).status = status,
            Source::File(file) => {
                sys::apr_file_close(file);
                (*r).status = status;
            }
        }
        let end = sys::apr_bucket_eos_create((*c).bucket_alloc);
        Brigade::from_ptr(brigade).push(Bucket::from_ptr(end));

        SERVED.set((*r).method_number == sys::M_GET as c_int);
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

/// What the request's file holds, from memory when it is there; or the error of opening it.
///
/// # Safety
/// `r` is a live request for a file.
unsafe fn source(r: *mut request_rec, needs_file: bool) -> Result<Source, sys::apr_status_t> {
    // SAFETY: the caller's promise.
    unsafe {
        let wanted = sys::APR_FINFO_MIN as i32 | sys::APR_FINFO_IDENT as i32;
        let identity = ((*r).finfo.valid & wanted == wanted).then(|| stat::identity(&(*r).finfo));
        let small = identity.filter(|identity| !needs_file && Contents::accepts(identity));
        if let Some(content) = small.and_then(|identity| CONTENTS.get(&identity)) {
            return Ok(Source::Memory(content));
        }
        let conf = dir_config((*r).per_dir_config);
        let mut flags = sys::APR_FOPEN_READ | sys::APR_FOPEN_BINARY;
        if (*conf).enable_sendfile() == sys::ENABLE_SENDFILE_ON {
            flags |= sys::APR_FOPEN_SENDFILE_ENABLED;
        }
        let mut file = null_mut();
        let status = sys::apr_file_open(&mut file, (*r).filename, flags as i32, 0, (*r).pool);
        if status != 0 {
            return Err(status);
        }
        if let Some(identity) = small
            && identity.is_settled(SystemTime::now())
            && let Some(content) = read(file, &identity)
        {
            CONTENTS.put(identity, Arc::clone(&content));
            sys::apr_file_close(file);
            return Ok(Source::Memory(content));
        }
        Ok(Source::File(file))
    }
}

/// What an open file holds, if it is in this state before and after it was read.
///
/// # Safety
/// `file` is open; where it is read next does not matter.
unsafe fn read(file: *mut sys::apr_file_t, identity: &Identity) -> Option<Arc<[u8]>> {
    // SAFETY: the caller's promise; the buffer has the size that is asked for.
    unsafe {
        let is_same = || {
            let mut info: sys::apr_finfo_t = std::mem::zeroed();
            let wanted = sys::APR_FINFO_MIN as i32 | sys::APR_FINFO_IDENT as i32;
            sys::apr_file_info_get(&mut info, wanted, file) == 0
                && stat::identity(&info) == *identity
        };
        let mut content = vec![0; usize::try_from(identity.size).ok()?];
        let mut got = 0;
        let read = is_same()
            && sys::apr_file_read_full(file, content.as_mut_ptr().cast(), content.len(), &mut got)
                == 0
            && got == content.len()
            && is_same();
        if read {
            return Some(content.into());
        }
        let mut start = 0;
        sys::apr_file_seek(file, sys::APR_SET as i32, &mut start);
        None
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
