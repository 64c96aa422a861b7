//! `core_module`: the configuration every server has, its directives, and the hooks that serve a
//! file when no other module does.
//!
//! `config` says how settings start and merge, `table` lists the directives (`directives/` has
//! their functions), `hooks` and `handler` answer requests. Connections and their filters are not
//! here but in `abi/http_connection.rs`.

pub(crate) mod banner;
pub(crate) mod command;
mod config;
pub mod defines;
mod directives;
mod execution;
pub(crate) mod handler;
pub(crate) mod hooks;
pub(crate) mod mutexes;
pub(crate) mod options;
mod startup;
mod table;
mod upgrade;

use std::{
    ffi::{CString, c_int},
    ptr::null_mut,
};

use httpd_sys as sys;

pub(crate) use directives::limits::MAX_XML_BODY;

/// "AP24": the mark by which a module's structure is recognised.
pub(crate) const COOKIE: std::ffi::c_ulong = sys::MODULE_MAGIC_COOKIE as std::ffi::c_ulong;

/// The core as a module of the registry.
#[unsafe(no_mangle)]
pub static mut core_module: sys::module = sys::module {
    version: sys::MODULE_MAGIC_NUMBER_MAJOR as c_int,
    minor_version: sys::MODULE_MAGIC_NUMBER_MINOR as c_int,
    // Given when it is added. The core is the first of the static modules, so it becomes 0: code
    // compiled against the headers looks for the core's records there without asking.
    module_index: -1,
    name: c"core.c".as_ptr(),
    dynamic_load_handle: null_mut(),
    next: null_mut(),
    magic: COOKIE,
    rewrite_args: None,
    create_dir_config: Some(config::create_dir),
    merge_dir_config: Some(config::merge_dir),
    create_server_config: Some(config::create_server),
    merge_server_config: Some(config::merge_server),
    cmds: table::COMMANDS.0.as_ptr(),
    register_hooks: Some(hooks::register),
    flags: 0,
};

/// The core's index, for log messages and expressions.
pub(crate) fn module_index() -> c_int {
    // SAFETY: a plain number, written when the module is added.
    unsafe { core_module.module_index }
}

/// The core's record in the configuration of a directory.
///
/// # Safety
/// `vector` is a per-directory configuration of ours.
pub(crate) unsafe fn dir_config(vector: *const sys::ap_conf_vector_t) -> *mut sys::core_dir_config {
    // SAFETY: the core's place is the first one.
    unsafe { *vector.cast::<*mut sys::core_dir_config>() }
}

/// The core's record in the configuration of a server.
///
/// # Safety
/// `server` is live.
pub(crate) unsafe fn server_config(server: *const sys::server_rec) -> *mut sys::core_server_config {
    // SAFETY: as above.
    unsafe {
        *(*server)
            .module_config
            .cast::<*mut sys::core_server_config>()
    }
}

/// The core's record in a request.
///
/// # Safety
/// `r` is a live request.
pub(crate) unsafe fn request_config(r: *const sys::request_rec) -> *mut sys::core_request_config {
    // SAFETY: as above.
    unsafe { *(*r).request_config.cast::<*mut sys::core_request_config>() }
}

/// A text as a C string; a NUL within cuts it.
fn c_text(text: &str) -> CString {
    let until_nul = text.split('\0').next().unwrap_or("");
    // There is no NUL left.
    CString::new(until_nul).unwrap_or_default()
}

/// Says something in a server's error log; with `APLOG_STARTUP` and no log yet, on the terminal.
pub(crate) fn log_server(server: *const sys::server_rec, level: u32, status: c_int, message: &str) {
    let message = c_text(message);
    // SAFETY: the format takes one string; a server is live or NULL.
    unsafe {
        sys::ap_log_error_(
            c"core".as_ptr(),
            0,
            module_index(),
            level as c_int,
            status,
            server,
            c"%s".as_ptr(),
            message.as_ptr(),
        );
    }
}

/// Says something about a request in its server's error log.
///
/// # Safety
/// `r` is a live request.
pub(crate) unsafe fn log_request(
    r: *const sys::request_rec,
    level: u32,
    status: c_int,
    message: std::fmt::Arguments<'_>,
) {
    // SAFETY: the caller's promise; the format takes one string.
    unsafe {
        // Nobody pays for a text that is not written.
        if level as c_int > sys::ap_get_request_module_loglevel(r, module_index()) {
            return;
        }
        let message = c_text(&message.to_string());
        sys::ap_log_rerror_(
            c"core".as_ptr(),
            0,
            module_index(),
            level as c_int,
            status,
            r,
            c"%s".as_ptr(),
            message.as_ptr(),
        );
    }
}

/// Stands in a table of error documents for "the server's own message again".
pub(crate) fn original_message() -> *const std::ffi::c_void {
    (&raw const directives::content::ORIGINAL_MESSAGE).cast()
}

/// `<Limit>` as a command function.
///
/// # Safety
/// The arguments are what the engine passes to a command.
pub(crate) unsafe fn limit_section(
    parms: *mut sys::cmd_parms,
    conf: *mut std::ffi::c_void,
    line: *const std::ffi::c_char,
) -> *const std::ffi::c_char {
    // SAFETY: the caller's promise.
    unsafe {
        let cmd = command::Cmd::new(parms, conf);
        let outcome = directives::sections::limit(cmd, command::given(line));
        command::finish(cmd, outcome)
    }
}
