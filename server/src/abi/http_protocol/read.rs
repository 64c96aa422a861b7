//! Reading a request: from the input filters (`ap_read_request`), or from a whole head in memory
//! when nothing but the core stands between the socket and us (`read_request_from_head`). Both ways
//! meet once the line and the fields have been taken apart, and refuse the same requests.

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::null_mut,
};

use httpd_sys::{self as sys, conn_rec, request_rec};

use super::{
    check,
    fields::{self, ap_get_mime_headers_core},
    input_lines::{brigade_of, line_of},
    request_line::{Strings, ap_parse_request_line, apply, is_strict},
    status_codes::{APR_EINVAL, APR_ENOSPC, is_timeout, version},
};
use crate::{
    abi::notice::shown,
    http::{
        fields::Fields,
        head::{BLANK_LINES, LineFault, Lines, Quick},
        request_line::RequestLine,
    },
};

exports! { ap_read_request }

/// What has become of reading a head.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// The line was read. If fields were refused, the status says why.
    Done,
    /// The line could not be read or was refused; the status says why.
    LineRefused,
}

/// Reads the next request of a connection. NULL: there is none, or it was refused and answered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_read_request(c: *mut conn_rec) -> *mut request_rec {
    // SAFETY: the header asks for a live connection.
    unsafe { read_through_filters(begin(c)) }
}

/// Goes on with a request that was begun: its head (as far as the empty line that ends it, if it
/// came so far) is `head`. NULL: it was refused and answered. The caller takes the head off the
/// connection's input before, since what follows it is the body.
///
/// # Safety
/// `r` comes from `begin` and is not used by the caller any more; only filters that pass bytes on
/// as they come are in its connection's input chain.
pub unsafe fn read_from_head(
    r: *mut request_rec,
    head: &[u8],
    missing: Missing,
) -> *mut request_rec {
    // SAFETY: the caller's promise.
    unsafe {
        match take_head(r, head, missing) {
            Read::Done => finish(r),
            Read::LineRefused => refuse_line(r),
        }
    }
}

/// Goes on with a request that was begun, through its connection's input filters.
///
/// # Safety
/// `r` comes from `begin` and is not used by the caller any more.
pub unsafe fn read_through_filters(r: *mut request_rec) -> *mut request_rec {
    // SAFETY: the caller's promise.
    unsafe {
        match take_head_through_filters(r) {
            Read::Done => finish(r),
            Read::LineRefused => refuse_line(r),
        }
    }
}

/// Why the rest of a head will not come, if it is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The client has closed.
    Ended,
    /// It took too long.
    Late,
}

/// Fills a request from what its input filters give.
///
/// # Safety
/// `r` is live.
pub(super) unsafe fn take_head_through_filters(r: *mut request_rec) -> Read {
    // SAFETY: the caller's promise.
    unsafe {
        let bb = brigade_of(r);
        let read = if read_line(r, bb) == Read::LineRefused || ap_parse_request_line(r) == 0 {
            Read::LineRefused
        } else {
            wait_as_configured(r, (*(*r).connection).base_server);
            if (*r).assbackwards == 0 {
                ap_get_mime_headers_core(r, bb);
            }
            Read::Done
        };
        sys::apr_brigade_destroy(bb);
        read
    }
}

/// Fills a request from a head in memory.
///
/// # Safety
/// `r` is live.
pub(super) unsafe fn take_head(r: *mut request_rec, head: &[u8], missing: Missing) -> Read {
    // SAFETY: the caller's promise.
    unsafe {
        let (strict, server) = (is_strict(r), &*(*r).server);
        let line_limit = usize::try_from(server.limit_req_line).unwrap_or(0);
        let limits = fields::limits(r);
        (*r).request_time = sys::apr_time_now();
        let quick = strict
            .then(|| Quick::parse(head, line_limit, limits.field_size))
            .flatten()
            .filter(|quick| limits.fields == 0 || quick.count <= limits.fields);
        if let Some(quick) = quick {
            let parts = quick.request_line(head);
            if parts.fault.is_none() {
                return take_quick(r, head, &quick, &parts);
            }
        }
        let mut lines = Lines::new(head, strict);
        match lines.request_line(line_limit) {
            Ok(line) => {
                (*r).the_request = sys::apr_pstrmemdup((*r).pool, line.as_ptr().cast(), line.len());
            }
            Err(fault) => {
                // The log does not show a line of which the rest did not come in time.
                if fault != LineFault::Incomplete || missing == Missing::Ended {
                    let line = lines.refused();
                    (*r).the_request =
                        sys::apr_pstrmemdup((*r).pool, line.as_ptr().cast(), line.len());
                }
                no_line(r);
                (*r).status = match fault {
                    LineFault::TooLong => sys::HTTP_REQUEST_URI_TOO_LARGE,
                    LineFault::Malformed => sys::HTTP_BAD_REQUEST,
                    LineFault::Incomplete if missing == Missing::Late => sys::HTTP_REQUEST_TIME_OUT,
                    LineFault::Incomplete => sys::HTTP_OK,
                } as c_int;
                return Read::LineRefused;
            }
        }
        if ap_parse_request_line(r) == 0 {
            return Read::LineRefused;
        }
        if (*r).assbackwards == 0 {
            take_lines(r, &mut lines, limits, missing);
        }
        Read::Done
    }
}

/// A request nothing of which has been read.
///
/// # Safety
/// `c` is live.
pub unsafe fn begin(c: *mut conn_rec) -> *mut request_rec {
    // SAFETY: the caller's promise.
    unsafe {
        let r = sys::ap_create_request(c);
        (*c).keepalive = sys::AP_CONN_UNKNOWN;
        sys::ap_run_pre_read_request(r, c);
        r
    }
}

/// What a request without a readable line has in place of one.
///
/// # Safety
/// `r` is live.
unsafe fn no_line(r: *mut request_rec) {
    // SAFETY: the caller's promise.
    unsafe {
        (*r).method = c"-".as_ptr();
        (*r).unparsed_uri = sys::apr_pstrdup((*r).pool, c"-".as_ptr());
        (*r).uri = (*r).unparsed_uri;
        (*r).proto_num = version(1, 0);
        (*r).protocol = sys::apr_pstrdup((*r).pool, c"HTTP/1.0".as_ptr());
    }
}

/// Reads the request line into `the_request`, past empty lines before it.
///
/// # Safety
/// `r` and `bb` are live.
unsafe fn read_line(r: *mut request_rec, bb: *mut sys::apr_bucket_brigade) -> Read {
    // SAFETY: the caller's promise.
    unsafe {
        let strict = is_strict(r);
        let mut blank_lines = BLANK_LINES;
        loop {
            let line = line_of(r, bb, (*(*r).server).limit_req_line, strict);
            (*r).request_time = sys::apr_time_now();
            match line {
                Ok([]) if blank_lines > 0 => blank_lines -= 1,
                Ok(line) => {
                    (*r).the_request = line.as_ptr().cast::<c_char>().cast_mut();
                    return Read::Done;
                }
                Err((status, line)) => {
                    if !is_timeout(status) {
                        (*r).the_request = line.as_ptr().cast::<c_char>().cast_mut();
                    }
                    no_line(r);
                    if status == APR_ENOSPC {
                        (*r).status = sys::HTTP_REQUEST_URI_TOO_LARGE as c_int;
                    } else if is_timeout(status) {
                        (*r).status = sys::HTTP_REQUEST_TIME_OUT as c_int;
                    } else if status == APR_EINVAL {
                        (*r).status = sys::HTTP_BAD_REQUEST as c_int;
                    }
                    return Read::LineRefused;
                }
            }
        }
    }
}

/// Fills a request from a head taken apart in one go.
///
/// # Safety
/// `r` is live; `quick` and `parts` are of `head`.
unsafe fn take_quick(
    r: *mut request_rec,
    head: &[u8],
    quick: &Quick,
    parts: &RequestLine<'_>,
) -> Read {
    // SAFETY: the caller's promise. The copy is as long as the head, and each byte overwritten
    // with a NUL is one that separates two of its parts.
    unsafe {
        let pool = (*r).pool;
        let line = quick.line.of(head);
        (*r).the_request = sys::apr_pstrmemdup(pool, line.as_ptr().cast(), line.len());
        let copy = sys::apr_pmemdup(pool, head.as_ptr().cast(), head.len()).cast::<c_char>();
        let end_at = |at: usize| copy.add(at).write(0);
        // A line without fault has single spaces between its parts.
        let target = parts.method.len() + 1;
        let protocol = target + parts.target.len() + 1;
        end_at(target - 1);
        end_at(protocol - 1);
        end_at(quick.line.end());
        let strings = Strings {
            method: copy,
            target: copy.add(target),
            protocol: copy.add(protocol),
        };
        if !apply(r, parts, strings) {
            return Read::LineRefused;
        }
        let fields = &quick.fields[..quick.count];
        for field in fields {
            end_at(field.name.end());
            end_at(field.value.end());
            sys::apr_table_addn(
                (*r).headers_in,
                copy.add(field.name.start()),
                copy.add(field.value.start()),
            );
        }
        if has_repeated_names(head, fields) {
            fields::merge_repeated(r);
        }
        Read::Done
    }
}

/// Whether two fields have one name. Heads are small and their names differ in length or first
/// letter, so comparing all pairs is quicker than sorting.
fn has_repeated_names(head: &[u8], fields: &[crate::http::head::Field]) -> bool {
    fields.iter().enumerate().any(|(index, field)| {
        let name = field.name.of(head);
        fields[..index]
            .iter()
            .any(|earlier| earlier.name.of(head).eq_ignore_ascii_case(name))
    })
}

/// Takes the fields of a head line by line.
///
/// # Safety
/// `r` is live.
unsafe fn take_lines(
    r: *mut request_rec,
    lines: &mut Lines<'_>,
    limits: crate::http::fields::Limits,
    missing: Missing,
) {
    let mut taken = Fields::new(limits);
    // SAFETY: the caller's promise.
    unsafe {
        loop {
            match lines.next_line(limits.field_size) {
                Ok(line) => match taken.take_line(line) {
                    Ok(false) => {}
                    Ok(true) => return fields::store(r, &taken),
                    Err(fault) => return fields::refuse(r, fault, &taken),
                },
                Err(LineFault::TooLong) => return fields::refuse_long_line(r, lines.refused()),
                Err(LineFault::Incomplete) if missing == Missing::Late => {
                    (*r).status = sys::HTTP_REQUEST_TIME_OUT as c_int;
                    return;
                }
                Err(LineFault::Malformed | LineFault::Incomplete) => {
                    notice!(Core, DEBUG, 0, r, "Failed to read request header line");
                    (*r).status = sys::HTTP_BAD_REQUEST as c_int;
                    return;
                }
            }
        }
    }
}

/// Ends a request whose line could not be read or was refused.
///
/// # Safety
/// `r` is live, and gone afterwards.
unsafe fn refuse_line(r: *mut request_rec) -> *mut request_rec {
    // SAFETY: the caller's promise; the line is NULL or a string.
    unsafe {
        let c = (*r).connection;
        match (*r).status as u32 {
            sys::HTTP_REQUEST_URI_TOO_LARGE => {
                notice!(
                    Core,
                    INFO,
                    0,
                    r,
                    "AH00565: request failed: client's request-line exceeds LimitRequestLine (longer than {})",
                    (*(*r).server).limit_req_line
                );
                die_unusable(r, (*r).status)
            }
            sys::HTTP_BAD_REQUEST | sys::HTTP_VERSION_NOT_SUPPORTED | sys::HTTP_NOT_IMPLEMENTED => {
                let method = module_sdk::raw::text((*r).method).unwrap_or(c"-");
                if method == c"-" {
                    notice!(
                        Core,
                        ERR,
                        0,
                        r,
                        "AH00566: request failed: malformed request line"
                    );
                }
                die_unusable(r, (*r).status)
            }
            status => {
                if status == sys::HTTP_REQUEST_TIME_OUT && (*c).keepalives == 0 {
                    // Nobody waits for an answer; the log shall know, unless the client has had
                    // what it came for.
                    sys::ap_run_log_transaction(r);
                }
                (*c).keepalive = sys::AP_CONN_CLOSE;
                sys::apr_pool_destroy((*r).pool);
                null_mut()
            }
        }
    }
}

/// From the fields on: framing, virtual host, and the modules' `post_read_request`.
///
/// # Safety
/// `r` is live; its line and fields have been taken, or its status says why not.
unsafe fn finish(r: *mut request_rec) -> *mut request_rec {
    // SAFETY: the caller's promise.
    unsafe {
        let c = (*r).connection;
        if (*r).status != sys::HTTP_OK as c_int {
            notice!(
                Core,
                INFO,
                0,
                r,
                "AH00567: request failed: error reading the headers"
            );
            return die_unusable(r, (*r).status);
        }
        if !framing_is_sound(r) {
            return die_unusable(r, sys::HTTP_BAD_REQUEST as c_int);
        }
        let acceptable = check::ap_check_request_header(r) != 0;
        wait_as_configured(r, (*r).server);
        (*r).per_dir_config = (*(*r).server).lookup_defaults;
        // Before anything may answer: answers discard the body through this filter.
        sys::ap_add_input_filter_handle(sys::ap_http_input_filter_handle, null_mut(), r, c);
        if !acceptable {
            return die(r, (*r).status);
        }
        match check::ap_post_read_request(r) {
            0 => r,
            status => die(r, status),
        }
    }
}

/// Makes sure that we and whoever passed the request on agree where its body ends: a
/// Transfer-Encoding must be one we know, and it overrules a Content-Length, which is dropped
/// together with the connection after this request.
///
/// # Safety
/// `r` is live.
unsafe fn framing_is_sound(r: *mut request_rec) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let headers = (*r).headers_in;
        let coding = sys::apr_table_get(headers, c"Transfer-Encoding".as_ptr());
        if coding.is_null() {
            return true;
        }
        if sys::ap_is_chunked((*r).pool, coding) == 0 {
            notice!(
                Core,
                INFO,
                0,
                r,
                "AH02539: client sent unknown Transfer-Encoding ({}): {}",
                shown(CStr::from_ptr(coding).to_bytes()),
                shown(module_sdk::raw::text((*r).uri).unwrap_or(c"").to_bytes())
            );
            return false;
        }
        if !sys::apr_table_get(headers, c"Content-Length".as_ptr()).is_null() {
            sys::apr_table_unset(headers, c"Content-Length".as_ptr());
            (*(*r).connection).keepalive = sys::AP_CONN_CLOSE;
        }
        true
    }
}

/// Sets how long the socket may be waited for, from keep-alive's to the server's `Timeout`.
///
/// # Safety
/// `r` and `server` are live.
unsafe fn wait_as_configured(r: *mut request_rec, server: *const sys::server_rec) {
    // SAFETY: the caller's promise; a connection without a socket has none to set.
    unsafe {
        let socket = sys::ap_get_conn_socket((*r).connection);
        if socket.is_null() {
            return;
        }
        let mut current = 0;
        if sys::apr_socket_timeout_get(socket, &mut current) == 0 && current != (*server).timeout {
            sys::apr_socket_timeout_set(socket, (*server).timeout);
        }
    }
}

/// Refuses a request after which the input can make no sense: nothing more is read of it.
///
/// # Safety
/// `r` is live, and gone afterwards.
unsafe fn die_unusable(r: *mut request_rec, status: c_int) -> *mut request_rec {
    // SAFETY: the caller's promise; chains end with NULL.
    unsafe {
        let c = (*r).connection;
        let core = sys::ap_core_input_filter_handle;
        let mut f = (*c).input_filters;
        while !f.is_null() && (*f).frec != core {
            sys::ap_remove_input_filter(f);
            f = (*f).next;
        }
        (*c).input_filters = f;
        (*r).input_filters = f;
        (*r).proto_input_filters = f;
        (*c).keepalive = sys::AP_CONN_CLOSE;
        (*r).per_dir_config = (*(*r).server).lookup_defaults;
        die(r, status)
    }
}

/// Answers a refused request and ends it.
///
/// # Safety
/// `r` is live, and gone afterwards.
unsafe fn die(r: *mut request_rec, status: c_int) -> *mut request_rec {
    // SAFETY: the caller's promise; the end-of-request bucket destroys the request once sent.
    unsafe {
        let c = (*r).connection;
        (*r).status = sys::HTTP_OK as c_int;
        sys::ap_die(status, r);
        let bb = sys::apr_brigade_create((*c).pool, (*c).bucket_alloc);
        let end = sys::ap_bucket_eor_create((*c).bucket_alloc, r);
        let brigade = module_sdk::raw::Brigade::from_ptr(bb);
        brigade.push(module_sdk::raw::Bucket::from_ptr(end));
        sys::ap_pass_brigade((*c).output_filters, bb);
        sys::apr_brigade_destroy(bb);
        null_mut()
    }
}
