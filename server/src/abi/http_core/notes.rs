//! The core's record in a request, and the notes modules may keep there by number.

use std::{
    ffi::{c_int, c_void},
    mem::size_of,
    ptr::null_mut,
    sync::atomic::{AtomicUsize, Ordering},
};

use httpd_sys::{self as sys, core_request_config, request_rec};

use crate::modules::core::request_config;

exports! { ap_register_request_note, ap_get_request_note }

/// Where a request keeps the store of `.htaccess` files that it uses (`http_config/kept`): the note
/// behind `AP_NOTE_*` of the header.
pub(in crate::abi) const HTACCESS_STORE: usize = sys::AP_NUM_STD_NOTES as usize;

/// Notes that are always there.
const STANDARD_NOTES: usize = HTACCESS_STORE + 1;

static NOTES: AtomicUsize = AtomicUsize::new(STANDARD_NOTES);

/// Reserves a note in every request; its number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_register_request_note() -> sys::apr_size_t {
    // SAFETY: called while hooks are registered, whose pool lives as long as the configuration.
    unsafe {
        sys::apr_pool_cleanup_register(
            sys::apr_hook_global_pool,
            null_mut(),
            Some(forget),
            Some(sys::apr_pool_cleanup_null),
        );
    }
    NOTES.fetch_add(1, Ordering::Relaxed)
}

/// The next configuration reserves its own.
unsafe extern "C" fn forget(_: *mut c_void) -> sys::apr_status_t {
    NOTES.store(STANDARD_NOTES, Ordering::Relaxed);
    0
}

/// The place of a note; NULL when nobody has reserved it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_request_note(
    r: *mut request_rec,
    number: sys::apr_size_t,
) -> *mut *mut c_void {
    // SAFETY: the header asks for a live request; its record has room for all notes.
    unsafe {
        let conf = request_config(r);
        if number >= NOTES.load(Ordering::Relaxed) || conf.is_null() {
            return null_mut();
        }
        (*conf).notes.add(number)
    }
}

/// Gives a new request the core's record, with room for all notes behind it.
pub(crate) unsafe extern "C-unwind" fn create_request(r: *mut request_rec) -> c_int {
    // SAFETY: the hook's caller passes a request that has its pools and connection.
    unsafe {
        let notes = NOTES.load(Ordering::Relaxed);
        let size = size_of::<core_request_config>() + notes * size_of::<*mut c_void>();
        let raw = sys::apr_palloc((*r).pool, size).cast::<u8>();
        raw.write_bytes(0, size);
        let conf = raw.cast::<core_request_config>();
        (*conf).notes = conf.add(1).cast();
        (*conf).deliver_script = 1;
        // A sub-request reads what is left of its main request's body.
        (*conf).bb = if (*r).main.is_null() {
            sys::apr_brigade_create((*r).pool, (*(*r).connection).bucket_alloc)
        } else {
            (*request_config((*r).main)).bb
        };
        sys::ap_set_core_module_config((*r).request_config, conf.cast());
    }
    sys::OK as c_int
}

/// What the hook `proxy_create_req` calls.
pub(crate) type CreateProxyRequest =
    unsafe extern "C" fn(*mut request_rec, *mut request_rec) -> c_int;

/// The same for the request that a proxy makes to hold its backend's response.
pub(crate) unsafe extern "C" fn create_proxy_request(
    _r: *mut request_rec,
    backend: *mut request_rec,
) -> c_int {
    // SAFETY: the hook's caller passes such a request.
    unsafe { create_request(backend) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_core_record_with_its_notes() {
        // SAFETY: a pool of the test's own; the request has what the function asks for.
        unsafe {
            assert_eq!(sys::apr_initialize(), 0);
            let mut pool = null_mut();
            assert_eq!(
                sys::apr_pool_create_ex(&mut pool, null_mut(), None, null_mut()),
                0
            );
            let mut c: sys::conn_rec = std::mem::zeroed();
            c.bucket_alloc = sys::apr_bucket_alloc_create(pool);
            let mut vector: [*mut c_void; 1] = [null_mut()];
            let mut r: request_rec = std::mem::zeroed();
            r.pool = pool;
            r.connection = &mut c;
            r.request_config = vector.as_mut_ptr().cast();
            assert_eq!(create_request(&mut r), 0);
            let conf = request_config(&r);
            assert_eq!((*conf).deliver_script, 1);
            assert!(!(*conf).bb.is_null());
            let note = ap_get_request_note(&mut r, sys::AP_NOTE_IF_WALK as usize);
            assert!((*note).is_null());
            assert!(ap_get_request_note(&mut r, 1000).is_null());

            let mut sub: request_rec = std::mem::zeroed();
            let mut sub_vector: [*mut c_void; 1] = [null_mut()];
            sub.pool = pool;
            sub.main = &mut r;
            sub.connection = &mut c;
            sub.request_config = sub_vector.as_mut_ptr().cast();
            create_request(&mut sub);
            assert_eq!((*request_config(&sub)).bb, (*conf).bb);
            sys::apr_pool_destroy(pool);
        }
    }
}
