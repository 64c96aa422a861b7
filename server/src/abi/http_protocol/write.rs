//! What handlers write with: `ap_rwrite` and the like. Small pieces are collected in front of the
//! output filters (by the filter OLD_WRITE) and go on with the first brigade or when they are many.
//! What takes C variable arguments is in `shim/http_protocol.c`.

use std::{
    ffi::{c_char, c_int, c_void},
    ptr::null_mut,
};

use httpd_sys::{
    self as sys, ap_filter_t, apr_bucket_brigade, apr_size_t, apr_status_t, request_rec,
};
use module_sdk::raw::{Brigade, Bucket};

exports! {
    ap_old_write_filter, ap_rputc, ap_rwrite, ap_rflush, ap_send_fd, ap_send_mmap, ap_rprintf,
    ap_rvputs, ap_vrprintf,
}

// Defined in shim/http_protocol.c; here so that the list above keeps them.
use sys::{ap_rprintf, ap_rvputs, ap_vrprintf};

/// The record of OLD_WRITE.
#[unsafe(no_mangle)]
pub static mut ap_old_write_func: *mut sys::ap_filter_rec_t = null_mut();

/// What is collected of a request's output.
struct Collected {
    /// NULL before the first piece.
    waiting: *mut apr_bucket_brigade,
    /// For what is passed on at once.
    passing: *mut apr_bucket_brigade,
}

/// Puts what was collected before what comes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_old_write_filter(
    f: *mut ap_filter_t,
    bb: *mut apr_bucket_brigade,
) -> apr_status_t {
    // SAFETY: `collector` put the filter there, with its context.
    unsafe {
        let collected = (*f).ctx.cast::<Collected>();
        if !(*collected).waiting.is_null() {
            Brigade::from_ptr(bb).prepend(Brigade::from_ptr((*collected).waiting));
        }
        sys::ap_pass_brigade((*f).next, bb)
    }
}

/// The request's OLD_WRITE, which is put before its filters when it is not there yet.
///
/// # Safety
/// `r` is live.
unsafe fn collector(r: *mut request_rec) -> *mut ap_filter_t {
    // SAFETY: the caller's promise; chains end with NULL.
    unsafe {
        let record = ap_old_write_func;
        let mut f = (*r).output_filters;
        while !f.is_null() {
            if (*f).frec == record {
                return f;
            }
            f = (*f).next;
        }
        let collected = sys::apr_palloc((*r).pool, size_of::<Collected>()).cast::<Collected>();
        collected.write(Collected {
            waiting: null_mut(),
            passing: sys::apr_brigade_create((*r).pool, (*(*r).connection).bucket_alloc),
        });
        sys::ap_add_output_filter_handle(record, collected.cast(), r, (*r).connection)
    }
}

/// Collects a piece, or passes it on when filters stand before the collector.
///
/// # Safety
/// `r` is live; `data` holds `length` bytes.
unsafe fn write(r: *mut request_rec, data: *const c_char, length: usize) -> apr_status_t {
    if length == 0 {
        return 0;
    }
    // SAFETY: the caller's promise.
    unsafe {
        let alloc = (*(*r).connection).bucket_alloc;
        let f = collector(r);
        let collected = (*f).ctx.cast::<Collected>();
        if f != (*r).output_filters {
            let passing = (*collected).passing;
            let piece = sys::apr_bucket_transient_create(data, length, alloc);
            Brigade::from_ptr(passing).push(Bucket::from_ptr(piece));
            let status = sys::ap_pass_brigade((*r).output_filters, passing);
            sys::apr_brigade_cleanup(passing.cast());
            return status;
        }
        if (*collected).waiting.is_null() {
            (*collected).waiting = sys::apr_brigade_create((*r).pool, alloc);
        }
        sys::apr_brigade_write(
            (*collected).waiting,
            Some(sys::ap_filter_flush),
            (*f).next.cast::<c_void>(),
            data,
            length,
        )
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_rputc(c: c_int, r: *mut request_rec) -> c_int {
    let byte = c as c_char;
    // SAFETY: the header asks for a live request.
    unsafe {
        if (*(*r).connection).aborted != 0 || write(r, &byte, 1) != 0 {
            return -1;
        }
    }
    c
}

/// How much was written, or -1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_rwrite(buf: *const c_void, nbyte: c_int, r: *mut request_rec) -> c_int {
    // SAFETY: the header asks for a live request and `nbyte` bytes.
    unsafe {
        let Ok(length) = usize::try_from(nbyte) else {
            return -1;
        };
        if (*(*r).connection).aborted != 0 || write(r, buf.cast(), length) != 0 {
            return -1;
        }
    }
    nbyte
}

/// Sends what was written so far; -1 when that fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_rflush(r: *mut request_rec) -> c_int {
    // SAFETY: the header asks for a live request.
    unsafe {
        let passing = (*(*collector(r)).ctx.cast::<Collected>()).passing;
        let flush = sys::apr_bucket_flush_create((*(*r).connection).bucket_alloc);
        Brigade::from_ptr(passing).push(Bucket::from_ptr(flush));
        let status = sys::ap_pass_brigade((*r).output_filters, passing);
        sys::apr_brigade_cleanup(passing.cast());
        if status == 0 { 0 } else { -1 }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_send_fd(
    fd: *mut sys::apr_file_t,
    r: *mut request_rec,
    offset: sys::apr_off_t,
    length: apr_size_t,
    nbytes: *mut apr_size_t,
) -> apr_status_t {
    // SAFETY: the header asks for an open file and a live request.
    unsafe {
        let bb = super::input_lines::brigade_of(r);
        sys::apr_brigade_insert_file(bb, fd, offset, length as sys::apr_off_t, (*r).pool);
        let status = sys::ap_pass_brigade((*r).output_filters, bb);
        *nbytes = if status == 0 { length } else { 0 };
        status
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_send_mmap(
    mm: *mut sys::apr_mmap_t,
    r: *mut request_rec,
    offset: apr_size_t,
    length: apr_size_t,
) -> apr_size_t {
    // SAFETY: the header asks for a mapping and a live request.
    unsafe {
        let alloc = (*(*r).connection).bucket_alloc;
        let bb = super::input_lines::brigade_of(r);
        let piece = sys::apr_bucket_mmap_create(mm, offset as sys::apr_off_t, length, alloc);
        Brigade::from_ptr(bb).push(Bucket::from_ptr(piece));
        sys::ap_pass_brigade((*r).output_filters, bb);
        // Apache answers this whatever became of it.
        length
    }
}
