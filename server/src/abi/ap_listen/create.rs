//! From the address that Listen names to the records of its sockets: taken over from the reading
//! before, inherited, or new.

use std::{
    ffi::{CStr, c_int},
    ptr::{null, null_mut},
    sync::atomic::Ordering,
};

use std::ffi::c_char;

use httpd_sys::{self as sys, ap_listen_rec, apr_sockaddr_t, cmd_parms};
use module_sdk::raw::Pool;

use super::{EARLIER, Listener, ap_listeners, inherited, records, report, shown};

/// Adds what Listen asks for to the list; answers what is wrong with it, or NULL.
///
/// # Safety
/// `cmd` is the engine's record; the process has one thread.
pub(super) unsafe fn listen(
    cmd: *mut cmd_parms,
    host: Option<&CStr>,
    scope: Option<&CStr>,
    port: sys::apr_port_t,
    protocol: &CStr,
) -> *const c_char {
    // SAFETY: the caller's promise; what is made here lives as long as the process.
    unsafe {
        let pool = (*(*(*cmd).server).process).pool;
        let room = Pool::from_ptr(pool);
        let name = host.map_or(null(), |host| room.copy(host.to_bytes()).as_ptr());
        let first = records(ap_listeners)
            .map(|record| record.cast::<Listener>())
            .find(|&listener| {
                let same_host = module_sdk::raw::text((*listener).host) == host;
                same_host && (*(*listener).record.bind_addr).port == port
            });
        if let Some(first) = first {
            return said_twice(cmd, first);
        }
        let mut addresses = null_mut();
        let family = sys::APR_UNSPEC as i32;
        let status = sys::apr_sockaddr_info_get(&raw mut addresses, name, family, port, 0, pool);
        if status != 0 {
            report(
                sys::APLOG_CRIT,
                status,
                format_args!(
                    "AH00077: alloc_listener: failed to set up sockaddr for {}",
                    host.unwrap_or(c"[any]").to_string_lossy()
                ),
            );
            return c"Listen setup failed".as_ptr();
        }
        let addresses: Vec<_> = std::iter::successors(Some(addresses), |&address| {
            let next = (*address).next;
            (!next.is_null()).then_some(next)
        })
        .filter(|address| !address.is_null())
        .collect();
        if let Some(scope) = scope {
            for &address in &addresses {
                let status = sys::apr_sockaddr_zone_set(address, scope.as_ptr());
                if status != 0 {
                    report(
                        sys::APLOG_CRIT,
                        status,
                        format_args!(
                            "AH10102: alloc_listener: failed to set scope for {} to {}",
                            shown(address),
                            scope.to_string_lossy()
                        ),
                    );
                    return c"Listen step failed".as_ptr();
                }
            }
        }
        let mut made = Vec::new();
        for &address in &addresses {
            if let Some(listener) = take_earlier(address).or_else(|| take_bound(pool, address)) {
                made.push((address, listener));
            }
        }
        // A socket for every address of the machine serves both families, so its twin was dropped
        // when it was opened: nothing is missing.
        if made.is_empty() || host.is_some() {
            for (at, &address) in addresses.iter().enumerate() {
                if made.iter().any(|&(of, _)| of == address) {
                    continue;
                }
                let listener: *mut Listener = room.zeroed();
                let record = &raw mut (*listener).record;
                (*record).bind_addr = address;
                let status = new_socket(record, pool);
                if status != 0 {
                    if host.is_none() && (*address).family == libc::AF_INET6 {
                        // A system without IPv6.
                        continue;
                    }
                    report(
                        sys::APLOG_CRIT,
                        status,
                        format_args!(
                            "AH00078: alloc_listener: failed to get a socket for {}",
                            host.unwrap_or(c"(null)").to_string_lossy()
                        ),
                    );
                    return c"Listen setup failed".as_ptr();
                }
                made.insert(at.min(made.len()), (address, listener));
            }
        }
        for (_, listener) in made {
            (*listener).record.protocol = room.copy(protocol.to_bytes()).as_ptr();
            (*listener).host = name;
            note_place(listener, cmd);
            append(listener.cast());
        }
    }
    null()
}

/// Whether a record is about this address.
///
/// # Safety
/// Both are live.
unsafe fn same(record: *mut ap_listen_rec, address: *mut apr_sockaddr_t) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let bound = (*record).bind_addr;
        (*bound).port == (*address).port
            && (*bound).family == (*address).family
            && sys::apr_sockaddr_equal(bound, address) != 0
    }
}

/// The record of the reading before for this address.
unsafe fn take_earlier(address: *mut apr_sockaddr_t) -> Option<*mut Listener> {
    // SAFETY: the list is ours; the process has one thread.
    unsafe {
        let mut first = EARLIER.load(Ordering::Relaxed);
        let mut link = &raw mut first;
        while !(*link).is_null() && !same(*link, address) {
            link = &raw mut (**link).next;
        }
        let found = *link;
        if found.is_null() {
            return None;
        }
        *link = (*found).next;
        EARLIER.store(first, Ordering::Relaxed);
        (*found).next = null_mut();
        Some(found.cast())
    }
}

/// A record for an inherited socket of this address.
unsafe fn take_bound(
    pool: *mut sys::apr_pool_t,
    address: *mut apr_sockaddr_t,
) -> Option<*mut Listener> {
    // SAFETY: the pool and the address are live; the record lives as long as the process.
    unsafe {
        let socket = inherited::take(address, pool, 0)?;
        let listener: *mut Listener = Pool::from_ptr(pool).zeroed();
        (*listener).record.bind_addr = address;
        (*listener).record.sd = socket;
        (*listener).bound = true;
        Some(listener)
    }
}

/// # Safety
/// The record has its address.
pub(super) unsafe fn new_socket(
    record: *mut ap_listen_rec,
    pool: *mut sys::apr_pool_t,
) -> sys::apr_status_t {
    // SAFETY: the caller's promise.
    unsafe {
        sys::apr_socket_create(
            &raw mut (*record).sd,
            (*(*record).bind_addr).family,
            libc::SOCK_STREAM,
            0,
            pool,
        )
    }
}

unsafe fn note_place(listener: *mut Listener, cmd: *mut cmd_parms) {
    // SAFETY: the engine's record has the directive; its strings live as long as pconf, so the
    // file's name is copied.
    unsafe {
        let directive = (*cmd).directive;
        if directive.is_null() || (*directive).filename.is_null() {
            return;
        }
        let pool = (*(*(*cmd).server).process).pool;
        (*listener).file = sys::apr_pstrdup(pool, (*directive).filename);
        (*listener).line = (*directive).line_num as c_int;
    }
}

unsafe fn append(record: *mut ap_listen_rec) {
    // SAFETY: the list is ours; the process has one thread.
    unsafe {
        let mut link = &raw mut ap_listeners;
        while !(*link).is_null() {
            link = &raw mut (**link).next;
        }
        *link = record;
    }
}

unsafe fn said_twice(cmd: *mut cmd_parms, first: *mut Listener) -> *const c_char {
    // SAFETY: records of the list are ours; the pool is live.
    unsafe {
        let text = c"Cannot define multiple Listeners on the same IP:port";
        match module_sdk::raw::text((*first).file) {
            Some(file) => Pool::from_ptr((*cmd).pool)
                .text(format_args!(
                    "{}: the first stands on line {} of {}",
                    text.to_string_lossy(),
                    (*first).line,
                    file.to_string_lossy()
                ))
                .as_ptr(),
            None => text.as_ptr(),
        }
    }
}
