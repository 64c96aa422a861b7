//! What the threads have in common that turn event loops: a child's reactor threads in the event MPM,
//! and every thread that owns a connection in the others.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use httpd_sys as sys;
use tokio::runtime::{Builder, Runtime};

use super::{child::Child, numbers::Event};
use crate::{
    abi::{session::Accepted, threads},
    conn::{life, turn},
    log::access,
};

/// The stack of threads that run C code, in bytes: ThreadStackSize.
pub fn stack_size() -> usize {
    // SAFETY: a plain number that a directive has set.
    match unsafe { sys::ap_thread_stacksize } {
        size if size < libc::PTHREAD_STACK_MIN => 8 << 20,
        size => size,
    }
}

/// Says when ThreadStackSize is less than the system lets a thread have.
pub fn check_stack_size() {
    // SAFETY: as above.
    let size = unsafe { sys::ap_thread_stacksize };
    if size > 0 && size < libc::PTHREAD_STACK_MIN {
        let number = Event::StackSize.number();
        let text = format!(
            "{number}: WARNING: ThreadStackSize of {size} is too small for a thread, the default is used"
        );
        super::control::log(sys::APLOG_WARNING, &text);
    }
}

/// Sets what all runtimes have in common.
pub fn prepare(builder: &mut Builder) {
    builder
        .thread_stack_size(stack_size())
        .thread_name("httpd-rs")
        .enable_io()
        .enable_time()
        .on_thread_stop(end)
        .on_thread_park(|| {
            access::flush_thread_logs();
            turn::end();
        })
        // Only a thread that turns the event loop comes here; others of the runtime do not.
        .on_thread_unpark(|| {
            access::set_deferred_logs(true);
            turn::begin();
        });
}

/// A thread that has served ends.
fn end() {
    threads::end();
    access::flush_thread_logs();
}

/// The event loop of a thread that owns one connection at a time. Waiting in it and serving go the
/// same way as in the event MPM; whatever blocks, blocks this thread alone.
#[derive(Debug)]
pub struct Own(Runtime);

impl Own {
    /// The loop of the thread that calls.
    ///
    /// # Errors
    /// What the system says.
    pub fn new() -> io::Result<Self> {
        let mut builder = Builder::new_current_thread();
        prepare(&mut builder);
        Ok(Self(builder.build()?))
    }

    /// Serves a connection from accept to close.
    pub fn serve(&self, accepted: Accepted, child: &'static Child) {
        let presence = child.enter();
        // A panic ends its connection, as it ends the task of one in the event MPM.
        let served = AssertUnwindSafe(|| self.0.block_on(life::serve(accepted, child)));
        let _ = catch_unwind(served);
        // No event loop turns until the next connection.
        access::set_deferred_logs(false);
        turn::end();
        drop(presence);
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        end();
    }
}
