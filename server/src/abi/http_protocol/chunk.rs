//! The filter CHUNK, which frames a response of unknown length, and HTTP_OUTERROR, which sees to it
//! that a response that broke off is not taken for a whole one.

use std::{ffi::c_int, ptr::null_mut};

use httpd_sys::{self as sys, ap_filter_t, apr_bucket_brigade, apr_status_t};
use module_sdk::raw::{Brigade, Bucket};

use super::buckets::error_of;
use crate::http::chunk::size_line;

exports! { ap_http_chunk_filter, ap_http_outerror_filter }

/// Set as the context of CHUNK once a proxied response has broken off.
static BROKEN_OFF: u8 = 0;
/// Set as the context of HTTP_OUTERROR once the connection is to end.
static CONNECTION_ENDS: u8 = 0;

/// Whether an error means that a server behind us failed in the middle of its response.
fn breaks_off(error: c_int) -> bool {
    matches!(
        error as u32,
        sys::HTTP_BAD_GATEWAY | sys::HTTP_GATEWAY_TIME_OUT
    )
}

/// What is to be framed as one chunk.
struct Chunk<'b> {
    length: u64,
    /// FLUSH or EOS, before which the chunk ends.
    end: Option<Bucket<'b>>,
    /// What comes after the chunk and is framed next.
    rest: Option<Bucket<'b>>,
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_http_chunk_filter(
    f: *mut ap_filter_t,
    b: *mut apr_bucket_brigade,
) -> apr_status_t {
    // SAFETY: filters are called with themselves and a brigade.
    unsafe {
        let brigade = Brigade::from_ptr(b);
        loop {
            let chunk = match find_chunk(f, brigade) {
                Ok(chunk) => chunk,
                Err(status) => return status,
            };
            let rest = match chunk.rest {
                Some(rest) => sys::apr_brigade_split_ex(b, rest.as_ptr(), null_mut()),
                None => null_mut(),
            };
            frame(f, brigade, &chunk);
            let ended = chunk.end.is_some_and(Bucket::is_eos);
            let status = sys::ap_pass_brigade((*f).next, b);
            if status != 0 || ended || rest.is_null() {
                if !rest.is_null() {
                    sys::apr_brigade_destroy(rest);
                }
                return status;
            }
            brigade.clear();
            brigade.append(Brigade::from_ptr(rest));
            sys::apr_brigade_destroy(rest);
        }
    }
}

/// Measures what can go out as one chunk.
///
/// # Safety
/// `f` is this filter.
unsafe fn find_chunk<'b>(
    f: *mut ap_filter_t,
    brigade: Brigade<'b>,
) -> Result<Chunk<'b>, apr_status_t> {
    let mut chunk = Chunk {
        length: 0,
        end: None,
        rest: None,
    };
    for bucket in brigade.iter() {
        if bucket.is_eos() {
            chunk.end = Some(bucket);
            break;
        }
        if bucket.is_flush() {
            chunk.end = Some(bucket);
            chunk.rest = brigade.next(bucket);
            break;
        }
        if bucket.is_metadata() {
            // SAFETY: the caller's promise; the bucket is live.
            unsafe {
                if error_of(bucket.as_ptr()).is_some_and(breaks_off) {
                    (*f).ctx = (&raw const BROKEN_OFF).cast_mut().cast();
                }
            }
            continue;
        }
        match bucket.len() {
            Some(length) => chunk.length += length as u64,
            None => {
                // What follows may block: what was read goes out first.
                let data = bucket.read(sys::APR_BLOCK_READ)?;
                if !data.is_empty() {
                    chunk.length += data.len() as u64;
                    chunk.rest = brigade.next(bucket);
                    break;
                }
            }
        }
    }
    Ok(chunk)
}

/// Puts the frame around a chunk, and the last chunk before the end.
///
/// # Safety
/// `f` is this filter; the chunk is all of the brigade.
unsafe fn frame<'b>(f: *mut ap_filter_t, brigade: Brigade<'b>, chunk: &Chunk<'b>) {
    // SAFETY: the caller's promise; the texts are static or copied.
    unsafe {
        let alloc = (*(*f).c).bucket_alloc;
        let immortal = |text: &'static [u8]| {
            let text = sys::apr_bucket_immortal_create(text.as_ptr().cast(), text.len(), alloc);
            Bucket::from_ptr(text)
        };
        let put = |bucket: Bucket<'b>| match chunk.end {
            Some(end) => end.insert_before(bucket),
            None => brigade.push(bucket),
        };
        if chunk.length > 0 {
            let line = size_line(chunk.length);
            let line = sys::apr_bucket_heap_create(line.as_ptr().cast(), line.len(), None, alloc);
            brigade.push_front(Bucket::from_ptr(line));
            put(immortal(b"\r\n"));
        }
        if chunk.end.is_some_and(Bucket::is_eos) && (*f).ctx.is_null() {
            put(immortal(b"0\r\n\r\n"));
        }
    }
}

/// Notes errors and ends that pass by, and lets no data through after an end of the connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_http_outerror_filter(
    f: *mut ap_filter_t,
    b: *mut apr_bucket_brigade,
) -> apr_status_t {
    // SAFETY: filters are called with themselves, in a request's chain, and a brigade.
    unsafe {
        let brigade = Brigade::from_ptr(b);
        let c = (*(*f).r).connection;
        for bucket in brigade.iter().filter(|bucket| bucket.is_metadata()) {
            if error_of(bucket.as_ptr()).is_some_and(breaks_off) {
                (*c).keepalive = sys::AP_CONN_CLOSE;
            } else if bucket.kind() == &raw const sys::ap_bucket_type_eoc {
                (*c).keepalive = sys::AP_CONN_CLOSE;
                (*f).ctx = (&raw const CONNECTION_ENDS).cast_mut().cast();
            }
        }
        if !(*f).ctx.is_null() {
            for bucket in brigade.iter().filter(|bucket| !bucket.is_metadata()) {
                bucket.delete();
            }
        }
        sys::ap_pass_brigade((*f).next, b)
    }
}
