//! Sockets that are bound already when the server starts: those an earlier generation of this
//! server left on executing itself (`HTTPD_RS_LISTEN_FDS`), and those of systemd (`LISTEN_FDS`).
//! Listen takes them instead of binding new ones; which is which, the sockets themselves tell.

use std::{
    ffi::c_int,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::RawFd,
    ptr::null_mut,
    sync::{Mutex, PoisonError},
};

use httpd_sys as sys;

use crate::mpm::sockets;

/// The sockets that no Listen has taken yet; `None` before they have been looked for.
static WAITING: Mutex<Option<Vec<(SocketAddr, RawFd)>>> = Mutex::new(None);

/// The inherited socket that is bound to `address`, if there is one.
///
/// # Safety
/// `address` and `pool` are live.
pub(super) unsafe fn take(
    address: *const sys::apr_sockaddr_t,
    pool: *mut sys::apr_pool_t,
) -> Option<*mut sys::apr_socket_t> {
    // SAFETY: the caller's promise; APR copies what the record points to.
    unsafe {
        let wanted = address_of(&(*address).sa.sas)?;
        let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = waiting.get_or_insert_with(find);
        let at = waiting.iter().position(|&(bound, _)| bound == wanted)?;
        let (_, mut descriptor) = waiting.swap_remove(at);
        // Programs that modules start must not get it.
        libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
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

/// Closes the inherited sockets that the configuration asks for no more.
pub(super) fn close_rest() {
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    for (_, descriptor) in waiting.take().unwrap_or_default() {
        // SAFETY: the descriptor was handed to this process, and nothing else uses it.
        unsafe { libc::close(descriptor) };
    }
    *waiting = Some(Vec::new());
}

/// The listening sockets this process was handed.
fn find() -> Vec<(SocketAddr, RawFd)> {
    let own = std::process::id();
    let variable = |name| std::env::var(name).unwrap_or_default();
    let handed = sockets::handed_over(
        &variable(sockets::INHERITED),
        &variable("LISTEN_PID"),
        &variable("LISTEN_FDS"),
        own,
    );
    handed
        .into_iter()
        .filter_map(|descriptor| Some((bound_to(descriptor)?, descriptor)))
        .collect()
}

/// What a listening TCP socket is bound to; `None` for any other descriptor.
fn bound_to(descriptor: RawFd) -> Option<SocketAddr> {
    // SAFETY: both calls write at most as much as they are told there is room for.
    unsafe {
        let mut listens: c_int = 0;
        let mut length = size_of_val(&listens) as libc::socklen_t;
        let status = libc::getsockopt(
            descriptor,
            libc::SOL_SOCKET,
            libc::SO_ACCEPTCONN,
            (&raw mut listens).cast(),
            &raw mut length,
        );
        if status != 0 || listens == 0 {
            return None;
        }
        let mut address: sys::sockaddr_storage = std::mem::zeroed();
        let mut length = size_of_val(&address) as libc::socklen_t;
        if libc::getsockname(descriptor, (&raw mut address).cast(), &raw mut length) != 0 {
            return None;
        }
        address_of(&address)
    }
}

fn address_of(address: &sys::sockaddr_storage) -> Option<SocketAddr> {
    let address = std::ptr::from_ref(address);
    // SAFETY: the storage is large enough for either kind, and the family says which it is.
    unsafe {
        match c_int::from((*address).ss_family) {
            libc::AF_INET => {
                let address = &*address.cast::<libc::sockaddr_in>();
                let ip = Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr));
                Some((IpAddr::V4(ip), u16::from_be(address.sin_port)).into())
            }
            libc::AF_INET6 => {
                let address = &*address.cast::<libc::sockaddr_in6>();
                let ip = Ipv6Addr::from(address.sin6_addr.s6_addr);
                let port = u16::from_be(address.sin6_port);
                let scope = address.sin6_scope_id;
                Some(std::net::SocketAddrV6::new(ip, port, 0, scope).into())
            }
            _ => None,
        }
    }
}
