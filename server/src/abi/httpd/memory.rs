//! Memory outside of pools, and its end: part of `httpd.h`.

use std::ffi::c_void;

exports! { ap_abort_on_oom, ap_malloc, ap_calloc, ap_realloc }

/// Says that there is no memory, and ends the process. Nothing here may ask for memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_abort_on_oom() -> ! {
    const TEXT: &[u8] = b"[crit] Memory allocation failed, aborting process.\n";
    // SAFETY: the text has this length; the process ends.
    unsafe {
        libc::write(libc::STDERR_FILENO, TEXT.as_ptr().cast(), TEXT.len());
        libc::abort()
    }
}

/// The memory, or the end of the process. Of nothing, NULL is an answer too.
fn checked(memory: *mut c_void, size: usize) -> *mut c_void {
    if memory.is_null() && size != 0 {
        // SAFETY: ends the process.
        unsafe { ap_abort_on_oom() }
    }
    memory
}

/// `malloc` that does not fail.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_malloc(size: usize) -> *mut c_void {
    // SAFETY: takes a number.
    checked(unsafe { libc::malloc(size) }, size)
}

/// `calloc` that does not fail.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_calloc(nelem: usize, size: usize) -> *mut c_void {
    // SAFETY: takes numbers; a product that is too large is refused.
    checked(
        unsafe { libc::calloc(nelem, size) },
        nelem.saturating_mul(size),
    )
}

/// `realloc` that does not fail.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_realloc(ptr: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: the header asks for memory of these functions, or NULL.
    checked(unsafe { libc::realloc(ptr, size) }, size)
}
