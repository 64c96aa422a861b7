//! The filter BYTERANGE: cuts the ranges a client asked for out of a response whose length is known.

use std::ffi::{c_char, c_int};

use httpd_sys::{self as sys, ap_filter_t, apr_bucket_brigade, apr_status_t, request_rec};
use module_sdk::raw::{Brigade, Bucket, Pool, text};

use super::{content::dir_config, input_lines::brigade_of, keepalive::lookup};
use crate::http::range::{self, ByteRange, Limits, Parts, Wanted};

exports! { ap_byterange_filter }

/// The limits where no directive says otherwise.
const DEFAULT_RANGES: u32 = 200;
const DEFAULT_OVERLAPS: u32 = 20;
const DEFAULT_REVERSALS: u32 = 20;
/// After so many ranges the response goes on, whatever is still to come.
const RANGES_AT_ONCE: usize = 32;

/// A setting as a limit.
fn limit(setting: c_int, default: u32) -> Option<u32> {
    match setting {
        sys::AP_MAXRANGES_UNLIMITED => None,
        setting => Some(u32::try_from(setting).unwrap_or(default)),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_byterange_filter(
    f: *mut ap_filter_t,
    bb: *mut apr_bucket_brigade,
) -> apr_status_t {
    // SAFETY: filters are called with themselves, in a request's chain, and a brigade.
    unsafe {
        let r = (*f).r;
        let whole = Brigade::from_ptr(bb);
        let wanted = match (specs(r), known_length(whole)) {
            (Some(specs), Some(length @ 1..)) => range::parse(specs, length),
            _ => Wanted::Whole,
        };
        let length = known_length(whole).unwrap_or(0);
        sys::ap_remove_output_filter(f);
        match wanted {
            Wanted::Parts(parts) if limits(r).allow(&parts) => send_parts(f, whole, length, &parts),
            Wanted::Whole | Wanted::Parts(_) => sys::ap_pass_brigade((*f).next, bb),
            Wanted::Unsatisfiable => refuse(f),
        }
    }
}

/// The ranges asked for, when they are to be heeded.
///
/// # Safety
/// `r` is live.
unsafe fn specs<'r>(r: *mut request_rec) -> Option<&'r [u8]> {
    // SAFETY: the caller's promise.
    unsafe {
        if (*r).assbackwards != 0 || (*r).status != sys::HTTP_OK as c_int {
            return None;
        }
        let specs = range::byte_specs(lookup((*r).headers_in, c"Range")?.to_bytes())?;
        let is_multipart = |kind: &[u8]| {
            let begins = |prefix: &[u8]| {
                kind.get(..prefix.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            };
            begins(b"multipart/byteranges") || begins(b"multipart/x-byteranges")
        };
        let out = (*r).headers_out;
        if lookup(out, c"Content-Range").is_some()
            || lookup(out, c"Content-Type").is_some_and(|kind| is_multipart(kind.to_bytes()))
            || sys::ap_condition_if_range(r, out) == sys::AP_CONDITION_NOMATCH
        {
            return None;
        }
        Some(specs)
    }
}

/// # Safety
/// `r` is live.
unsafe fn limits(r: *const request_rec) -> Limits {
    // SAFETY: the caller's promise.
    unsafe {
        let conf = dir_config(r);
        Limits {
            ranges: limit(conf.max_ranges, DEFAULT_RANGES),
            overlaps: limit(conf.max_overlaps, DEFAULT_OVERLAPS),
            reversals: limit(conf.max_reversals, DEFAULT_REVERSALS),
        }
    }
}

/// The length of a response that is all there and of known length.
fn known_length(brigade: Brigade<'_>) -> Option<u64> {
    let mut length = 0;
    for bucket in brigade.iter() {
        if bucket.is_eos() {
            return Some(length);
        }
        length += bucket.len()? as u64;
    }
    None
}

/// Answers 416 in place of the response.
///
/// # Safety
/// `f` is this filter.
unsafe fn refuse(f: *mut ap_filter_t) -> apr_status_t {
    // SAFETY: the caller's promise.
    unsafe {
        let (r, alloc) = ((*f).r, (*(*f).c).bucket_alloc);
        (*r).status = sys::HTTP_OK as c_int;
        let bb = brigade_of(r);
        let out = Brigade::from_ptr(bb);
        let status = sys::HTTP_RANGE_NOT_SATISFIABLE as c_int;
        let error = sys::ap_bucket_error_create(status, std::ptr::null(), (*r).pool, alloc);
        out.push(Bucket::from_ptr(error));
        out.push(Bucket::from_ptr(sys::apr_bucket_eos_create(alloc)));
        sys::ap_pass_brigade((*f).next, bb)
    }
}

/// Sends the ranges: a single one as it is, several as multipart/byteranges.
///
/// # Safety
/// `f` is this filter; `whole` is a response of `length` bytes.
unsafe fn send_parts(
    f: *mut ap_filter_t,
    whole: Brigade<'_>,
    length: u64,
    parts: &Parts,
) -> apr_status_t {
    // SAFETY: the caller's promise.
    unsafe {
        let (r, alloc) = ((*f).r, (*(*f).c).bucket_alloc);
        let pool = Pool::from_ptr((*r).pool);
        (*r).status = sys::HTTP_PARTIAL_CONTENT as c_int;
        let listed: Vec<String> = parts
            .ranges
            .iter()
            .map(|range| format!("{}-{}", range.first, range.last))
            .collect();
        (*r).range = pool.text_ptr(listed.join(","));
        let opening = (parts.ranges.len() > 1).then(|| begin_multipart(r));
        let bb = brigade_of(r);
        let out = Brigade::from_ptr(bb);
        let put = |bytes: &[u8]| {
            let text = sys::apr_bucket_heap_create(bytes.as_ptr().cast(), bytes.len(), None, alloc);
            out.push(Bucket::from_ptr(text));
        };
        for (index, range) in parts.ranges.iter().enumerate() {
            let position = format!("{}-{}/{length}", range.first, range.last);
            match &opening {
                None => {
                    let value = pool.text_ptr(format_args!("bytes {position}"));
                    sys::apr_table_setn((*r).headers_out, c"Content-Range".as_ptr(), value);
                }
                Some(opening) => {
                    put(&[opening, position.as_bytes(), b"\r\n\r\n"].concat());
                }
            }
            if let Err(status) = copy_range(whole, out, *range) {
                notice!(
                    Http,
                    ERR,
                    status,
                    r,
                    "AH01584: cannot copy bytes {position} of a response"
                );
                return status;
            }
            if index > 0 && index % RANGES_AT_ONCE == 0 {
                sys::apr_table_unset((*r).headers_out, c"Content-Length".as_ptr());
                let status = sys::ap_pass_brigade((*f).next, bb);
                if status != 0 {
                    return status;
                }
                sys::apr_brigade_cleanup(bb.cast());
            }
        }
        if opening.is_some() {
            put(&[b"\r\n--", boundary(), b"--\r\n"].concat());
        }
        out.push(Bucket::from_ptr(sys::apr_bucket_eos_create(alloc)));
        whole.clear();
        sys::ap_pass_brigade((*f).next, bb)
    }
}

fn boundary() -> &'static [u8] {
    // SAFETY: set before the server serves, and never again.
    unsafe { text(crate::abi::mod_core::ap_multipart_boundary) }
        .unwrap_or(c"")
        .to_bytes()
}

/// Changes the response's type, and answers what begins each part, up to its position.
///
/// # Safety
/// `r` is live.
unsafe fn begin_multipart(r: *mut request_rec) -> Vec<u8> {
    // SAFETY: the caller's promise.
    unsafe {
        let original = text(sys::ap_make_content_type(r, (*r).content_type));
        let kind = [b"multipart/byteranges; boundary=", boundary()].concat();
        let kind: *const c_char = Pool::from_ptr((*r).pool).copy(kind).as_ptr();
        sys::ap_set_content_type(r, kind);
        let mut opening = [b"\r\n--", boundary(), b"\r\n"].concat();
        if let Some(original) = original {
            opening.extend_from_slice(b"Content-type: ");
            opening.extend_from_slice(original.to_bytes());
            opening.extend_from_slice(b"\r\n");
        }
        opening.extend_from_slice(b"Content-range: bytes ");
        opening
    }
}

/// Copies the buckets of a range; those of `from` stay.
///
/// # Safety
/// The brigades' buckets are live; `range` lies within.
unsafe fn copy_range(
    from: Brigade<'_>,
    to: Brigade<'_>,
    range: ByteRange,
) -> Result<(), apr_status_t> {
    // SAFETY: the caller's promise.
    unsafe {
        let mut at = 0u64;
        for bucket in from.iter() {
            let length = bucket.len().unwrap_or(0) as u64;
            let (begin, end) = (at, at + length);
            at = end;
            if end <= range.first || length == 0 {
                continue;
            }
            if begin > range.last || bucket.is_eos() {
                break;
            }
            let mut copy = std::ptr::null_mut();
            let status = match (*bucket.kind()).copy {
                Some(function) => function(bucket.as_ptr(), &mut copy),
                None => super::status_codes::APR_ENOTIMPL,
            };
            let status = if status == super::status_codes::APR_ENOTIMPL {
                // Reading makes it a type that can be copied.
                bucket.read(sys::APR_BLOCK_READ)?;
                (*bucket.kind())
                    .copy
                    .map_or(status, |function| function(bucket.as_ptr(), &mut copy))
            } else {
                status
            };
            if status != 0 {
                return Err(status);
            }
            let copied = Bucket::from_ptr(copy);
            to.push(copied);
            if end > range.last + 1 {
                copied.split((range.last + 1 - begin) as usize)?;
                if let Some(beyond) = to.next(copied) {
                    beyond.delete();
                }
            }
            if begin < range.first {
                copied.split((range.first - begin) as usize)?;
                copied.delete();
            }
        }
        Ok(())
    }
}
