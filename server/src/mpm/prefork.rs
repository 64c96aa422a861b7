//! The prefork MPM: a process owns a connection to its end, and all hooks run on its main thread, for
//! modules that are not thread-safe.

use std::{io, time::Duration};

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
        let heard = Heard::begin(child, move || waker.wake())?;
        let thread = Own::new()?;
        while !child.is_leaving() {
            match listeners.take() {
                Ok(Some(accepted)) => thread.serve(accepted, child),
                Ok(None) => {}
                Err(error) => {
                    accept::log_failure(&error);
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
            if child.is_worn_out() {
                child.begin_to_leave();
            }
        }
        super::close_listeners();
        child::announce(heard.order());
        Ok(())
    }
}
