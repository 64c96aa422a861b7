//! How the control process hears of signals: it keeps them blocked and takes them one by one, so
//! that no handler ever interrupts it. While they cannot be blocked (when it starts, and around the
//! programs it starts, which would inherit that), they are remembered.
//!
//! A child has handlers (`Ear`), which note the signal and make a descriptor readable.

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    sync::atomic::{AtomicI32, AtomicU32, Ordering},
    time::Duration,
};

/// The signal that came last while it could not be taken; 0: none.
static REMEMBERED: AtomicI32 = AtomicI32::new(0);

/// Remembers these signals from now on instead of ending the process.
pub fn remember_all(signals: &[i32]) {
    for &signal in signals {
        handle(signal);
    }
}

/// Handles a signal.
fn handle(signal: i32) {
    // SAFETY: the record is zeroed but for what is set; the handler does only what is allowed in one.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = note as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
    }
}

/// The signals that this child has heard, a bit for each number.
static HEARD: AtomicU32 = AtomicU32::new(0);

/// The descriptor that a signal makes readable.
static BELL: AtomicI32 = AtomicI32::new(-1);

/// The child that hears; 0 in the control process.
static HEARER: AtomicI32 = AtomicI32::new(0);

/// The one handler of all processes. A child may find it anywhere: PHP takes over the handlers that it
/// found when the control process started it, and passes signals on to them.
extern "C" fn note(signal: libc::c_int) {
    let hearer = HEARER.load(Ordering::Relaxed);
    if hearer == 0 {
        REMEMBERED.store(signal, Ordering::Relaxed);
        return;
    }
    // SAFETY: all of these calls are allowed in handlers; errno is a thread's own.
    unsafe {
        let errno = libc::__errno_location();
        let before = *errno;
        if libc::getpid() == hearer {
            HEARD.fetch_or(1 << signal, Ordering::Relaxed);
            let one = 1_u64.to_ne_bytes();
            let bell = BELL.load(Ordering::Relaxed);
            libc::write(bell, one.as_ptr().cast(), one.len());
        } else {
            // A program that a module is about to execute, which shares the descriptor: the signal
            // is meant for it, and has its usual effect when this handler returns.
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
        *errno = before;
    }
}

/// What a child hears signals with.
#[derive(Debug)]
pub struct Ear(OwnedFd);

impl Ear {
    /// Hears these signals from now on, in this process and not in those that it forks. A process
    /// has one.
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
        HEARER.store(std::process::id().cast_signed(), Ordering::Relaxed);
        for &signal in signals {
            handle(signal);
        }
        Ok(Self(bell))
    }

    /// Whether a signal has come.
    pub fn has_heard(&self, signal: i32) -> bool {
        HEARD.load(Ordering::Relaxed) & (1 << signal) != 0
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

/// Lets a signal have its usual effect again: Rust's runtime has a handler for faults, which would
/// let the first one pass that somebody else sends.
pub fn reset(signal: i32) {
    // SAFETY: SIG_DFL is a valid disposition for every signal.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}
