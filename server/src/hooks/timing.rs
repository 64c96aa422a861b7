//! How long handlers take, so that the slow ones are moved off the reactor before they are called.
//!
//! A handler that blocks by itself (a database, a sleep) cannot be seen from outside; its running
//! mean can. The table is a fixed number of cells indexed by the name's hash: two names may share
//! one, which costs a change of threads and nothing else.

#![forbid(unsafe_code)]

use std::{
    cell::Cell,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// From this mean on a handler is slow: a change of threads costs a hundredth of it.
const SLOW: u32 = 1_000;

const CELLS: usize = 1024;

/// Running means in microseconds.
static MEANS: [AtomicU32; CELLS] = [const { AtomicU32::new(0) }; CELLS];

thread_local! {
    /// How long this thread has waited for clients, with its reactor given away: no handler's fault.
    static WAITED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Adds to what this thread has waited with its reactor given away.
pub fn add_waited(time: Duration) {
    WAITED.set(WAITED.get() + time);
}

fn cell(name: &[u8]) -> &'static AtomicU32 {
    // FNV-1a.
    let hash = name.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    &MEANS[hash as usize % CELLS]
}

/// Whether the handler of this name has been slow.
pub fn is_slow(name: &[u8]) -> bool {
    cell(name).load(Ordering::Relaxed) >= SLOW
}

/// Runs a handler and takes note of its time.
pub fn measured<T>(name: &[u8], run: impl FnOnce() -> T) -> T {
    let (begun, waited) = (Instant::now(), WAITED.get());
    let answer = run();
    let own = begun.elapsed().saturating_sub(WAITED.get() - waited);
    note(cell(name), own);
    answer
}

/// Moves a mean an eighth of the way towards a time. Two threads may overwrite each other's step.
fn note(mean: &AtomicU32, time: Duration) {
    let time = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
    let before = mean.load(Ordering::Relaxed);
    let after = if time >= before {
        // At least one step, so that a mean below eight can grow.
        before + (time - before).div_ceil(8)
    } else {
        before - (before - time) / 8
    };
    if after != before {
        mean.store(after, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_handler_is_known_after_its_first_call_and_forgiven_later() {
        let mean = AtomicU32::new(0);
        note(&mean, Duration::from_millis(200));
        assert!(mean.load(Ordering::Relaxed) >= SLOW);
        for _ in 0..60 {
            note(&mean, Duration::from_micros(10));
        }
        assert!(mean.load(Ordering::Relaxed) < SLOW);
        assert!(!is_slow(b"never called"));
    }

    #[test]
    fn waiting_for_a_client_does_not_count() {
        measured(b"waits", || add_waited(Duration::from_secs(3600)));
        assert!(!is_slow(b"waits"));
    }
}
