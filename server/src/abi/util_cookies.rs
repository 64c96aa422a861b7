//! Exports of `util_cookies.h`: setting, reading and removing cookies. mod_session_cookie and
//! mod_usertrack's kin call them.
//!
//! The functions that take any number of tables are in `shim/util_cookies.c`, which asks here for
//! the value of the field.

use std::ffi::{CStr, c_char, c_int, c_long};

use httpd_sys as sys;
use module_sdk::raw::{Pool, text};

exports! { ap_cookie_read, ap_cookie_check_string }

/// The value of the field that sets a cookie.
fn set_cookie(name: &[u8], value: &[u8], attributes: &[u8], max_age: c_long) -> Vec<u8> {
    let mut field = [name, b"=", value, b";"].concat();
    if max_age != 0 {
        field.extend_from_slice(format!("Max-Age={max_age};").as_bytes());
    }
    field.extend_from_slice(attributes);
    field
}

/// What a search in one `Cookie` field found.
#[derive(Debug, Default, PartialEq, Eq)]
struct Search<'a> {
    /// The values of the cookie, in their order.
    found: Vec<&'a [u8]>,
    /// The field without them.
    rest: Vec<u8>,
}

/// Looks for a cookie in the value of a field. Cookies stand between semicolons, and between
/// commas, which joined fields have.
fn search<'a>(field: &'a [u8], name: &[u8]) -> Search<'a> {
    let mut result = Search::default();
    for joined in field.split(|&b| b == b',').filter(|part| !part.is_empty()) {
        let mut separator = b',';
        for pair in joined.split(|&b| b == b';').filter(|pair| !pair.is_empty()) {
            let trimmed = pair.trim_ascii_start();
            let value = trimmed
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix(b"="));
            let separator = std::mem::replace(&mut separator, b';');
            if let Some(value) = value {
                result.found.push(value);
                continue;
            }
            if !result.rest.is_empty() {
                result.rest.push(separator);
            }
            result.rest.extend_from_slice(pair);
        }
    }
    result
}

/// The attributes given, or `default` if there are none.
///
/// # Safety
/// `given` is NULL or NUL-terminated.
unsafe fn attributes_or<'a>(given: *const c_char, default: &'static CStr) -> &'a [u8] {
    // SAFETY: the caller's promise.
    match unsafe { text(given) } {
        Some(given) if !given.is_empty() => given.to_bytes(),
        _ => default.to_bytes(),
    }
}

/// The user's name as the log shows it.
///
/// # Safety
/// `r` is live.
unsafe fn user<'a>(r: *const sys::request_rec) -> std::borrow::Cow<'a, str> {
    // SAFETY: the caller's promise.
    unsafe { text((*r).user) }
        .unwrap_or(c"(null)")
        .to_string_lossy()
}

/// For the shim: what `ap_cookie_write` puts into the tables.
#[unsafe(no_mangle)]
unsafe extern "C" fn httpd_rs_cookie_set(
    r: *mut sys::request_rec,
    name: *const c_char,
    value: *const c_char,
    attributes: *const c_char,
    max_age: c_long,
    second: c_int,
) -> *const c_char {
    // SAFETY: the header asks for a live request and NUL-terminated strings.
    unsafe {
        let field = set_cookie(
            text(name).unwrap_or_default().to_bytes(),
            text(value).unwrap_or_default().to_bytes(),
            attributes_or(attributes, c"HttpOnly;Secure;Version=1"),
            max_age,
        );
        let field = Pool::from_ptr((*r).pool).copy(field);
        let (number, kind) = if second == 0 { (7, "") } else { (8, "2") };
        notice!(
            Core,
            DEBUG,
            0,
            r,
            "AH{number:05}: ap_cookie: user '{}' set cookie{kind}: '{}'",
            user(r),
            field.to_string_lossy()
        );
        field.as_ptr()
    }
}

/// For the shim: what `ap_cookie_remove` puts into the tables.
#[unsafe(no_mangle)]
unsafe extern "C" fn httpd_rs_cookie_cleared(
    r: *mut sys::request_rec,
    name: *const c_char,
    attributes: *const c_char,
    second: c_int,
) -> *const c_char {
    // SAFETY: as above.
    unsafe {
        let name = text(name).unwrap_or_default().to_bytes();
        // None at all is a choice here.
        let attributes = text(attributes).unwrap_or(c"Version=1").to_bytes();
        let field = [name, b"=;Max-Age=0;", attributes].concat();
        let field = Pool::from_ptr((*r).pool).copy(field);
        let (number, kind) = if second == 0 { (9, "") } else { (10, "2") };
        notice!(
            Core,
            DEBUG,
            0,
            r,
            "AH{number:05}: ap_cookie: user '{}' removed cookie{kind}: '{}'",
            user(r),
            field.to_string_lossy()
        );
        field.as_ptr()
    }
}

/// Finds a cookie of the request, and takes it out of the header if `remove`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_cookie_read(
    r: *mut sys::request_rec,
    name: *const c_char,
    value: *mut *const c_char,
    remove: c_int,
) -> sys::apr_status_t {
    // SAFETY: the header asks for a live request, a NUL-terminated name and a place for the value.
    // The fields live as long as the request's pool; what is added to the new table does too.
    unsafe {
        let pool = Pool::from_ptr((*r).pool);
        let name = text(name).unwrap_or_default();
        let fields = module_sdk::raw::Table::from_ptr((*r).headers_in);
        let others = pool.table(4);
        let mut found: Option<&[u8]> = None;
        let mut duplicated = false;
        for (key, field) in fields.iter() {
            let key = match key.to_bytes() {
                key if key.eq_ignore_ascii_case(b"Cookie") => c"Cookie",
                key if key.eq_ignore_ascii_case(b"Cookie2") => c"Cookie2",
                _ => continue,
            };
            let search = search(field.to_bytes(), name.to_bytes());
            for one in search.found {
                duplicated |= found.is_some_and(|earlier| earlier != one);
                found = Some(one);
            }
            if !search.rest.is_empty() {
                others.add(key, pool.copy(search.rest));
            }
        }
        if duplicated {
            notice!(
                Core,
                ERR,
                0,
                r,
                "AH00011: ap_cookie: client submitted cookie '{}' more than once: {}",
                name.to_string_lossy(),
                text((*r).uri).unwrap_or_default().to_string_lossy()
            );
            return sys::APR_EGENERAL as sys::apr_status_t;
        }
        // The fields may go with the table, so the value is copied first.
        *value = found.map_or(std::ptr::null(), |found| pool.copy(found).as_ptr());
        if remove != 0 {
            fields.unset(c"Cookie");
            fields.unset(c"Cookie2");
            (*r).headers_in = sys::apr_table_overlay((*r).pool, (*r).headers_in, others.as_ptr());
        }
    }
    sys::APR_SUCCESS as sys::apr_status_t
}

/// Whether a string can be the name of a cookie.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_cookie_check_string(name: *const c_char) -> sys::apr_status_t {
    // SAFETY: NULL, or NUL-terminated by the header's contract.
    match unsafe { text(name) } {
        Some(name) if !name.is_empty() && !name.to_bytes().iter().any(|b| b"=;&".contains(b)) => {
            sys::APR_SUCCESS as sys::apr_status_t
        }
        _ => sys::APR_EGENERAL as sys::apr_status_t,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_and_taken_out() {
        let result = search(b"a=1; session=x=y;b=2, session=z; c,d", b"session");
        assert_eq!(result.found, [b"x=y", b"z".as_slice()]);
        assert_eq!(result.rest, b"a=1;b=2; c,d");
        assert!(search(b"sessions=1", b"session").found.is_empty());
        assert_eq!(search(b"session=1", b"session").rest, b"");
    }

    #[test]
    fn attributes_follow_the_age() {
        assert_eq!(
            set_cookie(b"n", b"v", b"path=/", 5),
            b"n=v;Max-Age=5;path=/"
        );
        assert_eq!(set_cookie(b"n", b"v", b"HttpOnly", 0), b"n=v;HttpOnly");
    }

    #[test]
    fn names_have_no_reserved_bytes() {
        for (name, good) in [
            (c"sid", true),
            (c"", false),
            (c"a=b", false),
            (c"a&b", false),
            (c"a;b", false),
        ] {
            // SAFETY: static strings.
            let status = unsafe { ap_cookie_check_string(name.as_ptr()) };
            assert_eq!(status == 0, good, "{name:?}");
        }
    }
}
