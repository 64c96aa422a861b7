//! The core's hooks around the reading of the configuration and the start of a child.

use std::{
    ffi::{CStr, c_int, c_void},
    ptr::null_mut,
};

use httpd_sys::{self as sys, apr_pool_t, server_rec};
use module_sdk::raw::{Pool, Server};

use super::{banner, defines, log_server, server_config};
use crate::{
    abi::{http_core::optional, privileges},
    crash::limit,
    hooks::dump,
};

const OK: c_int = sys::OK as c_int;
/// What a hook answers to stop the start.
const FAILED: c_int = 1;

/// Before the configuration is read.
pub(super) unsafe extern "C" fn pre_config(
    pconf: *mut apr_pool_t,
    _plog: *mut apr_pool_t,
    _ptemp: *mut apr_pool_t,
) -> c_int {
    limit::set(None);
    // SAFETY: the hook's caller passes the configuration's pool; the process is single-threaded.
    unsafe {
        sys::ap_mutex_init(pconf);
        defines::begin(pconf);
        sys::apr_pool_cleanup_register(
            pconf,
            null_mut(),
            Some(forget),
            Some(sys::apr_pool_cleanup_null),
        );
        sys::ap_regcomp_set_default_cflags(sys::AP_REG_DEFAULT as c_int);
        OK
    }
}

/// The configuration's pool goes: what it set in the process starts from new.
unsafe extern "C" fn forget(_: *mut c_void) -> sys::apr_status_t {
    privileges::reset();
    // SAFETY: run by the pool in the single-threaded process.
    unsafe { optional::forget() };
    0
}

/// Whether the directories of the error logs can be reached.
pub(super) unsafe extern "C" fn check_config(
    _pconf: *mut apr_pool_t,
    _plog: *mut apr_pool_t,
    ptemp: *mut apr_pool_t,
    s: *mut server_rec,
) -> c_int {
    // SAFETY: the hook's caller passes the list of servers and a live pool.
    unsafe {
        let mut answer = OK;
        for server in Server::from_ptr(s).iter() {
            if !error_log_reachable(Pool::from_ptr(ptemp), server.as_ptr()) {
                answer = FAILED;
            }
        }
        answer
    }
}

/// # Safety
/// The server is live.
unsafe fn error_log_reachable(pool: Pool<'_>, server: *const server_rec) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(name) = module_sdk::raw::text((*server).error_fname) else {
            return true;
        };
        if !is_file_name(name) {
            return true;
        }
        let path = sys::ap_server_root_relative(pool.as_ptr(), name.as_ptr());
        if path.is_null() {
            return true;
        }
        let directory = sys::ap_make_dirstr_parent(pool.as_ptr(), path);
        let mut found: sys::apr_finfo_t = std::mem::zeroed();
        let mut status = sys::apr_stat(
            &mut found,
            directory,
            sys::APR_FINFO_TYPE as i32,
            pool.as_ptr(),
        );
        if status == 0 && found.filetype != sys::APR_DIR {
            status = libc::ENOTDIR;
        }
        if status == 0 {
            return true;
        }
        let whose = match module_sdk::raw::text((*server).defn_name) {
            None => String::from("main error log"),
            Some(file) => format!(
                "error log of vhost defined at {}:{}",
                file.to_string_lossy(),
                (*server).defn_line_number
            ),
        };
        log_server(
            sys::ap_server_conf,
            sys::APLOG_STARTUP | sys::APLOG_EMERG,
            status,
            &format!(
                "AH02291: Cannot access directory '{}' for {whose}",
                CStr::from_ptr(directory).to_string_lossy()
            ),
        );
        false
    }
}

/// Whether an `ErrorLog` is a file: no pipe, no syslog.
fn is_file_name(name: &CStr) -> bool {
    let name = name.to_bytes();
    !(name.starts_with(b"|") || name == b"syslog" || name.starts_with(b"syslog:"))
}

/// After the configuration is read.
pub(super) unsafe extern "C" fn post_config(
    pconf: *mut apr_pool_t,
    _plog: *mut apr_pool_t,
    ptemp: *mut apr_pool_t,
    _s: *mut server_rec,
) -> c_int {
    // SAFETY: the hook's caller passes live pools; the process is single-threaded.
    unsafe {
        retrieve_optional_functions();
        banner::begin(pconf);
        sys::ap_setup_make_content_type(pconf);
        sys::ap_setup_auth_internal(ptemp);
        sys::ap_setup_ssl_optional_fns(pconf);
        if !privileges::handled() {
            log_server(
                std::ptr::null(),
                sys::APLOG_CRIT,
                0,
                "AH00136: Server MUST relinquish startup privileges before accepting \
                 connections.  Please ensure mod_unixd or other system security module is \
                 loaded.",
            );
            return FAILED;
        }
        OK
    }
}

/// Looks for the functions of other modules that the core's accessors ask.
pub(super) unsafe extern "C" fn retrieve_optional_functions() {
    // SAFETY: called while the server is single-threaded.
    unsafe { optional::retrieve() };
}

/// `-t -D DUMP_RUN_CFG`: prints what the server would run with.
pub(super) unsafe extern "C" fn test_config(pool: *mut apr_pool_t, s: *mut server_rec) {
    // SAFETY: the hook's caller passes a live pool and the main server; nothing changes any more.
    unsafe {
        if defines::exists(c"DUMP_HOOKS") {
            dump::print(pool);
        }
        if !defines::exists(c"DUMP_RUN_CFG") {
            return;
        }
        let mut out = null_mut();
        if sys::apr_file_open_stdout(&mut out, pool) != 0 {
            return;
        }
        let print = |text: &str| {
            let text = super::c_text(text);
            sys::apr_file_puts(text.as_ptr(), out);
        };
        let shown = |text: *const std::ffi::c_char| {
            module_sdk::raw::text(text)
                .unwrap_or(c"")
                .to_string_lossy()
                .into_owned()
        };
        print(&format!("ServerRoot: \"{}\"\n", shown(sys::ap_server_root)));
        let root = sys::ap_server_root_relative(pool, (*server_config(s)).ap_document_root);
        print(&format!("Main DocumentRoot: \"{}\"\n", shown(root)));
        let log = module_sdk::raw::text((*s).error_fname).unwrap_or(c"");
        let log = if is_file_name(log) {
            shown(sys::ap_server_root_relative(pool, log.as_ptr()))
        } else {
            log.to_string_lossy().into_owned()
        };
        print(&format!("Main ErrorLog: \"{log}\"\n"));
        if !sys::ap_scoreboard_fname.is_null() {
            let board = sys::ap_server_root_relative(pool, sys::ap_scoreboard_fname);
            print(&format!("ScoreBoardFile: \"{}\"\n", shown(board)));
        }
        sys::ap_dump_mutexes(pool, s, out);
        sys::ap_mpm_dump_pidfile(pool, out);
        for name in defines::names()
            .into_iter()
            .flat_map(|names| names.iter().collect::<Vec<_>>())
        {
            let name = CStr::from_ptr(name);
            match defines::value(name) {
                Some(value) => print(&format!(
                    "Define: {}={}\n",
                    name.to_string_lossy(),
                    value.to_string_lossy()
                )),
                None => print(&format!("Define: {}\n", name.to_string_lossy())),
            }
        }
    }
}

unsafe extern "C" {
    /// apr_random.h: every generator of the process goes on differently from here.
    fn apr_random_after_fork(process: *mut sys::apr_proc_t);
}

/// In a new child: its random numbers differ from its siblings'.
pub(super) unsafe extern "C" fn child_init(_pchild: *mut apr_pool_t, _s: *mut server_rec) {
    // SAFETY: reads the process's id and mixes it into APR's generators.
    unsafe {
        let mut this: sys::apr_proc_t = std::mem::zeroed();
        this.pid = libc::getpid();
        apr_random_after_fork(&mut this);
    }
}
