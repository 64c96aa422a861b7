//! Programs that modules start in the control process: `apr_proc_other_child_register` and
//! `apr_pool_note_subprocess` are found here before those of APR, because the dynamic linker asks the
//! executable first. The server has to know these programs: over a restart they stay until the
//! children that use them are gone (`mpm::helpers`), while the pool they belong to is cleared.

use std::{
    ffi::{c_int, c_void},
    sync::{Mutex, OnceLock, PoisonError},
};

use httpd_sys as sys;

use super::Export;
use crate::mpm::helpers::{self, EndsBy};

type Maintenance = unsafe extern "C" fn(c_int, *mut c_void, c_int);

pub(in crate::abi) static EXPORTS: &[Export] = &[
    Export::new(
        [
            apr_proc_other_child_register,
            sys::apr_proc_other_child_register,
        ][0] as *const (),
    ),
    Export::new([apr_pool_note_subprocess, sys::apr_pool_note_subprocess][0] as *const ()),
];

/// APR's own function behind one of the same name here.
macro_rules! of_apr {
    ($name:ident, $type:ty) => {{
        static FOUND: OnceLock<$type> = OnceLock::new();
        *FOUND.get_or_init(|| {
            let name = concat!(stringify!($name), "\0");
            // SAFETY: the name ends with NUL.
            let function = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr().cast()) };
            assert!(!function.is_null(), "the executable is linked with APR");
            // SAFETY: APR's function of this name has this type, which is that of the one here.
            unsafe { std::mem::transmute::<*mut c_void, $type>(function) }
        })
    }};
}

/// A process that somebody is told of.
struct Watched {
    data: usize,
    pid: i32,
    maintenance: Maintenance,
}

static WATCHED: Mutex<Vec<Watched>> = Mutex::new(Vec::new());

/// Registers who is told when a process ends. In the control process that is known for a helper.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn apr_proc_other_child_register(
    process: *mut sys::apr_proc_t,
    maintenance: Option<Maintenance>,
    data: *mut c_void,
    write_fd: *mut sys::apr_file_t,
    p: *mut sys::apr_pool_t,
) {
    type Register = unsafe extern "C" fn(
        *mut sys::apr_proc_t,
        Option<Maintenance>,
        *mut c_void,
        *mut sys::apr_file_t,
        *mut sys::apr_pool_t,
    );
    let register = of_apr!(apr_proc_other_child_register, Register);
    let through = match maintenance {
        Some(maintenance) if helpers::are_of_this_process() => {
            // SAFETY: apr_thread_proc.h asks for a live process.
            let pid = unsafe { (*process).pid };
            helpers::note(pid, EndsBy::Signal);
            let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
            watched.push(Watched {
                data: data.addr(),
                pid,
                maintenance,
            });
            Some(tell as Maintenance)
        }
        other => other,
    };
    // SAFETY: the caller's arguments; `tell` calls whom the caller named.
    unsafe { register(process, through, data, write_fd, p) };
}

/// Tells whoever registered. That its pool is cleared is no reason to end a helper that outlives it.
unsafe extern "C" fn tell(reason: c_int, data: *mut c_void, status: c_int) {
    let over = reason == sys::APR_OC_REASON_UNREGISTER as c_int;
    let maintenance = {
        let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = watched.iter().rposition(|one| one.data == data.addr()) else {
            return;
        };
        if over {
            let one = watched.swap_remove(at);
            if helpers::are_spared() {
                return;
            }
            helpers::forget(one.pid);
            one.maintenance
        } else {
            watched[at].maintenance
        }
    };
    // SAFETY: APR passes on what was registered with this function.
    unsafe { maintenance(reason, data, status) };
}

/// A process that a pool ends.
struct Noted {
    pool: *mut sys::apr_pool_t,
    process: *mut sys::apr_proc_t,
    how: sys::apr_kill_conditions_e,
}

type Note =
    unsafe extern "C" fn(*mut sys::apr_pool_t, *mut sys::apr_proc_t, sys::apr_kill_conditions_e);

fn note_of_apr() -> Note {
    of_apr!(apr_pool_note_subprocess, Note)
}

/// Lets a process end with a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn apr_pool_note_subprocess(
    pool: *mut sys::apr_pool_t,
    process: *mut sys::apr_proc_t,
    how: sys::apr_kill_conditions_e,
) {
    if !helpers::are_of_this_process() || how == sys::APR_KILL_NEVER {
        // SAFETY: the caller's arguments.
        unsafe { note_of_apr()(pool, process, how) };
        return;
    }
    // SAFETY: apr_pools.h asks for a live pool and a process that lives as long; the record is freed
    // by its cleanup.
    unsafe {
        helpers::note((*process).pid, EndsBy::Signal);
        let noted = Box::into_raw(Box::new(Noted { pool, process, how }));
        let nothing = Some(sys::apr_pool_cleanup_null as _);
        sys::apr_pool_cleanup_register(pool, noted.cast(), Some(end), nothing);
    }
}

/// The pool is cleared: unless the process outlives it, APR ends it as it was asked to, which it does
/// right after the cleanups.
unsafe extern "C" fn end(noted: *mut c_void) -> sys::apr_status_t {
    // SAFETY: made by `apr_pool_note_subprocess`, and a pool runs a cleanup once.
    let noted = unsafe { Box::from_raw(noted.cast::<Noted>()) };
    if !helpers::are_spared() {
        // SAFETY: both live until the pool has been cleared.
        unsafe {
            helpers::forget((*noted.process).pid);
            note_of_apr()(noted.pool, noted.process, noted.how);
        }
    }
    0
}
