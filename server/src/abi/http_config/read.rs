//! Reading the server's configuration: its files, their includes, and the `-C` and `-c` directives.

use std::{
    cell::Cell,
    ffi::{CStr, CString, c_char, c_int, c_void},
    mem::zeroed,
    os::unix::ffi::OsStrExt,
    path::Path,
    ptr::{null, null_mut},
};

use httpd_sys::{
    self as sys, ap_dir_match_t, ap_directive_t, apr_pool_t, apr_status_t, cmd_parms, server_rec,
};

use super::{fault, hosts, log_plain, lossy, pool_text, reader, registry, status_text, tree};
use crate::{config::line::is_pattern, mpm::kind};

exports! {
    ap_read_config, ap_process_resource_config, ap_process_fnmatch_configs,
}

/// The root of the directive tree of the reading that went last.
#[unsafe(no_mangle)]
pub static mut ap_conftree: *mut ap_directive_t = null_mut();

/// How deep files may include each other.
const INCLUDES_MAX: u32 = 128;

const STARTUP_CRITICAL: u32 = sys::APLOG_STARTUP | sys::APLOG_CRIT;

thread_local! {
    /// How many files are being read now, each included by the one before.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// The line that the innermost of them has come to.
    static FILE: Cell<*const sys::ap_configfile_t> = const { Cell::new(null()) };
    /// Whether to print the names of the files.
    static DUMP: Cell<bool> = const { Cell::new(false) };
    /// The directive that the last error is about.
    static CULPRIT: Cell<*const ap_directive_t> = const { Cell::new(null()) };
}

/// Counts a file while it is read.
struct Reading(*const sys::ap_configfile_t);

impl Reading {
    fn of(file: *const sys::ap_configfile_t) -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self(FILE.replace(file))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        FILE.set(self.0);
    }
}

/// What commands of the server's own files are given: they may do all but what belongs into
/// sections for directories.
///
/// # Safety
/// Zero is a value of each member.
pub(super) unsafe fn server_parms(
    p: *mut apr_pool_t,
    temp: *mut apr_pool_t,
    s: *mut server_rec,
) -> cmd_parms {
    // SAFETY: the record consists of numbers and pointers.
    let mut parms: cmd_parms = unsafe { zeroed() };
    parms.limited = -1;
    parms.pool = p;
    parms.temp_pool = temp;
    parms.server = s;
    parms.override_ =
        ((sys::RSRC_CONF | sys::OR_ALL) & !(sys::OR_AUTHCFG | sys::OR_LIMIT)) as c_int;
    parms.override_opts = (sys::OPT_ALL | sys::OPT_SYM_OWNER | sys::OPT_MULTI) as c_int;
    parms
}

/// Reads a configuration: the main server, with the tree of its directives in `conftree`. NULL
/// when it cannot be read; why has been printed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_read_config(
    process: *mut sys::process_rec,
    ptemp: *mut apr_pool_t,
    filename: *const c_char,
    conftree: *mut *mut ap_directive_t,
) -> *mut server_rec {
    // SAFETY: the header asks for the process, a live pool, a name and a place for the tree; the
    // arrays of -C and -c directives are set before a configuration is read.
    unsafe {
        let p = (*process).pconf;
        registry::forget_sizes();
        super::kept::forget();
        kind::begin_reading();
        *conftree = null_mut();
        let s = hosts::main_server(process, p);
        if s.is_null() {
            return s;
        }
        sys::ap_init_vhost_config(p);

        DUMP.set(sys::ap_exists_config_define(c"DUMP_INCLUDES".as_ptr()) != 0);
        if DUMP.get() {
            dump(p, "Included configuration files:\n");
        }
        CULPRIT.set(null());
        let error = command_lines(s, sys::ap_server_pre_read_config, conftree, p, ptemp);
        if !error.is_null() {
            return fail(p, error);
        }
        // The directives before it may have changed ServerRoot.
        let file = super::paths::ap_server_root_relative(p, filename);
        if file.is_null() {
            let text = format!("AH00532: Invalid config file path {}", lossy(filename));
            log_plain(STARTUP_CRITICAL, &text);
            return null_mut();
        }
        let error = if may_lack(p, file) {
            null()
        } else {
            ap_process_resource_config(s, file, conftree, p, ptemp)
        };
        if !error.is_null() {
            return fail(p, error);
        }
        let error = mpms();
        if let Some(text) = error {
            let text = format!(
                "AH00534: {}: Configuration error: {text}",
                lossy(sys::ap_server_argv0)
            );
            log_plain(STARTUP_CRITICAL, &text);
            return null_mut();
        }
        let error = command_lines(s, sys::ap_server_post_read_config, conftree, p, ptemp);
        if !error.is_null() {
            return fail(p, error);
        }
        s
    }
}

/// Whether the configuration file may be missing: the default one may when -C or -c directives
/// are given.
///
/// # Safety
/// As `ap_read_config`.
unsafe fn may_lack(p: *mut apr_pool_t, file: *const c_char) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let given = |lines: *mut sys::apr_array_header_t| !lines.is_null() && (*lines).nelts > 0;
        if !given(sys::ap_server_pre_read_config) && !given(sys::ap_server_post_read_config) {
            return false;
        }
        let name = sys::SERVER_CONFIG_FILE.as_ptr().cast();
        let default = super::paths::ap_server_root_relative(p, name);
        !default.is_null()
            && CStr::from_ptr(default) == CStr::from_ptr(file)
            && !path_of(file).exists()
    }
}

/// What is wrong with the choice of the MPM, if anything is.
///
/// # Safety
/// The hooks are registered, the server is single-threaded.
unsafe fn mpms() -> Option<&'static str> {
    // SAFETY: the caller's promise.
    unsafe {
        let array = sys::ap_hook_get_mpm();
        let several = !array.is_null() && (*array).nelts > 1;
        (several || kind::in_conflict()).then_some("More than one MPM loaded.")
    }
}

/// Prints the error of a reading, in Apache's form, and what would help.
///
/// # Safety
/// `error` is NUL-terminated.
unsafe fn fail(p: *mut apr_pool_t, error: *const c_char) -> *mut server_rec {
    // SAFETY: the caller's promise; the culprit is in the tree that was read.
    unsafe {
        let text = format!("{}: {}", lossy(sys::ap_server_argv0), lossy(error));
        log_plain(STARTUP_CRITICAL, &text);
        let culprit = CULPRIT.replace(null());
        if !culprit.is_null() {
            let mut parms = server_parms(p, p, null_mut());
            parms.err_directive = culprit;
            fault::help(p, &parms, error, false);
        }
    }
    null_mut()
}

/// Prints to standard output, through APR as the dumps do.
///
/// # Safety
/// `p` is live.
unsafe fn dump(p: *mut apr_pool_t, text: &str) {
    let text = reader::c_string(text.as_bytes());
    let mut out = null_mut();
    // SAFETY: the caller's promise; the format takes one string.
    unsafe {
        if sys::apr_file_open_stdout(&mut out, p) == 0 {
            sys::apr_file_printf(out, c"%s".as_ptr(), text.as_ptr());
        }
    }
}

/// The file name behind a C string.
///
/// # Safety
/// `name` is NUL-terminated and outlives the path.
unsafe fn path_of<'a>(name: *const c_char) -> &'a Path {
    // SAFETY: the caller's promise.
    let bytes = unsafe { CStr::from_ptr(name) }.to_bytes();
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

/// The directives of `-C` or `-c`, read one after the other like the lines of a file.
struct CommandLines {
    lines: *mut sys::apr_array_header_t,
    next: c_int,
    /// How much of the line has been given already.
    given: usize,
}

unsafe extern "C" fn lines_gets(buf: *mut c_void, size: usize, param: *mut c_void) -> apr_status_t {
    // SAFETY: `param` is the `CommandLines` that `command_lines` holds while it reads; the buffer
    // has `size` bytes; the array holds strings.
    unsafe {
        let source = &mut *param.cast::<CommandLines>();
        if source.next >= (*source.lines).nelts || size < 2 {
            return reader::EOF;
        }
        let text = *(*source.lines)
            .elts
            .cast::<*const c_char>()
            .add(source.next as usize);
        let rest = &CStr::from_ptr(text).to_bytes()[source.given..];
        let out = buf.cast::<u8>();
        // The line's end must fit as well.
        let count = rest.len().min(size - 1);
        out.copy_from_nonoverlapping(rest.as_ptr(), count);
        if count < size - 1 {
            out.add(count).write(b'\n');
            out.add(count + 1).write(0);
            source.next += 1;
            source.given = 0;
        } else {
            out.add(count).write(0);
            source.given += count;
        }
    }
    0
}

/// Reads the directives of `-C` or `-c`.
///
/// # Safety
/// As `ap_read_config`.
unsafe fn command_lines(
    s: *mut server_rec,
    lines: *mut sys::apr_array_header_t,
    conftree: *mut *mut ap_directive_t,
    p: *mut apr_pool_t,
    ptemp: *mut apr_pool_t,
) -> *const c_char {
    // SAFETY: the caller's promise; the source outlives the reading.
    unsafe {
        if lines.is_null() || (*lines).nelts == 0 {
            return null();
        }
        let mut source = CommandLines {
            lines,
            next: 0,
            given: 0,
        };
        let file = reader::ap_pcfg_open_custom(
            p,
            c"-c/-C directives".as_ptr(),
            (&raw mut source).cast(),
            None,
            Some(lines_gets),
            None,
        );
        let mut parms = server_parms(p, ptemp, s);
        parms.config_file = file;
        let _reading = Reading::of(file);
        let error = tree::ap_build_config(&mut parms, p, ptemp, conftree);
        if error.is_null() {
            return null();
        }
        blame(&parms);
        pool_text(
            p,
            format!("Syntax error in -C/-c directive: {}", lossy(error)),
        )
    }
}

/// Remembers which directive an error is about; the innermost file is the first to say.
fn blame(parms: &cmd_parms) {
    if CULPRIT.get().is_null() {
        CULPRIT.set(parms.err_directive);
    }
}

/// Reads one file into the tree.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_process_resource_config(
    s: *mut server_rec,
    fname: *const c_char,
    conftree: *mut *mut ap_directive_t,
    p: *mut apr_pool_t,
    ptemp: *mut apr_pool_t,
) -> *const c_char {
    // SAFETY: the header asks for a live server and pools, a name and a place for the tree.
    unsafe {
        if DEPTH.get() > INCLUDES_MAX {
            let text = format!(
                "Exceeded maximum include depth of {INCLUDES_MAX}, There appears to be a recursion."
            );
            return pool_text(p, text);
        }
        if DUMP.get() {
            dump(p, &included(&lossy(fname)));
        }
        let mut parms = server_parms(p, ptemp, s);
        let mut file = null_mut();
        let status = reader::ap_pcfg_openfile(&mut file, p, fname);
        if status != 0 {
            let text = format!(
                "Could not open configuration file {}: {}",
                lossy(fname),
                status_text(status)
            );
            return pool_text(p, text);
        }
        // A command may put another source in its place (mod_macro's `Use` does).
        parms.config_file = file;
        let reading = Reading::of(file);
        let error = tree::ap_build_config(&mut parms, p, ptemp, conftree);
        drop(reading);
        reader::ap_cfg_closefile(file);
        if error.is_null() {
            return null();
        }
        blame(&parms);
        let Some(directive) = parms.err_directive.as_ref() else {
            return error;
        };
        let text = format!(
            "Syntax error on line {} of {}: {}",
            directive.line_num,
            lossy(directive.filename),
            lossy(error)
        );
        pool_text(p, text)
    }
}

/// A line of the dump of included files: how deep, from which line, which file.
fn included(name: &str) -> String {
    let indent = 2 * (DEPTH.get() as usize + 1);
    let file = FILE.get();
    if file.is_null() {
        return format!("{:indent$}(*) {name}\n", "");
    }
    // SAFETY: the file is being read, by a caller of this function.
    let line = unsafe { (*file).line_number };
    format!("{:indent$}({line}) {name}\n", "")
}

/// What the callback of an include needs.
struct Include {
    s: *mut server_rec,
    conftree: *mut *mut ap_directive_t,
}

unsafe extern "C" fn include_file(w: *mut ap_dir_match_t, fname: *const c_char) -> *const c_char {
    // SAFETY: `ap_process_fnmatch_configs` set the context, which outlives the search.
    unsafe {
        let include = &*(*w).ctx.cast::<Include>();
        ap_process_resource_config(include.s, fname, include.conftree, (*w).p, (*w).ptemp)
    }
}

/// Reads all files that a name with or without wildcards stands for, in the order of their names;
/// those in a directory and all below it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_process_fnmatch_configs(
    s: *mut server_rec,
    fname: *const c_char,
    conftree: *mut *mut ap_directive_t,
    p: *mut apr_pool_t,
    ptemp: *mut apr_pool_t,
    optional: c_int,
) -> *const c_char {
    // SAFETY: the header asks for a live server and pools, a name and a place for the tree.
    unsafe {
        let name = CStr::from_ptr(fname);
        let wild = is_pattern(name.to_bytes());
        if !wild && !path_of(fname).is_dir() {
            if optional != 0 && !path_of(fname).exists() {
                return null();
            }
            return ap_process_resource_config(s, fname, conftree, p, ptemp);
        }
        let mut include = Include { s, conftree };
        let flags = sys::AP_DIR_FLAG_RECURSIVE
            | if optional != 0 {
                sys::AP_DIR_FLAG_OPTIONAL
            } else {
                sys::AP_DIR_FLAG_NONE
            };
        let mut search = ap_dir_match_t {
            p,
            ptemp,
            prefix: c"Include/IncludeOptional: ".as_ptr(),
            cb: Some(include_file),
            ctx: (&raw mut include).cast(),
            flags: flags as c_int,
            depth: 0,
        };
        if !wild {
            return sys::ap_dir_nofnmatch(&mut search, fname);
        }
        let Some(inner) = name.to_bytes().strip_prefix(b"/") else {
            let text = format!("Include must have an absolute path, {}", lossy(fname));
            return pool_text(p, text);
        };
        let inner = CString::new(inner).unwrap_or_default();
        let inner = sys::apr_pstrdup(ptemp, inner.as_ptr());
        sys::ap_dir_fnmatch(&mut search, c"/".as_ptr(), inner)
    }
}
