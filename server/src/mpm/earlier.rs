//! What earlier generations have left: children that finish their requests, and the helpers these
//! use. It is handed from one image of the control process to the next as text.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use super::{
    helpers::{self, EndsBy, Helper},
    restart,
};

/// Names the children of earlier generations: `pid:slot:generation`, separated by commas.
pub const CHILDREN: &str = "HTTPD_RS_OLD_CHILDREN";

/// Names their helpers: `pid:generation:i`, or `s` for those that end by a signal.
pub const HELPERS: &str = "HTTPD_RS_OLD_HELPERS";

/// Names the sockets of these: a line each, `generation:path`.
pub const SOCKETS: &str = "HTTPD_RS_OLD_SOCKETS";

/// How long a helper may take to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// A child of an earlier generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldChild {
    /// Its process.
    pub pid: i32,
    /// Its slot in the scoreboard; negative: in another one.
    pub slot: i32,
    /// Its generation.
    pub generation: i32,
}

/// A helper of an earlier generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OldHelper {
    helper: Helper,
    generation: i32,
    /// What it was told, and when.
    told: Option<(i32, Instant)>,
}

/// All that is left of earlier generations.
#[derive(Debug, Default)]
pub struct Earlier {
    children: Vec<OldChild>,
    helpers: Vec<OldHelper>,
    /// Names of sockets, with their generation.
    names: Vec<(i32, String)>,
}

impl Earlier {
    /// What the image before has left.
    pub fn inherited() -> Self {
        Self::parse(
            &restart::handed(CHILDREN).unwrap_or_default(),
            &restart::handed(HELPERS).unwrap_or_default(),
            &restart::handed(SOCKETS).unwrap_or_default(),
        )
    }

    fn parse(children: &str, helpers: &str, names: &str) -> Self {
        let numbers = |text: &str| -> Option<[i32; 3]> {
            let numbers: Result<Vec<i32>, _> = text.split(':').map(str::parse).collect();
            numbers.ok()?.try_into().ok()
        };
        let children = children.split(',').filter_map(numbers);
        let helpers = helpers.split(',').filter_map(|text| {
            let (numbers, how) = text.rsplit_once(':')?;
            let (pid, generation) = numbers.split_once(':')?;
            let ends_by = match how {
                "i" => EndsBy::EndOfInput,
                _ => EndsBy::Signal,
            };
            Some(OldHelper {
                helper: Helper {
                    pid: pid.parse().ok()?,
                    ends_by,
                },
                generation: generation.parse().ok()?,
                told: None,
            })
        });
        Self {
            children: children
                .map(|[pid, slot, generation]| OldChild {
                    pid,
                    slot,
                    generation,
                })
                .collect(),
            helpers: helpers.collect(),
            names: names
                .lines()
                .filter_map(|line| {
                    let (generation, name) = line.split_once(':')?;
                    Some((generation.parse().ok()?, name.to_owned()))
                })
                .collect(),
        }
    }

    /// The same as text for the next image.
    pub fn to_text(&self) -> [(&'static str, String); 3] {
        let (mut children, mut helpers, mut names) = (String::new(), String::new(), String::new());
        for child in &self.children {
            let OldChild {
                pid,
                slot,
                generation,
            } = child;
            // Writing to a string does not fail.
            let _ = write!(children, "{pid}:{slot}:{generation},");
        }
        for old in &self.helpers {
            let how = match old.helper.ends_by {
                EndsBy::EndOfInput => 'i',
                EndsBy::Signal => 's',
            };
            let _ = write!(helpers, "{}:{}:{how},", old.helper.pid, old.generation);
        }
        for (generation, name) in &self.names {
            let _ = writeln!(names, "{generation}:{name}");
        }
        [(CHILDREN, children), (HELPERS, helpers), (SOCKETS, names)]
    }

    /// Adds a generation that is about to be replaced.
    pub fn add(
        &mut self,
        generation: i32,
        children: impl Iterator<Item = (i32, i32)>,
        helpers: impl Iterator<Item = Helper>,
        names: impl Iterator<Item = String>,
    ) {
        self.names.extend(names.map(|name| (generation, name)));
        self.children.extend(children.map(|(pid, slot)| OldChild {
            pid,
            slot,
            generation,
        }));
        self.helpers.extend(helpers.map(|helper| OldHelper {
            helper,
            generation,
            told: None,
        }));
    }

    /// Adds sockets of a generation.
    pub fn add_names(&mut self, generation: i32, names: impl IntoIterator<Item = String>) {
        let names = names.into_iter().map(|name| (generation, name));
        self.names.extend(names);
    }

    /// The children that are still there.
    pub fn children(&self) -> &[OldChild] {
        &self.children
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.children.is_empty() && self.helpers.is_empty() && self.names.is_empty()
    }

    /// Whether one of the children has this slot of the scoreboard.
    pub fn occupies(&self, slot: i32) -> bool {
        self.children.iter().any(|child| child.slot == slot)
    }

    /// How many slots of the scoreboard they have.
    pub fn slots(&self) -> i32 {
        let count = self.children.iter().filter(|child| child.slot >= 0).count();
        i32::try_from(count).unwrap_or(i32::MAX)
    }

    /// The scoreboard is a new one, in which earlier children have no slots.
    pub fn leave_scoreboard(&mut self) {
        for child in &mut self.children {
            child.slot = -1;
        }
    }

    /// A process has ended; answers the child if it was one.
    pub fn ended(&mut self, pid: i32) -> Option<OldChild> {
        self.helpers.retain(|old| old.helper.pid != pid);
        let at = self.children.iter().position(|child| child.pid == pid)?;
        Some(self.children.swap_remove(at))
    }

    /// Signals the children.
    pub fn tell_children(&self, signal: i32) {
        for child in &self.children {
            helpers::send(child.pid, signal);
        }
    }

    /// Ends the helpers whose children are all gone: those that take lines have had the end of their
    /// input then, the others are told. When they are gone too, so are their sockets. Called again and
    /// again.
    pub fn end_helpers(&mut self) {
        let now = Instant::now();
        let Self {
            children,
            helpers,
            names,
        } = self;
        names.retain(|(generation, name)| {
            let used = children.iter().any(|child| child.generation == *generation)
                || helpers.iter().any(|old| old.generation == *generation);
            if !used {
                helpers::remove_socket(name);
            }
            used
        });
        for old in helpers {
            if children
                .iter()
                .any(|child| child.generation == old.generation)
            {
                continue;
            }
            let pid = old.helper.pid;
            let signal = match old.told {
                None if old.helper.ends_by == EndsBy::EndOfInput => 0,
                None => libc::SIGTERM,
                Some((_, when)) if now.duration_since(when) < PATIENCE => continue,
                Some((0, _)) => libc::SIGTERM,
                Some(_) => libc::SIGKILL,
            };
            old.told = Some((signal, now));
            if signal != 0 {
                helpers::send(pid, signal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_goes_through_text_unchanged() {
        let mut earlier = Earlier::parse("12:0:3,junk,14:-1:2", "15:3:i,16:2:s,x:1:s", "3:/a:b\n");
        assert_eq!(earlier.children.len(), 2);
        assert_eq!(earlier.helpers.len(), 2);
        earlier.add(
            4,
            [(20, 1)].into_iter(),
            [Helper {
                pid: 21,
                ends_by: EndsBy::Signal,
            }]
            .into_iter(),
            ["/c,d".to_owned()].into_iter(),
        );
        let [(_, children), (_, helpers), (_, names)] = earlier.to_text();
        let again = Earlier::parse(&children, &helpers, &names);
        assert_eq!(
            again.names,
            [(3, "/a:b".to_owned()), (4, "/c,d".to_owned())]
        );
        assert_eq!(again.children, earlier.children);
        assert_eq!(again.helpers, earlier.helpers);
        assert!(again.occupies(1) && !again.occupies(2));
        assert_eq!(earlier.ended(20).map(|child| child.slot), Some(1));
        assert_eq!(earlier.ended(21), None);
        assert_eq!(earlier.helpers.len(), 2);
    }
}
