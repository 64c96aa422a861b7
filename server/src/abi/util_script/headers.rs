//! The header that a script sends before its output: read line by line, from a file, a brigade or
//! strings, into the response.

use std::ffi::{CStr, c_char, c_int, c_void};

use httpd_sys::{self as sys, apr_bucket_brigade, apr_file_t, request_rec};
use module_sdk::raw::Brigade;

use super::super::http_request::support::{CORE, bytes, copy, elements, log_request};
use crate::request::{
    paths,
    script::{self, HeaderLine},
};

exports! {
    ap_scan_script_header_err, ap_scan_script_header_err_ex, ap_scan_script_header_err_brigade,
    ap_scan_script_header_err_brigade_ex, ap_scan_script_header_err_core,
    ap_scan_script_header_err_core_ex,
}

const OK: c_int = sys::OK as c_int;
const ERROR: c_int = sys::HTTP_INTERNAL_SERVER_ERROR as c_int;
/// The longest line, and the least room that callers give.
const LINE_MAX: usize = sys::HUGE_STRING_LEN as usize;

/// Reads a line into the buffer as `fgets` does: 1, at the end of the output 0, after a time-out -1.
type GetLine = unsafe extern "C" fn(*mut c_char, c_int, *mut c_void) -> c_int;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_scan_script_header_err_core_ex(
    r: *mut request_rec,
    buffer: *mut c_char,
    get_line: Option<GetLine>,
    source: *mut c_void,
    module_index: c_int,
) -> c_int {
    let Some(get_line) = get_line else {
        return ERROR;
    };
    let mut own = [0 as c_char; LINE_MAX];
    // SAFETY: the header asks for a live request, a buffer of MAX_STRING_LEN bytes or NULL, and a
    // function that takes the source.
    unsafe {
        let line = if buffer.is_null() {
            own.as_mut_ptr()
        } else {
            buffer
        };
        line.write(0);
        let mut scan = Scan {
            r,
            module_index,
            fields: sys::apr_table_make((*r).pool, 10),
            cookies: sys::apr_table_make((*r).pool, 2),
            has_status: false,
        };
        scan.take_cookies();
        let mut is_first = true;
        loop {
            match get_line(line, LINE_MAX as c_int - 1, source) {
                0 => return scan.end_of_output(is_first),
                -1 => return scan.timed_out(),
                _ => {}
            }
            // The end of the line is cut off where it stands: callers show the line in their logs.
            let length = script::chomp(bytes(line)).len();
            line.add(length).write(0);
            match script::header_line(bytes(line)) {
                HeaderLine::End => return scan.finish(),
                HeaderLine::Field(name, value) => {
                    if is_first {
                        let format: &CStr = c"Headers from script '%s':";
                        log_request!(module_index, APLOG_TRACE4, 0, r, format, scan.script());
                    }
                    let format: &CStr = c"  %s";
                    log_request!(module_index, APLOG_TRACE4, 0, r, format, line);
                    scan.field(name, value);
                }
                HeaderLine::Bad => {
                    let shown = copy((*r).pool, bytes(line));
                    if buffer.is_null() {
                        // Lets the script end, which might be stopped while it writes.
                        while get_line(line, LINE_MAX as c_int - 1, source) > 0 {}
                    }
                    let format: &CStr = c"malformed header from script '%s': Bad header: %.30s";
                    log_to_client(module_index, r, format, scan.script(), shown);
                    return ERROR;
                }
            }
            is_first = false;
        }
    }
}

/// A line of the error log that clients may see in the error page.
///
/// # Safety
/// `r` is live; the format takes two strings.
unsafe fn log_to_client(
    module_index: c_int,
    r: *const request_rec,
    format: &CStr,
    first: *const c_char,
    second: *const c_char,
) {
    // SAFETY: the caller's promise.
    unsafe {
        sys::ap_log_rerror_(
            concat!(file!(), "\0").as_ptr().cast(),
            line!() as c_int,
            module_index,
            (sys::APLOG_ERR | sys::APLOG_TOCLIENT) as c_int,
            0,
            r,
            format.as_ptr(),
            first,
            second,
        );
    }
}

/// A header as far as it has been read.
struct Scan {
    r: *mut request_rec,
    /// Whose `LogLevel` counts.
    module_index: c_int,
    /// Fields without a meaning for the server.
    fields: *mut sys::apr_table_t,
    /// Cookies, which are not to be merged into one field.
    cookies: *mut sys::apr_table_t,
    has_status: bool,
}

impl Scan {
    /// The script's name for the log.
    fn script(&self) -> *const c_char {
        // SAFETY: the request is live.
        unsafe {
            let path = (*self.r).filename;
            if path.is_null() {
                return c"".as_ptr();
            }
            path.add(bytes(path).len() - paths::base(bytes(path)).len())
        }
    }

    /// Cookies that were set before the script stay.
    fn take_cookies(&self) {
        // SAFETY: tables of the request.
        unsafe {
            let set: &[sys::apr_table_entry_t] =
                elements(sys::apr_table_elts((*self.r).err_headers_out));
            for entry in set {
                if bytes(entry.key).eq_ignore_ascii_case(b"Set-Cookie") {
                    sys::apr_table_addn(self.cookies, c"Set-Cookie".as_ptr(), entry.val);
                }
            }
        }
    }

    fn end_of_output(&self, is_first: bool) -> c_int {
        let what: &CStr = if is_first {
            c"End of script output before headers"
        } else {
            c"Premature end of script headers"
        };
        // SAFETY: the request is live.
        unsafe {
            log_to_client(
                self.module_index,
                self.r,
                c"%s: %s",
                what.as_ptr(),
                self.script(),
            );
        }
        ERROR
    }

    fn timed_out(&self) -> c_int {
        let format: &CStr = c"Script timed out before returning headers: %s";
        // SAFETY: the request is live; the format takes the first string only.
        unsafe {
            log_to_client(
                self.module_index,
                self.r,
                format,
                self.script(),
                c"".as_ptr(),
            );
        }
        sys::HTTP_GATEWAY_TIME_OUT as c_int
    }

    /// Takes a field into the response.
    fn field(&mut self, name: &[u8], value: &[u8]) {
        let r = self.r;
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        // SAFETY: the request is live; names and values are copied into its pool.
        unsafe {
            let pool = (*r).pool;
            if is("Content-Type") {
                let kind = copy(pool, script::trim_end(value));
                sys::ap_content_type_tolower(kind);
                sys::ap_set_content_type_ex(r, kind, 0);
                return;
            }
            let text = copy(pool, value);
            if is("Status") {
                self.has_status = true;
                (*r).status = script::leading_number(value);
                (*r).status_line = text;
                if (100..600).contains(&(*r).status) {
                    let format: &CStr = c"Status line from script '%s': %.30s";
                    let script = self.script();
                    log_request!(self.module_index, APLOG_TRACE1, 0, r, format, script, text);
                } else {
                    let format: &CStr = c"Invalid status line from script '%s': %.30s";
                    log_to_client(self.module_index, r, format, self.script(), text);
                }
                return;
            }
            let table = match () {
                () if is("Last-Modified") => return self.last_modified(text),
                () if is("Set-Cookie") => {
                    return sys::apr_table_addn(self.cookies, copy(pool, name), text);
                }
                () if [
                    "Location",
                    "Content-Length",
                    "Content-Range",
                    "Transfer-Encoding",
                    "ETag",
                ]
                .into_iter()
                .any(is) =>
                {
                    (*r).headers_out
                }
                () => return sys::apr_table_addn(self.fields, copy(pool, name), text),
            };
            sys::apr_table_setn(table, copy(pool, name), text);
        }
    }

    /// The date goes the server's way, which lets none pass that lies in the future.
    fn last_modified(&self, date: *const c_char) {
        let r = self.r;
        // SAFETY: the request is live.
        unsafe {
            let time = crate::abi::apr::apr_date_parse_http(date);
            if time == 0 {
                let format: &CStr = c"AH10247: Ignored invalid header value: Last-Modified: '%s'";
                log_request!(self.module_index, APLOG_INFO, 0, r, format, date);
                return;
            }
            sys::ap_update_mtime(r, time);
            sys::ap_set_last_modified(r);
        }
    }

    /// The header is complete.
    fn finish(&self) -> c_int {
        let r = self.r;
        // SAFETY: tables of the request.
        unsafe {
            // A script that sets a status has made up its mind.
            let answer = if !self.has_status && (*r).method_number == sys::M_GET as c_int {
                sys::ap_meets_conditions(r)
            } else {
                OK
            };
            sys::apr_table_overlap(
                (*r).err_headers_out,
                self.fields,
                sys::APR_OVERLAP_TABLES_MERGE,
            );
            if sys::apr_is_empty_table(self.cookies) == 0 {
                sys::apr_table_unset((*r).err_headers_out, c"Set-Cookie".as_ptr());
                (*r).err_headers_out =
                    sys::apr_table_overlay((*r).pool, (*r).err_headers_out, self.cookies);
            }
            answer
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_scan_script_header_err_core(
    r: *mut request_rec,
    buffer: *mut c_char,
    get_line: Option<GetLine>,
    source: *mut c_void,
) -> c_int {
    // SAFETY: the header's promises are the same.
    unsafe { ap_scan_script_header_err_core_ex(r, buffer, get_line, source, CORE) }
}

unsafe extern "C" fn line_of_file(line: *mut c_char, size: c_int, file: *mut c_void) -> c_int {
    // SAFETY: the source is the file; the buffer has `size` bytes.
    let status = unsafe { sys::apr_file_gets(line, size, file.cast()) };
    match status as u32 {
        0 => 1,
        sys::APR_TIMEUP => -1,
        _ => 0,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_scan_script_header_err_ex(
    r: *mut request_rec,
    file: *mut apr_file_t,
    buffer: *mut c_char,
    module_index: c_int,
) -> c_int {
    let source = file.cast();
    // SAFETY: as above; the file is the source of its function.
    unsafe {
        ap_scan_script_header_err_core_ex(r, buffer, Some(line_of_file), source, module_index)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_scan_script_header_err(
    r: *mut request_rec,
    file: *mut apr_file_t,
    buffer: *mut c_char,
) -> c_int {
    // SAFETY: as above.
    unsafe { ap_scan_script_header_err_ex(r, file, buffer, CORE) }
}

/// A line of a brigade. Buckets that are used up are deleted; one that ends within a line is split.
unsafe extern "C" fn line_of_brigade(
    line: *mut c_char,
    size: c_int,
    brigade: *mut c_void,
) -> c_int {
    // SAFETY: the source is the brigade; the buffer has `size` bytes, of which the NUL takes one.
    unsafe {
        let brigade = Brigade::from_ptr(brigade.cast());
        let room = usize::try_from(size - 1).unwrap_or(0);
        let mut length = 0;
        while let Some(bucket) = brigade.first() {
            if bucket.is_eos() {
                break;
            }
            let data = match bucket.read(sys::APR_BLOCK_READ) {
                Ok(data) => data,
                Err(status) => {
                    line.add(length).write(0);
                    return if status == sys::APR_TIMEUP as sys::apr_status_t {
                        -1
                    } else {
                        0
                    };
                }
            };
            let whole = data
                .iter()
                .position(|&byte| byte == b'\n')
                .map(|end| end + 1);
            let take = whole.unwrap_or(data.len()).min(room - length);
            line.add(length)
                .cast::<u8>()
                .copy_from_nonoverlapping(data.as_ptr(), take);
            length += take;
            if take < data.len() && bucket.split(take).is_err() {
                return 0;
            }
            bucket.delete();
            if whole == Some(take) || length == room {
                line.add(length).write(0);
                return 1;
            }
        }
        line.add(length).write(0);
        c_int::from(length > 0)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_scan_script_header_err_brigade_ex(
    r: *mut request_rec,
    bb: *mut apr_bucket_brigade,
    buffer: *mut c_char,
    module_index: c_int,
) -> c_int {
    let source = bb.cast();
    // SAFETY: as above; the brigade is the source of its function.
    unsafe {
        ap_scan_script_header_err_core_ex(r, buffer, Some(line_of_brigade), source, module_index)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_scan_script_header_err_brigade(
    r: *mut request_rec,
    bb: *mut apr_bucket_brigade,
    buffer: *mut c_char,
) -> c_int {
    // SAFETY: as above.
    unsafe { ap_scan_script_header_err_brigade_ex(r, bb, buffer, CORE) }
}

/// Strings that are read one after another as if they were one.
struct Strings {
    next: *const *const c_char,
    left: usize,
    /// How many have been begun.
    begun: c_int,
    /// Where the current one is read on; NULL before the first.
    at: *const c_char,
}

unsafe extern "C" fn line_of_strings(line: *mut c_char, size: c_int, source: *mut c_void) -> c_int {
    // SAFETY: the source is the record; its strings end with NUL, `left` of them are to come.
    unsafe {
        let strings = &mut *source.cast::<Strings>();
        let room = usize::try_from(size - 1).unwrap_or(0);
        let mut length = 0;
        while length < room {
            if strings.at.is_null() || *strings.at == 0 {
                if strings.left == 0 {
                    break;
                }
                strings.at = *strings.next;
                strings.next = strings.next.add(1);
                strings.left -= 1;
                strings.begun += 1;
                continue;
            }
            let byte = *strings.at;
            strings.at = strings.at.add(1);
            line.add(length).write(byte);
            length += 1;
            if byte == b'\n' as c_char {
                break;
            }
        }
        line.add(length).write(0);
        c_int::from(length > 0)
    }
}

/// What the variadic `ap_scan_script_header_err_strs*` of the shim do, with their strings in a list.
/// They are told where the header ended: in which string, and at what byte of it.
#[unsafe(no_mangle)]
unsafe extern "C" fn httpd_rs_scan_script_strings(
    r: *mut request_rec,
    buffer: *mut c_char,
    module_index: c_int,
    end: *mut *const c_char,
    end_argument: *mut c_int,
    strings: *const *const c_char,
    count: c_int,
) -> c_int {
    let mut source = Strings {
        next: strings,
        left: usize::try_from(count).unwrap_or(0),
        begun: 0,
        at: std::ptr::null(),
    };
    let place = (&raw mut source).cast();
    // SAFETY: the shim passes its caller's arguments and `count` strings.
    unsafe {
        let answer = ap_scan_script_header_err_core_ex(
            r,
            buffer,
            Some(line_of_strings),
            place,
            module_index,
        );
        if !end.is_null() {
            *end = source.at;
        }
        if !end_argument.is_null() {
            *end_argument = (source.begun - 1).max(0);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::http_protocol::testing::TestRequest;

    /// Scans a header of strings: the answer, and what the request has then.
    fn scan(strings: &[&CStr], check: impl FnOnce(c_int, *mut request_rec, &[u8], c_int)) {
        let request = TestRequest::new();
        let list: Vec<_> = strings.iter().map(|string| string.as_ptr()).collect();
        let (mut end, mut argument) = (std::ptr::null(), -1);
        let mut buffer = [0; LINE_MAX];
        // SAFETY: the request and the strings outlive the call.
        unsafe {
            (*request.r).filename = copy((*request.r).pool, b"/cgi-bin/script");
            let answer = httpd_rs_scan_script_strings(
                request.r,
                buffer.as_mut_ptr(),
                CORE,
                &mut end,
                &mut argument,
                list.as_ptr(),
                list.len() as c_int,
            );
            check(answer, request.r, bytes(end), argument);
        }
    }

    #[test]
    fn a_header_goes_into_the_response() {
        let header = [
            c"Status: 404 Gone fishing\r\nX-One: 1\n",
            c"Set-Cookie: a=1\nSet-Cookie: b=2\nContent-Le",
            c"ngth: 5\n\nbody",
        ];
        // SAFETY: the request is live while it is checked.
        scan(&header, |answer, r, rest, argument| unsafe {
            let get = |table, name: &CStr| bytes(sys::apr_table_get(table, name.as_ptr()));
            assert_eq!((answer, rest, argument), (OK, &b"body"[..], 2));
            assert_eq!((*r).status, 404);
            assert_eq!(bytes((*r).status_line), b"404 Gone fishing");
            assert_eq!(get((*r).headers_out, c"content-length"), b"5");
            assert_eq!(get((*r).err_headers_out, c"X-One"), b"1");
            let cookies: &[sys::apr_table_entry_t] =
                elements(sys::apr_table_elts((*r).err_headers_out));
            let cookies = cookies
                .iter()
                .filter(|entry| bytes(entry.key) == b"Set-Cookie");
            assert_eq!(cookies.count(), 2);
        });
    }

    #[test]
    fn what_is_no_header_is_an_error() {
        let answer_to = |header: &CStr| {
            let mut found = 0;
            scan(&[header], |answer, _, _, _| found = answer);
            found
        };
        assert_eq!(answer_to(c"<html>\n\n"), ERROR);
        assert_eq!(answer_to(c"X: 1\n"), ERROR);
        assert_eq!(answer_to(c""), ERROR);
    }

    #[test]
    fn lines_of_a_brigade_may_span_buckets() {
        let request = TestRequest::new();
        // SAFETY: all lives in the request's pool or is static.
        unsafe {
            let alloc = (*request.c).bucket_alloc;
            let bb = sys::apr_brigade_create((*request.r).pool, alloc);
            for part in [c"A: 1\r\nB", c": 2\n\nre", c"st"] {
                let length = part.to_bytes().len();
                let bucket = sys::apr_bucket_immortal_create(part.as_ptr(), length, alloc);
                Brigade::from_ptr(bb).push(module_sdk::raw::Bucket::from_ptr(bucket));
            }
            let mut lines = Vec::new();
            let mut line = [0 as c_char; 64];
            while line_of_brigade(line.as_mut_ptr(), 64, bb.cast()) == 1 {
                lines.push(String::from_utf8_lossy(bytes(line.as_ptr())).into_owned());
            }
            assert_eq!(lines, ["A: 1\r\n", "B: 2\n", "\n", "rest"]);
        }
    }
}
