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

    /// Brings values that contradict each other into line, as Apache does, in its order; answers a
    /// warning for each.
    pub fn check(&mut self, kind: Kind) -> Vec<Warning> {
        let mut warnings = Warnings {
            kind,
            list: Vec::new(),
        };
        warnings.within_hard_limit("ServerLimit", &mut self.server_limit, most_servers(kind));
        if kind.is_threaded() {
            warnings.within_hard_limit("ThreadLimit", &mut self.thread_limit, most_threads(kind));
            self.check_threads(&mut warnings);
        } else {
            self.check_processes(&mut warnings);
        }
        warnings.at_least_one(Check::StartServers, "StartServers", &mut self.start_servers);
        let spare = if kind.is_threaded() {
            "MinSpareThreads"
        } else {
            "MinSpareServers"
        };
        warnings.at_least_one(Check::MinSpare, spare, &mut self.min_spare);
        warnings.list
    }

    /// Silently, as Apache does: each bucket of listening sockets has a child, spare settings keep it,
    /// and a child more for each is not one too many at once.
    pub fn fit(&mut self, kind: Kind, buckets: i32) {
        let threads = self.threads_per_child;
        self.start_servers = self.start_servers.max(buckets);
        let least = threads.saturating_mul(buckets.min(self.server_limit));
        self.max_request_workers = self.max_request_workers.max(least);
        let (least_spare, margin) = if kind.is_threaded() {
            (threads * (buckets - 1) + buckets, (threads + 1) * buckets)
        } else {
            (buckets, buckets)
        };
        self.min_spare = self.min_spare.max(least_spare);
        self.max_spare = self.max_spare.max(self.min_spare.saturating_add(margin));
    }

    /// MaxRequestWorkers is a number of processes.
    fn check_processes(&mut self, warnings: &mut Warnings) {
        let (given, limit) = (self.max_request_workers, self.server_limit);
        if given > limit {
            warnings.say(
                Check::WorkersAboveLimit,
                format!("MaxRequestWorkers of {given} is above ServerLimit, which is {limit}"),
                format!("; it counts as {limit} until ServerLimit is raised, too"),
            );
            self.max_request_workers = limit;
        } else {
            let workers = &mut self.max_request_workers;
            warnings.at_least_one(Check::WorkersTooFew, "MaxRequestWorkers", workers);
        }
    }

    /// ThreadsPerChild keeps to ThreadLimit, and MaxRequestWorkers is made of whole children.
    fn check_threads(&mut self, warnings: &mut Warnings) {
        let (given, limit) = (self.threads_per_child, self.thread_limit);
        if given > limit {
            warnings.say(
                Check::ThreadsAboveLimit,
                format!("ThreadsPerChild of {given} is above ThreadLimit, which is {limit}"),
                format!("; it counts as {limit} until ThreadLimit is raised, too"),
            );
            self.threads_per_child = limit;
        } else {
            let threads = &mut self.threads_per_child;
            warnings.at_least_one(Check::ThreadsTooFew, "ThreadsPerChild", threads);
        }
        let (given, threads) = (self.max_request_workers, self.threads_per_child);
        if given < threads {
            warnings.say(
                Check::WorkersTooFew,
                format!(
                    "MaxRequestWorkers of {given} is less than one child has: ThreadsPerChild is \
                     {threads}"
                ),
                format!("; it counts as {threads}"),
            );
            self.max_request_workers = threads;
        }
        let given = self.max_request_workers;
        let children = given / threads;
        if given % threads != 0 {
            let whole = children * threads;
            warnings.say(
                Check::WorkersNotWhole,
                format!(
                    "MaxRequestWorkers of {given} is no multiple of ThreadsPerChild, which is \
                     {threads}; it counts as {whole}"
                ),
                format!(", for {children} children at most"),
            );
            self.max_request_workers = whole;
        }
        let (given, limit) = (self.max_request_workers, self.server_limit);
        if children > limit {
            let most = limit * threads;
            warnings.say(
                Check::WorkersAboveLimit,
                format!(
                    "MaxRequestWorkers of {given} takes {children} children, more than ServerLimit, \
                     which is {limit}; it counts as {most}"
                ),
                " until ServerLimit is raised, too".to_owned(),
            );
            self.max_request_workers = most;
        }
    }
}

/// What ServerLimit may be at most: the numbers that Apache is built with.
const fn most_servers(kind: Kind) -> i32 {
    match kind {
        Kind::Event | Kind::Worker => 20_000,
        Kind::Prefork => 200_000,
    }
}

/// What ThreadLimit may be at most.
const fn most_threads(kind: Kind) -> i32 {
    match kind {
        Kind::Event => 100_000,
        Kind::Worker | Kind::Prefork => 20_000,
    }
}

/// What a warning is about, in the order in which Apache's MPMs number them.
#[derive(Clone, Copy, Debug)]
enum Check {
    ServersAboveHardLimit,
    ServersTooFew,
    ThreadLimitAboveHardLimit,
    ThreadLimitTooSmall,
    ThreadsAboveLimit,
    ThreadsTooFew,
    WorkersTooFew,
    WorkersNotWhole,
    WorkersAboveLimit,
    StartServers,
    MinSpare,
}

impl Check {
    /// The number of the message that tells whoever starts the server; the log's is the next one.
    const fn number(self, kind: Kind) -> u32 {
        let threaded = match self {
            Self::ServersAboveHardLimit => 0,
            Self::ServersTooFew => 2,
            // The one between is for a limit that a restart has changed.
            Self::ThreadLimitAboveHardLimit => 5,
            Self::ThreadLimitTooSmall => 7,
            Self::ThreadsAboveLimit => 10,
            Self::ThreadsTooFew => 12,
            Self::WorkersTooFew => 14,
            Self::WorkersNotWhole => 16,
            Self::WorkersAboveLimit => 18,
            Self::StartServers => 20,
            Self::MinSpare => 22,
        };
        match (kind, self) {
            (Kind::Event, _) => 497 + threaded,
            (Kind::Worker, _) => 300 + threaded,
            (Kind::Prefork, Self::WorkersAboveLimit) => 180,
            (Kind::Prefork, Self::WorkersTooFew) => 182,
            (Kind::Prefork, Self::StartServers) => 184,
            (Kind::Prefork, Self::MinSpare) => 186,
            (Kind::Prefork, _) => 175 + threaded,
        }
    }
}

/// A value that could not stay as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    number: u32,
    fact: String,
    consequence: String,
}

impl Warning {
    /// For whoever starts the server or tests its configuration.
    pub fn at_start(&self) -> String {
        let Self {
            number,
            fact,
            consequence,
        } = self;
        format!("AH{number:05}: WARNING: {fact}{consequence}.")
    }

    /// For the error log.
    pub fn in_log(&self) -> String {
        format!("AH{:05}: {}", self.number + 1, self.fact)
    }
}

struct Warnings {
    kind: Kind,
    list: Vec<Warning>,
}

impl Warnings {
    fn say(&mut self, check: Check, fact: String, consequence: String) {
        self.list.push(Warning {
            number: check.number(self.kind),
            fact,
            consequence,
        });
    }

    fn at_least_one(&mut self, check: Check, name: &str, value: &mut i32) {
        if *value < 1 {
            let fact = format!("{name} of {value} is too small, it counts as 1");
            self.say(check, fact, String::new());
            *value = 1;
        }
    }

    fn within_hard_limit(&mut self, name: &str, value: &mut i32, limit: i32) {
        let (above, below) = if name == "ServerLimit" {
            (Check::ServersAboveHardLimit, Check::ServersTooFew)
        } else {
            (Check::ThreadLimitAboveHardLimit, Check::ThreadLimitTooSmall)
        };
        if *value > limit {
            let fact = format!("{name} of {value} is above the hard limit, which is {limit}");
            self.say(above, fact, format!("; it counts as {limit}"));
            *value = limit;
        } else {
            self.at_least_one(below, name, value);
        }
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
        assert!(warnings[0].at_start().starts_with("AH00507: WARNING: "));
        assert!(
            warnings[1]
                .in_log()
                .starts_with("AH00514: MaxRequestWorkers of 130 ")
        );
        assert_eq!(
            warnings[2].in_log(),
            "AH00518: StartServers of 0 is too small, it counts as 1"
        );
        assert_eq!(settings.start_servers, 1);
        assert_eq!(settings.max_request_workers, 128);
        assert_eq!(settings.most_children(), 2);
    }

    #[test]
    fn spare_limits_leave_room_for_a_child_in_each_bucket() {
        let fitted = |kind, (min, max), buckets| {
            let mut settings = Settings::defaults(kind);
            (settings.min_spare, settings.max_spare) = (min, max);
            settings.check(kind);
            settings.fit(kind, buckets);
            (settings.min_spare, settings.max_spare)
        };
        assert_eq!(fitted(Kind::Worker, (50, 10), 1), (50, 76));
        assert_eq!(fitted(Kind::Event, (10, 20), 2), (27, 79));
        assert_eq!(fitted(Kind::Event, (i32::MAX, 20), 1), (i32::MAX, i32::MAX));
        assert_eq!(fitted(Kind::Prefork, (0, 0), 1), (1, 2));
        assert_eq!(fitted(Kind::Prefork, (1, 1), 2), (2, 4));
    }

    #[test]
    fn each_bucket_has_a_child_as_far_as_there_are_slots() {
        let mut settings = Settings::defaults(Kind::Event);
        (settings.max_request_workers, settings.start_servers) = (25, 1);
        settings.fit(Kind::Event, 4);
        assert_eq!((settings.most_children(), settings.start_servers), (4, 4));
        settings.fit(Kind::Event, 40);
        assert_eq!(settings.most_children(), 16);
    }
}
