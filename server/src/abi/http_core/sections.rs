//! The lists of sections in the core's records: adding to them, and the order of directories.

use std::{
    cmp::Ordering,
    ffi::{c_char, c_void},
    ptr::null,
};

use httpd_sys::{self as sys, ap_conf_vector_t, core_dir_config};
use module_sdk::raw::{Array, Pool};

use crate::modules::core::{dir_config, limit_section, server_config};

exports! {
    ap_add_per_dir_conf, ap_add_per_url_conf, ap_add_file_conf, ap_add_if_conf,
    ap_core_reorder_directories, ap_limit_section,
}

/// A list of sections.
type Sections<'p> = Array<'p, *mut ap_conf_vector_t>;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_add_per_dir_conf(s: *mut sys::server_rec, section: *mut c_void) {
    // SAFETY: the header asks for a live server and a vector.
    unsafe { Sections::from_ptr((*server_config(s)).sec_dir).push(section.cast()) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_add_per_url_conf(s: *mut sys::server_rec, section: *mut c_void) {
    // SAFETY: as above.
    unsafe { Sections::from_ptr((*server_config(s)).sec_url).push(section.cast()) }
}

/// The list in a directory's record, made when the first section comes.
///
/// # Safety
/// `list` is such a field, `p` the pool of its record.
unsafe fn list_at<'p>(
    p: *mut sys::apr_pool_t,
    list: *mut *mut sys::apr_array_header_t,
) -> Sections<'p> {
    // SAFETY: the caller's promise.
    unsafe {
        if (*list).is_null() {
            *list = Pool::from_ptr(p).array::<*mut ap_conf_vector_t>(2).as_ptr();
        }
        Array::from_ptr(*list)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_add_file_conf(
    p: *mut sys::apr_pool_t,
    conf: *mut core_dir_config,
    section: *mut c_void,
) {
    // SAFETY: the header asks for a live pool, the record of a directory and a vector.
    unsafe { list_at(p, &raw mut (*conf).sec_file).push(section.cast()) }
}

/// Adds an `<If>`, `<ElseIf>` or `<Else>`; an error text when an alternative has nothing before it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_add_if_conf(
    p: *mut sys::apr_pool_t,
    conf: *mut core_dir_config,
    section: *mut c_void,
) -> *const c_char {
    // SAFETY: as above.
    unsafe {
        let list = list_at(p, &raw mut (*conf).sec_if);
        let section: *mut ap_conf_vector_t = section.cast();
        if (*dir_config(section)).condition_ifelse() & sys::AP_CONDITION_ELSE != 0 {
            let before = list.len().checked_sub(1).and_then(|last| list.get(last));
            let follows = before.is_some_and(|last| {
                (*dir_config(last)).condition_ifelse() & sys::AP_CONDITION_IF != 0
            });
            if !follows {
                return c"<Else> or <ElseIf> section without previous <If> or <ElseIf> section in same scope"
                    .as_ptr();
            }
        }
        list.push(section);
        null()
    }
}

/// Sorts a server's `<Directory>` sections: regular expressions behind all paths, among each the one
/// with fewer slashes first, and otherwise as they stand in the configuration.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_core_reorder_directories(
    _p: *mut sys::apr_pool_t,
    s: *mut sys::server_rec,
) {
    // SAFETY: the header asks for a live server; its list holds vectors with the core's records.
    unsafe {
        let list = Sections::from_ptr((*server_config(s)).sec_dir);
        if list.is_empty() {
            return;
        }
        let sections = std::slice::from_raw_parts_mut(
            (*list.as_ptr()).elts.cast::<*mut ap_conf_vector_t>(),
            list.len(),
        );
        sections.sort_by(|&left, &right| order(&*dir_config(left), &*dir_config(right)));
    }
}

/// Which section is merged first.
fn order(left: &core_dir_config, right: &core_dir_config) -> Ordering {
    let key = |conf: &core_dir_config| (!conf.r.is_null(), conf.d_components);
    key(left).cmp(&key(right))
}

/// `<Limit>`: mod_perl reads such sections by itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_limit_section(
    cmd: *mut sys::cmd_parms,
    dummy: *mut c_void,
    arg: *const c_char,
) -> *const c_char {
    // SAFETY: the header asks for what the engine passes to a command.
    unsafe { limit_section(cmd, dummy, arg) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_sorted_by_depth_with_expressions_last() {
        let record = |depth, is_expression| {
            // SAFETY: zero is a value of the record.
            let mut conf: core_dir_config = unsafe { std::mem::zeroed() };
            conf.d_components = depth;
            if is_expression {
                conf.r = std::ptr::dangling_mut();
            }
            conf
        };
        let mut sections = [
            record(2, true),
            record(3, false),
            record(0, true),
            record(0, false),
            record(2, false),
        ];
        sections.sort_by(order);
        let sorted = sections.map(|conf| (conf.d_components, !conf.r.is_null()));
        assert_eq!(
            sorted,
            [(0, false), (2, false), (3, false), (0, true), (2, true)]
        );
    }
}
