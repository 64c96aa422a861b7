//! Binding the sockets, telling virtual hosts which protocol theirs speak, and sharing a port
//! between several sockets.

use std::{ffi::c_int, ptr::null_mut, sync::atomic::Ordering};

use httpd_sys::{self as sys, ap_listen_rec, apr_status_t, server_rec};
use module_sdk::raw::Pool;

use super::{
    BACKLOG, CORES_PER_BUCKET, DEFER, EARLIER, Listener, RECEIVE_BUFFER, SEND_BUFFER,
    ap_have_so_reuseport, ap_listeners, ap_num_listen_buckets, close, create::new_socket,
    inherited, records, report, shown,
};
use crate::mpm::{activation, port_owner, rehearsal, sockets};

exports! { ap_setup_listeners, ap_duplicate_listeners }

const OK: apr_status_t = 0;

/// Opens the sockets of the configuration; answers how many there are, 0 when one cannot be opened.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_setup_listeners(s: *mut server_rec) -> c_int {
    // SAFETY: the header asks for the main server, while the process has one thread.
    unsafe {
        for server in servers(s) {
            name_protocol(server);
        }
        if !open_all() {
            return 0;
        }
        for record in records(ap_listeners) {
            hold_back_silent(record, owner(record, s));
        }
        records(ap_listeners).count() as c_int
    }
}

unsafe fn servers(first: *mut server_rec) -> impl Iterator<Item = *mut server_rec> {
    std::iter::successors((!first.is_null()).then_some(first), |&server| {
        // SAFETY: the list of servers lives as long as the configuration.
        let next = unsafe { (*server).next };
        (!next.is_null()).then_some(next)
    })
}

unsafe fn addresses(server: *mut server_rec) -> impl Iterator<Item = *mut sys::server_addr_rec> {
    // SAFETY: the list of addresses lives as long as the configuration.
    unsafe {
        let first = (*server).addrs;
        std::iter::successors((!first.is_null()).then_some(first), |&address| {
            let next = (*address).next;
            (!next.is_null()).then_some(next)
        })
    }
}

/// Whether connections of this socket may come to a host with this address.
unsafe fn serves(record: *mut ap_listen_rec, address: *mut sys::server_addr_rec) -> bool {
    // SAFETY: both live as long as the configuration.
    unsafe {
        let host = (*address).host_addr;
        (*(*record).bind_addr).port == (*address).host_port
            && !host.is_null()
            && sys::apr_sockaddr_equal((*record).bind_addr, host) != 0
    }
}

/// Gives a server without Protocol that of the socket its connections come from.
unsafe fn name_protocol(server: *mut server_rec) {
    // SAFETY: servers, addresses and records live as long as the configuration.
    unsafe {
        if !sys::ap_get_server_protocol(server).is_null() {
            return;
        }
        let found = addresses(server).find_map(|address| {
            let exact = records(ap_listeners).find(|&record| serves(record, address));
            exact.or_else(|| {
                records(ap_listeners)
                    .find(|&record| (*(*record).bind_addr).port == (*address).host_port)
            })
        });
        if let Some(record) = found {
            sys::ap_set_server_protocol(server, (*record).protocol);
        }
    }
}

/// The server whose AcceptFilter counts for a socket.
unsafe fn owner(record: *mut ap_listen_rec, main: *mut server_rec) -> *mut server_rec {
    // SAFETY: as above.
    unsafe {
        servers(main)
            .find(|&server| addresses(server).any(|address| serves(record, address)))
            .unwrap_or(main)
    }
}

/// Lets the system hold back connections on which nothing has been sent, when AcceptFilter says so
/// for the socket's protocol.
unsafe fn hold_back_silent(record: *mut ap_listen_rec, server: *mut server_rec) {
    // SAFETY: the server is live and has a configuration of the core.
    unsafe {
        let mut protocol = (*record).protocol;
        if protocol.is_null() {
            protocol = sys::ap_get_server_protocol(server);
        }
        let conf = sys::ap_get_core_module_config((*server).module_config);
        if protocol.is_null() || conf.is_null() {
            return;
        }
        let map = (*conf.cast::<sys::core_server_config>()).accf_map;
        if map.is_null() {
            return;
        }
        match module_sdk::raw::text(sys::apr_table_get(map, protocol)) {
            Some(filter) if !filter.to_bytes().eq_ignore_ascii_case(b"none") => {}
            _ => return,
        }
        let option = sys::APR_TCP_DEFER_ACCEPT as i32;
        let status = sys::apr_socket_opt_set((*record).sd, option, DEFER.get());
        if status != OK && status != sys::APR_ENOTIMPL as i32 {
            report(
                sys::APLOG_WARNING,
                status,
                format_args!("AH00076: Failed to enable APR_TCP_DEFER_ACCEPT"),
            );
        }
    }
}

/// Opens what is not open yet; false when a socket cannot be opened.
unsafe fn open_all() -> bool {
    // SAFETY: the lists are ours; the process has one thread.
    unsafe {
        let mut link = &raw mut ap_listeners;
        let mut before: *mut ap_listen_rec = null_mut();
        while !(*link).is_null() {
            let record = *link;
            let next = (*record).next;
            // An IPv6 socket for all addresses takes IPv4 connections too, never the other way
            // round: it goes first.
            if (*record).active == 0
                && !next.is_null()
                && (*next).active == 0
                && is_any(record, libc::AF_INET)
                && is_any(next, libc::AF_INET6)
                && same_port(record, next)
            {
                (*record).next = (*next).next;
                (*next).next = record;
                *link = next;
                continue;
            }
            if (*record).active == 0 {
                let covered = !before.is_null()
                    && is_any(record, libc::AF_INET)
                    && is_any(before, libc::AF_INET6)
                    && same_port(record, before)
                    && takes_ipv4(before);
                if covered {
                    sys::apr_socket_close((*record).sd);
                    *link = next;
                    continue;
                }
                if open(record.cast(), are_shared()) != OK {
                    let twin_follows = !next.is_null()
                        && is_any(record, libc::AF_INET6)
                        && is_any(next, libc::AF_INET)
                        && same_port(record, next);
                    if !twin_follows {
                        return false;
                    }
                    // IPv4 alone may still work.
                    *link = next;
                    continue;
                }
            }
            before = record;
            link = &raw mut (*record).next;
        }
        for record in records(EARLIER.swap(null_mut(), Ordering::Relaxed)) {
            close(record);
        }
        true
    }
}

/// Whether there may be several sets of sockets.
fn are_shared() -> bool {
    CORES_PER_BUCKET.get() > 0 || sockets::inherited_sets() > 1
}

unsafe fn same_port(one: *mut ap_listen_rec, other: *mut ap_listen_rec) -> bool {
    // SAFETY: records have their address.
    unsafe { (*(*one).bind_addr).port == (*(*other).bind_addr).port }
}

/// Whether the socket is one of this family for every address of the machine.
unsafe fn is_any(record: *mut ap_listen_rec, family: c_int) -> bool {
    // SAFETY: records have their address, whose family says which member of the union it is.
    unsafe {
        let address = (*record).bind_addr;
        if (*address).family != family {
            return false;
        }
        let (ip, length) = ((*address).ipaddr_ptr.cast::<u8>(), (*address).ipaddr_len);
        std::slice::from_raw_parts(ip, length as usize)
            .iter()
            .all(|&byte| byte == 0)
    }
}

/// Whether an IPv6 socket takes IPv4 connections as well.
unsafe fn takes_ipv4(record: *mut ap_listen_rec) -> bool {
    let mut only_v6: c_int = 1;
    let mut length = size_of_val(&only_v6) as libc::socklen_t;
    // SAFETY: the socket is open; the system writes at most `length` bytes.
    unsafe {
        let mut descriptor = -1;
        sys::apr_os_sock_get(&raw mut descriptor, (*record).sd);
        let status = libc::getsockopt(
            descriptor,
            libc::IPPROTO_IPV6,
            libc::IPV6_V6ONLY,
            (&raw mut only_v6).cast(),
            &raw mut length,
        );
        status == 0 && only_v6 == 0
    }
}

/// Sets the options of a socket, binds it and listens.
unsafe fn open(listener: *mut Listener, shared: bool) -> apr_status_t {
    // SAFETY: the record has its socket and address.
    unsafe {
        let record = &raw mut (*listener).record;
        let (socket, address) = ((*record).sd, (*record).bind_addr);
        let fail = |status, text: &str| {
            let startup = sys::APLOG_STARTUP | sys::APLOG_CRIT;
            report(startup, status, format_args!("{text}"));
            sys::apr_socket_close(socket);
            status
        };
        let set = |option: u32, value| sys::apr_socket_opt_set(socket, option as i32, value);
        let at = shown(address);
        if (*listener).bound {
            // The options were set by whoever has bound it; but there may be more sets now.
            if shared {
                share_port(socket);
            }
        } else {
            let mut options = vec![
                (sys::APR_SO_REUSEADDR, 1, "AH00067", "SO_REUSEADDR"),
                (sys::APR_SO_KEEPALIVE, 1, "AH00068", "SO_KEEPALIVE"),
            ];
            if (*address).family == libc::AF_INET6 {
                options.push((sys::APR_IPV6_V6ONLY, 0, "AH00069", "IPV6_V6ONLY"));
            }
            for (option, value, number, name) in options {
                let status = set(option, value);
                if status != OK && status != sys::APR_ENOTIMPL as i32 {
                    let text = format!(
                        "{number}: make_sock: for address {at}, apr_socket_opt_set: ({name})"
                    );
                    return fail(status, &text);
                }
            }
            // A rehearsal must neither share the port nor be in the way of the one that does.
            if shared && !rehearsal::is_on() && !share_port(socket) {
                let text = format!(
                    "AH02638: make_sock: for address {at}, apr_socket_opt_set: (SO_REUSEPORT)"
                );
                return fail(last_error(), &text);
            }
        }
        for (size, option, number, name) in [
            (
                &SEND_BUFFER,
                sys::APR_SO_SNDBUF,
                "AH00070",
                "SendBufferSize",
            ),
            (
                &RECEIVE_BUFFER,
                sys::APR_SO_RCVBUF,
                "AH00071",
                "ReceiveBufferSize",
            ),
        ] {
            if size.get() == 0 {
                continue;
            }
            let status = set(option, size.get());
            if status != OK && status != sys::APR_ENOTIMPL as i32 {
                report(
                    sys::APLOG_WARNING,
                    status,
                    format_args!(
                        "{number}: make_sock: failed to set {name} for address {at}, using default"
                    ),
                );
            }
        }
        if !(*listener).bound {
            let status = sys::apr_socket_bind(socket, address);
            if status != OK && !is_the_servers_own(status, address) {
                let text = format!(
                    "AH00072: make_sock: could not bind to address {at}{}",
                    circumstances(listener, status)
                );
                return fail(status, &text);
            }
        }
        let status = if rehearsal::is_on() {
            OK
        } else {
            sys::apr_socket_listen(socket, BACKLOG.get())
        };
        if status != OK {
            let text = format!(
                "AH00073: make_sock: unable to listen for connections on address {at}{}",
                circumstances(listener, status)
            );
            return fail(status, &text);
        }
        // Several processes wait for the same connection; the slower ones must not block.
        set(sys::APR_SO_NONBLOCK, 1);
        (*listener).bound = true;
        (*record).active = 1;
        (*record).accept_func = Some(sys::ap_unixd_accept);
        OK
    }
}

/// Whether binding failed because the server whose restart is rehearsed has this very address, and
/// will hand it on.
unsafe fn is_the_servers_own(status: apr_status_t, address: *mut sys::apr_sockaddr_t) -> bool {
    let mut text = null_mut();
    // SAFETY: the caller's live address; APR answers a string of its pool.
    unsafe {
        status == libc::EADDRINUSE
            && rehearsal::is_on()
            && sys::apr_sockaddr_ip_get(&raw mut text, address) == OK
            && module_sdk::raw::text(text).is_some_and(|text| {
                rehearsal::server_listens_on(&text.to_string_lossy(), (*address).port)
            })
    }
}

fn last_error() -> apr_status_t {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// What is in the way, and who asked for the address.
unsafe fn circumstances(listener: *mut Listener, status: apr_status_t) -> String {
    let mut text = String::new();
    // SAFETY: the record has its address; the file is NULL or a string.
    unsafe {
        let address = (*listener).record.bind_addr;
        let mut ip = null_mut();
        if sys::apr_sockaddr_ip_get(&raw mut ip, address) == OK
            && let Some(ip) =
                module_sdk::raw::text(ip).and_then(|ip| ip.to_str().ok()?.parse().ok())
        {
            let error = std::io::Error::from_raw_os_error(status);
            text = port_owner::explain(&error, ip, (*address).port, rehearsal::of_server());
            if status == libc::EADDRINUSE
                && let Some(name) = activation::name_of((*address).port)
            {
                text += &format!(
                    ", and the socket {name} that was passed by socket activation is for another \
                     address"
                );
            }
        }
        if let Some(file) = module_sdk::raw::text((*listener).file) {
            text += &format!(
                " (asked for by Listen on line {} of {})",
                (*listener).line,
                file.to_string_lossy()
            );
        }
    }
    text
}

fn share_port(socket: *mut sys::apr_socket_t) -> bool {
    let on: c_int = 1;
    // SAFETY: the socket is open; the option is a number.
    unsafe {
        let mut descriptor = -1;
        sys::apr_os_sock_get(&raw mut descriptor, socket);
        libc::setsockopt(
            descriptor,
            libc::SOL_SOCKET,
            libc::SO_REUSEPORT,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        ) == 0
    }
}

/// Whether the system lets several sockets share a port.
pub(super) fn can_share_ports() -> bool {
    let on: c_int = 1;
    // SAFETY: a socket of our own, closed at once; the option is a number.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        if socket < 0 {
            return false;
        }
        let status = libc::setsockopt(
            socket,
            libc::SOL_SOCKET,
            libc::SO_REUSEPORT,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        );
        libc::close(socket);
        status == 0
    }
}

/// Makes as many sets of the sockets as ListenCoresBucketsRatio asks for, the first of them those
/// there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_duplicate_listeners(
    p: *mut sys::apr_pool_t,
    s: *mut server_rec,
    buckets: *mut *mut *mut ap_listen_rec,
    num_buckets: *mut c_int,
) -> apr_status_t {
    // SAFETY: the header asks for a live pool, the main server and places for both answers.
    unsafe {
        if *num_buckets < 1 {
            *num_buckets = 1;
            let ratio = CORES_PER_BUCKET.get();
            let cores = libc::sysconf(libc::_SC_NPROCESSORS_ONLN) as c_int;
            if ratio > 0 && ap_have_so_reuseport > 0 && cores > 0 {
                *num_buckets = (cores / ratio).max(1);
                report(
                    sys::APLOG_INFO,
                    OK,
                    format_args!(
                        "AH02819: Using {} listeners bucket(s) based on {cores} online CPU cores \
                         and a ratio of {ratio}",
                        *num_buckets
                    ),
                );
            } else if ratio > 0 {
                report(
                    sys::APLOG_WARNING,
                    OK,
                    format_args!(
                        "AH02820: ListenCoresBucketsRatio ignored without SO_REUSEPORT and \
                         _SC_NPROCESSORS_ONLN support: using a single listeners bucket"
                    ),
                );
            }
        }
        // Connections wait in the queues of sets that were there before.
        *num_buckets = sockets::inherited_sets().max(*num_buckets);
        let room = Pool::from_ptr(p);
        let sets = room.array::<*mut ap_listen_rec>(*num_buckets);
        sets.push(ap_listeners);
        for set in 1..*num_buckets {
            let mut first = null_mut();
            let mut link = &raw mut first;
            for original in records(ap_listeners) {
                let copy: *mut Listener = room.zeroed();
                copy.copy_from_nonoverlapping(original.cast(), 1);
                let record = &raw mut (*copy).record;
                (*record).next = null_mut();
                (*record).active = 0;
                let taken = inherited::take((*record).bind_addr, p, set as usize);
                (*copy).bound = taken.is_some();
                let status = match taken {
                    Some(socket) => {
                        (*record).sd = socket;
                        OK
                    }
                    None => new_socket(record, p),
                };
                if status != OK {
                    report(
                        sys::APLOG_CRIT,
                        status,
                        format_args!(
                            "AH00078: alloc_listener: failed to get a socket for {}",
                            shown((*record).bind_addr)
                        ),
                    );
                    return status;
                }
                let status = open(copy, true);
                if status != OK {
                    return status;
                }
                hold_back_silent(record, owner(record, s));
                *link = record;
                link = &raw mut (*record).next;
            }
            sets.push(first);
        }
        *buckets = (*sets.as_ptr()).elts.cast();
        ap_num_listen_buckets = *num_buckets;
    }
    OK
}
