//! The core's part in who blocks: the directive `ModuleExecution`, and the handler `httpd-rs-status`, which shows
//! what is known of who blocks (`hooks::kinds`). Ours; Apache has nothing like it.

mod render;
mod status;

use std::{
    ffi::{CStr, c_int},
    ptr::null,
};

use httpd_sys as sys;

use crate::{
    config::explain,
    hooks::execution::{self, Mode},
    mpm,
};

/// Registers hooks; part of the core module's own.
///
/// # Safety
/// Called while hooks are registered.
pub(super) unsafe fn register_hooks() {
    let middle = sys::APR_HOOK_MIDDLE as c_int;
    // SAFETY: as the caller says.
    unsafe {
        sys::ap_hook_pre_config(Some(pre_config), null(), null(), middle);
        sys::ap_hook_pre_mpm(Some(pre_mpm), null(), null(), middle);
        sys::ap_hook_handler(Some(status::handler), null(), null(), middle);
    }
}

unsafe extern "C" fn pre_config(
    _pconf: *mut sys::apr_pool_t,
    _plog: *mut sys::apr_pool_t,
    _ptemp: *mut sys::apr_pool_t,
) -> c_int {
    execution::reset();
    sys::OK as c_int
}

unsafe extern "C" fn pre_mpm(_pool: *mut sys::apr_pool_t, _kind: sys::ap_scoreboard_e) -> c_int {
    mpm::execution::share();
    sys::OK as c_int
}

/// Sets what `ModuleExecution mod_x.c auto|inline|offload` says.
pub(super) fn set(module: &CStr, mode: &CStr) -> Result<(), String> {
    let mode = mode_of(mode)?;
    let name = find(module)?;
    execution::set(name.as_ptr().addr(), &name.to_string_lossy(), mode);
    Ok(())
}

fn mode_of(word: &CStr) -> Result<Mode, String> {
    let word = word.to_string_lossy();
    let known = Mode::ALL.into_iter();
    let mut known = known.filter(|mode| mode.word().eq_ignore_ascii_case(&word));
    known.next().ok_or_else(|| {
        format!("ModuleExecution takes auto, inline or offload for a module, not \"{word}\"")
    })
}

/// The name of a loaded module, as the module has it, by its name (`mod_x.c`) or that of its structure
/// (`x_module`).
fn find(wanted: &CStr) -> Result<&'static CStr, String> {
    let mut names: Vec<Vec<u8>> = Vec::new();
    // SAFETY: the list of modules is whole while the configuration is read, and their names are
    // strings.
    unsafe {
        let mut module = sys::ap_top_module;
        while !module.is_null() {
            let name = CStr::from_ptr((*module).name);
            let short = crate::modules::short_name((*module).module_index).unwrap_or_default();
            let symbol = format!("{short}_module");
            if name == wanted || symbol.as_bytes() == wanted.to_bytes() {
                return Ok(name);
            }
            names.push(name.to_bytes().to_vec());
            module = (*module).next;
        }
    }
    let known = names.iter().map(Vec::as_slice);
    let nearest = explain::nearest_name(wanted.to_bytes(), known);
    let hint = nearest.map_or_else(String::new, |name| format!("; did you mean {name}?"));
    Err(format!(
        "no module {} is loaded{hint}",
        wanted.to_string_lossy()
    ))
}
