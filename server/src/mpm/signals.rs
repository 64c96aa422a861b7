//! How the control process hears of signals: it keeps them blocked and takes them one by one, so
//! that no handler ever interrupts it. While they cannot be blocked (when it starts, and around the
//! programs it starts, which would inherit that), they are remembered.
//!
//! A child remembers, too, and is woken by each (`Ear`).

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    sync::atomic::{AtomicI32, AtomicU32, Ordering},
    time::Duration,
};

/// The signals that came while they could not be taken, a bit each.
static REMEMBERED: AtomicU32 = AtomicU32::new(0);

/// The process that remembers.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// The descriptor that a signal makes readable in a child.
static BELL: AtomicI32 = AtomicI32::new(-1);

/// The one handler of all processes. It may be called anywhere: PHP takes over the handlers that it
/// found in the control process, and passes a child's signals on to them.
extern "C" fn remember(signal: libc::c_int) {
    if PROCESS.load(Ordering::Relaxed) == std::process::id() {
        REMEMBERED.fetch_or(1 << signal, Ordering::Relaxed);
        let bell = BELL.load(Ordering::Relaxed);
        if bell >= 0 {
            let one = 1_u64.to_ne_bytes();
            // SAFETY: eight bytes that live for the call, which is allowed in a handler; so is asking
            // for errno, which is this thread's own.
            unsafe {
                let errno = libc::__errno_location();
                let before = *errno;
                libc::write(bell, one.as_ptr().cast(), one.len());
                *errno = before;
            }
        }
    } else {
        // A process that a module has forked (mod_cgid's daemon, a program that is about to be
        // executed): it must be possible to end it.
        reset(signal);
        // SAFETY: may be called in a handler, after which the signal takes effect.
        unsafe { libc::raise(signal) };
    }
}

/// From now on this process is the one that remembers.
fn remember_here() {
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

/// What a child hears signals with. A process has one.
#[derive(Debug)]
pub struct Ear(OwnedFd);

impl Ear {
    /// Remembers these signals from now on, in this process and not in those that it forks, and is
    /// woken by each.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(signals: &[i32]) -> io::Result<Self> {
        // SAFETY: a plain call that answers a new descriptor, which is ours.
        let bell = unsafe {
            let bell = libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK);
            if bell < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(bell)
        };
        BELL.store(bell.as_raw_fd(), Ordering::Relaxed);
        remember_all(signals);
        Ok(Self(bell))
    }

    /// Whether a signal has come.
    pub fn has_heard(&self, signal: i32) -> bool {
        REMEMBERED.load(Ordering::Relaxed) & (1 << signal) != 0
    }

    /// Makes the descriptor wait for the next signal.
    pub fn quieten(&self) {
        let mut count = [0; 8];
        // SAFETY: eight bytes that live for the call.
        unsafe { libc::read(self.0.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
    }
}

impl AsFd for Ear {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Ear {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        BELL.store(-1, Ordering::Relaxed);
    }
}

/// Forgets what the control process remembered before it forked this child.
pub fn forget() {
    REMEMBERED.store(0, Ordering::Relaxed);
}

/// Keeps all signals from the thread that calls, but for those that its own faults send.
pub fn block_all() {
    // SAFETY: the set is filled before it is used.
    unsafe {
        let mut set = MaybeUninit::uninit();
        libc::sigfillset(set.as_mut_ptr());
        for fault in [
            libc::SIGSEGV,
            libc::SIGBUS,
            libc::SIGFPE,
            libc::SIGILL,
            libc::SIGABRT,
            libc::SIGTRAP,
        ] {
            libc::sigdelset(set.as_mut_ptr(), fault);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
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

/// Lets a signal have its usual effect again.
pub fn reset(signal: i32) {
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
