//! How many connections of a child wait, and for what: the counts that monitoring reads from
//! mod_status. A child alone writes its record, from any of its threads.

use std::sync::atomic::{AtomicU32, Ordering};

use super::access::process;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Open, whatever it does.
    Open,
    /// The client is to take the rest of an answer.
    Writing,
    /// The client is to close.
    Closing,
    /// The next request is to come.
    KeptAlive,
}

/// A connection counted while this lives.
#[derive(Debug)]
pub struct Counted {
    child: i32,
    state: State,
}

impl Counted {
    /// Counts a connection of the child in this slot.
    pub fn new(child: i32, state: State) -> Self {
        if let Some(counter) = counter(child, state) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        Self { child, state }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(counter) = counter(self.child, self.state) {
            counter.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Forgets what a predecessor in this slot left that did not end properly.
pub fn forget(child: i32) {
    for state in [
        State::Open,
        State::Writing,
        State::Closing,
        State::KeptAlive,
    ] {
        if let Some(counter) = counter(child, state) {
            counter.store(0, Ordering::Relaxed);
        }
    }
}

fn counter(child: i32, state: State) -> Option<&'static AtomicU32> {
    let record = process(child)?;
    // SAFETY: the scoreboard stays as long as the process; while a child lives, only it changes
    // these fields, by this function.
    unsafe {
        let field = match state {
            State::Open => &raw mut (*record).connections,
            State::Writing => &raw mut (*record).write_completion,
            State::Closing => &raw mut (*record).lingering_close,
            State::KeptAlive => &raw mut (*record).keep_alive,
        };
        Some(AtomicU32::from_ptr(field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_without_a_record_is_not_counted() {
        let counted = Counted::new(-1, State::Open);
        drop(counted);
        forget(-1);
    }
}
