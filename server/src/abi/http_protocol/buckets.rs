//! Two buckets that carry no data: an error on its way to the client, and the end of a request.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::{null, null_mut},
};

use httpd_sys::{
    self as sys, ap_bucket_error, apr_bucket, apr_bucket_alloc_t, apr_status_t, request_rec,
};

use crate::crash::trail::{Kind, Place, Step, Subject};

exports! {
    ap_bucket_error_make, ap_bucket_error_create, ap_bucket_eor_make, ap_bucket_eor_create,
}

/// A type of bucket for C to compare with.
#[repr(transparent)]
pub struct BucketType(sys::apr_bucket_type_t);

// SAFETY: constant; its pointers are to literals and functions.
unsafe impl Sync for BucketType {}

const fn metadata(
    name: &'static CStr,
    destroy: unsafe extern "C" fn(*mut c_void),
    setaside: unsafe extern "C" fn(*mut apr_bucket, *mut sys::apr_pool_t) -> apr_status_t,
    copy: unsafe extern "C" fn(*mut apr_bucket, *mut *mut apr_bucket) -> apr_status_t,
) -> BucketType {
    BucketType(sys::apr_bucket_type_t {
        name: name.as_ptr(),
        num_func: 5,
        is_metadata: sys::APR_BUCKET_METADATA,
        destroy: Some(destroy),
        read: Some(read_nothing),
        setaside: Some(setaside),
        split: Some(sys::apr_bucket_split_notimpl),
        copy: Some(copy),
    })
}

/// An error that a filter reports towards the client.
#[unsafe(no_mangle)]
pub static ap_bucket_type_error: BucketType = metadata(
    c"ERROR",
    destroy_error,
    sys::apr_bucket_setaside_notimpl,
    sys::apr_bucket_shared_copy,
);

/// The end of a request: when it is destroyed, the request is logged and its pool goes.
#[unsafe(no_mangle)]
pub static ap_bucket_type_eor: BucketType = metadata(
    c"EOR",
    destroy_eor,
    sys::apr_bucket_setaside_noop,
    sys::apr_bucket_copy_notimpl,
);

unsafe extern "C" fn read_nothing(
    _: *mut apr_bucket,
    data: *mut *const c_char,
    length: *mut usize,
    _: sys::apr_read_type_e,
) -> apr_status_t {
    // SAFETY: APR passes two places to write to.
    unsafe {
        data.write(null());
        length.write(0);
    }
    0
}

unsafe extern "C" fn destroy_error(data: *mut c_void) {
    // SAFETY: the data of an error bucket is shared between its copies.
    unsafe {
        if sys::apr_bucket_shared_destroy(data) != 0 {
            sys::apr_bucket_free(data);
        }
    }
}

/// An error bucket out of a plain one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_bucket_error_make(
    b: *mut apr_bucket,
    error: c_int,
    buf: *const c_char,
    p: *mut sys::apr_pool_t,
) -> *mut apr_bucket {
    // SAFETY: the header asks for a bucket with an allocator, and NULL or a string.
    unsafe {
        let data = sys::apr_bucket_alloc(size_of::<ap_bucket_error>(), (*b).list)
            .cast::<ap_bucket_error>();
        let b = sys::apr_bucket_shared_make(b, data.cast(), 0, 0);
        (*b).type_ = (&raw const ap_bucket_type_error).cast();
        (*data).status = error;
        (*data).data = sys::apr_pstrdup(p, buf);
        b
    }
}

/// A bucket without type.
///
/// # Safety
/// `list` is live.
unsafe fn blank(list: *mut apr_bucket_alloc_t) -> *mut apr_bucket {
    // SAFETY: the caller's promise.
    unsafe {
        let b = sys::apr_bucket_alloc(size_of::<apr_bucket>(), list).cast::<apr_bucket>();
        b.write_bytes(0, 1);
        (*b).link.next = b;
        (*b).link.prev = b;
        (*b).free = Some(sys::apr_bucket_free);
        (*b).list = list;
        b
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_bucket_error_create(
    error: c_int,
    buf: *const c_char,
    p: *mut sys::apr_pool_t,
    list: *mut apr_bucket_alloc_t,
) -> *mut apr_bucket {
    // SAFETY: the header's contract.
    unsafe { ap_bucket_error_make(blank(list), error, buf, p) }
}

/// What an error bucket says; `None` for others.
///
/// # Safety
/// `b` is live.
pub(super) unsafe fn error_of(b: *const apr_bucket) -> Option<c_int> {
    // SAFETY: the caller's promise; the data of an error bucket has this type.
    unsafe {
        let is_error = std::ptr::eq((*b).type_.cast(), &raw const ap_bucket_type_error);
        is_error.then(|| (*(*b).data.cast::<ap_bucket_error>()).status)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_bucket_eor_make(
    b: *mut apr_bucket,
    r: *mut request_rec,
) -> *mut apr_bucket {
    // SAFETY: the header asks for a bucket.
    unsafe {
        (*b).length = 0;
        (*b).start = 0;
        (*b).data = r.cast();
        (*b).type_ = (&raw const ap_bucket_type_eor).cast();
        b
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_bucket_eor_create(
    list: *mut apr_bucket_alloc_t,
    r: *mut request_rec,
) -> *mut apr_bucket {
    // SAFETY: the header asks for a live allocator and NULL or a live request.
    unsafe {
        let b = ap_bucket_eor_make(blank(list), r);
        if !r.is_null() {
            // The pool may go first, with its parent. The request is complete until its
            // sub-requests' pools go, so this runs before them.
            sys::apr_pool_pre_cleanup_register((*r).pool, b.cast(), Some(request_ends));
        }
        b
    }
}

/// Runs when the pool of a bucket's request goes, for whichever reason.
unsafe extern "C" fn request_ends(data: *mut c_void) -> apr_status_t {
    // SAFETY: registered with the bucket, which lives as long as it refers to the request.
    unsafe {
        let b = data.cast::<apr_bucket>();
        let r = (*b).data.cast::<request_rec>();
        if !r.is_null() {
            (*b).data = null_mut();
            let scoreboard = (*(*r).connection).sbh;
            sys::ap_update_child_status(scoreboard.cast(), sys::SERVER_BUSY_LOG as c_int, r);
            sys::ap_run_log_transaction(r);
            if sys::ap_extended_status != 0 {
                sys::ap_increment_counts(scoreboard.cast(), r);
            }
        }
    }
    0
}

/// Gets the request; it is NULL when its pool has gone.
unsafe extern "C" fn destroy_eor(data: *mut c_void) {
    let r = data.cast::<request_rec>();
    if !r.is_null() {
        static PLACE: Place = Place::call(Kind::Server, "the end of a request");
        let step = Step::new(&PLACE, Subject::Request(r));
        let _on = step.enter();
        // SAFETY: a request with its pool.
        unsafe { sys::apr_pool_destroy((*r).pool) }
    }
}
