//! Processes: the control process, its children, and what they ask each other.
//!
//! `kind` is which of the three MPMs runs, `settings` what its directives said, `supply` how many
//! children follow from that, `numbers` how the log's messages are numbered, `control` the
//! single-threaded control process (start, supervise), `child` what all children have in common,
//! `event`, `worker` and `prefork` how they serve, `orders` how they hear that they are to leave,
//! `buckets` sets of listening sockets, `signals` how both hear of signals, `restart` the change to a
//! new configuration with `rehearsal` before it, `earlier` what generations before have left, `hold`
//! what happens when nothing can follow them, `helpers` programs beside the children, `stop` the end.
//! `pidfile` says whether a server runs, `announce` what it tells of itself (`notify` and `pulse`:
//! systemd), `activation` sockets that it is given. `modules/mpm` is the face of all this towards
//! configuration and modules.

mod accept;
pub mod activation;
pub mod announce;
pub mod buckets;
pub mod child;
pub mod control;
pub mod earlier;
mod event;
pub mod execution;
pub mod helpers;
mod hold;
pub mod kind;
mod listening;
mod module_sockets;
mod notify;
pub mod numbers;
mod orders;
pub mod pidfile;
mod places;
pub mod port_owner;
mod prefork;
mod pulse;
mod reactor;
pub mod rehearsal;
pub mod restart;
pub mod settings;
pub mod signals;
pub mod sockets;
mod stop;
mod supply;
mod worker;

use std::{
    io,
    sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, Ordering},
};

use httpd_sys as sys;

use child::Child;
use kind::Kind;
pub use places::thread_scoreboard_handle;

/// What the process models differ in: how a child serves connections.
trait Mpm {
    /// Serves until the child is told to leave, and has done so.
    ///
    /// # Errors
    /// Why it cannot begin.
    fn serve(&self, child: &'static Child) -> io::Result<()>;
}

/// The process model of a kind.
fn of(kind: Kind) -> &'static dyn Mpm {
    match kind {
        Kind::Event => &event::Event,
        Kind::Worker => &worker::Worker,
        Kind::Prefork => &prefork::Prefork,
    }
}

/// The pool of the configuration in force.
static CONFIGURATION: AtomicPtr<sys::apr_pool_t> = AtomicPtr::new(std::ptr::null_mut());

/// How often the configuration has been changed since the server was started.
static GENERATION: AtomicI32 = AtomicI32::new(0);

/// Whether this process has done with starting.
static RUNNING: AtomicBool = AtomicBool::new(false);

/// Notes whether this process has done with starting.
fn set_running(running: bool) {
    RUNNING.store(running, Ordering::Relaxed);
}

/// What this process is doing, for modules that ask (`AP_MPMQ_MPM_STATE`).
pub fn state() -> u32 {
    if child::is_stopping() {
        sys::AP_MPMQ_STOPPING
    } else if RUNNING.load(Ordering::Relaxed) {
        sys::AP_MPMQ_RUNNING
    } else {
        sys::AP_MPMQ_STARTING
    }
}

/// The pool of the configuration in force.
pub fn configuration_pool() -> *mut sys::apr_pool_t {
    CONFIGURATION.load(Ordering::Relaxed)
}

/// Notes the pool of the configuration that the MPM runs with.
pub fn set_configuration_pool(pool: *mut sys::apr_pool_t) {
    CONFIGURATION.store(pool, Ordering::Relaxed);
}

/// How often the configuration has been changed since the server was started.
pub fn generation() -> i32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Takes the generation over from the process that executed this one.
pub fn inherit_generation() {
    GENERATION.store(
        restart::inherited_generation().unwrap_or(0),
        Ordering::Relaxed,
    );
}

/// Tells modules that a child is about to be started.
fn note_child_start(slot: i32) {
    // SAFETY: the scoreboard has a record for each slot; the control process writes it.
    unsafe {
        let starting = sys::SERVER_STARTING as i32;
        sys::ap_update_child_status_from_indexes(slot, 0, starting, std::ptr::null_mut());
    }
}

/// Shows that the child in this slot takes no more connections.
fn note_leaving(slot: i32) {
    // SAFETY: the scoreboard has a record for each slot.
    unsafe {
        let process = sys::ap_get_scoreboard_process(slot);
        if !process.is_null() {
            (*process).quiescing = 1;
        }
    }
}

/// Whether the child in this slot takes no more connections.
fn is_leaving(slot: i32) -> bool {
    // SAFETY: the scoreboard has a record for each slot, which the child may change at any time.
    unsafe {
        let process = sys::ap_get_scoreboard_process(slot);
        !process.is_null() && (*process).quiescing != 0
    }
}

/// What the scoreboard says of the child in this slot.
fn look_at(slot: i32, dismissed: bool) -> supply::Seen {
    let settings = settings::settings();
    let mut busy = 0;
    // SAFETY: the scoreboard has a record for each slot and thread; a child may change them at any
    // time, which makes this look a little older.
    unsafe {
        for thread in 0..settings.thread_limit {
            let worker = sys::ap_get_scoreboard_worker_from_indexes(slot, thread);
            if worker.is_null() {
                continue;
            }
            let status = u32::from((*worker).status);
            if status > sys::SERVER_READY && status < sys::SERVER_GRACEFUL {
                busy += 1;
            }
        }
    }
    supply::Seen {
        slot,
        idle: (settings.threads_per_child - busy).max(0),
        leaving: dismissed || is_leaving(slot),
    }
}

/// Notes a child's pid and generation, and tells modules.
fn note_child_pid(slot: i32, pid: i32) {
    // SAFETY: the scoreboard has a record for each slot; the control process writes it.
    unsafe {
        let process = sys::ap_get_scoreboard_process(slot);
        if !process.is_null() {
            (*process).pid = pid;
            (*process).generation = generation();
            (*process).quiescing = 0;
        }
        sys::ap_run_child_status(
            sys::ap_server_conf,
            pid,
            generation(),
            slot,
            sys::MPM_CHILD_STARTED,
        );
    }
}

/// Frees the slot of a child that has ended.
fn free_slot(slot: i32) {
    let threads = settings::settings().thread_limit;
    // SAFETY: the scoreboard has a record for each slot and thread.
    unsafe {
        for thread in 0..threads {
            let dead = sys::SERVER_DEAD as i32;
            sys::ap_update_child_status_from_indexes(slot, thread, dead, std::ptr::null_mut());
        }
        let process = sys::ap_get_scoreboard_process(slot);
        if !process.is_null() {
            (*process).pid = 0;
            (*process).quiescing = 0;
        }
    }
}

/// Frees the slot of a child that has ended, and tells modules.
fn note_child_end(pid: i32, slot: i32) {
    free_slot(slot);
    execution::end(slot);
    // SAFETY: the main server is live.
    unsafe {
        sys::ap_run_child_status(
            sys::ap_server_conf,
            pid,
            generation(),
            slot,
            sys::MPM_CHILD_EXITED,
        );
    }
}

/// Tells whoever started another process (a CGI daemon, a piped log) that it has ended.
fn tell_other_child(pid: i32, status: i32) {
    // SAFETY: the record lives for the call; APR looks the pid up among those registered.
    unsafe {
        helpers::forget(pid);
        let mut process: sys::apr_proc_t = std::mem::zeroed();
        process.pid = pid;
        sys::apr_proc_other_child_alert(&raw mut process, sys::APR_OC_REASON_DEATH as i32, status);
    }
}

/// Stops listening, as far as this process is concerned.
fn close_listeners() {
    // SAFETY: nothing accepts any more: the control process never does, and a child's tasks have
    // ended.
    unsafe { sys::ap_close_listeners() };
}
