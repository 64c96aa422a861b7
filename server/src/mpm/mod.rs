//! Processes: the control process, its children, and what they ask each other.
//!
//! `settings` is what the directives of the MPM said, `control` the single-threaded control process
//! (start, supervise, restart, stop), `child` a child with its reactor, `signals` how both hear of
//! signals, `restart` the change to a new configuration. The event MPM is the one there is;
//! `modules/mpm_event` is its face towards configuration and modules.

pub mod child;
pub mod control;
pub mod execution;
pub mod pidfile;
pub mod port_owner;
pub mod restart;
pub mod settings;
pub mod signals;
pub mod sockets;

use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use httpd_sys as sys;

pub use child::thread_scoreboard_handle;

/// The pool of the configuration in force.
static CONFIGURATION: AtomicPtr<sys::apr_pool_t> = AtomicPtr::new(std::ptr::null_mut());

/// How often the configuration has been changed since the server was started.
static GENERATION: AtomicI32 = AtomicI32::new(0);

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

/// Frees the slot of a child that has ended, and tells modules.
fn note_child_end(pid: i32, slot: i32) {
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
        }
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
