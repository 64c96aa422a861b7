//! What became of each request, and what excuses that it was not answered.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use httpd_tests::host::until_within;

/// Something that takes down what its children have under way.
struct Blow {
    /// `None`: all there are, also those that start while it is under way.
    children: Option<HashSet<i32>>,
    /// Children that it was an excuse for.
    used: HashSet<i32>,
    ended: Option<Instant>,
}

/// Shared by all clients.
#[derive(Default)]
pub struct Book {
    next: AtomicU32,
    /// Clients are to do nothing.
    pub resting: AtomicBool,
    over: AtomicBool,
    /// Clients that are at work.
    pub busy: AtomicUsize,
    answered: Mutex<HashMap<u32, (u16, Option<i32>)>>,
    blows: Mutex<Vec<Blow>>,
    /// Requests that were on the way when the server closed a connection which it had kept.
    raced: AtomicU32,
    excused: AtomicU32,
    failures: Mutex<Vec<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a log says: how many lines a request has, with which statuses, and lines that are none.
type Logged = (BTreeMap<u32, u32>, Vec<(u32, u16)>, Vec<String>);

/// Ends the clients when it is dropped.
pub struct Over<'a>(&'a Book);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

impl Book {
    /// Clients end when this is dropped.
    pub fn over_at_the_end(&self) -> Over<'_> {
        Over(self)
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub fn wait_for_rest(&self) -> Result<()> {
        until_within(Duration::from_secs(30), "clients rest", || {
            Ok(self.busy.load(Ordering::Relaxed) == 0)
        })
    }

    /// A number for a request.
    pub fn number(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub fn answered(&self, number: u32, status: u16, child: Option<i32>) {
        lock(&self.answered).insert(number, (status, child));
    }

    pub fn fail(&self, what: String) {
        lock(&self.failures).push(what);
    }

    /// These children are about to go down with what they have; `None`: all.
    pub fn strike(&self, children: Option<HashSet<i32>>) -> usize {
        let mut blows = lock(&self.blows);
        blows.push(Blow {
            used: children.clone().unwrap_or_default(),
            children,
            ended: None,
        });
        blows.len() - 1
    }

    /// These are known to go.
    pub fn went_down(&self, blow: usize, children: &[i32]) {
        lock(&self.blows)[blow].used.extend(children);
    }

    /// They are gone; these live, and had no reason to lose anything.
    pub fn struck(&self, blow: usize, alive: &[i32]) {
        // Clients may be about to notice.
        thread::park_timeout(Duration::from_millis(300));
        let mut blows = lock(&self.blows);
        blows[blow].ended = Some(Instant::now());
        let wrong: Vec<_> = alive
            .iter()
            .filter(|child| blows[blow].used.contains(child))
            .collect();
        if !wrong.is_empty() {
            self.fail(format!("lost: requests of children {wrong:?}, which live"));
        }
    }

    fn excuses(&self, child: Option<i32>, since: Instant) -> bool {
        let mut blows = lock(&self.blows);
        let excuse = blows.iter_mut().find(|blow| {
            let theirs = |child| {
                let children = blow.children.as_ref();
                children.is_none_or(|children| children.contains(&child))
            };
            blow.ended.is_none_or(|ended| ended >= since) && child.is_none_or(theirs)
        });
        excuse.is_some_and(|blow| {
            blow.used.extend(child);
            true
        })
    }

    /// A request was not answered to its end on a connection of this child, whose last answer came at
    /// `since`. `kept`: it was not the first, and no byte of an answer has come.
    pub fn broken(&self, what: &str, child: Option<i32>, since: Instant, kept: bool) {
        if self.excuses(child, since) {
            self.excused.fetch_add(1, Ordering::Relaxed);
        } else if kept {
            self.raced.fetch_add(1, Ordering::Relaxed);
            lock(&self.failures).push(format!("raced: {what} of child {child:?}"));
        } else {
            self.fail(format!("lost: {what} of child {child:?}"));
        }
    }

    fn logged(log: &str) -> Logged {
        let (mut counts, mut statuses, mut odd) = (BTreeMap::new(), Vec::new(), Vec::new());
        for line in log.lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["-", _, _] => {}
                [number, status, _] => match (number.parse(), status.parse()) {
                    (Ok(number), Ok(status)) => {
                        *counts.entry(number).or_insert(0) += 1;
                        statuses.push((number, status));
                    }
                    _ => odd.push(line.to_owned()),
                },
                _ => odd.push(line.to_owned()),
            }
        }
        (counts, statuses, odd)
    }

    /// Children that went down: they may have answered and not written the line.
    fn ended(&self) -> HashSet<i32> {
        let blows = lock(&self.blows);
        blows.iter().flat_map(|blow| blow.used.clone()).collect()
    }

    /// The lines of a log that another one has not, which should have the same; but for those of children
    /// that went down.
    pub fn not_in(&self, log: &str, other: &str) -> Vec<String> {
        let ended = self.ended();
        let others: HashSet<&str> = other.lines().collect();
        let by_ended = |line: &str| {
            let child = line.rsplit(' ').next().and_then(|pid| pid.parse().ok());
            child.is_some_and(|child| ended.contains(&child))
        };
        let missing = log
            .lines()
            .filter(|line| !others.contains(line) && !by_ended(line));
        missing.map(str::to_owned).collect()
    }

    /// How many requests were answered and have no line.
    pub fn not_logged(&self, log: &str) -> usize {
        let (counts, ..) = Self::logged(log);
        let ended = self.ended();
        let answered = lock(&self.answered);
        let without = answered.iter().filter(|(number, (_, child))| {
            !counts.contains_key(number) && child.is_none_or(|child| !ended.contains(&child))
        });
        without.count()
    }

    /// # Errors
    /// What was lost.
    pub fn verdict(&self, log: &str, races_are_usual: bool) -> Result<()> {
        let mut failures = lock(&self.failures).clone();
        if races_are_usual {
            failures.retain(|failure| !failure.starts_with("raced"));
        }
        ensure!(
            failures.is_empty(),
            "{} of {} requests: {:#?}",
            failures.len(),
            self.next.load(Ordering::Relaxed),
            failures.iter().take(20).collect::<Vec<_>>()
        );
        let (counts, statuses, odd) = Self::logged(log);
        ensure!(
            odd.is_empty(),
            "lines of the log: {:?}",
            odd.iter().take(5).collect::<Vec<_>>()
        );
        let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
        ensure!(twice.is_empty(), "logged more than once: {twice:?}");
        let answered = lock(&self.answered);
        for (number, status) in statuses {
            if let Some((got, _)) = answered.get(&number) {
                ensure!(
                    *got == status,
                    "request {number}: {got}, but logged as {status}"
                );
            }
        }
        drop(answered);
        let without = self.not_logged(log);
        ensure!(without == 0, "{without} answers are not in the log");
        let answered = lock(&self.answered).len();
        ensure!(answered > 500, "only {answered} requests were answered");
        println!(
            "{answered} answered, {} excused, {} raced",
            self.excused.load(Ordering::Relaxed),
            self.raced.load(Ordering::Relaxed)
        );
        Ok(())
    }
}
