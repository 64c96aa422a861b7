//! How long handlers and hooks take, so that the slow ones are moved off the reactor before they are
//! called.
//!
//! A handler that blocks by itself (a database, a sleep) cannot be seen from outside; its running
//! mean can. Handlers are told apart by name. Hooks are not timed one by one, for there are some
//! thirty calls a request and reading a clock costs more than most of them: what a request takes
//! without its handler is the time of its hooks, and requests are told apart by server and first
//! part of the path (`Key::request`), because a hook that asks a directory server mostly does so for
//! a part of a site. That costs a request two looks at the clock.
//!
//! The table is a fixed number of cells indexed by a hash: two keys may share one, which costs a
//! change of threads and nothing else.

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
    /// How long handlers have run on this thread, one within another counted once.
    static HANDLED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Adds to what this thread has waited with its reactor given away.
pub fn add_waited(time: Duration) {
    WAITED.set(WAITED.get() + time);
}

/// What is measured: a place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(usize);

impl Key {
    /// The hooks that run when a connection comes.
    pub const CONNECTION: Self = Self(0);

    /// A handler.
    pub fn handler(name: &[u8]) -> Self {
        Self::hashed(0, name)
    }

    /// The hooks that run while a request of a server is read.
    pub fn reading(server: usize) -> Self {
        Self::hashed(server, b"")
    }

    /// The hooks of the requests of a server below the first part of a path.
    pub fn request(server: usize, path: &[u8]) -> Self {
        let first = path.iter().skip(1).position(|&byte| byte == b'/');
        Self::hashed(server, first.map_or(path, |end| &path[..=end]))
    }

    /// FNV-1a.
    fn hashed(server: usize, name: &[u8]) -> Self {
        let seed = 0xcbf2_9ce4_8422_2325_u64 ^ server as u64;
        let hash = name.iter().fold(seed, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        // The lower bits of a server's address say little.
        Self(((hash ^ (hash >> 32)) as usize) % CELLS)
    }

    fn mean(self) -> &'static AtomicU32 {
        &MEANS[self.0]
    }

    /// Whether it has been slow.
    pub fn is_slow(self) -> bool {
        self.mean().load(Ordering::Relaxed) >= SLOW
    }
}

/// Runs a handler and takes note of its time.
pub fn handler_measured<T>(key: Key, run: impl FnOnce() -> T) -> T {
    let (begun, waited, handled) = (Instant::now(), WAITED.get(), HANDLED.get());
    let answer = run();
    let own = begun.elapsed().saturating_sub(WAITED.get() - waited);
    // Handlers within this one (of subrequests) have added theirs.
    HANDLED.set(handled + own);
    note(key.mean(), own);
    answer
}

/// Runs hooks, and perhaps a handler, and takes note of the time that the hooks took.
pub fn hooks_measured<T>(key: Key, run: impl FnOnce() -> T) -> T {
    let (begun, aside) = (Instant::now(), WAITED.get() + HANDLED.get());
    let answer = run();
    let aside = (WAITED.get() + HANDLED.get()).saturating_sub(aside);
    note(key.mean(), begun.elapsed().saturating_sub(aside));
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
        assert!(!Key::handler(b"never called").is_slow());
    }

    #[test]
    fn waiting_for_a_client_does_not_count() {
        let key = Key::handler(b"waits");
        handler_measured(key, || add_waited(Duration::from_secs(3600)));
        assert!(!key.is_slow());
    }

    #[test]
    fn a_slow_handler_is_not_its_hooks_fault() {
        let (hooks, handler) = (Key::request(1, b"/a/b"), Key::handler(b"slow"));
        hooks_measured(hooks, || {
            handler_measured(handler, || {
                std::thread::park_timeout(Duration::from_millis(20))
            });
        });
        assert!(handler.is_slow() && !hooks.is_slow());
        hooks_measured(hooks, || {
            std::thread::park_timeout(Duration::from_millis(20))
        });
        assert!(hooks.is_slow());
    }

    #[test]
    fn requests_are_told_apart_by_server_and_first_part() {
        assert_eq!(
            Key::request(7, b"/app/one"),
            Key::request(7, b"/app/two/three")
        );
        assert_ne!(Key::request(7, b"/app/one"), Key::request(7, b"/page.html"));
        assert_ne!(Key::request(7, b"/app/one"), Key::request(8, b"/app/one"));
        assert_eq!(Key::request(7, b""), Key::reading(7));
    }
}
