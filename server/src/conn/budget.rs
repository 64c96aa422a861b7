//! How many requests of all children together may be with modules, and so block, at once:
//! MaxRequestWorkers. Each child counts its own in memory that all share, so that the count of one
//! that has died can be forgotten.

#![forbid(unsafe_code)]

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, AtomicUsize, Ordering},
};

/// The counts of all children; without them a child has no limit but its own places.
static COUNTS: OnceLock<&'static [AtomicU32]> = OnceLock::new();
static LIMIT: AtomicU32 = AtomicU32::new(u32::MAX);
/// The place of this child's count.
static MINE: AtomicUsize = AtomicUsize::new(0);

/// Makes the counts known, before there are children.
pub fn share(counts: &'static [AtomicU32], limit: u32) {
    // The control process does so once in its life.
    let _ = COUNTS.set(counts);
    LIMIT.store(limit, Ordering::Relaxed);
}

/// This process is the child in this slot from here on.
pub fn begin(slot: usize) {
    MINE.store(slot, Ordering::Relaxed);
    forget(slot);
}

/// The child in this slot has ended.
pub fn forget(slot: usize) {
    if let Some(count) = COUNTS.get().and_then(|counts| counts.get(slot)) {
        count.store(0, Ordering::Relaxed);
    }
}

fn mine() -> Option<(&'static [AtomicU32], &'static AtomicU32)> {
    let counts = COUNTS.get()?;
    Some((counts, counts.get(MINE.load(Ordering::Relaxed))?))
}

/// Counts one more; false when there are as many as may be. (Of two children that try at the same
/// time both may fail, and try again.)
pub fn take() -> bool {
    let Some((counts, mine)) = mine() else {
        return true;
    };
    mine.fetch_add(1, Ordering::AcqRel);
    let all: u32 = counts
        .iter()
        .map(|count| count.load(Ordering::Acquire))
        .sum();
    let fits = all <= LIMIT.load(Ordering::Relaxed);
    if !fits {
        mine.fetch_sub(1, Ordering::AcqRel);
    }
    fits
}

/// One less.
pub fn give() {
    if let Some((_, mine)) = mine() {
        mine.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_over_all_children_and_the_dead_are_forgotten() {
        static ALL: [AtomicU32; 3] = [const { AtomicU32::new(0) }; 3];
        share(&ALL, 4);
        begin(1);
        ALL[0].store(2, Ordering::Relaxed);
        assert!(take() && take());
        assert!(!take());
        give();
        assert!(take() && !take());
        forget(0);
        assert!(take());
        begin(1);
        assert_eq!(ALL[1].load(Ordering::Relaxed), 0);
    }
}
