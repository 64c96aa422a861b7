//! Exports of `util_varbuf.h`: a string that grows.
//!
//! Small buffers are the pool's. A larger one is allocated outside of it, so that growing gives the
//! old memory back; a cleanup of the pool frees the last.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::null_mut,
    slice,
};

use httpd_sys::{self as sys, ap_regmatch_t, ap_varbuf, ap_varbuf_info, apr_pool_t, apr_status_t};
use module_sdk::raw::Pool;

use super::http_config::reader;

exports! {
    ap_varbuf_init, ap_varbuf_grow, ap_varbuf_free, ap_varbuf_strmemcat, ap_varbuf_pdup,
    ap_varbuf_regsub, ap_varbuf_cfg_getline,
}

/// The largest buffer in the pool itself.
const SMALL: usize = 2048;

/// `AP_VARBUF_UNKNOWN`.
const UNKNOWN: usize = usize::MAX;

/// What `info` points to: the memory outside of the pool.
struct Large(*mut c_void);

/// The buffer of a `ap_varbuf` that has none: nobody writes to it, as `avail` is zero.
static EMPTY: u8 = 0;

fn empty() -> *mut c_char {
    (&raw const EMPTY).cast_mut().cast()
}

unsafe extern "C" fn free_large(large: *mut c_void) -> apr_status_t {
    // SAFETY: registered with a `Large` in the same pool; its memory is of `ap_realloc`.
    unsafe { libc::free((*large.cast::<Large>()).0) };
    0
}

/// The length of the string in the buffer.
///
/// # Safety
/// `vb` is initialised.
unsafe fn known_length(vb: *mut ap_varbuf) -> usize {
    // SAFETY: the buffer ends with a NUL.
    unsafe {
        if (*vb).strlen == UNKNOWN {
            (*vb).strlen = libc::strlen((*vb).buf);
        }
        (*vb).strlen
    }
}

/// Makes a buffer of this size; of none when it is zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_varbuf_init(
    pool: *mut apr_pool_t,
    vb: *mut ap_varbuf,
    init_size: usize,
) {
    // SAFETY: the header asks for a record to be filled and a live pool.
    unsafe {
        vb.write(ap_varbuf {
            buf: empty(),
            avail: 0,
            strlen: UNKNOWN,
            pool,
            info: null_mut(),
        });
        ap_varbuf_grow(vb, init_size);
    }
}

/// Makes room for a string of `new_size` bytes; the contents stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_varbuf_grow(vb: *mut ap_varbuf, new_size: usize) {
    // SAFETY: the header asks for an initialised buffer, which has `avail` bytes and a NUL.
    unsafe {
        let old = (*vb).avail;
        if new_size <= old {
            return;
        }
        // Twice as large at least, so that appending costs little.
        let size = new_size.max(old.saturating_mul(2));
        let Some(size) = size
            .checked_add(1)
            .filter(|&size| size <= isize::MAX as usize)
        else {
            sys::ap_abort_on_oom()
        };
        let used = match (*vb).strlen {
            UNKNOWN => old,
            length => length.min(old),
        };
        let size = if size <= SMALL {
            let size = size.next_multiple_of(8);
            let buffer = sys::apr_palloc((*vb).pool, size).cast::<c_char>();
            std::ptr::copy_nonoverlapping((*vb).buf, buffer, used);
            buffer.add(used).write(0);
            (*vb).buf = buffer;
            size
        } else {
            let mut large = (*vb).info.cast::<Large>();
            if large.is_null() {
                large = Pool::from_ptr((*vb).pool).zeroed();
                (*large).0 = sys::ap_malloc(size);
                std::ptr::copy_nonoverlapping((*vb).buf, (*large).0.cast(), used);
                sys::apr_pool_cleanup_register(
                    (*vb).pool,
                    large.cast(),
                    Some(free_large),
                    Some(sys::apr_pool_cleanup_null),
                );
                (*vb).info = large.cast::<ap_varbuf_info>();
            } else {
                (*large).0 = sys::ap_realloc((*large).0, size);
            }
            (*vb).buf = (*large).0.cast();
            (*vb).buf.add(used).write(0);
            size
        };
        // Even a string whose length is unknown ends here at the latest.
        (*vb).buf.add(size - 1).write(0);
        (*vb).avail = size - 1;
    }
}

/// Gives the memory back; the buffer is empty then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_varbuf_free(vb: *mut ap_varbuf) {
    // SAFETY: the header asks for an initialised buffer.
    unsafe {
        if !(*vb).info.is_null() {
            sys::apr_pool_cleanup_run((*vb).pool, (*vb).info.cast(), Some(free_large));
        }
        ap_varbuf_init((*vb).pool, vb, 0);
    }
}

/// Appends `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_varbuf_strmemcat(vb: *mut ap_varbuf, str: *const c_char, len: c_int) {
    let count = usize::try_from(len).unwrap_or(0);
    // SAFETY: the header asks for an initialised buffer and `len` bytes outside of it.
    unsafe {
        let bytes = if count == 0 {
            &[]
        } else {
            slice::from_raw_parts(str.cast::<u8>(), count)
        };
        append(vb, bytes);
    }
}

/// # Safety
/// `vb` is initialised; `bytes` are not in its buffer.
unsafe fn append(vb: *mut ap_varbuf, bytes: &[u8]) {
    // SAFETY: the caller's promise; `grow` has made the room that is written to.
    unsafe {
        let length = known_length(vb);
        ap_varbuf_grow(vb, (length + bytes.len()).max(1));
        let end = (*vb).buf.add(length);
        std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), end, bytes.len());
        end.add(bytes.len()).write(0);
        (*vb).strlen = length + bytes.len();
    }
}

/// The string as a copy in a pool, with text before and behind it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_varbuf_pdup(
    p: *mut apr_pool_t,
    vb: *mut ap_varbuf,
    prepend: *const c_char,
    prepend_len: usize,
    append: *const c_char,
    append_len: usize,
    new_len: *mut usize,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool, an initialised buffer, texts of the lengths told (or
    // NULL and zero), and for NULL or a place for the length.
    unsafe {
        let parts = [
            (prepend, prepend_len),
            ((*vb).buf.cast_const(), known_length(vb)),
            (append, append_len),
        ];
        let length = parts.iter().map(|(_, length)| length).sum::<usize>();
        let copy = sys::apr_palloc(p, length + 1).cast::<c_char>();
        let mut end = copy;
        for (text, length) in parts {
            if length > 0 {
                std::ptr::copy_nonoverlapping(text, end, length);
                end = end.add(length);
            }
        }
        end.write(0);
        if !new_len.is_null() {
            new_len.write(length);
        }
        copy
    }
}

/// Appends `input` with its references to groups replaced; a result longer than `maxlen` is refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_varbuf_regsub(
    vb: *mut ap_varbuf,
    input: *const c_char,
    source: *const c_char,
    nmatch: usize,
    pmatch: *mut ap_regmatch_t,
    maxlen: usize,
) -> apr_status_t {
    // SAFETY: the header asks for an initialised buffer, strings outside of it, and `nmatch` records
    // about `source`.
    unsafe {
        if source.is_null() {
            return sys::APR_EINVAL as apr_status_t;
        }
        let input = CStr::from_ptr(input).to_bytes();
        let source = CStr::from_ptr(source).to_bytes();
        let groups = super::ap_regex::groups(nmatch, pmatch);
        let parts = || super::ap_regex::substituted(input, source, groups);
        let length = parts().map(<[u8]>::len).sum::<usize>();
        if maxlen > 0 && length >= maxlen {
            return sys::APR_ENOMEM as apr_status_t;
        }
        let before = known_length(vb);
        ap_varbuf_grow(vb, (before + length).max(1));
        for part in parts() {
            append(vb, part);
        }
    }
    0
}

/// Reads a line of a configuration file, as `ap_cfg_getline` does, into the buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_varbuf_cfg_getline(
    vb: *mut ap_varbuf,
    cfp: *mut sys::ap_configfile_t,
    max_len: usize,
) -> apr_status_t {
    let mut text = Vec::new();
    // SAFETY: the header asks for an initialised buffer and an open configuration file.
    unsafe {
        let status = reader::next_line(&mut *cfp, &mut text, max_len);
        (*vb).strlen = 0;
        append(vb, crate::config::line::trim(&text));
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::http_config::testing::with_pool;

    fn text(vb: &ap_varbuf) -> &[u8] {
        // SAFETY: the buffer ends with a NUL.
        unsafe { CStr::from_ptr(vb.buf) }.to_bytes()
    }

    #[test]
    fn a_buffer_grows_from_nothing_to_outside_of_the_pool() {
        // SAFETY: the pool outlives the buffer.
        with_pool(|pool| unsafe {
            let mut vb = std::mem::zeroed::<ap_varbuf>();
            ap_varbuf_init(pool, &mut vb, 0);
            assert_eq!((text(&vb), vb.avail), (&b""[..], 0));
            ap_varbuf_strmemcat(&mut vb, c"".as_ptr(), 0);
            assert_eq!((text(&vb), vb.strlen), (&b""[..], 0));
            let mut expected = Vec::new();
            for _ in 0..1000 {
                ap_varbuf_strmemcat(&mut vb, c"0123456789".as_ptr(), 10);
                expected.extend_from_slice(b"0123456789");
                assert_eq!(text(&vb), expected);
            }
            assert!(!vb.info.is_null() && vb.avail >= 10_000);
            // A module may change the string by itself.
            vb.buf.add(3).write(0);
            vb.strlen = UNKNOWN;
            let mut length = 0;
            let copy = ap_varbuf_pdup(
                pool,
                &mut vb,
                c"<".as_ptr(),
                1,
                c">>".as_ptr(),
                2,
                &mut length,
            );
            assert_eq!((CStr::from_ptr(copy), length), (c"<012>>", 6));
            ap_varbuf_free(&mut vb);
            ap_varbuf_strmemcat(&mut vb, c"again".as_ptr(), 5);
            assert_eq!(text(&vb), b"again");
        });
    }

    #[test]
    fn references_are_replaced_up_to_a_length() {
        // SAFETY: the pool outlives the buffer.
        with_pool(|pool| unsafe {
            let mut vb = std::mem::zeroed::<ap_varbuf>();
            ap_varbuf_init(pool, &mut vb, 10);
            let mut groups = [
                ap_regmatch_t { rm_so: 0, rm_eo: 3 },
                ap_regmatch_t { rm_so: 1, rm_eo: 2 },
            ];
            let mut substitute = |maxlen| {
                let (input, source) = (c"<$0$1>".as_ptr(), c"abc".as_ptr());
                ap_varbuf_regsub(&mut vb, input, source, 2, groups.as_mut_ptr(), maxlen)
            };
            assert_eq!(substitute(6), sys::APR_ENOMEM as apr_status_t);
            assert_eq!((substitute(7), substitute(0)), (0, 0));
            assert_eq!(text(&vb), b"<abcb><abcb>");
        });
    }
}
