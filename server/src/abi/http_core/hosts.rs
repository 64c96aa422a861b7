//! Who the client is: its host name by the DNS, its user by ident.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::null,
};

use httpd_sys::{self as sys, conn_rec, request_rec};

use super::optional;
use crate::modules::core::dir_config;

exports! { ap_get_remote_host, ap_get_useragent_host, ap_get_remote_logname }

/// Whether a name was checked by looking up its addresses again.
mod checked {
    pub(super) const NOT_YET: i32 = 0;
    pub(super) const YES: i32 = 1;
    pub(super) const NO: i32 = -1;
}

/// What is known about the host behind an address, wherever the structures keep it.
struct Host {
    address: *mut sys::apr_sockaddr_t,
    ip: *const c_char,
    pool: *mut sys::apr_pool_t,
    /// NULL: not looked up; empty: has none.
    name: *mut c_char,
    checked: i32,
}

impl Host {
    /// Finds out what `kind` (`REMOTE_*`) asks for; `lookups` is the setting of HostnameLookups.
    ///
    /// # Safety
    /// The pointers are live.
    unsafe fn find(&mut self, kind: u32, lookups: u32) -> (*const c_char, bool) {
        // SAFETY: the caller's promise.
        unsafe {
            let wanted = kind == sys::REMOTE_DOUBLE_REV
                || lookups == sys::HOSTNAME_LOOKUP_ON
                || lookups == sys::HOSTNAME_LOOKUP_DOUBLE;
            if kind != sys::REMOTE_NOLOOKUP && self.name.is_null() && wanted {
                self.look_up();
                if lookups == sys::HOSTNAME_LOOKUP_DOUBLE && !self.check() {
                    self.name = EMPTY.as_ptr().cast_mut();
                }
            }
            if kind == sys::REMOTE_DOUBLE_REV && !self.check() {
                return (null(), false);
            }
            match module_sdk::raw::text(self.name) {
                Some(name) if !name.is_empty() => (name.as_ptr(), false),
                _ if kind == sys::REMOTE_HOST || kind == sys::REMOTE_DOUBLE_REV => (null(), false),
                _ => (self.ip, true),
            }
        }
    }

    /// # Safety
    /// As `find`.
    unsafe fn look_up(&mut self) {
        // SAFETY: the caller's promise; the name lives as long as the address's pool.
        unsafe {
            if sys::apr_getnameinfo(&raw mut self.name, self.address, 0) == 0
                && !self.name.is_null()
            {
                sys::ap_str_tolower(self.name);
            } else {
                self.name = EMPTY.as_ptr().cast_mut();
            }
        }
    }

    /// Whether the name leads back to the address.
    ///
    /// # Safety
    /// As `find`.
    unsafe fn check(&mut self) -> bool {
        // SAFETY: the caller's promise; the list of addresses lives in the pool.
        unsafe {
            if self.checked == checked::NOT_YET {
                self.checked = checked::NO;
                let named = !self.name.is_null() && *self.name != 0;
                let mut found = std::ptr::null_mut();
                if named
                    && sys::apr_sockaddr_info_get(
                        &mut found,
                        self.name,
                        sys::APR_UNSPEC as i32,
                        0,
                        0,
                        self.pool,
                    ) == 0
                {
                    while !found.is_null() {
                        if sys::apr_sockaddr_equal(found, self.address) != 0 {
                            self.checked = checked::YES;
                            break;
                        }
                        found = (*found).next;
                    }
                }
            }
            self.checked == checked::YES
        }
    }
}

/// Marks a name that was looked up in vain.
const EMPTY: &CStr = c"";

/// # Safety
/// `dir_config` is NULL or a live vector.
unsafe fn lookups_of(vector: *const c_void) -> u32 {
    if vector.is_null() {
        return sys::HOSTNAME_LOOKUP_OFF;
    }
    // SAFETY: the caller's promise.
    unsafe { (*dir_config(vector.cast())).hostname_lookups() }
}

/// # Safety
/// `place` is NULL or writable.
unsafe fn tell(place: *mut c_int, is_ip: bool) {
    if !place.is_null() {
        // SAFETY: the caller's promise.
        unsafe { *place = c_int::from(is_ip) };
    }
}

/// The host at the other end of the connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_remote_host(
    c: *mut conn_rec,
    vector: *mut c_void,
    kind: c_int,
    str_is_ip: *mut c_int,
) -> *const c_char {
    // SAFETY: the header asks for a live connection, and a vector or NULL.
    unsafe {
        let mut host = Host {
            address: (*c).client_addr,
            ip: (*c).client_ip,
            pool: (*c).pool,
            name: (*c).remote_host,
            checked: (*c).double_reverse(),
        };
        let (answer, is_ip) = host.find(kind as u32, lookups_of(vector));
        (*c).remote_host = host.name;
        (*c).set_double_reverse(host.checked);
        tell(str_is_ip, is_ip);
        answer
    }
}

/// The host of the user agent, which may be behind a proxy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_useragent_host(
    r: *mut request_rec,
    kind: c_int,
    str_is_ip: *mut c_int,
) -> *const c_char {
    // SAFETY: the header asks for a live request.
    unsafe {
        let c = (*r).connection;
        let vector: *mut c_void = (*r).per_dir_config.cast();
        if (*r).useragent_addr == (*c).client_addr {
            return ap_get_remote_host(c, vector, kind, str_is_ip);
        }
        let mut host = Host {
            address: (*r).useragent_addr,
            ip: (*r).useragent_ip,
            pool: (*r).pool,
            name: (*r).useragent_host,
            checked: (*r).double_reverse,
        };
        let (answer, is_ip) = host.find(kind as u32, lookups_of(vector));
        (*r).useragent_host = host.name;
        (*r).double_reverse = host.checked;
        tell(str_is_ip, is_ip);
        answer
    }
}

/// The user at the client's machine, if mod_ident can tell.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_remote_logname(r: *mut request_rec) -> *const c_char {
    // SAFETY: as above; the optional function has the type of the header.
    unsafe {
        let known = (*(*r).connection).remote_logname;
        if !known.is_null() {
            return known;
        }
        optional::ident_lookup().map_or(null(), |look_up| look_up(r))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_lookups_the_address_is_the_name() {
        // SAFETY: nothing is looked up, so no pointer but the texts is followed.
        unsafe {
            let mut host = Host {
                address: std::ptr::null_mut(),
                ip: c"192.0.2.1".as_ptr(),
                pool: std::ptr::null_mut(),
                name: std::ptr::null_mut(),
                checked: checked::NOT_YET,
            };
            let off = sys::HOSTNAME_LOOKUP_OFF;
            assert_eq!(host.find(sys::REMOTE_NAME, off), (host.ip, true));
            assert_eq!(host.find(sys::REMOTE_HOST, off), (null(), false));
            host.name = c"a.example".as_ptr().cast_mut();
            assert_eq!(
                host.find(sys::REMOTE_NOLOOKUP, off),
                (host.name.cast_const(), false)
            );
            host.checked = checked::NO;
            assert_eq!(host.find(sys::REMOTE_DOUBLE_REV, off), (null(), false));
        }
    }
}
