//! Opening shared objects and checking that they hold modules for this server.
//!
//! Objects are opened with RTLD_NOW, so that a missing symbol is found now, and RTLD_GLOBAL,
//! because some modules use symbols of others. They are closed when the configuration's pool is
//! cleared: at the second reading all statics of a module begin from zero, as modules expect.

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    os::unix::ffi::OsStrExt,
    path::Path,
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, apr_pool_t, apr_status_t, cmd_parms, module, server_rec};
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

use super::{Loaded, config, loaded, so_module};
use crate::{
    modules::{mpm, static_modules},
    mpm::kind::Answer,
};

/// Which module provides the functions with these beginnings, for a remedy.
const PROVIDERS: [(&str, &str); 6] = [
    ("ap_proxy_", "proxy_module"),
    ("proxy_", "proxy_module"),
    ("dav_", "dav_module"),
    ("ap_dbd_", "dbd_module"),
    ("cache_", "cache_module"),
    ("ap_cache_", "cache_module"),
];

/// The server whose configuration names a loaded module, and the module's name there.
struct Entry {
    server: *const server_rec,
    name: *const c_char,
    module: *mut module,
    library: *mut c_void,
}

/// `LoadModule name file`
pub(super) unsafe extern "C" fn load_module(
    cmd: *mut cmd_parms,
    dummy: *mut c_void,
    name: *const c_char,
    file: *const c_char,
) -> *const c_char {
    // SAFETY: the core calls commands with filled-in parameters and NUL-terminated words; the
    // configuration of a command that runs at once is a place for nodes.
    unsafe {
        *dummy.cast::<*mut c_void>() = null_mut();
        let error = sys::ap_check_cmd_context(cmd, sys::GLOBAL_ONLY);
        if !error.is_null() {
            return error;
        }
        match load(&*cmd, CStr::from_ptr(name), CStr::from_ptr(file)) {
            Ok(()) => null(),
            Err(text) => pool_text((*cmd).pool, &text),
        }
    }
}

/// `LoadFile file...`
pub(super) unsafe extern "C" fn load_file(
    cmd: *mut cmd_parms,
    dummy: *mut c_void,
    file: *const c_char,
) -> *const c_char {
    // SAFETY: as above.
    unsafe {
        *dummy.cast::<*mut c_void>() = null_mut();
        let error = sys::ap_check_cmd_context(cmd, sys::GLOBAL_ONLY);
        if !error.is_null() {
            return error;
        }
        let opened = full_name(&*cmd, CStr::from_ptr(file))
            .and_then(|path| open(&path, CStr::from_ptr(file)).map(|library| (path, library)));
        match opened {
            Ok((path, library)) => {
                close_with((*cmd).pool, library);
                let text = format!("AH01576: loaded file {}", shown(&path));
                log((*cmd).pool, sys::APLOG_DEBUG, &text);
                null()
            }
            Err(text) => pool_text((*cmd).pool, &text),
        }
    }
}

/// Loads a module and adds it to the server.
///
/// # Safety
/// `cmd` is filled in and the server is single-threaded.
unsafe fn load(cmd: &cmd_parms, name: &CStr, file: &CStr) -> Result<(), String> {
    // SAFETY: the caller's promise; what is taken from the library stays mapped until the pool's
    // cleanup has removed the module.
    unsafe {
        let label = name.to_string_lossy();
        let known = loaded(cmd.server)
            .iter()
            .any(|entry| !entry.name.is_null() && CStr::from_ptr(entry.name) == name);
        if known {
            let text = format!("AH01574: module {label} is already loaded, skipping");
            log(cmd.pool, sys::APLOG_WARNING, &text);
            return Ok(());
        }
        if let Some(kind) = mpm::kind_of(name) {
            // A configuration written for Apache names one of the MPMs that are built in here.
            if let Answer::Overruled(other) = mpm::ask(kind, cmd.pool)? {
                let text = format!(
                    "{label} is not used: the command line has chosen the {} MPM",
                    other.name()
                );
                log(cmd.pool, sys::APLOG_NOTICE, &text);
            }
            return Ok(());
        }
        if static_modules::is_static(name) {
            // Apache refuses; but which modules are built in differs between builds, and the
            // module is there.
            let text = format!("module {label} is built-in and can't be loaded, skipping");
            log(cmd.pool, sys::APLOG_WARNING, &text);
            return Ok(());
        }
        // Modules of other names may begin so, too, and are none: mpm_itk.so works beside prefork.
        let base = file.to_bytes().rsplit(|&byte| byte == b'/').next();
        if base.is_some_and(|base| base.starts_with(b"mod_mpm_")) {
            return Err(format!(
                "{label} cannot be loaded: MPMs are built into this server, and it has \
                 mpm_event_module, mpm_worker_module and mpm_prefork_module; load one of those \
                 instead"
            ));
        }

        let path = full_name(cmd, file)?;
        let library = open(&path, file)?;
        let symbol = match library.get::<*mut module>(name.to_bytes_with_nul()) {
            Ok(symbol) => symbol.into_raw().cast::<module>(),
            Err(error) => {
                let offered = modules_in(&path);
                return Err(format!(
                    "Can't locate API module structure `{label}' in file {}: {}{offered}",
                    shown(&path),
                    why(&error)
                ));
            }
        };
        check(&*symbol, &label, &path)?;
        let raw = library.into_raw();
        let mut handle = null_mut();
        if sys::apr_os_dso_handle_put(&mut handle, raw, cmd.pool) == 0 {
            (*symbol).dynamic_load_handle = handle.cast();
        }
        let entry = Box::into_raw(Box::new(Entry {
            server: cmd.server,
            name: sys::apr_pstrdup(cmd.pool, name.as_ptr()),
            module: symbol,
            library: raw,
        }));
        sys::apr_pool_cleanup_register(
            cmd.pool,
            entry.cast(),
            Some(unload),
            Some(sys::apr_pool_cleanup_null),
        );
        let error = sys::ap_add_loaded_module(symbol, cmd.pool, (*entry).name);
        if !error.is_null() {
            return Err(CStr::from_ptr(error).to_string_lossy().into_owned());
        }
        let list = config(cmd.server);
        if !list.is_null() {
            sys::apr_array_push(list).cast::<Loaded>().write(Loaded {
                name: (*entry).name,
                module: symbol,
            });
        }
        let text = format!("AH01575: loaded module {label} from {}", shown(&path));
        log(cmd.pool, sys::APLOG_DEBUG, &text);
        sys::ap_single_module_configure(cmd.pool, cmd.server, symbol);
    }
    Ok(())
}

/// The file's name under the server's root.
///
/// # Safety
/// As `load`.
unsafe fn full_name(cmd: &cmd_parms, file: &CStr) -> Result<CString, String> {
    // SAFETY: the caller's promise.
    unsafe {
        let path = sys::ap_server_root_relative(cmd.temp_pool, file.as_ptr());
        if path.is_null() {
            return Err(format!(
                "Invalid {} path {}",
                CStr::from_ptr((*cmd.cmd).name).to_string_lossy(),
                file.to_string_lossy()
            ));
        }
        Ok(CStr::from_ptr(path).to_owned())
    }
}

/// Opens a shared object. A name without directories that is not in the server's root may be one
/// that the system's linker finds.
///
/// # Safety
/// The object's initialisers run.
unsafe fn open(path: &CStr, file: &CStr) -> Result<Library, String> {
    let name = |text: &CStr| Path::new(std::ffi::OsStr::from_bytes(text.to_bytes())).to_owned();
    let flags = RTLD_NOW | RTLD_GLOBAL;
    // SAFETY: the configuration asks for this file to be loaded.
    unsafe {
        let mut first = match Library::open(Some(name(path)), flags) {
            Ok(library) => return Ok(library),
            Err(error) => why(&error),
        };
        if !file.to_bytes().contains(&b'/') {
            match Library::open(Some(name(file)), flags) {
                Ok(library) => return Ok(library),
                // The linker has searched where its own places are: that is the better answer, but
                // for a file that is there and cannot be loaded.
                Err(error) if !name(path).exists() => first = why(&error),
                Err(_) => {}
            }
        }
        Err(format!(
            "Cannot load {} into server: {first}{}",
            file.to_string_lossy(),
            remedy(&first)
        ))
    }
}

/// What the system's linker says.
fn why(error: &libloading::Error) -> String {
    match error {
        libloading::Error::DlOpen { desc } | libloading::Error::DlSym { desc } => {
            // The text shows in its debug form only, in quotes.
            let text = format!("{desc:?}");
            text.trim_matches('"').replace("\\\"", "\"")
        }
        other => other.to_string(),
    }
}

/// What would help when an object lacks a symbol.
fn remedy(why: &str) -> String {
    let Some((_, symbol)) = why.split_once("undefined symbol: ") else {
        return String::new();
    };
    let symbol = symbol.split([' ', ',', '\n']).next().unwrap_or(symbol);
    match PROVIDERS
        .iter()
        .find(|(beginning, _)| symbol.starts_with(beginning))
    {
        Some((_, provider)) => format!(" (load {provider} before it)"),
        None if symbol.starts_with("ap_") => {
            format!(" (this server does not provide {symbol})")
        }
        None => format!(" ({symbol} is in a library or module that is not loaded; see LoadFile)"),
    }
}

/// Refuses what is no module for this server.
fn check(m: &module, label: &str, path: &CStr) -> Result<(), String> {
    let file = shown(path);
    let cookie = u64::from(sys::MODULE_MAGIC_COOKIE);
    if m.magic != cookie {
        return Err(format!(
            "API module structure '{label}' in file {file} is garbled - expected signature \
             {cookie:08x} but saw {:08x} - perhaps this is not an Apache module DSO, or was \
             compiled for a different Apache version?",
            m.magic
        ));
    }
    let (major, minor) = (
        sys::MODULE_MAGIC_NUMBER_MAJOR as c_int,
        sys::MODULE_MAGIC_NUMBER_MINOR as c_int,
    );
    if m.version != major {
        return Err(format!(
            "module {label} in file {file} was built for another server: its magic number is {}, \
             this server's is {major}; compile it anew with apxs-rs",
            m.version
        ));
    }
    if m.minor_version > minor {
        return Err(format!(
            "module {label} in file {file} needs a newer server: it was built for magic number \
             {major}:{}, this server provides {major}:{minor}",
            m.minor_version
        ));
    }
    Ok(())
}

/// What structures a file offers instead of the one asked for: the names in it that end in
/// `_module`.
fn modules_in(path: &CStr) -> String {
    let path = Path::new(std::ffi::OsStr::from_bytes(path.to_bytes()));
    let Ok(bytes) = std::fs::read(path) else {
        return String::new();
    };
    let mut names: Vec<&str> = bytes
        .split(|&byte| byte == 0)
        .filter(|word| word.ends_with(b"_module") && word.len() < 64)
        .filter(|word| {
            word.iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        })
        .filter_map(|word| std::str::from_utf8(word).ok())
        .collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() || names.len() > 4 {
        return String::new();
    }
    format!(" (the file has {})", names.join(", "))
}

/// Takes a module out of the server and closes its object.
unsafe extern "C" fn unload(entry: *mut c_void) -> apr_status_t {
    // SAFETY: `load` made the entry for this one call; the server and its configuration are in
    // the pool that is being cleared, or in one that lives longer.
    unsafe {
        let entry = Box::from_raw(entry.cast::<Entry>());
        let list = loaded(entry.server);
        if let Some(at) = list.iter().position(|known| known.name == entry.name) {
            let known = list.as_ptr().cast_mut().add(at);
            known.write(Loaded {
                name: null(),
                module: null_mut(),
            });
        }
        if (*entry.module).module_index >= 0 {
            sys::ap_remove_loaded_module(entry.module);
        }
        drop(Library::from_raw(entry.library));
    }
    0
}

/// Closes an object when the pool is cleared.
///
/// # Safety
/// `pool` is live.
unsafe fn close_with(pool: *mut apr_pool_t, library: Library) {
    unsafe extern "C" fn close(library: *mut c_void) -> apr_status_t {
        // SAFETY: the handle that `close_with` gave up.
        drop(unsafe { Library::from_raw(library) });
        0
    }
    // SAFETY: the caller's promise.
    unsafe {
        sys::apr_pool_cleanup_register(
            pool,
            library.into_raw(),
            Some(close),
            Some(sys::apr_pool_cleanup_null),
        );
    }
}

fn shown(path: &CStr) -> std::borrow::Cow<'_, str> {
    path.to_string_lossy()
}

/// # Safety
/// `pool` is live.
unsafe fn pool_text(pool: *mut apr_pool_t, text: &str) -> *const c_char {
    // SAFETY: the caller's promise; the copy is ended by NUL.
    unsafe { sys::apr_pstrmemdup(pool, text.as_ptr().cast(), text.len()) }
}

/// A line of this module in the error log.
///
/// # Safety
/// `pool` is live.
unsafe fn log(pool: *mut apr_pool_t, level: u32, text: &str) {
    let text = CString::new(text).unwrap_or_default();
    // SAFETY: the caller's promise; the format takes one string.
    unsafe {
        sys::ap_log_perror_(
            c"mod_so.c".as_ptr(),
            0,
            so_module.module_index,
            level as c_int,
            0,
            pool,
            c"%s".as_ptr(),
            text.as_ptr(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_module_for_this_server_is_refused() {
        // SAFETY: zero is a value of each member.
        let mut m: module = unsafe { std::mem::zeroed() };
        let error = |m: &module| check(m, "x_module", c"/x.so").unwrap_err();
        assert!(error(&m).contains("is garbled - expected signature 41503234 but saw 00000000"));
        m.magic = u64::from(sys::MODULE_MAGIC_COOKIE);
        m.version = 20051115;
        assert!(error(&m).contains("20051115, this server's is 20120211"));
        m.version = 20120211;
        m.minor_version = 9999;
        assert!(error(&m).contains("built for magic number 20120211:9999"));
        m.minor_version = 0;
        assert_eq!(check(&m, "x_module", c"/x.so"), Ok(()));
    }

    #[test]
    fn a_missing_symbol_gets_a_remedy() {
        let text = remedy("x.so: undefined symbol: ap_proxy_location_reverse_map");
        assert_eq!(text, " (load proxy_module before it)");
        let text = remedy("x.so: undefined symbol: ap_foo");
        assert_eq!(text, " (this server does not provide ap_foo)");
        assert!(remedy("x.so: undefined symbol: PL_thr_key, version X").contains("PL_thr_key is"));
        assert_eq!(remedy("x.so: invalid ELF header"), "");
    }
}
