//! What the directives of the MPM said: one value a directive, with Apache's defaults.

#![forbid(unsafe_code)]

use std::sync::{Mutex, PoisonError};

/// The settings of the event MPM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// StartServers: how many children there are.
    pub start_servers: i32,
    /// ServerLimit.
    pub server_limit: i32,
    /// ThreadLimit.
    pub thread_limit: i32,
    /// ThreadsPerChild: how many threads of a child may block at once.
    pub threads_per_child: i32,
    /// MinSpareThreads.
    pub min_spare_threads: i32,
    /// MaxSpareThreads.
    pub max_spare_threads: i32,
    /// MaxRequestWorkers.
    pub max_request_workers: i32,
}

impl Settings {
    /// Before any directive.
    pub const DEFAULT: Self = Self {
        start_servers: 3,
        server_limit: 16,
        thread_limit: 64,
        threads_per_child: 25,
        min_spare_threads: 75,
        max_spare_threads: 250,
        max_request_workers: 400,
    };

    /// How many requests of one child may be with modules, and so block, at once: as many as
    /// MaxRequestWorkers says, over all children. Modules ask for this number, to have as many
    /// connections to a backend.
    pub fn requests_per_child(&self) -> i32 {
        let children = self.start_servers.max(1);
        let share = self.max_request_workers.div_euclid(children)
            + i32::from(self.max_request_workers % children > 0);
        share.max(self.threads_per_child).max(1)
    }

    /// Brings values that contradict each other into line, as Apache does; answers a warning for
    /// each.
    pub fn check(&mut self) -> Vec<String> {
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
        at_most(
            "ServerLimit",
            &mut self.server_limit,
            "the hard limit",
            20_000,
        );
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
        let most = self.server_limit.saturating_mul(self.threads_per_child);
        at_most(
            "MaxRequestWorkers",
            &mut self.max_request_workers,
            "ServerLimit times ThreadsPerChild",
            most,
        );
        let server_limit = self.server_limit;
        at_most(
            "StartServers",
            &mut self.start_servers,
            "ServerLimit",
            server_limit,
        );
        warnings
    }
}

static SETTINGS: Mutex<Settings> = Mutex::new(Settings::DEFAULT);

/// The settings as they are now.
pub fn settings() -> Settings {
    *SETTINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Changes the settings: a directive does, and the start of a reading of the configuration.
pub fn change(change: impl FnOnce(&mut Settings)) {
    change(&mut SETTINGS.lock().unwrap_or_else(PoisonError::into_inner));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_mended_with_a_warning() {
        let mut settings = Settings::DEFAULT;
        assert!(settings.check().is_empty());
        settings.threads_per_child = 1000;
        settings.start_servers = 0;
        let warnings = settings.check();
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert_eq!(
            (settings.threads_per_child, settings.start_servers),
            (64, 1)
        );
    }
}
