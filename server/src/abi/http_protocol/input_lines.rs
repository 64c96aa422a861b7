//! Reading a line of text through the input filters.

use std::{
    ffi::{c_char, c_int},
    ptr::null_mut,
    slice,
};

use httpd_sys::{self as sys, apr_bucket_brigade, apr_size_t, apr_status_t, request_rec};
use module_sdk::raw::Brigade;

use super::status_codes::{APR_EGENERAL, APR_EINVAL, APR_ENOSPC, APR_EOF};

exports! { ap_rgetline_core, ap_getline }

const APR_BADARG: apr_status_t = sys::APR_BADARG as apr_status_t;

/// What is read of a line, and how that ended.
struct Line {
    text: Vec<u8>,
    status: apr_status_t,
    ended_stream: bool,
}

/// Reads a line whose text may take `room` bytes, without its end.
///
/// # Safety
/// `r` and `bb` are live.
unsafe fn read_line(
    r: *mut request_rec,
    bb: *mut apr_bucket_brigade,
    room: usize,
    flags: c_int,
) -> Line {
    let mut line = Line {
        text: Vec::new(),
        status: 0,
        ended_stream: false,
    };
    let has = |flag: u32| flags & flag as c_int != 0;
    // SAFETY: the caller's promise; buckets are read while they are in the brigade.
    unsafe {
        let brigade = Brigade::from_ptr(bb);
        // The end of the line takes up to two bytes more.
        while line.text.last() != Some(&b'\n') {
            if line.text.len() > room + 2 && !has(sys::AP_GETLINE_NOSPC_EOL) {
                break;
            }
            brigade.clear();
            line.status = sys::ap_get_brigade(
                (*r).proto_input_filters,
                bb,
                sys::AP_MODE_GETLINE,
                sys::APR_BLOCK_READ,
                0,
            );
            if line.status == 0 && brigade.is_empty() {
                line.status = APR_EGENERAL;
            }
            if line.status != 0 {
                return line;
            }
            for bucket in brigade.iter() {
                if bucket.is_eos() {
                    line.ended_stream = true;
                    break;
                }
                match bucket.read(sys::APR_BLOCK_READ) {
                    Ok(data) if line.text.len() > room + 2 => {
                        // Only its end is still of interest.
                        line.text.extend(data.last().filter(|&&byte| byte == b'\n'));
                    }
                    Ok(data) => line.text.extend_from_slice(data),
                    Err(status) => {
                        line.status = status;
                        return line;
                    }
                }
            }
            if line.ended_stream && line.text.last() != Some(&b'\n') {
                line.status = APR_EOF;
                return line;
            }
        }
    }
    let ended = line.text.pop_if(|byte| *byte == b'\n').is_some();
    let ended_crlf = ended && line.text.pop_if(|byte| *byte == b'\r').is_some();
    if line.text.len() > room {
        line.text.truncate(room);
        line.status = APR_ENOSPC;
    } else if has(sys::AP_GETLINE_CRLF) && !ended_crlf {
        line.status = APR_EINVAL;
    }
    if let Some(nul) = line.text.iter().position(|&byte| byte == 0) {
        line.text.truncate(nul);
        if line.status == 0 {
            line.status = APR_EINVAL;
        }
    }
    line
}

/// Whether the next line begins with white space, and so continues the one before.
///
/// # Safety
/// `r` and `bb` are live.
unsafe fn is_continued(
    r: *mut request_rec,
    bb: *mut apr_bucket_brigade,
) -> Result<bool, apr_status_t> {
    // SAFETY: the caller's promise.
    unsafe {
        let brigade = Brigade::from_ptr(bb);
        brigade.clear();
        let status = sys::ap_get_brigade(
            (*r).proto_input_filters,
            bb,
            sys::AP_MODE_SPECULATIVE,
            sys::APR_BLOCK_READ,
            1,
        );
        if status != 0 {
            return Err(status);
        }
        let Some(first) = brigade.first().filter(|bucket| !bucket.is_eos()) else {
            return Ok(false);
        };
        let data = first.read(sys::APR_BLOCK_READ);
        let continued = data.map(|data| matches!(data.first(), Some(b' ' | b'\t')));
        brigade.clear();
        continued
    }
}

/// Reads a line of at most `n` bytes, its NUL included, into `*s`, or into the request's pool when
/// that is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_rgetline_core(
    s: *mut *mut c_char,
    n: apr_size_t,
    read: *mut apr_size_t,
    r: *mut request_rec,
    flags: c_int,
    bb: *mut apr_bucket_brigade,
) -> apr_status_t {
    // SAFETY: the header asks for live objects, and for `n` bytes at `*s` unless that is NULL.
    unsafe {
        *read = 0;
        let Some(room) = n.checked_sub(1) else {
            return APR_BADARG;
        };
        let mut line = read_line(r, bb, room, flags);
        if flags & sys::AP_GETLINE_FOLD as c_int != 0 && !line.text.is_empty() {
            while line.status == 0 && !line.ended_stream {
                match is_continued(r, bb) {
                    Ok(false) => break,
                    Ok(true) if line.text.len() >= room => line.status = APR_ENOSPC,
                    Ok(true) => {
                        let more = read_line(r, bb, room - line.text.len(), 0);
                        line.text.extend_from_slice(&more.text);
                        line.status = more.status;
                        line.ended_stream = more.ended_stream;
                    }
                    Err(status) => line.status = status,
                }
            }
        }
        line.text.truncate(room);
        *read = line.text.len();
        if (*s).is_null() {
            *s = sys::apr_pstrmemdup((*r).pool, line.text.as_ptr().cast(), line.text.len());
        } else {
            let buffer = slice::from_raw_parts_mut((*s).cast::<u8>(), n);
            buffer[..line.text.len()].copy_from_slice(&line.text);
            buffer[line.text.len()] = 0;
        }
        line.status
    }
}

/// The older form: the length, `n` when the line is longer, -1 on any failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_getline(
    s: *mut c_char,
    n: c_int,
    r: *mut request_rec,
    flags: c_int,
) -> c_int {
    // SAFETY: the header asks for `n` bytes at `s` and a live request.
    unsafe {
        let Ok(room @ 1..) = usize::try_from(n) else {
            return -1;
        };
        let bb = sys::apr_brigade_create((*r).pool, (*(*r).connection).bucket_alloc);
        let (mut text, mut length) = (s, 0);
        let status = if text.is_null() {
            APR_BADARG
        } else {
            ap_rgetline_core(&mut text, room, &mut length, r, flags, bb)
        };
        sys::apr_brigade_destroy(bb);
        match status {
            0 => length as c_int,
            APR_ENOSPC => n,
            _ => -1,
        }
    }
}

/// A brigade for a request's temporary use.
///
/// # Safety
/// `r` is live.
pub(super) unsafe fn brigade_of(r: *mut request_rec) -> *mut apr_bucket_brigade {
    // SAFETY: the caller's promise.
    unsafe { sys::apr_brigade_create((*r).pool, (*(*r).connection).bucket_alloc) }
}

/// A line in a pool, or the status and what there was of it.
///
/// # Safety
/// `r` and `bb` are live.
pub(super) unsafe fn line_of<'r>(
    r: *mut request_rec,
    bb: *mut apr_bucket_brigade,
    limit: c_int,
    strict: bool,
) -> Result<&'r [u8], (apr_status_t, &'r [u8])> {
    let room = usize::try_from(limit).unwrap_or(0) + 2;
    let flags = if strict { sys::AP_GETLINE_CRLF } else { 0 } as c_int;
    // SAFETY: the caller's promise; the text is of the request's pool.
    unsafe {
        let (mut text, mut length) = (null_mut(), 0);
        let status = ap_rgetline_core(&mut text, room, &mut length, r, flags, bb);
        let line = slice::from_raw_parts(text.cast::<u8>(), length);
        if status == 0 {
            Ok(line)
        } else {
            Err((status, line))
        }
    }
}
