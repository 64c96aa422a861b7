//! The conditions of a request (If-Match and the like) against the fields of its response.

use std::ffi::{CStr, c_int};

use httpd_sys::{self as sys, ap_condition_e, apr_table_t, request_rec};
use module_sdk::raw::{Table, text};

use super::status_codes::is_success;
use crate::http::conditions::{Conditions, Match, Outcome, Times};

exports! {
    ap_condition_if_match, ap_condition_if_unmodified_since, ap_condition_if_none_match,
    ap_condition_if_modified_since, ap_condition_if_range, ap_meets_conditions,
}

const SECOND: sys::apr_time_t = 1_000_000;

fn as_c(found: Match) -> ap_condition_e {
    match found {
        Match::None => sys::AP_CONDITION_NONE,
        Match::No => sys::AP_CONDITION_NOMATCH,
        Match::Weak => sys::AP_CONDITION_WEAK,
        Match::Strong => sys::AP_CONDITION_STRONG,
    }
}

/// The seconds of a date; `None` when it cannot be read.
fn seconds(date: Option<&CStr>) -> Option<i64> {
    // SAFETY: a string.
    let time = unsafe { crate::abi::apr::apr_date_parse_http(date?.as_ptr()) };
    (time != 0).then_some(time / SECOND)
}

/// A field of the request.
///
/// # Safety
/// `r` is live.
unsafe fn asked<'r>(r: *const request_rec, name: &CStr) -> Option<&'r CStr> {
    // SAFETY: the caller's promise.
    unsafe { text(sys::apr_table_get((*r).headers_in, name.as_ptr())) }
}

/// The times a date is judged by; `headers` are those of the response.
///
/// # Safety
/// `r` and `headers` are live.
unsafe fn times(r: *const request_rec, headers: *mut apr_table_t) -> Times {
    // SAFETY: the caller's promise.
    unsafe {
        let answered = Table::from_ptr(headers);
        let modified = || match (*r).mtime {
            0 => sys::apr_time_now(),
            mtime => mtime,
        };
        Times {
            modified: seconds(answered.get(c"Last-Modified"))
                .unwrap_or_else(|| modified() / SECOND),
            request: seconds(answered.get(c"Date")).unwrap_or((*r).request_time / SECOND),
            ranged: asked(r, c"Range").is_some(),
        }
    }
}

/// Whether `list` names the response's tag.
///
/// # Safety
/// `r` and `headers` are live.
unsafe fn has_tag(
    r: *mut request_rec,
    headers: *mut apr_table_t,
    list: &CStr,
    strong: bool,
) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(tag) = Table::from_ptr(headers).get(c"ETag") else {
            return false;
        };
        let (pool, list, tag) = ((*r).pool, list.as_ptr(), tag.as_ptr());
        let found = if strong {
            sys::ap_find_etag_strong(pool, list, tag)
        } else {
            sys::ap_find_etag_weak(pool, list, tag)
        };
        found != 0
    }
}

/// # Safety
/// `r` and `headers` are live.
unsafe fn if_match(r: *mut request_rec, headers: *mut apr_table_t) -> Match {
    // SAFETY: the caller's promise.
    unsafe {
        match asked(r, c"If-Match") {
            None => Match::None,
            Some(list) if list.to_bytes().first() == Some(&b'*') => Match::Strong,
            Some(list) if has_tag(r, headers, list, true) => Match::Strong,
            Some(_) => Match::No,
        }
    }
}

/// # Safety
/// `r` and `headers` are live.
unsafe fn if_none_match(r: *mut request_rec, headers: *mut apr_table_t) -> Match {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(list) = asked(r, c"If-None-Match") else {
            return Match::None;
        };
        if list.to_bytes().first() == Some(&b'*') {
            return Match::Strong;
        }
        // Weak comparison is for whole responses to GET and HEAD only.
        let strong = (*r).method_number != sys::M_GET as c_int || asked(r, c"Range").is_some();
        match (has_tag(r, headers, list, strong), strong) {
            (false, _) => Match::No,
            (true, true) => Match::Strong,
            (true, false) => Match::Weak,
        }
    }
}

/// # Safety
/// `r` and `headers` are live.
unsafe fn by_date(
    r: *mut request_rec,
    headers: *mut apr_table_t,
    name: &CStr,
    judge: impl FnOnce(&Times, Option<i64>) -> Match,
) -> Match {
    // SAFETY: the caller's promise.
    unsafe {
        match asked(r, name) {
            None => Match::None,
            date => judge(&times(r, headers), seconds(date)),
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_condition_if_match(
    r: *mut request_rec,
    headers: *mut apr_table_t,
) -> ap_condition_e {
    // SAFETY: the header asks for a live request and table.
    unsafe { as_c(if_match(r, headers)) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_condition_if_unmodified_since(
    r: *mut request_rec,
    headers: *mut apr_table_t,
) -> ap_condition_e {
    // SAFETY: the header asks for a live request and table.
    unsafe {
        as_c(by_date(
            r,
            headers,
            c"If-Unmodified-Since",
            Times::modified_after,
        ))
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_condition_if_none_match(
    r: *mut request_rec,
    headers: *mut apr_table_t,
) -> ap_condition_e {
    // SAFETY: the header asks for a live request and table.
    unsafe { as_c(if_none_match(r, headers)) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_condition_if_modified_since(
    r: *mut request_rec,
    headers: *mut apr_table_t,
) -> ap_condition_e {
    // SAFETY: the header asks for a live request and table.
    unsafe {
        as_c(by_date(
            r,
            headers,
            c"If-Modified-Since",
            Times::unmodified_since,
        ))
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_condition_if_range(
    r: *mut request_rec,
    headers: *mut apr_table_t,
) -> ap_condition_e {
    // SAFETY: the header asks for a live request and table.
    unsafe {
        let (Some(condition), Some(_)) = (asked(r, c"If-Range"), asked(r, c"Range")) else {
            return sys::AP_CONDITION_NONE;
        };
        as_c(if condition.to_bytes().first() == Some(&b'"') {
            if Table::from_ptr(headers).get(c"ETag") == Some(condition) {
                Match::Strong
            } else {
                Match::No
            }
        } else {
            times(r, headers).is_exactly(seconds(Some(condition)))
        })
    }
}

/// OK, or the status to answer with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_meets_conditions(r: *mut request_rec) -> c_int {
    // SAFETY: the header asks for a live request whose response has its fields.
    unsafe {
        if !is_success((*r).status) || (*r).no_local_copy != 0 {
            return sys::OK as c_int;
        }
        let headers = (*r).headers_out;
        let conditions = Conditions {
            if_match: if_match(r, headers),
            if_unmodified_since: by_date(r, headers, c"If-Unmodified-Since", Times::modified_after),
            if_none_match: if_none_match(r, headers),
            if_modified_since: by_date(r, headers, c"If-Modified-Since", Times::unmodified_since),
        };
        match conditions.outcome((*r).method_number == sys::M_GET as c_int) {
            Outcome::Proceed => sys::OK as c_int,
            Outcome::NotModified => sys::HTTP_NOT_MODIFIED as c_int,
            Outcome::Failed => sys::HTTP_PRECONDITION_FAILED as c_int,
        }
    }
}
