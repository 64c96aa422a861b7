//! `AllowOverride`, `AllowOverrideList`, `AccessFileName` and `Options`: what `.htaccess` may say,
//! and what is allowed in a directory.

use std::ffi::CStr;

use httpd_sys as sys;

use super::words;
use crate::modules::core::{
    command::{Cmd, Outcome, shown},
    config, options,
};

/// Warns where `.htaccess` is never looked for.
fn warn_if_useless(cmd: Cmd<'_>, code: &str, place: impl Fn(&str, i32) -> String) {
    if cmd.is_in(sys::NOT_IN_LOCATION | sys::NOT_IN_FILES) {
        let (file, line) = cmd.place();
        let place = place(&file.to_string(), line);
        let name = cmd.name();
        cmd.log(
            sys::APLOG_WARNING,
            format_args!("{code}: Useless use of {name} {place}"),
        );
    }
}

/// `AllowOverride class ...`
pub(in crate::modules::core) fn allow_override(cmd: Cmd<'_>, line: &CStr) -> Outcome {
    warn_if_useless(cmd, "AH00114", |file, line| {
        format!("in line {line} of {file}.")
    });
    cmd.not_in(sys::NOT_IN_HTACCESS)?;
    let words = words(cmd, line);
    let found = options::overrides(words.iter().map(String::as_str))?;
    let dir = cmd.dir();
    dir.override_ = found.classes;
    if let Some(options) = found.options {
        dir.override_opts = options;
    }
    Ok(())
}

/// `AllowOverrideList directive ...`
pub(in crate::modules::core) fn allow_override_list(cmd: Cmd<'_>, names: &[&CStr]) -> Outcome {
    warn_if_useless(cmd, "AH00115", |file, line| format!("at {file}:{line}"));
    cmd.not_in(sys::NOT_IN_HTACCESS)?;
    let list = cmd.pool().table(names.len() as i32);
    cmd.dir().override_list = list.as_ptr();
    for name in names {
        if name.to_bytes().eq_ignore_ascii_case(b"none") {
            if names.len() != 1 {
                return Err("'None' not allowed with other directives in AllowOverrideList".into());
            }
            return Ok(());
        }
        // SAFETY: the list of modules does not change meanwhile.
        let command = unsafe {
            let mut module = sys::ap_top_module;
            sys::ap_find_command_in_modules(name.as_ptr(), &mut module).as_ref()
        };
        let (file, line) = cmd.place();
        match command {
            None => cmd.log(
                sys::APLOG_WARNING,
                format_args!(
                    "AH00116: Discarding unrecognized directive `{}' in AllowOverrideList at \
                     {file}:{line}",
                    shown(name)
                ),
            ),
            Some(found) if found.req_override as u32 & (sys::OR_ALL | sys::ACCESS_CONF) == 0 => cmd
                .log(
                    sys::APLOG_WARNING,
                    format_args!(
                        "AH02304: Discarding directive `{}' not allowed in AllowOverrideList at \
                         {file}:{line}",
                        shown(name)
                    ),
                ),
            Some(_) => list.set(name, c"1"),
        }
    }
    Ok(())
}

/// `AccessFileName name ...`
pub(in crate::modules::core) fn access_file_name(cmd: Cmd<'_>, names: &CStr) -> Outcome {
    cmd.not_in(sys::NOT_IN_DIR_CONTEXT)?;
    cmd.core_server().access_name = cmd.keep(names.to_bytes());
    Ok(())
}

/// `Options [+|-]option ...`
pub(in crate::modules::core) fn options(cmd: Cmd<'_>, line: &CStr) -> Outcome {
    let words = words(cmd, line);
    // SAFETY: the command is live.
    let allowed = unsafe { (*cmd.as_ptr()).override_opts } as u8;
    let mut options = config::options(cmd.dir());
    options.apply(words.iter().map(String::as_str), allowed)?;
    config::set_options(cmd.dir(), options);
    Ok(())
}
