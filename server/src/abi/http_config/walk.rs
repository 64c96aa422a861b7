//! Executing a directive tree: `ap_walk_config`, and what it needs to know where results go.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::null,
};

use httpd_sys::{self as sys, ap_conf_vector_t, ap_directive_t, apr_pool_t, cmd_parms, module};

use super::{fault, invoke, pool_text, registry, vectors};
use crate::crash::trail::{Kind, Place, Step, Subject};

exports! { ap_walk_config, ap_set_config_vectors, ap_process_config_tree }

/// Runs the commands of a list of directives on the vector `section_vector`. Sections' own commands
/// call this again for what they hold.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_walk_config(
    conftree: *mut ap_directive_t,
    parms: *mut cmd_parms,
    section_vector: *mut ap_conf_vector_t,
) -> *const c_char {
    // SAFETY: the header asks for a tree, filled-in parameters and a vector.
    unsafe {
        let before = (*parms).context;
        (*parms).context = section_vector;
        let mut error: *const c_char = null();
        let mut current = conftree;
        while !current.is_null() && error.is_null() {
            (*parms).directive = current;
            error = run_directive(current, parms, section_vector);
            current = (*current).next;
        }
        (*parms).context = before;
        error
    }
}

/// What a crash in a command belongs to.
static DIRECTIVE: Place = Place::call(Kind::Directive, "the function of a directive");

/// Runs the commands that any module has for a directive.
///
/// # Safety
/// As `ap_walk_config`.
unsafe fn run_directive(
    current: *mut ap_directive_t,
    parms: *mut cmd_parms,
    vector: *mut ap_conf_vector_t,
) -> *const c_char {
    // SAFETY: the caller's promise. A command may add modules, so the list is not borrowed while
    // one runs.
    unsafe {
        let name = CStr::from_ptr((*current).directive).to_bytes();
        let mut index = 0;
        while let Some(&(m, cmd)) = registry::commands_named(name).get(index) {
            index += 1;
            if (*cmd).req_override & sys::EXEC_ON_READ as c_int != 0 {
                // It ran when it was read.
                continue;
            }
            let config =
                ap_set_config_vectors((*parms).server, vector, (*parms).path, m, (*parms).pool);
            let step = Step::of(&DIRECTIVE, (*m).name, Subject::None);
            let on = step.enter();
            let answer = invoke::invoke(cmd, parms, config, (*current).args);
            drop(on);
            if invoke::is_error(answer) {
                // An error within a section has been given its place already.
                if (*parms).err_directive.is_null() {
                    (*parms).err_directive = current;
                }
                return answer;
            }
        }
        if index > 0 {
            return null();
        }
        let shown = String::from_utf8_lossy(name);
        if (*parms).override_ & sys::NONFATAL_UNKNOWN as c_int != 0 {
            let text = format!(
                "AH02296: Unknown directive {shown} perhaps misspelled or defined by a module not \
                 included in the server configuration"
            );
            super::log((*parms).temp_pool, sys::APLOG_WARNING, 0, &text);
            return null();
        }
        (*parms).err_directive = current;
        let text = format!(
            "Invalid command '{shown}', perhaps misspelled or defined by a module not included in \
             the server configuration"
        );
        pool_text((*parms).pool, text)
    }
}

/// A module's configuration of a section, which it creates if there is none yet; so for its
/// configuration of the server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_config_vectors(
    server: *mut sys::server_rec,
    section_vector: *mut ap_conf_vector_t,
    section: *const c_char,
    m: *mut module,
    pconf: *mut apr_pool_t,
) -> *mut c_void {
    // SAFETY: the header asks for live objects; the module is in the list, so it has an index.
    unsafe {
        let mut config = vectors::ap_get_module_config(section_vector, m);
        if config.is_null()
            && let Some(create) = (*m).create_dir_config
        {
            config = create(pconf, section.cast_mut());
            vectors::ap_set_module_config(section_vector, m, config);
        }
        let of_server = (*server).module_config;
        if vectors::ap_get_module_config(of_server, m).is_null()
            && let Some(create) = (*m).create_server_config
        {
            vectors::ap_set_module_config(of_server, m, create(pconf, server));
        }
        config
    }
}

/// Runs the whole configuration on the main server; errors are printed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_process_config_tree(
    s: *mut sys::server_rec,
    conftree: *mut ap_directive_t,
    p: *mut apr_pool_t,
    ptemp: *mut apr_pool_t,
) -> c_int {
    // SAFETY: the header asks for the server, its tree and live pools.
    unsafe {
        // All modules but those with reserved slots are known now: vectors need be no longer.
        vectors::fit(registry::slots());
        let mut parms = super::read::server_parms(p, ptemp, s);
        let error = ap_walk_config(conftree, &mut parms, (*s).lookup_defaults);
        if error.is_null() {
            return sys::OK as c_int;
        }
        fault::report(p, &parms, error);
        sys::HTTP_INTERNAL_SERVER_ERROR as c_int
    }
}
