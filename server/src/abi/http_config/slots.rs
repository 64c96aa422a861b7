//! Commands that modules put into their tables as they are (`ap_set_*_slot`), and what a command
//! asks about its place.

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    mem::size_of,
    ptr::null,
};

use httpd_sys::{self as sys, ap_dir_match_t, ap_directive_t, cmd_parms};

use super::pool_text;

exports! {
    ap_set_string_slot, ap_set_string_slot_lower, ap_set_int_slot, ap_set_flag_slot,
    ap_set_flag_slot_char, ap_set_file_slot, ap_set_deprecated, ap_method_is_limited,
    ap_check_cmd_context, ap_dir_cfgmatch, ap_pool_cleanup_set_null,
}

/// The member of a module's structure that the command table names.
///
/// # Safety
/// `cmd->info` is the offset of a `T` in `*conf`.
unsafe fn slot<T>(cmd: *const cmd_parms, conf: *mut c_void) -> *mut T {
    // SAFETY: the caller's promise.
    unsafe { conf.cast::<u8>().add((*cmd).info as usize).cast() }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_string_slot(
    cmd: *mut cmd_parms,
    struct_ptr: *mut c_void,
    arg: *const c_char,
) -> *const c_char {
    // SAFETY: the table names the offset of a string.
    unsafe { *slot(cmd, struct_ptr) = arg };
    null()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_string_slot_lower(
    cmd: *mut cmd_parms,
    struct_ptr: *mut c_void,
    arg: *const c_char,
) -> *const c_char {
    // SAFETY: as above; a word is a copy of its own, which the command may change.
    unsafe {
        let mut at = arg.cast_mut().cast::<u8>();
        while *at != 0 {
            (*at).make_ascii_lowercase();
            at = at.add(1);
        }
        *slot(cmd, struct_ptr) = arg;
    }
    null()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_int_slot(
    cmd: *mut cmd_parms,
    struct_ptr: *mut c_void,
    arg: *const c_char,
) -> *const c_char {
    // SAFETY: the table names the offset of an int.
    unsafe {
        let Some(number) = integer(CStr::from_ptr(arg).to_bytes()) else {
            let name = super::lossy((*(*cmd).cmd).name);
            let text = format!("Invalid value for directive {name}, expected integer");
            return pool_text((*cmd).pool, text);
        };
        *slot(cmd, struct_ptr) = number;
    }
    null()
}

/// A decimal number with white space and a sign before it, as `strtol` reads it.
fn integer(text: &[u8]) -> Option<c_int> {
    let lead = text
        .iter()
        .take_while(|&&b| crate::config::line::is_space(b))
        .count();
    std::str::from_utf8(&text[lead..]).ok()?.parse().ok()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_flag_slot(
    cmd: *mut cmd_parms,
    struct_ptr: *mut c_void,
    arg: c_int,
) -> *const c_char {
    // SAFETY: the table names the offset of an int.
    unsafe { *slot(cmd, struct_ptr) = c_int::from(arg != 0) };
    null()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_flag_slot_char(
    cmd: *mut cmd_parms,
    struct_ptr: *mut c_void,
    arg: c_int,
) -> *const c_char {
    // SAFETY: the table names the offset of a char.
    unsafe { *slot(cmd, struct_ptr) = c_char::from(arg != 0) };
    null()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_file_slot(
    cmd: *mut cmd_parms,
    struct_ptr: *mut c_void,
    arg: *const c_char,
) -> *const c_char {
    // SAFETY: the table names the offset of a string.
    unsafe {
        let path = super::paths::ap_server_root_relative((*cmd).pool, arg);
        *slot(cmd, struct_ptr) = path;
        if path.is_null() {
            let name = super::lossy((*(*cmd).cmd).name);
            let text = format!("{name}: Invalid file path '{}'", super::lossy(arg));
            return pool_text((*cmd).pool, text);
        }
    }
    null()
}

/// The command of a directive that is gone: the table's usage text says what to use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_deprecated(
    cmd: *mut cmd_parms,
    _struct_ptr: *mut c_void,
    _arg: *const c_char,
) -> *const c_char {
    // SAFETY: `cmd` is filled in while a command runs.
    unsafe { (*(*cmd).cmd).errmsg }
}

/// Whether a method is one of those that the enclosing `<Limit>` lists.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_method_is_limited(cmd: *mut cmd_parms, method: *const c_char) -> c_int {
    // SAFETY: the header asks for filled-in parameters and a name; the array holds strings.
    unsafe {
        let number = sys::ap_method_number_of(method);
        if number != sys::M_INVALID as c_int {
            let Ok(number @ 0..64) = u32::try_from(number) else {
                return 0;
            };
            return c_int::from((*cmd).limited & (1_i64 << number) != 0);
        }
        let others = (*cmd).limited_xmethods;
        if others.is_null() {
            return 0;
        }
        let method = CStr::from_ptr(method);
        let names = (*others).elts.cast::<*const c_char>();
        let found =
            (0..(*others).nelts as usize).any(|at| CStr::from_ptr(*names.add(at)) == method);
        c_int::from(found)
    }
}

/// Whether a command stands where it may not; NULL or an error text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_check_cmd_context(
    cmd: *mut cmd_parms,
    forbidden: u32,
) -> *const c_char {
    // SAFETY: the header asks for filled-in parameters while the command runs.
    unsafe {
        let name = CStr::from_ptr((*(*cmd).cmd).name).to_bytes();
        let bracket = if name.first() == Some(&b'<') && name.last() != Some(&b'>') {
            &b">"[..]
        } else {
            b""
        };
        let cannot = |place: &[u8]| {
            let text = [name, bracket, b" cannot occur within ", place].concat();
            pool_text((*cmd).pool, text).cast_const()
        };
        let has = |places: u32| forbidden & places != 0;
        let within = |sections: &[&[u8]]| enclosing((*cmd).directive, sections);

        if has(sys::NOT_IN_VIRTUALHOST) && (*(*cmd).server).is_virtual != 0 {
            return cannot(b"<VirtualHost> section");
        }
        if has(sys::NOT_IN_LIMIT) && within(&[b"<Limit", b"<LimitExcept"]).is_some() {
            return cannot(b"<Limit> or <LimitExcept> section");
        }
        if has(sys::NOT_IN_HTACCESS) && (*cmd).pool == (*cmd).temp_pool {
            return cannot(b"htaccess files");
        }
        if forbidden & sys::NOT_IN_DIR_CONTEXT == sys::NOT_IN_DIR_CONTEXT && !(*cmd).path.is_null()
        {
            return cannot(b"directory context");
        }
        let kinds: [(u32, &[&[u8]]); 4] = [
            (sys::NOT_IN_DIRECTORY, &[b"<Directory", b"<DirectoryMatch"]),
            (sys::NOT_IN_LOCATION, &[b"<Location", b"<LocationMatch"]),
            (
                sys::NOT_IN_FILES,
                &[b"<Files", b"<FilesMatch", b"<If", b"<ElseIf", b"<Else"],
            ),
            (sys::NOT_IN_PROXY, &[b"<Proxy", b"<ProxyMatch"]),
        ];
        for (kind, sections) in kinds {
            if has(kind)
                && let Some(section) = within(sections)
            {
                return cannot(&[section, b"> section"].concat());
            }
        }
    }
    null()
}

/// The name of the nearest of these sections around a directive.
///
/// # Safety
/// `directive` is NULL or a node of a live tree.
unsafe fn enclosing<'a>(directive: *const ap_directive_t, sections: &[&[u8]]) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    unsafe {
        let mut at = directive;
        while !at.is_null() && !(*at).parent.is_null() {
            at = (*at).parent;
            let name = CStr::from_ptr((*at).directive).to_bytes();
            if sections
                .iter()
                .any(|section| section.eq_ignore_ascii_case(name))
            {
                return Some(name);
            }
        }
    }
    None
}

/// What `ap_dir_fnmatch` takes, made from a command: files and directories for `cb`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_dir_cfgmatch(
    cmd: *mut cmd_parms,
    flags: c_int,
    cb: Option<unsafe extern "C" fn(w: *mut ap_dir_match_t, fname: *const c_char) -> *const c_char>,
    ctx: *mut c_void,
) -> *mut ap_dir_match_t {
    // SAFETY: the header asks for filled-in parameters; the memory is as large as the record.
    unsafe {
        let name = CStr::from_ptr((*(*cmd).cmd).name).to_bytes();
        let prefix = CString::new([name, b": "].concat()).unwrap_or_default();
        let w =
            sys::apr_palloc((*cmd).temp_pool, size_of::<ap_dir_match_t>()).cast::<ap_dir_match_t>();
        w.write(ap_dir_match_t {
            p: (*cmd).pool,
            ptemp: (*cmd).temp_pool,
            prefix: sys::apr_pstrdup((*cmd).pool, prefix.as_ptr()),
            cb,
            ctx,
            flags,
            depth: 0,
        });
        w
    }
}

/// A pool cleanup that sets a pointer to NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_pool_cleanup_set_null(data: *mut c_void) -> sys::apr_status_t {
    // SAFETY: the header asks for the address of a pointer.
    unsafe { *data.cast::<*mut c_void>() = std::ptr::null_mut() };
    0
}

#[cfg(test)]
mod tests {
    use std::{mem::zeroed, ptr::null_mut};

    use super::*;
    use crate::abi::http_config::testing::with_pool;

    #[test]
    fn numbers_are_read_as_strtol_reads_them() {
        assert_eq!(integer(b" +12"), Some(12));
        assert_eq!(integer(b"-3"), Some(-3));
        assert_eq!(integer(b"3x"), None);
        assert_eq!(integer(b""), None);
        assert_eq!(integer(b"99999999999999999999"), None);
    }

    #[test]
    fn slots_are_set_and_contexts_checked() {
        // SAFETY: the records are filled in as commands find them.
        with_pool(|pool| unsafe {
            #[repr(C)]
            struct Conf {
                text: *const c_char,
                number: c_int,
                flag: c_char,
            }
            let mut conf: Conf = zeroed();
            let conf_ptr = (&raw mut conf).cast::<c_void>();
            let mut server: sys::server_rec = zeroed();
            let mut command: sys::command_rec = zeroed();
            command.name = c"Foo".as_ptr();
            let mut parms: cmd_parms = zeroed();
            parms.pool = pool;
            parms.server = &mut server;
            parms.cmd = &command;
            parms.info = std::mem::offset_of!(Conf, number) as *mut c_void;
            assert!(ap_set_int_slot(&mut parms, conf_ptr, c"42".as_ptr()).is_null());
            let error = ap_set_int_slot(&mut parms, conf_ptr, c"x".as_ptr());
            assert_eq!(
                CStr::from_ptr(error),
                c"Invalid value for directive Foo, expected integer"
            );
            parms.info = std::mem::offset_of!(Conf, flag) as *mut c_void;
            assert!(ap_set_flag_slot_char(&mut parms, conf_ptr, 7).is_null());
            parms.info = null_mut();
            let word = pool_text(pool, "AbC");
            assert!(ap_set_string_slot_lower(&mut parms, conf_ptr, word).is_null());
            assert_eq!(
                (CStr::from_ptr(conf.text), conf.number, conf.flag),
                (c"abc", 42, 1)
            );

            let mut section: ap_directive_t = zeroed();
            section.directive = c"<Files".as_ptr();
            let mut directive: ap_directive_t = zeroed();
            directive.parent = &mut section;
            parms.directive = &mut directive;
            let error = ap_check_cmd_context(&mut parms, sys::NOT_IN_FILES);
            assert_eq!(
                CStr::from_ptr(error),
                c"Foo cannot occur within <Files> section"
            );
            assert!(ap_check_cmd_context(&mut parms, sys::NOT_IN_DIRECTORY).is_null());
            let error = ap_check_cmd_context(&mut parms, sys::NOT_IN_HTACCESS);
            assert!(error.is_null());
            parms.temp_pool = pool;
            let error = ap_check_cmd_context(&mut parms, sys::NOT_IN_HTACCESS);
            assert_eq!(
                CStr::from_ptr(error),
                c"Foo cannot occur within htaccess files"
            );
            (*parms.server).is_virtual = 1;
            let error = ap_check_cmd_context(&mut parms, sys::GLOBAL_ONLY);
            assert_eq!(
                CStr::from_ptr(error),
                c"Foo cannot occur within <VirtualHost> section"
            );
        });
    }
}
