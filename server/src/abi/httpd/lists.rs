//! Lists and words of header fields: part of `httpd.h`.

use std::{
    ffi::{c_char, c_int},
    ptr::{null, null_mut},
};

use httpd_sys as sys;
use module_sdk::raw::{Array, Pool};

use super::escapes::bytes;
use crate::text::list::{self, NoToken};

exports! {
    ap_size_list_item, ap_get_list_item, ap_find_list_item, ap_find_etag_weak, ap_find_etag_strong,
    ap_get_token, ap_find_token, ap_find_last_token, ap_is_chunked, ap_parse_token_list_strict,
    ap_scan_http_field_content, ap_scan_http_token, ap_scan_vchar_obstext,
    ap_content_type_tolower, ap_field_noparam,
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_size_list_item(
    field: *mut *const c_char,
    len: *mut c_int,
) -> *const c_char {
    // SAFETY: the header asks for a place that holds a string, and one for a number.
    unsafe {
        let start = *field;
        match list::next_item(bytes(start)) {
            Some((item, behind)) => {
                *field = start.add(behind);
                *len = item.len() as c_int;
                start.add(item.start)
            }
            None => {
                *field = start.add(libc::strlen(start));
                *len = 0;
                null()
            }
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_list_item(
    p: *mut sys::apr_pool_t,
    field: *mut *const c_char,
) -> *mut c_char {
    // SAFETY: as above, and a live pool; the copy is no longer than the item.
    unsafe {
        let mut length = 0;
        let item = ap_size_list_item(field, &raw mut length);
        if item.is_null() {
            return null_mut();
        }
        let item = std::slice::from_raw_parts(item.cast::<u8>(), length as usize);
        let room = sys::apr_palloc(p, item.len() + 1).cast::<u8>();
        let mut at = room;
        list::normalized(item, |byte| {
            at.write(byte);
            at = at.add(1);
        });
        at.write(0);
        room.cast()
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_find_list_item(
    _p: *mut sys::apr_pool_t,
    line: *const c_char,
    tok: *const c_char,
) -> c_int {
    if line.is_null() || tok.is_null() {
        return 0;
    }
    // SAFETY: the header asks for strings.
    c_int::from(unsafe { list::contains_item(bytes(line), bytes(tok)) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_find_etag_weak(
    _p: *mut sys::apr_pool_t,
    line: *const c_char,
    tok: *const c_char,
) -> c_int {
    if line.is_null() || tok.is_null() {
        return 0;
    }
    // SAFETY: the header asks for strings.
    c_int::from(unsafe { list::contains_etag(bytes(line), bytes(tok), false) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_find_etag_strong(
    _p: *mut sys::apr_pool_t,
    line: *const c_char,
    tok: *const c_char,
) -> c_int {
    if line.is_null() || tok.is_null() {
        return 0;
    }
    // SAFETY: the header asks for strings.
    c_int::from(unsafe { list::contains_etag(bytes(line), bytes(tok), true) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_token(
    p: *mut sys::apr_pool_t,
    accept_line: *mut *const c_char,
    accept_white: c_int,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and a place that holds a string.
    unsafe {
        let field = bytes(*accept_line);
        let start = field
            .iter()
            .take_while(|&&byte| list::is_space(byte))
            .count();
        let length = list::word_length(&field[start..], accept_white != 0);
        let behind = &field[start + length..];
        let blanks = behind.iter().take_while(|&&byte| list::is_space(byte));
        *accept_line = (*accept_line).add(start + length + blanks.count());
        Pool::from_ptr(p)
            .copy(&field[start..start + length])
            .as_ptr()
            .cast_mut()
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_find_token(
    _p: *mut sys::apr_pool_t,
    line: *const c_char,
    tok: *const c_char,
) -> c_int {
    if line.is_null() {
        return 0;
    }
    // SAFETY: the header asks for strings.
    let (field, wanted) = unsafe { (bytes(line), bytes(tok)) };
    c_int::from(list::tokens(field).any(|token| token.eq_ignore_ascii_case(wanted)))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_find_last_token(
    _p: *mut sys::apr_pool_t,
    line: *const c_char,
    tok: *const c_char,
) -> c_int {
    if line.is_null() {
        return 0;
    }
    // SAFETY: the header asks for strings.
    let (field, wanted) = unsafe { (bytes(line), bytes(tok)) };
    c_int::from(list::ends_in_token(field, wanted))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_is_chunked(_p: *mut sys::apr_pool_t, line: *const c_char) -> c_int {
    if line.is_null() {
        return 0;
    }
    // SAFETY: the header asks for a string.
    c_int::from(list::is_chunked(unsafe { bytes(line) }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_parse_token_list_strict(
    p: *mut sys::apr_pool_t,
    tok: *const c_char,
    tokens: *mut *mut sys::apr_array_header_t,
    skip_invalid: c_int,
) -> *const c_char {
    if tok.is_null() {
        return null();
    }
    // SAFETY: the header asks for a live pool, a string, and a place that holds an array of
    // strings or NULL.
    unsafe {
        let pool = Pool::from_ptr(p);
        let result = list::strict_tokens(bytes(tok), skip_invalid != 0, |token| {
            if (*tokens).is_null() {
                *tokens = pool.array::<*const c_char>(4).as_ptr();
            }
            let tokens = Array::<*const c_char>::from_ptr(*tokens);
            tokens.push(Pool::from_ptr((*tokens.as_ptr()).pool).copy(token).as_ptr());
        });
        match result {
            Ok(()) => null(),
            Err(NoToken::Blank) => c"Encountered illegal whitespace in token".as_ptr(),
            Err(NoToken::Separator(byte)) => pool
                .text(format_args!(
                    "Encountered illegal separator '\\x{byte:02x}'"
                ))
                .as_ptr(),
        }
    }
}

/// Where the bytes that `allowed` lets pass end.
unsafe fn scan(text: *const c_char, allowed: impl Fn(u8) -> bool) -> *const c_char {
    // SAFETY: the callers' headers ask for a string; the NUL is the end at the latest.
    unsafe {
        let text_bytes = bytes(text);
        let end = text_bytes.iter().position(|&byte| !allowed(byte));
        text.add(end.unwrap_or(text_bytes.len()))
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_scan_http_field_content(ptr: *const c_char) -> *const c_char {
    // SAFETY: passed on as it came.
    unsafe { scan(ptr, |byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f)) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_scan_http_token(ptr: *const c_char) -> *const c_char {
    // SAFETY: passed on as it came.
    unsafe { scan(ptr, list::is_token) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_scan_vchar_obstext(ptr: *const c_char) -> *const c_char {
    // SAFETY: passed on as it came.
    unsafe { scan(ptr, |byte| byte > b' ' && byte != 0x7f) }
}

/// Lower case as far as the parameters.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_content_type_tolower(s: *mut c_char) {
    // SAFETY: the header asks for a string that may be changed.
    unsafe {
        let text = std::slice::from_raw_parts_mut(s.cast::<u8>(), libc::strlen(s));
        let end = text.iter().position(|&byte| byte == b';');
        let end = end.unwrap_or(text.len());
        text[..end].make_ascii_lowercase();
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_field_noparam(
    p: *mut sys::apr_pool_t,
    intype: *const c_char,
) -> *mut c_char {
    if intype.is_null() {
        return null_mut();
    }
    // SAFETY: the header asks for a live pool and a string.
    unsafe {
        let field = bytes(intype);
        let kept = match field.iter().position(|&byte| byte == b';') {
            Some(end) => {
                let last = field[..end].iter().rposition(|&byte| !list::is_space(byte));
                &field[..last.map_or(0, |last| last + 1)]
            }
            None => field,
        };
        Pool::from_ptr(p).copy(kept).as_ptr().cast_mut()
    }
}
