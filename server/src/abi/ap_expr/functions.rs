//! The core's functions from text to text: `tolower(...)`, `%{req:...}` and others.

use std::{
    ffi::{CStr, OsStr, c_char, c_int, c_void},
    os::unix::ffi::OsStrExt,
    path::Path,
    ptr::null,
};

use httpd_sys as sys;

use super::lookup::{Data, Entry};
use crate::abi::http_request::support::{bytes, concat, copy};

type Context = sys::ap_expr_eval_ctx_t;

/// A function, as the header has it.
pub(super) type Function =
    unsafe extern "C" fn(*mut Context, *const c_void, *const c_char) -> *const c_char;

const fn entry(name: &'static [u8], function: Function) -> Entry<Function> {
    Entry {
        name,
        function,
        data: Data::None,
        refused: 0,
    }
}

/// A function that shows what is in files.
const fn of_files(name: &'static [u8], function: Function) -> Entry<Function> {
    Entry {
        refused: sys::AP_EXPR_FLAG_RESTRICTED | sys::AP_EXPR_FLAG_RESTRICTED_FILE_FUNC,
        ..entry(name, function)
    }
}

pub(super) static ALL: &[Entry<Function>] = &[
    entry(b"req", field_of_request),
    entry(b"http", field_of_request),
    entry(b"req_novary", field_of_request_unsaid),
    entry(b"resp", field_of_response),
    entry(b"reqenv", variable_of_request),
    entry(b"osenv", variable_of_process),
    entry(b"note", note),
    entry(b"env", variable),
    entry(b"tolower", tolower),
    entry(b"toupper", toupper),
    entry(b"escape", escape),
    entry(b"unescape", unescape),
    entry(b"base64", base64),
    entry(b"unbase64", unbase64),
    entry(b"md5", md5),
    entry(b"sha1", sha1),
    entry(b"ldap", ldap),
    of_files(b"file", file),
    of_files(b"filesize", filesize),
];

// SAFETY of all below: the header promises a context and a C string.

/// Notes that the answer depends on a field of the request. That it depends on the host goes without
/// saying: it is part of the URL.
///
/// # Safety
/// The context is as the header says; `field` is a C string that outlives it.
pub(super) unsafe fn depends_on(ctx: *mut Context, field: *const c_char) {
    // SAFETY: the caller's promise.
    unsafe {
        let vary = (*ctx).vary_this;
        if vary.is_null() || bytes(field).eq_ignore_ascii_case(b"Host") {
            return;
        }
        *vary = if (*vary).is_null() {
            copy((*ctx).p, bytes(field))
        } else {
            concat((*ctx).p, &[bytes(*vary), b",", bytes(field)])
        };
    }
}

/// An entry of one of the request's tables.
///
/// # Safety
/// As of `depends_on`.
unsafe fn of_request(
    ctx: *mut Context,
    table: impl Fn(&sys::request_rec) -> *mut sys::apr_table_t,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        match (*ctx).r.as_ref() {
            Some(r) => sys::apr_table_get(table(r), name),
            None => null(),
        }
    }
}

unsafe extern "C" fn field_of_request(
    ctx: *mut Context,
    _: *const c_void,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: as above.
    unsafe {
        if !(*ctx).r.is_null() {
            depends_on(ctx, name);
        }
        of_request(ctx, |r| r.headers_in, name)
    }
}

unsafe extern "C" fn field_of_request_unsaid(
    ctx: *mut Context,
    _: *const c_void,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: as above.
    unsafe { of_request(ctx, |r| r.headers_in, name) }
}

unsafe extern "C" fn field_of_response(
    ctx: *mut Context,
    _: *const c_void,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: as above.
    unsafe {
        let usual = of_request(ctx, |r| r.headers_out, name);
        if usual.is_null() {
            of_request(ctx, |r| r.err_headers_out, name)
        } else {
            usual
        }
    }
}

unsafe extern "C" fn note(
    ctx: *mut Context,
    _: *const c_void,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: as above.
    unsafe { of_request(ctx, |r| r.notes, name) }
}

unsafe extern "C" fn variable_of_request(
    ctx: *mut Context,
    _: *const c_void,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: as above.
    unsafe { of_request(ctx, |r| r.subprocess_env, name) }
}

unsafe extern "C" fn variable_of_process(
    ctx: *mut Context,
    _: *const c_void,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: as above.
    unsafe {
        let name = bytes(name);
        // These names cannot be asked for.
        if name.is_empty() || name.contains(&b'=') {
            return null();
        }
        match std::env::var_os(OsStr::from_bytes(name)) {
            Some(value) => copy((*ctx).p, value.as_bytes()),
            None => null(),
        }
    }
}

/// A note, or a variable of the request, or one of the process.
unsafe extern "C" fn variable(
    ctx: *mut Context,
    data: *const c_void,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: as above.
    unsafe {
        [note, variable_of_request, variable_of_process]
            .into_iter()
            .map(|function| function(ctx, data, name))
            .find(|value| !value.is_null())
            .unwrap_or(null())
    }
}

unsafe extern "C" fn tolower(
    ctx: *mut Context,
    _: *const c_void,
    text: *const c_char,
) -> *const c_char {
    // SAFETY: as above.
    unsafe { copy((*ctx).p, &bytes(text).to_ascii_lowercase()) }
}

unsafe extern "C" fn toupper(
    ctx: *mut Context,
    _: *const c_void,
    text: *const c_char,
) -> *const c_char {
    // SAFETY: as above.
    unsafe { copy((*ctx).p, &bytes(text).to_ascii_uppercase()) }
}

unsafe extern "C" fn escape(
    ctx: *mut Context,
    _: *const c_void,
    text: *const c_char,
) -> *const c_char {
    // SAFETY: as above.
    unsafe { sys::ap_os_escape_path((*ctx).p, text, 1) }
}

/// Nothing for what is not well escaped; an escaped slash stays as it is.
unsafe extern "C" fn unescape(
    ctx: *mut Context,
    _: *const c_void,
    text: *const c_char,
) -> *const c_char {
    // SAFETY: as above; the copy is ours to change.
    unsafe {
        let text = copy((*ctx).p, bytes(text));
        if sys::ap_unescape_url_keep2f(text, 0) == sys::OK as c_int {
            text
        } else {
            null()
        }
    }
}

unsafe extern "C" fn base64(
    ctx: *mut Context,
    _: *const c_void,
    text: *const c_char,
) -> *const c_char {
    // SAFETY: as above; the function does not change the text.
    unsafe { sys::ap_pbase64encode((*ctx).p, text.cast_mut()) }
}

unsafe extern "C" fn unbase64(
    ctx: *mut Context,
    _: *const c_void,
    text: *const c_char,
) -> *const c_char {
    // SAFETY: as above.
    unsafe { sys::ap_pbase64decode((*ctx).p, text) }
}

unsafe extern "C" fn md5(
    ctx: *mut Context,
    _: *const c_void,
    text: *const c_char,
) -> *const c_char {
    // SAFETY: as above.
    unsafe { sys::ap_md5((*ctx).p, text.cast()) }
}

/// `apr_sha1_ctx_t` of apr_sha1.h.
#[repr(C)]
struct Sha1 {
    digest: [u32; 5],
    count: [u32; 2],
    data: [u32; 16],
    local: c_int,
}

unsafe extern "C" {
    fn apr_sha1_init(context: *mut Sha1);
    fn apr_sha1_update_binary(context: *mut Sha1, input: *const u8, length: u32);
    fn apr_sha1_final(digest: *mut [u8; 20], context: *mut Sha1);
    // apr_escape.h
    fn apr_pescape_ldap(
        pool: *mut sys::apr_pool_t,
        text: *const c_void,
        length: sys::apr_ssize_t,
        what: c_int,
    ) -> *const c_char;
}

unsafe extern "C" fn sha1(
    ctx: *mut Context,
    _: *const c_void,
    text: *const c_char,
) -> *const c_char {
    let mut context = Sha1 {
        digest: [0; 5],
        count: [0; 2],
        data: [0; 16],
        local: 0,
    };
    let mut digest = [0_u8; 20];
    // SAFETY: as above; the structure and the digest have APR's sizes.
    unsafe {
        apr_sha1_init(&raw mut context);
        // Any length: the library counts in 32 bits at a time.
        for part in bytes(text).chunks(1 << 30) {
            apr_sha1_update_binary(&raw mut context, part.as_ptr(), part.len() as u32);
        }
        apr_sha1_final(&raw mut digest, &raw mut context);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        copy((*ctx).p, hex.as_bytes())
    }
}

/// For both a distinguished name and a filter.
unsafe extern "C" fn ldap(
    ctx: *mut Context,
    _: *const c_void,
    text: *const c_char,
) -> *const c_char {
    /// `APR_ESCAPE_STRING`: the text ends with NUL.
    const WHOLE: sys::apr_ssize_t = -1;
    /// `APR_ESCAPE_LDAP_ALL`
    const BOTH: c_int = 3;
    // SAFETY: as above.
    unsafe { apr_pescape_ldap((*ctx).p, text.cast(), WHOLE, BOTH) }
}

/// The path that a C string names.
///
/// # Safety
/// `name` is a C string that stays for `'a`.
pub(super) unsafe fn path<'a>(name: *const c_char) -> &'a Path {
    // SAFETY: the caller's promise.
    Path::new(OsStr::from_bytes(unsafe { bytes(name) }))
}

unsafe extern "C" fn file(
    ctx: *mut Context,
    _: *const c_void,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: as above.
    unsafe {
        match std::fs::read(path(name)) {
            Ok(content) => {
                // A C string ends at the first NUL.
                let text =
                    CStr::from_bytes_until_nul(&content).map_or(&content[..], CStr::to_bytes);
                copy((*ctx).p, text)
            }
            Err(_) => {
                *(*ctx).err = concat((*ctx).p, &[b"Cannot open file ", bytes(name)]);
                null()
            }
        }
    }
}

unsafe extern "C" fn filesize(
    ctx: *mut Context,
    _: *const c_void,
    name: *const c_char,
) -> *const c_char {
    // SAFETY: as above.
    unsafe {
        // Only regular files have a size.
        let file = std::fs::metadata(path(name)).ok();
        let size = file
            .filter(|file| file.is_file())
            .map_or(0, |file| file.len());
        copy((*ctx).p, size.to_string().as_bytes())
    }
}
