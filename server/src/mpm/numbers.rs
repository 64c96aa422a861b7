//! The numbers by which logs of Apache's three MPMs are searched: each MPM has its own for the same
//! event.
#![forbid(unsafe_code)]

use super::kind::{self, Kind};

/// What the control process tells the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The server is up.
    Resuming,
    /// A stop at once was asked for.
    Stop,
    /// A graceful stop was asked for.
    GracefulStop,
    /// A graceful restart was asked for.
    GracefulRestart,
    /// A restart was asked for.
    Restart,
    /// The system gave no process.
    NoFork,
    /// The server cannot leave its terminal.
    NoDetach,
    /// There are as many children as there may be, all of them busy.
    Full,
    /// The same, and few of them idle.
    NearlyFull,
    /// Many children are started at once.
    Busy,
    /// MaxClients is written where MaxRequestWorkers is meant.
    MaxClients,
    /// A thread cannot have a stack of ThreadStackSize.
    StackSize,
}

impl Event {
    /// The number in the MPM in force, with its letters.
    pub fn number(self) -> String {
        format!("AH{:05}", self.of(kind::current()))
    }

    const fn of(self, kind: Kind) -> u32 {
        let numbers = match self {
            Self::Resuming => (489, 292, 163),
            Self::Stop => (491, 295, 169),
            Self::GracefulStop => (492, 296, 170),
            Self::GracefulRestart => (493, 297, 171),
            Self::Restart => (494, 298, 173),
            Self::NoFork => (481, 283, 159),
            Self::NoDetach => (496, 299, 174),
            Self::Full => (484, 286, 161),
            Self::NearlyFull => (10159, 287, 161),
            Self::Busy => (486, 289, 162),
            Self::MaxClients => (521, 324, 188),
            // Prefork has no threads; its main thread's stack is the system's.
            Self::StackSize => (2436, 2435, 2435),
        };
        match kind {
            Kind::Event => numbers.0,
            Kind::Worker => numbers.1,
            Kind::Prefork => numbers.2,
        }
    }
}
