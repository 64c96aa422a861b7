//! What `-S` prints of the virtual hosts. Scripts read it: the form is Apache's.

use std::{ffi::c_char, io::Write, ptr::null_mut};

use httpd_sys::{self as sys, server_rec};

use super::{
    super::http_request::support::{bytes, elements},
    table::{Host, Hosts, Table, address_key},
};

/// Prints all hosts to standard output.
pub(super) fn print(table: &Table) {
    let mut out = b"VirtualHost configuration:\n".to_vec();
    for hosts in table.in_order() {
        add(&mut out, hosts);
    }
    // Who has closed standard output does not want to read it.
    let _ = std::io::stdout().write_all(&out);
}

fn add(out: &mut Vec<u8>, hosts: &Hosts) {
    let first = hosts.all[0];
    let mut address = address_text(first);
    let gap = 22_usize.saturating_sub(address.len());
    address.resize(address.len() + gap, b' ');
    out.extend(address);
    if hosts.all.len() == 1 {
        out.extend(b" ");
        add_server(out, first.server);
        return;
    }
    out.extend(b" is a NameVirtualHost\n         default server ");
    add_server(out, first.server);
    let mut previous = null_mut();
    for host in &hosts.all {
        // SAFETY: servers and addresses live as long as the table; names are strings.
        unsafe {
            out.extend(b"         port ");
            match (*host.address).host_port {
                0 => out.push(b'*'),
                port => out.extend(port.to_string().bytes()),
            }
            out.extend(b" namevhost ");
            add_server(out, host.server);
            if host.server == previous {
                continue;
            }
            previous = host.server;
            add_names(out, b"alias", (*host.server).names);
            add_names(out, b"wild alias", (*host.server).wild_names);
        }
    }
}

/// # Safety
/// `names` is NULL or an array of strings.
unsafe fn add_names(out: &mut Vec<u8>, kind: &[u8], names: *const sys::apr_array_header_t) {
    // SAFETY: the caller's promise.
    for &name in unsafe { elements::<*const c_char>(names) } {
        if !name.is_null() {
            out.extend(b"                 ");
            out.extend(kind);
            out.push(b' ');
            // SAFETY: the caller's promise.
            out.extend(unsafe { bytes(name) });
            out.push(b'\n');
        }
    }
}

/// The name of a server and where it is configured.
fn add_server(out: &mut Vec<u8>, server: *const server_rec) {
    // SAFETY: servers live as long as the table; their names are strings.
    unsafe {
        out.extend(bytes((*server).server_hostname));
        out.extend(b" (");
        out.extend(bytes((*server).defn_name));
        out.extend(format!(":{})\n", (*server).defn_line_number).bytes());
    }
}

/// The address and port, `*` for any.
fn address_text(host: Host) -> Vec<u8> {
    // SAFETY: addresses live as long as the table.
    unsafe {
        let address = (*host.address).host_addr;
        let mut text = Vec::new();
        if address_key(address).is_none() {
            text.push(b'*');
        } else {
            let mut ip = null_mut();
            sys::apr_sockaddr_ip_get(&mut ip, address);
            let ip = bytes(ip);
            if ip.contains(&b':') {
                text.push(b'[');
                text.extend(ip);
                text.push(b']');
            } else {
                text.extend(ip);
            }
        }
        text.push(b':');
        match (*host.address).host_port {
            0 => text.push(b'*'),
            port => text.extend(port.to_string().bytes()),
        }
        text
    }
}
