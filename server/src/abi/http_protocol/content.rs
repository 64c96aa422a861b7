//! What a response says of its content: type, length, time of modification; and status lines.

use std::ffi::{CStr, c_char, c_int};

use httpd_sys::{self as sys, request_rec};
use module_sdk::raw::{Pool, text};

use crate::http::status;

exports! {
    ap_set_content_type, ap_set_content_type_ex, ap_make_content_type, ap_setup_make_content_type,
    ap_set_content_length, ap_set_last_modified, ap_rationalize_mtime, ap_set_accept_ranges,
    ap_index_of_response, ap_get_status_line, ap_get_status_line_ex,
}

/// The core's configuration for where the request is.
///
/// # Safety
/// `r` is live and has a per-directory configuration.
pub(super) unsafe fn dir_config<'r>(r: *const request_rec) -> &'r sys::core_dir_config {
    // SAFETY: the core has a configuration for every directory.
    unsafe { &*sys::ap_get_core_module_config((*r).per_dir_config).cast::<sys::core_dir_config>() }
}

/// Sets the type to a string that lives as long as the request, not trusted to choose a handler.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_content_type(r: *mut request_rec, ct: *const c_char) {
    // SAFETY: the header's contract.
    unsafe { ap_set_content_type_ex(r, ct, 0) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_content_type_ex(
    r: *mut request_rec,
    ct: *const c_char,
    trusted: c_int,
) {
    // SAFETY: the header asks for a live request and NULL or a string.
    unsafe {
        let new = text(ct);
        if new.is_some() && new == text((*r).content_type) {
            return;
        }
        (*r).content_type = ct;
        let bit = u64::from(sys::AP_REQUEST_TRUSTED_CT);
        if !ct.is_null() && trusted != 0 {
            (*r).bnotes |= bit;
        } else {
            (*r).bnotes &= !bit;
        }
    }
}

/// The type with the charset of AddDefaultCharset, where that applies.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_make_content_type(
    r: *mut request_rec,
    type_: *const c_char,
) -> *const c_char {
    // SAFETY: the header asks for a live request and NULL or a string.
    unsafe {
        let Some(kind) = text(type_).filter(|kind| !kind.is_empty()) else {
            return std::ptr::null();
        };
        let conf = dir_config(r);
        let request_conf =
            sys::ap_get_core_module_config((*r).request_config).cast::<sys::core_request_config>();
        if conf.add_default_charset() != sys::ADD_DEFAULT_CHARSET_ON
            || (!request_conf.is_null() && (*request_conf).suppress_charset != 0)
            || !wants_charset(kind.to_bytes())
        {
            return type_;
        }
        let charset = text(conf.add_default_charset_name).unwrap_or(c"iso-8859-1");
        Pool::from_ptr((*r).pool)
            .copy([kind.to_bytes(), b"; charset=", charset.to_bytes()].concat())
            .as_ptr()
    }
}

/// Whether a type is plain text or HTML without a charset of its own.
fn wants_charset(kind: &[u8]) -> bool {
    let lower = kind.to_ascii_lowercase();
    let has = |part: &[u8]| lower.windows(part.len()).any(|window| window == part);
    !has(b"charset=") && (has(b"text/plain") || has(b"text/html"))
}

/// Apache prepares its patterns here; there are none to prepare.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_setup_make_content_type(_pool: *mut sys::apr_pool_t) {}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_content_length(r: *mut request_rec, length: sys::apr_off_t) {
    // SAFETY: the header asks for a live request.
    unsafe {
        (*r).clength = length;
        let digits = decimal(length);
        let old = sys::apr_table_get((*r).headers_out, c"Content-Length".as_ptr());
        // The length filter finds the handler's length right most of the time; a backend's may be
        // there twice.
        if text(old).is_some_and(|old| old.to_bytes() == digits.as_bytes())
            && is_the_only((*r).headers_out, c"Content-Length")
        {
            return;
        }
        sys::apr_table_setn(
            (*r).headers_out,
            c"Content-Length".as_ptr(),
            Pool::from_ptr((*r).pool).copy(digits.as_bytes()).as_ptr(),
        );
    }
}

/// Whether a table has not more than one entry of this name.
///
/// # Safety
/// `table` is live.
unsafe fn is_the_only(table: *const sys::apr_table_t, name: &CStr) -> bool {
    // SAFETY: the caller's promise; a table's entries are in its array.
    unsafe {
        let entries = sys::apr_table_elts(table);
        let count = usize::try_from((*entries).nelts).unwrap_or(0);
        if count == 0 {
            return true;
        }
        let first = (*entries).elts.cast::<sys::apr_table_entry_t>();
        let named = std::slice::from_raw_parts(first, count)
            .iter()
            .filter(|entry| {
                text(entry.key)
                    .is_some_and(|key| key.to_bytes().eq_ignore_ascii_case(name.to_bytes()))
            });
        named.count() < 2
    }
}

/// The decimal digits of a number, without allocating.
pub(super) struct Decimal {
    digits: [u8; 20],
    from: usize,
}

impl Decimal {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.digits[self.from..]
    }
}

/// See `Decimal`.
pub(super) fn decimal(number: i64) -> Decimal {
    let mut out = Decimal {
        digits: [b'0'; 20],
        from: 20,
    };
    let mut rest = number.unsigned_abs();
    while rest > 0 || out.from == 20 {
        out.from -= 1;
        out.digits[out.from] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    if number < 0 {
        out.from -= 1;
        out.digits[out.from] = b'-';
    }
    out
}

/// Sets Last-Modified from the request's `mtime`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_last_modified(r: *mut request_rec) {
    // SAFETY: the header asks for a live request; the buffer has the size a date takes.
    unsafe {
        if (*r).assbackwards != 0 {
            return;
        }
        let time = ap_rationalize_mtime(r, (*r).mtime);
        let date = sys::apr_palloc((*r).pool, sys::APR_RFC822_DATE_LEN as usize).cast::<c_char>();
        sys::apr_rfc822_date(date, time);
        sys::apr_table_setn((*r).headers_out, c"Last-Modified".as_ptr(), date);
    }
}

/// A time of modification that does not lie in the future.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_rationalize_mtime(
    r: *mut request_rec,
    mtime: sys::apr_time_t,
) -> sys::apr_time_t {
    // SAFETY: the header asks for a live request.
    unsafe {
        if mtime < (*r).request_time {
            return mtime;
        }
        mtime.min(sys::apr_time_now())
    }
}

/// Says whether ranges may be asked for here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_accept_ranges(r: *mut request_rec) {
    // SAFETY: the header asks for a live request.
    unsafe {
        let none = dir_config(r).max_ranges == sys::AP_MAXRANGES_NORANGES as c_int;
        let value = if none { c"none" } else { c"bytes" };
        sys::apr_table_setn((*r).headers_out, c"Accept-Ranges".as_ptr(), value.as_ptr());
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_index_of_response(status: c_int) -> c_int {
    status::place(status) as c_int
}

/// The status line as a C string that lives for ever.
pub(super) fn line_c(status: c_int) -> &'static CStr {
    CStr::from_bytes_until_nul(status::line_c(status::place(status)).as_bytes())
        .unwrap_or(c"500 Internal Server Error")
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_status_line(status: c_int) -> *const c_char {
    line_c(status).as_ptr()
}

/// The same, but a line with the very code for statuses that are not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_status_line_ex(
    p: *mut sys::apr_pool_t,
    status: c_int,
) -> *const c_char {
    if !status::is_known(status) && (100..1000).contains(&status) {
        // SAFETY: the header asks for a live pool.
        return unsafe { Pool::from_ptr(p) }.text_ptr(format_args!("{status} Status {status}"));
    }
    line_c(status).as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in [0, 7, 10, 59, 8192, i64::MAX, -1] {
            assert_eq!(decimal(number).as_bytes(), number.to_string().as_bytes());
        }
    }

    #[test]
    fn only_plain_text_and_html_get_a_charset() {
        assert!(wants_charset(b"text/HTML"));
        assert!(!wants_charset(b"text/css"));
        assert!(!wants_charset(b"text/plain; Charset=utf-8"));
    }
}
