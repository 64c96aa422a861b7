//! Parsed `.htaccess` files, kept as long as the files do not change.
//!
//! What is kept is the directive tree, as plain data: `abi/http_config/htaccess` copies it into the
//! request's pool and lets the modules' commands run on the copy, so no request can harm another's,
//! and a module may keep pointers into its tree as long as its request lives.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// How much is kept: files, and bytes of their trees.
const FILES_MAX: usize = 4096;
const BYTES_MAX: usize = 32 * 1024 * 1024;

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

/// A directive in a kept tree; the others are named by their index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where the name and the arguments begin among the strings.
    pub directive: u32,
    pub args: u32,
    pub line: i32,
    pub next: Option<u32>,
    pub first_child: Option<u32>,
    pub parent: Option<u32>,
}

/// The directive tree of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// The first is the tree's first; none when the file holds no directive.
    pub nodes: Vec<Node>,
    /// Names and arguments, each ended by NUL.
    pub strings: Vec<u8>,
}

impl Tree {
    fn bytes(&self) -> usize {
        self.strings.len() + self.nodes.len() * size_of::<Node>()
    }
}

/// Where a kept tree was read from, and what the reading depended on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    pub path: Vec<u8>,
    pub overrides: i32,
    pub options: i32,
}

/// The trees of one process.
#[derive(Default)]
pub struct Cache(RwLock<Option<Kept>>);

#[derive(Default)]
struct Kept {
    trees: HashMap<Key, (Identity, Arc<Tree>)>,
    bytes: usize,
}

impl Cache {
    /// An empty one.
    pub const fn new() -> Self {
        Self(RwLock::new(None))
    }

    /// The tree of a file that is still as it was.
    pub fn get(&self, key: &Key, identity: &Identity) -> Option<Arc<Tree>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (known, tree) = kept.as_ref()?.trees.get(key)?;
        (known == identity).then(|| Arc::clone(tree))
    }

    /// Keeps the tree of a file.
    pub fn put(&self, key: Key, identity: Identity, tree: Arc<Tree>) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get_or_insert_with(Kept::default);
        let bytes = tree.bytes();
        if bytes > BYTES_MAX / 8 {
            return;
        }
        if kept.trees.len() >= FILES_MAX || kept.bytes + bytes > BYTES_MAX {
            // Rare: the files in use come back with the next requests.
            *kept = Kept::default();
        }
        kept.bytes += bytes;
        if let Some((_, old)) = kept.trees.insert(key, (identity, tree)) {
            kept.bytes -= old.bytes();
        }
    }

    /// Forgets everything: the modules, and with them the meaning of directives, change.
    pub fn clear(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
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

    fn key(path: &str) -> Key {
        Key {
            path: path.into(),
            overrides: 31,
            options: 0,
        }
    }

    #[test]
    fn a_tree_is_kept_until_its_file_changes() {
        let cache = Cache::new();
        assert!(cache.get(&key("/a"), &FILE).is_none());
        cache.put(key("/a"), FILE, Arc::default());
        assert!(cache.get(&key("/a"), &FILE).is_some());
        let changed = Identity { size: 4, ..FILE };
        assert!(cache.get(&key("/a"), &changed).is_none());
        let other = Key {
            overrides: 4,
            ..key("/a")
        };
        assert!(cache.get(&other, &FILE).is_none());
        cache.clear();
        assert!(cache.get(&key("/a"), &FILE).is_none());
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = Cache::new();
        for index in 0..=FILES_MAX {
            cache.put(key(&index.to_string()), FILE, Arc::default());
        }
        assert!(cache.get(&key("0"), &FILE).is_none());
        let last = key(&FILES_MAX.to_string());
        assert!(cache.get(&last, &FILE).is_some());
        let huge = Tree {
            nodes: Vec::new(),
            strings: vec![0; BYTES_MAX],
        };
        cache.put(key("huge"), FILE, Arc::new(huge));
        assert!(cache.get(&key("huge"), &FILE).is_none());
    }

    #[test]
    fn a_file_changed_just_now_may_change_unseen() {
        assert!(!FILE.is_settled(5_000_000_001));
        assert!(!FILE.is_settled(0));
        assert!(FILE.is_settled(6_000_000_000));
    }
}
