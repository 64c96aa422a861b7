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

/// Forgets the sets of the reading before, whose records are gone.
pub fn forget() {
    SETS.store(null_mut(), Ordering::Relaxed);
    COUNT.store(1, Ordering::Relaxed);
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

/// How many of the children that serve these sets there are for each of `count` sets.
pub fn populations(served: impl Iterator<Item = i32>, count: i32) -> Vec<i32> {
    let mut populations = vec![0; usize::try_from(count).unwrap_or(1).max(1)];
    for set in served {
        if let Some(population) = usize::try_from(set)
            .ok()
            .and_then(|set| populations.get_mut(set))
        {
            *population += 1;
        }
    }
    populations
}

/// The set that a new child is to serve: the one with the fewest children. No set may be without one
/// for long, since the system spreads connections over all of them.
pub fn neediest(populations: &[i32]) -> i32 {
    let sets = (0..).zip(populations);
    let (set, _) = sets
        .min_by_key(|&(_, population)| population)
        .unwrap_or((0, &0));
    set
}

/// The set that can do with a child less.
pub fn fullest(populations: &[i32]) -> i32 {
    let sets = (0..).zip(populations);
    let (set, _) = sets
        .max_by_key(|&(_, population)| population)
        .unwrap_or((0, &0));
    set
}

/// The child serves this set, and closes the others.
pub fn take(mine: i32) {
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

/// Closes the sockets of all sets in this process.
pub fn close() {
    for first in sets() {
        // SAFETY: the lists only change while the configuration is read.
        unsafe { sys::ap_close_listeners_ex(first) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_go_where_there_are_few() {
        let populations = populations([0, 2, 2, 7].into_iter(), 3);
        assert_eq!(populations, [1, 0, 2]);
        assert_eq!(neediest(&populations), 1);
        assert_eq!(fullest(&populations), 2);
        assert_eq!(super::populations(std::iter::empty(), 0), [0]);
        assert_eq!(neediest(&[]), 0);
    }
}
