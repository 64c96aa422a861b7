//! Whether access checks go by URI or by configuration, and the functions by which modules take part
//! in them and say so.
//!
//! A sub-request or a redirect within the configuration of its parent need not be checked again,
//! when every function and provider has said that it only looks at the configuration.

use std::{
    ffi::{c_char, c_int, c_void},
    sync::atomic::{AtomicBool, AtomicI32, Ordering::Relaxed},
};

use httpd_sys as sys;

exports! {
    ap_hook_check_access, ap_hook_check_access_ex, ap_hook_check_authn, ap_hook_check_authz,
    ap_clear_auth_internal, ap_setup_auth_internal, ap_register_auth_provider,
    ap_some_auth_required, ap_some_authn_required,
}

/// Access checks go by configuration.
static PER_CONFIGURATION: AtomicBool = AtomicBool::new(false);
/// How many functions said that this is all they need.
static HOOKS: AtomicI32 = AtomicI32::new(0);
/// How many providers did.
static PROVIDERS: AtomicI32 = AtomicI32::new(0);

/// Whether sub-requests and redirects with the configuration of the first request need no check.
pub(super) fn is_per_configuration() -> bool {
    PER_CONFIGURATION.load(Relaxed)
}

fn says_per_configuration(kind: c_int) -> bool {
    kind & sys::AP_AUTH_INTERNAL_MASK as c_int == sys::AP_AUTH_INTERNAL_PER_CONF as c_int
}

/// Exports a function that registers a hook and notes what its module says.
macro_rules! check {
    ($($name:ident $hook:ident $type:ident;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            function: sys::$type,
            predecessors: *const *const c_char,
            successors: *const *const c_char,
            order: c_int,
            kind: c_int,
        ) {
            if says_per_configuration(kind) {
                HOOKS.fetch_add(1, Relaxed);
            }
            // SAFETY: the arguments are those of the hook.
            unsafe { sys::$hook(function, predecessors, successors, order) }
        }
    )*};
}

check! {
    ap_hook_check_access ap_hook_access_checker ap_HOOK_access_checker_t;
    ap_hook_check_access_ex ap_hook_access_checker_ex ap_HOOK_access_checker_ex_t;
    ap_hook_check_authn ap_hook_check_user_id ap_HOOK_check_user_id_t;
    ap_hook_check_authz ap_hook_auth_checker ap_HOOK_auth_checker_t;
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_clear_auth_internal() {
    HOOKS.store(0, Relaxed);
    PROVIDERS.store(0, Relaxed);
    PER_CONFIGURATION.store(false, Relaxed);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_setup_auth_internal(temporary: *mut sys::apr_pool_t) {
    PER_CONFIGURATION.store(false, Relaxed);
    // SAFETY: the header asks for a live pool; arrays of hooks are NULL or APR's, and the optional
    // functions have the type that http_request.h declares for their names.
    let (hooks, providers) = unsafe {
        let registered = [
            sys::ap_hook_get_access_checker(),
            sys::ap_hook_get_access_checker_ex(),
            sys::ap_hook_get_check_user_id(),
            sys::ap_hook_get_auth_checker(),
        ];
        let hooks: c_int = registered
            .into_iter()
            .filter(|array| !array.is_null())
            .map(|array| (*array).nelts)
            .sum();
        let lists = [
            c"authn_ap_list_provider_names",
            c"authz_ap_list_provider_names",
        ];
        let mut providers = 0;
        for name in lists {
            if let Some(function) = sys::apr_dynamic_fn_retrieve(name.as_ptr()) {
                let list: unsafe extern "C" fn(
                    *mut sys::apr_pool_t,
                ) -> *mut sys::apr_array_header_t = std::mem::transmute(function);
                let names = list(temporary);
                if !names.is_null() {
                    providers += (*names).nelts;
                }
            }
        }
        (hooks, providers)
    };
    let all_said_so = HOOKS.load(Relaxed) >= hooks && PROVIDERS.load(Relaxed) >= providers;
    PER_CONFIGURATION.store(all_said_so, Relaxed);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_register_auth_provider(
    pool: *mut sys::apr_pool_t,
    group: *const c_char,
    name: *const c_char,
    version: *const c_char,
    provider: *const c_void,
    kind: c_int,
) -> sys::apr_status_t {
    if says_per_configuration(kind) {
        PROVIDERS.fetch_add(1, Relaxed);
    }
    // SAFETY: the arguments are those of the registry of providers.
    unsafe { sys::ap_register_provider(pool, group, name, version, provider) }
}

/// Asks mod_authz_core; nothing is required where it is not loaded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_some_auth_required(r: *mut sys::request_rec) -> c_int {
    // SAFETY: the header asks for a live request; the optional function has this type.
    unsafe {
        match sys::apr_dynamic_fn_retrieve(c"authz_some_auth_required".as_ptr()) {
            Some(function) => {
                let asks: unsafe extern "C" fn(*mut sys::request_rec) -> c_int =
                    std::mem::transmute(function);
                asks(r)
            }
            None => 0,
        }
    }
}

/// Whether this request will have to name its user, as the access checks tell by declining.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_some_authn_required(r: *mut sys::request_rec) -> c_int {
    // SAFETY: the header asks for a live request.
    unsafe {
        let by_host_is_enough = match sys::ap_satisfies(r) as u32 {
            sys::SATISFY_ALL | sys::SATISFY_NOSPEC => false,
            sys::SATISFY_ANY => true,
            _ => return 0,
        };
        let by_host = sys::ap_run_access_checker(r) == sys::OK as c_int;
        if by_host == by_host_is_enough {
            // Refused whoever asks, or let in whoever asks.
            return 0;
        }
        c_int::from(sys::ap_run_access_checker_ex(r) == sys::DECLINED)
    }
}
