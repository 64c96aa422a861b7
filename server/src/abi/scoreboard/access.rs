//! Finding records of the scoreboard, and the handle by which a connection names its thread's.

use std::{ffi::c_int, ptr::null_mut};

use httpd_sys::{
    self as sys, ap_sb_handle_t, apr_pool_t, apr_proc_t, global_score, process_score, worker_score,
};
use module_sdk::raw::Pool;

use super::memory::{ap_scoreboard_image, limits};

exports! {
    ap_create_sb_handle, ap_update_sb_handle, ap_find_child_by_pid, ap_get_scoreboard_worker,
    ap_get_scoreboard_worker_from_indexes, ap_copy_scoreboard_worker, ap_get_scoreboard_process,
    ap_get_scoreboard_global,
}

/// What `ap_sb_handle_t *` points to. C only sees the pointer.
#[derive(Clone, Copy)]
pub(super) struct Handle {
    pub(super) child: c_int,
    pub(super) thread: c_int,
}

/// What a handle says.
///
/// # Safety
/// The handle is NULL or made by `ap_create_sb_handle`, and live.
pub(super) unsafe fn handle(sbh: *mut ap_sb_handle_t) -> Option<Handle> {
    // SAFETY: the caller's promise.
    unsafe { sbh.cast::<Handle>().as_ref() }.copied()
}

/// The record of a thread; `None` when there is none of these numbers.
pub(super) fn worker(child: c_int, thread: c_int) -> Option<*mut worker_score> {
    let (children, threads) = limits();
    if !(0..children).contains(&child) || !(0..threads).contains(&thread) {
        return None;
    }
    // SAFETY: the image is made before there are threads; the numbers are within its limits.
    unsafe {
        let image = ap_scoreboard_image.as_ref()?;
        Some((*image.servers.add(child as usize)).add(thread as usize))
    }
}

/// The record of a child; `None` when there is none of this number.
pub(super) fn process(child: c_int) -> Option<*mut process_score> {
    if !(0..limits().0).contains(&child) {
        return None;
    }
    // SAFETY: as above.
    unsafe {
        let image = ap_scoreboard_image.as_ref()?;
        Some(image.parent.add(child as usize))
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_create_sb_handle(
    new: *mut *mut ap_sb_handle_t,
    pool: *mut apr_pool_t,
    child: c_int,
    thread: c_int,
) {
    // SAFETY: scoreboard.h asks for a place and a live pool.
    unsafe {
        let handle = Pool::from_ptr(pool).zeroed::<Handle>();
        handle.write(Handle { child, thread });
        new.write(handle.cast());
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_update_sb_handle(
    sbh: *mut ap_sb_handle_t,
    child: c_int,
    thread: c_int,
) {
    // SAFETY: scoreboard.h asks for a live handle.
    if let Some(handle) = unsafe { sbh.cast::<Handle>().as_mut() } {
        *handle = Handle { child, thread };
    }
}

/// The number of the child with this process; -1 when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_find_child_by_pid(wanted: *mut apr_proc_t) -> c_int {
    let mut most = 0;
    // SAFETY: scoreboard.h asks for a live record; the answer has a place.
    unsafe {
        let query = sys::AP_MPMQ_MAX_DAEMON_USED as c_int;
        if sys::ap_mpm_query(query, &raw mut most) != sys::APR_SUCCESS as c_int {
            most = limits().0;
        }
        (0..most)
            .find(|&child| process(child).is_some_and(|process| (*process).pid == (*wanted).pid))
            .unwrap_or(-1)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_scoreboard_worker(sbh: *mut ap_sb_handle_t) -> *mut worker_score {
    // SAFETY: scoreboard.h asks for a live handle or NULL.
    unsafe { handle(sbh) }
        .and_then(|handle| worker(handle.child, handle.thread))
        .unwrap_or(null_mut())
}

#[unsafe(no_mangle)]
pub extern "C" fn ap_get_scoreboard_worker_from_indexes(
    child: c_int,
    thread: c_int,
) -> *mut worker_score {
    worker(child, thread).unwrap_or(null_mut())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_copy_scoreboard_worker(
    copy: *mut worker_score,
    child: c_int,
    thread: c_int,
) {
    let Some(worker) = worker(child, thread) else {
        return;
    };
    // SAFETY: scoreboard.h asks for a place. Other processes may write meanwhile: the texts may
    // tear, so each is ended by a NUL of ours.
    unsafe {
        copy.copy_from_nonoverlapping(worker, 1);
        let copy = &mut *copy;
        for text in [
            &mut copy.client[..],
            &mut copy.request,
            &mut copy.vhost,
            &mut copy.protocol,
            &mut copy.client64,
        ] {
            if let Some(last) = text.last_mut() {
                *last = 0;
            }
        }
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn ap_get_scoreboard_process(child: c_int) -> *mut process_score {
    process(child).unwrap_or(null_mut())
}

#[unsafe(no_mangle)]
pub extern "C" fn ap_get_scoreboard_global() -> *mut global_score {
    // SAFETY: the image is made before there are threads.
    unsafe { ap_scoreboard_image.as_ref() }.map_or(null_mut(), |image| image.global)
}
