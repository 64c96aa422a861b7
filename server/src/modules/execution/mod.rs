//! `execution_module`: the directive `ModuleExecution`, and the handler `httpd-rs-status`, which shows
//! what is known of who blocks (`hooks::kinds`). Ours; Apache has nothing like it.

mod render;
mod status;

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::null,
};

use httpd_sys::{self as sys, cmd_parms};
use module_sdk::raw::Pool;

use super::table::{self, Commands};
use crate::{
    config::explain,
    hooks::execution::{self, Mode},
    mpm,
};

/// The module.
#[unsafe(no_mangle)]
pub static mut execution_module: sys::module = sys::module {
    cmds: COMMANDS.as_ptr(),
    register_hooks: Some(register_hooks),
    ..table::module(c"mod_execution.c")
};

static COMMANDS: Commands<2> = Commands([
    table::take2(
        c"ModuleExecution",
        module_execution,
        sys::RSRC_CONF,
        c"A module (mod_x.c) and where its calls run: auto (as measured), inline (on the reactor) or offload (on threads that may block)",
    ),
    table::END,
]);

unsafe extern "C" fn register_hooks(_pool: *mut sys::apr_pool_t) {
    let middle = sys::APR_HOOK_MIDDLE as c_int;
    // SAFETY: called while hooks are registered.
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

/// `ModuleExecution mod_x.c auto|inline|offload`.
unsafe extern "C" fn module_execution(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    module: *const c_char,
    mode: *const c_char,
) -> *const c_char {
    // SAFETY: the engine passes its live record and strings.
    unsafe {
        let refusal = sys::ap_check_cmd_context(cmd, sys::GLOBAL_ONLY);
        if !refusal.is_null() {
            return refusal;
        }
        let pool = Pool::from_ptr((*cmd).pool);
        let (module, mode) = (CStr::from_ptr(module), CStr::from_ptr(mode));
        let answer = mode_of(mode).and_then(|mode| {
            let name = find(module)?;
            let text = CStr::from_ptr(name).to_string_lossy();
            execution::set(name.addr(), &text, mode);
            Ok(())
        });
        match answer {
            Ok(()) => null(),
            Err(message) => pool.text(message).as_ptr(),
        }
    }
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
fn find(wanted: &CStr) -> Result<*const c_char, String> {
    let mut names: Vec<Vec<u8>> = Vec::new();
    // SAFETY: the list of modules is whole while the configuration is read, and their names are
    // strings.
    unsafe {
        let mut module = sys::ap_top_module;
        while !module.is_null() {
            let name = CStr::from_ptr((*module).name);
            let short = super::short_name((*module).module_index).unwrap_or_default();
            let symbol = format!("{short}_module");
            if name == wanted || symbol.as_bytes() == wanted.to_bytes() {
                return Ok((*module).name);
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
