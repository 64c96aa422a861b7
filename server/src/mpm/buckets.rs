//! Sets of listening sockets (ListenCoresBucketsRatio): each has a socket for every address, all of
//! which share its port (SO_REUSEPORT), so that the system spreads connections over the sets, and
//! children of different sets do not wait for each other.
//!
//! A set that was there before a graceful restart stays: connections wait in its queues.

use std::{
    ptr::null_mut,
    sync::atomic::{AtomicI32, AtomicPtr, Ordering},
};

use httpd_sys::{self as sys, ap_listen_rec};

/// The first record of each set, as `ap_duplicate_listeners` has made them.
static SETS: AtomicPtr<*mut ap_listen_rec> = AtomicPtr::new(null_mut());

/// How many sets there are.
static COUNT: AtomicI32 = AtomicI32::new(1);

/// How many sets there are.
pub fn count() -> i32 {
    COUNT.load(Ordering::Relaxed).max(1)
}

/// Opens as many sets as the configuration asks for; just one for a process that serves alone, and
/// when the configuration is read for the first time, since that reading's sockets do not stay.
///
/// # Errors
/// When a socket cannot be opened; the log says why.
///
/// # Safety
/// The configuration is being read, with the process's one thread; the server is the main one.
pub unsafe fn open(
    pool: *mut sys::apr_pool_t,
    server: *mut sys::server_rec,
    just_one: bool,
) -> Result<(), sys::apr_status_t> {
    let (mut sets, mut count) = (null_mut(), i32::from(just_one));
    // SAFETY: the caller's promise; both places take answers.
    let status =
        unsafe { sys::ap_duplicate_listeners(pool, server, &raw mut sets, &raw mut count) };
    if status != 0 {
        return Err(status);
    }
    SETS.store(sets, Ordering::Relaxed);
    COUNT.store(count, Ordering::Relaxed);
    Ok(())
}

/// The first records of the sets.
fn sets() -> impl Iterator<Item = *mut ap_listen_rec> {
    let sets = SETS.load(Ordering::Relaxed);
    let count = if sets.is_null() { 0 } else { count() };
    (0..count).map(move |number| {
        // SAFETY: the array has that many entries, and lives as long as the configuration.
        unsafe { *sets.add(number as usize) }
    })
}

/// The records of all sets, the first set's first.
pub fn all() -> impl Iterator<Item = *mut ap_listen_rec> {
    sets().flat_map(|first| {
        std::iter::successors((!first.is_null()).then_some(first), |&record| {
            // SAFETY: records live as long as the configuration.
            let next = unsafe { (*record).next };
            (!next.is_null()).then_some(next)
        })
    })
}

/// The child in this slot serves one of the sets, and closes the others.
pub fn take(slot: i32) {
    let mine = slot.rem_euclid(count());
    for (number, first) in (0..).zip(sets()) {
        // SAFETY: a child has one thread at this time, and its list is its own.
        unsafe {
            if number == mine {
                sys::ap_listeners = first;
            } else {
                sys::ap_close_listeners_ex(first);
            }
        }
    }
}

/// Closes the sockets of all sets.
pub fn close() {
    for first in sets() {
        // SAFETY: the lists only change while the configuration is read.
        unsafe { sys::ap_close_listeners_ex(first) };
    }
}
