//! Turns of the event loop: what a reactor thread does between two waits.
//!
//! The requests of one turn had all been sent when it began, so what one of them has found out about
//! a file holds for the others too: the file system is asked once a turn. Under load that spares
//! most calls; a thread with one request at a time asks for each.

use std::cell::Cell;

/// One turn of one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    number: u64,
    /// A busy thread may find work without waiting: its turn ends with the tick of the system's
    /// coarse clock, a few milliseconds at most.
    tick: i64,
}

thread_local! {
    static NUMBER: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Says that this thread will call [`end`] before it waits.
pub fn begin_thread() {
    NUMBER.set(Some(0));
}

/// The thread is about to wait, or to become one that blocks.
pub fn end() {
    NUMBER.set(NUMBER.get().map(|number| number + 1));
}

/// The present turn; `None` on threads that have none.
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
        tick: now.tv_sec * 1_000_000_000 + now.tv_nsec,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_ends_when_the_thread_waits_and_by_itself() {
        assert_eq!(current(), None);
        begin_thread();
        let first = current();
        assert!(first.is_some());
        end();
        let second = current();
        assert_ne!(first, second);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while current() == second {
            assert!(std::time::Instant::now() < deadline, "it goes on");
            std::thread::yield_now();
        }
    }
}
