//! Where connections and requests take their memory from.
//!
//! A thread has two allocators of APR, one for connections' pools and one for requests', so that
//! what one request gave back serves the next and an idle connection sits on blocks of its own kind
//! only, mostly untouched. Another thread may finish what this one began: hence the mutexes. And it
//! has bucket allocators, which connections only own while they do something.

use std::{
    cell::{Cell, RefCell},
    ptr::null_mut,
    sync::{Mutex, PoisonError},
};

use httpd_sys as sys;

/// How many bucket allocators a thread keeps for the next connections. Each holds on to the most that a
/// connection ever needed, and connections that move (TLS) take theirs on one thread and leave it on
/// another: with many threads this is what a child's memory grows by, over tens of thousands of
/// connections.
const SPARE_BUCKET_ALLOCATORS: usize = 4;

/// The allocators of a thread.
#[derive(Clone, Copy)]
struct Allocators {
    connections: *mut sys::apr_allocator_t,
    /// The parent of connections' pools.
    root: *mut sys::apr_pool_t,
    requests: *mut sys::apr_allocator_t,
}

// SAFETY: allocators are guarded by a mutex of their own and are never destroyed, as is the root.
unsafe impl Send for Allocators {}

/// The allocators of threads that have ended, for those that begin.
static ABANDONED: Mutex<Vec<Allocators>> = Mutex::new(Vec::new());

/// What a thread holds; handed on when it ends.
struct Held(Cell<Option<Allocators>>);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(allocators) = self.0.get() {
            let mut abandoned = ABANDONED.lock().unwrap_or_else(PoisonError::into_inner);
            abandoned.push(allocators);
        }
    }
}

/// Bucket allocators that no connection owns.
struct Spare(RefCell<Vec<*mut sys::apr_bucket_alloc_t>>);

impl Drop for Spare {
    fn drop(&mut self) {
        for list in self.0.get_mut().drain(..) {
            // SAFETY: nothing made with it is left: its connection gave it back.
            unsafe { sys::apr_bucket_alloc_destroy(list) };
        }
    }
}

thread_local! {
    static HELD: Held = const { Held(Cell::new(None)) };
    static SPARE: Spare = const { Spare(RefCell::new(Vec::new())) };
}

fn allocators() -> Allocators {
    HELD.with(|held| {
        held.0.get().unwrap_or_else(|| {
            let abandoned = ABANDONED
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop();
            let allocators = abandoned.unwrap_or_else(|| {
                let connections = new_allocator();
                Allocators {
                    connections,
                    root: new_root(connections),
                    requests: new_allocator(),
                }
            });
            held.0.set(Some(allocators));
            allocators
        })
    })
}

/// A pool for a connection that this thread accepts.
///
/// It has a parent that is never destroyed: libraries walk up from any pool to find one that lives
/// as long as the process, and keep what they make once there (APR-util's table of DBM drivers).
pub fn connection_pool() -> *mut sys::apr_pool_t {
    let Allocators {
        connections, root, ..
    } = allocators();
    let mut pool = null_mut();
    // SAFETY: parent and allocator live for ever, and are guarded by one mutex; APR ends the process
    // when memory runs out.
    unsafe { sys::apr_pool_create_ex(&raw mut pool, root, None, connections) };
    pool
}

/// The allocator for pools of requests that this thread begins.
pub fn for_requests() -> *mut sys::apr_allocator_t {
    allocators().requests
}

/// An allocator that several threads may use, and that keeps MaxMemFree of free memory.
fn new_allocator() -> *mut sys::apr_allocator_t {
    // SAFETY: made once and never destroyed; APR ends the process when memory runs out.
    unsafe {
        let (mut allocator, mut pool, mut mutex) = (null_mut(), null_mut(), null_mut());
        sys::apr_allocator_create(&raw mut allocator);
        sys::apr_allocator_max_free_set(allocator, sys::ap_max_mem_free as usize);
        sys::apr_pool_create_unmanaged_ex(&raw mut pool, None, null_mut());
        let kind = sys::APR_THREAD_MUTEX_DEFAULT;
        if sys::apr_thread_mutex_create(&raw mut mutex, kind, pool) == 0 {
            sys::apr_allocator_mutex_set(allocator, mutex);
        }
        allocator
    }
}

/// A pool without a parent that is never destroyed.
fn new_root(allocator: *mut sys::apr_allocator_t) -> *mut sys::apr_pool_t {
    let mut pool = null_mut();
    // SAFETY: the allocator lives for ever; APR ends the process when memory runs out.
    unsafe { sys::apr_pool_create_unmanaged_ex(&raw mut pool, None, allocator) };
    pool
}

/// A bucket allocator for a connection that begins to do something.
pub fn take_buckets() -> *mut sys::apr_bucket_alloc_t {
    SPARE
        .with(|spare| spare.0.borrow_mut().pop())
        // SAFETY: the allocator lives for ever.
        .unwrap_or_else(|| unsafe { sys::apr_bucket_alloc_create_ex(for_requests()) })
}

/// Takes back a bucket allocator with which no bucket and no brigade is left.
///
/// # Safety
/// It came from `take_buckets`, and nobody uses it any more.
pub unsafe fn give_buckets(list: *mut sys::apr_bucket_alloc_t) {
    SPARE.with(|spare| {
        let mut spare = spare.0.borrow_mut();
        if spare.len() < SPARE_BUCKET_ALLOCATORS {
            spare.push(list);
        } else {
            // SAFETY: the caller's promise.
            unsafe { sys::apr_bucket_alloc_destroy(list) };
        }
    });
}
