//! Merging per-directory vectors for a request.
//!
//! Sections of the configuration do not change while the server runs, so what two of them merge to
//! is kept: a request that passes the same sections as one before merges nothing. Apache merges
//! them for each request. What `.htaccess` files said is kept with what it merges to until they change
//! (`http_config/kept`); what comes from one that is not kept is merged in the request's pool.

use std::{
    cell::RefCell,
    collections::HashMap,
    ffi::c_void,
    hash::{BuildHasherDefault, Hasher},
    ptr::null_mut,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use httpd_sys::{self as sys, ap_conf_vector_t, apr_pool_t};

use crate::abi::{http_config::kept, http_vhost::warm};

/// How long a vector lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lasting {
    /// As long as the request.
    Not,
    /// As long as the store of `.htaccess` files that the request uses.
    Store,
    /// As long as the configuration.
    Configuration,
}

/// A vector, and how long it lives.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Vector {
    pub(super) config: *mut ap_conf_vector_t,
    pub(super) lasting: Lasting,
}

/// More results than that are not kept: expressions and patterns could combine without end.
const MOST_RESULTS: usize = 20_000;

/// The vectors of two addresses, merged. As results, a pair whose second is 0 marks the first as one
/// that lasts.
type Results = HashMap<(usize, usize), usize, BuildHasherDefault<Mix>>;

/// The results of this generation of the configuration.
struct Memo {
    /// Where results live: a child of the configuration's pool with an allocator of its own.
    pool: *mut apr_pool_t,
    results: Results,
}

// SAFETY: the pool is used under the lock only.
unsafe impl Send for Memo {}

static MEMO: Mutex<Option<Memo>> = Mutex::new(None);
/// Counts configurations, so that threads forget their copies of the results of an old one.
static GENERATION: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// This thread's copy of the results it has met, and their generation.
    static KNOWN: RefCell<(u64, Results)> = const { RefCell::new((0, Results::with_hasher(
        BuildHasherDefault::new())) ) };
}

/// Begins to keep results for the configuration that lives in `pconf`. Called when it has been read,
/// while the process has one thread.
///
/// # Safety
/// `pconf` is live.
pub(in crate::abi) unsafe fn keep_results(pconf: *mut apr_pool_t) {
    // SAFETY: APR makes the allocator and the pool, which owns it and goes with `pconf`.
    unsafe {
        forget_results(null_mut());
        let mut allocator = null_mut();
        if sys::apr_allocator_create(&mut allocator) != 0 {
            return;
        }
        let mut pool = null_mut();
        sys::apr_pool_create_ex(&mut pool, pconf, None, allocator);
        sys::apr_allocator_owner_set(allocator, pool);
        sys::apr_pool_tag(pool, c"merged sections".as_ptr());
        sys::apr_pool_cleanup_register(
            pool,
            null_mut(),
            Some(forget_results),
            Some(sys::apr_pool_cleanup_null),
        );
        *MEMO.lock().unwrap_or_else(PoisonError::into_inner) = Some(Memo {
            pool,
            results: Results::default(),
        });
    }
}

unsafe extern "C" fn forget_results(_: *mut c_void) -> sys::apr_status_t {
    *MEMO.lock().unwrap_or_else(PoisonError::into_inner) = None;
    GENERATION.fetch_add(1, Ordering::Release);
    0
}

/// `before` with `section` merged onto it.
///
/// # Safety
/// `r` is live; so are the vectors, as long as they say.
pub(super) unsafe fn merge(r: *mut sys::request_rec, before: Vector, section: Vector) -> Vector {
    // SAFETY: the caller's promise.
    unsafe {
        match (before.lasting, section.lasting) {
            (Lasting::Not, _) | (_, Lasting::Not) => {}
            (Lasting::Configuration, Lasting::Configuration) => {
                let kept = KNOWN
                    .with_borrow_mut(|known| kept_result(known, before.config, section.config));
                if let Some(config) = kept {
                    return Vector {
                        config,
                        lasting: Lasting::Configuration,
                    };
                }
            }
            _ => {
                if let Some(store) = kept::in_use(r) {
                    return Vector {
                        config: store.merge(before.config, section.config),
                        lasting: Lasting::Store,
                    };
                }
            }
        }
        Vector {
            config: sys::ap_merge_per_dir_configs((*r).pool, before.config, section.config),
            lasting: Lasting::Not,
        }
    }
}

/// The request's own vector with `section` merged onto it.
///
/// Sub-requests and redirects get a vector of their own: where access checks go by URI, an address
/// that differs is what makes them run (`internal.rs`).
///
/// # Safety
/// As `merge`.
pub(super) unsafe fn onto_request(
    r: *mut sys::request_rec,
    section: Vector,
) -> *mut ap_conf_vector_t {
    // SAFETY: the caller's promise.
    unsafe {
        let current = (*r).per_dir_config;
        let shares =
            ((*r).main.is_null() && (*r).prev.is_null()) || super::access::is_per_configuration();
        let current = Vector {
            config: current,
            lasting: if shares { lasting(r) } else { Lasting::Not },
        };
        merge(r, current, section).config
    }
}

/// How long the request's vector lasts, and with it the sections found in it.
///
/// # Safety
/// `r` is live.
pub(super) unsafe fn lasting(r: *mut sys::request_rec) -> Lasting {
    // SAFETY: the caller's promise.
    unsafe {
        let current = (*r).per_dir_config;
        if current == (*(*r).server).lookup_defaults || is_kept_result(current) {
            return Lasting::Configuration;
        }
        match kept::in_use(r) {
            Some(store) if store.holds(current) => Lasting::Store,
            _ => Lasting::Not,
        }
    }
}

fn is_kept_result(config: *mut ap_conf_vector_t) -> bool {
    KNOWN.with_borrow(|(generation, results)| {
        *generation == GENERATION.load(Ordering::Acquire)
            && results.contains_key(&(config.addr(), 0))
    })
}

/// What the two merge to, from this thread's copy or the common table, or merged now.
///
/// # Safety
/// Both are live as long as the configuration.
unsafe fn kept_result(
    (generation, results): &mut (u64, Results),
    before: *mut ap_conf_vector_t,
    section: *mut ap_conf_vector_t,
) -> Option<*mut ap_conf_vector_t> {
    let now = GENERATION.load(Ordering::Acquire);
    if *generation != now {
        results.clear();
        *generation = now;
    }
    let key = (before.addr(), section.addr());
    if let Some(known) = warm::known_merge(key) {
        return Some(std::ptr::with_exposed_provenance_mut(known));
    }
    if let Some(&known) = results.get(&key) {
        warm::note_merge(key, known);
        return Some(std::ptr::with_exposed_provenance_mut(known));
    }
    let mut memo = MEMO.lock().unwrap_or_else(PoisonError::into_inner);
    let memo = memo.as_mut()?;
    let result = match memo.results.get(&key) {
        Some(&result) => result,
        None if memo.results.len() >= MOST_RESULTS => return None,
        None => {
            // SAFETY: the caller's promise; the lock keeps the pool to this thread.
            let merged = unsafe { sys::ap_merge_per_dir_configs(memo.pool, before, section) };
            let merged = merged.expose_provenance();
            memo.results.insert(key, merged);
            merged
        }
    };
    results.insert(key, result);
    results.insert((result, 0), result);
    Some(std::ptr::with_exposed_provenance_mut(result))
}

/// Hashes addresses: they differ in their middle bits, so a multiplication spreads them enough.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_usize(byte.into());
        }
    }

    fn write_usize(&mut self, number: usize) {
        self.0 = (self.0.rotate_left(5) ^ number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
