//! Which of the three process models the server runs, and who chose it.
//!
//! The command line (`--mpm`, `-D MPM=...`) goes before the configuration (`LoadModule mpm_*_module`,
//! `Define MPM ...`); without either it is event. A configuration that names two is refused, as
//! Apache refuses it.
#![forbid(unsafe_code)]

use std::sync::{Mutex, PoisonError};

/// A process model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Connections are tasks, a few threads turn event loops, others may block.
    Event,
    /// A thread owns a connection to its end.
    Worker,
    /// A process owns a connection to its end; modules see one thread.
    Prefork,
}

impl Kind {
    /// All there are, the default first.
    pub const ALL: [Self; 3] = [Self::Event, Self::Worker, Self::Prefork];

    /// The name that Apache shows for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Worker => "worker",
            Self::Prefork => "prefork",
        }
    }

    /// The process model of this name.
    ///
    /// # Errors
    /// A text that says which names there are.
    pub fn named(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| format!("MPM \"{name}\" is none of event, worker and prefork"))
    }

    /// Whether a child has several threads that serve.
    pub const fn is_threaded(self) -> bool {
        !matches!(self, Self::Prefork)
    }
}

struct Choice {
    kind: Kind,
    by_command_line: bool,
    /// What the configuration being read has asked for.
    asked: Option<Kind>,
    conflict: bool,
}

static CHOICE: Mutex<Choice> = Mutex::new(Choice {
    kind: Kind::Event,
    by_command_line: false,
    asked: None,
    conflict: false,
});

fn choice<T>(work: impl FnOnce(&mut Choice) -> T) -> T {
    work(&mut CHOICE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The process model in force.
pub fn current() -> Kind {
    choice(|choice| choice.kind)
}

/// The command line chooses.
pub fn choose_by_command_line(kind: Kind) {
    choice(|choice| (choice.kind, choice.by_command_line) = (kind, true));
}

/// What came of a configuration's wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is in force already.
    InForce,
    /// It is in force from now on, in place of the one before.
    Changed,
    /// The command line has chosen this other one.
    Overruled(Kind),
}

/// A configuration asks for a process model.
pub fn ask(kind: Kind) -> Answer {
    choice(|choice| {
        choice.conflict |= choice.asked.is_some_and(|before| before != kind);
        choice.asked = Some(kind);
        if choice.kind == kind {
            Answer::InForce
        } else if choice.by_command_line {
            Answer::Overruled(choice.kind)
        } else {
            choice.kind = kind;
            Answer::Changed
        }
    })
}

/// Whether the configuration that is being read has asked for two.
pub fn in_conflict() -> bool {
    choice(|choice| choice.conflict && !choice.by_command_line)
}

/// A configuration begins to be read.
pub fn begin_reading() {
    choice(|choice| (choice.asked, choice.conflict) = (None, false));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_goes_first_and_two_wishes_are_a_conflict() {
        begin_reading();
        assert_eq!(current(), Kind::Event);
        assert_eq!(ask(Kind::Event), Answer::InForce);
        assert_eq!(ask(Kind::Worker), Answer::Changed);
        assert!(in_conflict());
        begin_reading();
        assert_eq!(ask(Kind::Worker), Answer::InForce);
        assert!(!in_conflict());
        choose_by_command_line(Kind::Prefork);
        assert_eq!(ask(Kind::Event), Answer::Overruled(Kind::Prefork));
        assert!(!in_conflict());
        assert_eq!(current(), Kind::Prefork);
        assert!(Kind::named("winnt").is_err());
    }
}
