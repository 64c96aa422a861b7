//! The main server and its virtual hosts: making their records, and completing the hosts from the
//! main server when the whole configuration has been read.

use std::{
    ffi::{c_char, c_int},
    mem::size_of,
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, apr_pool_t, server_rec};

use super::vectors;

exports! { ap_init_virtual_host, ap_fixup_virtual_hosts, ap_merge_log_config }

/// A level that was not set.
const UNSET: c_int = sys::APLOG_NO_MODULE - 1;

/// The main server with its defaults; NULL when that fails, which has been said.
///
/// # Safety
/// `process` is live.
pub(super) unsafe fn main_server(
    process: *mut sys::process_rec,
    p: *mut apr_pool_t,
) -> *mut server_rec {
    // SAFETY: the caller's promise; the records are as large as what is allocated.
    unsafe {
        let s = zeroed::<server_rec>(p);
        let mut errors = null_mut();
        let status = sys::apr_file_open_stderr(&mut errors, (*process).pool);
        if status != 0 {
            super::log_plain(sys::APLOG_CRIT, "could not open standard error");
            return null_mut();
        }
        (*s).error_log = errors;
        (*s).process = process;
        (*s).server_admin = c_text(sys::DEFAULT_ADMIN);
        (*s).error_fname = c_text(sys::DEFAULT_ERRORLOG);
        (*s).log.level = sys::ap_default_loglevel;
        (*s).limit_req_line = sys::DEFAULT_LIMIT_REQUEST_LINE as c_int;
        (*s).limit_req_fieldsize = sys::DEFAULT_LIMIT_REQUEST_FIELDSIZE as c_int;
        (*s).limit_req_fields = sys::DEFAULT_LIMIT_REQUEST_FIELDS as c_int;
        (*s).timeout = seconds(sys::DEFAULT_TIMEOUT);
        (*s).keep_alive_timeout = seconds(sys::DEFAULT_KEEPALIVE_TIMEOUT);
        (*s).keep_alive_max = sys::DEFAULT_KEEPALIVE as c_int;
        (*s).keep_alive = 1;
        // It is no virtual host: its address matches no real interface.
        let address = zeroed::<sys::server_addr_rec>(p);
        let found = sys::apr_sockaddr_info_get(
            &mut (*address).host_addr,
            null(),
            sys::APR_UNSPEC as i32,
            0,
            0,
            p,
        );
        if found != 0 {
            super::log_plain(
                sys::APLOG_STARTUP | sys::APLOG_CRIT,
                "AH00530: initialisation: bug or getaddrinfo fail",
            );
            return null_mut();
        }
        (*address).virthost = c_text(b"\0");
        (*s).addrs = address;
        (*s).module_config = vectors::create_server_config(p, s);
        (*s).lookup_defaults = vectors::create_default_per_dir_config(p);
        s
    }
}

fn seconds(count: u32) -> sys::apr_interval_time_t {
    sys::apr_interval_time_t::from(count) * 1_000_000
}

/// A constant of the headers as C writes strings.
fn c_text(text: &'static [u8]) -> *mut c_char {
    text.as_ptr().cast_mut().cast()
}

/// Room for a `T`, all zero bytes.
///
/// # Safety
/// `p` is live; zero bytes are a value of `T`.
unsafe fn zeroed<T>(p: *mut apr_pool_t) -> *mut T {
    // SAFETY: the memory is as large as asked for.
    unsafe {
        let room = sys::apr_palloc(p, size_of::<T>()).cast::<T>();
        room.write_bytes(0, 1);
        room
    }
}

/// A virtual host whose settings are all unset, with the addresses that `hostname` lists.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_init_virtual_host(
    p: *mut apr_pool_t,
    hostname: *const c_char,
    main_server: *mut server_rec,
    ps: *mut *mut server_rec,
) -> *const c_char {
    // SAFETY: the header asks for a live pool and server, names and a place for the answer.
    unsafe {
        let s = zeroed::<server_rec>(p);
        let main = &*main_server;
        (*s).process = main.process;
        (*s).keep_alive = -1;
        (*s).keep_alive_max = -1;
        (*s).error_log = main.error_log;
        (*s).log.level = UNSET;
        // Without a port of its own, redirects name that of the main server.
        (*s).port = main.port;
        (*s).is_virtual = 1;
        (*s).names = sys::apr_array_make(p, 4, size_of::<*mut c_char>() as c_int);
        (*s).wild_names = sys::apr_array_make(p, 4, size_of::<*mut c_char>() as c_int);
        (*s).module_config = vectors::empty(p);
        (*s).lookup_defaults = vectors::empty(p);
        (*s).limit_req_line = main.limit_req_line;
        (*s).limit_req_fieldsize = main.limit_req_fieldsize;
        (*s).limit_req_fields = main.limit_req_fields;
        *ps = s;
        sys::ap_parse_vhost_addrs(p, hostname, s)
    }
}

/// Gives each virtual host what it left unset from the main server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_fixup_virtual_hosts(p: *mut apr_pool_t, main_server: *mut server_rec) {
    // SAFETY: the header asks for a live pool and the list of servers; the core's per-directory
    // settings are `core_dir_config`.
    unsafe {
        let main = &*main_server;
        let core = |vector| sys::ap_get_core_module_config(vector).cast::<sys::core_dir_config>();
        (*core(main.lookup_defaults)).log = &raw mut (*main_server).log;

        let mut virt = main.next;
        while !virt.is_null() {
            vectors::merge_server_configs(p, main.module_config, virt);
            (*virt).lookup_defaults =
                vectors::ap_merge_per_dir_configs(p, main.lookup_defaults, (*virt).lookup_defaults);
            if (*virt).server_admin.is_null() {
                (*virt).server_admin = main.server_admin;
            }
            if (*virt).timeout == 0 {
                (*virt).timeout = main.timeout;
            }
            if (*virt).keep_alive_timeout_set() == 0 {
                (*virt).keep_alive_timeout = main.keep_alive_timeout;
            }
            if (*virt).keep_alive == -1 {
                (*virt).keep_alive = main.keep_alive;
            }
            if (*virt).keep_alive_max == -1 {
                (*virt).keep_alive_max = main.keep_alive_max;
            }
            ap_merge_log_config(&main.log, &raw mut (*virt).log);

            let mut settings = core((*virt).lookup_defaults);
            if settings == core(main.lookup_defaults) {
                // A host without a directive of the core shares the main server's settings; its
                // log levels are its own.
                let size = size_of::<sys::core_dir_config>();
                settings = sys::apr_pmemdup(p, settings.cast(), size).cast();
                sys::ap_set_core_module_config((*virt).lookup_defaults, settings.cast());
            }
            (*settings).log = &raw mut (*virt).log;
            sys::ap_core_reorder_directories(p, virt);
            virt = (*virt).next;
        }
        sys::ap_core_reorder_directories(p, main_server);
    }
}

/// Completes `new_conf` from `old_conf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_merge_log_config(
    old_conf: *const sys::ap_logconf,
    new_conf: *mut sys::ap_logconf,
) {
    // SAFETY: the header asks for two live records of one life time; an array of levels has a
    // place for each module.
    unsafe {
        // Levels of modules from outside hold only where no own common level covers them.
        if (*new_conf).level == UNSET {
            (*new_conf).level = (*old_conf).level;
            if (*new_conf).module_levels.is_null() {
                (*new_conf).module_levels = (*old_conf).module_levels;
            } else if !(*old_conf).module_levels.is_null() {
                for at in 0..crate::modules::MAX_MODULES {
                    let own = (*new_conf).module_levels.add(at);
                    if c_int::from(*own) == UNSET {
                        *own = *(*old_conf).module_levels.add(at);
                    }
                }
            }
        }
    }
}
