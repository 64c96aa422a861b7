//! Functions of APR and APR-util whose headers the core's headers do not include.

use std::ffi::{c_char, c_int};

/// apr_fnmatch.h: a leading period must be matched by one.
pub const APR_FNM_PERIOD: c_int = 4;

/// apr_fnmatch.h: wildcards take no slash.
pub const APR_FNM_PATHNAME: c_int = 2;

unsafe extern "C" {
    /// apr_date.h: the time of a date of HTTP; 0 for what is none.
    pub fn apr_date_parse_http(date: *const c_char) -> httpd_sys::apr_time_t;
    /// apr_fnmatch.h: 0 when `text` matches.
    pub fn apr_fnmatch(pattern: *const c_char, text: *const c_char, flags: c_int) -> c_int;
    /// apr_fnmatch.h: whether this is a pattern.
    pub fn apr_fnmatch_test(pattern: *const c_char) -> c_int;
    /// apr_base64.h: how many bytes the decoded text takes at most, with a NUL.
    pub fn apr_base64_decode_len(coded: *const c_char) -> c_int;
    /// apr_base64.h: decodes; answers the length.
    pub fn apr_base64_decode(plain: *mut c_char, coded: *const c_char) -> c_int;
    /// apr_base64.h: how many bytes the code of `length` bytes takes, with its NUL.
    pub fn apr_base64_encode_len(length: c_int) -> c_int;
    /// apr_base64.h: encodes text; answers the length with the NUL.
    pub fn apr_base64_encode(coded: *mut c_char, plain: *const c_char, length: c_int) -> c_int;
    /// apr_base64.h: the same for any bytes.
    pub fn apr_base64_encode_binary(coded: *mut c_char, plain: *const u8, length: c_int) -> c_int;
}
