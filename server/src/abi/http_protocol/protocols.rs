//! Which protocol a connection speaks: choosing one (ALPN, Upgrade) and switching to it.

use std::{
    cmp::Ordering,
    ffi::{CStr, c_char, c_int},
    ptr::null,
};

use httpd_sys::{
    self as sys, apr_array_header_t, apr_status_t, conn_rec, core_server_config, request_rec,
    server_rec,
};
use module_sdk::raw::Array;

use super::status_codes::{APR_ENOTIMPL, APR_EOF};

exports! {
    ap_get_protocol, ap_is_allowed_protocol, ap_get_protocol_upgrades, ap_select_protocol,
    ap_switch_protocol,
}

const HTTP1: &CStr = c"http/1.1";

/// Names of protocols, as an array that may be NULL.
#[derive(Clone, Copy)]
struct Names(*const apr_array_header_t);

impl Names {
    /// # Safety
    /// The array is NULL or holds strings that live for `'a`.
    unsafe fn iter<'a>(self) -> impl Iterator<Item = &'a CStr> {
        // SAFETY: the caller's promise.
        let array = (!self.0.is_null())
            .then(|| unsafe { Array::<*const c_char>::from_ptr(self.0.cast_mut()) });
        array
            .into_iter()
            .flat_map(Array::iter)
            // SAFETY: as above.
            .map(|name| unsafe { CStr::from_ptr(name) })
    }

    /// # Safety
    /// As for `iter`.
    unsafe fn position(self, name: &CStr) -> Option<usize> {
        // SAFETY: the caller's promise.
        unsafe { self.iter().position(|known| known == name) }
    }

    fn is_empty(self) -> bool {
        // SAFETY: NULL or a live array.
        self.0.is_null() || unsafe { (*self.0).nelts } == 0
    }
}

/// The core's settings for where these three meet: the server given, the request's, the
/// connection's.
///
/// # Safety
/// `c` is live; `r` and `s` are NULL or live.
unsafe fn config<'a>(
    c: *const conn_rec,
    r: *const request_rec,
    s: *const server_rec,
) -> &'a core_server_config {
    // SAFETY: the caller's promise; the core has a configuration for every server.
    unsafe {
        let server = if !s.is_null() {
            s
        } else if !r.is_null() {
            (*r).server.cast_const()
        } else {
            (*c).base_server.cast_const()
        };
        &*sys::ap_get_core_module_config((*server).module_config).cast::<core_server_config>()
    }
}

/// # Safety
/// `c` is live; `r` is NULL or live.
unsafe fn pool_of(c: *const conn_rec, r: *const request_rec) -> *mut sys::apr_pool_t {
    // SAFETY: the caller's promise.
    unsafe { if r.is_null() { (*c).pool } else { (*r).pool } }
}

/// Adds a name to an array.
///
/// # Safety
/// `array` is a live array of strings; the name lives as long.
unsafe fn push(array: *mut apr_array_header_t, name: &CStr) {
    // SAFETY: the caller's promise.
    unsafe {
        sys::apr_array_push(array)
            .cast::<*const c_char>()
            .write(name.as_ptr());
    }
}

/// # Safety
/// `pool` is live.
unsafe fn new_array(pool: *mut sys::apr_pool_t) -> *mut apr_array_header_t {
    // SAFETY: the caller's promise.
    unsafe { sys::apr_array_make(pool, 4, size_of::<*const c_char>() as c_int) }
}

/// What the connection speaks now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_protocol(c: *mut conn_rec) -> *const c_char {
    // SAFETY: the header asks for a live connection.
    let protocol = unsafe { sys::ap_run_protocol_get(c) };
    if protocol.is_null() {
        HTTP1.as_ptr()
    } else {
        protocol
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_is_allowed_protocol(
    c: *mut conn_rec,
    r: *mut request_rec,
    s: *mut server_rec,
    protocol: *const c_char,
) -> c_int {
    // SAFETY: the header asks for a live connection and a string.
    unsafe {
        let allowed = Names(config(c, r, s).protocols);
        let protocol = CStr::from_ptr(protocol);
        c_int::from(if allowed.is_empty() {
            protocol == HTTP1
        } else {
            allowed.position(protocol).is_some()
        })
    }
}

/// The configured protocols that are preferred to the present one, or all others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_protocol_upgrades(
    c: *mut conn_rec,
    r: *mut request_rec,
    s: *mut server_rec,
    report_all: c_int,
    pupgrades: *mut *const apr_array_header_t,
) -> apr_status_t {
    // SAFETY: the header asks for a live connection and a place to write to.
    unsafe {
        let allowed = Names(config(c, r, s).protocols);
        *pupgrades = null();
        if allowed.is_empty() {
            return 0;
        }
        let present = CStr::from_ptr(ap_get_protocol(c));
        if allowed.iter().count() == 1 && allowed.position(present).is_some() {
            return 0;
        }
        let upgrades = new_array(pool_of(c, r));
        for name in allowed.iter() {
            if name != present {
                push(upgrades, name);
            } else if report_all == 0 {
                break;
            }
        }
        *pupgrades = upgrades;
        0
    }
}

/// Which of two protocols is preferred; those without preference by name, so that the answer does
/// not depend on the order of proposals.
///
/// # Safety
/// As for `Names::iter`.
unsafe fn compare(preferences: Names, left: &CStr, right: &CStr) -> Ordering {
    // SAFETY: the caller's promise.
    let (left_at, right_at) = unsafe { (preferences.position(left), preferences.position(right)) };
    match (left_at, right_at) {
        (Some(left), Some(right)) if left != right => right.cmp(&left),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        _ => left.cmp(right),
    }
}

/// The best of what the client offers and modules propose; NULL when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_select_protocol(
    c: *mut conn_rec,
    r: *mut request_rec,
    s: *mut server_rec,
    choices: *const apr_array_header_t,
) -> *const c_char {
    // SAFETY: the header asks for a live connection and an array of strings.
    unsafe {
        let conf = config(c, r, s);
        let (allowed, offered) = (Names(conf.protocols), Names(choices));
        if allowed.is_empty() {
            return if offered.position(HTTP1).is_some() {
                HTTP1.as_ptr()
            } else {
                null()
            };
        }
        let server = match (s.is_null(), r.is_null()) {
            (false, _) => s,
            (true, false) => (*r).server,
            (true, true) => (*c).base_server,
        };
        let proposals = new_array(pool_of(c, r));
        sys::ap_run_protocol_propose(c, r, server, choices, proposals);
        let present = CStr::from_ptr(ap_get_protocol(c));
        if Names(proposals).position(present).is_none() && offered.position(present).is_some() {
            push(proposals, present);
        }
        let preferences = if conf.protocols_honor_order == 0 && !offered.is_empty() {
            offered
        } else {
            allowed
        };
        Names(proposals)
            .iter()
            .filter(|name| allowed.position(name).is_some())
            .max_by(|left, right| compare(preferences, left, right))
            .map_or(null(), CStr::as_ptr)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_switch_protocol(
    c: *mut conn_rec,
    r: *mut request_rec,
    s: *mut server_rec,
    protocol: *const c_char,
) -> apr_status_t {
    // SAFETY: the header asks for a live connection and a string.
    unsafe {
        let log = |level: u32, text: &CStr| {
            sys::ap_log_cerror_(
                c"protocols".as_ptr(),
                0,
                sys::AP_CORE_MODULE_INDEX as c_int,
                level as c_int,
                0,
                c,
                text.as_ptr(),
                protocol,
            );
        };
        if CStr::from_ptr(ap_get_protocol(c)) == CStr::from_ptr(protocol) {
            log(
                sys::APLOG_WARNING,
                c"AH02906: already at it, protocol_switch to %s",
            );
            return 0;
        }
        match sys::ap_run_protocol_switch(c, r, s, protocol) {
            sys::DECLINED => {
                log(
                    sys::APLOG_ERR,
                    c"AH02907: no implementation for protocol_switch to %s",
                );
                APR_ENOTIMPL
            }
            0 | sys::DONE => 0,
            _ => {
                log(
                    sys::APLOG_ERR,
                    c"AH02905: unexpected return code from protocol_switch to %s",
                );
                APR_EOF
            }
        }
    }
}
