//! Fetches the records of a virtual host into the processor's caches, all at once, as soon as a request
//! turns out to be for it.
//!
//! With thousands of hosts each request finds its host's records in memory only, and meets them one
//! after the other: settings of the server, of its directories, of each module. Which cache lines those
//! are is the same for each request, so they are listed once and asked for together.

use std::{
    cell::Cell,
    ffi::c_void,
    mem::{offset_of, size_of},
    ptr::null,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use httpd_sys::{self as sys, ap_conf_vector_t, server_rec};

use super::super::{
    http_config::registry,
    http_request::support::{core_dir, core_server, elements},
};

/// Fewer hosts than that stay in the caches by themselves.
pub(super) const MANY: usize = 128;

/// What is fetched at once.
const LINE: usize = 64;

/// A host, and the lines that requests for it touch. They stand in the record itself, so that finding
/// them takes no further step.
pub(super) struct Record {
    pub(super) server: *mut server_rec,
    /// Those of the host and its sections.
    host: OnceLock<List<56>>,
    /// Those of the settings that a first request ended up with.
    settings: OnceLock<List<56>>,
    merges: Merges,
}

// SAFETY: the server is one of the configuration, which does not change while it serves.
unsafe impl Send for Record {}
// SAFETY: as above.
unsafe impl Sync for Record {}

/// What sections of a host merge to: the first few merges of requests for it (`merge.rs` has all).
#[derive(Default)]
struct Merges {
    claimed: AtomicUsize,
    /// Each written once, by whoever has claimed it; `before` last.
    list: [Merge; 4],
}

#[derive(Default)]
struct Merge {
    before: AtomicUsize,
    section: AtomicUsize,
    result: AtomicUsize,
}

thread_local! {
    /// The host that this thread's last request was for, if it is one of many.
    static CURRENT: Cell<*const Record> = const { Cell::new(null()) };
    /// The host that this thread's request is for, until its settings are known.
    static LEARNING: Cell<*const Record> = const { Cell::new(null()) };
}

impl Record {
    pub(super) fn new(server: *mut server_rec) -> Self {
        Self {
            server,
            host: OnceLock::new(),
            settings: OnceLock::new(),
            merges: Merges::default(),
        }
    }

    /// Asks for the lines of the host.
    ///
    /// # Safety
    /// The configuration serves, and lives as long as this record.
    pub(super) unsafe fn fetch(&self) {
        // SAFETY: the caller's promise.
        let host = self
            .host
            .get_or_init(|| unsafe { lines_of_host(self.server) });
        host.fetch();
        CURRENT.set(self);
        match self.settings.get() {
            Some(settings) => settings.fetch(),
            None => LEARNING.set(self),
        }
    }
}

/// Notes the settings of a request, for the next ones to the same host.
///
/// # Safety
/// `config` is a vector that lives as long as the configuration.
pub(in crate::abi) unsafe fn learn(config: *mut ap_conf_vector_t) {
    let record = LEARNING.replace(null());
    // SAFETY: the table of hosts, of which the record is a part, lives as long as requests do.
    if let Some(record) = unsafe { record.as_ref() } {
        // SAFETY: the caller's promise.
        record.settings.get_or_init(|| unsafe {
            let mut list = List::default();
            list.record(core_dir(config).cast(), size_of::<sys::core_dir_config>());
            list.vector(config);
            list
        });
    }
}

/// Whether this thread's request is one to learn from.
pub(in crate::abi) fn is_learning() -> bool {
    !LEARNING.get().is_null()
}

/// # Safety
/// As `Record::fetch`.
unsafe fn lines_of_host(server: *const server_rec) -> List<56> {
    let mut list = List::default();
    // SAFETY: the caller's promise; the arrays hold vectors of sections.
    unsafe {
        list.record(server.cast(), offset_of!(server_rec, limit_req_fields));
        let core = core_server(server);
        list.record(core.cast(), size_of::<sys::core_server_config>());
        let defaults = (*server).lookup_defaults;
        list.record(defaults.cast(), LINE);
        list.record(core_dir(defaults).cast(), size_of::<sys::core_dir_config>());
        for sections in [(*core).sec_dir, (*core).sec_url] {
            list.record(sections.cast(), size_of::<sys::apr_array_header_t>());
            for &section in elements::<*mut ap_conf_vector_t>(sections).iter().take(4) {
                list.record(section.cast(), size_of::<usize>());
                let core = core_dir(section);
                list.record(core.cast(), 2 * LINE);
                list.record((*core).d.cast(), 1);
            }
        }
        list.vector((*server).module_config);
    }
    list
}

/// Addresses of lines, the most important first.
struct List<const MOST: usize> {
    lines: [usize; MOST],
    count: usize,
}

impl<const MOST: usize> Default for List<MOST> {
    fn default() -> Self {
        Self {
            lines: [0; MOST],
            count: 0,
        }
    }
}

impl<const MOST: usize> List<MOST> {
    fn fetch(&self) {
        self.lines[..self.count].iter().copied().for_each(prefetch);
    }

    /// Adds the lines of a record, as far as there is room.
    fn record(&mut self, start: *const c_void, size: usize) {
        if start.is_null() || size == 0 {
            return;
        }
        let first = start.addr() / LINE;
        let last = (start.addr() + size - 1) / LINE;
        for line in (first..=last).map(|number| number * LINE) {
            if self.count < MOST && !self.lines[..self.count].contains(&line) {
                self.lines[self.count] = line;
                self.count += 1;
            }
        }
    }

    /// Adds a vector, and the beginning of what each module keeps there.
    ///
    /// # Safety
    /// `vector` is live.
    unsafe fn vector(&mut self, vector: *mut ap_conf_vector_t) {
        // SAFETY: the caller's promise; a vector has a place for each module.
        unsafe {
            let places = vector.cast::<*const c_void>();
            for module in registry::modules() {
                let index = usize::try_from((*module).module_index).unwrap_or(0);
                self.record(places.add(index).cast(), size_of::<usize>());
                self.record(*places.add(index), LINE / 2);
            }
        }
    }
}

/// What the two vectors merge to, if that is among the merges of the present host.
pub(in crate::abi) fn known_merge((before, section): (usize, usize)) -> Option<usize> {
    // SAFETY: records live as long as the process serves.
    let record = unsafe { CURRENT.get().as_ref()? };
    let mut list = record.merges.list.iter();
    let merge = list.find(|merge| {
        merge.before.load(Ordering::Acquire) == before
            && merge.section.load(Ordering::Relaxed) == section
    })?;
    Some(merge.result.load(Ordering::Relaxed))
}

/// Notes a merge whose result lasts as long as the configuration with the present host.
pub(in crate::abi) fn note_merge((before, section): (usize, usize), result: usize) {
    // SAFETY: as above.
    let Some(record) = (unsafe { CURRENT.get().as_ref() }) else {
        return;
    };
    let merges = &record.merges;
    if merges.claimed.load(Ordering::Relaxed) >= merges.list.len() {
        return;
    }
    let place = merges.claimed.fetch_add(1, Ordering::Relaxed);
    if let Some(merge) = merges.list.get(place) {
        merge.result.store(result, Ordering::Relaxed);
        merge.section.store(section, Ordering::Relaxed);
        merge.before.store(before, Ordering::Release);
    }
}

/// Asks the processor for a line; whether it does is its own business.
fn prefetch(line: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint; nothing is read, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::without_provenance(line));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_each_line_of_a_record_once_and_no_more_than_it_has_room_for() {
        let mut list = List::<4>::default();
        let address = std::ptr::without_provenance;
        list.record(address(6 * LINE + 60), 8);
        list.record(address(7 * LINE + 8), 8);
        list.record(null(), 8);
        assert_eq!(list.lines[..list.count], [6 * LINE, 7 * LINE]);
        list.record(address(20 * LINE), 5 * LINE);
        assert_eq!(list.lines, [6 * LINE, 7 * LINE, 20 * LINE, 21 * LINE]);
        list.fetch();
    }

    #[test]
    fn merges_are_known_to_the_host_they_were_noted_for() {
        let one = Record::new(std::ptr::null_mut());
        let other = Record::new(std::ptr::null_mut());
        note_merge((1, 2), 3);
        CURRENT.set(&one);
        for number in 0..8 {
            note_merge((number + 1, 2), number + 100);
        }
        assert_eq!(known_merge((1, 2)), Some(100));
        assert_eq!(known_merge((4, 2)), Some(103));
        assert_eq!(known_merge((4, 3)), None);
        assert_eq!(known_merge((5, 2)), None);
        CURRENT.set(&other);
        assert_eq!(known_merge((1, 2)), None);
        CURRENT.set(null());
    }
}
