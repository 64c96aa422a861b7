//! The thread of a watchdog: it calls the callbacks when they are due, or, when there are none, the
//! hook `watchdog_step`. A singleton waits for its mutex first, so that one child at a time runs it.

use std::{
    ffi::{c_int, c_void},
    ptr::null_mut,
    sync::atomic::{AtomicI64, AtomicPtr, Ordering},
};

use httpd_sys::{self as sys, apr_pool_t, apr_status_t, apr_thread_t, server_rec};

use super::{
    hooks,
    registry::{Entry, Watchdog},
};
use crate::log::clock;

const OK: apr_status_t = sys::APR_SUCCESS as apr_status_t;
/// How long a thread sleeps at a time: as late as this it notices that it shall end.
const SLICE: i64 = 100_000;
/// What callbacks are told.
const STARTING: c_int = 1;
const RUNNING: c_int = 2;
const STOPPING: c_int = 3;

/// `WatchdogInterval`: how often `watchdog_step` runs.
static INTERVAL: AtomicI64 = AtomicI64::new(clock::SECOND);
/// The main server, which hooks are told.
static SERVER: AtomicPtr<server_rec> = AtomicPtr::new(null_mut());

pub fn set_interval(interval: i64) {
    INTERVAL.store(interval, Ordering::Relaxed);
}

pub fn set_server(s: *mut server_rec) {
    SERVER.store(s, Ordering::Relaxed);
}

/// Starts a watchdog's thread, which ends with the pool.
///
/// # Safety
/// The watchdog and the pool are live; in a child, which will not fork again.
pub unsafe fn start(watchdog: &Watchdog, pool: *mut apr_pool_t) -> apr_status_t {
    let mut thread = null_mut();
    let place = std::ptr::from_ref(watchdog).cast_mut().cast::<c_void>();
    // SAFETY: the caller's promise. The thread has a pool of its own, because pools are for one
    // thread each; it is joined before its watchdog goes.
    unsafe {
        let mutex = watchdog.mutex.load(Ordering::Relaxed);
        if !mutex.is_null() {
            let mut own = mutex;
            let file = sys::apr_proc_mutex_lockfile(mutex);
            let status = sys::apr_proc_mutex_child_init(&raw mut own, file, pool);
            if status != OK {
                return status;
            }
            watchdog.mutex.store(own, Ordering::Relaxed);
        }
        let mut own = null_mut();
        let status = sys::apr_pool_create_ex(&raw mut own, pool, None, null_mut());
        if status != OK {
            return status;
        }
        sys::apr_pool_tag(own, c"watchdog".as_ptr());
        watchdog.running.store(true, Ordering::Release);
        let status = sys::apr_thread_create(&raw mut thread, null_mut(), Some(run), place, own);
        if status != OK {
            watchdog.running.store(false, Ordering::Release);
            return status;
        }
        watchdog.thread.store(thread, Ordering::Release);
        // Before sub-pools go, of which the thread's is one.
        sys::apr_pool_pre_cleanup_register(pool, place, Some(stop_and_join));
    }
    OK
}

/// Lets the thread end when it next looks.
pub fn stop(watchdog: &Watchdog) {
    watchdog.running.store(false, Ordering::Release);
}

unsafe extern "C" fn stop_and_join(watchdog: *mut c_void) -> apr_status_t {
    // SAFETY: registered with a live watchdog.
    unsafe {
        let watchdog = &*watchdog.cast::<Watchdog>();
        stop(watchdog);
        let thread = watchdog.thread.swap(null_mut(), Ordering::Acquire);
        if !thread.is_null() {
            let mut answer = OK;
            sys::apr_thread_join(&raw mut answer, thread);
        }
    }
    OK
}

/// The thread. It returns instead of calling `apr_thread_exit`, which would unwind through it.
unsafe extern "C" fn run(thread: *mut apr_thread_t, watchdog: *mut c_void) -> *mut c_void {
    // SAFETY: `start` passes a live watchdog, which outlives this thread.
    unsafe {
        let watchdog = &*watchdog.cast::<Watchdog>();
        let pool = sys::apr_thread_pool_get(thread);
        let mutex = watchdog.mutex.load(Ordering::Relaxed);
        let locked = mutex.is_null() || wait_for(watchdog, mutex);
        if locked {
            live(watchdog, pool);
            if !mutex.is_null() {
                sys::apr_proc_mutex_unlock(mutex);
            }
        }
    }
    null_mut()
}

/// Whether the watchdog goes on; it does not when the server stops.
fn goes_on(watchdog: &Watchdog) -> bool {
    if !watchdog.running.load(Ordering::Acquire) {
        return false;
    }
    let mut state = 0;
    // SAFETY: the answer has a place.
    let status = unsafe { sys::ap_mpm_query(sys::AP_MPMQ_MPM_STATE as c_int, &raw mut state) };
    let goes_on = status == OK && state != sys::AP_MPMQ_STOPPING as c_int;
    if !goes_on {
        stop(watchdog);
    }
    goes_on
}

fn sleep() {
    std::thread::sleep(std::time::Duration::from_micros(SLICE.unsigned_abs()));
}

/// Waits for the mutex of a singleton; answers whether it has it.
///
/// # Safety
/// The mutex is live.
unsafe fn wait_for(watchdog: &Watchdog, mutex: *mut sys::apr_proc_mutex_t) -> bool {
    let mut tried = false;
    while goes_on(watchdog) {
        // SAFETY: the caller's promise.
        if unsafe { sys::apr_proc_mutex_trylock(mutex) } == OK {
            if tried {
                // Who had the mutex may have lost it because the whole server stops, which this
                // child has not been told yet.
                for _ in 0..10 {
                    if !goes_on(watchdog) {
                        break;
                    }
                    sleep();
                }
            }
            return true;
        }
        tried = true;
        sleep();
    }
    false
}

/// From the first call to the last.
///
/// # Safety
/// The pool is this thread's.
unsafe fn live(watchdog: &Watchdog, pool: *mut apr_pool_t) {
    let server = SERVER.load(Ordering::Relaxed);
    let name = watchdog.name.as_ptr();
    if !goes_on(watchdog) {
        return;
    }
    // SAFETY: the caller's promise; the server lives as long as the configuration.
    unsafe {
        for entry in snapshot(watchdog) {
            call(watchdog, &entry, STARTING, pool);
        }
        hooks::ap_run_watchdog_init(server, name, pool);
        let mut last = clock::now();
        let mut elapsed = 0;
        loop {
            sleep();
            if !goes_on(watchdog) {
                break;
            }
            let now = clock::now();
            let passed = now - std::mem::replace(&mut last, now);
            // What a call allocates goes with its turn.
            let mut turn = null_mut();
            if sys::apr_pool_create_ex(&raw mut turn, pool, None, null_mut()) != OK {
                continue;
            }
            for entry in due(watchdog, passed) {
                if goes_on(watchdog) {
                    call(watchdog, &entry, RUNNING, turn);
                }
            }
            if watchdog.entries().is_empty() {
                elapsed += passed;
                if elapsed >= INTERVAL.load(Ordering::Relaxed) {
                    elapsed = 0;
                    hooks::ap_run_watchdog_step(server, name, turn);
                }
            }
            sys::apr_pool_destroy(turn);
        }
        for entry in snapshot(watchdog) {
            call(watchdog, &entry, STOPPING, pool);
        }
        hooks::ap_run_watchdog_exit(server, name, pool);
    }
}

/// The callbacks that have not failed.
fn snapshot(watchdog: &Watchdog) -> Vec<Entry> {
    let entries = watchdog.entries();
    entries
        .iter()
        .filter(|entry| entry.status == OK)
        .copied()
        .collect()
}

/// The callbacks whose interval is over, after so much time has passed.
fn due(watchdog: &Watchdog, passed: i64) -> Vec<Entry> {
    let mut entries = watchdog.entries();
    let alive = entries.iter_mut().filter(|entry| entry.status == OK);
    alive
        .filter_map(|entry| {
            entry.elapsed += passed;
            (entry.elapsed >= entry.interval).then(|| {
                entry.elapsed = 0;
                *entry
            })
        })
        .collect()
}

/// Calls a callback and notes its answer.
///
/// # Safety
/// The pool is this thread's.
unsafe fn call(watchdog: &Watchdog, entry: &Entry, state: c_int, pool: *mut apr_pool_t) {
    // SAFETY: registered with its data; the caller's promise.
    let status = unsafe { (entry.function)(state, entry.data.cast_mut(), pool) };
    let mut entries = watchdog.entries();
    let same = |known: &&mut Entry| {
        known.data == entry.data && known.function as usize == entry.function as usize
    };
    if let Some(known) = entries.iter_mut().find(same) {
        known.status = status;
    }
}
