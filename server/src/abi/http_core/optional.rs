//! Functions of other modules that the core's accessors ask, if those modules are there: mod_ident,
//! mod_authn_core, mod_access_compat. They are looked up once the configuration is read.

use std::{
    ffi::{CStr, c_char, c_int},
    mem::transmute_copy,
    ptr::null,
};

use httpd_sys::{self as sys, request_rec};

exports! { ap_auth_type, ap_auth_name, ap_satisfies }

/// Asks for a text about a request.
pub(crate) type AskText = unsafe extern "C" fn(*mut request_rec) -> *const c_char;
/// Asks for a number about a request.
pub(crate) type AskNumber = unsafe extern "C" fn(*mut request_rec) -> c_int;

/// What was found; changes only while the server is single-threaded.
struct Found {
    ident_lookup: Option<AskText>,
    auth_type: Option<AskText>,
    auth_name: Option<AskText>,
    satisfies: Option<AskNumber>,
}

const NOTHING: Found = Found {
    ident_lookup: None,
    auth_type: None,
    auth_name: None,
    satisfies: None,
};

static mut FOUND: Found = NOTHING;

/// Looks the functions up.
///
/// # Safety
/// The server is single-threaded.
pub(crate) unsafe fn retrieve() {
    // SAFETY: the caller's promise; http_core.h declares these names with these types.
    unsafe {
        FOUND = Found {
            ident_lookup: function(c"ap_ident_lookup"),
            auth_type: function(c"authn_ap_auth_type"),
            auth_name: function(c"authn_ap_auth_name"),
            satisfies: function(c"access_compat_ap_satisfies"),
        };
    }
}

/// Forgets them: their modules may go.
///
/// # Safety
/// As `retrieve`.
pub(crate) unsafe fn forget() {
    // SAFETY: the caller's promise.
    unsafe { FOUND = NOTHING };
}

/// # Safety
/// `F` is the type of function that is registered under this name.
unsafe fn function<F: Copy>(name: &CStr) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<unsafe extern "C" fn()>()) };
    // SAFETY: the caller's promise; both are pointers to functions.
    unsafe {
        sys::apr_dynamic_fn_retrieve(name.as_ptr())
            .map(|function| transmute_copy::<unsafe extern "C" fn(), F>(&function))
    }
}

/// mod_ident's, if it is there.
pub(super) fn ident_lookup() -> Option<AskText> {
    // SAFETY: written only while the server is single-threaded.
    unsafe { FOUND.ident_lookup }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_auth_type(r: *mut request_rec) -> *const c_char {
    // SAFETY: the header asks for a live request; the function has the type of the header.
    unsafe { FOUND.auth_type.map_or(null(), |ask| ask(r)) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_auth_name(r: *mut request_rec) -> *const c_char {
    // SAFETY: as above.
    unsafe { FOUND.auth_name.map_or(null(), |ask| ask(r)) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_satisfies(r: *mut request_rec) -> c_int {
    // SAFETY: as above.
    unsafe {
        FOUND
            .satisfies
            .map_or(sys::SATISFY_NOSPEC as c_int, |ask| ask(r))
    }
}
