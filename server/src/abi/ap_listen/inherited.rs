//! Sockets that are bound already when the server starts (`mpm::sockets`), as records hold them.

use std::{ffi::CStr, ptr::null_mut};

use httpd_sys as sys;

use crate::mpm::sockets;

/// The inherited socket of this set that is bound to `address`, if there is one.
///
/// # Safety
/// `address` and `pool` are live.
pub(super) unsafe fn take(
    address: *mut sys::apr_sockaddr_t,
    pool: *mut sys::apr_pool_t,
    set: usize,
) -> Option<*mut sys::apr_socket_t> {
    // SAFETY: the caller's promise; APR copies what the record points to.
    unsafe {
        let mut text = null_mut();
        if sys::apr_sockaddr_ip_get(&raw mut text, address) != 0 {
            return None;
        }
        let text = CStr::from_ptr(text).to_str().ok()?;
        let mut descriptor = sockets::take_inherited(text, (*address).port, set)?;
        let mut local = (*address).sa;
        let mut made = sys::apr_os_sock_info_t {
            os_sock: &raw mut descriptor,
            local: (&raw mut local).cast(),
            remote: null_mut(),
            family: (*address).family,
            type_: libc::SOCK_STREAM,
            protocol: 0,
        };
        let mut socket = null_mut();
        let status = sys::apr_os_sock_make(&raw mut socket, &raw mut made, pool);
        (status == 0).then_some(socket)
    }
}
