//! What tells one state of an `.htaccess` file from another: what the file said is kept as long as
//! it stays the same (`abi/http_config/kept`).

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    pub device: u64,
    pub inode: u64,
    pub size: u64,
    /// Modification and change of status, in nanoseconds.
    pub modified: i128,
    pub changed: i128,
}

impl Identity {
    /// Whether the file has been left alone for long enough that its next change is sure to show
    /// in its times: they are only as fine as the system's clock tick.
    pub fn is_settled(&self, now: i128) -> bool {
        const SETTLED: i128 = 100_000_000;
        let last = self.modified.max(self.changed);
        now.saturating_sub(last) > SETTLED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Identity = Identity {
        device: 1,
        inode: 2,
        size: 3,
        modified: 4_000_000_000,
        changed: 5_000_000_000,
    };

    #[test]
    fn a_file_changed_just_now_may_change_unseen() {
        assert!(!FILE.is_settled(5_000_000_001));
        assert!(!FILE.is_settled(0));
        assert!(FILE.is_settled(6_000_000_000));
    }
}
