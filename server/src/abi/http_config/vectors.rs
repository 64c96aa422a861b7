//! Configuration vectors: for each server, directory, request and connection an array with one
//! pointer per module, found by `module_index`.

use std::{
    ffi::{c_int, c_void},
    mem::size_of,
    ptr::null_mut,
    sync::atomic::{AtomicUsize, Ordering},
};

use httpd_sys::{self as sys, ap_conf_vector_t, module};

use crate::modules::MAX_MODULES;

exports! {
    ap_get_module_config, ap_set_module_config, ap_get_module_flags, ap_create_request_config,
    ap_create_conn_config, ap_create_per_dir_config, ap_merge_per_dir_configs,
}

/// How many places a new vector has: fewer than there may be modules, once all are known.
static LENGTH: AtomicUsize = AtomicUsize::new(MAX_MODULES);

/// Sets how many places new vectors have.
pub(super) fn fit(length: usize) {
    LENGTH.store(length.min(MAX_MODULES), Ordering::Relaxed);
}

/// How many places a vector has at least.
pub(super) fn length() -> usize {
    LENGTH.load(Ordering::Relaxed)
}

/// An empty vector in `pool`.
///
/// # Safety
/// `pool` is live.
unsafe fn new_vector(pool: *mut sys::apr_pool_t) -> *mut *mut c_void {
    let length = length();
    let size = length * size_of::<*mut c_void>();
    // SAFETY: the caller's promise; the memory has just been given and is zeroed at once.
    unsafe {
        let vector = sys::apr_palloc(pool, size).cast::<*mut c_void>();
        vector.write_bytes(0, length);
        vector
    }
}

/// The place of a module in a vector. Called per module and request: no checks but the index.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_module_config(
    vector: *const ap_conf_vector_t,
    m: *const module,
) -> *mut c_void {
    // SAFETY: the header asks for a vector of ours and a registered module.
    unsafe { *vector.cast::<*mut c_void>().add((*m).module_index as usize) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_module_config(
    vector: *mut ap_conf_vector_t,
    m: *const module,
    value: *mut c_void,
) {
    // SAFETY: as above.
    unsafe { *vector.cast::<*mut c_void>().add((*m).module_index as usize) = value }
}

/// The flags of a module that is new enough to have any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_module_flags(m: *const module) -> c_int {
    /// Minor magic number that added the field.
    const FLAGS_SINCE: c_int = 70;
    // SAFETY: the header asks for a module; the field is there from that minor on.
    unsafe {
        if (*m).minor_version < FLAGS_SINCE {
            0
        } else {
            (*m).flags
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_create_request_config(
    pool: *mut sys::apr_pool_t,
) -> *mut ap_conf_vector_t {
    // SAFETY: the header asks for a live pool.
    unsafe { new_vector(pool).cast() }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_create_conn_config(
    pool: *mut sys::apr_pool_t,
) -> *mut ap_conf_vector_t {
    // SAFETY: as above.
    unsafe { new_vector(pool).cast() }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_create_per_dir_config(
    pool: *mut sys::apr_pool_t,
) -> *mut ap_conf_vector_t {
    // SAFETY: as above.
    unsafe { new_vector(pool).cast() }
}

/// A vector in which each module has merged `base` with `new`, whose settings win.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_merge_per_dir_configs(
    pool: *mut sys::apr_pool_t,
    base: *mut ap_conf_vector_t,
    new: *mut ap_conf_vector_t,
) -> *mut ap_conf_vector_t {
    // SAFETY: the header asks for vectors of ours; the modules of the list are registered, so
    // their indices are within a vector.
    unsafe {
        let merged = sys::apr_pmemdup(pool, base.cast(), length() * size_of::<*mut c_void>())
            .cast::<*mut c_void>();
        let (base, new) = (base.cast::<*mut c_void>(), new.cast::<*mut c_void>());
        for m in super::registry::modules() {
            let at = (*m).module_index as usize;
            let mut added = *new.add(at);
            let always = ap_get_module_flags(m) & sys::AP_MODULE_FLAG_ALWAYS_MERGE as c_int != 0;
            if added.is_null()
                && always
                && (*m).merge_dir_config.is_some()
                && let Some(create) = (*m).create_dir_config
            {
                added = create(pool, null_mut());
            }
            match ((*m).merge_dir_config, *base.add(at), added) {
                (_, _, added) if added.is_null() => {}
                (Some(merge), old, added) if !old.is_null() => {
                    *merged.add(at) = merge(pool, old, added);
                }
                (_, _, added) => *merged.add(at) = added,
            }
        }
        merged.cast()
    }
}

/// The vector of a new server: what each module's `create_server_config` makes.
///
/// # Safety
/// `pool` and `server` are live.
pub unsafe fn create_server_config(
    pool: *mut sys::apr_pool_t,
    server: *mut sys::server_rec,
) -> *mut ap_conf_vector_t {
    // SAFETY: the caller's promise.
    unsafe {
        let vector = new_vector(pool);
        for m in super::registry::modules() {
            if let Some(create) = (*m).create_server_config {
                *vector.add((*m).module_index as usize) = create(pool, server);
            }
        }
        vector.cast()
    }
}

/// Merges the vector of the main server into that of a virtual host.
///
/// # Safety
/// `base` is the vector of the main server, `host` is live.
pub unsafe fn merge_server_configs(
    pool: *mut sys::apr_pool_t,
    base: *mut ap_conf_vector_t,
    host: *mut sys::server_rec,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let base = base.cast::<*mut c_void>();
        let vector = (*host).module_config.cast::<*mut c_void>();
        for m in super::registry::modules() {
            let at = (*m).module_index as usize;
            let always = ap_get_module_flags(m) & sys::AP_MODULE_FLAG_ALWAYS_MERGE as c_int != 0;
            let merge = (*m).merge_server_config;
            if (*vector.add(at)).is_null() {
                match ((*m).create_server_config, merge) {
                    (Some(create), Some(_)) if always => *vector.add(at) = create(pool, host),
                    _ => {
                        *vector.add(at) = *base.add(at);
                        continue;
                    }
                }
            }
            if let Some(merge) = merge {
                *vector.add(at) = merge(pool, *base.add(at), *vector.add(at));
            }
        }
    }
}

/// An empty vector for the settings of a virtual host: modules create theirs when a directive of
/// theirs stands in it.
///
/// # Safety
/// `pool` is live.
pub(super) unsafe fn empty(pool: *mut sys::apr_pool_t) -> *mut ap_conf_vector_t {
    // SAFETY: the caller's promise.
    unsafe { new_vector(pool).cast() }
}

/// The per-directory configuration that holds where no section says otherwise.
///
/// # Safety
/// `pool` is live.
pub unsafe fn create_default_per_dir_config(pool: *mut sys::apr_pool_t) -> *mut ap_conf_vector_t {
    // SAFETY: the caller's promise; NULL is the directory of the defaults.
    unsafe {
        let vector = new_vector(pool);
        for m in super::registry::modules() {
            if let Some(create) = (*m).create_dir_config {
                *vector.add((*m).module_index as usize) = create(pool, null_mut());
            }
        }
        vector.cast()
    }
}
