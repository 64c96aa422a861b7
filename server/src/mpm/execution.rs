//! What the children of a server share about who blocks, and what each begins with it.

use std::{io, ptr::null_mut, slice, sync::atomic::AtomicU32};

use tokio::runtime::Handle;

use super::{control, kind, settings::settings};
use crate::{
    conn::{budget, offload, watchdog},
    hooks::kinds::{self, Area},
};

/// Children above this number keep to themselves what they measure: the memory for all is reserved at
/// once.
const MOST: usize = 1024;

/// Makes the memory in which children note what they measure. Called before there are any.
pub fn share() {
    let children = usize::try_from(settings().server_limit).unwrap_or(1);
    let children = children.clamp(1, MOST);
    let most = u32::try_from(settings().max_request_workers).unwrap_or(u32::MAX);
    let shared = zeroed(children)
        .map(kinds::share)
        .and_then(|()| zeroed(children).map(|counts| budget::share(counts, most)));
    if let Err(error) = shared {
        // Then each child knows its own.
        control::log(
            httpd_sys::APLOG_WARNING,
            &format!("no memory for the status of all children: {error}"),
        );
    }
}

/// What is made of atomic numbers only, for which zero is a value.
trait Atomic {}
impl Atomic for Area {}
impl Atomic for AtomicU32 {}

/// Memory that this process and its children share until the last of them ends.
fn zeroed<T: Atomic>(count: usize) -> io::Result<&'static [T]> {
    // SAFETY: new memory at an address that the system chooses. Pages that nobody touches cost
    // nothing.
    let memory = unsafe {
        libc::mmap(
            null_mut(),
            count * size_of::<T>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if memory == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: as large as that, aligned to a page and zero, which is a value of the type; the memory is
    // never unmapped.
    Ok(unsafe { slice::from_raw_parts(memory.cast(), count) })
}

/// The child in `slot` begins.
pub fn begin(slot: i32) {
    let slot = usize::try_from(slot).unwrap_or(0);
    budget::begin(slot);
    kinds::begin(slot, u32::try_from(places()).unwrap_or(u32::MAX));
}

/// The child in `slot` has ended.
pub fn end(slot: i32) {
    budget::forget(usize::try_from(slot).unwrap_or(usize::MAX));
}

/// Makes the places for calls that block, and begins to watch for those that do so unexpectedly.
pub fn watch(runtime: &Handle) {
    offload::open(places());
    if let Err(error) = watchdog::start(runtime) {
        control::log(
            httpd_sys::APLOG_ERR,
            &format!("no thread to watch modules that block: {error}"),
        );
    }
}

/// How many calls of a child may block at the same time.
pub fn places() -> usize {
    let most = settings().requests_per_child(kind::current());
    usize::try_from(most).map_or(1, |places| places.max(1))
}
