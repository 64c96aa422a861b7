//! Whether the children answer, as far as systemd's watchdog is concerned.
//!
//! A server is stuck when somebody waits to be let in and nothing moves: connections stay in the
//! queue of a listening socket while no child has finished a request, let a connection in or out, or
//! used the processor at all; or when there is no child that serves. Slow backends and long downloads
//! are not that: a restart would not help.

#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

/// What was seen at one look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// There is a child that serves.
    pub serving: bool,
    /// Connections wait to be accepted.
    pub waiting: bool,
    /// A number that changes with whatever children do.
    pub trace: u64,
}

/// The memory between looks.
#[derive(Debug)]
pub struct Pulse {
    limit: Duration,
    trace: u64,
    alive: Instant,
}

impl Pulse {
    /// A server that may stand still for `limit`.
    pub fn new(limit: Duration, now: Instant) -> Self {
        Self {
            limit,
            trace: 0,
            alive: now,
        }
    }

    /// Whether the children answer.
    pub fn look(&mut self, look: Look, now: Instant) -> bool {
        if look.serving && (!look.waiting || look.trace != self.trace) {
            self.alive = now;
        }
        self.trace = look.trace;
        now.duration_since(self.alive) < self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_queue_that_nobody_empties_is_death() {
        let begun = Instant::now();
        let at = |second| begun + Duration::from_secs(second);
        let mut pulse = Pulse::new(Duration::from_secs(3), begun);
        let look = |serving, waiting, trace| Look {
            serving,
            waiting,
            trace,
        };
        assert!(pulse.look(look(true, false, 7), at(10)));
        assert!(pulse.look(look(true, true, 8), at(20)), "something moves");
        assert!(pulse.look(look(true, true, 8), at(22)), "for a moment");
        assert!(!pulse.look(look(true, true, 8), at(23)));
        assert!(pulse.look(look(true, true, 9), at(24)), "it has come back");
        assert!(!pulse.look(look(false, false, 10), at(30)), "no child");
    }
}
