//! The worker MPM: a thread owns a connection to its end. The main thread accepts while there is an
//! idle thread, and hands over.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use super::{
    Mpm,
    accept::{self, Listeners},
    child::{self, Child},
    orders::Heard,
    places,
    reactor::{self, Own},
    settings::settings,
    sockets,
};
use crate::abi::session::Accepted;

/// The worker MPM.
#[derive(Clone, Copy, Debug)]
pub struct Worker;

impl Mpm for Worker {
    fn serve(&self, child: &'static Child) -> io::Result<()> {
        let listeners = Listeners::watch(&sockets::listening())?;
        let counter = Arc::new(Counter::default());
        let (waker, desk) = (listeners.waker(), Arc::clone(&counter));
        let heard = Heard::begin(child, move || {
            waker.wake();
            desk.freed.notify_all();
        })?;
        let mut threads = Vec::new();
        for _ in 0..settings().threads_per_child {
            let counter = Arc::clone(&counter);
            let thread = std::thread::Builder::new()
                .name("httpd-rs".into())
                .stack_size(reactor::stack_size())
                .spawn(move || counter.work(child))?;
            threads.push(thread);
        }
        while counter.wait_for_idle(child) {
            match listeners.take() {
                Ok(Some(accepted)) => counter.give(accepted),
                Ok(None) => {}
                Err(error) => accept::pause_after(&error),
            }
            if child.is_worn_out() {
                child.begin_to_leave();
            }
        }
        super::close_listeners();
        child::announce(heard.order());
        counter.close();
        for thread in threads {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
        Ok(())
    }
}

/// Where the main thread hands connections over.
#[derive(Default)]
struct Counter {
    state: Mutex<State>,
    /// A connection is there, or none will come any more.
    arrived: Condvar,
    /// A thread is free, or the child leaves.
    freed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Accepted>,
    idle: usize,
    closed: bool,
}

impl Counter {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a thread is free; false when the child leaves.
    fn wait_for_idle(&self, child: &Child) -> bool {
        let mut state = self.state();
        while state.idle <= state.waiting.len() && !child.is_leaving() {
            state = self
                .freed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        !child.is_leaving()
    }

    fn give(&self, accepted: Accepted) {
        self.state().waiting.push_back(accepted);
        self.arrived.notify_one();
    }

    /// No more connections come; those that wait are served.
    fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_all();
    }

    fn take(&self) -> Option<Accepted> {
        let mut state = self.state();
        state.idle += 1;
        self.freed.notify_one();
        let taken = loop {
            if let Some(accepted) = state.waiting.pop_front() {
                break Some(accepted);
            }
            if state.closed {
                break None;
            }
            state = self
                .arrived
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        };
        state.idle -= 1;
        taken
    }

    /// The life of a thread.
    fn work(&self, child: &'static Child) {
        let own = match Own::new() {
            Ok(own) => own,
            Err(error) => {
                let text = format!("a thread cannot serve: {error}");
                super::control::log(httpd_sys::APLOG_ERR, &text);
                return;
            }
        };
        places::show(httpd_sys::SERVER_READY);
        while let Some(accepted) = self.take() {
            own.serve(accepted, child);
        }
    }
}
