//! The memory of the scoreboard: one piece, shared by anonymous memory or a file, which holds the
//! global record, a record for each child, and one for each of its threads.
//!
//! The addresses of the records (`ap_scoreboard_image`) are each process's own.

use std::{
    ffi::{c_char, c_int, c_void},
    mem::size_of,
    os::fd::RawFd,
    ptr::{null, null_mut},
    sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, Ordering},
};

use httpd_sys::{
    self as sys, ap_scoreboard_e, apr_pool_t, apr_shm_t, apr_status_t, global_score, process_score,
    scoreboard, worker_score,
};

use super::status;
use crate::{
    abi::http_log::{lossy, report},
    mpm::{earlier::Earlier, restart, settings},
};

exports! {
    ap_create_scoreboard, ap_cleanup_scoreboard, ap_reopen_scoreboard, ap_init_scoreboard,
    ap_calc_scoreboard_size, ap_exists_scoreboard_image,
}

/// The records, or NULL before there are any.
#[unsafe(no_mangle)]
pub static mut ap_scoreboard_image: *mut scoreboard = null_mut();

/// The file of `ScoreBoardFile`; NULL: anonymous memory.
#[unsafe(no_mangle)]
pub static mut ap_scoreboard_fname: *const c_char = null();

const OK: apr_status_t = sys::APR_SUCCESS as apr_status_t;

static SERVER_LIMIT: AtomicI32 = AtomicI32::new(0);
static THREAD_LIMIT: AtomicI32 = AtomicI32::new(0);
static SHARED: AtomicPtr<apr_shm_t> = AtomicPtr::new(null_mut());

/// Tells the image that follows of the memory, so that it sees what children of earlier generations do.
pub const HANDED: &str = "HTTPD_RS_SCOREBOARD";

/// The descriptor of the memory, unless it has a name; negative: there is none.
static MEMORY: AtomicI32 = AtomicI32::new(-1);

/// Whether the memory is that of the image before.
static INHERITED: AtomicBool = AtomicBool::new(false);

/// A descriptor of the memory for the image that follows, which stays when the scoreboard of this one is
/// given up.
pub fn keep_over_exec() -> Option<RawFd> {
    let memory = MEMORY.load(Ordering::Relaxed);
    if memory < 0 {
        return None;
    }
    // SAFETY: a plain system call; the copy is the caller's.
    let copy = unsafe { libc::fcntl(memory, libc::F_DUPFD_CLOEXEC, 3) };
    (copy >= 0).then_some(copy)
}

/// Whether the memory is that of the image before, with the records of its children.
pub fn is_inherited() -> bool {
    INHERITED.load(Ordering::Relaxed)
}
static IS_SHARED: AtomicBool = AtomicBool::new(false);

/// How many children and threads of a child there can be.
pub(super) fn limits() -> (c_int, c_int) {
    (
        SERVER_LIMIT.load(Ordering::Relaxed),
        THREAD_LIMIT.load(Ordering::Relaxed),
    )
}

/// Where each kind of record begins in the memory, and how much memory that is.
struct Layout {
    parent: usize,
    servers: usize,
    size: usize,
}

impl Layout {
    fn new((servers, threads): (c_int, c_int)) -> Self {
        let (children, threads) = (count(servers), count(threads));
        let parent = aligned(size_of::<global_score>());
        let servers = parent + aligned(size_of::<process_score>() * children);
        let size = servers + size_of::<worker_score>() * children * threads;
        Self {
            parent,
            servers,
            size,
        }
    }
}

fn count(limit: c_int) -> usize {
    usize::try_from(limit).unwrap_or(0)
}

/// `APR_ALIGN_DEFAULT`.
fn aligned(size: usize) -> usize {
    size.next_multiple_of(8)
}

/// Asks the MPM for its limits; answers how much memory they take.
#[unsafe(no_mangle)]
pub extern "C" fn ap_calc_scoreboard_size() -> c_int {
    let limit = |query: u32| {
        let mut answer = 0;
        // SAFETY: the answer has a place.
        let status = unsafe { sys::ap_mpm_query(query as c_int, &raw mut answer) };
        if status == OK { answer } else { 1 }
    };
    THREAD_LIMIT.store(limit(sys::AP_MPMQ_HARD_LIMIT_THREADS), Ordering::Relaxed);
    SERVER_LIMIT.store(limit(sys::AP_MPMQ_HARD_LIMIT_DAEMONS), Ordering::Relaxed);
    Layout::new(limits()).size as c_int
}

/// Finds the records in the memory, which is zero or has been used with the same limits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_init_scoreboard(memory: *mut c_void) {
    ap_calc_scoreboard_size();
    // SAFETY: scoreboard.h asks for as much memory as the limits take. The image is never freed: it
    // is made once in the life of a process.
    unsafe { ap_scoreboard_image = image(memory.cast(), limits()) };
}

/// # Safety
/// The memory is as large as the limits say and aligned to eight bytes.
unsafe fn image(memory: *mut u8, limits: (c_int, c_int)) -> *mut scoreboard {
    let layout = Layout::new(limits);
    let (children, threads) = (count(limits.0), count(limits.1));
    // SAFETY: the caller's promise: the layout lies within the memory.
    unsafe {
        let global = memory.cast::<global_score>();
        (*global).server_limit = limits.0;
        (*global).thread_limit = limits.1;
        let workers = memory.add(layout.servers).cast::<worker_score>();
        let servers: Box<[*mut worker_score]> = (0..children)
            .map(|child| workers.add(child * threads))
            .collect();
        Box::into_raw(Box::new(scoreboard {
            global,
            parent: memory.add(layout.parent).cast(),
            servers: Box::into_raw(servers).cast(),
        }))
    }
}

/// Makes the scoreboard, or clears the one there is for a new generation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_create_scoreboard(
    pool: *mut apr_pool_t,
    kind: ap_scoreboard_e,
) -> c_int {
    status::find_byte_counter();
    // SAFETY: called by the single-threaded control process with its pool.
    unsafe {
        if let Some(image) = ap_scoreboard_image.as_ref() {
            (*image.global).restart_time = sys::apr_time_now();
            let (children, threads) = limits();
            image.parent.write_bytes(0, count(children));
            if children > 0 {
                let first = *image.servers;
                first.write_bytes(0, count(children) * count(threads));
            }
            return sys::OK as c_int;
        }
        let size = ap_calc_scoreboard_size() as usize;
        let shared = kind == sys::SB_SHARED;
        let memory = if shared {
            match share(pool, size) {
                Some(memory) => memory,
                None => return sys::HTTP_INTERNAL_SERVER_ERROR as c_int,
            }
        } else {
            libc::calloc(1, size)
        };
        if memory.is_null() {
            return sys::HTTP_INTERNAL_SERVER_ERROR as c_int;
        }
        if shared && !is_inherited() {
            memory.cast::<u8>().write_bytes(0, size);
        }
        ap_init_scoreboard(memory);
        if is_inherited() {
            free_slots_of_none();
        }
        IS_SHARED.store(shared, Ordering::Relaxed);
        let global = (*ap_scoreboard_image).global;
        (*global).running_generation = crate::mpm::generation();
        (*global).restart_time = sys::apr_time_now();
        let nothing = Some(sys::apr_pool_cleanup_null as _);
        sys::apr_pool_cleanup_register(pool, null(), Some(ap_cleanup_scoreboard), nothing);
    }
    sys::OK as c_int
}

/// Clears the records of slots that no child of an earlier generation has.
///
/// # Safety
/// The image was made.
unsafe fn free_slots_of_none() {
    let earlier = Earlier::inherited();
    let (children, threads) = limits();
    // SAFETY: the caller's promise: there are as many records as the limits say.
    unsafe {
        for slot in (0..children).filter(|&slot| !earlier.occupies(slot)) {
            let at = count(slot);
            (*ap_scoreboard_image).parent.add(at).write_bytes(0, 1);
            let workers = *(*ap_scoreboard_image).servers.add(at);
            workers.write_bytes(0, count(threads));
        }
    }
}

/// Whether the scoreboard of the image before can be gone on with: children of earlier generations that
/// are still there must leave room for those to come.
fn has_room(earlier: &Earlier, slots: c_int) -> bool {
    let free = (0..slots).filter(|&slot| !earlier.occupies(slot)).count();
    let settings = settings::settings();
    let start = settings.start_servers.min(settings.most_children()).max(1);
    free >= count(start).max(count(slots) / 2)
}

/// Memory without a name, that of the image before when it will do.
///
/// # Safety
/// The process has one thread.
unsafe fn share_nameless(size: usize) -> Result<*mut c_void, apr_status_t> {
    // SAFETY: plain system calls on descriptors of our own.
    unsafe {
        if let Some(handed) = restart::handed(HANDED).and_then(|text| text.parse().ok()) {
            if let Some(memory) = go_on_with(handed, size) {
                MEMORY.store(handed, Ordering::Relaxed);
                INHERITED.store(true, Ordering::Relaxed);
                return Ok(memory);
            }
            libc::close(handed);
        }
        let descriptor = libc::memfd_create(c"scoreboard".as_ptr(), libc::MFD_CLOEXEC);
        let length = libc::off_t::try_from(size).unwrap_or(libc::off_t::MAX);
        let made = descriptor >= 0 && libc::ftruncate(descriptor, length) == 0;
        match made.then(|| map(descriptor, size)).flatten() {
            Some(memory) => {
                MEMORY.store(descriptor, Ordering::Relaxed);
                Ok(memory)
            }
            None => Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(-1)),
        }
    }
}

/// Maps the memory of the image before, if it has the same limits and room.
fn go_on_with(descriptor: RawFd, size: usize) -> Option<*mut c_void> {
    // SAFETY: the record is filled by the system; the memory is as large as it says, and begins with
    // the global record.
    unsafe {
        let mut state: libc::stat = std::mem::zeroed();
        if libc::fstat(descriptor, &raw mut state) != 0
            || usize::try_from(state.st_size) != Ok(size)
            || !has_room(&Earlier::inherited(), limits().0)
        {
            return None;
        }
        libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        let memory = map(descriptor, size)?;
        let global = memory.cast::<global_score>();
        if ((*global).server_limit, (*global).thread_limit) == limits() {
            return Some(memory);
        }
        // Records of other limits lie elsewhere.
        libc::munmap(memory, size);
        None
    }
}

fn map(descriptor: RawFd, size: usize) -> Option<*mut c_void> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the mapping is a new one.
    let memory = unsafe { libc::mmap(null_mut(), size, access, libc::MAP_SHARED, descriptor, 0) };
    (memory != libc::MAP_FAILED).then_some(memory)
}

/// Gets shared memory, which belongs to no pool of the configuration.
///
/// # Safety
/// The pool is live.
unsafe fn share(pool: *mut apr_pool_t, size: usize) -> Option<*mut c_void> {
    // SAFETY: the caller's promise; APR fills the places it is given.
    unsafe {
        let mut own = null_mut();
        let status = sys::apr_pool_create_ex(&raw mut own, null_mut(), None, null_mut());
        if status != OK {
            fail(
                sys::APLOG_CRIT,
                status,
                format_args!(
                    "AH00002: Fatal error: unable to create global pool for use by the scoreboard"
                ),
            );
            return None;
        }
        sys::apr_pool_tag(own, c"global_scoreboard_pool".as_ptr());
        if ap_scoreboard_fname.is_null() {
            return match share_nameless(size) {
                Ok(memory) => Some(memory),
                Err(status) => {
                    fail(
                        sys::APLOG_CRIT,
                        status,
                        format_args!(
                            "AH00004: Unable to create or access scoreboard (anonymous shared \
                             memory failure)"
                        ),
                    );
                    None
                }
            };
        }
        let mut shared = null_mut();
        let size = size as sys::apr_size_t;
        {
            let name = sys::ap_server_root_relative(pool, ap_scoreboard_fname);
            if name.is_null() {
                let name = lossy(ap_scoreboard_fname);
                fail(
                    sys::APLOG_CRIT,
                    sys::APR_EBADPATH as apr_status_t,
                    format_args!("AH00003: Fatal error: Invalid Scoreboard path {name}"),
                );
                return None;
            }
            // What a server that did not end well has left.
            sys::apr_shm_remove(name, own);
            let status = sys::apr_shm_create(&raw mut shared, size, name, own);
            if status != OK {
                let name = lossy(name);
                fail(
                    sys::APLOG_CRIT,
                    status,
                    format_args!(
                        "AH00001: unable to create or access scoreboard \"{name}\" (name-based \
                         shared memory failure)"
                    ),
                );
                return None;
            }
        }
        SHARED.store(shared, Ordering::Relaxed);
        Some(sys::apr_shm_baseaddr_get(shared))
    }
}

fn fail(level: u32, status: apr_status_t, message: std::fmt::Arguments<'_>) {
    // SAFETY: there is no server to be live.
    unsafe { report(sys::APLOG_NO_MODULE, level, status, null(), message) };
}

/// Gives the memory back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_cleanup_scoreboard(_data: *mut c_void) -> apr_status_t {
    // SAFETY: the image was made by `ap_init_scoreboard`; nobody uses it any more.
    unsafe {
        let image = std::mem::replace(&mut *(&raw mut ap_scoreboard_image), null_mut());
        if image.is_null() {
            return OK;
        }
        if IS_SHARED.load(Ordering::Relaxed) {
            let shared = SHARED.swap(null_mut(), Ordering::Relaxed);
            if !shared.is_null() {
                sys::apr_shm_destroy(shared);
            }
            let descriptor = MEMORY.swap(-1, Ordering::Relaxed);
            if descriptor >= 0 {
                let size = Layout::new(limits()).size;
                libc::munmap((*image).global.cast(), size);
                libc::close(descriptor);
            }
        } else {
            libc::free((*image).global.cast());
        }
        let children = count(limits().0);
        let servers = std::ptr::slice_from_raw_parts_mut((*image).servers, children);
        drop(Box::from_raw(servers));
        drop(Box::from_raw(image));
    }
    OK
}

/// Lets a child use the scoreboard. A child that was forked has it already; one that was not would
/// be given the memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_reopen_scoreboard(
    _pool: *mut apr_pool_t,
    shared: *mut *mut apr_shm_t,
    detached: c_int,
) -> apr_status_t {
    if detached == 0 {
        return OK;
    }
    let ours = SHARED.load(Ordering::Relaxed);
    // SAFETY: scoreboard.h asks for a place or NULL; the memory is live.
    unsafe {
        let needed = ap_calc_scoreboard_size() as sys::apr_size_t;
        if ours.is_null() || sys::apr_shm_size_get(ours) < needed {
            fail(
                sys::APLOG_CRIT,
                0,
                format_args!("AH00005: Fatal error: shared scoreboard too small for child!"),
            );
            return sys::APR_EINVAL as apr_status_t;
        }
        if let Some(place) = shared.as_mut() {
            *place = ours;
        }
    }
    OK
}

#[unsafe(no_mangle)]
pub extern "C" fn ap_exists_scoreboard_image() -> c_int {
    // SAFETY: a plain pointer, written before there are threads.
    c_int::from(unsafe { !ap_scoreboard_image.is_null() })
}

/// A scoreboard for tests, which is never freed.
#[cfg(test)]
pub(super) fn for_test(children: c_int, threads: c_int) {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        SERVER_LIMIT.store(children, Ordering::Relaxed);
        THREAD_LIMIT.store(threads, Ordering::Relaxed);
        // SAFETY: zeroed memory as large as the limits say.
        unsafe {
            let memory = libc::calloc(1, Layout::new((children, threads)).size);
            ap_scoreboard_image = image(memory.cast(), (children, threads));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_lie_side_by_side() {
        let layout = Layout::new((3, 4));
        assert_eq!(layout.parent % 8, 0);
        assert_eq!(layout.servers % 8, 0);
        assert_eq!(layout.size - layout.servers, 12 * size_of::<worker_score>());
        // SAFETY: memory as large as the layout says.
        unsafe {
            let memory = libc::calloc(1, layout.size).cast::<u8>();
            let image = image(memory, (3, 4));
            assert_eq!((*(*image).global).thread_limit, 4);
            let last = (*(*image).servers.add(2)).add(4);
            assert_eq!(last.cast::<u8>(), memory.add(layout.size));
        }
    }
}
