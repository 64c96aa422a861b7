//! Which MPM both servers run: `MPM_UNDER_TEST=worker|prefork` runs any test under another one than
//! event, and a test below a module `worker` or `prefork` always runs under that (`tests/mpms`
//! includes whole families of tests that way).
//!
//! What counts on event's nature asks `Mpm::under_test()` and says so.

use crate::host::{Kind, PREAMBLE};

/// Directives that prefork does not have.
const THREADS: [&str; 5] = [
    "ThreadsPerChild",
    "ThreadLimit",
    "MinSpareThreads",
    "MaxSpareThreads",
    "AsyncRequestWorkerFactor",
];

/// A process model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mpm {
    /// The default of both servers.
    Event,
    /// A thread owns a connection.
    Worker,
    /// A process owns a connection.
    Prefork,
}

impl Mpm {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Event, Self::Worker, Self::Prefork];

    /// The one that the running test is for.
    ///
    /// # Panics
    /// When `MPM_UNDER_TEST` names none.
    pub fn under_test() -> Self {
        // The test runner names the thread after the test.
        let thread = std::thread::current();
        let rooms = |name: &str| name.split("::").find_map(Self::named);
        if let Some(mpm) = thread.name().and_then(rooms) {
            return mpm;
        }
        // A thread that a test has started: where each test is a process, that is named too.
        let mut arguments = std::env::args().skip_while(|argument| argument != "--exact");
        if let Some(mpm) = arguments.nth(1).as_deref().and_then(rooms) {
            return mpm;
        }
        match std::env::var("MPM_UNDER_TEST") {
            Err(_) => Self::Event,
            Ok(name) => Self::named(&name)
                .unwrap_or_else(|| panic!("MPM_UNDER_TEST={name} is no MPM's name")),
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mpm| mpm.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Worker => "worker",
            Self::Prefork => "prefork",
        }
    }

    /// Whether a child serves several connections at once.
    pub fn is_threaded(self) -> bool {
        self != Self::Prefork
    }

    /// The line that chooses it; httpd-rs needs none for its default.
    pub fn load(self, kind: Kind) -> String {
        if self == Self::Event && kind == Kind::Ours {
            String::new()
        } else {
            self.load_line()
        }
    }

    /// The line that chooses it.
    pub fn load_line(self) -> String {
        let name = self.name();
        format!("LoadModule mpm_{name}_module @MODULES@/mod_mpm_{name}.so\n")
    }

    /// What a configuration of a test begins with under it: `PREAMBLE`, with as many children as
    /// tests need that hold several connections.
    pub fn preamble(self) -> String {
        match self {
            Self::Prefork => PREAMBLE.replace(
                "StartServers 1\nServerLimit 4\n",
                "StartServers 4\nServerLimit 128\nMinSpareServers 4\nMaxRequestWorkers 128\n",
            ),
            _ => PREAMBLE.to_owned(),
        }
    }

    /// A configuration made for threads as this MPM can read it: prefork has no directives about
    /// threads, and the limits that stand beside them are made for children with many. One child
    /// stays one child, which serves one connection after the other.
    pub fn adapt(self, configuration: &str) -> String {
        let about = |names: &[&str]| {
            let lines = configuration.lines();
            let mut first_words = lines.map(|line| line.split(' ').next().unwrap_or_default());
            first_words.any(|word| names.contains(&word))
        };
        if self.is_threaded() || !about(&THREADS) {
            return configuration.to_owned();
        }
        let lines = configuration.lines().map(|line| {
            let name = line.split(' ').next().unwrap_or_default();
            let limits = ["ServerLimit", "MaxRequestWorkers"];
            // The number of lines stays, for messages that count them.
            if THREADS.contains(&name) || limits.contains(&name) && line != "ServerLimit 1" {
                "#\n".to_owned()
            } else {
                format!("{line}\n")
            }
        });
        lines.collect()
    }
}
