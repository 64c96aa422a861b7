//! The scoreboard's places for the threads of this child, of which a thread that serves takes one for
//! its life.

use std::{
    cell::Cell,
    ptr::null_mut,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use httpd_sys as sys;

use super::settings::settings;

/// This child's slot in the scoreboard.
static SLOT: AtomicUsize = AtomicUsize::new(0);

/// The scoreboard's places for threads, of which a thread takes one for its life.
static PLACES: Mutex<Vec<bool>> = Mutex::new(Vec::new());

thread_local! {
    static PLACE: Place = const { Place(Cell::new(None)) };
}

/// A thread's place in the scoreboard: its number and handle.
struct Place(Cell<Option<(usize, usize)>>);

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((number, _)) = self.0.get() {
            show_place(SLOT.load(Ordering::Relaxed) as i32, number);
            let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
            places[number] = false;
        }
    }
}

/// Shows a place that no thread has: a thread can be had for the first ThreadsPerChild of them, the
/// others are not in use.
fn show_place(slot: i32, number: usize) {
    let ready = usize::try_from(settings().threads_per_child).is_ok_and(|ready| number < ready);
    let state = if ready {
        sys::SERVER_READY
    } else {
        sys::SERVER_DEAD
    };
    // SAFETY: no request is named.
    unsafe {
        sys::ap_update_child_status_from_indexes(slot, number as i32, state as i32, null_mut())
    };
}

/// Shows all places of the child in this slot, which this process is from now on.
pub fn take_slot(slot: i32) {
    SLOT.store(slot as usize, Ordering::Relaxed);
    for number in 0..usize::try_from(settings().thread_limit).unwrap_or(0) {
        show_place(slot, number);
    }
}

/// Shows that the child takes no new connections: "G" where mod_status had "_".
pub fn show_leaving(slot: i32) {
    let limit = i32::max(settings().thread_limit, 0);
    // SAFETY: the scoreboard has a record for each slot and thread; the child writes its own. No
    // request is named.
    unsafe {
        for thread in 0..limit {
            let worker = sys::ap_get_scoreboard_worker_from_indexes(slot, thread);
            if !worker.is_null() && u32::from((*worker).status) == sys::SERVER_READY {
                let ready = sys::SERVER_READY as i32;
                // A child that leaves has no place that is ready: this becomes SERVER_GRACEFUL.
                sys::ap_update_child_status_from_indexes(slot, thread, ready, null_mut());
            }
        }
    }
}

/// The scoreboard handle of the thread that calls; NULL when there is no place left for it.
pub fn thread_scoreboard_handle() -> *mut sys::ap_sb_handle_t {
    PLACE.with(|place| {
        if let Some((_, handle)) = place.0.get() {
            return std::ptr::with_exposed_provenance_mut(handle);
        }
        let limit = usize::try_from(settings().thread_limit).unwrap_or(0);
        let number = {
            let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
            places.resize(limit, false);
            let Some(free) = places.iter().position(|taken| !taken) else {
                return null_mut();
            };
            places[free] = true;
            free
        };
        let mut handle = null_mut();
        // SAFETY: the pool is a thread's own and lives until the process ends, like its handle.
        unsafe {
            let mut pool = null_mut();
            sys::apr_pool_create_unmanaged_ex(&raw mut pool, None, null_mut());
            let slot = SLOT.load(Ordering::Relaxed) as i32;
            sys::ap_create_sb_handle(&raw mut handle, pool, slot, number as i32);
        }
        place.0.set(Some((number, handle.expose_provenance())));
        handle
    })
}

/// Shows what the thread that calls does with the connection that it owns (`SERVER_*`).
pub fn show(state: u32) {
    // SAFETY: a live handle of this thread or NULL, which shows nothing.
    unsafe {
        sys::ap_update_child_status(thread_scoreboard_handle(), state as i32, null_mut());
    }
}
