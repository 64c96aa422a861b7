//! What `-l` and `-L` print: the modules built in and the directives of all modules.

use std::ffi::c_char;

use httpd_sys::{self as sys, command_rec, module};

use super::{lossy, registry};
use crate::modules::static_modules;

exports! { ap_show_modules, ap_show_directives, ap_show_mpm }

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_show_modules() {
    println!("Compiled in modules:");
    for m in static_modules::all() {
        // SAFETY: a static module has a name.
        println!("  {}", unsafe { lossy((*m).name) });
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_show_directives() {
    // SAFETY: the list does not change meanwhile; tables and names live as long as their modules.
    unsafe {
        let mut modules: Vec<*mut module> = registry::modules().collect();
        modules.reverse();
        for m in modules {
            for cmd in registry::table((*m).cmds) {
                let usage = lossy((*cmd).errmsg);
                println!("{} ({})\n\t{usage}", lossy((*cmd).name), lossy((*m).name));
                println!("\tAllowed in *.conf {}", places(&*cmd, &*m));
            }
        }
    }
}

/// Where a directive may stand, as `-L` says it.
fn places(cmd: &command_rec, m: &module) -> String {
    let bits = cmd.req_override as u32;
    let per_directory = sys::ACCESS_CONF | sys::OR_AUTHCFG | sys::OR_LIMIT;
    let anywhere = sys::OR_OPTIONS | sys::OR_FILEINFO | sys::OR_INDEXES;
    let everywhere =
        bits & anywhere != 0 || (bits & sys::RSRC_CONF != 0 && bits & per_directory != 0);
    let mut text = if everywhere {
        "anywhere"
    } else if bits & sys::RSRC_CONF != 0 {
        "only outside <Directory>, <Files>, <Location>, or <If>"
    } else {
        "only inside <Directory>, <Files>, <Location>, or <If>"
    }
    .to_owned();
    // A directive that works per directory without a place to keep its setting.
    let stateless = m.create_dir_config.is_none() && cmd.cmd_data.is_null();
    if everywhere && stateless && bits & sys::RSRC_CONF == 0 {
        text += " [no per-dir config]";
    }
    let classes = [
        (sys::OR_AUTHCFG, "AuthConfig"),
        (sys::OR_FILEINFO, "FileInfo"),
        (sys::OR_INDEXES, "Indexes"),
        (sys::OR_LIMIT, "Limit"),
        (sys::OR_OPTIONS, "Options"),
    ];
    let names: Vec<_> = classes
        .iter()
        .filter(|(class, _)| bits & class != 0)
        .map(|&(_, name)| name)
        .collect();
    if names.is_empty() {
        return text;
    }
    text += " and in .htaccess\n\twhen AllowOverride ";
    if names.len() == classes.len() {
        text += "isn't None";
    } else {
        text += "includes ";
        text += &names.join(" or ");
    }
    text
}

/// The name of the MPM; empty when none answers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_show_mpm() -> *const c_char {
    // SAFETY: the hook asks for nothing.
    unsafe {
        let name = sys::ap_run_mpm_get_name();
        if name.is_null() { c"".as_ptr() } else { name }
    }
}
