//! `watchdog_module`: threads that call modules from time to time, as mod_watchdog has it. mod_md,
//! mod_heartmonitor, mod_proxy_hcheck and others live on it.
//!
//! `registry`: the watchdogs and what modules register; `worker`: their threads; `hooks`: the hook
//! points of mod_watchdog.h. Here: when they start.

pub mod hooks;
mod registry;
mod worker;

use std::{
    ffi::{c_char, c_int, c_void},
    ptr::{null, null_mut},
    sync::atomic::Ordering,
};

use httpd_sys::{self as sys, apr_pool_t, apr_status_t, cmd_parms, server_rec};

use super::table::{self, Commands};
use crate::{abi::http_log::report, log::clock};
use registry::{Place, Watchdog};

/// The module.
#[unsafe(no_mangle)]
pub static mut watchdog_module: sys::module = sys::module {
    cmds: COMMANDS.as_ptr(),
    register_hooks: Some(register_hooks),
    ..table::module(c"mod_watchdog.c")
};

static COMMANDS: Commands<2> = Commands([
    table::take1(
        c"WatchdogInterval",
        interval,
        sys::RSRC_CONF,
        c"Watchdog interval in seconds",
    ),
    table::END,
]);

const OK: apr_status_t = sys::APR_SUCCESS as apr_status_t;
/// The kind of mutex that the directive `Mutex` knows.
const MUTEX: &std::ffi::CStr = c"watchdog-callback";

fn index() -> c_int {
    // SAFETY: a plain number, set when the module is registered.
    unsafe { watchdog_module.module_index }
}

/// `WatchdogInterval time`.
unsafe extern "C" fn interval(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    text: *const c_char,
) -> *const c_char {
    // SAFETY: the engine passes its live record and a string.
    unsafe {
        let refusal = sys::ap_check_cmd_context(cmd, sys::GLOBAL_ONLY);
        if !refusal.is_null() {
            return refusal;
        }
        let mut interval = 0;
        let seconds = c"s".as_ptr();
        if sys::ap_timeout_parameter_parse(text, &raw mut interval, seconds) != OK {
            return c"Unparse-able WatchdogInterval setting".as_ptr();
        }
        if interval < clock::SECOND / 10 {
            return c"Invalid WatchdogInterval: minimal value 100ms".as_ptr();
        }
        worker::set_interval(interval);
    }
    null()
}

unsafe extern "C" fn register_hooks(_pool: *mut apr_pool_t) {
    let (middle, last) = (sys::APR_HOOK_MIDDLE as c_int, sys::APR_HOOK_LAST as c_int);
    std::hint::black_box(&hooks::KEEP);
    // SAFETY: called while hooks are registered.
    unsafe {
        sys::ap_hook_pre_config(Some(pre_config), null(), null(), middle);
        sys::ap_hook_post_config(Some(post_config), null(), null(), last);
        sys::ap_hook_child_init(Some(child_init), null(), null(), middle);
        sys::ap_hook_child_stopping(Some(child_stopping), null(), null(), middle);
        registry::offer();
    }
}

unsafe extern "C" fn pre_config(
    pconf: *mut apr_pool_t,
    _plog: *mut apr_pool_t,
    _ptemp: *mut apr_pool_t,
) -> c_int {
    worker::set_interval(clock::SECOND);
    // SAFETY: the hook passes a live pool.
    unsafe {
        let status =
            sys::ap_mutex_register(pconf, MUTEX.as_ptr(), null(), sys::APR_LOCK_DEFAULT, 0);
        if status != OK {
            return sys::HTTP_INTERNAL_SERVER_ERROR as c_int;
        }
        // Those that are there without being asked for; they sleep unless somebody needs them.
        for (name, parent, singleton) in [
            (c"_singleton_", 0, 1),
            (c"_default_", 0, 0),
            (c"_default_", 1, 0),
        ] {
            let mut watchdog = null_mut();
            let name = name.as_ptr();
            if registry::instance(&raw mut watchdog, name, parent, singleton, pconf) != OK {
                return sys::HTTP_INTERNAL_SERVER_ERROR as c_int;
            }
        }
    }
    sys::OK as c_int
}

/// Whether somebody wants this watchdog, by a callback or by the hook.
///
/// # Safety
/// The server is live.
unsafe fn is_wanted(watchdog: &Watchdog, s: *mut server_rec, place: Place) -> bool {
    if watchdog.active.load(Ordering::Relaxed) {
        return true;
    }
    let parent = c_int::from(place == Place::Parent);
    let singleton = c_int::from(watchdog.singleton);
    // SAFETY: the caller's promise.
    let answer =
        unsafe { hooks::ap_run_watchdog_need(s, watchdog.name.as_ptr(), parent, singleton) };
    if answer != sys::OK as c_int {
        return false;
    }
    watchdog.active.store(true, Ordering::Relaxed);
    true
}

unsafe extern "C" fn post_config(
    pconf: *mut apr_pool_t,
    _plog: *mut apr_pool_t,
    ptemp: *mut apr_pool_t,
    s: *mut server_rec,
) -> c_int {
    // SAFETY: the hook passes live pools and the main server; the watchdogs live in `pconf`.
    unsafe {
        let first_pass = sys::AP_SQ_MS_CREATE_PRE_CONFIG as c_int;
        if sys::ap_state_query(sys::AP_SQ_MAIN_STATE as c_int) == first_pass {
            return sys::OK as c_int;
        }
        worker::set_server(s);
        for watchdog in registry::all(ptemp, Place::Parent) {
            if !is_wanted(watchdog, s, Place::Parent) {
                continue;
            }
            let status = worker::start(watchdog, pconf);
            if status != OK {
                report(
                    index(),
                    sys::APLOG_CRIT,
                    status,
                    s,
                    format_args!("AH01571: Watchdog: Failed to create parent worker thread."),
                );
                return sys::HTTP_INTERNAL_SERVER_ERROR as c_int;
            }
        }
        for watchdog in registry::all(ptemp, Place::Child) {
            if !is_wanted(watchdog, s, Place::Child) || !watchdog.singleton {
                continue;
            }
            let mut mutex = null_mut();
            let status = sys::ap_proc_mutex_create(
                &raw mut mutex,
                null_mut(),
                MUTEX.as_ptr(),
                watchdog.name.as_ptr(),
                s,
                pconf,
                0,
            );
            if status != OK {
                return sys::HTTP_INTERNAL_SERVER_ERROR as c_int;
            }
            watchdog.mutex.store(mutex, Ordering::Relaxed);
        }
    }
    sys::OK as c_int
}

/// Starts the watchdogs of a child.
unsafe extern "C" fn child_init(pchild: *mut apr_pool_t, s: *mut server_rec) {
    // SAFETY: the hook passes the child's pool; the watchdogs live in the configuration's.
    unsafe {
        for watchdog in registry::all(pchild, Place::Child) {
            if !watchdog.active.load(Ordering::Relaxed) {
                continue;
            }
            let status = worker::start(watchdog, pchild);
            if status != OK {
                report(
                    index(),
                    sys::APLOG_CRIT,
                    status,
                    s,
                    format_args!("AH01573: Watchdog: Failed to create worker thread."),
                );
                return;
            }
        }
    }
}

/// The child ends: the watchdogs stop at once, so that another child's may take over.
unsafe extern "C" fn child_stopping(pchild: *mut apr_pool_t, _graceful: c_int) {
    // SAFETY: as above.
    for watchdog in unsafe { registry::all(pchild, Place::Child) } {
        worker::stop(watchdog);
    }
}
