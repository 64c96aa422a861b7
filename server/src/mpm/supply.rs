//! How many children there should be: the rules by which spare settings are followed.
//!
//! The control process looks at all children now and then (`look`). Too few idle threads: children
//! are started, twice as many at each look in a row, so that a burst is met in a few looks and a
//! moment's peak costs one child. Too many: one child a look is told to leave.
#![forbid(unsafe_code)]

use super::settings::Settings;

/// A child at one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its slot in the scoreboard.
    pub slot: i32,
    /// Threads that could take a request.
    pub idle: i32,
    /// It takes no new connections and ends when it is done.
    pub leaving: bool,
}

/// What is to be done after a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// There are enough.
    Keep,
    /// Start so many children.
    Start(i32),
    /// The child in this slot is to leave.
    Dismiss(i32),
    /// More are needed than there may be.
    Full,
}

/// At most so many children are started at one look.
const MOST_AT_ONCE: i32 = 32;

/// The memory between looks.
#[derive(Clone, Copy, Debug)]
pub struct Supply {
    /// How many children to start if there are too few again.
    rate: i32,
}

impl Supply {
    /// Before the first look.
    pub const fn new() -> Self {
        Self { rate: 1 }
    }

    /// Whether children were started at the last look: the next should be soon.
    pub fn is_growing(&self) -> bool {
        self.rate > 1
    }

    /// Decides by what is seen. `slots` are free places for children.
    pub fn look(&mut self, settings: &Settings, children: &[Seen], slots: i32) -> Decision {
        let serving = children.iter().filter(|child| !child.leaving);
        let idle: i32 = serving.clone().map(|child| child.idle).sum();
        let count = i32::try_from(serving.clone().count()).unwrap_or(i32::MAX);
        if idle > settings.max_spare && count > 1 {
            self.rate = 1;
            // The one with the least to finish; among equals the youngest slot.
            let idlest = serving.max_by_key(|child| (child.idle, child.slot));
            return idlest.map_or(Decision::Keep, |child| Decision::Dismiss(child.slot));
        }
        if idle >= settings.min_spare && count > 0 {
            self.rate = 1;
            return Decision::Keep;
        }
        // Children that leave still answer requests, and count.
        let total = i32::try_from(children.len()).unwrap_or(i32::MAX);
        let room = (settings.most_children() - total).min(slots);
        if room <= 0 {
            self.rate = 1;
            return Decision::Full;
        }
        let start = self.rate.min(room);
        self.rate = (self.rate * 2).min(MOST_AT_ONCE);
        Decision::Start(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mpm::kind::Kind;

    fn seen(idle: &[i32]) -> Vec<Seen> {
        let slots = 0..;
        slots
            .zip(idle)
            .map(|(slot, &idle)| Seen {
                slot,
                idle,
                leaving: false,
            })
            .collect()
    }

    #[test]
    fn a_burst_is_met_with_growing_numbers_up_to_the_limit() {
        let settings = Settings::defaults(Kind::Event);
        let mut supply = Supply::new();
        assert_eq!(supply.look(&settings, &seen(&[25; 3]), 13), Decision::Keep);
        assert_eq!(
            supply.look(&settings, &seen(&[0; 3]), 13),
            Decision::Start(1)
        );
        assert!(supply.is_growing());
        assert_eq!(
            supply.look(&settings, &seen(&[0; 4]), 12),
            Decision::Start(2)
        );
        assert_eq!(
            supply.look(&settings, &seen(&[0; 6]), 10),
            Decision::Start(4)
        );
        assert_eq!(
            supply.look(&settings, &seen(&[0; 10]), 6),
            Decision::Start(6)
        );
        assert_eq!(supply.look(&settings, &seen(&[0; 16]), 0), Decision::Full);
        assert_eq!(
            supply.look(&settings, &seen(&[25; 16]), 0),
            Decision::Dismiss(15)
        );
    }

    #[test]
    fn children_that_leave_are_not_counted_on_and_take_their_room() {
        let settings = Settings::defaults(Kind::Prefork);
        let mut children = seen(&[1; 6]);
        for child in &mut children[..3] {
            child.leaving = true;
        }
        assert_eq!(
            Supply::new().look(&settings, &children, 100),
            Decision::Start(1)
        );
        assert_eq!(Supply::new().look(&settings, &children, 0), Decision::Full);
        let few = Settings {
            max_request_workers: 6,
            ..settings
        };
        assert_eq!(Supply::new().look(&few, &children, 100), Decision::Full);
    }

    #[test]
    fn the_last_child_stays() {
        let settings = Settings {
            min_spare: 1,
            max_spare: 2,
            ..Settings::defaults(Kind::Event)
        };
        assert_eq!(
            Supply::new().look(&settings, &seen(&[25]), 15),
            Decision::Keep
        );
        assert_eq!(
            Supply::new().look(&settings, &seen(&[25, 20]), 14),
            Decision::Dismiss(0)
        );
        assert_eq!(Supply::new().look(&settings, &[], 16), Decision::Start(1));
    }
}
