//! Printing what is wrong with a configuration: Apache's lines first, then the text with a caret
//! and a remedy.

use std::{
    ffi::{CStr, c_char},
    path::Path,
};

use httpd_sys::{self as sys, apr_pool_t, cmd_parms};

use super::{log, lossy, registry};
use crate::{
    config::explain::{self, Fault},
    mpm::kind,
};

/// The largest file whose line is shown.
const SHOWN_FILE_MAX: u64 = 16 * 1024 * 1024;

const STARTUP_ERROR: u32 = sys::APLOG_STARTUP | sys::APLOG_ERR;

/// Prints the error of a directive that could not be executed.
///
/// # Safety
/// `pool` is live, `error` is NUL-terminated, `parms` names the directive.
pub(super) unsafe fn report(pool: *mut apr_pool_t, parms: &cmd_parms, error: *const c_char) {
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(directive) = parms.err_directive.as_ref() {
            let place = format!(
                "AH00526: Syntax error on line {} of {}:",
                directive.line_num,
                lossy(directive.filename)
            );
            log(pool, STARTUP_ERROR, 0, &place);
        }
        log(pool, STARTUP_ERROR, 0, &lossy(error));
        help(pool, parms, error, true);
    }
}

/// Prints what stands behind the error: the text with a caret, and a remedy. `with_usage` shows
/// the command table's usage text when there is no better one.
///
/// # Safety
/// As `report`.
pub(super) unsafe fn help(
    pool: *mut apr_pool_t,
    parms: &cmd_parms,
    error: *const c_char,
    with_usage: bool,
) {
    // SAFETY: the caller's promise; a directive's strings end with NUL.
    unsafe {
        let Some(directive) = parms.err_directive.as_ref() else {
            return;
        };
        let (name, args) = (
            CStr::from_ptr(directive.directive).to_bytes(),
            CStr::from_ptr(directive.args).to_bytes(),
        );
        let message = lossy(error);
        let line = directive.line_num.unsigned_abs();
        let file = read(&lossy(directive.filename));
        let usage = registry::commands_named(name)
            .first()
            .map(|&(_, cmd)| lossy((*cmd).errmsg));
        let fault = Fault {
            message: &message,
            directive: name,
            args,
            line,
            source: file
                .as_deref()
                .and_then(|text| explain::line_of(text, line)),
            usage: usage
                .as_deref()
                .filter(|usage| with_usage && !usage.is_empty()),
            mpm: kind::current().name(),
        };
        let known = registry::command_names();
        let known = known.iter().map(Vec::as_slice);
        for text in explain::lines(&fault, known, is_installed) {
            log(pool, STARTUP_ERROR, 0, &text);
        }
    }
}

fn is_installed(file: &str) -> bool {
    Path::new(explain::modules_dir())
        .join(file)
        .with_extension("so")
        .exists()
}

/// A configuration file once more, to show a line of it.
fn read(name: &str) -> Option<Vec<u8>> {
    let info = std::fs::metadata(name).ok()?;
    (info.is_file() && info.len() <= SHOWN_FILE_MAX)
        .then(|| std::fs::read(name).ok())
        .flatten()
}
