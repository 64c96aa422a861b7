//! What a client says of itself (Basic authentication), and asking it to say more.

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::null,
};

use httpd_sys::{self as sys, apr_status_t, request_rec};
use module_sdk::raw::text;

use super::{keepalive::lookup, status_codes::APR_EINVAL};
use crate::abi::notice::shown;

exports! {
    ap_note_auth_failure, ap_note_basic_auth_failure, ap_note_digest_auth_failure,
    ap_get_basic_auth_pw, ap_get_basic_auth_components,
}

/// Says that `ap_get_basic_auth_pw` has been used (`AP_GET_BASIC_AUTH_PW_NOTE`).
const PASSWORD_NOTE: &CStr = c"AP_GET_BASIC_AUTH_PW_NOTE";

/// Lets the module of the configured AuthType ask the client to authenticate.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_note_auth_failure(r: *mut request_rec) {
    // SAFETY: the header asks for a live request.
    unsafe {
        let kind = sys::ap_auth_type(r);
        if kind.is_null() {
            let uri = text((*r).uri).unwrap_or(c"");
            notice!(
                Core,
                ERR,
                0,
                r,
                "AH00571: need AuthType to note auth failure: {}",
                shown(uri.to_bytes())
            );
            return;
        }
        sys::ap_run_note_auth_failure(r, kind);
    }
}

/// The same when Basic is what failed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_note_basic_auth_failure(r: *mut request_rec) {
    // SAFETY: the header's contract.
    unsafe { note_failure_of(r, c"Basic") }
}

/// The same when Digest is what failed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_note_digest_auth_failure(r: *mut request_rec) {
    // SAFETY: the header's contract.
    unsafe { note_failure_of(r, c"Digest") }
}

/// # Safety
/// `r` is live.
unsafe fn note_failure_of(r: *mut request_rec, kind: &CStr) {
    // SAFETY: the caller's promise.
    unsafe {
        if is_configured(r, kind) {
            sys::ap_run_note_auth_failure(r, kind.as_ptr());
        } else {
            ap_note_auth_failure(r);
        }
    }
}

/// Whether AuthType is this.
///
/// # Safety
/// `r` is live.
unsafe fn is_configured(r: *mut request_rec, kind: &CStr) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        text(sys::ap_auth_type(r))
            .is_some_and(|set| set.to_bytes().eq_ignore_ascii_case(kind.to_bytes()))
    }
}

/// The field with the client's credentials.
///
/// # Safety
/// `r` is live.
unsafe fn credentials<'r>(r: *const request_rec) -> Option<&'r CStr> {
    // SAFETY: the caller's promise.
    unsafe {
        let name = if (*r).proxyreq == sys::PROXYREQ_PROXY as c_int {
            c"Proxy-Authorization"
        } else {
            c"Authorization"
        };
        lookup((*r).headers_in, name)
    }
}

/// Name and password of Basic credentials, in the request's pool; `None` for another scheme.
///
/// # Safety
/// `r` is live.
unsafe fn decode(r: *const request_rec, field: &CStr) -> Option<(*mut c_char, *const c_char)> {
    // SAFETY: the caller's promise; the cursor stays within the field and the decoded text.
    unsafe {
        let mut rest = field.as_ptr();
        let scheme = sys::ap_getword((*r).pool, &mut rest, b' ' as c_char);
        if !CStr::from_ptr(scheme)
            .to_bytes()
            .eq_ignore_ascii_case(b"Basic")
        {
            return None;
        }
        while matches!(*rest as u8, b' ' | b'\t') {
            rest = rest.add(1);
        }
        let mut decoded = sys::ap_pbase64decode((*r).pool, rest).cast_const();
        let user = sys::ap_getword_nulls((*r).pool, &mut decoded, b':' as c_char);
        Some((user, decoded))
    }
}

/// Sets the request's user and gives the password; OK, DECLINED when Basic is not configured, or
/// the status to answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_basic_auth_pw(
    r: *mut request_rec,
    pw: *mut *const c_char,
) -> c_int {
    // SAFETY: the header asks for a live request and a place to write to.
    unsafe {
        if !is_configured(r, c"Basic") {
            return sys::DECLINED;
        }
        let uri = || text((*r).uri).unwrap_or(c"").to_bytes();
        if sys::ap_auth_name(r).is_null() {
            notice!(Core, ERR, 0, r, "AH00572: need AuthName: {}", shown(uri()));
            return sys::HTTP_INTERNAL_SERVER_ERROR as c_int;
        }
        let Some(field) = credentials(r) else {
            ap_note_auth_failure(r);
            return sys::HTTP_UNAUTHORIZED as c_int;
        };
        let Some((user, password)) = decode(r, field) else {
            notice!(
                Core,
                ERR,
                0,
                r,
                "AH00573: client used wrong authentication scheme: {}",
                shown(uri())
            );
            ap_note_auth_failure(r);
            return sys::HTTP_UNAUTHORIZED as c_int;
        };
        (*r).user = user;
        sys::apr_table_setn((*r).notes, PASSWORD_NOTE.as_ptr(), c"1".as_ptr());
        (*r).ap_auth_type = c"Basic".as_ptr().cast_mut();
        *pw = password;
        sys::OK as c_int
    }
}

/// Name and password as sent, whatever is configured; either place may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_basic_auth_components(
    r: *const request_rec,
    username: *mut *const c_char,
    password: *mut *const c_char,
) -> apr_status_t {
    // SAFETY: the header asks for a live request, and NULL or places to write to.
    unsafe {
        let found = credentials(r).and_then(|field| decode(r, field));
        let (user, secret) = found.map_or((null(), null()), |(user, secret)| {
            (user.cast_const(), secret)
        });
        if found.is_none() {
            return APR_EINVAL;
        }
        if !username.is_null() {
            username.write(user);
        }
        if !password.is_null() {
            password.write(secret);
        }
        0
    }
}
