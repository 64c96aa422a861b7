//! The addresses of `<VirtualHost ...>`, read from the configuration.

use std::{
    collections::{HashMap, hash_map::Entry},
    ffi::{CStr, c_char, c_int, c_void},
    ptr::{null, null_mut},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use httpd_sys as sys;

use super::super::http_request::support::{CORE, bytes, copy, is_blank, zeroed};

exports! { ap_parse_vhost_addrs, ap_set_name_virtual_host }

/// The addresses of this configuration that were looked up. Thousands of hosts share a few, and the
/// system's resolver takes a while even for numbers. They live in `pool`.
struct Known {
    pool: *mut sys::apr_pool_t,
    by_name: HashMap<(Vec<u8>, sys::apr_port_t), *mut sys::apr_sockaddr_t>,
}

// SAFETY: the addresses do not change once they were found.
unsafe impl Send for Known {}

static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

/// Forgets the addresses of an earlier configuration; this one lives in `pool`.
pub(super) fn begin(pool: *mut sys::apr_pool_t) {
    *KNOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(Known {
        pool,
        by_name: HashMap::new(),
    });
}

/// Asks the resolver for the addresses of a name, NULL for the wildcards.
///
/// # Safety
/// `pool` is live; `name` is NULL or ends with NUL.
unsafe fn resolve(
    pool: *mut sys::apr_pool_t,
    name: *const c_char,
    port: sys::apr_port_t,
) -> Result<*mut sys::apr_sockaddr_t, sys::apr_status_t> {
    let mut address = null_mut();
    let family = sys::APR_UNSPEC as i32;
    // SAFETY: the caller's promise; APR keeps the addresses in the pool.
    match unsafe { sys::apr_sockaddr_info_get(&mut address, name, family, port, 0, pool) } {
        0 => Ok(address),
        status => Err(status),
    }
}

/// The same, asked once for each name and port of a configuration.
///
/// # Safety
/// As `resolve`.
unsafe fn look_up(
    pool: *mut sys::apr_pool_t,
    name: *const c_char,
    port: sys::apr_port_t,
) -> Result<*mut sys::apr_sockaddr_t, sys::apr_status_t> {
    // SAFETY: the caller's promise.
    let ask = || unsafe { resolve(pool, name, port) };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(known) = known.as_mut().filter(|known| known.pool == pool) else {
        return ask();
    };
    let name = if name.is_null() {
        Vec::new()
    } else {
        // SAFETY: the caller's promise.
        unsafe { bytes(name) }.to_vec()
    };
    match known.by_name.entry((name, port)) {
        Entry::Occupied(found) => Ok(*found.get()),
        Entry::Vacant(place) => Ok(*place.insert(ask()?)),
    }
}

/// The addresses of one word of the line, added behind `last`.
///
/// # Safety
/// `pool` is live, `word` ends with NUL, `last` is where the next address of the list goes.
unsafe fn add_addresses(
    pool: *mut sys::apr_pool_t,
    word: *const c_char,
    last: &mut *mut *mut sys::server_addr_rec,
    default_port: sys::apr_port_t,
) -> Result<(), &'static CStr> {
    // SAFETY: the caller's promise; APR keeps the addresses in the pool.
    unsafe {
        // APR knows no port "*".
        let text = bytes(word);
        let (text, any_port) = match text {
            b"*" => (text, true),
            _ => match text.strip_suffix(b":*") {
                Some(host) => (host, true),
                None => (text, false),
            },
        };
        let (mut host, mut zone, mut port) = (null_mut(), null_mut(), 0);
        let parsed =
            sys::apr_parse_addr_port(&mut host, &mut zone, &mut port, copy(pool, text), pool);
        if parsed != 0 {
            return Err(c"The address or port is invalid");
        }
        if host.is_null() {
            return Err(c"Missing address for VirtualHost");
        }
        if port == 0 && !any_port {
            port = default_port;
        }
        let name = bytes(host);
        let is_wildcard = name == b"*" || name.eq_ignore_ascii_case(b"_default_");
        let wanted = if is_wildcard {
            null()
        } else {
            host.cast_const()
        };
        // A zone is set on the address, which then is this host's own.
        let found = if zone.is_null() {
            look_up(pool, wanted, port)
        } else {
            resolve(pool, wanted, port)
        };
        let mut address = match found {
            Ok(address) => address,
            Err(_) if is_wildcard => {
                return Err(
                    c"Could not determine a wildcard address ('0.0.0.0') -- check resolver \
                    configuration.",
                );
            }
            Err(status) => {
                let format: &CStr = c"AH00547: Could not resolve host name %s -- ignoring!";
                log(sys::APLOG_ERR, status, format, host);
                return Ok(());
            }
        };
        if !zone.is_null() && sys::apr_sockaddr_zone_set(address, zone) != 0 {
            return Err(c"Scope ID is not supported for this address");
        }
        while !address.is_null() {
            let record = zeroed::<sys::server_addr_rec>(pool);
            (*record).host_addr = address;
            (*record).host_port = port;
            (*record).virthost = host;
            **last = record;
            *last = &raw mut (*record).next;
            address = (*address).next;
        }
        Ok(())
    }
}

/// A line in the log before there are servers.
///
/// # Safety
/// `format` takes one string.
unsafe fn log(level: u32, status: sys::apr_status_t, format: &CStr, text: *const c_char) {
    // SAFETY: the caller's promise.
    unsafe {
        sys::ap_log_error_(
            concat!(file!(), "\0").as_ptr().cast(),
            line!() as c_int,
            CORE,
            level as c_int,
            status,
            null(),
            format.as_ptr(),
            text,
        );
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_parse_vhost_addrs(
    pool: *mut sys::apr_pool_t,
    mut hosts: *const c_char,
    s: *mut sys::server_rec,
) -> *const c_char {
    // SAFETY: the header asks for a live pool and server and the words of the line.
    unsafe {
        let mut last = &raw mut (*s).addrs;
        while !is_blank(hosts) {
            let word = sys::ap_getword_conf(pool, &mut hosts);
            if is_blank(word) {
                continue;
            }
            if let Err(message) = add_addresses(pool, word, &mut last, (*s).port) {
                *last = null_mut();
                return message.as_ptr();
            }
        }
        *last = null_mut();
        if !(*s).addrs.is_null() && (*(*s).addrs).host_port != 0 {
            (*s).port = (*(*s).addrs).host_port;
        }
        null()
    }
}

/// NameVirtualHost does nothing since 2.4, and says so once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_name_virtual_host(
    cmd: *mut sys::cmd_parms,
    _: *mut c_void,
    _: *const c_char,
) -> *const c_char {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if !WARNED.swap(true, Ordering::Relaxed) {
        // SAFETY: directives are called with what they are in.
        unsafe {
            let directive = (*cmd).directive;
            sys::ap_log_error_(
                concat!(file!(), "\0").as_ptr().cast(),
                line!() as c_int,
                CORE,
                (sys::APLOG_NOTICE | sys::APLOG_STARTUP) as c_int,
                0,
                null(),
                c"AH00548: NameVirtualHost has no effect and will be removed in the next release \
                    %s:%d"
                    .as_ptr(),
                (*directive).filename,
                (*directive).line_num,
            );
        }
    }
    null()
}
