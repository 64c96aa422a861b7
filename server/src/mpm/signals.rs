//! How the control process hears of signals: it keeps them blocked and takes them one by one, so
//! that no handler ever interrupts it. While they cannot be blocked (when it starts, and around the
//! programs it starts, which would inherit that), they are remembered.

use std::{
    mem::MaybeUninit,
    sync::atomic::{AtomicI32, Ordering},
    time::Duration,
};

/// The signal that came last while it could not be taken; 0: none.
static REMEMBERED: AtomicI32 = AtomicI32::new(0);

extern "C" fn remember(signal: libc::c_int) {
    REMEMBERED.store(signal, Ordering::Relaxed);
}

/// Remembers these signals from now on instead of ending the process.
pub fn remember_all(signals: &[i32]) {
    for &signal in signals {
        // SAFETY: the record is zeroed but for what is set; the handler only stores a number, which
        // is allowed at any time.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = remember as *const () as usize;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}

/// Takes the signal that was remembered.
pub fn take_remembered() -> Option<i32> {
    match REMEMBERED.swap(0, Ordering::Relaxed) {
        0 => None,
        signal => Some(signal),
    }
}

/// A set of signals.
#[derive(Clone, Copy)]
pub struct Signals(libc::sigset_t);

impl Signals {
    /// The signals of this list.
    pub fn new(list: &[i32]) -> Self {
        let mut set = MaybeUninit::uninit();
        // SAFETY: sigemptyset fills the set; the numbers are those of signals.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for &signal in list {
                libc::sigaddset(set.as_mut_ptr(), signal);
            }
            Self(set.assume_init())
        }
    }

    /// Keeps these signals waiting until `take`.
    pub fn block(&self) {
        self.mask(libc::SIG_BLOCK);
    }

    /// Lets these signals in again.
    pub fn unblock(&self) {
        self.mask(libc::SIG_UNBLOCK);
    }

    fn mask(&self, how: i32) {
        // SAFETY: the set is filled.
        unsafe { libc::pthread_sigmask(how, &raw const self.0, std::ptr::null_mut()) };
    }

    /// Takes one signal that has come, or waits up to `limit` for one.
    pub fn take(&self, limit: Duration) -> Option<i32> {
        let limit = libc::timespec {
            tv_sec: limit.as_secs() as libc::time_t,
            tv_nsec: libc::c_long::from(limit.subsec_nanos()),
        };
        // SAFETY: the set and the time are filled; no record of the signal is asked for.
        let signal = unsafe {
            libc::sigtimedwait(&raw const self.0, std::ptr::null_mut(), &raw const limit)
        };
        (signal > 0).then_some(signal)
    }
}

/// Ignores a signal from now on.
pub fn ignore(signal: i32) {
    // SAFETY: SIG_IGN is a valid disposition for the signals this is called with.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}
