//! Entity tags of files, as FileETag asks for them.

use std::{
    ffi::{c_char, c_int, c_uchar, c_uint, c_void},
    ptr::null_mut,
};

use httpd_sys::{self as sys, etag_rec, request_rec};
use module_sdk::raw::{Pool, text};

use super::content::dir_config;
use crate::http::etag::{Parts, combine};

exports! { ap_make_etag, ap_make_etag_ex, ap_set_etag, ap_set_etag_fd }

/// A file changed less than this before the request may change again within the same tick.
const SETTLED_AFTER: sys::apr_time_t = 1_000_000;

/// What a tag is made from, of a request.
///
/// # Safety
/// `r` is live.
unsafe fn record_of(r: *mut request_rec, fd: *mut sys::apr_file_t, weak: c_int) -> etag_rec {
    // SAFETY: the caller's promise.
    unsafe {
        etag_rec {
            vlist_validator: null_mut(),
            request_time: (*r).request_time,
            finfo: &raw mut (*r).finfo,
            pathname: (*r).filename,
            fd,
            force_weak: weak,
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_make_etag(r: *mut request_rec, force_weak: c_int) -> *mut c_char {
    // SAFETY: the header asks for a live request.
    unsafe {
        let mut record = record_of(r, null_mut(), force_weak);
        ap_make_etag_ex(r, &mut record)
    }
}

/// The tag; empty when FileETag says none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_make_etag_ex(r: *mut request_rec, er: *mut etag_rec) -> *mut c_char {
    // SAFETY: the header asks for a live request and a filled record.
    unsafe {
        let pool = Pool::from_ptr((*r).pool);
        let er = &*er;
        let conf = dir_config(r);
        let mut wanted = (conf.etag_bits & !conf.etag_remove) | conf.etag_add;
        if wanted & u64::from(sys::ETAG_NONE) != 0 {
            sys::apr_table_setn((*r).notes, c"no-etag".as_ptr(), c"omit".as_ptr());
            return pool.copy(b"").as_ptr().cast_mut();
        }
        if wanted == u64::from(sys::ETAG_UNSET) {
            wanted = u64::from(sys::ETAG_BACKWARD);
        }
        let wants = |bit: u32| wanted & u64::from(bit) != 0;
        let variants = text(er.vlist_validator).map(std::ffi::CStr::to_bytes);
        let finfo = &*er.finfo;
        let strong = (*r).bnotes & u64::from(sys::AP_REQUEST_STRONG_ETAG) != 0;
        let weak = !strong && (er.force_weak != 0 || er.request_time - finfo.mtime < SETTLED_AFTER);
        if wants(sys::ETAG_DIGEST)
            && let Some(digest) = digest_of(r, er)
        {
            // The content itself is never weak.
            let tag = combine(&digest, er.force_weak != 0, variants);
            return pool.copy(tag).as_ptr().cast_mut();
        }
        let is_file = finfo.filetype != sys::APR_NOFILE;
        let parts = Parts {
            inode: (is_file && wants(sys::ETAG_INODE)).then_some(finfo.inode),
            size: (is_file && wants(sys::ETAG_SIZE)).then_some(finfo.size as u64),
            mtime: (!is_file || wants(sys::ETAG_MTIME)).then_some(finfo.mtime as u64),
            weak,
            variants,
        };
        pool.copy(parts.tag()).as_ptr().cast_mut()
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_etag(r: *mut request_rec) {
    // SAFETY: the header's contract.
    unsafe { ap_set_etag_fd(r, null_mut()) }
}

/// Sets ETag; `fd` is NULL or the open file, should its content be needed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_etag_fd(r: *mut request_rec, fd: *mut sys::apr_file_t) {
    // SAFETY: the header asks for a live request.
    unsafe {
        let mut record = record_of(r, fd, 0);
        record.vlist_validator = (*r).vlist_validator;
        let tag = ap_make_etag_ex(r, &mut record);
        if *tag != 0 {
            sys::apr_table_setn((*r).headers_out, c"ETag".as_ptr(), tag);
        }
    }
}

/// apr_sha1.h, which the bindings leave out.
#[repr(C)]
struct Sha1 {
    digest: [u32; 5],
    counts: [u32; 2],
    data: [u32; 16],
    local: c_int,
}

unsafe extern "C" {
    fn apr_sha1_init(context: *mut Sha1);
    fn apr_sha1_update_binary(context: *mut Sha1, input: *const c_uchar, length: c_uint);
    fn apr_sha1_final(digest: *mut [u8; 20], context: *mut Sha1);
}

/// The hash of a file's content in base 64; `None` when it cannot be read.
///
/// # Safety
/// `r` is live; the record's file is NULL or open.
unsafe fn digest_of(r: *mut request_rec, er: &etag_rec) -> Option<Vec<u8>> {
    const CHUNK: usize = 64 * 1024;
    // SAFETY: the caller's promise; the buffer's size goes with it.
    unsafe {
        if (*er.finfo).filetype != sys::APR_REG {
            return None;
        }
        let (mut fd, opened) = (er.fd, er.fd.is_null());
        if opened {
            let flags = (sys::APR_FOPEN_READ | sys::APR_FOPEN_BINARY) as i32;
            if er.pathname.is_null()
                || sys::apr_file_open(&mut fd, er.pathname, flags, 0, (*r).pool) != 0
            {
                return None;
            }
        }
        let mut context = std::mem::zeroed::<Sha1>();
        apr_sha1_init(&mut context);
        let mut buffer = vec![0u8; CHUNK];
        let mut at = 0;
        sys::apr_file_seek(fd, sys::APR_SET as i32, &mut at);
        let mut status;
        loop {
            let mut length = CHUNK;
            status = sys::apr_file_read(fd, buffer.as_mut_ptr().cast::<c_void>(), &mut length);
            if status != 0 {
                break;
            }
            apr_sha1_update_binary(&mut context, buffer.as_ptr(), length as c_uint);
        }
        at = 0;
        if opened {
            sys::apr_file_close(fd);
        } else {
            sys::apr_file_seek(fd, sys::APR_SET as i32, &mut at);
        }
        if status != sys::APR_EOF as sys::apr_status_t {
            return None;
        }
        let mut digest = [0; 20];
        apr_sha1_final(&mut digest, &mut context);
        Some(base64(&digest))
    }
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let number = group
            .iter()
            .chain([&0, &0])
            .take(3)
            .fold(0usize, |number, &byte| number << 8 | usize::from(byte));
        for place in 0..4 {
            out.push(if place <= group.len() {
                LETTERS[number >> (18 - 6 * place) & 63]
            } else {
                b'='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_written_in_base_64() {
        assert_eq!(base64(b"Ma"), b"TWE=");
        assert_eq!(base64(b"Man"), b"TWFu");
        assert_eq!(base64(&[0xff; 4]), b"/////w==");
    }
}
