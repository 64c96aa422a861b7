//! Sees to it that there is a reactor while a module keeps the one it was called on: a call that
//! blocks and was not known to.
//!
//! The runtime cannot take the reactor away from a thread that does not give it. It has more threads
//! than it needs, though, and all but the needed ones are kept asleep within a task of their own
//! (`reserve`): to the runtime they are busy, so they cost no wake-ups and take no work from the
//! others. When a call has kept its thread for `TICK` to twice that, one of them returns from its
//! task, finds no other work than to be the reactor, and takes what waits in the queue of the thread
//! that is stuck. (One that computes all the time gets some more ticks.) When that comes back, one of the two becomes the reserve again.
//!
//! The watchdog is a thread that looks at the slots of all threads (`hooks::timing`) once a tick while
//! anything runs, and sleeps while nothing does.

#![forbid(unsafe_code)]

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, task::yield_now};

use super::turn;
use crate::{
    hooks::timing::{self, Slot},
    log::access,
};

/// How long a call may keep a reactor before others are told to do without it.
const TICK: Duration = Duration::from_millis(4);

/// How many ticks a call may take that computes, or waits for a processor: others may do so as well,
/// and another reactor would not be served any sooner.
const PATIENCE: u32 = 8;

/// How many calls may keep their reactors at the same time before others wait: of as many different
/// kinds, for the next ones of a kind are moved before they are called.
pub const RESERVES: usize = 3;

static RUNTIME: OnceLock<Handle> = OnceLock::new();
static TAKEN_OVER: AtomicU64 = AtomicU64::new(0);
static ROUSE: AtomicBool = AtomicBool::new(false);

/// The threads that are kept asleep.
struct Reserves {
    asleep: usize,
    called: usize,
    ended: bool,
}

static RESERVE: Mutex<Reserves> = Mutex::new(Reserves {
    asleep: 0,
    called: 0,
    ended: false,
});
static CALL: Condvar = Condvar::new();

fn reserves() -> MutexGuard<'static, Reserves> {
    RESERVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to watch; the runtime has `RESERVES` threads more than it needs.
///
/// # Errors
/// When there can be no thread.
pub fn start(runtime: &Handle) -> io::Result<()> {
    // A child has one runtime.
    let _ = RUNTIME.set(runtime.clone());
    thread::Builder::new()
        .name("watchdog".to_owned())
        .stack_size(64 << 10)
        .spawn(watch)?;
    for _ in 0..RESERVES {
        come_back();
    }
    Ok(())
}

/// Lets all threads go, so that the runtime can end.
pub fn end() {
    reserves().ended = true;
    CALL.notify_all();
}

/// How often a thread had to take over in this process.
pub fn taken_over() -> u64 {
    TAKEN_OVER.load(Ordering::Relaxed)
}

/// One of the threads goes to sleep, since one more than needed is awake.
fn come_back() {
    if let Some(runtime) = RUNTIME.get() {
        runtime.spawn(reserve());
    }
}

/// Keeps a thread of the runtime until it is called.
async fn reserve() {
    // What this thread was to do next, it does first: nobody else could.
    yield_now().await;
    access::flush_thread_logs();
    access::set_deferred_logs(false);
    turn::end();
    // This thread may have been the reactor, and the others asleep: one is told to look for work. It
    // has to come from a thread outside of the runtime, or it would be work for this one.
    ROUSE.store(true, Ordering::SeqCst);
    timing::unpark_watchdog();
    let mut reserves = reserves();
    reserves.asleep += 1;
    while reserves.called == 0 && !reserves.ended {
        reserves = CALL.wait(reserves).unwrap_or_else(PoisonError::into_inner);
    }
    reserves.called = reserves.called.saturating_sub(1);
    reserves.asleep -= 1;
}

/// Wakes one of them; false when none is left.
fn call() -> bool {
    let mut reserves = reserves();
    if reserves.called >= reserves.asleep {
        return false;
    }
    reserves.called += 1;
    CALL.notify_one();
    TAKEN_OVER.fetch_add(1, Ordering::Relaxed);
    true
}

/// Lets another worker look for work, when a reserve goes to sleep.
fn rouse() {
    if ROUSE.swap(false, Ordering::SeqCst)
        && let Some(runtime) = RUNTIME.get()
    {
        runtime.spawn(async {});
    }
}

/// Sleeps for so long, and rouses workers meanwhile.
fn sleep(time: Duration) {
    let end = Instant::now() + time;
    loop {
        rouse();
        match end.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => thread::park_timeout(left),
            _ => return,
        }
    }
}

fn watch() {
    timing::set_watchdog(come_back);
    let mut seen = Seen::new();
    loop {
        rouse();
        if !timing::is_watching() {
            thread::park();
            continue;
        }
        sleep(TICK);
        if look(&mut seen) {
            continue;
        }
        timing::set_watching(false);
        // A call that began at this very moment may have found it still watching.
        sleep(TICK / 8);
        if look(&mut seen) {
            timing::set_watching(true);
        }
    }
}

/// What was seen of each thread: its calls, and at how many looks the last one ran.
type Seen = BTreeMap<usize, (u64, u32)>;

/// Looks at all threads once; answers whether anything has run since the last time.
fn look(seen: &mut Seen) -> bool {
    let mut active = false;
    let mut late: Vec<(&'static Slot, u32)> = Vec::new();
    timing::for_each_slot(|slot| {
        let calls = slot.calls();
        let (before, looks) = seen
            .entry(std::ptr::from_ref(slot).addr())
            .or_insert((calls, 0));
        let runs = calls % 2 == 1;
        active |= runs || *before != calls;
        *looks = if *before == calls { *looks + 1 } else { 0 };
        *before = calls;
        if runs && *looks > 0 {
            late.push((slot, *looks));
        }
    });
    for (slot, looks) in late {
        let calls = slot.calls();
        let key = slot.key();
        if looks < PATIENCE && computes(slot.thread()) || !slot.replace() {
            continue;
        }
        if looks == 1 || looks == PATIENCE {
            key.note_stall();
        }
        if !call() {
            // Those that were to sleep may be about to; then they are awake, or one can be roused.
            slot.unreplace();
            ROUSE.store(true, Ordering::SeqCst);
            rouse();
        } else if slot.calls() != calls && slot.unreplace() {
            // It has come back in this moment, and did not know.
            come_back();
        }
    }
    active
}

/// Whether a thread has a processor or waits for one, as far as the system says.
fn computes(thread: u32) -> bool {
    std::fs::read(format!("/proc/self/task/{thread}/stat")).is_ok_and(|text| {
        // The state stands behind the name, which may hold anything.
        let name = text.iter().rposition(|&byte| byte == b')');
        name.is_some_and(|end| text.get(end + 2) == Some(&b'R'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::kinds::Key;

    /// One reactor thread is stuck, and others go on; then it is stuck once more.
    #[test]
    fn another_thread_takes_over() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1 + RESERVES)
            .enable_time()
            .build()
            .unwrap();
        /// Lets the runtime end, whatever happens.
        struct End;
        impl Drop for End {
            fn drop(&mut self) {
                end();
            }
        }
        let _end = End;
        start(runtime.handle()).unwrap();
        for round in 1..=5 {
            let key = Key::handler(format!("stuck {round}").as_bytes());
            let begun = Instant::now();
            let stuck = runtime.spawn(async move {
                // Not a sleep of libc's, which would be seen.
                let over = begun + Duration::from_millis(500);
                timing::on_reactor(key, || {
                    while let Some(left) = over.checked_duration_since(Instant::now()) {
                        thread::park_timeout(left);
                    }
                });
            });
            // Waits for a timer, which only a reactor fires.
            let other =
                runtime.spawn(async { tokio::time::sleep(Duration::from_millis(20)).await });
            runtime.block_on(other).unwrap();
            let took = begun.elapsed();
            assert!(took < Duration::from_millis(400), "{took:?}");
            assert!(key.is_slow());
            runtime.block_on(stuck).unwrap();
        }
        assert!(taken_over() > 0);
    }
}
