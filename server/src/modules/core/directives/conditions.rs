//! Directives that decide while the configuration is read: `<IfModule>` and its kin, `Define`,
//! `UnDefine`, `Error`, `Include`.

use std::{
    ffi::{CStr, c_void},
    mem::transmute,
    ptr::null_mut,
};

use httpd_sys as sys;

use super::{missing_argument, section_arguments};
use crate::{
    modules::{
        core::{
            command::{Cmd, Outcome, answer, shown},
            defines,
        },
        mpm,
    },
    mpm::kind::Kind,
};

/// What a conditional container asks for; the number in its row.
pub(in crate::modules::core) mod kind {
    pub(in crate::modules::core) const MODULE: usize = 0;
    pub(in crate::modules::core) const DEFINE: usize = 1;
    pub(in crate::modules::core) const FILE: usize = 2;
    pub(in crate::modules::core) const DIRECTIVE: usize = 3;
    pub(in crate::modules::core) const SECTION: usize = 4;
}

/// How deep configuration files may include each other.
const MAX_INCLUDE_DEPTH: u32 = 128;

/// `<IfModule>`, `<IfDefine>`, `<IfFile>`, `<IfDirective>`, `<IfSection>`: the content is read into
/// the tree, or skipped.
pub(in crate::modules::core) fn conditional(cmd: Cmd<'_>, line: &CStr) -> Outcome {
    let mut arguments = section_arguments(cmd, line)?;
    let negated = arguments.to_bytes().first() == Some(&b'!');
    if negated {
        arguments = cmd.temp_pool().copy(&arguments.to_bytes()[1..]);
    }
    let asked = cmd.word(&mut arguments);
    if asked.is_empty() {
        return Err(missing_argument(cmd));
    }
    let wanted = holds(cmd, asked) != negated;

    // The engine passes the place of the tree instead of a configuration record while it reads.
    let place = cmd.conf_ptr().cast::<*mut sys::ap_directive_t>();
    let name = cmd.row().name.cast_mut();
    // SAFETY: the engine reads a file; the place is writable and the command is live.
    unsafe {
        if wanted {
            let (mut current, mut parent) = (null_mut(), null_mut());
            let parms = cmd.as_ptr();
            let outcome = answer(sys::ap_build_cont_config(
                (*parms).pool,
                (*parms).temp_pool,
                parms,
                &mut current,
                &mut parent,
                name,
            ));
            *place = current;
            outcome
        } else {
            *place = null_mut();
            answer(sys::ap_soak_end_container(cmd.as_ptr(), name))
        }
    }
}

/// Whether the condition of the container holds.
fn holds(cmd: Cmd<'_>, asked: &CStr) -> bool {
    let temp = cmd.temp_pool();
    // SAFETY: the configuration is being read, single-threaded; strings live as long as the pool.
    unsafe {
        match cmd.data() {
            kind::MODULE => !find_module(cmd.server(), asked).is_null(),
            kind::DEFINE => defines::exists(asked),
            kind::FILE => {
                let path = sys::ap_server_root_relative(temp.as_ptr(), asked.as_ptr());
                let mut found: sys::apr_finfo_t = std::mem::zeroed();
                !path.is_null()
                    && sys::apr_stat(&mut found, path, sys::APR_FINFO_MIN as i32, temp.as_ptr())
                        == 0
            }
            kind::DIRECTIVE => sys::ap_exists_directive(temp.as_ptr(), asked.as_ptr()) != 0,
            kind::SECTION => {
                let name = temp.copy([b"<", asked.to_bytes()].concat());
                sys::ap_exists_directive(temp.as_ptr(), name.as_ptr()) != 0
            }
            _ => false,
        }
    }
}

/// A module by the name of its source (`mod_so.c`) or of its structure (`so_module`); NULL when it
/// is not there.
///
/// # Safety
/// The server is live, and no module is added meanwhile.
pub(in crate::modules::core) unsafe fn find_module(
    server: *mut sys::server_rec,
    name: &CStr,
) -> *mut sys::module {
    /// `ap_find_loaded_module_symbol` of mod_so.h.
    type FindLoaded =
        unsafe extern "C" fn(*mut sys::server_rec, *const std::ffi::c_char) -> *mut sys::module;
    // SAFETY: the list of static modules ends with a nameless entry; the optional function has the
    // type that mod_so.h declares.
    unsafe {
        let found = sys::ap_find_linked_module(name.as_ptr());
        if !found.is_null() {
            return found;
        }
        let mut entry =
            (&raw const sys::ap_prelinked_module_symbols).cast::<sys::ap_module_symbol_t>();
        while !(*entry).name.is_null() {
            if CStr::from_ptr((*entry).name) == name {
                return (*entry).modp;
            }
            entry = entry.add(1);
        }
        // Modules are loaded into the main server, which is known but for what is executed while the
        // file is read; a virtual host has none of its own.
        let server = if sys::ap_server_conf.is_null() {
            server
        } else {
            sys::ap_server_conf
        };
        match sys::apr_dynamic_fn_retrieve(c"ap_find_loaded_module_symbol".as_ptr()) {
            Some(function) => {
                transmute::<unsafe extern "C" fn(), FindLoaded>(function)(server, name.as_ptr())
            }
            None => null_mut(),
        }
    }
}

/// The name whose value chooses the MPM.
const MPM: &CStr = c"MPM";

/// `Define name [value]`
pub(in crate::modules::core) fn define(cmd: Cmd<'_>, name: &CStr, value: Option<&CStr>) -> Outcome {
    cmd.not_in(sys::NOT_IN_HTACCESS)?;
    if name.to_bytes().contains(&b':') {
        return Err("Variable name must not contain ':'".into());
    }
    // SAFETY: the configuration is being read, single-threaded.
    unsafe { defines::define(cmd.pool().as_ptr(), name, value) };
    if name == MPM
        && let Some(value) = value
    {
        let kind = Kind::named(&value.to_string_lossy())?;
        // SAFETY: as above; the configuration lives in this pool.
        unsafe { mpm::ask(kind, cmd.pool().as_ptr()) }?;
    }
    Ok(())
}

/// `UnDefine name`
pub(in crate::modules::core) fn undefine(cmd: Cmd<'_>, name: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_HTACCESS)?;
    if name.to_bytes().contains(&b':') {
        return Err("Variable name must not contain ':'".into());
    }
    // SAFETY: as above.
    unsafe { defines::undefine(cmd.pool().as_ptr(), name) };
    Ok(())
}

/// `Error message`: stops with the message.
pub(in crate::modules::core) fn error(_: Cmd<'_>, message: &CStr) -> Outcome {
    let text = message.to_bytes();
    if text.is_empty() {
        return Err("The Error directive was used with no message.".into());
    }
    let unquoted = match text {
        [first @ (b'"' | b'\''), within @ .., last] if first == last => within,
        _ => text,
    };
    Err(String::from_utf8_lossy(unquoted).into_owned().into())
}

/// `Include` and `IncludeOptional` (row number 1): reads other files into the tree.
pub(in crate::modules::core) fn include(cmd: Cmd<'_>, name: &CStr) -> Outcome {
    /// The depth is kept with the pool under this name, where a dump of the includes looks too.
    const DEPTH: &CStr = c"ap_include_sentinel";
    let pool = cmd.pool();
    // SAFETY: the configuration is being read; the counter lives in its pool; the engine passes
    // the place of the tree.
    unsafe {
        let mut data: *mut c_void = null_mut();
        sys::apr_pool_userdata_get(&mut data, DEPTH.as_ptr(), pool.as_ptr());
        if data.is_null() {
            data = pool.zeroed::<u32>().cast();
            sys::apr_pool_userdata_setn(data, DEPTH.as_ptr(), None, pool.as_ptr());
        }
        let depth = data.cast::<u32>();
        *depth += 1;
        let outcome = if *depth > MAX_INCLUDE_DEPTH {
            Err(format!(
                "Exceeded maximum include depth of {MAX_INCLUDE_DEPTH}, There appears to be a \
                 recursion."
            )
            .into())
        } else {
            read_files(cmd, name)
        };
        *depth = if outcome.is_err() {
            0
        } else {
            (*depth).saturating_sub(1)
        };
        outcome
    }
}

/// Reads the files a name or pattern stands for.
///
/// # Safety
/// As `include`.
unsafe fn read_files(cmd: Cmd<'_>, name: &CStr) -> Outcome {
    // SAFETY: the caller's promise.
    unsafe {
        let parms = cmd.as_ptr();
        let path = sys::ap_server_root_relative((*parms).pool, name.as_ptr());
        if path.is_null() {
            return Err(format!("Invalid Include path {}", shown(name)).into());
        }
        let mut tree = null_mut();
        answer(sys::ap_process_fnmatch_configs(
            (*parms).server,
            path,
            &mut tree,
            (*parms).pool,
            (*parms).temp_pool,
            cmd.data() as i32,
        ))?;
        *cmd.conf_ptr().cast::<*mut sys::ap_directive_t>() = tree;
        Ok(())
    }
}
