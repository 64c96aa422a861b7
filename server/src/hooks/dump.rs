//! `-D DUMP_HOOKS`: every hook with the modules that have a function in it, in running order, each with
//! its order, the file that it was loaded from, and what ModuleExecution says of the module.

use std::{
    ffi::{CStr, c_void},
    fmt::Write,
    ptr::null_mut,
};

use httpd_sys as sys;

use super::execution;
use crate::crash::path_of;

/// A row of the table.
struct Row {
    order: i32,
    module: String,
    file: String,
}

/// Prints the table to standard output, through APR as the other dumps do.
///
/// # Safety
/// The pool is live, and hooks are not registered any more.
pub unsafe fn print(pool: *mut sys::apr_pool_t) {
    let mut text = String::from("Hooks, in running order (order, module, file):\n");
    for (name, point) in super::points() {
        // SAFETY: the caller's promise. All functions have the size of this one; it is not called.
        let links = unsafe { point.links::<*const c_void>() };
        if links.is_empty() {
            continue;
        }
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}", name.strip_prefix("ap_hook_").unwrap_or(name));
        let rows = links.iter().map(|link| Row {
            order: link.order,
            // SAFETY: NULL or the name of a module that is loaded.
            module: unsafe { module_sdk::raw::text(link.module) }
                .unwrap_or(c"?")
                .to_string_lossy()
                .into_owned(),
            file: file_of(link.function),
        });
        for Row {
            order,
            module,
            file,
        } in rows
        {
            let execution = match execution::set_for(&module) {
                Some(mode) => format!("  ModuleExecution {mode}"),
                None => String::new(),
            };
            let _ = writeln!(text, "  {order:>4}  {module:<24}  {file}{execution}");
        }
    }
    // SAFETY: the caller's promise; the text ends with NUL.
    unsafe {
        let mut out = null_mut();
        if sys::apr_file_open_stdout(&raw mut out, pool) != 0 {
            return;
        }
        text.push('\0');
        let text = CStr::from_bytes_until_nul(text.as_bytes()).unwrap_or_default();
        sys::apr_file_puts(text.as_ptr(), out);
    }
}

/// The file that a function was loaded from.
fn file_of(function: *const c_void) -> String {
    let own = path_of(print as *const () as usize);
    match path_of(function.expose_provenance()) {
        Some(path) if Some(&path) == own.as_ref() => "(static)".into(),
        Some(path) => path,
        None => "?".into(),
    }
}
