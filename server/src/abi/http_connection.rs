//! Exports of `http_connection.h`, and the core's hooks that make a connection and give it its
//! network filters.

use std::{
    ffi::{c_char, c_int, c_long, c_void},
    os::fd::RawFd,
    ptr::{null, null_mut},
    time::Duration,
};

use httpd_sys::{self as sys, conn_rec};
use module_sdk::raw::{Array, Brigade, Bucket, Connection, Pool};

use super::network_filters::{
    ap_core_input_filter, ap_core_input_filter_handle, ap_core_output_filter,
    ap_core_output_filter_handle,
};
use crate::{
    conn::{linger, network::Network},
    mpm::child::Takers,
};

exports! {
    ap_process_connection, ap_pre_connection, ap_flush_conn, ap_shutdown_conn,
    ap_prep_lingering_close, ap_start_lingering_close, ap_lingering_close,
    ap_bucket_eoc_make, ap_bucket_eoc_create,
}

/// Registers the core's network filters and connection hooks; part of the core module's own.
///
/// # Safety
/// Called while hooks are registered.
pub unsafe fn register_core_hooks() {
    // SAFETY: names are static; the filters have the types that these functions ask for.
    unsafe {
        ap_core_input_filter_handle = sys::ap_register_input_filter(
            c"CORE_IN".as_ptr(),
            Some(ap_core_input_filter),
            None,
            sys::AP_FTYPE_NETWORK,
        );
        ap_core_output_filter_handle = sys::ap_register_output_filter(
            c"CORE".as_ptr(),
            Some(ap_core_output_filter),
            None,
            sys::AP_FTYPE_NETWORK,
        );
        let last = sys::APR_HOOK_REALLY_LAST as c_int;
        sys::ap_hook_create_connection(Some(create_connection), null(), null(), last);
        sys::ap_hook_pre_connection(Some(pre_connection), null(), null(), last);
        sys::ap_hook_process_connection(Some(process_connection), null(), null(), last);
    }
}

/// Which modules have a `process_connection` hook that may keep a connection for itself.
pub fn takers() -> Takers {
    // SAFETY: the array of the hook holds such links; names are strings of the modules.
    unsafe {
        let array = sys::ap_hook_get_process_connection();
        let links = Array::<sys::ap_LINK_process_connection_t>::from_ptr(array);
        links
            .iter()
            .map(|link| match module_sdk::raw::text(link.szName) {
                Some(name) if name == c"event.c" || name == c"mod_reqtimeout.c" => Takers::None,
                Some(name) if name == c"mod_ssl.c" => Takers::Encrypted,
                Some(name) if name == c"mod_http2.c" => Takers::ClientFirst,
                _ => Takers::Any,
            })
            .max()
            .unwrap_or(Takers::None)
    }
}

/// The HTTP engine, last of the hooks. A connection of the MPM goes on in its task; one that a
/// module made (`master`, or no state) is served here to its end.
unsafe extern "C" fn process_connection(c: *mut conn_rec) -> c_int {
    // SAFETY: the caller passes a live connection; requests free themselves.
    unsafe {
        if !(*c).cs.is_null() && (*c).master.is_null() {
            (*(*c).cs).state = sys::CONN_STATE_PROCESSING;
            return sys::OK as c_int;
        }
        loop {
            let r = sys::ap_read_request(c);
            if r.is_null() {
                break;
            }
            (*c).keepalive = sys::AP_CONN_UNKNOWN;
            if (*r).status != sys::HTTP_OK as c_int {
                break;
            }
            sys::ap_process_request(r);
            if (*c).keepalive != sys::AP_CONN_KEEPALIVE || (*c).aborted != 0 {
                break;
            }
        }
    }
    sys::OK as c_int
}

/// Makes the record of an accepted connection in `pool`.
unsafe extern "C" fn create_connection(
    pool: *mut sys::apr_pool_t,
    server: *mut sys::server_rec,
    csd: *mut sys::apr_socket_t,
    id: c_long,
    sbh: *mut c_void,
    alloc: *mut sys::apr_bucket_alloc_t,
) -> *mut conn_rec {
    // SAFETY: the MPM passes a live pool, server and socket; the record lives in the pool.
    unsafe {
        let room = Pool::from_ptr(pool);
        let c: *mut conn_rec = room.zeroed();
        (*c).conn_config = sys::ap_create_conn_config(pool);
        (*c).notes = room.table(5).as_ptr();
        (*c).pool = pool;
        (*c).sbh = sbh;
        (*c).bucket_alloc = alloc;
        (*c).id = id;
        (*c).base_server = server;
        if sys::apr_socket_addr_get(&raw mut (*c).local_addr, sys::APR_LOCAL, csd) != 0
            || sys::apr_socket_addr_get(&raw mut (*c).client_addr, sys::APR_REMOTE, csd) != 0
        {
            (*c).aborted = 1;
            return null_mut();
        }
        sys::apr_sockaddr_ip_get(&raw mut (*c).local_ip, (*c).local_addr);
        sys::apr_sockaddr_ip_get(&raw mut (*c).client_ip, (*c).client_addr);
        (*c).cs = room.zeroed();
        (*(*c).cs).state = sys::CONN_STATE_PROCESSING;
        c
    }
}

/// Gives a connection its network filters, unless a module with a network of its own was first.
unsafe extern "C" fn pre_connection(c: *mut conn_rec, csd: *mut c_void) -> c_int {
    // SAFETY: the MPM passes a live connection and its socket; what is made here is destroyed by
    // the pool of the connection.
    unsafe {
        sys::ap_set_core_module_config((*c).conn_config, csd);
        if !(*c).master.is_null() {
            return sys::DONE;
        }
        let mut descriptor: RawFd = -1;
        sys::apr_os_sock_get(&raw mut descriptor, csd.cast());
        let pending = Brigade::from_ptr(sys::apr_brigade_create((*c).pool, (*c).bucket_alloc));
        let network = Box::into_raw(Box::new(Network::new(descriptor, c, pending)));
        let core = sys::ap_get_core_module_config((*(*c).base_server).module_config)
            .cast::<sys::core_server_config>();
        if (*core).flush_max_threshold != 0 {
            (*network).threshold = (*core).flush_max_threshold;
        }
        sys::apr_pool_pre_cleanup_register((*c).pool, network.cast(), Some(end_network));
        sys::apr_pool_cleanup_register(
            (*c).pool,
            network.cast(),
            Some(drop_network),
            Some(sys::apr_pool_cleanup_null),
        );
        sys::ap_add_input_filter_handle(ap_core_input_filter_handle, network.cast(), null_mut(), c);
        sys::ap_add_output_filter_handle(
            ap_core_output_filter_handle,
            network.cast(),
            null_mut(),
            c,
        );
    }
    sys::DONE
}

/// Gives up what was not sent while the memory it lies in, pools below the connection's, is still
/// there; nothing is taken any more.
unsafe extern "C" fn end_network(network: *mut c_void) -> sys::apr_status_t {
    // SAFETY: made by `pre_connection`; the connection's pool is about to be cleared, and with it the
    // connection goes.
    unsafe {
        let network = &mut *network.cast::<Network>();
        (*network.connection()).aborted = 1;
        network.discard_pending();
    }
    0
}

unsafe extern "C" fn drop_network(network: *mut c_void) -> sys::apr_status_t {
    // SAFETY: made by `pre_connection` with Box, and dropped once, by the connection's pool.
    unsafe { drop(Box::from_raw(network.cast::<Network>())) };
    0
}

/// An interval of APR as a duration; `None` when it is negative: no limit.
pub fn duration(interval: sys::apr_interval_time_t) -> Option<Duration> {
    u64::try_from(interval).ok().map(Duration::from_micros)
}

/// The network of a connection; `None` when a module has put its own in place of the core's.
///
/// # Safety
/// `c` is live, and its `pre_connection` hooks have run.
pub unsafe fn network<'a>(c: *mut conn_rec) -> Option<&'a mut Network> {
    // SAFETY: the list of filters is whole; the core's filter has the network as its context.
    unsafe {
        let mut filter = (*c).input_filters;
        while !filter.is_null() {
            if (*filter).frec == ap_core_input_filter_handle {
                return Some(&mut *(*filter).ctx.cast());
            }
            filter = (*filter).next;
        }
    }
    None
}

/// Runs a connection from its start on this thread; for modules that are their own MPM.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_process_connection(c: *mut conn_rec, csd: *mut c_void) {
    // SAFETY: the header asks for a live connection and its socket.
    unsafe {
        sys::ap_update_vhost_given_ip(c);
        if ap_pre_connection(c, csd) == sys::OK as c_int && (*c).aborted == 0 {
            sys::ap_run_process_connection(c);
        }
    }
}

/// Runs the `pre_connection` hooks; on failure the connection is marked as aborted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_pre_connection(c: *mut conn_rec, csd: *mut c_void) -> c_int {
    // SAFETY: the header asks for a live connection and its socket.
    unsafe {
        match sys::ap_run_pre_connection(c, csd) {
            rc if rc == sys::OK as c_int || rc == sys::DONE => sys::OK as c_int,
            rc => {
                (*c).aborted = 1;
                rc
            }
        }
    }
}

/// Sends all that waits in the connection's output filters.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_flush_conn(c: *mut conn_rec) {
    // SAFETY: the header asks for a live connection.
    unsafe { ap_shutdown_conn(c, 1) };
}

/// Tells the connection's filters that it ends (EOC), after a flush when asked for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_shutdown_conn(c: *mut conn_rec, flush: c_int) -> sys::apr_status_t {
    // SAFETY: the header asks for a live connection; the brigade lives in its pool.
    unsafe {
        let out = Brigade::from_ptr(sys::apr_brigade_create((*c).pool, (*c).bucket_alloc));
        if flush != 0 {
            out.push(Bucket::from_ptr(sys::apr_bucket_flush_create(
                (*c).bucket_alloc,
            )));
        }
        out.push(Bucket::from_ptr(ap_bucket_eoc_create((*c).bucket_alloc)));
        sys::ap_pass_brigade((*c).output_filters, out.as_ptr())
    }
}

/// What comes before closing: hooks, EOC, flush. Not 0 when there is nobody to linger for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_prep_lingering_close(c: *mut conn_rec) -> c_int {
    // SAFETY: the header asks for a live connection.
    unsafe {
        sys::ap_run_pre_close_connection(c);
        if !(*c).sbh.is_null() {
            let closing = sys::SERVER_CLOSING as c_int;
            sys::ap_update_child_status((*c).sbh.cast(), closing, null_mut());
        }
    }
    0
}

/// Sends the rest and closes the sending side. Not 0 when the socket is gone and may be closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_start_lingering_close(c: *mut conn_rec) -> c_int {
    // SAFETY: the header asks for a live connection.
    unsafe {
        if ap_prep_lingering_close(c) != 0 {
            return 1;
        }
        ap_flush_conn(c);
        if (*c).aborted != 0 {
            return 1;
        }
        let socket = sys::ap_get_conn_socket(c);
        if socket.is_null() || sys::apr_socket_shutdown(socket, sys::APR_SHUTDOWN_WRITE) != 0 {
            return 1;
        }
        0
    }
}

/// Closes on this thread: sends the rest, tells the client, and waits for it to close, a while.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_lingering_close(c: *mut conn_rec) {
    // SAFETY: the header asks for a live connection; its socket is closed once here, after which
    // APR knows it as closed.
    unsafe {
        let socket = sys::ap_get_conn_socket(c);
        if ap_start_lingering_close(c) == 0 {
            let mut descriptor: RawFd = -1;
            sys::apr_os_sock_get(&raw mut descriptor, socket);
            linger::drain_blocking(descriptor, linger::limits(Connection::from_ptr(c)));
        }
        if !socket.is_null() {
            sys::apr_socket_close(socket);
        }
    }
}

/// The type of the bucket that tells filters of a connection's end.
#[unsafe(no_mangle)]
pub static ap_bucket_type_eoc: StaticType = StaticType(sys::apr_bucket_type_t {
    name: c"EOC".as_ptr(),
    num_func: 5,
    is_metadata: sys::APR_BUCKET_METADATA,
    destroy: Some(sys::apr_bucket_destroy_noop),
    read: Some(eoc_read),
    setaside: Some(sys::apr_bucket_setaside_noop),
    split: Some(sys::apr_bucket_split_notimpl),
    copy: Some(sys::apr_bucket_simple_copy),
});

/// A bucket type that never changes.
#[repr(transparent)]
pub struct StaticType(sys::apr_bucket_type_t);

// SAFETY: constant; the name is a literal.
unsafe impl Sync for StaticType {}

unsafe extern "C" fn eoc_read(
    _bucket: *mut sys::apr_bucket,
    data: *mut *const c_char,
    length: *mut usize,
    _block: sys::apr_read_type_e,
) -> sys::apr_status_t {
    // SAFETY: APR's readers pass places for both.
    unsafe {
        data.write(null());
        length.write(0);
    }
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_bucket_eoc_make(b: *mut sys::apr_bucket) -> *mut sys::apr_bucket {
    // SAFETY: the header asks for a bucket's memory.
    unsafe {
        (*b).length = 0;
        (*b).start = 0;
        (*b).data = null_mut();
        (*b).type_ = (&raw const ap_bucket_type_eoc).cast();
    }
    b
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_bucket_eoc_create(
    list: *mut sys::apr_bucket_alloc_t,
) -> *mut sys::apr_bucket {
    // SAFETY: the header asks for a live allocator; the ring element stands alone.
    unsafe {
        let bucket =
            sys::apr_bucket_alloc(size_of::<sys::apr_bucket>(), list).cast::<sys::apr_bucket>();
        (*bucket).link.next = bucket;
        (*bucket).link.prev = bucket;
        (*bucket).free = Some(sys::apr_bucket_free);
        (*bucket).list = list;
        ap_bucket_eoc_make(bucket)
    }
}
