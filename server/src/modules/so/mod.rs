//! The module that loads modules: `so_module`, with `LoadModule` and `LoadFile`.
//!
//! `load` opens and checks shared objects; here stand the command table, the list of what was
//! loaded (for `-M` and for modules that look for others) and the hooks.

mod load;

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    mem::size_of,
    ptr::{null, null_mut},
    sync::atomic::{AtomicPtr, Ordering},
};

use httpd_sys::{self as sys, apr_pool_t, cmd_func, command_rec, module, server_rec};

use super::static_modules;

/// A module that `LoadModule` loaded.
#[repr(C)]
#[derive(Clone, Copy)]
struct Loaded {
    name: *const c_char,
    /// NULL for a name that selects what is built in.
    module: *mut module,
}

/// The module's configuration of a server: an array of `Loaded`.
type Config = sys::apr_array_header_t;

static mut COMMANDS: [command_rec; 3] = [
    command_rec {
        name: c"LoadModule".as_ptr(),
        func: cmd_func {
            take2: Some(load::load_module),
        },
        cmd_data: null_mut(),
        req_override: (sys::RSRC_CONF | sys::EXEC_ON_READ) as c_int,
        args_how: sys::TAKE2,
        errmsg: c"a module name and the name of a shared object file to load it from".as_ptr(),
    },
    command_rec {
        name: c"LoadFile".as_ptr(),
        func: cmd_func {
            take1: Some(load::load_file),
        },
        cmd_data: null_mut(),
        req_override: (sys::RSRC_CONF | sys::EXEC_ON_READ) as c_int,
        args_how: sys::ITERATE,
        errmsg: c"shared object file or library to load into the server at runtime".as_ptr(),
    },
    command_rec {
        name: null(),
        func: cmd_func { no_args: None },
        cmd_data: null_mut(),
        req_override: 0,
        args_how: sys::RAW_ARGS,
        errmsg: null(),
    },
];

#[allow(non_upper_case_globals, reason = "a name of the ABI")]
#[unsafe(no_mangle)]
pub static mut so_module: module = module {
    version: sys::MODULE_MAGIC_NUMBER_MAJOR as c_int,
    minor_version: sys::MODULE_MAGIC_NUMBER_MINOR as c_int,
    module_index: -1,
    name: c"mod_so.c".as_ptr(),
    dynamic_load_handle: null_mut(),
    next: null_mut(),
    magic: sys::MODULE_MAGIC_COOKIE as _,
    rewrite_args: None,
    create_dir_config: None,
    merge_dir_config: None,
    create_server_config: Some(create_config),
    merge_server_config: None,
    cmds: (&raw const COMMANDS).cast(),
    register_hooks: Some(register_hooks),
    flags: 0,
};

/// The server whose configuration says what is loaded; virtual hosts have no list of their own.
static MAIN: AtomicPtr<server_rec> = AtomicPtr::new(null_mut());

unsafe extern "C" fn create_config(p: *mut apr_pool_t, s: *mut server_rec) -> *mut c_void {
    // SAFETY: the core gives a live pool and a live server.
    unsafe {
        if (*s).is_virtual == 0 {
            MAIN.store(s, Ordering::Relaxed);
        }
        sys::apr_array_make(p, 64, size_of::<Loaded>() as c_int).cast()
    }
}

/// What has been loaded for a server; NULL before its configuration is made.
///
/// # Safety
/// `s` is live.
unsafe fn config(s: *const server_rec) -> *mut Config {
    // SAFETY: the caller's promise; the module is in the list.
    unsafe {
        if so_module.module_index < 0 || (*s).module_config.is_null() {
            return null_mut();
        }
        sys::ap_get_module_config((*s).module_config, &raw const so_module).cast()
    }
}

/// The entries of `config`.
///
/// # Safety
/// As `config`; nothing is loaded while the slice is used.
unsafe fn loaded<'a>(s: *const server_rec) -> &'a [Loaded] {
    // SAFETY: the caller's promise.
    unsafe {
        let array = config(s);
        if array.is_null() || (*array).nelts == 0 {
            return &[];
        }
        std::slice::from_raw_parts((*array).elts.cast(), (*array).nelts as usize)
    }
}

unsafe extern "C" fn register_hooks(_: *mut apr_pool_t) {
    // SAFETY: hooks are registered while the server is single-threaded; the functions have the
    // types under which their users know them.
    unsafe {
        let find: unsafe extern "C" fn(*mut server_rec, *const c_char) -> *mut module =
            find_loaded_module_symbol;
        sys::apr_dynamic_fn_register(
            c"ap_find_loaded_module_symbol".as_ptr(),
            Some(std::mem::transmute::<*const (), unsafe extern "C" fn()>(
                find as *const (),
            )),
        );
        sys::ap_hook_test_config(
            Some(dump_loaded_modules),
            null(),
            null(),
            sys::APR_HOOK_MIDDLE as c_int,
        );
    }
}

/// The module that was loaded under this name; NULL when none was.
unsafe extern "C" fn find_loaded_module_symbol(
    _: *mut server_rec,
    name: *const c_char,
) -> *mut module {
    // SAFETY: the header asks for a live server and a name.
    unsafe {
        let name = CStr::from_ptr(name);
        // Whoever asks, within a <VirtualHost> or while the configuration is read again: there is one
        // list, and the server that is named may be gone.
        let main = MAIN.load(Ordering::Relaxed);
        let list = if main.is_null() { &[] } else { loaded(main) };
        list.iter()
            .find(|entry| !entry.name.is_null() && CStr::from_ptr(entry.name) == name)
            .map_or(null_mut(), |entry| entry.module)
    }
}

/// Prints the modules for `-M`, that is `-t -D DUMP_MODULES`.
unsafe extern "C" fn dump_loaded_modules(p: *mut apr_pool_t, s: *mut server_rec) {
    // SAFETY: the hook gives a live pool and the main server; the format takes one string.
    unsafe {
        if sys::ap_exists_config_define(c"DUMP_MODULES".as_ptr()) == 0 {
            return;
        }
        let mut out = null_mut();
        if sys::apr_file_open_stdout(&mut out, p) != 0 {
            return;
        }
        sys::apr_file_printf(out, c"Loaded Modules:\n".as_ptr());
        for symbol in static_modules::symbols() {
            sys::apr_file_printf(out, c" %s (static)\n".as_ptr(), symbol.name);
        }
        for entry in loaded(s).iter().filter(|entry| !entry.module.is_null()) {
            sys::apr_file_printf(out, c" %s (shared)\n".as_ptr(), entry.name);
        }
    }
}
