//! The log level of each module: `struct ap_logconf` and who asks for it.
//!
//! A connection or request may carry levels of its own (`LogLevel` in `<Directory>`, `<If>`); where
//! it has none, its server's hold.

use std::{
    ffi::{CStr, c_char, c_int},
    mem::size_of,
    ptr::null,
};

use httpd_sys::{self as sys, ap_logconf, conn_rec, request_rec, server_rec};

use crate::log::line;

exports! {
    ap_get_server_module_loglevel, ap_get_conn_module_loglevel, ap_get_conn_server_module_loglevel,
    ap_get_request_module_loglevel, ap_set_module_loglevel, ap_reset_module_loglevels,
    ap_new_log_config, ap_parse_log_level,
}

/// A level that was not set: the server's own holds.
const UNSET: c_int = sys::APLOG_NO_MODULE - 1;

/// How many modules can be told apart: an array of levels has a place for each.
const PLACES: usize = crate::modules::MAX_MODULES;

/// The level of the module with this index, or the common one.
///
/// # Safety
/// `levels` is live, and its array, if any, has `PLACES` entries.
unsafe fn level_of(levels: *const ap_logconf, index: c_int) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        let array = (*levels).module_levels;
        match usize::try_from(index) {
            Ok(index) if index < PLACES && !array.is_null() => match c_int::from(*array.add(index))
            {
                level if level >= 0 => level,
                _ => (*levels).level,
            },
            _ => (*levels).level,
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_server_module_loglevel(s: *const server_rec, i: c_int) -> c_int {
    // SAFETY: the header asks for a live server.
    unsafe { level_of(&raw const (*s).log, i) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_conn_module_loglevel(c: *const conn_rec, i: c_int) -> c_int {
    // SAFETY: the header asks for a live connection, which keeps its server alive.
    unsafe {
        let own = (*c).log;
        level_of(
            if own.is_null() {
                &raw const (*(*c).base_server).log
            } else {
                own
            },
            i,
        )
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_conn_server_module_loglevel(
    c: *const conn_rec,
    s: *const server_rec,
    i: c_int,
) -> c_int {
    // SAFETY: as above, and `s` is live.
    unsafe {
        let own = (*c).log;
        let inherited = own.is_null() || own == &raw const (*(*c).base_server).log;
        level_of(if inherited { &raw const (*s).log } else { own }, i)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_request_module_loglevel(r: *const request_rec, i: c_int) -> c_int {
    // SAFETY: the header asks for a live request, which keeps its connection and server alive.
    unsafe {
        let levels = match ((*r).log, (*(*r).connection).log) {
            (own, _) if !own.is_null() => own,
            (_, connection) if !connection.is_null() => connection,
            _ => &raw const (*(*r).server).log,
        };
        level_of(levels, i)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_module_loglevel(
    pool: *mut sys::apr_pool_t,
    levels: *mut ap_logconf,
    index: c_int,
    level: c_int,
) {
    let Ok(index) = usize::try_from(index) else {
        return;
    };
    if index >= PLACES {
        return;
    }
    // SAFETY: the header asks for a live pool and record; the array has `PLACES` bytes.
    unsafe {
        if (*levels).module_levels.is_null() {
            let array = sys::apr_palloc(pool, PLACES).cast::<i8>();
            array.write_bytes(UNSET as u8, PLACES);
            (*levels).module_levels = array;
        }
        *(*levels).module_levels.add(index) = level as i8;
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_reset_module_loglevels(levels: *mut ap_logconf, level: c_int) {
    // SAFETY: the header asks for a live record; the array has `PLACES` bytes.
    unsafe {
        if !(*levels).module_levels.is_null() {
            (*levels).module_levels.write_bytes(level as u8, PLACES);
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_new_log_config(
    pool: *mut sys::apr_pool_t,
    old: *const ap_logconf,
) -> *mut ap_logconf {
    // SAFETY: the header asks for a live pool; `old` is NULL or a live record.
    unsafe {
        let new = sys::apr_palloc(pool, size_of::<ap_logconf>()).cast::<ap_logconf>();
        new.write(ap_logconf {
            module_levels: std::ptr::null_mut(),
            level: UNSET,
        });
        if !old.is_null() {
            (*new).level = (*old).level;
            if !(*old).module_levels.is_null() {
                (*new).module_levels =
                    sys::apr_pmemdup(pool, (*old).module_levels.cast(), PLACES).cast();
            }
        }
        new
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_parse_log_level(
    name: *const c_char,
    level: *mut c_int,
) -> *const c_char {
    const HELP: &CStr =
        c"Log level keyword must be one of emerg/alert/crit/error/warn/notice/info/\
        debug/trace1/.../trace8";
    // SAFETY: the header asks for a NUL-terminated name or NULL, and a place for the answer.
    unsafe {
        let found = (!name.is_null())
            .then(|| CStr::from_ptr(name).to_str().ok().and_then(line::level_of))
            .flatten();
        match found {
            Some(found) => {
                level.write(found);
                null()
            }
            None => HELP.as_ptr(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use super::*;

    #[test]
    fn a_module_has_its_own_level_or_the_common_one() {
        // SAFETY: a pool of the test's own; the records live in it.
        unsafe {
            assert_eq!(sys::apr_initialize(), 0);
            let mut pool = null_mut();
            assert_eq!(
                sys::apr_pool_create_ex(&mut pool, null_mut(), None, null_mut()),
                0
            );
            let levels = ap_new_log_config(pool, null());
            (*levels).level = 4;
            ap_set_module_loglevel(pool, levels, 3, 7);
            assert_eq!(level_of(levels, 3), 7);
            assert_eq!(level_of(levels, 2), 4);
            assert_eq!(level_of(levels, -1), 4);
            let copy = ap_new_log_config(pool, levels);
            ap_reset_module_loglevels(levels, UNSET);
            assert_eq!(level_of(levels, 3), 4);
            assert_eq!(level_of(copy, 3), 7);
            sys::apr_pool_destroy(pool);
        }
    }
}
