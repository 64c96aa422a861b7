//! What is known of each kind of call: of each handler, by its name, and of the requests of each part
//! of a site. How long they take on the mean, how often they were moved off the reactor, and whether
//! they are slow at present.
//!
//! A child keeps this in an area of its own in memory that all share, so that every child can show the
//! sum, and so that the successor of a child knows what it knew. The table is a fixed number of cells
//! indexed by a hash: two kinds may share one, which costs a change of threads and nothing else.

#![forbid(unsafe_code)]

use std::{
    collections::BTreeMap,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// From this mean, in microseconds, a kind is slow: a change of threads costs a hundredth of it.
pub const SLOW: u32 = 1_000;

/// From this mean on calls wait for a place to block in; shorter ones find a thread without.
const LONG: u32 = 20_000;

/// A single call of a fast kind that takes no longer than this, in microseconds, may just have waited
/// for a processor.
const DOUBTFUL: u32 = 50_000;

/// How many cells a child has.
const CELLS: usize = 1024;

/// Names are cut off here; in words, so that they can be written without a lock.
const NAME_WORDS: usize = 8;

/// The cells of a child.
pub type Area = [Kind; CELLS];

/// One kind of call.
#[derive(Debug)]
pub struct Kind {
    /// The running mean in microseconds.
    mean: AtomicU32,
    /// How often the watchdog has found one that kept its reactor.
    stalls: AtomicU32,
    /// How many hold a thread off the reactor at this moment.
    away: AtomicU32,
    /// What it is a kind of; 0: the cell is free.
    sort: AtomicU32,
    /// The last call was not fast.
    late: AtomicBool,
    calls: AtomicU64,
    /// Calls that were made off the reactor from the start.
    moved: AtomicU64,
    /// Calls that have left the reactor, then or when they had to wait.
    left: AtomicU64,
    /// Since when it has been slow (seconds of the epoch); 0: it is fast.
    slow_since: AtomicU64,
    /// Where the name of the module lies that has answered last: noted when there are overrides.
    module: AtomicUsize,
    name: [AtomicU64; NAME_WORDS],
}

/// What is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// A handler, by name.
    Handler = 1,
    /// The hooks of the requests of a server below the first part of a path.
    Request,
    /// The hooks that run while a request of a server is read.
    Reading,
    /// The hooks that run when a connection comes.
    Connection,
    /// The hooks that run when a connection ends.
    Ending,
    /// What modules asked to be called back with later.
    Callback,
}

impl Sort {
    const ALL: [Self; 6] = [
        Self::Handler,
        Self::Request,
        Self::Reading,
        Self::Connection,
        Self::Ending,
        Self::Callback,
    ];

    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Handler => "handler",
            Self::Request => "request",
            Self::Reading => "reading",
            Self::Connection => "connection",
            Self::Ending => "ending",
            Self::Callback => "callback",
        }
    }
}

/// The cells of a process that shares none: the control process, and tests.
static ALONE: Area = [const { Kind::new() }; CELLS];
/// The areas of all children, once there are any.
static SHARED: OnceLock<&'static [Area]> = OnceLock::new();
/// Which of them is this process's.
static MINE: AtomicUsize = AtomicUsize::new(0);
/// How many calls may hold a thread off the reactor at the same time.
static LIMIT: AtomicU32 = AtomicU32::new(u32::MAX);

/// Makes the areas of all children known, before the first child is made.
pub fn share(areas: &'static [Area]) {
    // The control process does so once in its life.
    let _ = SHARED.set(areas);
}

/// This process is the child of this number from here on, and as many of its calls may hold a thread.
pub fn begin(child: usize, limit: u32) {
    MINE.store(child, Relaxed);
    LIMIT.store(limit, Relaxed);
    for kind in area() {
        // Those of its predecessor are gone.
        kind.away.store(0, Relaxed);
    }
}

fn area() -> &'static Area {
    SHARED
        .get()
        .and_then(|areas| areas.get(MINE.load(Relaxed)))
        .unwrap_or(&ALONE)
}

/// A kind: its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(usize);

impl Key {
    /// The hooks that run when a connection comes.
    pub const CONNECTION: Self = Self(0);
    /// The hooks that run when a connection ends, or what was sent is logged.
    pub const ENDING: Self = Self(1);

    /// A handler.
    pub fn handler(name: &[u8]) -> Self {
        Self::hashed(0, name).named(Sort::Handler, || String::from_utf8_lossy(name).into_owned())
    }

    /// A function that a module asked to be called back with, by its address.
    pub fn callback(function: usize) -> Self {
        Self::hashed(function, b"callback")
            .named(Sort::Callback, || format!("timed, at {function:#x}"))
    }

    /// The hooks that run while a request of a server is read.
    pub fn reading(server: usize) -> Self {
        Self::hashed(server, b"")
    }

    /// The hooks of the requests of a server below the first part of a path.
    pub fn request(server: usize, path: &[u8]) -> Self {
        Self::hashed(server, first_part(path))
    }

    /// FNV-1a.
    fn hashed(server: usize, name: &[u8]) -> Self {
        const NUMBERED: usize = 2;
        let seed = 0xcbf2_9ce4_8422_2325_u64 ^ server as u64;
        let hash = name.iter().fold(seed, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        // The lower bits of a server's address say little.
        Self(NUMBERED + ((hash ^ (hash >> 32)) as usize) % (CELLS - NUMBERED))
    }

    /// Names the kind, unless it has a name.
    pub fn named(self, sort: Sort, name: impl FnOnce() -> String) -> Self {
        let kind = self.kind();
        if kind.sort.load(Relaxed) == 0 {
            kind.set_name(sort, &name());
        }
        self
    }

    /// The place in the table, to be kept by whoever watches.
    pub fn number(self) -> usize {
        self.0
    }

    /// The kind at a place that `number` has told.
    pub fn from_number(number: usize) -> Self {
        Self(number.min(CELLS - 1))
    }

    fn kind(self) -> &'static Kind {
        &area()[self.0]
    }

    /// Whether calls of this kind are to be moved.
    pub fn is_slow(self) -> bool {
        self.kind().mean.load(Relaxed) >= SLOW || self.is_crowded()
    }

    /// Whether they hold their threads for so long, or so many at this moment, that the next ones are
    /// to wait for a place.
    pub fn is_long(self) -> bool {
        self.kind().mean.load(Relaxed) >= LONG || self.is_crowded()
    }

    fn is_crowded(self) -> bool {
        self.kind().away.load(Relaxed) > LIMIT.load(Relaxed) / 8
    }

    /// Takes note of a call.
    pub fn note(self, time: Duration) {
        let kind = self.kind();
        kind.calls.fetch_add(1, Relaxed);
        let time = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        let late = time >= SLOW;
        let was_late = kind.late.load(Relaxed);
        if late != was_late {
            kind.late.store(late, Relaxed);
        }
        // On a busy machine a thread may lose its processor for a while. One that blocks does so again,
        // or for so long that the watchdog sees it.
        let fast = kind.mean.load(Relaxed) < SLOW;
        let doubtful = late && fast && !was_late && time < DOUBTFUL;
        kind.approach(if doubtful { SLOW / 2 } else { time });
    }

    /// A call is made off the reactor from its start.
    pub fn note_moved(self) {
        self.kind().moved.fetch_add(1, Relaxed);
    }

    /// A call has kept its reactor for so long that another thread had to take over: whatever its mean
    /// says, the next ones are moved.
    pub fn note_stall(self) {
        let kind = self.kind();
        kind.stalls.fetch_add(1, Relaxed);
        if kind.mean.load(Relaxed) < SLOW {
            kind.set_mean(2 * SLOW);
        }
    }

    /// A call has left the reactor, and holds a thread of its own while the result lives.
    pub fn away(self) -> Away {
        let kind = self.kind();
        kind.left.fetch_add(1, Relaxed);
        kind.away.fetch_add(1, Relaxed);
        Away(kind)
    }

    /// Which module answers calls of this kind, by the address of its name; 0: not known.
    pub fn module(self) -> usize {
        self.kind().module.load(Relaxed)
    }

    /// Notes that.
    pub fn set_module(self, name: usize) {
        self.kind().module.store(name, Relaxed);
    }
}

/// A path up to the slash behind its first part.
pub fn first_part(path: &[u8]) -> &[u8] {
    let first = path.iter().skip(1).position(|&byte| byte == b'/');
    first.map_or(path, |end| &path[..end + 2])
}

/// A call that holds a thread off the reactor.
#[derive(Debug)]
pub struct Away(&'static Kind);

impl Drop for Away {
    fn drop(&mut self) {
        self.0.away.fetch_sub(1, Relaxed);
    }
}

impl Kind {
    const fn new() -> Self {
        Self {
            mean: AtomicU32::new(0),
            stalls: AtomicU32::new(0),
            away: AtomicU32::new(0),
            sort: AtomicU32::new(0),
            late: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            moved: AtomicU64::new(0),
            left: AtomicU64::new(0),
            slow_since: AtomicU64::new(0),
            module: AtomicUsize::new(0),
            name: [const { AtomicU64::new(0) }; NAME_WORDS],
        }
    }

    /// Moves the mean an eighth of the way towards a time. Two threads may overwrite each other's
    /// step.
    fn approach(&self, time: u32) {
        let before = self.mean.load(Relaxed);
        let after = if time >= before {
            // At least one step, so that a mean below eight can grow.
            before + (time - before).div_ceil(8)
        } else {
            before - (before - time) / 8
        };
        if after != before {
            self.set_mean(after);
        }
    }

    fn set_mean(&self, mean: u32) {
        let before = self.mean.load(Relaxed);
        self.mean.store(mean, Relaxed);
        if (before >= SLOW) != (mean >= SLOW) {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let now = now.map_or(1, |now| now.as_secs());
            self.slow_since
                .store(if mean >= SLOW { now } else { 0 }, Relaxed);
        }
    }

    /// Two threads may name it at once; then the words of one name stand among those of the other,
    /// which only a reader of the status would see.
    fn set_name(&self, sort: Sort, name: &str) {
        let mut bytes = [0; 8 * NAME_WORDS];
        let length = name.len().min(bytes.len());
        bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
        for (word, bytes) in self.name.iter().zip(bytes.chunks_exact(8)) {
            let bytes = bytes.try_into().unwrap_or_default();
            word.store(u64::from_ne_bytes(bytes), Relaxed);
        }
        self.sort.store(sort as u32, Relaxed);
    }

    fn name(&self) -> String {
        let words = self.name.iter().map(|word| word.load(Relaxed));
        let bytes: Vec<u8> = words.flat_map(u64::to_ne_bytes).collect();
        let end = bytes.iter().position(|&byte| byte == 0);
        String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned()
    }
}

/// One kind of call, over all children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The mean in microseconds, of all children's calls.
    pub mean: u64,
    /// How many calls there were.
    pub calls: u64,
    /// How many of them were made off the reactor from the start.
    pub moved: u64,
    /// How many have left the reactor when they had to wait.
    pub gave_away: u64,
    /// How many were found keeping their reactor.
    pub stalls: u64,
    /// How many hold a thread off the reactor now.
    pub away: u64,
    /// In how many children it is slow.
    pub slow_in: u64,
    /// In how many it is known.
    pub known_in: u64,
    /// Since when the first of them finds it slow (seconds of the epoch).
    pub slow_since: Option<u64>,
}

/// All kinds by sort and name.
pub fn summary() -> BTreeMap<(Sort, String), Summary> {
    let mut all = BTreeMap::new();
    match SHARED.get() {
        Some(areas) => areas.iter().for_each(|area| add(&mut all, area)),
        None => add(&mut all, &ALONE),
    }
    all
}

fn add(all: &mut BTreeMap<(Sort, String), Summary>, area: &Area) {
    for kind in area {
        let sort = kind.sort.load(Relaxed);
        let Some(sort) = Sort::ALL.into_iter().find(|&known| known as u32 == sort) else {
            continue;
        };
        let calls = kind.calls.load(Relaxed);
        let (mean, moved) = (kind.mean.load(Relaxed), kind.moved.load(Relaxed));
        let sum = all.entry((sort, kind.name())).or_default();
        let together = sum.calls + calls;
        sum.mean = (sum.mean * sum.calls + u64::from(mean) * calls)
            .checked_div(together)
            .unwrap_or(u64::from(mean));
        sum.calls = together;
        sum.moved += moved;
        sum.gave_away += kind.left.load(Relaxed).saturating_sub(moved);
        sum.stalls += u64::from(kind.stalls.load(Relaxed));
        sum.away += u64::from(kind.away.load(Relaxed));
        sum.known_in += 1;
        sum.slow_in += u64::from(mean >= SLOW);
        let since = kind.slow_since.load(Relaxed);
        if since > 0 {
            sum.slow_since = Some(sum.slow_since.map_or(since, |other| other.min(since)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_kind_is_known_after_its_first_call_and_forgiven_later() {
        let key = Key::handler(b"slow once");
        assert!(!key.is_slow());
        key.note(Duration::from_millis(200));
        assert!(key.is_slow());
        assert!(key.kind().slow_since.load(Relaxed) > 0);
        for _ in 0..60 {
            key.note(Duration::from_micros(10));
        }
        assert!(!key.is_slow());
        assert_eq!(key.kind().slow_since.load(Relaxed), 0);
    }

    #[test]
    fn one_late_call_is_forgiven_two_in_a_row_are_not() {
        let key = Key::handler(b"late once");
        for _ in 0..100 {
            key.note(Duration::from_millis(30));
            key.note(Duration::from_micros(10));
            assert!(!key.is_slow());
        }
        key.note(Duration::from_millis(30));
        key.note(Duration::from_millis(30));
        assert!(key.is_slow() && !key.is_long());
        key.note(Duration::from_secs(1));
        assert!(key.is_long());
    }

    #[test]
    fn a_stall_makes_a_kind_slow_at_once() {
        let key = Key::handler(b"stalls");
        for _ in 0..1000 {
            key.note(Duration::from_micros(10));
        }
        key.note_stall();
        assert!(key.is_slow());
    }

    #[test]
    fn kinds_are_summed_under_their_names() {
        let key = Key::handler(b"summed");
        key.note(Duration::from_micros(16));
        key.note_moved();
        let away = key.away();
        drop(key.away());
        let sum = &summary()[&(Sort::Handler, "summed".to_owned())];
        assert_eq!((sum.calls, sum.mean, sum.moved), (1, 2, 1));
        assert_eq!((sum.gave_away, sum.away, sum.slow_in), (1, 1, 0));
        drop(away);
        let long = "n".repeat(100);
        Key::handler(long.as_bytes());
        assert!(summary().contains_key(&(Sort::Handler, "n".repeat(64))));
    }

    #[test]
    fn requests_are_told_apart_by_server_and_first_part() {
        assert_eq!(
            Key::request(7, b"/app/one"),
            Key::request(7, b"/app/two/three")
        );
        assert_ne!(Key::request(7, b"/app/one"), Key::request(7, b"/page.html"));
        assert_ne!(Key::request(7, b"/app/one"), Key::request(8, b"/app/one"));
        assert_eq!(Key::request(7, b""), Key::reading(7));
        assert_eq!(first_part(b"/app/one/two"), b"/app/");
        assert_eq!(first_part(b"*"), b"*");
    }
}
