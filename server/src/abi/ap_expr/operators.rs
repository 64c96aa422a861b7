//! The core's operators: `-f '/path'`, `'text' -strmatch 'pattern'` and others.

use std::{
    ffi::{c_char, c_int, c_void},
    os::unix::fs::PermissionsExt,
    ptr::null_mut,
};

use httpd_sys as sys;

use super::{
    functions::path,
    lookup::{Data, Entry, subnet},
};
use crate::abi::http_request::support::bytes;

type Context = sys::ap_expr_eval_ctx_t;

/// An operator before a word, as the header has it.
pub(super) type Unary = unsafe extern "C" fn(*mut Context, *const c_void, *const c_char) -> c_int;

/// An operator between two words.
pub(super) type Binary =
    unsafe extern "C" fn(*mut Context, *const c_void, *const c_char, *const c_char) -> c_int;

const fn entry<F>(name: &'static [u8], function: F, data: Data) -> Entry<F> {
    Entry {
        name,
        function,
        data,
        refused: 0,
    }
}

/// An operator that looks at files.
const fn of_files(name: &'static [u8]) -> Entry<Unary> {
    Entry {
        name,
        function: file as Unary,
        data: Data::None,
        refused: sys::AP_EXPR_FLAG_RESTRICTED,
    }
}

pub(super) static UNARY: &[Entry<Unary>] = &[
    entry(b"n", is_text as Unary, Data::None),
    entry(b"z", is_empty as Unary, Data::None),
    entry(b"T", is_true as Unary, Data::None),
    entry(b"R", client_is_in as Unary, Data::Prepared(subnet)),
    entry(b"U", may_have_url as Unary, Data::None),
    entry(b"A", may_have_url as Unary, Data::None),
    entry(b"F", may_have_file as Unary, Data::None),
    of_files(b"d"),
    of_files(b"e"),
    of_files(b"f"),
    of_files(b"s"),
    of_files(b"L"),
    of_files(b"h"),
    of_files(b"x"),
];

pub(super) static BINARY: &[Entry<Binary>] = &[
    entry(b"ipmatch", address_is_in as Binary, Data::Prepared(subnet)),
    entry(b"fnmatch", path_matches as Binary, Data::None),
    entry(b"strmatch", text_matches as Binary, Data::None),
    entry(b"strcmatch", letters_match as Binary, Data::None),
];

// SAFETY of all below: the header promises a context, the data of the entry and C strings.

unsafe extern "C" fn is_text(_: *mut Context, _: *const c_void, word: *const c_char) -> c_int {
    // SAFETY: as above.
    c_int::from(unsafe { !bytes(word).is_empty() })
}

unsafe extern "C" fn is_empty(_: *mut Context, _: *const c_void, word: *const c_char) -> c_int {
    // SAFETY: as above.
    c_int::from(unsafe { bytes(word).is_empty() })
}

unsafe extern "C" fn is_true(_: *mut Context, _: *const c_void, word: *const c_char) -> c_int {
    const NO: [&[u8]; 5] = [b"", b"0", b"off", b"false", b"no"];
    // SAFETY: as above.
    let word = unsafe { bytes(word) };
    c_int::from(!NO.iter().any(|no| word.eq_ignore_ascii_case(no)))
}

/// What the file system says; the data is the operator's letter.
unsafe extern "C" fn file(_: *mut Context, data: *const c_void, name: *const c_char) -> c_int {
    // SAFETY: as above; entries without data of their own are given their name.
    let (letter, name) = unsafe { (*data.cast::<u8>(), path(name)) };
    let found = match letter {
        b'L' | b'h' => std::fs::symlink_metadata(name),
        _ => std::fs::metadata(name),
    };
    let Ok(found) = found else {
        return 0;
    };
    c_int::from(match letter {
        b'd' => found.is_dir(),
        b'f' => found.is_file(),
        b's' => found.is_file() && found.len() > 0,
        b'L' | b'h' => found.is_symlink(),
        b'x' => found.permissions().mode() & 0o111 != 0,
        _ => true,
    })
}

unsafe extern "C" fn client_is_in(
    ctx: *mut Context,
    data: *const c_void,
    _: *const c_char,
) -> c_int {
    // SAFETY: as above; the data is what `subnet` made.
    unsafe {
        let Some(r) = (*ctx).r.as_ref() else {
            return 0;
        };
        sys::apr_ipsubnet_test(data.cast_mut().cast(), r.useragent_addr)
    }
}

/// Whether the client would get something at that URI.
unsafe extern "C" fn may_have_url(
    ctx: *mut Context,
    _: *const c_void,
    uri: *const c_char,
) -> c_int {
    // SAFETY: as above; a sub-request of a live request.
    unsafe {
        if (*ctx).r.is_null() {
            return 0;
        }
        let inner = sys::ap_sub_req_lookup_uri(uri, (*ctx).r, null_mut());
        if inner.is_null() {
            return 0;
        }
        let answer = (*inner).status < sys::HTTP_BAD_REQUEST as c_int;
        sys::ap_destroy_sub_req(inner);
        c_int::from(answer)
    }
}

/// Whether the client would get that file.
unsafe extern "C" fn may_have_file(
    ctx: *mut Context,
    _: *const c_void,
    name: *const c_char,
) -> c_int {
    // SAFETY: as above.
    unsafe {
        if (*ctx).r.is_null() {
            return 0;
        }
        let inner = sys::ap_sub_req_lookup_file(name, (*ctx).r, null_mut());
        if inner.is_null() {
            return 0;
        }
        let answer = (*inner).status < sys::HTTP_MULTIPLE_CHOICES as c_int
            && (*inner).finfo.filetype == sys::APR_REG;
        sys::ap_destroy_sub_req(inner);
        c_int::from(answer)
    }
}

unsafe extern "C" fn address_is_in(
    ctx: *mut Context,
    data: *const c_void,
    address: *const c_char,
    _: *const c_char,
) -> c_int {
    let mut found = null_mut();
    // SAFETY: as above; the data is what `subnet` made.
    unsafe {
        let any = sys::APR_UNSPEC as sys::apr_int32_t;
        if bytes(address).is_empty()
            || sys::apr_sockaddr_info_get(&raw mut found, address, any, 0, 0, (*ctx).p) != 0
            || found.is_null()
        {
            return 0;
        }
        sys::apr_ipsubnet_test(data.cast_mut().cast(), found)
    }
}

/// `APR_FNM_CASE_BLIND`
const CASE_BLIND: c_int = 8;

unsafe extern "C" fn path_matches(
    _: *mut Context,
    _: *const c_void,
    word: *const c_char,
    pattern: *const c_char,
) -> c_int {
    // SAFETY: as above.
    c_int::from(unsafe {
        crate::abi::apr::apr_fnmatch(pattern, word, crate::abi::apr::APR_FNM_PATHNAME) == 0
    })
}

unsafe extern "C" fn text_matches(
    _: *mut Context,
    _: *const c_void,
    word: *const c_char,
    pattern: *const c_char,
) -> c_int {
    // SAFETY: as above.
    c_int::from(unsafe { crate::abi::apr::apr_fnmatch(pattern, word, 0) == 0 })
}

unsafe extern "C" fn letters_match(
    _: *mut Context,
    _: *const c_void,
    word: *const c_char,
    pattern: *const c_char,
) -> c_int {
    // SAFETY: as above.
    c_int::from(unsafe { crate::abi::apr::apr_fnmatch(pattern, word, CASE_BLIND) == 0 })
}
