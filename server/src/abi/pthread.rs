//! `pthread_create`, found here before the C library's by modules, their libraries, APR and Rust: each
//! thread of a child gets a stack for the handler of crashes, for it may use up its own
//! (docs/decisions/0030-crashes.md).

use std::{
    ffi::{c_int, c_void},
    ptr::null_mut,
    sync::atomic::{AtomicPtr, Ordering},
};

use super::Export;
use crate::crash;

pub(in crate::abi) static EXPORTS: &[Export] = &[Export::new(pthread_create as *const ())];

type Start = extern "C-unwind" fn(*mut c_void) -> *mut c_void;
type Create = unsafe extern "C" fn(
    *mut libc::pthread_t,
    *const libc::pthread_attr_t,
    Start,
    *mut c_void,
) -> c_int;

/// What a new thread is to do.
struct Work {
    start: Start,
    argument: *mut c_void,
}

// Threads may end by unwinding to their beginning (pthread_exit, pthread_cancel).
extern "C-unwind" fn begin(work: *mut c_void) -> *mut c_void {
    // SAFETY: `pthread_create` passes what it boxed, to one thread.
    let Work { start, argument } = *unsafe { Box::from_raw(work.cast::<Work>()) };
    crash::give_thread_a_stack();
    start(argument)
}

/// The C library's function; found at first use.
fn real() -> Option<Create> {
    static REAL: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
    let mut real = REAL.load(Ordering::Relaxed);
    if real.is_null() {
        // SAFETY: a name; the symbol is looked for behind this program.
        real = unsafe { libc::dlsym(libc::RTLD_NEXT, c"pthread_create".as_ptr()) };
        REAL.store(real, Ordering::Relaxed);
    }
    // SAFETY: NULL, or the function, which has this type.
    unsafe { std::mem::transmute::<*mut c_void, Option<Create>>(real) }
}

/// pthread_create(3).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_create(
    thread: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    let Some(create) = real() else {
        return libc::EAGAIN;
    };
    // SAFETY: the caller's arguments; when no thread starts, the box is still ours.
    unsafe {
        if !crash::is_armed() {
            return create(thread, attributes, start, argument);
        }
        let work = Box::into_raw(Box::new(Work { start, argument }));
        let status = create(thread, attributes, begin, work.cast());
        if status != 0 {
            drop(Box::from_raw(work));
        }
        status
    }
}
