//! The watchdogs there are, their callbacks, and the optional functions by which modules get at
//! them.
//!
//! A watchdog is found by its name through the registry of providers, which forgets it with the
//! pool of the configuration. Callbacks are registered while the configuration is read; their
//! interval may change while the watchdog runs.

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    ptr::null_mut,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicPtr, Ordering},
    },
};

use httpd_sys::{self as sys, apr_interval_time_t, apr_pool_t, apr_status_t};
use module_sdk::raw::{Array, Pool};

use crate::modules::table;

const OK: apr_status_t = sys::APR_SUCCESS as apr_status_t;
const GROUP: &CStr = c"watchdog";

/// What a watchdog calls.
pub type Callback =
    unsafe extern "C" fn(state: c_int, data: *mut c_void, pool: *mut apr_pool_t) -> apr_status_t;

/// A callback with when it is due.
#[derive(Clone, Copy)]
pub struct Entry {
    pub function: Callback,
    pub data: *const c_void,
    pub interval: apr_interval_time_t,
    /// How long ago it was called.
    pub elapsed: apr_interval_time_t,
    /// The last answer; anything but success ends the calls.
    pub status: apr_status_t,
}

/// What `ap_watchdog_t *` points to. C only sees the pointer.
pub struct Watchdog {
    pub name: CString,
    /// Whether it runs in one child only.
    pub singleton: bool,
    entries: Mutex<Vec<Entry>>,
    /// Whether somebody wants it to run.
    pub active: AtomicBool,
    pub running: AtomicBool,
    /// For a singleton.
    pub mutex: AtomicPtr<sys::apr_proc_mutex_t>,
    pub thread: AtomicPtr<sys::apr_thread_t>,
}

impl Watchdog {
    /// The callbacks. A lock is never held while one is called: it may change intervals itself.
    pub fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a watchdog runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the control process.
    Parent,
    /// In children.
    Child,
}

impl Place {
    fn version(self) -> &'static CStr {
        match self {
            Self::Parent => c"parent",
            Self::Child => c"child",
        }
    }
}

/// The watchdogs of a place.
///
/// # Safety
/// The pool is live, and so are the watchdogs while the answer is used.
pub unsafe fn all<'a>(pool: *mut apr_pool_t, place: Place) -> Vec<&'a Watchdog> {
    let version = place.version().as_ptr();
    // SAFETY: the caller's promise; what is registered in our group is ours.
    unsafe {
        let names = sys::ap_list_provider_names(pool, GROUP.as_ptr(), version);
        if names.is_null() {
            return Vec::new();
        }
        Array::<sys::ap_list_provider_names_t>::from_ptr(names)
            .iter()
            .filter_map(|name| {
                sys::ap_lookup_provider(GROUP.as_ptr(), name.provider_name, version)
                    .cast::<Watchdog>()
                    .as_ref()
            })
            .collect()
    }
}

/// Offers the optional functions.
///
/// # Safety
/// Called while hooks are registered.
pub unsafe fn offer() {
    // SAFETY: the functions have the types that mod_watchdog.h gives their names.
    unsafe {
        table::offer(c"ap_watchdog_get_instance", instance as *const ());
        table::offer(
            c"ap_watchdog_register_callback",
            register_callback as *const (),
        );
        table::offer(
            c"ap_watchdog_set_callback_interval",
            set_callback_interval as *const (),
        );
    }
}

/// The optional function `ap_watchdog_get_instance`: the watchdog of this name, made if need be.
pub unsafe extern "C" fn instance(
    watchdog: *mut *mut Watchdog,
    name: *const c_char,
    parent: c_int,
    singleton: c_int,
    pool: *mut apr_pool_t,
) -> apr_status_t {
    let place = if parent == 0 {
        Place::Child
    } else {
        Place::Parent
    };
    let version = place.version().as_ptr();
    // SAFETY: mod_watchdog.h asks for a place, a string and a live pool.
    unsafe {
        let known = sys::ap_lookup_provider(GROUP.as_ptr(), name, version).cast::<Watchdog>();
        if !known.is_null() {
            watchdog.write(known);
            return OK;
        }
        let new = Pool::from_ptr(pool).zeroed::<Watchdog>();
        new.write(Watchdog {
            name: CStr::from_ptr(name).to_owned(),
            singleton: place == Place::Child && singleton != 0,
            entries: Mutex::new(Vec::new()),
            active: AtomicBool::new(false),
            running: AtomicBool::new(false),
            mutex: AtomicPtr::new(null_mut()),
            thread: AtomicPtr::new(null_mut()),
        });
        let nothing = Some(sys::apr_pool_cleanup_null as _);
        sys::apr_pool_cleanup_register(pool, new.cast(), Some(drop_watchdog), nothing);
        watchdog.write(new);
        let name = (*new).name.as_ptr();
        sys::ap_register_provider(pool, GROUP.as_ptr(), name, version, new.cast())
    }
}

unsafe extern "C" fn drop_watchdog(watchdog: *mut c_void) -> apr_status_t {
    // SAFETY: written by `instance`; the pool's memory outlives its cleanups, and the thread that
    // used the watchdog was joined by a cleanup registered later.
    unsafe { std::ptr::drop_in_place(watchdog.cast::<Watchdog>()) };
    OK
}

/// The optional function `ap_watchdog_register_callback`.
pub unsafe extern "C" fn register_callback(
    watchdog: *mut Watchdog,
    interval: apr_interval_time_t,
    data: *const c_void,
    callback: Option<Callback>,
) -> apr_status_t {
    // SAFETY: mod_watchdog.h asks for a live watchdog.
    let (Some(watchdog), Some(function)) = (unsafe { watchdog.as_ref() }, callback) else {
        return sys::APR_EINVAL as apr_status_t;
    };
    let mut entries = watchdog.entries();
    if entries.iter().any(|entry| is(entry, data, function)) {
        return sys::APR_EEXIST as apr_status_t;
    }
    // The last to be registered is called first, as in Apache.
    entries.insert(
        0,
        Entry {
            function,
            data,
            interval,
            elapsed: 0,
            status: OK,
        },
    );
    watchdog.active.store(true, Ordering::Relaxed);
    OK
}

/// The optional function `ap_watchdog_set_callback_interval`.
pub unsafe extern "C" fn set_callback_interval(
    watchdog: *mut Watchdog,
    interval: apr_interval_time_t,
    data: *const c_void,
    callback: Option<Callback>,
) -> apr_status_t {
    // SAFETY: as above.
    let (Some(watchdog), Some(function)) = (unsafe { watchdog.as_ref() }, callback) else {
        return sys::APR_EINVAL as apr_status_t;
    };
    let mut entries = watchdog.entries();
    match entries.iter_mut().find(|entry| is(entry, data, function)) {
        Some(entry) => {
            entry.interval = interval;
            entry.elapsed = 0;
            OK
        }
        None => sys::APR_EOF as apr_status_t,
    }
}

fn is(entry: &Entry, data: *const c_void, function: Callback) -> bool {
    entry.data == data && entry.function as usize == function as usize
}

#[cfg(test)]
mod tests {
    use std::ptr::null;

    use super::*;

    unsafe extern "C" fn callback(
        _state: c_int,
        _data: *mut c_void,
        _pool: *mut apr_pool_t,
    ) -> apr_status_t {
        OK
    }

    #[test]
    fn a_watchdog_is_known_by_name_and_a_callback_registered_once() {
        // SAFETY: APR is initialised; the pool is the test's own and lives to its end.
        unsafe {
            assert_eq!(sys::apr_initialize(), OK);
            let mut pool = null_mut();
            let status = sys::apr_pool_create_ex(&raw mut pool, null_mut(), None, null_mut());
            assert_eq!(status, OK);
            let (mut first, mut second) = (null_mut(), null_mut());
            let name = c"_test_".as_ptr();
            assert_eq!(instance(&raw mut first, name, 0, 1, pool), OK);
            assert_eq!(instance(&raw mut second, name, 0, 1, pool), OK);
            assert_eq!(first, second);
            assert!((*first).singleton);
            assert_eq!(register_callback(first, 10, null(), Some(callback)), OK);
            let exists = sys::APR_EEXIST as apr_status_t;
            assert_eq!(register_callback(first, 10, null(), Some(callback)), exists);
            assert_eq!(set_callback_interval(first, 20, null(), Some(callback)), OK);
            assert_eq!((&(*first).entries())[0].interval, 20);
            let other = c"x".as_ptr().cast();
            let unknown = sys::APR_EOF as apr_status_t;
            assert_eq!(
                set_callback_interval(first, 20, other, Some(callback)),
                unknown
            );
            let all = all(pool, Place::Child);
            assert!(
                all.iter()
                    .any(|watchdog| watchdog.name.as_c_str() == c"_test_")
            );
            sys::apr_pool_destroy(pool);
        }
    }
}
