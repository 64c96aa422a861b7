//! Exports of `util_md5.h`: MD5 sums as text. The sums are APR's.

use std::{
    ffi::{c_char, c_int, c_uchar},
    mem::MaybeUninit,
};

use httpd_sys::{self as sys, apr_md5_ctx_t, apr_pool_t};

use super::httpd::misc::{ap_bin2hex, base64_text};

exports! { ap_md5, ap_md5_binary, ap_md5contextTo64, ap_md5digest }

const LENGTH: usize = sys::APR_MD5_DIGESTSIZE as usize;

/// The sum of a string, in hexadecimal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_md5(a: *mut apr_pool_t, string: *const c_uchar) -> *mut c_char {
    // SAFETY: the header asks for a string.
    unsafe { ap_md5_binary(a, string, libc::strlen(string.cast()) as c_int) }
}

/// The sum of `len` bytes, in hexadecimal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_md5_binary(
    a: *mut apr_pool_t,
    buf: *const c_uchar,
    len: c_int,
) -> *mut c_char {
    let mut sum = [0u8; LENGTH];
    // SAFETY: the header asks for a live pool and `len` bytes; the text has two characters a byte.
    unsafe {
        sys::apr_md5(
            sum.as_mut_ptr(),
            buf.cast(),
            usize::try_from(len).unwrap_or(0),
        );
        let text = sys::apr_palloc(a, 2 * LENGTH + 1).cast();
        ap_bin2hex(sum.as_ptr().cast(), LENGTH, text);
        text
    }
}

/// The sum of a context, which ends, in base 64.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_md5contextTo64(
    p: *mut apr_pool_t,
    context: *mut apr_md5_ctx_t,
) -> *mut c_char {
    let mut sum = [0u8; LENGTH];
    // SAFETY: the header asks for a live pool and a context.
    unsafe {
        sys::apr_md5_final(sum.as_mut_ptr(), context);
        base64_text(p, &sum)
    }
}

/// The sum of an open file, in base 64; the file is rewound.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_md5digest(
    p: *mut apr_pool_t,
    infile: *mut sys::apr_file_t,
) -> *mut c_char {
    let mut context = MaybeUninit::<apr_md5_ctx_t>::uninit();
    let mut buffer = [0u8; 4096];
    let mut start = 0;
    // SAFETY: the header asks for a live pool and an open file; APR fills in how much it has read.
    unsafe {
        sys::apr_md5_init(context.as_mut_ptr());
        loop {
            let mut count = buffer.len();
            if sys::apr_file_read(infile, buffer.as_mut_ptr().cast(), &raw mut count) != 0 {
                break;
            }
            sys::apr_md5_update(context.as_mut_ptr(), buffer.as_ptr().cast(), count);
        }
        sys::apr_file_seek(
            infile,
            sys::APR_SET as sys::apr_seek_where_t,
            &raw mut start,
        );
        ap_md5contextTo64(p, context.as_mut_ptr())
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;
    use crate::abi::http_config::testing::with_pool;

    #[test]
    fn sums_are_those_of_rfc_1321() {
        // SAFETY: strings in a pool that outlives them.
        with_pool(|pool| unsafe {
            let text = CStr::from_ptr(ap_md5(pool, c"abc".as_ptr().cast()));
            assert_eq!(text, c"900150983cd24fb0d6963f7d28e17f72");
            let mut file = std::ptr::null_mut();
            let flags = sys::APR_FOPEN_READ as i32;
            assert_eq!(
                sys::apr_file_open(&raw mut file, c"/dev/null".as_ptr(), flags, 0, pool),
                0
            );
            let text = CStr::from_ptr(ap_md5digest(pool, file));
            assert_eq!(text, c"1B2M2Y8AsgTpgAmY7PhCfg==");
        });
    }
}
