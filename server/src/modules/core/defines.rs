//! What `Define`, `UnDefine` and `-D` define: names, and values for `${NAME}`.
//!
//! Names are in `ap_server_config_defines`, which the command line fills; values are in a table of
//! ours. What the configuration defines is forgotten with its pool, so that the next reading starts
//! from the command line again.

use std::{
    ffi::{CStr, CString, c_char, c_void},
    ptr::null_mut,
};

use httpd_sys as sys;
use module_sdk::raw::{Array, Pool, Table};

/// The defines of the command line, while those of a configuration stand in front of them.
static mut SAVED: *mut sys::apr_array_header_t = null_mut();

/// The values given in the configuration; NULL when there are none.
static mut VALUES: *mut sys::apr_table_t = null_mut();

/// The names, whoever defined them.
///
/// # Safety
/// The process reads its configuration, or nobody changes it any more.
pub unsafe fn names<'a>() -> Option<Array<'a, *const c_char>> {
    // SAFETY: the array holds strings; it lives as long as the process or the configuration.
    unsafe {
        let names = sys::ap_server_config_defines;
        (!names.is_null()).then(|| Array::from_ptr(names))
    }
}

/// The value that `Define NAME value` gave a name.
///
/// # Safety
/// As `names`.
pub unsafe fn value<'a>(name: &CStr) -> Option<&'a CStr> {
    // SAFETY: as above.
    unsafe {
        (!VALUES.is_null())
            .then(|| Table::from_ptr(VALUES).get(name))
            .flatten()
    }
}

/// Whether a name is defined.
///
/// # Safety
/// As `names`.
pub(crate) unsafe fn exists(name: &CStr) -> bool {
    // SAFETY: the array holds strings.
    unsafe { names().is_some_and(|names| names.iter().any(|known| CStr::from_ptr(known) == name)) }
}

/// Works on a copy of the command line's defines until `pool`, the configuration's, is cleared.
///
/// # Safety
/// The process is single-threaded and reads its configuration.
pub(crate) unsafe fn begin(pool: *mut sys::apr_pool_t) {
    // SAFETY: the caller's promise; the pool restores the saved array when it goes.
    unsafe {
        if !SAVED.is_null() {
            return;
        }
        if sys::ap_server_config_defines.is_null() {
            SAVED = Pool::from_ptr(sys::apr_hook_global_pool)
                .array::<*const c_char>(1)
                .as_ptr();
        } else {
            SAVED = sys::ap_server_config_defines;
        }
        sys::ap_server_config_defines = sys::apr_array_copy(pool, SAVED);
        sys::apr_pool_cleanup_register(
            pool,
            null_mut(),
            Some(forget),
            Some(sys::apr_pool_cleanup_null),
        );
    }
}

/// The configuration's pool goes: only the command line's defines stay.
unsafe extern "C" fn forget(_: *mut c_void) -> sys::apr_status_t {
    // SAFETY: run by the pool in the single-threaded process.
    unsafe {
        sys::ap_server_config_defines = SAVED;
        SAVED = null_mut();
        VALUES = null_mut();
    }
    0
}

/// Defines a name, with a value if there is one.
///
/// # Safety
/// As `begin`; the strings live as long as the configuration.
pub(crate) unsafe fn define(pool: *mut sys::apr_pool_t, name: &CStr, value: Option<&CStr>) {
    // SAFETY: the caller's promise.
    unsafe {
        begin(pool);
        let place = Pool::from_ptr(pool);
        if !exists(name)
            && let Some(names) = names()
        {
            names.push(place.copy(name.to_bytes()).as_ptr());
        }
        if let Some(value) = value {
            if VALUES.is_null() {
                VALUES = place.table(5).as_ptr();
            }
            Table::from_ptr(VALUES).set(name, value);
        }
    }
}

/// Forgets a name and its value.
///
/// # Safety
/// As `begin`.
pub(crate) unsafe fn undefine(pool: *mut sys::apr_pool_t, name: &CStr) {
    // SAFETY: the caller's promise; the last element takes the place of the one that goes.
    unsafe {
        begin(pool);
        if let Some(names) = names()
            && let Some(at) = names.iter().position(|known| CStr::from_ptr(known) == name)
        {
            let last = sys::apr_array_pop(names.as_ptr()).cast::<*const c_char>();
            if at < names.len() {
                *(*names.as_ptr()).elts.cast::<*const c_char>().add(at) = *last;
            }
        }
        if !VALUES.is_null() {
            Table::from_ptr(VALUES).unset(name);
        }
    }
}

/// What `${name}` stands for: what `Define` gave it, or the environment variable.
///
/// # Safety
/// As `names`.
pub(crate) unsafe fn lookup(name: &[u8]) -> Option<Vec<u8>> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};

    let text = CString::new(name).ok()?;
    // SAFETY: the caller's promise.
    if let Some(value) = unsafe { value(&text) } {
        return Some(value.to_bytes().to_vec());
    }
    let variable = std::env::var_os(std::ffi::OsStr::from_bytes(name));
    if variable.is_none() {
        super::log_server(
            std::ptr::null(),
            sys::APLOG_WARNING,
            0,
            &format!(
                "AH00111: Config variable ${{{}}} is not defined",
                String::from_utf8_lossy(name)
            ),
        );
    }
    variable.map(OsStringExt::into_vec)
}

/// Replaces each `${name}` for which `lookup` has a value; `None` when there is none to replace.
/// Names hold no colon (that is a call of a map), and what replaces them is not looked at again.
pub(crate) fn resolve(
    word: &[u8],
    mut lookup: impl FnMut(&[u8]) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    if !word.windows(2).any(|pair| pair == b"${") {
        return None;
    }
    let mut resolved = Vec::with_capacity(word.len() + 32);
    let mut rest = word;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"${") {
        let (before, from) = rest.split_at(at);
        resolved.extend_from_slice(before);
        let end = from.iter().position(|&byte| byte == b'}');
        let value = end
            .map(|end| &from[2..end])
            .filter(|name| !name.is_empty() && !name.contains(&b':'))
            .and_then(&mut lookup);
        match (value, end) {
            (Some(value), Some(end)) => {
                resolved.extend_from_slice(&value);
                rest = &from[end + 1..];
            }
            // What has no value stays, with all that looks like a name in it.
            (None, Some(end)) => {
                resolved.extend_from_slice(&from[..end]);
                rest = &from[end..];
            }
            (_, None) => {
                resolved.extend_from_slice(from);
                return Some(resolved);
            }
        }
    }
    resolved.extend_from_slice(rest);
    Some(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_where_they_have_a_value() {
        let resolved = |word: &str| {
            let values = |name: &[u8]| match name {
                b"A" => Some(b"one".to_vec()),
                b"E" => Some(Vec::new()),
                b"N" => Some(b"${A}".to_vec()),
                _ => None,
            };
            resolve(word.as_bytes(), values).map(|text| String::from_utf8(text).unwrap())
        };
        assert_eq!(resolved("plain $A"), None);
        assert_eq!(resolved("${A}").unwrap(), "one");
        assert_eq!(resolved("x${A}y${E}z${A}").unwrap(), "xoneyzone");
        assert_eq!(resolved("${no}${A}").unwrap(), "${no}one");
        assert_eq!(resolved("${map:${A}}").unwrap(), "${map:${A}}");
        assert_eq!(resolved("${${A}}").unwrap(), "${${A}}");
        assert_eq!(resolved("${N}").unwrap(), "${A}");
        assert_eq!(resolved("${A").unwrap(), "${A");
    }
}
