//! `ErrorLog` and `LogLevel`. The form of a line is the log's own (`ErrorLogFormat`).

use std::{
    ffi::{CStr, c_int},
    ptr::null,
};

use httpd_sys as sys;

use super::conditions::find_module;
use crate::modules::core::command::{Cmd, Outcome, answer, shown};

/// No level of its own: the common one holds.
const LEVEL_UNSET: c_int = sys::APLOG_NO_MODULE as c_int - 1;

/// `ErrorLog file|pipe|syslog`
pub(in crate::modules::core) fn error_log(cmd: Cmd<'_>, name: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    cmd.server().error_fname = cmd.keep(name.to_bytes());
    Ok(())
}

/// `LogLevel [module:]level ...`
pub(in crate::modules::core) fn log_level(cmd: Cmd<'_>, word: &CStr) -> Outcome {
    // SAFETY: the command is live; a record of levels lives in the configuration's pool.
    unsafe {
        let levels = if (*cmd.as_ptr()).path.is_null() {
            &raw mut cmd.server().log
        } else {
            let dir = cmd.dir();
            if dir.log.is_null() {
                dir.log = sys::ap_new_log_config(cmd.pool().as_ptr(), null());
            }
            dir.log
        };
        let bytes = word.to_bytes();
        let Some(colon) = bytes.iter().rposition(|&byte| byte == b':') else {
            answer(sys::ap_parse_log_level(word.as_ptr(), &mut (*levels).level))?;
            sys::ap_reset_module_loglevels(levels, LEVEL_UNSET);
            return Ok(());
        };
        let module = cmd.temp_pool().copy(&bytes[..colon]);
        let level = cmd.temp_pool().copy(&bytes[colon + 1..]);
        if level.is_empty() {
            return Err(format!(
                "Module specifier '{}' must be followed by a log level keyword",
                shown(module)
            )
            .into());
        }
        let mut number = 0;
        let refusal = sys::ap_parse_log_level(level.as_ptr(), &mut number);
        if !refusal.is_null() {
            return Err(format!("{}: {}", shown(word), shown(CStr::from_ptr(refusal))).into());
        }
        let server = (*cmd.as_ptr()).server;
        let mut found = find_module(server, module);
        if found.is_null() {
            let symbol = cmd
                .temp_pool()
                .copy([module.to_bytes(), b"_module"].concat());
            found = find_module(server, symbol);
        }
        if found.is_null() {
            return Err(format!("Cannot find module {}", shown(module)).into());
        }
        sys::ap_set_module_loglevel(cmd.pool().as_ptr(), levels, (*found).module_index, number);
        Ok(())
    }
}
