//! Escaping and decoding of strings: part of `httpd.h`.

use std::{
    ffi::{CStr, c_char, c_int, c_uint},
    ptr::null_mut,
};

use httpd_sys as sys;

use crate::text::escape::{
    self, Decode, Escape, Html, LogItem, Shell, Undecodable, Url, decode, quotes,
};

exports! {
    ap_escape_html2, ap_escape_logitem, ap_escape_path_segment, ap_escape_path_segment_buffer,
    ap_os_escape_path, ap_escape_quotes, ap_escape_shell_cmd, ap_escape_urlencoded,
    ap_escape_urlencoded_buffer, ap_unescape_all, ap_unescape_url, ap_unescape_url_keep2f,
    ap_unescape_url_ex, ap_unescape_urlencoded,
}

/// The bytes of a string.
///
/// # Safety
/// `text` ends with NUL and lives as long as the answer.
pub(super) unsafe fn bytes<'a>(text: *const c_char) -> &'a [u8] {
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

/// A string in `pool` of what `write` hands out in pieces; it is called twice, to count and to copy.
///
/// # Safety
/// `pool` is live.
pub(super) unsafe fn collect(
    pool: *mut sys::apr_pool_t,
    write: impl Fn(&mut dyn FnMut(&[u8])),
) -> *mut c_char {
    let mut length = 0;
    write(&mut |piece| length += piece.len());
    // SAFETY: the room is as large as what is written, and a NUL.
    unsafe {
        let room = sys::apr_palloc(pool, length + 1).cast::<u8>();
        let mut at = room;
        write(&mut |piece| {
            std::ptr::copy_nonoverlapping(piece.as_ptr(), at, piece.len());
            at = at.add(piece.len());
        });
        at.write(0);
        room.cast()
    }
}

/// An escaped copy of a string.
unsafe fn escaped(
    pool: *mut sys::apr_pool_t,
    text: *const c_char,
    how: impl Escape,
) -> *mut c_char {
    // SAFETY: the callers' headers ask for a live pool and a string.
    unsafe {
        let text = bytes(text);
        collect(pool, |out| {
            escape::escape(text, how, &mut |piece| out(piece))
        })
    }
}

/// An escaped copy of a string, in memory that has room for it.
unsafe fn escaped_into(room: *mut c_char, text: *const c_char, how: Url) -> *mut c_char {
    let mut at = room.cast::<u8>();
    // SAFETY: the callers' headers ask for three bytes for each of the string, and one.
    unsafe {
        escape::escape(bytes(text), how, &mut |piece| {
            std::ptr::copy_nonoverlapping(piece.as_ptr(), at, piece.len());
            at = at.add(piece.len());
        });
        at.write(0);
    }
    room
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_escape_html2(
    p: *mut sys::apr_pool_t,
    s: *const c_char,
    toasc: c_int,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and a string.
    unsafe { escaped(p, s, Html { ascii: toasc != 0 }) }
}

/// NULL stays NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_escape_logitem(
    p: *mut sys::apr_pool_t,
    s: *const c_char,
) -> *mut c_char {
    if s.is_null() {
        return null_mut();
    }
    // SAFETY: the header asks for a live pool and a string.
    unsafe { escaped(p, s, LogItem) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_escape_path_segment(
    p: *mut sys::apr_pool_t,
    s: *const c_char,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and a string.
    unsafe { escaped(p, s, Url::Segment) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_escape_path_segment_buffer(
    c: *mut c_char,
    s: *const c_char,
) -> *mut c_char {
    // SAFETY: the header asks for enough room and a string.
    unsafe { escaped_into(c, s, Url::Segment) }
}

/// Not `partial`: a colon in the first segment would make it a scheme, so `./` goes before it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_os_escape_path(
    p: *mut sys::apr_pool_t,
    path: *const c_char,
    partial: c_int,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and a string.
    unsafe {
        let path = bytes(path);
        let first = path.split(|&byte| byte == b'/').next().unwrap_or_default();
        let looks_like_a_scheme = partial == 0 && first.contains(&b':');
        collect(p, |out| {
            if looks_like_a_scheme {
                out(b"./");
            }
            escape::escape(path, Url::Path, &mut |piece| out(piece));
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_escape_quotes(
    p: *mut sys::apr_pool_t,
    instring: *const c_char,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and a string.
    unsafe {
        let text = bytes(instring);
        collect(p, |out| quotes(text, &mut |piece| out(piece)))
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_escape_shell_cmd(
    p: *mut sys::apr_pool_t,
    s: *const c_char,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and a string.
    unsafe { escaped(p, s, Shell) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_escape_urlencoded(
    p: *mut sys::apr_pool_t,
    s: *const c_char,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and a string.
    unsafe { escaped(p, s, Url::Form) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_escape_urlencoded_buffer(
    c: *mut c_char,
    s: *const c_char,
) -> *mut c_char {
    // SAFETY: the header asks for enough room and a string.
    unsafe { escaped_into(c, s, Url::Form) }
}

/// Decodes in place; OK, 400 or 404.
unsafe fn unescape(url: *mut c_char, how: Decode) -> c_int {
    // A string with nothing to decode is not written to: mod_heartmonitor passes a constant.
    // SAFETY: the callers' headers ask for a string, or NULL.
    if url.is_null() || unsafe { libc::strchr(url, c_int::from(b'%')) }.is_null() {
        return sys::OK as c_int;
    }
    // SAFETY: the callers' headers ask for a string that may be changed; it only becomes shorter.
    let (length, wrong) = unsafe {
        let length = libc::strlen(url);
        decode(
            std::slice::from_raw_parts_mut(url.cast::<u8>(), length),
            how,
        )
    };
    // SAFETY: within the string.
    unsafe { url.add(length).write(0) };
    match wrong {
        None => sys::OK as c_int,
        Some(Undecodable::Malformed) => sys::HTTP_BAD_REQUEST as c_int,
        Some(Undecodable::Impossible) => sys::HTTP_NOT_FOUND as c_int,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_unescape_all(url: *mut c_char) -> c_int {
    // SAFETY: passed on as it came.
    unsafe { unescape(url, Decode::default()) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_unescape_url(url: *mut c_char) -> c_int {
    let how = Decode {
        forbid_slashes: true,
        ..Decode::default()
    };
    // SAFETY: passed on as it came.
    unsafe { unescape(url, how) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_unescape_url_keep2f(url: *mut c_char, decode_slashes: c_int) -> c_int {
    let how = Decode {
        keep_slashes: decode_slashes == 0,
        ..Decode::default()
    };
    // SAFETY: passed on as it came.
    unsafe { unescape(url, how) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_unescape_url_ex(url: *mut c_char, flags: c_uint) -> c_int {
    let how = Decode {
        forbid_slashes: flags & sys::AP_UNESCAPE_URL_FORBID_SLASHES != 0,
        keep_slashes: flags & sys::AP_UNESCAPE_URL_KEEP_SLASHES != 0,
        keep_unreserved: flags & sys::AP_UNESCAPE_URL_KEEP_UNRESERVED != 0,
    };
    // SAFETY: passed on as it came.
    unsafe { unescape(url, how) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_unescape_urlencoded(query: *mut c_char) -> c_int {
    if query.is_null() {
        return sys::OK as c_int;
    }
    // SAFETY: the header asks for a string that may be changed.
    unsafe {
        let mut plus = libc::strchr(query, c_int::from(b'+'));
        while !plus.is_null() {
            plus.write(b' ' as c_char);
            plus = libc::strchr(plus, c_int::from(b'+'));
        }
        unescape(query, Decode::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_no_decoding_is_not_written_to() {
        // Constants are in memory that cannot be written.
        let constant = c"a/b".as_ptr().cast_mut();
        // SAFETY: strings.
        unsafe {
            assert_eq!(ap_unescape_url(constant), sys::OK as c_int);
            assert_eq!(ap_unescape_urlencoded(constant), sys::OK as c_int);
            assert_eq!(ap_unescape_all(constant), sys::OK as c_int);
        }
    }

    #[test]
    fn forms_have_spaces_as_plus_signs() {
        let mut text = *b"a+b%2Bc++\0";
        // SAFETY: a string that may be changed.
        let answer = unsafe { ap_unescape_urlencoded(text.as_mut_ptr().cast()) };
        assert_eq!(answer, sys::OK as c_int);
        assert!(text.starts_with(b"a b+c  \0"));
    }
}
