//! Comparing and changing the case of ASCII strings, whatever the locale: part of `httpd.h`.

use std::{
    cmp::Ordering,
    ffi::{CStr, c_char, c_int},
};

exports! { ap_cstr_casecmp, ap_cstr_casecmpn, ap_str_tolower, ap_str_toupper, ap_count_dirs }

/// Compares without regard to ASCII case; the sign is `strcmp`'s.
fn compare(left: &[u8], right: &[u8]) -> c_int {
    match left
        .iter()
        .map(u8::to_ascii_lowercase)
        .cmp(right.iter().map(u8::to_ascii_lowercase))
    {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
}

/// Compares two strings without regard to ASCII case.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_cstr_casecmp(left: *const c_char, right: *const c_char) -> c_int {
    // SAFETY: the header asks for NUL-terminated strings.
    unsafe {
        compare(
            CStr::from_ptr(left).to_bytes(),
            CStr::from_ptr(right).to_bytes(),
        )
    }
}

/// The same for the first `count` bytes at most.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_cstr_casecmpn(
    left: *const c_char,
    right: *const c_char,
    count: usize,
) -> c_int {
    // SAFETY: the header asks for strings that end with a NUL or hold `count` bytes; `strnlen`
    // reads no further than either.
    unsafe { compare(first_bytes(left, count), first_bytes(right, count)) }
}

/// The bytes before the NUL, `count` at most.
///
/// # Safety
/// `text` ends with a NUL or holds `count` bytes, and outlives the slice.
unsafe fn first_bytes<'a>(text: *const c_char, count: usize) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: every byte before `length` was no NUL, so this one is there too.
    while length < count && unsafe { *text.add(length) } != 0 {
        length += 1;
    }
    // SAFETY: the loop has seen these bytes.
    unsafe { std::slice::from_raw_parts(text.cast(), length) }
}

/// Turns a string into lower case in place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_str_tolower(text: *mut c_char) {
    // SAFETY: the header asks for a NUL-terminated string that may be written.
    unsafe { change(text, u8::to_ascii_lowercase) }
}

/// Turns a string into upper case in place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_str_toupper(text: *mut c_char) {
    // SAFETY: as above.
    unsafe { change(text, u8::to_ascii_uppercase) }
}

/// Replaces every byte of a string.
///
/// # Safety
/// `text` is NUL-terminated and writable.
unsafe fn change(text: *mut c_char, to: impl Fn(&u8) -> u8) {
    // SAFETY: the loop stops at the NUL.
    unsafe {
        let mut at = text.cast::<u8>();
        while *at != 0 {
            *at = to(&*at);
            at = at.add(1);
        }
    }
}

/// The number of slashes in a path.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_count_dirs(path: *const c_char) -> c_int {
    // SAFETY: the header asks for a NUL-terminated string.
    let path = unsafe { CStr::from_ptr(path) }.to_bytes();
    path.iter().filter(|&&byte| byte == b'/').count() as c_int
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_ignored_in_ascii_only() {
        assert_eq!(compare(b"Host", b"hOST"), 0);
        assert_eq!(compare(b"a", b"B"), -1);
        assert_eq!(compare(b"ab", b"A"), 1);
        assert_ne!(compare(b"\xc4", b"\xe4"), 0);
    }

    #[test]
    fn a_bounded_comparison_stops_at_the_bound_or_the_end() {
        // SAFETY: static strings.
        unsafe {
            assert_eq!(
                ap_cstr_casecmpn(c"GZip;q=1".as_ptr(), c"gzip".as_ptr(), 4),
                0
            );
            assert_eq!(ap_cstr_casecmpn(c"gz".as_ptr(), c"gzip".as_ptr(), 4), -1);
            assert_eq!(ap_cstr_casecmpn(c"x".as_ptr(), c"y".as_ptr(), 0), 0);
        }
    }

    #[test]
    fn case_changes_in_place() {
        let mut text = *b"Ab-1\xc4\0";
        // SAFETY: the array ends with a NUL and is ours to write.
        unsafe { ap_str_toupper(text.as_mut_ptr().cast()) };
        assert_eq!(&text, b"AB-1\xc4\0");
        // SAFETY: as above.
        unsafe { ap_str_tolower(text.as_mut_ptr().cast()) };
        assert_eq!(&text, b"ab-1\xc4\0");
    }

    #[test]
    fn slashes_are_counted() {
        // SAFETY: a static string.
        assert_eq!(unsafe { ap_count_dirs(c"/srv/www/".as_ptr()) }, 3);
    }
}
