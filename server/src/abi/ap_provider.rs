//! Exports of `ap_provider.h`: implementations that modules offer under a group, name and version.
//!
//! A registration lasts as long as the pool it was made with, so a new reading of the configuration
//! starts from none.

use std::{
    ffi::{CStr, CString, c_char, c_void},
    mem::size_of,
    ptr::null_mut,
    sync::{PoisonError, RwLock},
};

use httpd_sys as sys;

exports! { ap_register_provider, ap_lookup_provider, ap_list_provider_names, ap_list_provider_groups }

/// What was registered; the implementation belongs to its module.
struct Entry {
    group: CString,
    name: CString,
    version: CString,
    implementation: *const c_void,
    pool: *mut sys::apr_pool_t,
}

// SAFETY: the pointers are only stored and handed back; what they point to is the modules' affair.
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}

static ENTRIES: RwLock<Vec<Entry>> = RwLock::new(Vec::new());

/// Registers `implementation`, in place of an earlier one of the same group, name and version.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_register_provider(
    pool: *mut sys::apr_pool_t,
    group: *const c_char,
    name: *const c_char,
    version: *const c_char,
    implementation: *const c_void,
) -> sys::apr_status_t {
    // SAFETY: the header asks for NUL-terminated strings.
    let [group, name, version] =
        unsafe { [group, name, version].map(|text| CStr::from_ptr(text).to_owned()) };
    let mut entries = ENTRIES.write().unwrap_or_else(PoisonError::into_inner);
    entries.retain(|e| e.group != group || e.name != name || e.version != version);
    let first_of_pool = !entries.iter().any(|entry| entry.pool == pool);
    entries.push(Entry {
        group,
        name,
        version,
        implementation,
        pool,
    });
    drop(entries);
    if first_of_pool {
        // SAFETY: the pool is live; the cleanup only compares its address.
        unsafe {
            sys::apr_pool_cleanup_register(
                pool,
                pool.cast(),
                Some(forget_pool),
                Some(sys::apr_pool_cleanup_null),
            );
        }
    }
    sys::APR_SUCCESS as sys::apr_status_t
}

/// Forgets what was registered with a pool that goes.
unsafe extern "C" fn forget_pool(pool: *mut c_void) -> sys::apr_status_t {
    let mut entries = ENTRIES.write().unwrap_or_else(PoisonError::into_inner);
    entries.retain(|entry| entry.pool.cast() != pool);
    sys::APR_SUCCESS as sys::apr_status_t
}

/// The implementation registered under this group, name and version; NULL when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_lookup_provider(
    group: *const c_char,
    name: *const c_char,
    version: *const c_char,
) -> *mut c_void {
    // SAFETY: the header asks for NUL-terminated strings.
    let [group, name, version] = unsafe { [group, name, version].map(|text| CStr::from_ptr(text)) };
    let entries = ENTRIES.read().unwrap_or_else(PoisonError::into_inner);
    entries
        .iter()
        .find(|e| *e.group == *group && *e.name == *name && *e.version == *version)
        .map_or(null_mut(), |entry| entry.implementation.cast_mut())
}

/// The names registered in a group and version, as `ap_list_provider_names_t` in `pool`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_list_provider_names(
    pool: *mut sys::apr_pool_t,
    group: *const c_char,
    version: *const c_char,
) -> *mut sys::apr_array_header_t {
    // SAFETY: the header asks for NUL-terminated strings and a live pool; the array's elements
    // have the size of what is written.
    unsafe {
        let (group, version) = (CStr::from_ptr(group), CStr::from_ptr(version));
        let size = size_of::<sys::ap_list_provider_names_t>() as i32;
        let names = sys::apr_array_make(pool, 10, size);
        let entries = ENTRIES.read().unwrap_or_else(PoisonError::into_inner);
        for entry in entries
            .iter()
            .filter(|e| *e.group == *group && *e.version == *version)
        {
            let provider_name = sys::apr_pstrdup(pool, entry.name.as_ptr());
            let slot = sys::apr_array_push(names).cast::<sys::ap_list_provider_names_t>();
            slot.write(sys::ap_list_provider_names_t { provider_name });
        }
        names
    }
}

/// The groups, each with its version, as `ap_list_provider_groups_t` in `pool`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_list_provider_groups(
    pool: *mut sys::apr_pool_t,
) -> *mut sys::apr_array_header_t {
    let entries = ENTRIES.read().unwrap_or_else(PoisonError::into_inner);
    let mut seen: Vec<(&CStr, &CStr)> = Vec::new();
    // SAFETY: the pool is live; the array's elements have the size of what is written.
    unsafe {
        let size = size_of::<sys::ap_list_provider_groups_t>() as i32;
        let groups = sys::apr_array_make(pool, 10, size);
        for entry in entries.iter() {
            let pair = (entry.group.as_c_str(), entry.version.as_c_str());
            if seen.contains(&pair) {
                continue;
            }
            seen.push(pair);
            let slot = sys::apr_array_push(groups).cast::<sys::ap_list_provider_groups_t>();
            slot.write(sys::ap_list_provider_groups_t {
                provider_group: sys::apr_pstrdup(pool, pair.0.as_ptr()),
                provider_version: sys::apr_pstrdup(pool, pair.1.as_ptr()),
            });
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_lasts_as_long_as_its_pool() {
        // SAFETY: one test, a pool of its own, static strings.
        unsafe {
            assert_eq!(sys::apr_initialize(), 0);
            let mut pool = null_mut();
            assert_eq!(
                sys::apr_pool_create_ex(&mut pool, null_mut(), None, null_mut()),
                0
            );
            let (group, name, version) = (c"test".as_ptr(), c"file".as_ptr(), c"0".as_ptr());
            assert!(ap_lookup_provider(group, name, version).is_null());
            for implementation in [c"first".as_ptr(), c"second".as_ptr()] {
                ap_register_provider(pool, group, name, version, implementation.cast());
                let found = ap_lookup_provider(group, name, version);
                assert_eq!(found.cast_const(), implementation.cast());
            }
            assert_eq!((*ap_list_provider_names(pool, group, version)).nelts, 1);
            assert_eq!(
                (*ap_list_provider_names(pool, group, c"1".as_ptr())).nelts,
                0
            );
            assert_eq!((*ap_list_provider_groups(pool)).nelts, 1);
            sys::apr_pool_destroy(pool);
            assert!(ap_lookup_provider(group, name, version).is_null());
        }
    }
}
