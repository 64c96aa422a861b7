//! The record of APR by which modules know the thread that serves a connection (`current_thread` of
//! `conn_rec`). Its pool lives as long as the thread: mod_lua keeps a thread's interpreters there.

use std::{cell::Cell, ptr::null_mut};

use httpd_sys as sys;

thread_local! {
    static RECORD: Cell<*mut sys::apr_thread_t> = const { Cell::new(null_mut()) };
}

/// The record of the thread that calls, which must be one of those that call `end`.
pub fn current() -> *mut sys::apr_thread_t {
    let record = RECORD.get();
    if record.is_null() { begin() } else { record }
}

#[cold]
fn begin() -> *mut sys::apr_thread_t {
    // SAFETY: the pool is the thread's own until `end`, and the record and the system's name of the
    // thread live in it; APR ends the process when memory runs out.
    let record = unsafe {
        let (mut pool, mut record) = (null_mut(), null_mut());
        sys::apr_pool_create_unmanaged_ex(&raw mut pool, None, null_mut());
        sys::apr_pool_tag(pool, c"thread".as_ptr());
        let name = sys::apr_palloc(pool, size_of::<sys::apr_os_thread_t>());
        let name = name.cast::<sys::apr_os_thread_t>();
        name.write(sys::apr_os_thread_current());
        sys::apr_os_thread_put(&raw mut record, name, pool);
        record
    };
    RECORD.set(record);
    record
}

/// The thread is about to end: what modules keep with it goes.
pub fn end() {
    let record = RECORD.replace(null_mut());
    if !record.is_null() {
        // SAFETY: made by `begin`; no connection is served by this thread any more.
        unsafe { sys::apr_pool_destroy(sys::apr_thread_pool_get(record)) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_its_record_to_its_end() {
        // SAFETY: may be called any number of times.
        assert_eq!(unsafe { sys::apr_initialize() }, 0);
        let record = current();
        assert_eq!(record, current());
        let other = std::thread::spawn(|| {
            let other = current().addr();
            end();
            other
        });
        assert_ne!(record.addr(), other.join().unwrap());
        end();
        assert!(!current().is_null());
        end();
    }
}
