//! The filter CONTENT_LENGTH: counts a response and, when all of it has come before any of it had
//! to go on, says its length.

use std::ptr::null_mut;

use httpd_sys::{self as sys, ap_filter_t, apr_bucket_brigade, apr_status_t, request_rec};
use module_sdk::raw::{Brigade, Bucket};

use super::{keepalive::lookup, status_codes::APR_EAGAIN};
use crate::http::status;

exports! { ap_content_length_filter }

/// How much of unknown length is read before it goes on.
const ENOUGH: u64 = 64 * 1024;

/// Set as the filter's context once something has gone on.
static SENT: u8 = 0;

/// What became of a brigade.
enum Counted {
    /// The end of the response is in it.
    ToTheEnd,
    /// All of it was counted.
    SoFar,
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_content_length_filter(
    f: *mut ap_filter_t,
    b: *mut apr_bucket_brigade,
) -> apr_status_t {
    // SAFETY: filters are called with themselves, in a request's chain, and a brigade.
    unsafe {
        let r = (*f).r;
        let counted = match count(f, Brigade::from_ptr(b)) {
            Ok(counted) => counted,
            Err(status) => return status,
        };
        if matches!(counted, Counted::ToTheEnd) && (*f).ctx.is_null() && may_tell(r) {
            sys::ap_set_content_length(r, (*r).bytes_sent);
        }
        (*f).ctx = (&raw const SENT).cast_mut().cast();
        sys::ap_pass_brigade((*f).next, b)
    }
}

/// Whether what was counted is the length: of a response without body, the handler knows better.
///
/// # Safety
/// `r` is live.
unsafe fn may_tell(r: *mut request_rec) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let bodyless = (*r).header_only != 0 || status::has_no_body((*r).status);
        !(bodyless && (*r).bytes_sent == 0 && lookup((*r).headers_out, c"Content-Length").is_some())
    }
}

/// Counts the bytes; what is of unknown length is read, and passed on when it is long or slow.
///
/// # Safety
/// `f` is this filter.
unsafe fn count(f: *mut ap_filter_t, brigade: Brigade<'_>) -> Result<Counted, apr_status_t> {
    // SAFETY: the caller's promise; a bucket read stays in the brigade.
    unsafe {
        let r = (*f).r;
        let mut read = 0;
        let mut wait = sys::APR_NONBLOCK_READ;
        let mut next = brigade.first();
        while let Some(bucket) = next {
            if bucket.is_eos() {
                return Ok(Counted::ToTheEnd);
            }
            if bucket.is_metadata() {
                next = brigade.next(bucket);
                continue;
            }
            if let Some(length) = bucket.len() {
                (*r).bytes_sent += length as i64;
                next = brigade.next(bucket);
                continue;
            }
            match bucket.read(wait) {
                Ok(data) => {
                    wait = sys::APR_NONBLOCK_READ;
                    (*r).bytes_sent += data.len() as i64;
                    read += data.len() as u64;
                    next = brigade.next(bucket);
                    if read >= ENOUGH
                        && let Some(rest) = next.filter(|rest| !rest.is_metadata())
                    {
                        next = pass_on(f, brigade, rest, false)?;
                        read = 0;
                    }
                }
                Err(APR_EAGAIN) => {
                    // Nothing to be had at the moment: what came before need not wait for it.
                    if brigade.first() != Some(bucket) {
                        next = pass_on(f, brigade, bucket, true)?;
                        read = 0;
                    }
                    wait = sys::APR_BLOCK_READ;
                }
                Err(status) => {
                    notice!(
                        Core,
                        ERR,
                        status,
                        r,
                        "AH00574: ap_content_length_filter: apr_bucket_read() failed"
                    );
                    return Err(status);
                }
            }
        }
        Ok(Counted::SoFar)
    }
}

/// Passes on what stands before `rest`, and answers where to go on.
///
/// # Safety
/// `f` is this filter; `rest` is in the brigade.
unsafe fn pass_on<'b>(
    f: *mut ap_filter_t,
    brigade: Brigade<'b>,
    rest: Bucket<'b>,
    flush: bool,
) -> Result<Option<Bucket<'b>>, apr_status_t> {
    // SAFETY: the caller's promise.
    unsafe {
        let kept = sys::apr_brigade_split_ex(brigade.as_ptr(), rest.as_ptr(), null_mut());
        if flush {
            let flush = sys::apr_bucket_flush_create((*(*f).c).bucket_alloc);
            brigade.push(Bucket::from_ptr(flush));
        }
        (*f).ctx = (&raw const SENT).cast_mut().cast();
        let mut status = sys::ap_pass_brigade((*f).next, brigade.as_ptr());
        brigade.clear();
        if status == 0 && (*(*f).c).aborted != 0 {
            status = libc::ECONNABORTED;
        }
        brigade.append(Brigade::from_ptr(kept));
        sys::apr_brigade_destroy(kept);
        if status == 0 {
            Ok(brigade.first())
        } else {
            Err(status)
        }
    }
}
