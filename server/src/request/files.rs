//! What is kept of files as long as they do not change: how to tell, and the contents of small ones.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::util::hash::Map;

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    pub device: u64,
    pub inode: u64,
    pub size: u64,
    /// Modification and change of status, in microseconds since 1970.
    pub modified: i64,
    pub changed: i64,
}

impl Identity {
    /// Whether the file has been left alone for long enough that its next change is sure to show
    /// in its times: they are only as fine as the system's clock tick.
    pub fn is_settled(&self, now: SystemTime) -> bool {
        const SETTLED: Duration = Duration::from_millis(100);
        let last = self.modified.max(self.changed);
        let Ok(last) = u64::try_from(last) else {
            return true;
        };
        now.duration_since(UNIX_EPOCH + Duration::from_micros(last))
            .is_ok_and(|since| since > SETTLED)
    }
}

/// The contents of small files. A larger one is better sent from its descriptor.
pub struct Contents(Mutex<Option<Kept>>);

/// The contents served by this process.
pub static CONTENTS: Contents = Contents::new();

/// What a file in this state holds.
type Content = (Identity, Arc<[u8]>);

#[derive(Default)]
struct Kept {
    /// By device and inode.
    files: Map<(u64, u64), Content>,
    bytes: usize,
}

impl Contents {
    /// The largest file that is kept.
    pub const LARGEST: u64 = 16 * 1024;
    /// How much is kept in all, and of how many files.
    const MOST_BYTES: usize = 16 * 1024 * 1024;
    const MOST_FILES: usize = 8192;

    /// Nothing yet.
    const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Whether a file in this state may be kept.
    pub fn accepts(identity: &Identity) -> bool {
        (1..=Self::LARGEST).contains(&identity.size)
    }

    /// What a file in this state holds.
    pub fn get(&self, identity: &Identity) -> Option<Arc<[u8]>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, content) = kept
            .as_ref()?
            .files
            .get(&(identity.device, identity.inode))?;
        (known == identity).then(|| Arc::clone(content))
    }

    /// Keeps what a file in this state holds.
    pub fn put(&self, identity: Identity, content: Arc<[u8]>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get_or_insert_with(Kept::default);
        if kept.files.len() >= Self::MOST_FILES || kept.bytes + content.len() > Self::MOST_BYTES {
            // Rare: the files in use come back with the next requests.
            *kept = Kept::default();
        }
        kept.bytes += content.len();
        let place = (identity.device, identity.inode);
        if let Some((_, old)) = kept.files.insert(place, (identity, content)) {
            kept.bytes -= old.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Identity = Identity {
        device: 1,
        inode: 2,
        size: 3,
        modified: 4_000_000,
        changed: 5_000_000,
    };

    #[test]
    fn a_file_changed_just_now_may_change_unseen() {
        let at = |micros| UNIX_EPOCH + Duration::from_micros(micros);
        assert!(!FILE.is_settled(at(5_000_001)));
        assert!(!FILE.is_settled(at(0)));
        assert!(FILE.is_settled(at(6_000_000)));
        let ancient = Identity {
            modified: -5,
            changed: -5,
            ..FILE
        };
        assert!(ancient.is_settled(at(0)));
    }

    #[test]
    fn contents_are_kept_until_the_file_changes() {
        let contents = Contents::new();
        assert!(contents.get(&FILE).is_none());
        contents.put(FILE, Arc::from(*b"abc"));
        assert_eq!(contents.get(&FILE).as_deref(), Some(&b"abc"[..]));
        for changed in [
            Identity { size: 4, ..FILE },
            Identity { inode: 9, ..FILE },
            Identity {
                changed: 5_000_001,
                ..FILE
            },
        ] {
            assert!(contents.get(&changed).is_none());
        }
        let empty = Identity { size: 0, ..FILE };
        assert!(Contents::accepts(&FILE) && !Contents::accepts(&empty));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let contents = Contents::new();
        let content: Arc<[u8]> = Arc::from(vec![0; Contents::LARGEST as usize]);
        for inode in 0..2000 {
            contents.put(Identity { inode, ..FILE }, Arc::clone(&content));
        }
        let kept = contents.0.lock().expect("no other thread");
        let kept = kept.as_ref().expect("something is kept");
        assert!(kept.bytes <= Contents::MOST_BYTES);
        assert_eq!(kept.bytes, kept.files.len() * content.len());
    }
}
