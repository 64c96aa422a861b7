//! The memory that the control process and its children share about crashes: what a dying child leaves,
//! which modules are disabled, and what was learnt of them. Until it is mapped, and in processes that
//! have none, it is a static of the process.
//!
//! Names of modules are shared as addresses: modules are loaded before the fork, so they lie at the
//! same place in all children.

use std::{
    ffi::c_char,
    ptr::null_mut,
    sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering},
};

use super::trail::Place;

/// What a child that crashed has left.
pub(super) struct Record {
    /// Set last; 0: nobody's.
    pub(super) pid: AtomicI32,
    /// The name of the module; NULL: none is to blame.
    pub(super) module: AtomicPtr<c_char>,
}

/// A module's function at a place has refused a request once.
pub(super) struct Refusal {
    pub(super) place: AtomicPtr<Place>,
    pub(super) module: AtomicPtr<c_char>,
}

/// Crashes that the control process has not looked at yet.
const RECORDS: usize = 64;
/// How many modules can be disabled.
pub(super) const DISABLED: usize = 32;
const REFUSALS: usize = 128;
/// Names of handlers, by module.
const SERVED: usize = 512;

pub(super) struct Shared {
    /// How many modules are disabled: nearly always none, and then nothing else is looked at.
    pub(super) disabled_count: AtomicU32,
    /// Their names.
    pub(super) disabled: [AtomicPtr<c_char>; DISABLED],
    next: AtomicU32,
    records: [Record; RECORDS],
    pub(super) refusals: [Refusal; REFUSALS],
    served: [AtomicU64; SERVED],
}

impl Shared {
    const fn new() -> Self {
        Self {
            disabled_count: AtomicU32::new(0),
            disabled: [const { AtomicPtr::new(null_mut()) }; DISABLED],
            next: AtomicU32::new(0),
            records: [const {
                Record {
                    pid: AtomicI32::new(0),
                    module: AtomicPtr::new(null_mut()),
                }
            }; RECORDS],
            refusals: [const {
                Refusal {
                    place: AtomicPtr::new(null_mut()),
                    module: AtomicPtr::new(null_mut()),
                }
            }; REFUSALS],
            served: [const { AtomicU64::new(0) }; SERVED],
        }
    }

    /// Leaves word of a crash: in a signal handler.
    pub(super) fn leave(&self, pid: i32, module: *const c_char) {
        let number = self.next.fetch_add(1, Ordering::Relaxed) as usize;
        let record = &self.records[number % RECORDS];
        record.module.store(module.cast_mut(), Ordering::Relaxed);
        record.pid.store(pid, Ordering::Release);
    }

    /// Takes the word that a child has left.
    pub(super) fn take(&self, pid: i32) -> Option<*const c_char> {
        let record = self
            .records
            .iter()
            .find(|record| record.pid.load(Ordering::Acquire) == pid)?;
        record.pid.store(0, Ordering::Relaxed);
        Some(record.module.load(Ordering::Relaxed))
    }

    /// Whether a module is known to answer under the name of a handler.
    pub(super) fn serves(&self, key: u64) -> bool {
        self.probe(key)
            .any(|cell| cell.load(Ordering::Relaxed) == key)
    }

    /// Notes that it does; forgotten when there is no room.
    pub(super) fn note_served(&self, key: u64) {
        for cell in self.probe(key) {
            match cell.compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(there) if there == key => return,
                Err(_) => {}
            }
        }
    }

    fn probe(&self, key: u64) -> impl Iterator<Item = &AtomicU64> {
        (0..8).map(move |step| &self.served[(key as usize).wrapping_add(step) % SERVED])
    }
}

static OWN: Shared = Shared::new();

static SHARED: AtomicPtr<Shared> = AtomicPtr::new((&raw const OWN).cast_mut());

/// The memory, whosever it is.
#[inline]
pub(super) fn shared() -> &'static Shared {
    // SAFETY: the static, or memory that is never unmapped; all of it is atomic.
    unsafe { &*SHARED.load(Ordering::Relaxed) }
}

/// Shares it with the children that are forked from now on.
pub(super) fn map() {
    // SAFETY: new memory, all zero, which is what `Shared::new` makes.
    unsafe {
        let memory = libc::mmap(
            null_mut(),
            size_of::<Shared>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        // Without it crashes are told all the same, but not counted.
        if memory != libc::MAP_FAILED {
            SHARED.store(memory.cast(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_taken_note_of_once() {
        let memory = Box::new(Shared::new());
        assert!(memory.take(7).is_none());
        memory.leave(7, c"mod_x.c".as_ptr());
        assert_eq!(memory.take(7), Some(c"mod_x.c".as_ptr()));
        assert!(memory.take(7).is_none());
        for pid in 1..=1000 {
            memory.leave(pid, std::ptr::null());
        }
        assert_eq!(memory.take(1000), Some(std::ptr::null()));
        assert!(memory.take(1).is_none());
    }

    #[test]
    fn handlers_are_remembered() {
        let memory = Box::new(Shared::new());
        assert!(!memory.serves(99));
        memory.note_served(99);
        memory.note_served(99);
        assert!(memory.serves(99));
        for key in 0..10_000 {
            memory.note_served(key);
        }
        assert!(memory.serves(99));
    }
}
