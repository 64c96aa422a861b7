//! What a server holds: processes, memory, descriptors, semaphores, shared memory, files.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result};
use httpd_tests::host::Host;

#[derive(Clone, Debug, Default)]
pub struct Held {
    pub processes: usize,
    pub zombies: usize,
    /// KiB of the control process that are its own.
    pub anonymous: u64,
    pub descriptors: usize,
    /// Of that process which has most.
    pub most_descriptors: usize,
    pub environment: usize,
    pub semaphores: usize,
    pub segments: usize,
    pub files: BTreeSet<String>,
}

/// Space a restart may take more than another without growing.
const SLACK_KIB: u64 = 400;

impl Held {
    /// `user` is whose the semaphores are.
    pub fn look(host: &Host, user: &str) -> Result<Self> {
        let control = host.pid();
        let family = family(control);
        let descriptors = |pid: &i32| {
            let list = fs::read_dir(format!("/proc/{pid}/fd"));
            list.map_or(0, Iterator::count)
        };
        let memory = fs::read_to_string(format!("/proc/{control}/smaps_rollup"))?;
        let anonymous = memory
            .lines()
            .find_map(|line| line.strip_prefix("Anonymous:"));
        let anonymous = anonymous
            .and_then(|text| text.split_whitespace().next())
            .context("anonymous memory")?;
        let zombies = family.iter().filter(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
            stat.is_ok_and(|stat| stat.contains(") Z "))
        });
        let mut files = BTreeSet::new();
        for part in ["run", "."] {
            for entry in fs::read_dir(host.place().path().join(part))? {
                // Numbers of processes and generations are in names.
                let name: String = entry?
                    .file_name()
                    .to_string_lossy()
                    .chars()
                    .filter(|letter| !letter.is_ascii_digit())
                    .collect();
                files.insert(format!("{part}/{name}"));
            }
        }
        Ok(Self {
            processes: family.len(),
            zombies: zombies.count(),
            anonymous: anonymous.parse()?,
            descriptors: descriptors(&control),
            most_descriptors: family.iter().map(descriptors).max().unwrap_or(0),
            environment: fs::read(format!("/proc/{control}/environ"))?.len(),
            semaphores: rows("sem", "uid", |uid| uid == number_of(user).unwrap_or(-1))?,
            segments: rows("shm", "cpid", |pid| family.contains(&(pid as i32)))?,
            files,
        })
    }

    /// Whether a look found the same as another one, but for memory.
    pub fn is_like(&self, other: &Self) -> bool {
        let own = |held: &Self| (held.processes, held.descriptors, held.most_descriptors);
        own(self) == own(other) && self.files == other.files && self.semaphores == other.semaphores
    }

    /// What there is more of in `after`.
    pub fn growth(&self, after: &Self) -> Vec<String> {
        let mut grown = Vec::new();
        let mut compare = |what: &str, before: u64, after: u64| {
            if after > before {
                grown.push(format!("{what}: {before} -> {after}"));
            }
        };
        let size = |number: usize| number as u64;
        // Spare children are one more or less.
        compare("processes", size(self.processes) + 2, size(after.processes));
        compare("zombies", 0, size(after.zombies));
        compare("KiB", self.anonymous + SLACK_KIB, after.anonymous);
        compare(
            "descriptors",
            size(self.descriptors),
            size(after.descriptors),
        );
        compare(
            "most descriptors",
            size(self.most_descriptors),
            size(after.most_descriptors),
        );
        // The numbers of children and helpers that are about to leave are in it.
        compare(
            "environment",
            size(self.environment) + 300,
            size(after.environment),
        );
        compare("semaphores", size(self.semaphores), size(after.semaphores));
        compare("segments", size(self.segments), size(after.segments));
        compare("files", size(self.files.len()), size(after.files.len()));
        grown
    }
}

/// A process and all that come from it.
fn family(pid: i32) -> Vec<i32> {
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(&pid) = found.get(at) {
        at += 1;
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        found.extend(
            children
                .split(' ')
                .filter_map(|pid| pid.parse::<i32>().ok()),
        );
    }
    found
}

/// The System V objects whose `column` fits.
fn rows(kind: &str, column: &str, fits: impl Fn(i64) -> bool) -> Result<usize> {
    let table = fs::read_to_string(format!("/proc/sysvipc/{kind}"))?;
    let mut lines = table.lines();
    let head = lines.next().context("a head")?;
    let at = head.split_whitespace().position(|name| name == column);
    let at = at.with_context(|| format!("{kind} has a column {column}"))?;
    let numbers = lines.filter_map(|line| line.split_whitespace().nth(at)?.parse().ok());
    Ok(numbers.filter(|&number| fits(number)).count())
}

/// The number of a user.
fn number_of(user: &str) -> Option<i64> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let mut lines = users.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| {
        (fields.next() == Some(user)).then(|| fields.nth(1)?.parse().ok())?
    })
}
