//! The socket under a connection, and how to wait for its input.

use httpd_sys::{self as sys, conn_rec};

exports! { ap_get_conn_socket, ap_get_pollfd_from_conn }

/// The client's socket: the connection's hooks leave it at the core's place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_conn_socket(c: *mut conn_rec) -> *mut sys::apr_socket_t {
    // SAFETY: the header asks for a live connection.
    unsafe { sys::ap_get_core_module_config((*c).conn_config).cast() }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_pollfd_from_conn(
    c: *mut conn_rec,
    pfd: *mut sys::apr_pollfd_t,
    timeout: *mut sys::apr_interval_time_t,
) -> sys::apr_status_t {
    // SAFETY: the header asks for a live connection and places for the answers.
    unsafe { sys::ap_run_get_pollfd_from_conn(c, pfd, timeout) }
}

/// Answers for connections with a socket of their own.
pub(crate) unsafe extern "C" fn core_pollfd(
    c: *mut conn_rec,
    pfd: *mut sys::apr_pollfd_t,
    timeout: *mut sys::apr_interval_time_t,
) -> sys::apr_status_t {
    const APR_ENOTIMPL: sys::apr_status_t = 70023;
    // SAFETY: as above.
    unsafe {
        if c.is_null() || !(*c).master.is_null() {
            return APR_ENOTIMPL;
        }
        let socket = ap_get_conn_socket(c);
        (*pfd).desc_type = sys::APR_POLL_SOCKET;
        (*pfd).desc.s = socket;
        if !timeout.is_null() {
            sys::apr_socket_timeout_get(socket, timeout);
        }
        0
    }
}
