//! Turns of the event loop: what a reactor thread does between two waits.
//!
//! The requests of one turn had all been sent when it began, so what one of them has found out about
//! a file holds for the others too: the file system is asked once a turn. Under load that spares
//! most calls; a thread with one request at a time asks for each. A turn also ends with a request
//! that may have changed files, on any thread, and before the second request that a client sent at
//! once.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering},
};

/// One turn of one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    number: u64,
    changes: u64,
    /// A busy thread may find work without waiting: its turn ends with the tick of the system's
    /// coarse clock, a few milliseconds at most.
    tick: i64,
}

/// Counts the requests that may have changed files.
static CHANGES: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static NUMBER: Cell<Option<u64>> = const { Cell::new(None) };
    static LAST: Cell<u64> = const { Cell::new(0) };
}

/// A reactor thread has waited, and a turn of it begins.
pub fn begin() {
    LAST.set(LAST.get() + 1);
    NUMBER.set(Some(LAST.get()));
}

/// The turn of this thread, if it is in one, ends before its next wait: it may block, and need not
/// have a reactor afterwards.
pub fn end() {
    NUMBER.set(None);
}

/// Files may have changed: the turns of all threads end.
pub fn end_everywhere() {
    CHANGES.fetch_add(1, Ordering::Release);
}

/// The present turn; `None` on threads that are in none.
pub fn current() -> Option<Turn> {
    let number = NUMBER.get()?;
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the clock is written to a place of our own; it costs no system call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &mut now) };
    Some(Turn {
        number,
        changes: CHANGES.load(Ordering::Acquire),
        tick: now.tv_sec * 1_000_000_000 + now.tv_nsec,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_ends_when_the_thread_waits_files_change_and_by_itself() {
        assert_eq!(current(), None);
        begin();
        let first = current();
        assert!(first.is_some());
        end();
        assert_eq!(current(), None);
        begin();
        let second = current();
        assert_ne!(first, second);
        end_everywhere();
        let third = current();
        assert_ne!(second, third);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while current() == third {
            assert!(std::time::Instant::now() < deadline, "it goes on");
            std::thread::yield_now();
        }
    }
}
