//! The core's variables: `%{NAME}`.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::{null, null_mut},
};

use httpd_sys as sys;

use super::functions::depends_on;
use crate::abi::http_request::support::{bytes, copy};

/// A variable's function, as the header has it.
pub(super) type Variable =
    unsafe extern "C" fn(*mut sys::ap_expr_eval_ctx_t, *const c_void) -> *const c_char;

type Context = sys::ap_expr_eval_ctx_t;

/// What a variable needs to have a value.
enum Source {
    /// A request.
    Request(unsafe fn(&Context, &sys::request_rec) -> *const c_char),
    /// A field of the request, which a cache has to know of.
    Field(&'static CStr),
    /// A connection.
    Connection(unsafe fn(&Context, &sys::conn_rec) -> *const c_char),
    /// A part of the local time now.
    Time(fn(&sys::apr_time_exp_t) -> String),
    /// Nothing.
    Server(unsafe fn() -> *const c_char),
}

struct Entry {
    name: &'static [u8],
    source: Source,
}

/// The variable of that name: its function and data.
pub(super) fn find(name: &[u8]) -> Option<(Variable, *const c_void)> {
    let entry = VARIABLES
        .iter()
        .find(|entry| entry.name.eq_ignore_ascii_case(name))?;
    Some((value, (&raw const *entry).cast()))
}

unsafe extern "C" fn value(ctx: *mut Context, data: *const c_void) -> *const c_char {
    // SAFETY: the data is an entry of the table below; the context is as the header says.
    unsafe {
        let entry = &*data.cast::<Entry>();
        match entry.source {
            Source::Request(get) => match (*ctx).r.as_ref() {
                Some(r) => get(&*ctx, r),
                None => null(),
            },
            Source::Field(name) => match (*ctx).r.as_ref() {
                Some(r) => {
                    depends_on(ctx, name.as_ptr());
                    sys::apr_table_get(r.headers_in, name.as_ptr())
                }
                None => null(),
            },
            Source::Connection(get) => match (*ctx).c.as_ref() {
                Some(c) => get(&*ctx, c),
                None => null(),
            },
            Source::Time(part) => {
                let now = local(sys::apr_time_now());
                now.map_or(null(), |now| copy((*ctx).p, part(&now).as_bytes()))
            }
            Source::Server(get) => get(),
        }
    }
}

/// A time as the clock on the wall shows it.
///
/// # Safety
/// None but that APR is up.
unsafe fn local(time: sys::apr_time_t) -> Option<sys::apr_time_exp_t> {
    let mut parts = std::mem::MaybeUninit::<sys::apr_time_exp_t>::zeroed();
    // SAFETY: plain numbers, for which zero is a value; APR fills them.
    unsafe {
        let status = sys::apr_time_exp_lt(parts.as_mut_ptr(), time);
        (status == 0).then(|| parts.assume_init())
    }
}

fn stamp(time: &sys::apr_time_exp_t) -> String {
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        time.tm_year + 1900,
        time.tm_mon + 1,
        time.tm_mday,
        time.tm_hour,
        time.tm_min,
        time.tm_sec
    )
}

fn on(answer: bool) -> *const c_char {
    if answer { c"on" } else { c"off" }.as_ptr()
}

/// # Safety
/// `file` is what the request knows of its file, `pool` is live.
unsafe fn owner(pool: *mut sys::apr_pool_t, file: &sys::apr_finfo_t, group: bool) -> *const c_char {
    let known = if group {
        sys::APR_FINFO_GROUP
    } else {
        sys::APR_FINFO_USER
    };
    let mut name: *mut c_char = null_mut();
    if file.valid & known as sys::apr_int32_t == 0 {
        return c"".as_ptr();
    }
    // SAFETY: the caller's promise; APR puts the name into the pool.
    let status = unsafe {
        if group {
            sys::apr_gid_name_get(&raw mut name, file.group, pool)
        } else {
            sys::apr_uid_name_get(&raw mut name, file.user, pool)
        }
    };
    if status == 0 { name } else { c"".as_ptr() }
}

fn mutable(r: &sys::request_rec) -> *mut sys::request_rec {
    (&raw const *r).cast_mut()
}

macro_rules! request {
    ($name:literal, |$p:pat_param, $r:ident| $value:expr) => {
        Entry {
            name: $name,
            source: Source::Request({
                // SAFETY: called with a live request and context; what is read of them are
                // C strings, or places of the core.
                unsafe fn get(context: &Context, $r: &sys::request_rec) -> *const c_char {
                    let $p = context.p;
                    #[allow(unused_unsafe, reason = "some only read fields")]
                    unsafe {
                        $value
                    }
                }
                get
            }),
        }
    };
}

macro_rules! connection {
    ($name:literal, |$p:pat_param, $c:ident| $value:expr) => {
        Entry {
            name: $name,
            source: Source::Connection({
                // SAFETY: as above, of a connection.
                unsafe fn get(context: &Context, $c: &sys::conn_rec) -> *const c_char {
                    let $p = context.p;
                    #[allow(unused_unsafe, reason = "some only read fields")]
                    unsafe {
                        $value
                    }
                }
                get
            }),
        }
    };
}

macro_rules! field {
    ($name:literal, $field:literal) => {
        Entry {
            name: $name,
            source: Source::Field($field),
        }
    };
}

macro_rules! time {
    ($name:literal, |$time:ident| $value:expr) => {
        Entry {
            name: $name,
            source: Source::Time(|$time| $value),
        }
    };
}

static VARIABLES: &[Entry] = &[
    request!(b"REQUEST_METHOD", |_, r| r.method),
    request!(b"REQUEST_SCHEME", |_, r| sys::ap_run_http_scheme(r)),
    request!(b"REQUEST_URI", |_, r| r.uri),
    request!(b"DOCUMENT_URI", |_, r| r.uri),
    request!(b"REQUEST_FILENAME", |_, r| r.filename),
    request!(b"SCRIPT_FILENAME", |_, r| r.filename),
    request!(b"LAST_MODIFIED", |p, r| {
        // Of the response: nobody has set it before a handler does.
        local(r.mtime).map_or(null(), |time| copy(p, stamp(&time).as_bytes()))
    }),
    request!(b"SCRIPT_USER", |p, r| owner(p, &r.finfo, false)),
    request!(b"SCRIPT_GROUP", |p, r| owner(p, &r.finfo, true)),
    request!(b"REMOTE_USER", |_, r| r.user),
    request!(b"REMOTE_ADDR", |_, r| r.useragent_ip),
    request!(b"REMOTE_HOST", |_, r| {
        let (c, by) = (r.connection, r.per_dir_config.cast());
        sys::ap_get_remote_host(c, by, sys::REMOTE_NAME as c_int, null_mut())
    }),
    request!(b"REMOTE_IDENT", |_, r| sys::ap_get_remote_logname(mutable(
        r
    ))),
    request!(b"SERVER_NAME", |_, r| sys::ap_get_server_name(mutable(r))),
    request!(b"SERVER_PORT", |p, r| {
        copy(p, sys::ap_get_server_port(r).to_string().as_bytes())
    }),
    request!(b"SERVER_ADMIN", |_, r| (*r.server).server_admin),
    request!(b"SERVER_PROTOCOL", |_, r| r.protocol),
    request!(b"THE_REQUEST", |_, r| r.the_request),
    request!(b"QUERY_STRING", |_, r| r.args),
    request!(b"PATH_INFO", |_, r| r.path_info),
    request!(b"IS_SUBREQ", |_, r| if r.main.is_null() {
        c"false".as_ptr()
    } else {
        c"true".as_ptr()
    }),
    request!(b"DOCUMENT_ROOT", |_, r| sys::ap_document_root(mutable(r))),
    request!(b"CONTEXT_PREFIX", |_, r| sys::ap_context_prefix(mutable(r))),
    request!(b"CONTEXT_DOCUMENT_ROOT", |_, r| {
        sys::ap_context_document_root(mutable(r))
    }),
    request!(b"AUTH_TYPE", |_, r| r.ap_auth_type),
    request!(b"CONTENT_TYPE", |_, r| r.content_type),
    request!(b"HANDLER", |_, r| r.handler),
    request!(b"REQUEST_LOG_ID", |_, r| r.log_id),
    request!(b"REQUEST_STATUS", |p, r| {
        copy(p, r.status.to_string().as_bytes())
    }),
    field!(b"HTTP_USER_AGENT", c"User-Agent"),
    field!(b"HTTP_PROXY_CONNECTION", c"Proxy-Connection"),
    field!(b"HTTP_REFERER", c"Referer"),
    field!(b"HTTP_COOKIE", c"Cookie"),
    field!(b"HTTP_FORWARDED", c"Forwarded"),
    field!(b"HTTP_HOST", c"Host"),
    field!(b"HTTP_ACCEPT", c"Accept"),
    connection!(b"HTTPS", |_, c| on(sys::ap_ssl_conn_is_ssl(
        (&raw const *c).cast_mut()
    ) != 0)),
    connection!(b"HTTP2", |_, c| {
        let protocol = sys::ap_get_protocol((&raw const *c).cast_mut());
        on(bytes(protocol).starts_with(b"h2"))
    }),
    connection!(b"IPV6", |_, c| {
        let address = c.client_addr;
        on(!address.is_null()
            && (*address).family == libc::AF_INET6
            && !is_mapped((*address).ipaddr_ptr.cast()))
    }),
    connection!(b"CONN_LOG_ID", |_, c| c.log_id),
    connection!(b"CONN_REMOTE_ADDR", |_, c| c.client_ip),
    connection!(b"REMOTE_PORT", |p, c| {
        if c.client_addr.is_null() {
            return null();
        }
        copy(p, (*c.client_addr).port.to_string().as_bytes())
    }),
    time!(b"TIME", |time| stamp(time)),
    time!(b"TIME_YEAR", |time| format!("{:04}", time.tm_year + 1900)),
    time!(b"TIME_MON", |time| format!("{:02}", time.tm_mon + 1)),
    time!(b"TIME_DAY", |time| format!("{:02}", time.tm_mday)),
    time!(b"TIME_HOUR", |time| format!("{:02}", time.tm_hour)),
    time!(b"TIME_MIN", |time| format!("{:02}", time.tm_min)),
    time!(b"TIME_SEC", |time| format!("{:02}", time.tm_sec)),
    time!(b"TIME_WDAY", |time| time.tm_wday.to_string()),
    Entry {
        name: b"SERVER_SOFTWARE",
        source: Source::Server(|| {
            // SAFETY: a string of the server's.
            unsafe { sys::ap_get_server_banner() }
        }),
    },
    Entry {
        name: b"API_VERSION",
        source: Source::Server(|| c"20120211".as_ptr()),
    },
];

const _: () = assert!(sys::MODULE_MAGIC_NUMBER_MAJOR == 20_120_211);

/// Whether an address of IPv6 is one of IPv4 in disguise.
///
/// # Safety
/// `address` points to 16 bytes.
unsafe fn is_mapped(address: *const [u8; 16]) -> bool {
    // SAFETY: the caller's promise.
    let address = std::net::Ipv6Addr::from(unsafe { *address });
    address.to_ipv4_mapped().is_some()
}
