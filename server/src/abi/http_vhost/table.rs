//! The table of virtual hosts: by address and port, then by name. Made when the configuration has
//! been read, asked for each connection and each request.
//!
//! A connection keeps its entry in `vhost_lookup_data`, which is NULL when there is only one host it
//! can be for.

use std::{
    collections::hash_map::Entry,
    ffi::{CStr, c_char, c_int, c_void},
    ptr::null_mut,
    sync::{
        OnceLock,
        atomic::{AtomicPtr, Ordering},
    },
};

use httpd_sys::{self as sys, server_addr_rec, server_rec};
use module_sdk::raw::Server;

use super::{
    super::http_request::{
        merge,
        support::{CORE, bytes, copy, elements},
    },
    addresses, dump,
    warm::{self, Record},
};
use crate::{request::names::Names, util::hash::Map};

exports! {
    ap_init_vhost_config, ap_fini_vhost_config, ap_update_vhost_given_ip,
    ap_vhost_iterate_given_conn,
}

/// A host as one of its addresses names it.
#[derive(Clone, Copy)]
pub(super) struct Host {
    pub(super) address: *mut server_addr_rec,
    pub(super) server: *mut server_rec,
}

/// The hosts of one address and port, in the order of the configuration; the first is the default.
pub(super) struct Hosts {
    /// Never empty. A host may stand there more than once, with different texts for one address.
    pub(super) all: Vec<Host>,
    /// Made when a name is first asked for: until then modules may add aliases.
    names: OnceLock<Names>,
    /// The hosts of `all` with what requests for them touch, when there are many.
    records: OnceLock<Box<[Record]>>,
}

impl Hosts {
    fn new(first: Host) -> Self {
        Self {
            all: vec![first],
            names: OnceLock::new(),
            records: OnceLock::new(),
        }
    }

    /// The server that has this name.
    pub(super) fn find(&self, name: &[u8]) -> Option<*mut server_rec> {
        let place = self.names.get_or_init(|| self.names()).find(name)?;
        if self.all.len() < warm::MANY {
            return Some(self.all[place].server);
        }
        let records = self.records.get_or_init(|| {
            let servers = self.all.iter().map(|host| host.server);
            servers.map(Record::new).collect()
        });
        let record = &records[place];
        // SAFETY: servers live as long as the table.
        unsafe { record.fetch() };
        Some(record.server)
    }

    fn names(&self) -> Names {
        let mut names = Names::default();
        let mut previous = null_mut();
        for (place, host) in self.all.iter().enumerate() {
            // SAFETY: servers and their addresses live as long as the table.
            unsafe {
                if host.server != previous {
                    previous = host.server;
                    names.add(place, bytes((*host.server).server_hostname));
                    for &alias in elements::<*const c_char>((*host.server).names) {
                        if !alias.is_null() {
                            names.add(place, bytes(alias));
                        }
                    }
                    for &pattern in elements::<*const c_char>((*host.server).wild_names) {
                        if !pattern.is_null() {
                            names.add_pattern(place, bytes(pattern));
                        }
                    }
                }
                names.add_address(place, bytes((*host.address).virthost));
            }
        }
        names
    }

    /// Each server once.
    pub(super) fn servers(&self) -> impl Iterator<Item = *mut server_rec> {
        let mut previous = null_mut();
        self.all
            .iter()
            .map(|host| host.server)
            .filter(move |&server| {
                let is_new = server != previous;
                previous = server;
                is_new
            })
    }
}

/// An address as a key: IPv4 in its form within IPv6. Port 0: any.
type Key = ([u8; 16], sys::apr_port_t);

/// All virtual hosts.
#[derive(Default)]
pub(super) struct Table {
    /// The table does not grow any more when connections keep pointers to these.
    pub(super) entries: Vec<Hosts>,
    by_address: Map<Key, usize>,
    /// `*` and `_default_`, by port.
    by_port: Map<sys::apr_port_t, usize>,
}

impl Table {
    fn add(&mut self, host: Host) {
        // SAFETY: addresses of the configuration live as long as the table.
        let (address, port) = unsafe { ((*host.address).host_addr, (*host.address).host_port) };
        // SAFETY: as above.
        let key = unsafe { address_key(address) };
        let place = match key {
            None => self.by_port.entry(port),
            Some(key) => match self.by_address.entry((key, port)) {
                Entry::Occupied(place) => {
                    self.entries[*place.get()].all.push(host);
                    return;
                }
                Entry::Vacant(place) => {
                    place.insert(self.entries.len());
                    self.entries.push(Hosts::new(host));
                    return;
                }
            },
        };
        match place {
            Entry::Vacant(place) => {
                place.insert(self.entries.len());
                self.entries.push(Hosts::new(host));
            }
            Entry::Occupied(place) => {
                // The wildcards of IPv4 and IPv6 are one; a host is there once for both.
                let hosts = &mut self.entries[*place.get()].all;
                if hosts.last().is_none_or(|last| last.server != host.server) {
                    hosts.push(host);
                }
            }
        }
    }

    /// The hosts for connections that come in at this address.
    ///
    /// # Safety
    /// `local` is live.
    unsafe fn find(&self, local: *const sys::apr_sockaddr_t) -> Option<&Hosts> {
        // SAFETY: the caller's promise.
        let (key, port) = unsafe { (address_key(local), (*local).port) };
        let by_address = key.and_then(|key| {
            let exact = self.by_address.get(&(key, port));
            exact.or_else(|| self.by_address.get(&(key, 0)))
        });
        let place = by_address
            .or_else(|| self.by_port.get(&port))
            .or_else(|| self.by_port.get(&0))?;
        Some(&self.entries[*place])
    }

    /// The entries as `-S` shows them: addresses, then wildcards with a port, then without.
    pub(super) fn in_order(&self) -> impl Iterator<Item = &Hosts> {
        let rank = |hosts: &&Hosts| {
            let address = hosts.all[0].address;
            // SAFETY: addresses live as long as the table.
            unsafe {
                match address_key((*address).host_addr) {
                    Some(_) => 0,
                    None if (*address).host_port != 0 => 1,
                    None => 2,
                }
            }
        };
        let mut entries: Vec<&Hosts> = self.entries.iter().collect();
        entries.sort_by_key(rank);
        entries.into_iter()
    }
}

/// The bytes of an address; `None` for the wildcard.
///
/// # Safety
/// `address` is live, of IPv4 or IPv6.
pub(super) unsafe fn address_key(address: *const sys::apr_sockaddr_t) -> Option<[u8; 16]> {
    let mut key = [0; 16];
    // SAFETY: the caller's promise; an address has the length it says.
    unsafe {
        let length = usize::try_from((*address).ipaddr_len).unwrap_or(0).min(16);
        let bytes = std::slice::from_raw_parts((*address).ipaddr_ptr.cast::<u8>(), length);
        if bytes.iter().all(|&byte| byte == 0) {
            return None;
        }
        if length == 4 {
            key[10..12].fill(0xff);
        }
        key[16 - length..].copy_from_slice(bytes);
    }
    Some(key)
}

/// The table of the configuration; NULL while there is none.
static TABLE: AtomicPtr<Table> = AtomicPtr::new(null_mut());

fn replace_table(new: *mut Table) {
    let old = TABLE.swap(new, Ordering::AcqRel);
    if !old.is_null() {
        // SAFETY: made by Box::into_raw; it is replaced with the configuration, when nothing serves.
        drop(unsafe { Box::from_raw(old) });
    }
}

unsafe extern "C" fn forget_table(_: *mut c_void) -> sys::apr_status_t {
    replace_table(null_mut());
    0
}

/// Begins with no virtual host, for the configuration that is to be read into `pool`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_init_vhost_config(pool: *mut sys::apr_pool_t) {
    replace_table(Box::into_raw(Box::default()));
    addresses::begin(pool);
    // SAFETY: the header asks for a live pool.
    unsafe {
        sys::apr_pool_cleanup_register(
            pool,
            null_mut(),
            Some(forget_table),
            Some(sys::apr_pool_cleanup_null),
        );
    }
}

/// Makes the table of the virtual hosts that were read, and names those without a name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_fini_vhost_config(
    pool: *mut sys::apr_pool_t,
    main_server: *mut server_rec,
) {
    // SAFETY: the header asks for a live pool and the list of servers; nothing serves yet.
    unsafe {
        let mut table = Table::default();
        // Every <VirtualHost> puts its server before the others, as Apache's does.
        let mut servers: Vec<_> = Server::from_ptr(main_server).iter().skip(1).collect();
        servers.reverse();
        for server in servers {
            let server = server.as_ptr();
            let mut has_wildcard = false;
            let mut address = (*server).addrs;
            while !address.is_null() {
                has_wildcard |= address_key((*address).host_addr).is_none();
                table.add(Host { address, server });
                address = (*address).next;
            }
            if (*server).server_hostname.is_null() {
                (*server).server_hostname = if has_wildcard {
                    (*main_server).server_hostname
                } else {
                    missing_name(pool, main_server, (*server).addrs)
                };
            }
        }
        if sys::ap_exists_config_define(c"DUMP_VHOSTS".as_ptr()) != 0 {
            dump::print(&table);
        }
        replace_table(Box::into_raw(Box::new(table)));
        merge::keep_results(pool);
    }
}

/// A name for a host that has no ServerName: what its first address resolves to.
///
/// # Safety
/// Pool and server are live; `addresses` is NULL or those of the host.
unsafe fn missing_name(
    pool: *mut sys::apr_pool_t,
    main_server: *mut server_rec,
    addresses: *const server_addr_rec,
) -> *mut c_char {
    // SAFETY: the caller's promise; APR gives strings of the address's pool.
    unsafe {
        if addresses.is_null() {
            return copy(pool, b"bogus_host_without_forward_dns");
        }
        let mut name = null_mut();
        let status = sys::apr_getnameinfo(&mut name, (*addresses).host_addr, 0);
        if status == 0 {
            return copy(pool, bytes(name));
        }
        let mut text = null_mut();
        sys::apr_sockaddr_ip_get(&mut text, (*addresses).host_addr);
        let format: &CStr = c"AH00549: Failed to resolve server name for %s (check DNS) -- or \
            specify an explicit ServerName";
        sys::ap_log_error_(
            concat!(file!(), "\0").as_ptr().cast(),
            line!() as c_int,
            CORE,
            sys::APLOG_ERR as c_int,
            status,
            main_server,
            format.as_ptr(),
            text,
        );
        copy(pool, b"bogus_host_without_reverse_dns")
    }
}

/// The entry a connection was given.
///
/// # Safety
/// `c` is live.
pub(super) unsafe fn hosts_of<'a>(c: *const sys::conn_rec) -> Option<&'a Hosts> {
    // SAFETY: only this file writes the field; connections end before the configuration does.
    unsafe { (*c).vhost_lookup_data.cast::<Hosts>().as_ref() }
}

/// Gives a connection the first host of its local address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_update_vhost_given_ip(c: *mut sys::conn_rec) {
    // SAFETY: the header asks for a live connection; the table does not change while it lives.
    unsafe {
        (*c).vhost_lookup_data = null_mut();
        let Some(table) = TABLE.load(Ordering::Acquire).as_ref() else {
            return;
        };
        if let Some(hosts) = table.find((*c).local_addr) {
            (*c).base_server = hosts.all[0].server;
            if hosts.all.len() > 1 {
                (*c).vhost_lookup_data = (&raw const *hosts).cast_mut().cast();
            }
        }
    }
}

/// Calls a function for each host a connection can be for, until it answers something else than 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_vhost_iterate_given_conn(
    c: *mut sys::conn_rec,
    call: sys::ap_vhost_iterate_conn_cb,
    baton: *mut c_void,
) -> c_int {
    let Some(call) = call else { return 0 };
    // SAFETY: the header asks for a live connection and a function that takes the baton.
    unsafe {
        let Some(hosts) = hosts_of(c) else {
            return call(baton, c, (*c).base_server);
        };
        for server in hosts.servers() {
            let answer = call(baton, c, server);
            if answer != 0 {
                return answer;
            }
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use module_sdk::raw::Pool;

    /// Servers with these addresses, as a list behind a main server.
    unsafe fn servers(
        pool: *mut sys::apr_pool_t,
        hosts: &[(&CStr, &CStr)],
    ) -> Vec<*mut server_rec> {
        // SAFETY: the test's pool; the words are numeric addresses.
        unsafe {
            let pool_of = Pool::from_ptr(pool);
            let mut list: Vec<*mut server_rec> = Vec::new();
            for (words, name) in [(c"", c"main")].iter().chain(hosts) {
                let server = pool_of.zeroed::<server_rec>();
                (*server).server_hostname = copy(pool, name.to_bytes());
                let mut last = &raw mut (*server).addrs;
                for word in words.to_bytes().split(|&byte| byte == b' ') {
                    let word = std::str::from_utf8(word).unwrap_or_default();
                    let Some((host, port)) = word.rsplit_once(':') else {
                        continue;
                    };
                    let port = port.parse().unwrap_or(0);
                    let host = (host != "*").then(|| copy(pool, host.as_bytes()));
                    let record = pool_of.zeroed::<server_addr_rec>();
                    (*record).host_port = port;
                    (*record).virthost = host.unwrap_or(c"*".as_ptr().cast_mut());
                    let text = host.unwrap_or(c"0.0.0.0".as_ptr().cast_mut());
                    sys::apr_sockaddr_info_get(
                        &raw mut (*record).host_addr,
                        text,
                        0,
                        port,
                        0,
                        pool,
                    );
                    *last = record;
                    last = &raw mut (*record).next;
                }
                if let Some(&before) = list.last() {
                    (*before).next = server;
                }
                list.push(server);
            }
            list
        }
    }

    #[test]
    fn a_connection_gets_the_hosts_of_the_nearest_address() {
        // SAFETY: a pool of the test's own, destroyed last.
        unsafe {
            assert_eq!(sys::apr_initialize(), 0);
            let mut pool = null_mut();
            sys::apr_pool_create_ex(&mut pool, null_mut(), None, null_mut());
            let all = servers(
                pool,
                &[
                    (c"*:80", c"a"),
                    (c"*:80", c"b"),
                    (c"10.0.0.1:80", c"c"),
                    (c"10.0.0.1:0", c"d"),
                    (c"*:0", c"e"),
                    (c"10.0.0.1:80 10.0.0.1:443", c"f"),
                ],
            );
            let mut table = Table::default();
            for &server in &all {
                let mut address = (*server).addrs;
                while !address.is_null() {
                    table.add(Host { address, server });
                    address = (*address).next;
                }
            }
            let at = |host: &CStr, port| {
                let mut address = null_mut();
                sys::apr_sockaddr_info_get(&mut address, host.as_ptr(), 0, port, 0, pool);
                table
                    .find(address)
                    .map(|hosts| hosts.all.iter().map(|host| host.server))
            };
            let is = |host, port, expected: &[usize]| {
                let found: Vec<_> = at(host, port).into_iter().flatten().collect();
                let expected: Vec<_> = expected.iter().map(|&place| all[place]).collect();
                assert_eq!(found, expected, "{host:?} {port}");
            };
            is(c"10.0.0.1", 80, &[3, 6]);
            is(c"::ffff:10.0.0.1", 80, &[3, 6]);
            is(c"10.0.0.1", 443, &[6]);
            is(c"10.0.0.1", 8080, &[4]);
            is(c"10.0.0.9", 80, &[1, 2]);
            is(c"::1", 80, &[1, 2]);
            is(c"10.0.0.9", 81, &[5]);
            let hosts = &table.entries[0];
            assert_eq!(hosts.find(b"B"), Some(all[2]));
            assert_eq!(hosts.find(b"c"), None);
            sys::apr_pool_destroy(pool);
        }
    }
}
