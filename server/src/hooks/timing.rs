//! What a thread is doing for which kind of call, and how long it takes, so that slow ones are moved
//! off the reactor before they are called.
//!
//! A handler that blocks by itself (a database, a sleep) cannot be seen from outside; its running
//! mean can. Hooks are not timed one by one, for there are some thirty calls a request and reading a
//! clock costs more than most of them: what a request takes without its handler is the time of its
//! hooks. A call that is slow for the first time is seen by the watchdog (`conn::watchdog`): each
//! thread shows in a slot of its own what it is in.

#![forbid(unsafe_code)]

use std::{
    cell::{Cell, OnceCell},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    thread::Thread,
    time::{Duration, Instant},
};

use super::kinds::{self, Away, Key};

thread_local! {
    static HERE: Here = const { Here {
        waited: Cell::new(Duration::ZERO),
        handled: Cell::new(Duration::ZERO),
        on_reactor: Cell::new(false),
        inline: Cell::new(false),
        key: Cell::new(Key::CONNECTION),
    } };
    static SLOT: Lent = const { Lent(OnceCell::new()) };
}

/// What a thread knows of itself.
struct Here {
    /// How long it has waited for clients, with its reactor given away: no handler's fault.
    waited: Cell<Duration>,
    /// How long handlers have run on it, one within another counted once.
    handled: Cell<Duration>,
    /// Whether it runs a task of the reactor's and has not given the reactor away since.
    on_reactor: Cell<bool>,
    /// Whether it runs a module that is never to be moved.
    inline: Cell<bool>,
    /// The kind of call it is in.
    key: Cell<Key>,
}

/// Where a thread shows what it is in.
#[derive(Debug, Default)]
pub struct Slot {
    /// Odd while the thread runs modules on the reactor; changes with each call.
    calls: AtomicU64,
    key: AtomicUsize,
    /// The system's number of the thread; 0: not known.
    thread: AtomicU32,
    /// Another thread has taken over from it.
    replaced: AtomicBool,
    free: AtomicBool,
}

impl Slot {
    fn turn_over(&self) -> u64 {
        // Only its thread changes it.
        let calls = self.calls.load(Ordering::Relaxed) + 1;
        self.calls.store(calls, Ordering::Release);
        calls
    }

    /// A number that changes with each call; odd while one runs.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Acquire)
    }

    /// What it is in, or was in last.
    pub fn key(&self) -> Key {
        Key::from_number(self.key.load(Ordering::Relaxed))
    }

    /// The system's number of the thread.
    pub fn thread(&self) -> u32 {
        self.thread.load(Ordering::Relaxed)
    }

    /// Notes that another thread takes over; false when one has already.
    pub fn replace(&self) -> bool {
        !self.replaced.swap(true, Ordering::AcqRel)
    }

    /// Takes that back; false when it is known to the thread already.
    pub fn unreplace(&self) -> bool {
        self.replaced.swap(false, Ordering::AcqRel)
    }
}

/// A slot while its thread lives.
struct Lent(OnceCell<&'static Slot>);

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(slot) = self.0.get() {
            slot.free.store(true, Ordering::Release);
        }
    }
}

/// All slots there are. None is ever freed: there are as many as there were threads at a time.
static SLOTS: Mutex<Vec<&'static Slot>> = Mutex::new(Vec::new());

fn lend() -> &'static Slot {
    let mut slots = SLOTS.lock().unwrap_or_else(PoisonError::into_inner);
    let free = slots
        .iter()
        .find(|slot| slot.free.swap(false, Ordering::AcqRel));
    let slot = match free {
        Some(slot) => slot,
        None => {
            let slot: &'static Slot = Box::leak(Box::default());
            slots.push(slot);
            slot
        }
    };
    // `PID/task/TID`
    let thread = std::fs::read_link("/proc/thread-self").ok();
    let number = thread
        .as_deref()
        .and_then(|path| path.file_name()?.to_str());
    let number = number.and_then(|number| number.parse().ok());
    slot.thread.store(number.unwrap_or(0), Ordering::Relaxed);
    slot
}

/// Shows all slots to the watchdog.
pub fn for_each_slot(see: impl FnMut(&'static Slot)) {
    let slots = SLOTS.lock().unwrap_or_else(PoisonError::into_inner);
    slots.iter().copied().for_each(see);
}

/// Whether the watchdog watches; when nothing runs it sleeps.
static WATCHING: AtomicBool = AtomicBool::new(true);

static WATCHDOG: Mutex<Option<Watchdog>> = Mutex::new(None);

/// How the watchdog is woken, and how a thread that was replaced says that it is back.
struct Watchdog {
    thread: Thread,
    back: fn(),
}

/// From here on the calling thread watches, and `back` is called by threads that were replaced.
pub fn set_watchdog(back: fn()) {
    let thread = std::thread::current();
    *WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner) = Some(Watchdog { thread, back });
}

/// The watchdog is to be woken by the next call, or not.
pub fn set_watching(on: bool) {
    WATCHING.store(on, Ordering::SeqCst);
}

/// Whether a call has woken it.
pub fn is_watching() -> bool {
    WATCHING.load(Ordering::SeqCst)
}

#[cold]
fn wake_watchdog() {
    if !WATCHING.swap(true, Ordering::SeqCst)
        && let Some(watchdog) = &*WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner)
    {
        watchdog.thread.unpark();
    }
}

/// Wakes the watchdog for something else.
pub fn unpark_watchdog() {
    let watchdog = WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(watchdog) = &*watchdog {
        watchdog.thread.unpark();
    }
}

#[cold]
fn come_back(slot: &Slot) {
    if slot.unreplace() {
        let watchdog = WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner);
        let back = watchdog.as_ref().map(|watchdog| watchdog.back);
        drop(watchdog);
        if let Some(back) = back {
            back();
        }
    }
}

impl Here {
    fn show(&self, key: Key) {
        SLOT.with(|slot| {
            let slot = slot.0.get_or_init(lend);
            slot.key.store(key.number(), Ordering::Relaxed);
            if slot.turn_over() % 2 == 0 {
                slot.turn_over();
            }
        });
        if !WATCHING.load(Ordering::Relaxed) {
            wake_watchdog();
        }
    }

    fn hide(&self) {
        SLOT.with(|slot| {
            let Some(slot) = slot.0.get() else { return };
            if slot.calls.load(Ordering::Relaxed) % 2 == 1 {
                slot.turn_over();
            }
            if slot.replaced.load(Ordering::Relaxed) {
                come_back(slot);
            }
        });
    }
}

/// Puts back what was before, also when a call panics.
struct Restore {
    key: Key,
    outermost: bool,
}

impl Drop for Restore {
    fn drop(&mut self) {
        HERE.with(|here| {
            here.key.set(self.key);
            if self.outermost {
                if here.on_reactor.replace(false) {
                    here.hide();
                }
            } else if here.on_reactor.get() && !here.inline.get() {
                here.show(self.key);
            }
        });
    }
}

/// Runs what a task of the reactor calls: the watchdog sees it.
pub fn on_reactor<T>(key: Key, run: impl FnOnce() -> T) -> T {
    let before = HERE.with(|here| {
        here.on_reactor.set(true);
        here.show(key);
        here.key.replace(key)
    });
    let _restore = Restore {
        key: before,
        outermost: true,
    };
    run()
}

/// Runs a call within another.
fn within<T>(key: Key, run: impl FnOnce() -> T) -> T {
    let before = HERE.with(|here| {
        if here.on_reactor.get() && !here.inline.get() {
            here.show(key);
        }
        here.key.replace(key)
    });
    let _restore = Restore {
        key: before,
        outermost: false,
    };
    run()
}

/// The kind of call this thread is in.
pub fn current() -> Key {
    HERE.with(|here| here.key.get())
}

/// Whether this thread runs a task of the reactor's, and has not given the reactor away since.
pub fn is_on_reactor() -> bool {
    HERE.with(|here| here.on_reactor.get())
}

/// Whether this thread runs a module that is never to be moved.
pub fn is_inline() -> bool {
    HERE.with(|here| here.inline.get())
}

/// Runs a module that is never to be moved: its waits keep the reactor, and nobody watches.
pub fn inline<T>(run: impl FnOnce() -> T) -> T {
    struct End(bool);
    impl Drop for End {
        fn drop(&mut self) {
            HERE.with(|here| {
                here.inline.set(self.0);
                if here.on_reactor.get() && !self.0 {
                    here.show(here.key.get());
                }
            });
        }
    }
    let _end = HERE.with(|here| {
        if here.on_reactor.get() {
            here.hide();
        }
        End(here.inline.replace(true))
    });
    run()
}

/// The thread is about to give its reactor away; what it is in counts as away while the result lives.
/// `None` when it has none to give.
pub fn leave_reactor() -> Option<Away> {
    HERE.with(|here| {
        here.on_reactor.replace(false).then(|| {
            here.hide();
            here.key.get().away()
        })
    })
}

/// Adds to what this thread has waited for clients with its reactor given away.
pub fn add_waited(time: Duration) {
    HERE.with(|here| here.waited.set(here.waited.get() + time));
}

/// What a call took without the time in which its thread waited for a processor. Only asked of calls
/// that seem slow: on a busy machine most of them are not, and moving them would make it busier.
fn without_queueing(took: Duration) -> Duration {
    if took < Duration::from_micros(u64::from(kinds::SLOW)) {
        return took;
    }
    // Of all the time since this thread was asked last, so the first late call may be forgiven too much.
    let queued = queued().unwrap_or_default();
    let before = QUEUED.replace(queued);
    took.saturating_sub(queued.saturating_sub(before))
}

thread_local! {
    /// How long this thread had waited for a processor when that was asked last.
    static QUEUED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// How long this thread has waited for a processor in its life.
fn queued() -> Option<Duration> {
    // Time on a processor, time waiting for one (both in nanoseconds), number of turns.
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

/// Runs a handler and takes note of its time.
pub fn handler_measured<T>(key: Key, run: impl FnOnce() -> T) -> T {
    let (waited, handled) = HERE.with(|here| (here.waited.get(), here.handled.get()));
    let begun = Instant::now();
    let answer = within(key, run);
    let took = begun.elapsed();
    HERE.with(|here| {
        let own = took.saturating_sub(here.waited.get() - waited);
        // Handlers within this one (of subrequests) have added theirs.
        here.handled.set(handled + own);
        key.note(without_queueing(own));
    });
    answer
}

/// Runs hooks, and perhaps a handler, and takes note of the time that the hooks took.
pub fn hooks_measured<T>(key: Key, run: impl FnOnce() -> T) -> T {
    let aside = || HERE.with(|here| here.waited.get() + here.handled.get());
    let before = aside();
    let begun = Instant::now();
    let answer = on_reactor(key, run);
    let own = begun
        .elapsed()
        .saturating_sub(aside().saturating_sub(before));
    key.note(without_queueing(own));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nap() {
        std::thread::park_timeout(Duration::from_millis(60));
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
        hooks_measured(hooks, || handler_measured(handler, nap));
        assert!(handler.is_slow() && !hooks.is_slow());
        hooks_measured(hooks, nap);
        assert!(hooks.is_slow());
    }

    /// The slot of this thread.
    fn slot() -> &'static Slot {
        SLOT.with(|slot| *slot.0.get_or_init(lend))
    }

    #[test]
    fn a_thread_shows_what_it_is_in() {
        let (hooks, handler) = (Key::request(2, b"/x"), Key::handler(b"shown"));
        hooks_measured(hooks, || {
            let first = slot().calls();
            assert_eq!((first % 2, slot().key()), (1, hooks));
            handler_measured(handler, || {
                assert!(slot().calls() > first && slot().calls() % 2 == 1);
                assert_eq!(slot().key(), handler);
                inline(|| assert!(slot().calls().is_multiple_of(2) && is_inline()));
                assert_eq!(slot().calls() % 2, 1);
            });
            assert_eq!((current(), slot().key()), (hooks, hooks));
            assert!(leave_reactor().is_some());
            assert_eq!(slot().calls() % 2, 0);
            handler_measured(handler, || assert_eq!(slot().calls() % 2, 0));
            assert!(leave_reactor().is_none());
        });
        assert!(!is_on_reactor());
        handler_measured(handler, || assert_eq!(slot().calls() % 2, 0));
    }
}
