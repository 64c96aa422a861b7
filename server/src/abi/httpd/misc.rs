//! Small text functions of `httpd.h`: searching, comparing in constant time, base 64 and
//! hexadecimal, numbers, intervals and times.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::null_mut,
    slice,
};

use httpd_sys::{self as sys, apr_pool_t, apr_status_t, apr_time_t};
use module_sdk::raw::{Array, Pool};

use super::escapes::bytes;
use crate::{
    abi::apr,
    util::interval::{self, Fault},
};

exports! {
    ap_strchr, ap_strchr_c, ap_strrchr, ap_strrchr_c, ap_strstr, ap_strstr_c, ap_ind, ap_rind,
    ap_memeq_timingsafe, ap_streq_timingsafe, ap_strneq_timingsafe, ap_pbase64decode,
    ap_pbase64encode, ap_bin2hex, ap_pstr2_alnum, ap_str2_alnum, ap_array_str_index,
    ap_array_str_contains, ap_append_pid, ap_parse_strict_length, ap_timeout_parameter_parse,
    ap_ht_time, ap_construct_server, ap_escape_errorlog_item,
}

/// `strchr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_strchr(s: *mut c_char, c: c_int) -> *mut c_char {
    // SAFETY: the header asks for a string.
    unsafe { libc::strchr(s, c) }
}

/// `strchr` for a constant string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_strchr_c(s: *const c_char, c: c_int) -> *const c_char {
    // SAFETY: the header asks for a string.
    unsafe { libc::strchr(s, c) }
}

/// `strrchr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_strrchr(s: *mut c_char, c: c_int) -> *mut c_char {
    // SAFETY: the header asks for a string.
    unsafe { libc::strrchr(s, c) }
}

/// `strrchr` for a constant string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_strrchr_c(s: *const c_char, c: c_int) -> *const c_char {
    // SAFETY: the header asks for a string.
    unsafe { libc::strrchr(s, c) }
}

/// `strstr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_strstr(s: *mut c_char, c: *const c_char) -> *mut c_char {
    // SAFETY: the header asks for strings.
    unsafe { libc::strstr(s, c) }
}

/// `strstr` for a constant string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_strstr_c(s: *const c_char, c: *const c_char) -> *const c_char {
    // SAFETY: the header asks for strings.
    unsafe { libc::strstr(s, c) }
}

fn index_of(place: Option<usize>) -> c_int {
    place.map_or(-1, |place| place as c_int)
}

/// The bytes of a string and its NUL, which can be searched for too.
///
/// # Safety
/// As for `bytes`.
unsafe fn with_end<'a>(text: *const c_char) -> &'a [u8] {
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_bytes_with_nul()
}

/// Where the first `c` is; -1 if nowhere.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_ind(str_: *const c_char, c: c_char) -> c_int {
    // SAFETY: the header asks for a string.
    index_of(unsafe { with_end(str_) }.iter().position(|&b| b == c as u8))
}

/// Where the last `c` is; -1 if nowhere.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_rind(str_: *const c_char, c: c_char) -> c_int {
    // SAFETY: the header asks for a string.
    index_of(
        unsafe { with_end(str_) }
            .iter()
            .rposition(|&b| b == c as u8),
    )
}

/// Whether all bytes are equal, in a time that depends on their number only.
fn same(left: impl Iterator<Item = u8>, right: impl Iterator<Item = u8>) -> bool {
    let difference = left.zip(right).fold(0, |seen, (left, right)| {
        // Hidden from the compiler, which could otherwise stop at the first difference.
        std::hint::black_box(seen | (left ^ right))
    });
    difference == 0
}

/// Compares memory in constant time; true: equal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_memeq_timingsafe(
    buf1: *const c_void,
    buf2: *const c_void,
    n: usize,
) -> c_int {
    if n == 0 {
        return 1;
    }
    // SAFETY: the header asks for `n` bytes each.
    let (left, right) = unsafe {
        (
            slice::from_raw_parts(buf1.cast::<u8>(), n),
            slice::from_raw_parts(buf2.cast::<u8>(), n),
        )
    };
    same(left.iter().copied(), right.iter().copied()).into()
}

/// Compares strings in a time that depends on the second only, which may not be secret.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_streq_timingsafe(sec1: *const c_char, str2: *const c_char) -> c_int {
    // SAFETY: the header asks for strings; a string is read up to its NUL.
    unsafe { equal(sec1, str2, usize::MAX) }.into()
}

/// The same for the first `n` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_strneq_timingsafe(
    sec1: *const c_char,
    str2: *const c_char,
    n: usize,
) -> c_int {
    // SAFETY: the header asks for strings, or for `n` bytes.
    unsafe { equal(sec1, str2, n) }.into()
}

/// Walks both strings to the end of the second; the first stands still at its own end.
///
/// # Safety
/// Both end with a NUL or have `most` bytes.
unsafe fn equal(secret: *const c_char, known: *const c_char, most: usize) -> bool {
    let (mut at, mut count, mut difference) = (0, 0, 0);
    while count < most {
        // SAFETY: no NUL has been passed, and fewer than `most` bytes have.
        let (left, right) = unsafe { (*secret.add(at) as u8, *known.add(count) as u8) };
        difference = std::hint::black_box(difference | (left ^ right));
        if right == 0 {
            break;
        }
        count += 1;
        at += usize::from(left != 0);
    }
    difference == 0
}

/// Decodes base 64.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_pbase64decode(
    p: *mut apr_pool_t,
    bufcoded: *const c_char,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and a string; APR tells how much room it needs.
    unsafe {
        let room = apr::apr_base64_decode_len(bufcoded).max(0) as usize;
        let plain = sys::apr_palloc(p, room + 1).cast::<c_char>();
        let length = apr::apr_base64_decode(plain, bufcoded);
        plain.add(length.max(0) as usize).write(0);
        plain
    }
}

/// Encodes a string in base 64.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_pbase64encode(p: *mut apr_pool_t, string: *mut c_char) -> *mut c_char {
    // SAFETY: the header asks for a live pool and a string.
    unsafe { base64_text(p, bytes(string)) }
}

/// Bytes in base 64, in a pool.
///
/// # Safety
/// The pool is live.
pub(in crate::abi) unsafe fn base64_text(p: *mut apr_pool_t, plain: &[u8]) -> *mut c_char {
    let length = c_int::try_from(plain.len()).unwrap_or(c_int::MAX / 2);
    // SAFETY: the caller's promise; APR tells how much room it needs, the NUL included.
    unsafe {
        let coded = sys::apr_palloc(p, apr::apr_base64_encode_len(length) as usize).cast();
        apr::apr_base64_encode_binary(coded, plain.as_ptr(), length);
        coded
    }
}

/// Writes bytes in hexadecimal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_bin2hex(src: *const c_void, srclen: usize, dest: *mut c_char) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // SAFETY: the header asks for `srclen` bytes and room for two characters each and a NUL.
    unsafe {
        for index in 0..srclen {
            let byte = *src.cast::<u8>().add(index);
            let pair = dest.cast::<u8>().add(2 * index);
            pair.write(DIGITS[usize::from(byte >> 4)]);
            pair.add(1).write(DIGITS[usize::from(byte & 15)]);
        }
        dest.add(2 * srclen).write(0);
    }
}

fn alphanumeric(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => byte,
        b' '..=b'~' => b'_',
        _ => b'x',
    }
}

/// A copy with `_` for whatever is no letter or digit, and `x` for what cannot be printed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_pstr2_alnum(
    p: *mut apr_pool_t,
    src: *const c_char,
    dest: *mut *const c_char,
) -> apr_status_t {
    // SAFETY: the header asks for a live pool, a string and a place for the answer.
    unsafe {
        let copy = sys::apr_pstrdup(p, src);
        dest.write(copy);
        ap_str2_alnum(copy, copy)
    }
}

/// The same into `dest`, which has room for all; it may be `src` itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_str2_alnum(src: *const c_char, dest: *mut c_char) -> apr_status_t {
    let mut index = 0;
    // SAFETY: the header asks for a string and as much room.
    unsafe {
        while *src.add(index) != 0 {
            let byte = alphanumeric(*src.add(index) as u8);
            dest.add(index).write(byte as c_char);
            index += 1;
        }
        dest.add(index).write(0);
    }
    0
}

/// Where a string is in an array of strings, from `start` on; -1 if nowhere.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_array_str_index(
    array: *const sys::apr_array_header_t,
    s: *const c_char,
    start: c_int,
) -> c_int {
    let Ok(start) = usize::try_from(start) else {
        return -1;
    };
    // SAFETY: the header asks for an array of strings and a string.
    unsafe {
        let wanted = CStr::from_ptr(s);
        let strings = Array::<*const c_char>::from_ptr(array.cast_mut());
        let place = strings
            .iter()
            .skip(start)
            .position(|string| CStr::from_ptr(string) == wanted);
        index_of(place.map(|place| place + start))
    }
}

/// Whether a string is in an array of strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_array_str_contains(
    array: *const sys::apr_array_header_t,
    s: *const c_char,
) -> c_int {
    // SAFETY: passed on.
    c_int::from(unsafe { ap_array_str_index(array, s, 0) } >= 0)
}

/// `string`, `delim` and the number of this process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_append_pid(
    p: *mut apr_pool_t,
    string: *const c_char,
    delim: *const c_char,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and strings.
    unsafe {
        let mut pid = std::process::id().to_string();
        // The process stays the same over restarts, and with such names (mod_cgid's socket) a
        // generation must not take away what children of the one before still use.
        let generation = crate::mpm::generation();
        if generation > 0 {
            pid += &format!(".{generation}");
        }
        let text = [bytes(string), bytes(delim), pid.as_bytes()].concat();
        crate::mpm::helpers::note_name(&text);
        Pool::from_ptr(p).copy(text).as_ptr().cast_mut()
    }
}

/// Reads a length: digits only. True: it is one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_parse_strict_length(
    len: *mut sys::apr_off_t,
    str: *const c_char,
) -> c_int {
    // SAFETY: the header asks for a string and a place for the answer. What was read of a number
    // that goes on otherwise is stored too, as Apache does.
    unsafe {
        let mut end = null_mut();
        c_int::from(
            (*str as u8).is_ascii_digit()
                && sys::apr_strtoff(len, str, &raw mut end, 10) == 0
                && *end == 0,
        )
    }
}

/// Reads an interval: `30`, `100ms`, `2min`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_timeout_parameter_parse(
    timeout_parameter: *const c_char,
    timeout: *mut sys::apr_interval_time_t,
    default_time_unit: *const c_char,
) -> apr_status_t {
    // SAFETY: the header asks for strings and a place for the answer.
    unsafe {
        match interval::parse(bytes(timeout_parameter), bytes(default_time_unit)) {
            Ok(interval) => {
                timeout.write(interval);
                0
            }
            Err(Fault::Malformed) => sys::APR_EGENERAL as apr_status_t,
            Err(Fault::TooLong) => sys::APR_ERANGE as apr_status_t,
        }
    }
}

/// Formats a time in GMT or local time, as `strftime` does; with `gmt`, `%Z` is GMT and `%z` +0000.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_ht_time(
    p: *mut apr_pool_t,
    t: apr_time_t,
    fmt: *const c_char,
    gmt: c_int,
) -> *mut c_char {
    let mut buffer = [0 as c_char; sys::HUGE_STRING_LEN as usize];
    // SAFETY: the header asks for a live pool and a string; APR writes at most the size it is told,
    // and the calendar consists of numbers, for which zero is valid.
    unsafe {
        let pool = Pool::from_ptr(p);
        let mut time = std::mem::zeroed();
        let format = if gmt != 0 {
            sys::ap_explode_recent_gmt(&raw mut time, t);
            pool.copy(in_gmt(bytes(fmt))).as_ptr()
        } else {
            sys::ap_explode_recent_localtime(&raw mut time, t);
            fmt
        };
        let mut length = 0;
        sys::apr_strftime(
            buffer.as_mut_ptr(),
            &raw mut length,
            buffer.len(),
            format,
            &raw mut time,
        );
        // Nothing is written when the result is empty or too long.
        buffer[length.min(buffer.len() - 1)] = 0;
        sys::apr_pstrdup(p, buffer.as_ptr())
    }
}

/// A format with the zone's letters replaced: the C library takes them from the machine.
fn in_gmt(format: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(format.len() + 8);
    let mut rest = format;
    while let [first, tail @ ..] = rest {
        let (piece, used): (&[u8], usize) = match rest {
            [b'%', b'Z', ..] => (b"GMT", 2),
            [b'%', b'z', ..] => (b"+0000", 2),
            [b'%', _, ..] => (&rest[..2], 2),
            _ => (slice::from_ref(first), 1),
        };
        result.extend_from_slice(piece);
        rest = &tail[used - 1..];
    }
    result
}

/// `host`, or `host:port` when the port is not the usual one of the request's scheme.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_construct_server(
    p: *mut sys::apr_pool_t,
    hostname: *const c_char,
    port: sys::apr_port_t,
    r: *const sys::request_rec,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and request, and a string.
    unsafe {
        if sys::ap_run_default_port(r) == port {
            return sys::apr_pstrdup(p, hostname);
        }
        let host = CStr::from_ptr(hostname).to_string_lossy();
        Pool::from_ptr(p).text_ptr(format_args!("{host}:{port}"))
    }
}

/// Escapes for the error log into `buflen` bytes; answers how many were written before the NUL. No
/// escape is cut in two.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_escape_errorlog_item(
    dest: *mut c_char,
    source: *const c_char,
    buflen: usize,
) -> usize {
    if source.is_null() || buflen == 0 {
        return 0;
    }
    // SAFETY: the header asks for a string, and `buflen` bytes of room that hold no part of it.
    unsafe {
        let room = std::slice::from_raw_parts_mut(dest.cast::<u8>(), buflen);
        let written = crate::log::escape::fitting(bytes(source), &mut room[..buflen - 1]);
        room[written] = 0;
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::http_config::testing::with_pool;

    #[test]
    fn strings_are_compared_whole() {
        let both = |left: &CStr, right: &CStr, n| {
            // SAFETY: strings.
            unsafe {
                (
                    ap_streq_timingsafe(left.as_ptr(), right.as_ptr()),
                    ap_strneq_timingsafe(left.as_ptr(), right.as_ptr(), n),
                )
            }
        };
        assert_eq!(both(c"secret", c"secret", 3), (1, 1));
        assert_eq!(both(c"secret", c"secrex", 5), (0, 1));
        assert_eq!(both(c"secret", c"sec", 4), (0, 0));
        assert_eq!(both(c"sec", c"secret", 4), (0, 0));
        assert_eq!(both(c"", c"", 0), (1, 1));
        // SAFETY: arrays of three bytes.
        unsafe {
            let memory = |left: &[u8; 3], right: &[u8; 3]| {
                ap_memeq_timingsafe(left.as_ptr().cast(), right.as_ptr().cast(), 3)
            };
            assert_eq!((memory(b"a\0b", b"a\0b"), memory(b"a\0b", b"a\0c")), (1, 0));
        }
    }

    #[test]
    fn texts_are_converted() {
        // SAFETY: strings in a pool that outlives them.
        with_pool(|pool| unsafe {
            let text = |text: *const c_char| CStr::from_ptr(text);
            let coded = ap_pbase64encode(pool, c"user:pass".as_ptr().cast_mut());
            assert_eq!(text(coded), c"dXNlcjpwYXNz");
            assert_eq!(text(ap_pbase64decode(pool, coded)), c"user:pass");
            let mut safe = std::ptr::null();
            ap_pstr2_alnum(pool, c"a-b.9".as_ptr(), &raw mut safe);
            assert_eq!(text(safe), c"a_b_9");
            let format = c"%Y %Z%z %%Z".as_ptr();
            assert_eq!(text(ap_ht_time(pool, 0, format, 1)), c"1970 GMT+0000 %Z");
            let pid = ap_append_pid(pool, c"file".as_ptr(), c".".as_ptr());
            let expected = format!("file.{}", std::process::id());
            assert_eq!(text(pid).to_str(), Ok(expected.as_str()));
            assert_eq!(ap_ind(c"abca".as_ptr(), b'a' as c_char), 0);
            assert_eq!(ap_rind(c"abca".as_ptr(), b'a' as c_char), 3);
            assert_eq!(ap_rind(c"abca".as_ptr(), b'z' as c_char), -1);
            let array = Pool::from_ptr(pool).array::<*const c_char>(2);
            array.push(c"x".as_ptr());
            array.push(c"y".as_ptr());
            assert_eq!(ap_array_str_index(array.as_ptr(), c"y".as_ptr(), 0), 1);
            assert_eq!(ap_array_str_index(array.as_ptr(), c"x".as_ptr(), 1), -1);
            assert_eq!(ap_array_str_contains(array.as_ptr(), c"x".as_ptr()), 1);
        });
    }

    #[test]
    fn lengths_are_digits_only() {
        let read = |text: &std::ffi::CStr| {
            let mut length = 0;
            // SAFETY: a string and a place for the number.
            let good = unsafe { ap_parse_strict_length(&raw mut length, text.as_ptr()) };
            (good != 0).then_some(length)
        };
        assert_eq!(read(c"0042"), Some(42));
        for wrong in [
            c"",
            c"+1",
            c"-1",
            c" 1",
            c"1 ",
            c"0x1",
            c"9223372036854775808",
        ] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}
