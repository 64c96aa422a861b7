//! The waits of modules and of their libraries. `poll`, `select`, the sleeps of libc,
//! `apr_pollset_poll` and the waits for a condition of APR's are found here before those of libc and
//! APR, because the dynamic linker asks the executable first. So a module
//! that waits for a backend by itself (mod_proxy_fcgi, mod_proxy_ajp, a database's client library, a
//! tunnel) gives its reactor to other connections, as the core does when it waits for a client
//! (docs/decisions/0060-waits-of-libraries.md).

use std::{
    ffi::{c_int, c_void},
    ptr::{null, null_mut},
    sync::OnceLock,
    time::{Duration, Instant},
};

use httpd_sys as sys;

use super::Export;
use crate::{
    conn::wait::{self, blocking},
    hooks::timing,
};

const APR_TIMEUP: sys::apr_status_t = 70007;

/// So many milliseconds a thread waits before it gives its reactor away: most backends have answered
/// by then, and a handler that keeps its reactor longer counts as slow anyway.
const PATIENCE: c_int = 1;

pub(in crate::abi) static EXPORTS: &[Export] = &[
    Export::new(poll as *const ()),
    Export::new(select as *const ()),
    Export::new(nanosleep as *const ()),
    Export::new(clock_nanosleep as *const ()),
    Export::new(usleep as *const ()),
    Export::new(sleep as *const ()),
    Export::new([apr_pollset_poll, sys::apr_pollset_poll][0] as *const ()),
    Export::new(apr_thread_cond_wait as *const ()),
    Export::new(apr_thread_cond_timedwait as *const ()),
];

/// Waits with the reactor given away, unless the module is never to be moved.
fn away<T>(wait: impl FnOnce() -> T) -> T {
    if timing::is_inline() {
        wait()
    } else {
        blocking(wait)
    }
}

/// Whether this thread may have a reactor to give away.
fn has_reactor() -> bool {
    !timing::is_inline() && wait::has_reactor()
}

/// The wait itself. (libc's `poll` would be the one below.)
///
/// # Safety
/// As poll(2).
unsafe fn poll_now(fds: *mut libc::pollfd, count: libc::nfds_t, timeout: c_int) -> c_int {
    let limit = libc::timespec {
        tv_sec: i64::from(timeout / 1000),
        tv_nsec: i64::from(timeout % 1000) * 1_000_000,
    };
    let limit = if timeout < 0 {
        null()
    } else {
        &raw const limit
    };
    // SAFETY: the caller's promise; the limit lives for the call.
    unsafe { libc::ppoll(fds, count, limit, null()) }
}

/// poll(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn poll(
    fds: *mut libc::pollfd,
    count: libc::nfds_t,
    timeout: c_int,
) -> c_int {
    // SAFETY: the caller's arguments, as poll(2) asks for them.
    unsafe {
        if (0..=PATIENCE).contains(&timeout) || !has_reactor() {
            return poll_now(fds, count, timeout);
        }
        match poll_now(fds, count, PATIENCE) {
            0 if timeout < 0 => away(|| poll_now(fds, count, timeout)),
            0 => away(|| poll_now(fds, count, timeout - PATIENCE)),
            done => done,
        }
    }
}

/// select(2), with which APR sleeps.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn select(
    count: c_int,
    read: *mut libc::fd_set,
    write: *mut libc::fd_set,
    except: *mut libc::fd_set,
    timeout: *mut libc::timeval,
) -> c_int {
    // SAFETY: the caller's arguments, as select(2) asks for them; the limit lives for the call.
    unsafe {
        let limit = timeout.as_ref().map(|limit| libc::timespec {
            tv_sec: limit.tv_sec,
            tv_nsec: limit.tv_usec.saturating_mul(1000),
        });
        let limit = limit.as_ref().map_or(null(), |limit| &raw const *limit);
        let wait = || libc::pselect(count, read, write, except, limit, null());
        let begun = Instant::now();
        let brief = timeout
            .as_ref()
            .is_some_and(|limit| limit.tv_sec == 0 && limit.tv_usec <= 1000 * i64::from(PATIENCE));
        let answer = if brief || !has_reactor() {
            wait()
        } else {
            away(wait)
        };
        // Linux says how much of the time was left.
        if let Some(limit) = timeout.as_mut() {
            let whole = Duration::from_secs(u64::try_from(limit.tv_sec).unwrap_or(0))
                + Duration::from_micros(u64::try_from(limit.tv_usec).unwrap_or(0));
            let left = whole.saturating_sub(begun.elapsed());
            limit.tv_sec = i64::try_from(left.as_secs()).unwrap_or(0);
            limit.tv_usec = i64::from(left.subsec_micros());
        }
        answer
    }
}

/// Whether a time is so short that the reactor may wait for it.
fn is_brief(time: &libc::timespec) -> bool {
    time.tv_sec == 0 && time.tv_nsec <= 1_000_000 * i64::from(PATIENCE)
}

/// The sleep itself; answers an error number. (libc's would be the one below.)
///
/// # Safety
/// As clock_nanosleep(2).
unsafe fn sleep_now(
    clock: libc::clockid_t,
    flags: c_int,
    time: *const libc::timespec,
    left: *mut libc::timespec,
) -> c_int {
    // SAFETY: the caller's promise.
    let answer = unsafe { libc::syscall(libc::SYS_clock_nanosleep, clock, flags, time, left) };
    if answer == 0 {
        return 0;
    }
    // SAFETY: the error number of this thread.
    unsafe { *libc::__errno_location() }
}

/// clock_nanosleep(2): answers an error number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_nanosleep(
    clock: libc::clockid_t,
    flags: c_int,
    time: *const libc::timespec,
    left: *mut libc::timespec,
) -> c_int {
    // SAFETY: the caller's arguments, as clock_nanosleep(2) asks for them.
    unsafe {
        let stays = flags & libc::TIMER_ABSTIME == 0 && time.as_ref().is_none_or(is_brief);
        if stays || !has_reactor() {
            return sleep_now(clock, flags, time, left);
        }
        away(|| sleep_now(clock, flags, time, left))
    }
}

/// nanosleep(2).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nanosleep(
    time: *const libc::timespec,
    left: *mut libc::timespec,
) -> c_int {
    // SAFETY: the caller's arguments, as nanosleep(2) asks for them.
    unsafe {
        match clock_nanosleep(libc::CLOCK_REALTIME, 0, time, left) {
            0 => 0,
            error => {
                *libc::__errno_location() = error;
                -1
            }
        }
    }
}

/// usleep(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn usleep(microseconds: libc::useconds_t) -> c_int {
    let time = libc::timespec {
        tv_sec: i64::from(microseconds / 1_000_000),
        tv_nsec: i64::from(microseconds % 1_000_000) * 1000,
    };
    // SAFETY: the time lives for the call.
    unsafe { nanosleep(&raw const time, null_mut()) }
}

/// sleep(3): answers how many seconds are left when a signal came.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sleep(seconds: libc::c_uint) -> libc::c_uint {
    let time = libc::timespec {
        tv_sec: i64::from(seconds),
        tv_nsec: 0,
    };
    let mut left = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: both live for the call.
    match unsafe { nanosleep(&raw const time, &raw mut left) } {
        0 => 0,
        _ => libc::c_uint::try_from(left.tv_sec).unwrap_or(0) + u32::from(left.tv_nsec > 0),
    }
}

/// APR's own function behind one of the same name here.
macro_rules! of_apr {
    ($name:ident($($type:ty),* $(,)?)) => {{
        type Function = unsafe extern "C" fn($($type),*) -> sys::apr_status_t;
        static FOUND: OnceLock<Function> = OnceLock::new();
        *FOUND.get_or_init(|| {
            let name = concat!(stringify!($name), "\0");
            // SAFETY: the name ends with NUL.
            let function = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr().cast()) };
            assert!(!function.is_null(), "the executable is linked with APR");
            // SAFETY: APR's function of this name has this type, which is that of the one here.
            unsafe { std::mem::transmute::<*mut libc::c_void, Function>(function) }
        })
    }};
}

/// Waits for one of a set of sockets: how mod_proxy carries bytes through a tunnel.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn apr_pollset_poll(
    pollset: *mut sys::apr_pollset_t,
    timeout: sys::apr_interval_time_t,
    num: *mut sys::apr_int32_t,
    descriptors: *mut *const sys::apr_pollfd_t,
) -> sys::apr_status_t {
    let poll = of_apr!(
        apr_pollset_poll(
            *mut sys::apr_pollset_t,
            sys::apr_interval_time_t,
            *mut sys::apr_int32_t,
            *mut *const sys::apr_pollfd_t,
        )
    );
    let patience = 1000 * sys::apr_interval_time_t::from(PATIENCE);
    // SAFETY: the caller's arguments, as apr_poll.h asks for them.
    unsafe {
        if (0..=patience).contains(&timeout) || !has_reactor() {
            return poll(pollset, timeout, num, descriptors);
        }
        match poll(pollset, patience, num, descriptors) {
            APR_TIMEUP if timeout < 0 => away(|| poll(pollset, timeout, num, descriptors)),
            APR_TIMEUP => away(|| poll(pollset, timeout - patience, num, descriptors)),
            done => done,
        }
    }
}

/// Waits for another thread (apr_thread_cond.h, which the bindings leave out), as for a connection to a backend that all are using.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn apr_thread_cond_wait(
    cond: *mut c_void,
    mutex: *mut c_void,
) -> sys::apr_status_t {
    let wait = of_apr!(apr_thread_cond_wait(*mut c_void, *mut c_void));
    // SAFETY: the caller's arguments; the thread stays the same, so the mutex stays its own.
    away(|| unsafe { wait(cond, mutex) })
}

/// The same with a limit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn apr_thread_cond_timedwait(
    cond: *mut c_void,
    mutex: *mut c_void,
    timeout: sys::apr_interval_time_t,
) -> sys::apr_status_t {
    let wait =
        of_apr!(apr_thread_cond_timedwait(*mut c_void, *mut c_void, sys::apr_interval_time_t));
    // SAFETY: as above.
    away(|| unsafe { wait(cond, mutex, timeout) })
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        os::{fd::AsRawFd, unix::net::UnixStream},
    };

    use super::*;

    fn wait_for(fd: c_int, timeout: c_int) -> c_int {
        let mut descriptor = libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one record, which lives for the call.
        unsafe { poll(&raw mut descriptor, 1, timeout) }
    }

    #[test]
    fn a_wait_gives_the_reactor_away() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .unwrap();
        let (mut one, other) = UnixStream::pair().unwrap();
        runtime.block_on(async move {
            // The only worker waits for what the second task sends.
            let waiting = tokio::spawn(async move { wait_for(other.as_raw_fd(), 10_000) });
            let sending = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                one.write_all(b"x").unwrap();
                one
            });
            assert_eq!(waiting.await.unwrap(), 1);
            drop(sending.await.unwrap());
        });
    }

    #[test]
    fn limits_hold_with_and_without_a_reactor() {
        let (_one, other) = UnixStream::pair().unwrap();
        let fd = other.as_raw_fd();
        let begun = Instant::now();
        assert_eq!(wait_for(fd, 0), 0);
        assert_eq!(wait_for(fd, 20), 0);
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        runtime.block_on(async { assert_eq!(wait_for(fd, 20), 0) });
        let took = begun.elapsed();
        assert!((40..2000).contains(&took.as_millis()), "{took:?}");
    }

    #[test]
    fn sleeps_last_and_give_the_reactor_away() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .unwrap();
        let begun = Instant::now();
        runtime.block_on(async {
            // The only worker sleeps, and fires a timer meanwhile.
            // SAFETY: nothing is asked for but time.
            let sleeping = tokio::spawn(async { unsafe { usleep(300_000) } });
            let other = tokio::spawn(tokio::time::sleep(Duration::from_millis(20)));
            other.await.unwrap();
            assert!(begun.elapsed() < Duration::from_millis(250));
            assert_eq!(sleeping.await.unwrap(), 0);
        });
        assert!(begun.elapsed() >= Duration::from_millis(300));
        let wrong = libc::timespec {
            tv_sec: 0,
            tv_nsec: -1,
        };
        // SAFETY: the time lives for the call.
        assert_eq!(unsafe { nanosleep(&raw const wrong, null_mut()) }, -1);
        let error = std::io::Error::last_os_error();
        assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
    }

    #[test]
    fn select_sleeps_and_says_what_is_left() {
        let mut limit = libc::timeval {
            tv_sec: 0,
            tv_usec: 15_000,
        };
        let begun = Instant::now();
        // SAFETY: no sets; the limit lives for the call.
        let answer = unsafe { select(0, null_mut(), null_mut(), null_mut(), &raw mut limit) };
        assert_eq!(answer, 0);
        assert!(begun.elapsed() >= Duration::from_millis(15));
        assert_eq!((limit.tv_sec, limit.tv_usec), (0, 0));
    }
}
