//! Paths and patterns: part of `httpd.h`.

use std::{
    ffi::{CStr, CString, c_char, c_int, c_uint},
    ptr::{null, null_mut},
};

use httpd_sys as sys;
use module_sdk::raw::{Pool, text};

use super::escapes::bytes;
use crate::abi::apr;
use crate::text::{
    path::{self, Normalize},
    pattern,
};

exports! {
    ap_normalize_path, ap_getparents, ap_no2slash, ap_no2slash_ex, ap_make_dirstr_prefix,
    ap_make_dirstr_parent, ap_make_full_path, ap_os_is_path_absolute, ap_is_directory,
    ap_is_rdirectory, ap_stat_check, ap_filepath_merge, ap_is_url, ap_is_matchexp, ap_strcmp_match,
    ap_strcasecmp_match, ap_strcasestr, ap_stripprefix, ap_dir_nofnmatch, ap_dir_fnmatch,
}

/// Changes a string in place; `change` answers the new, never greater, length.
unsafe fn in_place<T>(text: *mut c_char, change: impl FnOnce(&mut [u8]) -> (usize, T)) -> T {
    // SAFETY: the callers' headers ask for a string that may be changed.
    unsafe {
        let length = libc::strlen(text);
        let (length, answer) = change(std::slice::from_raw_parts_mut(text.cast(), length));
        text.add(length).write(0);
        answer
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_normalize_path(path: *mut c_char, flags: c_uint) -> c_int {
    let how = Normalize {
        allow_relative: flags & sys::AP_NORMALIZE_ALLOW_RELATIVE != 0,
        not_above_root: flags & sys::AP_NORMALIZE_NOT_ABOVE_ROOT != 0,
        decode_unreserved: flags & sys::AP_NORMALIZE_DECODE_UNRESERVED != 0,
        merge_slashes: flags & sys::AP_NORMALIZE_MERGE_SLASHES != 0,
    };
    // SAFETY: passed on as it came.
    c_int::from(unsafe { in_place(path, |path| path::normalize(path, how)) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_getparents(name: *mut c_char) {
    let how = Normalize {
        allow_relative: true,
        not_above_root: true,
        ..Normalize::default()
    };
    // SAFETY: passed on as it came.
    unsafe {
        in_place(name, |name| {
            let (length, good) = path::normalize(name, how);
            (if good { length } else { 0 }, ())
        });
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_no2slash(name: *mut c_char) {
    // SAFETY: passed on as it came.
    unsafe { ap_no2slash_ex(name, 1) }
}

/// Unix has no network shares that begin with two slashes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_no2slash_ex(name: *mut c_char, _is_fs_path: c_int) {
    // SAFETY: passed on as it came.
    unsafe { in_place(name, |name| (path::merge_slashes(name), ())) }
}

/// Writes the first `n` components of `s`, with a slash at the end; answers where the NUL stands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_make_dirstr_prefix(
    d: *mut c_char,
    s: *const c_char,
    n: c_int,
) -> *mut c_char {
    // SAFETY: the header asks for a string, and room for it and a slash.
    unsafe {
        let length = match usize::try_from(n) {
            Ok(0) | Err(_) => 0,
            Ok(count) => path::prefix_length(bytes(s), count),
        };
        std::ptr::copy_nonoverlapping(s, d, length);
        d.add(length).write(b'/' as c_char);
        d.add(length + 1).write(0);
        d.add(length + 1)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_make_dirstr_parent(
    p: *mut sys::apr_pool_t,
    s: *const c_char,
) -> *mut c_char {
    if s.is_null() {
        return c"".as_ptr().cast_mut();
    }
    // SAFETY: the header asks for a live pool and a string.
    unsafe {
        Pool::from_ptr(p)
            .copy(path::parent(bytes(s)))
            .as_ptr()
            .cast_mut()
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_make_full_path(
    a: *mut sys::apr_pool_t,
    dir: *const c_char,
    f: *const c_char,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool and strings.
    unsafe {
        let (directory, file) = (bytes(dir), bytes(f));
        let slash: &[u8] = if directory.ends_with(b"/") { b"" } else { b"/" };
        super::escapes::collect(a, |out| {
            out(directory);
            out(slash);
            out(file);
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_os_is_path_absolute(
    _p: *mut sys::apr_pool_t,
    dir: *const c_char,
) -> c_int {
    // SAFETY: the header asks for a string.
    c_int::from(unsafe { bytes(dir) }.starts_with(b"/"))
}

/// What `flags` more than APR_FINFO_TYPE are wanted of a path; whether it is a directory.
unsafe fn is_directory(p: *mut sys::apr_pool_t, path: *const c_char, links: i32) -> c_int {
    // SAFETY: the callers' headers ask for a live pool and a string; APR fills the record.
    unsafe {
        let mut info: sys::apr_finfo_t = std::mem::zeroed();
        let wanted = sys::APR_FINFO_TYPE as i32 | links;
        let status = sys::apr_stat(&raw mut info, path, wanted, p);
        c_int::from(status == 0 && info.filetype == sys::APR_DIR)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_is_directory(p: *mut sys::apr_pool_t, name: *const c_char) -> c_int {
    // SAFETY: passed on as it came.
    unsafe { is_directory(p, name, 0) }
}

/// A symbolic link to a directory is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_is_rdirectory(p: *mut sys::apr_pool_t, name: *const c_char) -> c_int {
    // SAFETY: passed on as it came.
    unsafe { is_directory(p, name, sys::APR_FINFO_LINK as i32) }
}

/// Only systems with network shares forbid paths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_stat_check(
    _path: *const c_char,
    _pool: *mut sys::apr_pool_t,
) -> sys::apr_status_t {
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_filepath_merge(
    newpath: *mut *mut c_char,
    rootpath: *const c_char,
    addpath: *const c_char,
    flags: i32,
    p: *mut sys::apr_pool_t,
) -> sys::apr_status_t {
    // SAFETY: the header asks for what apr_filepath_merge asks for.
    unsafe { sys::apr_filepath_merge(newpath, rootpath, addpath, flags, p) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_is_url(u: *const c_char) -> c_int {
    // SAFETY: the header asks for a string.
    c_int::from(path::is_url(unsafe { bytes(u) }))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_is_matchexp(str: *const c_char) -> c_int {
    // SAFETY: the header asks for a string.
    c_int::from(pattern::is_pattern(unsafe { bytes(str) }))
}

/// 0 when it matches.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_strcmp_match(str: *const c_char, expected: *const c_char) -> c_int {
    // SAFETY: the header asks for strings.
    let (text, pattern) = unsafe { (bytes(str), bytes(expected)) };
    pattern::compare(text, pattern, |a, b| a == b)
}

/// 0 when it matches, whatever the case.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_strcasecmp_match(str: *const c_char, expected: *const c_char) -> c_int {
    // SAFETY: the header asks for strings.
    let (text, pattern) = unsafe { (bytes(str), bytes(expected)) };
    let same = |a: u8, b: u8| a.eq_ignore_ascii_case(&b);
    pattern::compare(text, pattern, same)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_strcasestr(s1: *const c_char, s2: *const c_char) -> *mut c_char {
    // SAFETY: the header asks for strings; the place is within the first.
    unsafe {
        pattern::find_ignoring_case(bytes(s1), bytes(s2))
            .map_or(null_mut(), |at| s1.add(at).cast_mut())
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_stripprefix(
    bigstring: *const c_char,
    prefix: *const c_char,
) -> *const c_char {
    // SAFETY: the header asks for strings; the place is within the first.
    unsafe {
        let prefix = bytes(prefix);
        if bytes(bigstring).starts_with(prefix) {
            bigstring.add(prefix.len())
        } else {
            bigstring
        }
    }
}

/// How deep directories may be nested that are included whole.
const DEEPEST: u32 = 128;

/// Whether what is not there is passed over.
///
/// # Safety
/// `w` is a live record.
unsafe fn is_optional(w: *const sys::ap_dir_match_t) -> bool {
    // SAFETY: the caller's promise.
    unsafe { (*w).flags as u32 & sys::AP_DIR_FLAG_OPTIONAL != 0 }
}

/// Whether a path leads to something, through links too.
///
/// # Safety
/// `pool` is live, `path` a string.
unsafe fn exists(pool: *mut sys::apr_pool_t, path: *const c_char) -> bool {
    // SAFETY: the caller's promise; APR fills the record.
    unsafe {
        let mut info: sys::apr_finfo_t = std::mem::zeroed();
        sys::apr_stat(&raw mut info, path, sys::APR_FINFO_TYPE as i32, pool) == 0
    }
}

/// The names in a directory, sorted, that `wanted` lets pass; none where an optional directory is
/// missing.
unsafe fn names_in(
    w: *mut sys::ap_dir_match_t,
    directory: *const c_char,
    wanted: impl Fn(&CStr, bool) -> bool,
) -> Result<Vec<CString>, *const c_char> {
    // SAFETY: the callers pass a live record and a string; APR fills the entry.
    unsafe {
        let mut handle = null_mut();
        let status = sys::apr_dir_open(&raw mut handle, directory, (*w).ptemp);
        if status == libc::ENOENT && is_optional(w) {
            return Ok(Vec::new());
        }
        if status != 0 {
            let mut reason = [0 as c_char; 120];
            sys::apr_strerror(status, reason.as_mut_ptr(), reason.len());
            return Err(message(
                w,
                &format!(
                    "Could not open directory {}: {}",
                    shown(directory),
                    shown(reason.as_ptr())
                ),
            ));
        }
        let mut names = Vec::new();
        let mut entry: sys::apr_finfo_t = std::mem::zeroed();
        let fields = (sys::APR_FINFO_DIRENT | sys::APR_FINFO_TYPE) as i32;
        while sys::apr_dir_read(&raw mut entry, fields, handle) & !sys::APR_INCOMPLETE as i32 == 0
            || !entry.name.is_null() && entry.valid & sys::APR_FINFO_NAME as i32 != 0
        {
            let name = CStr::from_ptr(entry.name);
            if name != c"." && name != c".." && wanted(name, entry.filetype == sys::APR_DIR) {
                names.push(name.to_owned());
            }
            entry.valid = 0;
            entry.name = null();
        }
        sys::apr_dir_close(handle);
        names.sort();
        Ok(names)
    }
}

fn shown<'a>(string: *const c_char) -> std::borrow::Cow<'a, str> {
    // SAFETY: called with strings of the caller's frame or pool.
    unsafe { text(string) }
        .unwrap_or_default()
        .to_string_lossy()
}

/// An error text that begins as the walk's caller wants.
unsafe fn message(w: *mut sys::ap_dir_match_t, what: &str) -> *const c_char {
    // SAFETY: the callers pass a live record.
    unsafe {
        Pool::from_ptr((*w).p)
            .text(format_args!("{}{what}", shown((*w).prefix)))
            .as_ptr()
    }
}

/// Calls back for a file, or, when that is asked for, for all files below a directory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_dir_nofnmatch(
    w: *mut sys::ap_dir_match_t,
    fname: *const c_char,
) -> *const c_char {
    // SAFETY: the header asks for a live record with a function, and a string.
    unsafe {
        let recursive = (*w).flags as u32 & sys::AP_DIR_FLAG_RECURSIVE != 0;
        if !recursive || ap_is_directory((*w).ptemp, fname) == 0 {
            if is_optional(w) && !exists((*w).ptemp, fname) {
                return null();
            }
            return (*w).cb.map_or(null(), |call| call(w, fname));
        }
        (*w).depth += 1;
        if (*w).depth > DEEPEST {
            return message(
                w,
                &format!(
                    "Directory '{}' exceeds the maximum include directory nesting level of \
                     {DEEPEST}. You have probably a recursion somewhere.",
                    shown(fname)
                ),
            );
        }
        match names_in(w, fname, |_, _| true) {
            Err(error) => error,
            Ok(names) => {
                for name in names {
                    let below = ap_make_full_path((*w).ptemp, fname, name.as_ptr());
                    let error = ap_dir_nofnmatch(w, below);
                    if !error.is_null() {
                        return error;
                    }
                }
                (*w).depth -= 1;
                null()
            }
        }
    }
}

/// The same for all that `fname`, below `path`, matches; any of its components may be a pattern.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_dir_fnmatch(
    w: *mut sys::ap_dir_match_t,
    path: *const c_char,
    fname: *const c_char,
) -> *const c_char {
    // SAFETY: the header asks for a live record with a function, and strings (the first may be
    // NULL).
    unsafe {
        let all = bytes(fname);
        // Behind a slash at the end there is one more, empty component: only directories match.
        let (component, rest) = match all.iter().position(|&byte| byte == b'/') {
            Some(end) => (&all[..end], Some(fname.add(end + 1))),
            None => (all, None),
        };
        let pool = Pool::from_ptr((*w).ptemp);
        let component = pool.copy(component);
        let go_on = |name: &CStr| {
            let below = if path.is_null() {
                name.as_ptr()
            } else {
                ap_make_full_path((*w).ptemp, path, name.as_ptr()).cast_const()
            };
            match rest {
                Some(rest) => ap_dir_fnmatch(w, below, rest),
                None => ap_dir_nofnmatch(w, below),
            }
        };
        if apr::apr_fnmatch_test(component.as_ptr()) == 0 {
            return go_on(component);
        }
        let directory = if path.is_null() { c".".as_ptr() } else { path };
        let matching = |name: &CStr, is_directory: bool| {
            // As in Apache, a link to a directory is none here.
            (rest.is_none() || is_directory)
                && apr::apr_fnmatch(component.as_ptr(), name.as_ptr(), apr::APR_FNM_PERIOD) == 0
        };
        match names_in(w, directory, matching) {
            Err(error) => error,
            Ok(names) if names.is_empty() => {
                if is_optional(w) {
                    return null();
                }
                message(
                    w,
                    &format!(
                        "No matches for the wildcard '{}' in '{}', failing",
                        component.to_string_lossy(),
                        shown(directory)
                    ),
                )
            }
            Ok(names) => names
                .iter()
                .map(|name| go_on(name))
                .find(|error| !error.is_null())
                .unwrap_or(null()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{ffi::c_void, fs, path::Path};

    use super::*;

    /// Notes what the walk calls back for.
    unsafe extern "C" fn note(w: *mut sys::ap_dir_match_t, name: *const c_char) -> *const c_char {
        // SAFETY: `walk` points the context at its list, which it does not touch meanwhile.
        unsafe { (*(*w).ctx.cast::<Vec<String>>()).push(shown(name).into_owned()) };
        null()
    }

    /// The names that match `pattern` below `root`, relative to it, or the message.
    fn walk(root: &Path, pattern: &str, flags: u32) -> Result<Vec<String>, String> {
        let mut found: Vec<String> = Vec::new();
        let directory = CString::new(root.to_str().unwrap()).unwrap();
        let pattern = CString::new(pattern).unwrap();
        // SAFETY: the record and its strings outlive the walk, the pool is destroyed after the
        // message was copied.
        let error = unsafe {
            assert_eq!(sys::apr_initialize(), 0);
            let mut pool = null_mut();
            let status = sys::apr_pool_create_ex(&raw mut pool, null_mut(), None, null_mut());
            assert_eq!(status, 0);
            let mut w: sys::ap_dir_match_t = std::mem::zeroed();
            (w.p, w.ptemp) = (pool, pool);
            w.cb = Some(note);
            w.ctx = (&raw mut found).cast::<c_void>();
            w.flags = flags as c_int;
            let error = ap_dir_fnmatch(&raw mut w, directory.as_ptr(), pattern.as_ptr());
            let error = (!error.is_null()).then(|| shown(error).into_owned());
            sys::apr_pool_destroy(pool);
            error
        };
        let prefix = format!("{}/", root.display());
        let relative = |name: &String| name.strip_prefix(&prefix).unwrap().to_owned();
        error.map_or_else(|| Ok(found.iter().map(relative).collect()), Err)
    }

    #[test]
    fn patterns_find_files_and_the_optional_may_be_missing() {
        let root = std::env::temp_dir().join(format!("httpd-rs-walk-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("sites/deep")).unwrap();
        for file in ["b.conf", "a.conf", ".c.conf", "deep/d.conf"] {
            fs::write(root.join("sites").join(file), "").unwrap();
        }
        std::os::unix::fs::symlink("sites", root.join("link")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("sites/dangling.conf")).unwrap();

        let (needed, optional) = (sys::AP_DIR_FLAG_NONE, sys::AP_DIR_FLAG_OPTIONAL);
        let found = |names: &[&str]| Ok(names.iter().map(|&name| name.to_owned()).collect());
        let files = ["sites/a.conf", "sites/b.conf"];
        assert_eq!(walk(&root, "sites/*.conf", optional), found(&files));
        assert_eq!(
            walk(&root, "*/[ab].conf", needed),
            found(&files),
            "a link to a directory does not match within a path"
        );
        assert_eq!(walk(&root, "*/", needed), found(&["sites/"]));
        let recursive = optional | sys::AP_DIR_FLAG_RECURSIVE;
        assert_eq!(
            walk(&root, "sites/d*", recursive),
            found(&["sites/deep/d.conf"])
        );
        for missing in ["none/*.conf", "none/x.conf", "sites/dangling.conf", "x*"] {
            assert_eq!(walk(&root, missing, optional), found(&[]), "{missing}");
        }
        let message = walk(&root, "none/*.conf", needed).unwrap_err();
        assert!(
            message.starts_with("Could not open directory "),
            "{message}"
        );
        let message = walk(&root, "x*", needed).unwrap_err();
        assert!(
            message.starts_with("No matches for the wildcard 'x*' in "),
            "{message}"
        );
        fs::remove_dir_all(&root).unwrap();
    }
}
