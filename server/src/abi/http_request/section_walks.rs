//! The walks over `<Location>`, `<Files>` and `<If>` sections: which of them hold for a request, in
//! the order of the configuration, merged onto its per-directory vector.

use std::ffi::{CStr, c_char, c_int};

use httpd_sys as sys;

use super::{
    merge::{self, Lasting},
    support::{CORE, bytes, copy, core_dir, core_server, elements, log_request},
    walk_cache::{NO_SECTIONS, NO_SUBJECT, Walk, sections},
};
use crate::{abi::apr, request::paths};

exports! { ap_location_walk, ap_file_walk, ap_if_walk }

const OK: c_int = sys::OK as c_int;
const ERROR: c_int = sys::HTTP_INTERNAL_SERVER_ERROR as c_int;

/// Whether a shell pattern fits.
///
/// # Safety
/// Both end with NUL.
pub(super) unsafe fn fits_pattern(pattern: *const c_char, text: *const c_char) -> bool {
    // SAFETY: the caller's promise.
    unsafe { apr::apr_fnmatch(pattern, text, apr::APR_FNM_PATHNAME) == 0 }
}

/// Whether the regular expression of a section fits `text`; its named groups become environment
/// variables of the request.
///
/// # Safety
/// `core` is the core's part of a section with an expression; `text` ends with NUL.
pub(super) unsafe fn fits_expression(
    r: *mut sys::request_rec,
    core: *const sys::core_dir_config,
    text: *const c_char,
) -> bool {
    // SAFETY: the caller's promise; groups lie within the text.
    unsafe {
        let names: &[*const c_char] = elements((*core).refs);
        let mut groups = vec![
            sys::ap_regmatch_t {
                rm_so: -1,
                rm_eo: -1
            };
            names.len()
        ];
        if sys::ap_regexec((*core).r, text, groups.len(), groups.as_mut_ptr(), 0) != 0 {
            return false;
        }
        for (name, group) in names.iter().zip(&groups) {
            if !name.is_null() && group.rm_so >= 0 && group.rm_eo >= group.rm_so {
                let value = &bytes(text)[group.rm_so as usize..group.rm_eo as usize];
                sys::apr_table_setn((*r).subprocess_env, *name, copy((*r).pool, value));
            }
        }
        true
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_location_walk(r: *mut sys::request_rec) -> c_int {
    // SAFETY: the header asks for a live request; sections do not change while the server runs.
    unsafe {
        let conf = core_server((*r).server);
        let list = sections((*conf).sec_url);
        if list.is_empty() {
            return OK;
        }
        let Some(mut walk) = Walk::begin(r, sys::AP_NOTE_LOCATION_WALK) else {
            return ERROR;
        };
        let raw = bytes((*r).uri);
        // A <Location> does not tell one slash from several, whatever MergeSlashes says.
        let (uri, uri_text) = if raw.starts_with(b"/") && paths::has_double_slash(raw) {
            let text = copy((*r).pool, &paths::merge_slashes(raw));
            (bytes(text), text.cast_const())
        } else {
            (raw, (*r).uri.cast_const())
        };
        if walk.knows(uri, list.as_ptr()) {
            if walk.is_done() {
                return OK;
            }
            walk.take_known();
        } else {
            walk.look();
            for &section in list {
                let core = core_dir(section);
                let fits = if !(*core).r.is_null() {
                    fits_expression(r, core, (*r).uri)
                } else if (*core).d_is_fnmatch() != 0 {
                    fits_pattern((*core).d, uri_text)
                } else {
                    paths::location_covers(bytes((*core).d), uri)
                };
                if fits {
                    walk.add(section, Lasting::Configuration);
                }
            }
            walk.looked();
        }
        // The URI may be changed in place later: what the record keeps is a copy.
        walk.finish(copy((*r).pool, uri), list.as_ptr());
        OK
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_file_walk(r: *mut sys::request_rec) -> c_int {
    // SAFETY: the header asks for a live request; the sections are those of its merged vector, which
    // lives as long as the request.
    unsafe {
        let list = sections((*core_dir((*r).per_dir_config)).sec_file);
        if (*r).filename.is_null() || list.is_empty() {
            return OK;
        }
        let Some(mut walk) = Walk::begin(r, sys::AP_NOTE_FILE_WALK) else {
            return ERROR;
        };
        let name_text = copy((*r).pool, paths::base(bytes((*r).filename)));
        let name = bytes(name_text);
        if walk.knows(name, list.as_ptr()) {
            if walk.is_done() {
                return OK;
            }
            walk.take_known();
        } else {
            walk.look();
            let lasting = merge::lasting(r);
            for &section in list {
                let core = core_dir(section);
                let fits = if !(*core).r.is_null() {
                    fits_expression(r, core, name_text)
                } else if (*core).d_is_fnmatch() != 0 {
                    fits_pattern((*core).d, name_text)
                } else {
                    bytes((*core).d) == name
                };
                if fits {
                    walk.add(section, lasting);
                }
            }
            walk.looked();
        }
        walk.finish(name_text, list.as_ptr());
        OK
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_if_walk(r: *mut sys::request_rec) -> c_int {
    // SAFETY: as above.
    unsafe {
        let list = sections((*core_dir((*r).per_dir_config)).sec_if);
        if list.is_empty() {
            return OK;
        }
        let Some(mut walk) = Walk::begin(r, sys::AP_NOTE_IF_WALK) else {
            return ERROR;
        };
        walk.look();
        let lasting = merge::lasting(r);
        // All that hold come before all that stand within them.
        let mut level = list.to_vec();
        while !level.is_empty() {
            level = add_true(r, &mut walk, &level, lasting);
        }
        walk.looked();
        walk.finish(NO_SUBJECT, NO_SECTIONS);
        OK
    }
}

/// Adds the sections whose conditions hold; answers those that stand within them.
///
/// # Safety
/// `r` is live, and so are the sections, each of which has a condition or is an `<Else>`.
unsafe fn add_true(
    r: *mut sys::request_rec,
    walk: &mut Walk,
    list: &[*mut sys::ap_conf_vector_t],
    lasting: Lasting,
) -> Vec<*mut sys::ap_conf_vector_t> {
    let mut within = Vec::new();
    // Whether a section of the current chain of <If>, <ElseIf>, <Else> has held.
    let mut held = false;
    for &section in list {
        // SAFETY: the caller's promise.
        unsafe {
            let core = core_dir(section);
            let kind = (*core).condition_ifelse();
            if kind & sys::AP_CONDITION_ELSE != 0 && held {
                continue;
            }
            held = kind & sys::AP_CONDITION_IF == 0 || holds(r, (*core).condition);
            if held {
                walk.add(section, lasting);
                within.extend_from_slice(sections((*core).sec_if));
            }
        }
    }
    within
}

/// Whether a condition holds; one that cannot be told is logged and does not.
///
/// # Safety
/// As above.
unsafe fn holds(r: *mut sys::request_rec, condition: *const sys::ap_expr_info_t) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let mut error = std::ptr::null();
        let answer = sys::ap_expr_exec(r, condition, &mut error);
        if answer < 0 {
            let error = if error.is_null() { c"".as_ptr() } else { error };
            let format: &CStr = c"AH00039: Failed to evaluate <If > condition: %s";
            log_request!(CORE, APLOG_ERR, 0, r, format, error);
        }
        answer > 0
    }
}
