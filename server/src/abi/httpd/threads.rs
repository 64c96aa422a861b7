//! Threads of APR that know themselves: part of `httpd.h`.
//!
//! A thread made by `ap_thread_create` finds its record in a thread-local; other threads can be given
//! one. The control process and its children have one for their main thread.

use std::{
    cell::Cell,
    ffi::c_void,
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, apr_pool_t, apr_status_t, apr_thread_t, apr_threadattr_t};

exports! {
    ap_thread_create, ap_thread_current, ap_thread_current_create, ap_thread_current_after_fork,
    ap_thread_main_create,
}

thread_local! {
    static CURRENT: Cell<*mut apr_thread_t> = const { Cell::new(null_mut()) };
}

/// What a new thread is to do.
struct Start {
    function: sys::apr_thread_start_t,
    data: *mut c_void,
}

unsafe extern "C" fn start(thread: *mut apr_thread_t, start: *mut c_void) -> *mut c_void {
    // SAFETY: `ap_thread_create` passes what it boxed, to one thread.
    let start = unsafe { Box::from_raw(start.cast::<Start>()) };
    CURRENT.set(thread);
    match start.function {
        // SAFETY: the creator passed a function and its data.
        Some(function) => unsafe { function(thread, start.data) },
        None => null_mut(),
    }
}

/// Makes a thread that `ap_thread_current` knows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_thread_create(
    thread: *mut *mut apr_thread_t,
    attr: *mut apr_threadattr_t,
    func: sys::apr_thread_start_t,
    data: *mut c_void,
    pool: *mut apr_pool_t,
) -> apr_status_t {
    let what = Box::into_raw(Box::new(Start {
        function: func,
        data,
    }));
    // SAFETY: the caller's arguments are passed on; when no thread starts, the box is still ours.
    unsafe {
        let status = sys::apr_thread_create(thread, attr, Some(start), what.cast(), pool);
        if status != 0 {
            drop(Box::from_raw(what));
        }
        status
    }
}

/// The running thread; NULL when it has no record.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_thread_current() -> *mut apr_thread_t {
    CURRENT.get()
}

/// Gives the running thread a record if it has none. Its pool is a new one with an allocator of its
/// own, so that no other thread is disturbed; only the handler of failures is `pool`'s.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_thread_current_create(
    current: *mut *mut apr_thread_t,
    _attr: *mut apr_threadattr_t,
    pool: *mut apr_pool_t,
) -> apr_status_t {
    // SAFETY: the header asks for a place for the answer and a live pool; what is made here is
    // destroyed again when a later step fails.
    unsafe {
        current.write(CURRENT.get());
        if !(*current).is_null() {
            return 0;
        }
        let mut allocator = null_mut();
        let status = sys::apr_allocator_create(&raw mut allocator);
        if status != 0 {
            return status;
        }
        let mut own = null_mut();
        let abort = sys::apr_pool_abort_get(pool);
        let status = sys::apr_pool_create_unmanaged_ex(&raw mut own, abort, allocator);
        if status != 0 {
            sys::apr_allocator_destroy(allocator);
            return status;
        }
        sys::apr_allocator_owner_set(allocator, own);
        let mut system = sys::apr_os_thread_current();
        let status = sys::apr_os_thread_put(current, &raw mut system, own);
        if status != 0 {
            sys::apr_pool_destroy(own);
            return status;
        }
        CURRENT.set(*current);
        0
    }
}

/// Forgets in a new child what the parent's thread was: the record is the parent's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_thread_current_after_fork() {
    CURRENT.set(null_mut());
}

/// Gives the main thread a record that lasts as long as `pool`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_thread_main_create(
    thread: *mut *mut apr_thread_t,
    pool: *mut apr_pool_t,
) -> apr_status_t {
    // SAFETY: the header asks for a place for the answer and a live pool.
    unsafe {
        let status = ap_thread_current_create(thread, null_mut(), pool);
        if status == 0 {
            sys::apr_pool_cleanup_register(
                pool,
                (*thread).cast_const().cast(),
                Some(end_main),
                Some(sys::apr_pool_cleanup_null),
            );
        }
        status
    }
}

unsafe extern "C" fn end_main(thread: *mut c_void) -> apr_status_t {
    if CURRENT.get().cast_const().cast() == thread.cast_const() {
        CURRENT.set(null_mut());
    }
    debug_assert_ne!(thread.cast_const(), null());
    // SAFETY: registered once with a record whose pool nobody else destroys.
    unsafe { sys::apr_pool_destroy(sys::apr_thread_pool_get(thread.cast())) };
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::http_config::testing::with_pool;

    unsafe extern "C" fn knows_itself(thread: *mut apr_thread_t, data: *mut c_void) -> *mut c_void {
        // SAFETY: the test passes a place that outlives the thread.
        unsafe { data.cast::<bool>().write(ap_thread_current() == thread) };
        null_mut()
    }

    #[test]
    fn threads_know_themselves() {
        // SAFETY: the thread is waited for before what it uses goes.
        with_pool(|pool| unsafe {
            let (mut thread, mut known, mut status) = (null_mut(), false, 0);
            let place = (&raw mut known).cast();
            let made =
                ap_thread_create(&raw mut thread, null_mut(), Some(knows_itself), place, pool);
            assert_eq!(made, 0);
            sys::apr_thread_join(&raw mut status, thread);
            assert!(known);
        });
        std::thread::spawn(|| {
            // SAFETY: the record goes with the pool.
            with_pool(|pool| unsafe {
                let (mut first, mut second) = (null_mut(), null_mut());
                assert!(ap_thread_current().is_null());
                assert_eq!(ap_thread_main_create(&raw mut first, pool), 0);
                assert_eq!(
                    ap_thread_current_create(&raw mut second, null_mut(), pool),
                    0
                );
                assert_eq!((first, first), (second, ap_thread_current()));
            });
            // SAFETY: asks a thread-local.
            assert!(unsafe { ap_thread_current() }.is_null());
        })
        .join()
        .unwrap();
    }
}
