//! The prefork MPM: a process owns a connection to its end, and all hooks run on its main thread, for
//! modules that are not thread-safe.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    Mpm,
    accept::{self, Listeners},
    child::{self, Child},
    orders::Heard,
    reactor::Own,
    sockets,
};

/// The prefork MPM.
#[derive(Clone, Copy, Debug)]
pub struct Prefork;

impl Mpm for Prefork {
    fn serve(&self, child: &'static Child) -> io::Result<()> {
        let listeners = Listeners::watch(&sockets::listening())?;
        let waker = listeners.waker();
        // Who is busy with a connection when the order comes cannot close the sockets; others would
        // go on to wait in their queues. Held by whoever uses them.
        let sockets_in_use = Arc::new(Mutex::new(()));
        let gate = Arc::clone(&sockets_in_use);
        let heard = Heard::begin(child, move || {
            waker.wake();
            let _held = gate.lock().unwrap_or_else(PoisonError::into_inner);
            super::close_listeners();
        })?;
        let thread = Own::new()?;
        let take = || {
            let _held = sockets_in_use
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if child.is_leaving() {
                return Ok(None);
            }
            listeners.take()
        };
        while !child.is_leaving() {
            match take() {
                Ok(Some(accepted)) => thread.serve(accepted, child),
                Ok(None) => {}
                Err(error) => accept::pause_after(&error),
            }
            if child.is_worn_out() {
                child.begin_to_leave();
            }
        }
        {
            let _held = sockets_in_use
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            super::close_listeners();
        }
        child::announce(heard.order());
        Ok(())
    }
}
