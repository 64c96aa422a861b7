//! What `.htaccess` files say, kept until they change, and what their settings merge to.
//!
//! A store holds the vectors of the files, executed once, and the results of merging them with each
//! other and with sections of the configuration. Everything in it lives as long as the store. A
//! request that takes something out of the store keeps it alive (`of_request`), and so do its
//! sub-requests and redirects, which may share what it merged. A store that has taken in too much,
//! of files that have changed since for example, is replaced by an empty one and goes with the last
//! request that uses it.

use std::{
    ffi::c_void,
    ptr::null_mut,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use httpd_sys::{self as sys, ap_conf_vector_t, apr_pool_t, apr_status_t, request_rec};

use crate::{
    abi::http_core::notes,
    request::files::Identity,
    util::hash::{Map, Set},
};

/// How much a store takes in before it is replaced: files executed, and merges.
const MOST_FILES: usize = 4096;
const MOST_MERGES: usize = 40_000;

/// What the settings of a file depend on, beside its content. Addresses are those of records of the
/// configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) path: Vec<u8>,
    pub(super) server: usize,
    pub(super) overrides: i32,
    pub(super) options: i32,
    pub(super) list: usize,
}

/// Settings and merges, and the pool they live in.
pub(in crate::abi) struct Store(Mutex<Content>);

struct Content {
    /// The parent of the files' pools; merges live in it. It has an allocator of its own, used under
    /// the lock only.
    pool: *mut apr_pool_t,
    files: Map<Key, (Identity, usize)>,
    executed: usize,
    /// The vectors of two addresses, merged.
    merges: Map<(usize, usize), usize>,
    /// The addresses of all vectors in the store.
    vectors: Set<usize>,
}

// SAFETY: the pool and what lives in it are changed under the lock only.
unsafe impl Send for Content {}

impl Drop for Content {
    fn drop(&mut self) {
        // SAFETY: no request uses the store any more.
        unsafe { sys::apr_pool_destroy(self.pool) }
    }
}

/// The store that new requests use.
static CURRENT: Mutex<Option<Arc<Store>>> = Mutex::new(None);

/// Begins anew: the modules, and with them the meaning of directives, change.
pub(super) fn forget() {
    *lock(&CURRENT) = None;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The store that a request uses, if it has used one.
///
/// # Safety
/// `r` is live.
pub(in crate::abi) unsafe fn in_use<'r>(r: *mut request_rec) -> Option<&'r Store> {
    // SAFETY: the note holds NULL or a store that the request keeps alive.
    unsafe { note(r)?.cast::<*const Store>().read().as_ref() }
}

/// The store for a request, its sub-requests and redirects, kept alive until they end. `None` for a
/// request without the core's record.
///
/// # Safety
/// `r` is live.
pub(super) unsafe fn of_request<'r>(r: *mut request_rec) -> Option<&'r Store> {
    // SAFETY: the caller's promise; the cleanup gives back what the note holds.
    unsafe {
        if let Some(store) = in_use(r) {
            return Some(store);
        }
        let place = note(r)?.cast::<*const Store>();
        let store = Arc::into_raw(current());
        place.write(store);
        sys::apr_pool_cleanup_register(
            (*first_of(r)).pool,
            store.cast(),
            Some(give_back),
            Some(sys::apr_pool_cleanup_null),
        );
        store.as_ref()
    }
}

unsafe extern "C" fn give_back(store: *mut c_void) -> apr_status_t {
    // SAFETY: the pointer came from `Arc::into_raw`, and this runs once.
    drop(unsafe { Arc::from_raw(store.cast::<Store>().cast_const()) });
    sys::APR_SUCCESS as apr_status_t
}

/// The request that a sub-request or redirect goes back to.
///
/// # Safety
/// `r` is live.
unsafe fn first_of(mut r: *mut request_rec) -> *mut request_rec {
    // SAFETY: requests live longer than those that they made.
    unsafe {
        loop {
            r = match ((*r).main, (*r).prev) {
                (main, _) if !main.is_null() => main,
                (_, prev) if !prev.is_null() => prev,
                _ => return r,
            };
        }
    }
}

/// # Safety
/// `r` is live.
unsafe fn note(r: *mut request_rec) -> Option<*mut *mut c_void> {
    // SAFETY: the caller's promise.
    unsafe {
        let first = first_of(r);
        if (*first).request_config.is_null() {
            return None;
        }
        let place = sys::ap_get_request_note(first, notes::HTACCESS_STORE);
        (!place.is_null()).then_some(place)
    }
}

/// The current store, or an empty one in its place when it has taken in enough.
fn current() -> Arc<Store> {
    let mut current = lock(&CURRENT);
    if let Some(store) = &*current {
        let content = lock(&store.0);
        if content.executed < MOST_FILES && content.merges.len() < MOST_MERGES {
            drop(content);
            return Arc::clone(store);
        }
    }
    let store = Arc::new(Store::new());
    *current = Some(Arc::clone(&store));
    store
}

impl Store {
    fn new() -> Self {
        let mut pool = null_mut();
        // SAFETY: APR makes the allocator and the pool, which owns it.
        unsafe {
            let mut allocator = null_mut();
            sys::apr_allocator_create(&mut allocator);
            sys::apr_pool_create_ex(&mut pool, null_mut(), None, allocator);
            sys::apr_allocator_owner_set(allocator, pool);
            sys::apr_pool_tag(pool, c".htaccess files".as_ptr());
        }
        Self(Mutex::new(Content {
            pool,
            files: Map::default(),
            executed: 0,
            merges: Map::default(),
            vectors: Set::default(),
        }))
    }

    /// The settings of a file that is still as it was.
    pub(super) fn get(&self, key: &Key, identity: &Identity) -> Option<*mut ap_conf_vector_t> {
        let content = lock(&self.0);
        let (known, vector) = content.files.get(key)?;
        (known == identity).then(|| std::ptr::with_exposed_provenance_mut(*vector))
    }

    /// Keeps what `execute` makes of a file in a pool it is given, unless that fails.
    pub(super) fn put<E>(
        &self,
        key: Key,
        identity: Identity,
        execute: impl FnOnce(*mut apr_pool_t) -> Result<*mut ap_conf_vector_t, E>,
    ) -> Result<*mut ap_conf_vector_t, E> {
        let mut content = lock(&self.0);
        let mut pool = null_mut();
        // SAFETY: the store's pool is live, and only used under the lock.
        unsafe { sys::apr_pool_create_ex(&mut pool, content.pool, None, null_mut()) };
        match execute(pool) {
            Ok(vector) => {
                let address = vector.expose_provenance();
                content.executed += 1;
                content.vectors.insert(address);
                content.files.insert(key, (identity, address));
                Ok(vector)
            }
            Err(error) => {
                // SAFETY: nothing that was made in it is used.
                unsafe { sys::apr_pool_destroy(pool) };
                Err(error)
            }
        }
    }

    /// Whether a vector lives in the store.
    pub(in crate::abi) fn holds(&self, vector: *mut ap_conf_vector_t) -> bool {
        lock(&self.0).vectors.contains(&vector.addr())
    }

    /// `before` with `section` merged onto it.
    ///
    /// # Safety
    /// Both live in this store or belong to the configuration.
    pub(in crate::abi) unsafe fn merge(
        &self,
        before: *mut ap_conf_vector_t,
        section: *mut ap_conf_vector_t,
    ) -> *mut ap_conf_vector_t {
        let mut content = lock(&self.0);
        let key = (before.addr(), section.addr());
        if let Some(&known) = content.merges.get(&key) {
            return std::ptr::with_exposed_provenance_mut(known);
        }
        // SAFETY: the caller's promise; the lock keeps the pool to this thread.
        let merged = unsafe { sys::ap_merge_per_dir_configs(content.pool, before, section) };
        let address = merged.expose_provenance();
        content.merges.insert(key, address);
        content.vectors.insert(address);
        merged
    }
}
