//! The chains of filters: where an added filter comes to stand, and taking one out.
//!
//! There are three heads for each direction: the request's (resource and content filters first),
//! the request's protocol filters, and the connection's. They share their tails: a chain runs from
//! the request's own filters into the protocol filters and on into the connection's.

use std::{
    ffi::{CStr, c_char, c_void},
    ptr::null_mut,
};

use httpd_sys::{self as sys, ap_filter_rec_t, ap_filter_t, conn_rec, request_rec};

use super::registry::{Direction, find};

exports! {
    ap_add_input_filter, ap_add_input_filter_handle, ap_add_output_filter,
    ap_add_output_filter_handle, ap_remove_input_filter, ap_remove_output_filter,
    ap_remove_input_filter_byhandle, ap_remove_output_filter_byhandle,
}

/// The heads of the chains of one direction.
struct Heads {
    /// NULL without a request.
    request: *mut *mut ap_filter_t,
    /// NULL without a request.
    protocol: *mut *mut ap_filter_t,
    connection: *mut *mut ap_filter_t,
}

impl Heads {
    /// # Safety
    /// `r` is NULL or live; `c` is live.
    unsafe fn of(direction: Direction, r: *mut request_rec, c: *mut conn_rec) -> Self {
        // SAFETY: the caller's promise; only addresses of fields are taken.
        unsafe {
            let (request, protocol) = match direction {
                _ if r.is_null() => (null_mut(), null_mut()),
                Direction::Input => (
                    &raw mut (*r).input_filters,
                    &raw mut (*r).proto_input_filters,
                ),
                Direction::Output => (
                    &raw mut (*r).output_filters,
                    &raw mut (*r).proto_output_filters,
                ),
            };
            let connection = match direction {
                Direction::Input => &raw mut (*c).input_filters,
                Direction::Output => &raw mut (*c).output_filters,
            };
            Self {
                request,
                protocol,
                connection,
            }
        }
    }
}

/// Whether `f` belongs before `there`: behind all filters of its type that are for its request.
///
/// # Safety
/// `f` is live, `there` is NULL or live; both have records.
unsafe fn belongs_before(f: *const ap_filter_t, there: *const ap_filter_t) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        there.is_null() || (*(*there).frec).ftype > (*(*f).frec).ftype || (*there).r != (*f).r
    }
}

/// Puts a new filter where its type belongs.
///
/// # Safety
/// `record` is registered; `r` is NULL or live; `c` is live.
unsafe fn add(
    direction: Direction,
    record: *mut ap_filter_rec_t,
    ctx: *mut c_void,
    r: *mut request_rec,
    c: *mut conn_rec,
) -> *mut ap_filter_t {
    // SAFETY: the caller's promise; chains end with NULL and their members have records.
    unsafe {
        let kind = (*record).ftype;
        let of_request = kind < sys::AP_FTYPE_CONNECTION;
        if of_request && r.is_null() {
            let (number, what) = if kind < sys::AP_FTYPE_PROTOCOL {
                (c"AH00080: a content", c"filter")
            } else {
                (c"AH00081: a protocol", c"filter")
            };
            sys::ap_log_cerror_(
                c"util_filter".as_ptr(),
                0,
                sys::AP_CORE_MODULE_INDEX as i32,
                sys::APLOG_ERR as i32,
                0,
                c,
                c"%s %s was added without a request: %s".as_ptr(),
                number.as_ptr(),
                what.as_ptr(),
                (*record).name,
            );
            return null_mut();
        }
        let heads = Heads::of(direction, r, c);
        let head = if kind < sys::AP_FTYPE_PROTOCOL {
            heads.request
        } else if of_request {
            heads.protocol
        } else {
            heads.connection
        };
        let pool = if of_request { (*r).pool } else { (*c).pool };
        let f = sys::apr_palloc(pool, size_of::<ap_filter_t>()).cast::<ap_filter_t>();
        f.write(ap_filter_t {
            frec: record,
            ctx,
            next: null_mut(),
            r: if of_request { r } else { null_mut() },
            c,
        });
        let first = *head;
        if belongs_before(f, first) {
            (*f).next = first;
            // The request's own filters run into this chain at what was its first member.
            if !first.is_null() && !r.is_null() && *heads.request != *heads.connection {
                let mut before = *heads.request;
                while !before.is_null() && (*before).next != first {
                    before = (*before).next;
                }
                if !before.is_null() && before != first {
                    (*before).next = f;
                }
            }
            *head = f;
        } else {
            let mut before = first;
            while !belongs_before(f, (*before).next) {
                before = (*before).next;
            }
            (*f).next = (*before).next;
            (*before).next = f;
        }
        if of_request && *heads.request == *heads.connection {
            *heads.request = *heads.protocol;
        }
        f
    }
}

/// Adds a filter by name.
///
/// # Safety
/// As for `add`; `name` is a string.
unsafe fn add_by_name(
    direction: Direction,
    name: *const c_char,
    ctx: *mut c_void,
    r: *mut request_rec,
    c: *mut conn_rec,
) -> *mut ap_filter_t {
    // SAFETY: the caller's promise.
    unsafe {
        let record = find(direction, CStr::from_ptr(name));
        if !record.is_null() {
            return add(direction, record, ctx, r, c);
        }
        let (file, core) = (c"util_filter".as_ptr(), sys::AP_CORE_MODULE_INDEX as i32);
        let text = c"AH00082: an unknown filter was not added: %s".as_ptr();
        let level = sys::APLOG_ERR as i32;
        if r.is_null() {
            sys::ap_log_cerror_(file, 0, core, level, 0, c, text, name);
        } else {
            sys::ap_log_rerror_(file, 0, core, level, 0, r, text, name);
        }
        null_mut()
    }
}

/// Takes a filter out of its chain. It stays readable: filters remove themselves and go on to use
/// their `next`.
///
/// # Safety
/// `f` is in a chain of its request or connection, or was.
unsafe fn remove(direction: Direction, f: *mut ap_filter_t) {
    // SAFETY: the caller's promise; chains end with NULL.
    unsafe {
        let heads = Heads::of(direction, (*f).r, (*f).c);
        if !heads.protocol.is_null() && *heads.protocol == f {
            *heads.protocol = (*f).next;
        }
        let head = if heads.request.is_null() {
            heads.connection
        } else {
            heads.request
        };
        if *head == f {
            *head = (*f).next;
            return;
        }
        let mut before = *head;
        while !before.is_null() && (*before).next != f {
            before = (*before).next;
        }
        if !before.is_null() {
            (*before).next = (*f).next;
        }
    }
}

/// Removes the first filter of a name from `next` on.
///
/// # Safety
/// `next` is NULL or a chain; `handle` is a string.
unsafe fn remove_by_name(
    direction: Direction,
    next: *mut ap_filter_t,
    handle: *const c_char,
) -> sys::apr_status_t {
    // SAFETY: the caller's promise.
    unsafe {
        let record = find(direction, CStr::from_ptr(handle));
        let mut f = next;
        while !record.is_null() && !f.is_null() {
            if (*f).frec == record {
                remove(direction, f);
                return sys::APR_SUCCESS as sys::apr_status_t;
            }
            f = (*f).next;
        }
        APR_NOTFOUND
    }
}

const APR_NOTFOUND: sys::apr_status_t = sys::APR_NOTFOUND as sys::apr_status_t;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_add_input_filter(
    name: *const c_char,
    ctx: *mut c_void,
    r: *mut request_rec,
    c: *mut conn_rec,
) -> *mut ap_filter_t {
    // SAFETY: the header's contract.
    unsafe { add_by_name(Direction::Input, name, ctx, r, c) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_add_input_filter_handle(
    f: *mut ap_filter_rec_t,
    ctx: *mut c_void,
    r: *mut request_rec,
    c: *mut conn_rec,
) -> *mut ap_filter_t {
    // SAFETY: the header's contract.
    unsafe { add(Direction::Input, f, ctx, r, c) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_add_output_filter(
    name: *const c_char,
    ctx: *mut c_void,
    r: *mut request_rec,
    c: *mut conn_rec,
) -> *mut ap_filter_t {
    // SAFETY: the header's contract.
    unsafe { add_by_name(Direction::Output, name, ctx, r, c) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_add_output_filter_handle(
    f: *mut ap_filter_rec_t,
    ctx: *mut c_void,
    r: *mut request_rec,
    c: *mut conn_rec,
) -> *mut ap_filter_t {
    // SAFETY: the header's contract.
    unsafe { add(Direction::Output, f, ctx, r, c) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_remove_input_filter(f: *mut ap_filter_t) {
    // SAFETY: the header's contract.
    unsafe { remove(Direction::Input, f) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_remove_output_filter(f: *mut ap_filter_t) {
    // SAFETY: the header's contract.
    unsafe { remove(Direction::Output, f) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_remove_input_filter_byhandle(
    next: *mut ap_filter_t,
    handle: *const c_char,
) -> sys::apr_status_t {
    // SAFETY: the header's contract.
    unsafe { remove_by_name(Direction::Input, next, handle) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_remove_output_filter_byhandle(
    next: *mut ap_filter_t,
    handle: *const c_char,
) -> sys::apr_status_t {
    // SAFETY: the header's contract.
    unsafe { remove_by_name(Direction::Output, next, handle) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::http_protocol::testing::{TestRequest, with_registry};

    unsafe extern "C" fn output(
        _: *mut ap_filter_t,
        _: *mut sys::apr_bucket_brigade,
    ) -> sys::apr_status_t {
        0
    }

    fn register(name: &CStr, kind: sys::ap_filter_type) -> *mut ap_filter_rec_t {
        // SAFETY: `with_registry` made the pool for hooks.
        unsafe { sys::ap_register_output_filter(name.as_ptr(), Some(output), None, kind) }
    }

    /// Adds a filter without context.
    fn append(record: *mut ap_filter_rec_t, r: *mut request_rec, c: *mut conn_rec) {
        // SAFETY: the tests pass live objects.
        unsafe { ap_add_output_filter_handle(record, null_mut(), r, c) };
    }

    /// The names from a head on.
    fn names(mut f: *mut ap_filter_t) -> Vec<String> {
        let mut names = Vec::new();
        // SAFETY: a chain of live filters.
        unsafe {
            while !f.is_null() {
                let name = CStr::from_ptr((*(*f).frec).name);
                names.push(name.to_string_lossy().into_owned());
                f = (*f).next;
            }
        }
        names
    }

    #[test]
    fn filters_stand_by_type_then_in_the_order_they_were_added() {
        with_registry(|| {
            let core = register(c"CORE", sys::AP_FTYPE_NETWORK);
            let log = register(c"LOG", sys::AP_FTYPE_CONNECTION);
            let header = register(c"HEADER", sys::AP_FTYPE_PROTOCOL);
            let length = register(c"LENGTH", sys::AP_FTYPE_PROTOCOL);
            let include = register(c"INCLUDE", sys::AP_FTYPE_RESOURCE);
            let deflate = register(c"DEFLATE", sys::AP_FTYPE_CONTENT_SET);
            let request = TestRequest::new();
            let (r, c) = (request.r, request.c);
            // SAFETY: a request with its connection, both live.
            unsafe {
                let add = move |record| append(record, r, c);
                add(core);
                (*r).output_filters = (*c).output_filters;
                (*r).proto_output_filters = (*c).output_filters;
                add(length);
                add(header);
                assert_eq!(names((*r).output_filters), ["length", "header", "core"]);
                add(deflate);
                add(include);
                assert_eq!(
                    names((*r).output_filters),
                    ["include", "deflate", "length", "header", "core"]
                );
                assert_eq!(
                    names((*r).proto_output_filters),
                    ["length", "header", "core"]
                );
                let first = *(*r).output_filters;
                assert_eq!(first.r, r);
                assert!(
                    (*ap_add_output_filter_handle(log, null_mut(), null_mut(), c))
                        .r
                        .is_null()
                );
                assert_eq!(names((*c).output_filters), ["log", "core"]);
                // The request's chain still runs to the old first one, as in Apache.
                assert_eq!(
                    names((*r).proto_output_filters),
                    ["length", "header", "core"]
                );
                let f = (*r).proto_output_filters;
                ap_remove_output_filter(f);
                assert_eq!(names((*r).proto_output_filters), ["header", "core"]);
                assert_eq!(
                    names((*r).output_filters),
                    ["include", "deflate", "header", "core"]
                );
                let removed =
                    ap_remove_output_filter_byhandle((*r).output_filters, c"DEFlate".as_ptr());
                assert_eq!(removed, 0);
                assert_eq!(names((*r).output_filters), ["include", "header", "core"]);
                assert_eq!(
                    ap_remove_output_filter_byhandle((*r).output_filters, c"nope".as_ptr()),
                    APR_NOTFOUND
                );
            }
        });
    }

    #[test]
    fn a_connection_filter_added_with_the_request_is_seen_by_it() {
        with_registry(|| {
            let core = register(c"CORE", sys::AP_FTYPE_NETWORK);
            let log = register(c"LOG", sys::AP_FTYPE_CONNECTION);
            let header = register(c"HEADER", sys::AP_FTYPE_PROTOCOL);
            let request = TestRequest::new();
            let (r, c) = (request.r, request.c);
            // SAFETY: a request with its connection, both live.
            unsafe {
                let add = move |record| append(record, r, c);
                add(core);
                (*r).output_filters = (*c).output_filters;
                (*r).proto_output_filters = (*c).output_filters;
                add(header);
                add(log);
                assert_eq!(names((*r).output_filters), ["header", "log", "core"]);
            }
        });
    }
}
