//! What the directives of the MPM said: one value a directive, with Apache's defaults and checks.

#![forbid(unsafe_code)]

use std::sync::{Mutex, PoisonError};

use super::kind::{self, Kind};

/// The settings of the MPM in force. Prefork's children have one thread each, and its spare threads
/// are spare servers (MinSpareServers, MaxSpareServers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// StartServers: how many children there are at first.
    pub start_servers: i32,
    /// ServerLimit: slots of the scoreboard.
    pub server_limit: i32,
    /// ThreadLimit: places for threads in each slot.
    pub thread_limit: i32,
    /// ThreadsPerChild: how many requests of a child may be with modules, and so block, at once.
    pub threads_per_child: i32,
    /// MinSpareThreads or MinSpareServers.
    pub min_spare: i32,
    /// MaxSpareThreads or MaxSpareServers.
    pub max_spare: i32,
    /// MaxRequestWorkers.
    pub max_request_workers: i32,
}

impl Settings {
    /// Before any directive.
    pub const fn defaults(kind: Kind) -> Self {
        match kind {
            Kind::Event | Kind::Worker => Self {
                start_servers: 3,
                server_limit: 16,
                thread_limit: 64,
                threads_per_child: 25,
                min_spare: 75,
                max_spare: 250,
                max_request_workers: 400,
            },
            Kind::Prefork => Self {
                start_servers: 5,
                server_limit: 256,
                thread_limit: 1,
                threads_per_child: 1,
                min_spare: 5,
                max_spare: 10,
                max_request_workers: 256,
            },
        }
    }

    /// How many children there may be.
    pub fn most_children(&self) -> i32 {
        (self.max_request_workers / self.threads_per_child.max(1)).clamp(1, self.server_limit)
    }

    /// How many requests of one child may be with modules, and so block, at once. Modules ask for this
    /// number, to have as many connections to a backend. An event child may be handed more at once
    /// than ThreadsPerChild, before others come to its help: its share of MaxRequestWorkers among the
    /// children that there are at first.
    pub fn requests_per_child(&self, kind: Kind) -> i32 {
        if kind != Kind::Event {
            return self.threads_per_child;
        }
        let children = self.start_servers.max(1);
        let share = self.max_request_workers.div_euclid(children)
            + i32::from(self.max_request_workers % children > 0);
        share.max(self.threads_per_child).max(1)
    }

    /// Brings values that contradict each other into line, as Apache does; answers a warning for
    /// each.
    pub fn check(&mut self, kind: Kind) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut at_most = |name: &str, value: &mut i32, limit_name: &str, limit: i32| {
            if *value > limit {
                warnings.push(format!(
                    "{name} of {value} exceeds {limit_name} of {limit}, decreasing to match. To \
                     increase, please see the {limit_name} directive"
                ));
                *value = limit;
            } else if *value < 1 {
                warnings.push(format!("{name} of {value} not allowed, increasing to 1"));
                *value = 1;
            }
        };
        let hard = match kind {
            Kind::Prefork => 200_000,
            _ => 20_000,
        };
        at_most(
            "ServerLimit",
            &mut self.server_limit,
            "the hard limit",
            hard,
        );
        if kind.is_threaded() {
            at_most(
                "ThreadLimit",
                &mut self.thread_limit,
                "the hard limit",
                100_000,
            );
            let thread_limit = self.thread_limit;
            at_most(
                "ThreadsPerChild",
                &mut self.threads_per_child,
                "ThreadLimit",
                thread_limit,
            );
        }
        let per_child = self.threads_per_child;
        let most = self.server_limit.saturating_mul(per_child);
        at_most(
            "MaxRequestWorkers",
            &mut self.max_request_workers,
            "ServerLimit times ThreadsPerChild",
            most,
        );
        if self.max_request_workers < per_child {
            warnings.push(format!(
                "MaxRequestWorkers of {} is less than ThreadsPerChild of {per_child}, increasing to \
                 {per_child}",
                self.max_request_workers
            ));
            self.max_request_workers = per_child;
        }
        let whole = self.max_request_workers / per_child * per_child;
        if whole != self.max_request_workers {
            warnings.push(format!(
                "MaxRequestWorkers of {} is not an integer multiple of ThreadsPerChild of \
                 {per_child}, decreasing to nearest multiple {whole}",
                self.max_request_workers
            ));
            self.max_request_workers = whole;
        }
        for (name, value) in [
            ("StartServers", &mut self.start_servers),
            (
                if kind.is_threaded() {
                    "MinSpareThreads"
                } else {
                    "MinSpareServers"
                },
                &mut self.min_spare,
            ),
        ] {
            if *value < 1 {
                warnings.push(format!("{name} of {value} not allowed, increasing to 1"));
                *value = 1;
            }
        }
        // Silently, as Apache does: a child more must not be one too many at once.
        self.max_spare = self.max_spare.max(self.min_spare + per_child);
        warnings
    }
}

static SETTINGS: Mutex<Settings> = Mutex::new(Settings::defaults(Kind::Event));

/// The settings as they are now.
pub fn settings() -> Settings {
    *SETTINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Changes the settings: a directive does, and the start of a reading of the configuration.
pub fn change(change: impl FnOnce(&mut Settings)) {
    change(&mut SETTINGS.lock().unwrap_or_else(PoisonError::into_inner));
}

/// Forgets what directives said: a reading of the configuration begins.
pub fn reset() {
    change(|settings| *settings = Settings::defaults(kind::current()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_mended_with_a_warning() {
        for kind in Kind::ALL {
            let mut settings = Settings::defaults(kind);
            assert!(settings.check(kind).is_empty(), "{kind:?}");
            assert_eq!(settings, Settings::defaults(kind));
        }
        let mut settings = Settings::defaults(Kind::Event);
        settings.threads_per_child = 1000;
        settings.start_servers = 0;
        settings.max_request_workers = 130;
        let warnings = settings.check(Kind::Event);
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        assert_eq!(settings.threads_per_child, 64);
        assert_eq!(settings.start_servers, 1);
        assert_eq!(settings.max_request_workers, 128);
        assert_eq!(settings.most_children(), 2);
    }

    #[test]
    fn spare_limits_leave_room_for_a_child() {
        let mut settings = Settings::defaults(Kind::Worker);
        (settings.min_spare, settings.max_spare) = (50, 10);
        settings.check(Kind::Worker);
        assert_eq!(settings.max_spare, 75);
        let mut settings = Settings::defaults(Kind::Prefork);
        (settings.min_spare, settings.max_spare) = (0, 0);
        assert_eq!(settings.check(Kind::Prefork).len(), 1);
        assert_eq!((settings.min_spare, settings.max_spare), (1, 2));
    }
}
