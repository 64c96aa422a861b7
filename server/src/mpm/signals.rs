//! How the control process hears of signals: it keeps them blocked and takes them one by one, so
//! that no handler ever interrupts it. While they cannot be blocked (when it starts, and around the
//! programs it starts, which would inherit that), they are remembered.

use std::{
    mem::MaybeUninit,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// The signals that came while they could not be taken, a bit each.
static REMEMBERED: AtomicU32 = AtomicU32::new(0);

/// The process that remembers.
static PROCESS: AtomicU32 = AtomicU32::new(0);

extern "C" fn remember(signal: libc::c_int) {
    if PROCESS.load(Ordering::Relaxed) == std::process::id() {
        REMEMBERED.fetch_or(1 << signal, Ordering::Relaxed);
    } else {
        // A process that a module has forked (mod_cgid's daemon): it must be possible to end it.
        reset(signal);
        // SAFETY: may be called in a handler, after which the signal takes effect.
        unsafe { libc::raise(signal) };
    }
}

/// From now on this process is the one that remembers.
pub fn remember_here() {
    PROCESS.store(std::process::id(), Ordering::Relaxed);
}

/// In this order remembered signals are taken: what ends the server makes all else needless.
const ORDER: [i32; 5] = [
    libc::SIGTERM,
    libc::SIGINT,
    libc::SIGWINCH,
    libc::SIGHUP,
    libc::SIGUSR1,
];

/// Remembers these signals from now on instead of ending the process.
pub fn remember_all(signals: &[i32]) {
    remember_here();
    for &signal in signals {
        // SAFETY: the record is zeroed but for what is set; the handler only does what is allowed at
        // any time.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = remember as *const () as usize;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}

/// Takes one of the signals that were remembered.
pub fn take_remembered() -> Option<i32> {
    let all = REMEMBERED.load(Ordering::Relaxed);
    let signal = ORDER.into_iter().find(|signal| all & (1 << signal) != 0)?;
    REMEMBERED.fetch_and(!(1 << signal), Ordering::Relaxed);
    Some(signal)
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

/// Lets a signal have its usual effect again.
fn reset(signal: i32) {
    // SAFETY: SIG_DFL is a valid disposition for every signal.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weightiest_of_the_remembered_signals_comes_first() {
        remember_here();
        for signal in [libc::SIGUSR1, libc::SIGTERM, libc::SIGHUP, libc::SIGUSR1] {
            remember(signal);
        }
        assert_eq!(take_remembered(), Some(libc::SIGTERM));
        assert_eq!(take_remembered(), Some(libc::SIGHUP));
        assert_eq!(take_remembered(), Some(libc::SIGUSR1));
        assert_eq!(take_remembered(), None);
    }
}
