//! The listening sockets, as the control process and its children use them.

use std::os::fd::RawFd;

use httpd_sys as sys;

/// The variable by which an executed control process is handed its sockets:
/// `descriptor:address:port`, separated by semicolons.
pub const INHERITED: &str = "HTTPD_RS_LISTEN_FDS";

/// The sockets that are listened on.
pub fn listening() -> Vec<RawFd> {
    let mut sockets = Vec::new();
    // SAFETY: the list is built while the configuration is read and then only read.
    unsafe {
        let mut listener = sys::ap_listeners;
        while !listener.is_null() {
            let mut descriptor = -1;
            if sys::apr_os_sock_get(&raw mut descriptor, (*listener).sd) == 0 && descriptor >= 0 {
                sockets.push(descriptor);
            }
            listener = (*listener).next;
        }
    }
    sockets
}

/// Copies of the sockets that stay open when the server executes itself, as `INHERITED` names them.
pub fn inheritable() -> String {
    let mut named = Vec::new();
    // SAFETY: as above; a copy of a descriptor is independent of the pool that closes the original.
    unsafe {
        let mut listener = sys::ap_listeners;
        while !listener.is_null() {
            let (mut descriptor, mut address) = (-1, std::ptr::null_mut());
            sys::apr_os_sock_get(&raw mut descriptor, (*listener).sd);
            let copy = libc::dup(descriptor);
            let bound = (*listener).bind_addr;
            if copy >= 0 && sys::apr_sockaddr_ip_get(&raw mut address, bound) == 0 {
                let address = module_sdk::raw::text(address).unwrap_or_default();
                named.push(format!(
                    "{copy}:{}:{}",
                    address.to_string_lossy(),
                    (*bound).port
                ));
            }
            listener = (*listener).next;
        }
    }
    named.join(";")
}

/// The first descriptor systemd passes on.
const SYSTEMD_FIRST: RawFd = 3;

/// The descriptors that an earlier generation (`inherited`, as `INHERITED` has it) or systemd
/// (`LISTEN_PID`, `LISTEN_FDS`) has handed to the process `own`.
pub fn handed_over(inherited: &str, pid: &str, count: &str, own: u32) -> Vec<RawFd> {
    let mut descriptors: Vec<RawFd> = inherited
        .split(';')
        .filter_map(|socket| socket.split(':').next()?.parse().ok())
        .collect();
    if pid.parse() == Ok(own)
        && let Ok(count) = count.parse::<RawFd>()
    {
        let last = SYSTEMD_FIRST.saturating_add(count);
        for descriptor in SYSTEMD_FIRST..last {
            if !descriptors.contains(&descriptor) {
                descriptors.push(descriptor);
            }
        }
    }
    descriptors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_taken_from_whoever_hands_them_over() {
        assert_eq!(handed_over("", "", "", 7), []);
        assert_eq!(handed_over("5:::1:80;6:0.0.0.0:443", "", "", 7), [5, 6]);
        assert_eq!(handed_over("", "7", "2", 7), [3, 4]);
        assert_eq!(
            handed_over("", "8", "2", 7),
            [],
            "meant for another process"
        );
    }
}
