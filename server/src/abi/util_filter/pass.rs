//! How brigades go from filter to filter, and keeping their data for later.

use std::ffi::{c_char, c_int, c_void};

use httpd_sys::{self as sys, ap_filter_t, apr_bucket_brigade, apr_status_t, request_rec};
use module_sdk::raw::{Brigade, Bucket, Pool};

use crate::crash::{
    panics,
    policy::{self, InsteadOfFilter},
    trail::{Kind, Place, Step, Subject},
};

exports! {
    ap_get_brigade, ap_pass_brigade, ap_save_brigade, ap_filter_flush, ap_fflush, ap_fprintf,
    ap_fputstrs, ap_pass_brigade_fchk,
}

// Defined in shim/util_filter.c; here so that the list above keeps them.
use sys::{ap_fprintf, ap_fputstrs, ap_pass_brigade_fchk};

static INPUT: Place = Place::call(Kind::InputFilter, "an input filter");
static OUTPUT: Place = Place::call(Kind::OutputFilter, "an output filter");

const APR_EGENERAL: apr_status_t = sys::APR_EGENERAL as apr_status_t;
const APR_ENOTIMPL: apr_status_t = sys::APR_ENOTIMPL as apr_status_t;

/// Asks a filter for input.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_brigade(
    next: *mut ap_filter_t,
    bb: *mut apr_bucket_brigade,
    mode: sys::ap_input_mode_t,
    block: sys::apr_read_type_e,
    readbytes: sys::apr_off_t,
) -> apr_status_t {
    // SAFETY: the header asks for NULL or a filter of an input chain, registered with a function.
    unsafe {
        if next.is_null() {
            return sys::AP_NOBODY_READ;
        }
        let record = (*next).frec;
        let Some(function) = (*record).filter_func.in_func else {
            return sys::AP_NOBODY_READ;
        };
        let step = Step::of(&INPUT, record, Subject::of_filter((*next).r, (*next).c));
        let _on = step.enter();
        if policy::any_disabled() {
            match policy::instead_of_filter(&step, (*record).ftype) {
                InsteadOfFilter::Call => {}
                InsteadOfFilter::PassOver => {
                    return ap_get_brigade((*next).next, bb, mode, block, readbytes);
                }
                InsteadOfFilter::Refuse => return APR_EGENERAL,
                InsteadOfFilter::Abort => return give_up((*next).c),
            }
        }
        let function = std::mem::transmute::<
            unsafe extern "C" fn(
                *mut ap_filter_t,
                *mut apr_bucket_brigade,
                sys::ap_input_mode_t,
                sys::apr_read_type_e,
                sys::apr_off_t,
            ) -> apr_status_t,
            unsafe extern "C-unwind" fn(
                *mut ap_filter_t,
                *mut apr_bucket_brigade,
                sys::ap_input_mode_t,
                sys::apr_read_type_e,
                sys::apr_off_t,
            ) -> apr_status_t,
        >(function);
        panics::catch(|| function(next, bb, mode, block, readbytes))
            .unwrap_or_else(|_| give_up((*next).c))
    }
}

/// Hands output to a filter, and notes on the request when that ends with the end of the stream.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_pass_brigade(
    next: *mut ap_filter_t,
    bb: *mut apr_bucket_brigade,
) -> apr_status_t {
    // SAFETY: the header asks for NULL or a filter of an output chain, and a brigade.
    unsafe {
        if next.is_null() {
            return sys::AP_NOBODY_WROTE;
        }
        let r = (*next).r;
        if !r.is_null() && Brigade::from_ptr(bb).last().is_some_and(Bucket::is_eos) {
            (*r).eos_sent = 1;
            // An internal redirect answers for the requests before it.
            let mut earlier = (*r).prev;
            while !earlier.is_null() {
                (*earlier).eos_sent = 1;
                earlier = (*earlier).prev;
            }
        }
        let record = (*next).frec;
        let Some(function) = (*record).filter_func.out_func else {
            return sys::AP_NOBODY_WROTE;
        };
        let step = Step::of(&OUTPUT, record, Subject::of_filter(r, (*next).c));
        let _on = step.enter();
        if policy::any_disabled() {
            match policy::instead_of_filter(&step, (*record).ftype) {
                InsteadOfFilter::Call => {}
                InsteadOfFilter::PassOver => return ap_pass_brigade((*next).next, bb),
                InsteadOfFilter::Refuse => return refuse(next, bb),
                InsteadOfFilter::Abort => return give_up((*next).c),
            }
        }
        let function = std::mem::transmute::<
            unsafe extern "C" fn(*mut ap_filter_t, *mut apr_bucket_brigade) -> apr_status_t,
            unsafe extern "C-unwind" fn(*mut ap_filter_t, *mut apr_bucket_brigade) -> apr_status_t,
        >(function);
        panics::catch(|| function(next, bb)).unwrap_or_else(|_| give_up((*next).c))
    }
}

/// A filter has failed for good, and with it the connection: nobody may take what was sent for whole.
///
/// # Safety
/// `c` is live.
unsafe fn give_up(c: *mut sys::conn_rec) -> apr_status_t {
    // SAFETY: the caller's promise.
    unsafe { (*c).aborted = 1 };
    APR_EGENERAL
}

/// Answers 503 in place of a filter whose module is disabled: the error goes down the chain in place of
/// the content, as filters tell of errors; where the head is out already, the connection ends.
///
/// # Safety
/// `f` is a filter of a request.
unsafe fn refuse(f: *mut ap_filter_t, bb: *mut apr_bucket_brigade) -> apr_status_t {
    // SAFETY: the caller's promise; the brigade belongs to the filter that is called.
    unsafe {
        sys::apr_brigade_cleanup(bb.cast());
        let (r, c) = ((*f).r, (*f).c);
        if r.is_null() || (*r).sent_bodyct != 0 {
            return give_up(c);
        }
        let unavailable = sys::HTTP_SERVICE_UNAVAILABLE as c_int;
        let out = Brigade::from_ptr(bb);
        for bucket in [
            sys::ap_bucket_error_create(
                unavailable,
                std::ptr::null(),
                (*r).pool,
                (*c).bucket_alloc,
            ),
            sys::apr_bucket_eos_create((*c).bucket_alloc),
        ] {
            out.push(Bucket::from_ptr(bucket));
        }
        let next = (*f).next;
        sys::ap_remove_output_filter(f);
        ap_pass_brigade(next, bb);
        sys::AP_FILTER_ERROR
    }
}

/// Keeps the data of `*b` in `*save_to`, for as long as the pool lives.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_save_brigade(
    f: *mut ap_filter_t,
    save_to: *mut *mut apr_bucket_brigade,
    b: *mut *mut apr_bucket_brigade,
    p: *mut sys::apr_pool_t,
) -> apr_status_t {
    // SAFETY: the header asks for live objects; `*save_to` may be NULL.
    unsafe {
        if (*save_to).is_null() {
            *save_to = sys::apr_brigade_create(p, (*(*f).c).bucket_alloc);
        }
        let (from, pool) = (Brigade::from_ptr(*b), Pool::from_ptr(p));
        let mut answer = 0;
        for bucket in from.iter() {
            let kept = match bucket.set_aside(pool) {
                // Reading turns it into a type that can be kept.
                Err(APR_ENOTIMPL) => bucket
                    .read(sys::APR_BLOCK_READ)
                    .and_then(|_| bucket.set_aside(pool)),
                other => other,
            };
            match kept {
                Ok(()) => {}
                Err(APR_ENOTIMPL) => answer = APR_ENOTIMPL,
                Err(status) => return status,
            }
        }
        Brigade::from_ptr(*save_to).append(from);
        answer
    }
}

/// The flush function of `apr_brigade_write` and the like: `ctx` is the filter to pass to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_filter_flush(
    bb: *mut apr_bucket_brigade,
    ctx: *mut c_void,
) -> apr_status_t {
    // SAFETY: the header asks for a brigade and a filter.
    unsafe {
        let status = ap_pass_brigade(ctx.cast(), bb);
        // What a failing filter left may be on the stack of the writer.
        sys::apr_brigade_cleanup(bb.cast());
        status
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_fflush(
    f: *mut ap_filter_t,
    bb: *mut apr_bucket_brigade,
) -> apr_status_t {
    // SAFETY: the header asks for a filter and a brigade.
    unsafe {
        let flush = sys::apr_bucket_flush_create((*(*f).c).bucket_alloc);
        Brigade::from_ptr(bb).push(Bucket::from_ptr(flush));
        ap_filter_flush(bb, f.cast())
    }
}

/// What `ap_pass_brigade_fchk` answers and logs for a status that is not success; `text` is NULL or
/// the caller's words.
#[unsafe(no_mangle)]
unsafe extern "C" fn httpd_rs_pass_failed(
    r: *const request_rec,
    status: apr_status_t,
    text: *const c_char,
) -> c_int {
    if status == sys::AP_FILTER_ERROR {
        return sys::AP_FILTER_ERROR;
    }
    // SAFETY: the shim hands on a live request and a string.
    unsafe {
        match module_sdk::raw::text(text) {
            Some(text) => notice!(
                Core,
                DEBUG,
                status,
                r,
                "AH03158: {}",
                text.to_string_lossy()
            ),
            None => notice!(
                Core,
                DEBUG,
                status,
                r,
                "AH00083: ap_pass_brigade returned {status}"
            ),
        }
    }
    sys::HTTP_INTERNAL_SERVER_ERROR as c_int
}
