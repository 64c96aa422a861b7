//! `http_module`: HTTP/1 as a static module. It registers the filters of `abi/http_protocol/`, puts
//! them into each request's chains, and owns the keep-alive directives. The connection itself is
//! served by the core (`conn/`).

mod directives;
mod hooks;

use httpd_sys as sys;

use super::table;

/// The module.
#[allow(non_upper_case_globals, reason = "C's name")]
#[unsafe(no_mangle)]
pub static mut http_module: sys::module = sys::module {
    cmds: directives::COMMANDS.as_ptr(),
    register_hooks: Some(hooks::register),
    ..table::module(c"http_core.c")
};
