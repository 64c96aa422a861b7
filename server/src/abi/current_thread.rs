//! `conn_rec.current_thread`: the thread that runs a connection at this moment, as APR sees it. Modules
//! ask for its pool (`apr_thread_pool_get`), to keep there what one thread uses again and again.

use std::{cell::Cell, ptr::null_mut};

use httpd_sys as sys;

/// This thread's record, in a pool that lives as long as the thread.
struct Current(Cell<*mut sys::apr_thread_t>);

impl Drop for Current {
    fn drop(&mut self) {
        let thread = self.0.get();
        if !thread.is_null() {
            // SAFETY: made by `current` in its own pool; the thread is at its end, so nothing that it
            // ran is still there to use either.
            unsafe { sys::apr_pool_destroy(sys::apr_thread_pool_get(thread)) };
        }
    }
}

thread_local! {
    static CURRENT: Current = const { Current(Cell::new(null_mut())) };
}

/// The record of this thread, which APR did not start.
pub fn current() -> *mut sys::apr_thread_t {
    CURRENT.with(|current| {
        if current.0.get().is_null() {
            let (mut pool, mut thread) = (null_mut(), null_mut());
            // SAFETY: the pool is nobody else's and below none, so it is not destroyed by another. The
            // thread's id lives in it, as APR keeps a pointer to it.
            unsafe {
                if sys::apr_pool_create_unmanaged_ex(&raw mut pool, None, null_mut()) == 0 {
                    let id: *mut libc::pthread_t =
                        sys::apr_palloc(pool, size_of::<libc::pthread_t>()).cast();
                    id.write(libc::pthread_self());
                    sys::apr_os_thread_put(&raw mut thread, id.cast(), pool);
                    current.0.set(thread);
                }
            }
        }
        current.0.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_one_record_with_a_pool_of_its_own() {
        // SAFETY: initialisation may be repeated.
        assert_eq!(unsafe { sys::apr_initialize() }, 0);
        let pool = |thread: *mut sys::apr_thread_t| {
            // SAFETY: a record made by `current` on a thread that still runs.
            unsafe { sys::apr_thread_pool_get(thread) }.addr()
        };
        let (mine, again) = (current(), current());
        assert!(!mine.is_null() && mine == again);
        let mine = pool(mine);
        let other = std::thread::spawn(move || pool(current()));
        assert_ne!(other.join().ok(), Some(mine));
    }
}
