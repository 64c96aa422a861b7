//! Exports of `http_ssl.h`: what the core asks modules that encrypt connections.
//!
//! Modules answer by hooks; older ones by optional functions (`ssl_is_https`, `ssl_var_lookup`).
//! Others still look for those names, so the core puts its own functions there, which ask both.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::null_mut,
    sync::atomic::{AtomicPtr, Ordering},
};

use httpd_sys::{self as sys, apr_pool_t, apr_status_t, conn_rec, request_rec, server_rec};

use super::http_request::support::CORE;

exports! {
    ap_ssl_conn_is_ssl, ap_ssl_var_lookup, ap_ssl_bind_outgoing, ap_ssl_has_outgoing_handlers,
    ap_ssl_add_cert_files, ap_ssl_add_fallback_cert_files, ap_ssl_answer_challenge,
    ap_ssl_ocsp_prime, ap_ssl_ocsp_get_resp, ap_setup_ssl_optional_fns,
}

const OK: c_int = sys::OK as c_int;
const NO_ENTRY: apr_status_t = sys::APR_ENOENT as apr_status_t;
/// A module refused; which status it gave says no more (APR_EGENERAL).
const GENERAL: apr_status_t = sys::APR_EGENERAL as apr_status_t;

type OfConnection = unsafe extern "C" fn(*mut conn_rec) -> c_int;
type EngineSet =
    unsafe extern "C" fn(*mut conn_rec, *mut sys::ap_conf_vector_t, c_int, c_int) -> c_int;
type VarLookup = unsafe extern "C" fn(
    *mut apr_pool_t,
    *mut server_rec,
    *mut conn_rec,
    *mut request_rec,
    *mut c_char,
) -> *mut c_char;

/// An optional function of a module that was there before ours. It goes when its module does, and is
/// looked up again then.
struct Optional(AtomicPtr<c_void>);

impl Optional {
    const fn none() -> Self {
        Self(AtomicPtr::new(null_mut()))
    }

    /// Looks the function up; `own` is ours, under the same name.
    ///
    /// # Safety
    /// APR is initialised.
    unsafe fn look_up(&self, name: &CStr, own: *mut c_void) {
        // SAFETY: the caller's promise.
        let found = unsafe { sys::apr_dynamic_fn_retrieve(name.as_ptr()) };
        let found = found.map_or(null_mut(), |function| function as *mut c_void);
        self.0.store(
            if found == own { null_mut() } else { found },
            Ordering::Release,
        );
    }

    /// The function.
    ///
    /// # Safety
    /// `F` is the type of function that has this name.
    unsafe fn get<F: Copy>(&self) -> Option<F> {
        const {
            assert!(
                size_of::<F>() == size_of::<*mut c_void>(),
                "a function pointer"
            )
        };
        let function = self.0.load(Ordering::Acquire);
        // SAFETY: the caller's promise.
        (!function.is_null()).then(|| unsafe { std::mem::transmute_copy(&function) })
    }
}

static IS_HTTPS: Optional = Optional::none();
static VAR_LOOKUP: Optional = Optional::none();
static PROXY_ENABLE: Optional = Optional::none();
static ENGINE_DISABLE: Optional = Optional::none();
static ENGINE_SET: Optional = Optional::none();

/// Our `ssl_is_https`.
unsafe extern "C" fn is_https(c: *mut conn_rec) -> c_int {
    // SAFETY: the contracts are the same.
    unsafe { ap_ssl_conn_is_ssl(c) }
}

/// Our `ssl_var_lookup`.
unsafe extern "C" fn var_lookup(
    pool: *mut apr_pool_t,
    s: *mut server_rec,
    c: *mut conn_rec,
    r: *mut request_rec,
    name: *mut c_char,
) -> *mut c_char {
    // SAFETY: the contracts are the same.
    unsafe { ap_ssl_var_lookup(pool, s, c, r, name).cast_mut() }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_setup_ssl_optional_fns(_: *mut apr_pool_t) {
    let own_is_https: OfConnection = is_https;
    let own_var_lookup: VarLookup = var_lookup;
    // SAFETY: called after modules have registered theirs; ours have the types of these names.
    unsafe {
        IS_HTTPS.look_up(c"ssl_is_https", own_is_https as *mut c_void);
        VAR_LOOKUP.look_up(c"ssl_var_lookup", own_var_lookup as *mut c_void);
        PROXY_ENABLE.look_up(c"ssl_proxy_enable", null_mut());
        ENGINE_DISABLE.look_up(c"ssl_engine_disable", null_mut());
        ENGINE_SET.look_up(c"ssl_engine_set", null_mut());
        sys::apr_dynamic_fn_register(
            c"ssl_is_https".as_ptr(),
            std::mem::transmute::<OfConnection, sys::apr_opt_fn_t>(own_is_https),
        );
        sys::apr_dynamic_fn_register(
            c"ssl_var_lookup".as_ptr(),
            std::mem::transmute::<VarLookup, sys::apr_opt_fn_t>(own_var_lookup),
        );
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_ssl_conn_is_ssl(c: *mut conn_rec) -> c_int {
    // SAFETY: the header asks for a live connection; the optional function has this type.
    unsafe {
        if sys::ap_run_ssl_conn_is_ssl(c) == OK {
            return 1;
        }
        IS_HTTPS.get::<OfConnection>().map_or(0, |asks| asks(c))
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_ssl_var_lookup(
    pool: *mut apr_pool_t,
    s: *mut server_rec,
    c: *mut conn_rec,
    r: *mut request_rec,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: as the header asks; the optional function has this type and does not write the name.
    unsafe {
        let value = sys::ap_run_ssl_var_lookup(pool, s, c, r, name);
        match VAR_LOOKUP.get::<VarLookup>() {
            Some(asks) if value.is_null() => asks(pool, s, c, r, name.cast_mut()),
            _ => value,
        }
    }
}

/// Marks a connection as one to another server, encrypted or not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_ssl_bind_outgoing(
    c: *mut conn_rec,
    dir_conf: *mut sys::ap_conf_vector_t,
    enable: c_int,
) -> c_int {
    // SAFETY: as the header asks; the optional functions have these types.
    unsafe {
        (*c).outgoing = 1;
        let mut enabled = sys::ap_run_ssl_bind_outgoing(c, dir_conf, enable) == OK;
        let engine_set = ENGINE_SET.get::<EngineSet>();
        if enable != 0 && !enabled {
            if let Some(set) = engine_set {
                enabled = set(c, dir_conf, 1, 1) != 0;
            } else if let Some(enables) = PROXY_ENABLE.get::<OfConnection>() {
                enabled = enables(c) != 0;
            }
        } else if let Some(set) = engine_set {
            // Nobody else is to encrypt it.
            set(c, dir_conf, 1, 0);
        } else if let Some(disables) = ENGINE_DISABLE.get::<OfConnection>() {
            disables(c);
        }
        if enable != 0 && !enabled {
            sys::ap_log_cerror_(
                concat!(file!(), "\0").as_ptr().cast(),
                line!() as c_int,
                CORE,
                sys::APLOG_ERR as c_int,
                0,
                c,
                c"AH01961: failed to enable ssl support [Hint: if using mod_ssl, see \
                    SSLProxyEngine]"
                    .as_ptr(),
            );
            return sys::DECLINED;
        }
    }
    OK
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_ssl_has_outgoing_handlers() -> c_int {
    // SAFETY: the array is NULL or APR's; the optional functions have these types.
    unsafe {
        let hooks = sys::ap_hook_get_ssl_bind_outgoing();
        let has_hooks = !hooks.is_null() && (*hooks).nelts > 0;
        c_int::from(
            has_hooks
                || PROXY_ENABLE.get::<OfConnection>().is_some()
                || ENGINE_SET.get::<EngineSet>().is_some(),
        )
    }
}

/// What a hook has answered as a status of APR.
fn status(answer: c_int, declined: apr_status_t) -> apr_status_t {
    match answer {
        OK => 0,
        sys::DECLINED => declined,
        _ => GENERAL,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_ssl_add_cert_files(
    s: *mut server_rec,
    pool: *mut apr_pool_t,
    certificates: *mut sys::apr_array_header_t,
    keys: *mut sys::apr_array_header_t,
) -> apr_status_t {
    // SAFETY: the hook's contract is this function's.
    let answer = unsafe { sys::ap_run_ssl_add_cert_files(s, pool, certificates, keys) };
    status(answer, 0)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_ssl_add_fallback_cert_files(
    s: *mut server_rec,
    pool: *mut apr_pool_t,
    certificates: *mut sys::apr_array_header_t,
    keys: *mut sys::apr_array_header_t,
) -> apr_status_t {
    // SAFETY: as above.
    let answer = unsafe { sys::ap_run_ssl_add_fallback_cert_files(s, pool, certificates, keys) };
    status(answer, 0)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_ssl_answer_challenge(
    c: *mut conn_rec,
    server_name: *const c_char,
    certificate: *mut *const c_char,
    key: *mut *const c_char,
) -> c_int {
    // SAFETY: as above.
    let answer = unsafe { sys::ap_run_ssl_answer_challenge(c, server_name, certificate, key) };
    c_int::from(answer == OK)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_ssl_ocsp_prime(
    s: *mut server_rec,
    pool: *mut apr_pool_t,
    id: *const c_char,
    id_len: sys::apr_size_t,
    pem: *const c_char,
) -> apr_status_t {
    // SAFETY: as above.
    let answer = unsafe { sys::ap_run_ssl_ocsp_prime_hook(s, pool, id, id_len, pem) };
    status(answer, NO_ENTRY)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_ssl_ocsp_get_resp(
    s: *mut server_rec,
    c: *mut conn_rec,
    id: *const c_char,
    id_len: sys::apr_size_t,
    copy: sys::ap_ssl_ocsp_copy_resp,
    userdata: *mut c_void,
) -> apr_status_t {
    // SAFETY: as above.
    let answer = unsafe { sys::ap_run_ssl_ocsp_get_resp_hook(s, c, id, id_len, copy, userdata) };
    status(answer, NO_ENTRY)
}
