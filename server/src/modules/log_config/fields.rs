//! What the fields of a line tell of a request: the meaning of each letter.
//!
//! Texts go straight into the line; only fields of other modules come by way of the pool.

use std::{
    cell::Cell,
    ffi::{CStr, CString, c_char, c_int},
    ptr::null_mut,
    sync::{PoisonError, RwLock},
};

use httpd_sys::{self as sys, apr_sockaddr_t, apr_table_t, request_rec};
use module_sdk::raw;

use super::{
    cookie,
    format::Meaning,
    time::{self, Form, Moment, Unit, write_number},
};
use crate::log::{clock, escape};

/// A handler of another module: answers text of the request's pool, or NULL.
pub type Handler = unsafe extern "C" fn(*mut request_rec, *mut c_char) -> *const c_char;

/// Defines the fields whose text is a C string of the request, and writes them escaped.
macro_rules! texts {
    (of $r:ident: $($name:ident: $text:expr;)*) => {
        /// A text that is a C string of the request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Text { $(#[doc = stringify!($name)] $name),* }

        impl Text {
            /// # Safety
            /// The request is live.
            unsafe fn of(self, $r: *mut request_rec) -> *const c_char {
                // SAFETY: the caller's promise; a request has a server and a connection.
                unsafe { match self { $(Self::$name => $text),* } }
            }
        }
    };
}

texts! {
    of r:
    Host: sys::ap_get_useragent_host(r, sys::REMOTE_NAME as c_int, null_mut());
    PeerHost: {
        let name = sys::REMOTE_NAME as c_int;
        sys::ap_get_remote_host((*r).connection, (*r).per_dir_config.cast(), name, null_mut())
    };
    Address: (*r).useragent_ip;
    PeerAddress: (*(*r).connection).client_ip;
    LocalAddress: (*(*r).connection).local_ip;
    Logname: sys::ap_get_remote_logname(r);
    File: (*r).filename;
    Path: (*r).uri;
    Method: (*r).method;
    Protocol: (*r).protocol;
    Handler: (*r).handler;
    LogId: (*r).log_id;
    ConnectionLogId: (*(*r).connection).log_id;
    VirtualHost: (*(*r).server).server_hostname;
    ServerName: sys::ap_get_server_name(r);
}

/// Which port `%p` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// The server's canonical one.
    Canonical,
    /// That of our end of the connection.
    Local,
    /// That of the client.
    Remote,
}

/// Which number `%P` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// The process.
    Pid,
    /// The thread.
    Tid,
    /// The thread, in hexadecimal digits.
    HexTid,
}

/// Which table an entry is looked up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// The request's headers.
    HeadersIn,
    /// The response's headers.
    HeadersOut,
    /// Notes of modules.
    Notes,
    /// The environment of programs.
    Environment,
    /// The request's trailers.
    TrailersIn,
    /// The response's trailers.
    TrailersOut,
}

/// What a field tells.
#[derive(Clone, Debug)]
pub enum What {
    /// A text of the request.
    Text(Text),
    /// An entry of a table.
    Entry(Table, CString),
    /// The content type without its parameters.
    ContentType,
    /// The user; two quotes for an empty name.
    User,
    /// A moment.
    Moment(Moment),
    /// How long the request took.
    Duration(Unit),
    /// Bytes of the body that were sent; a hyphen or 0 for none.
    BytesSent { hyphen: bool },
    /// The status.
    Status,
    /// The request line.
    RequestLine,
    /// `?` and the query, when there is one.
    Query,
    /// A port.
    Port(Port),
    /// A process or thread.
    Process(Process),
    /// Whether the connection goes on: `X`, `+` or `-`.
    ConnectionState,
    /// How many requests the connection had before.
    Keepalives,
    /// A cookie.
    Cookie(CString),
    /// An argument that means nothing, shown as it is.
    Verbatim(CString),
    /// What another module tells.
    OfModule(Handler, CString),
}

/// The tags of other modules; they overrule ours.
static OF_MODULES: RwLock<Vec<(Vec<u8>, Handler, bool)>> = RwLock::new(Vec::new());

/// Forgets what modules have registered: a new reading of the configuration begins.
pub fn forget_those_of_modules() {
    let mut handlers = OF_MODULES.write().unwrap_or_else(PoisonError::into_inner);
    handlers.clear();
}

/// The optional function `ap_register_log_handler`.
///
/// # Safety
/// `tag` is a string or NULL.
pub unsafe extern "C" fn register(
    _pool: *mut sys::apr_pool_t,
    tag: *mut c_char,
    handler: sys::ap_log_handler_fn_t,
    of_original: c_int,
) {
    // SAFETY: mod_log_config.h asks for a string.
    if let (Some(tag), Some(handler)) = (unsafe { raw::text(tag) }, handler) {
        let mut handlers = OF_MODULES.write().unwrap_or_else(PoisonError::into_inner);
        handlers.push((tag.to_bytes().to_vec(), handler, of_original != 0));
    }
}

/// The meaning of a tag with its argument.
pub fn lookup(tag: &[u8], argument: CString) -> Option<Meaning<What>> {
    let handlers = OF_MODULES.read().unwrap_or_else(PoisonError::into_inner);
    let of_module = handlers.iter().rev().find(|(known, ..)| known == tag);
    if let Some((_, handler, of_original)) = of_module {
        if matches!(tag, b"I" | b"S") {
            crate::modules::logio::shows_input();
        }
        return Some(Meaning {
            what: What::OfModule(*handler, argument),
            of_original: *of_original,
        });
    }
    drop(handlers);
    let what = ours(tag, argument)?;
    let of_original = matches!(tag, [b'L' | b'r' | b'D' | b'T' | b'U' | b's' | b'R']);
    Some(Meaning { what, of_original })
}

fn ours(tag: &[u8], argument: CString) -> Option<What> {
    let word = argument.to_bytes();
    let of_connection = word == b"c";
    Some(match tag {
        b"h" if of_connection => What::Text(Text::PeerHost),
        b"h" => What::Text(Text::Host),
        b"a" if of_connection => What::Text(Text::PeerAddress),
        b"a" => What::Text(Text::Address),
        b"A" => What::Text(Text::LocalAddress),
        b"l" => What::Text(Text::Logname),
        b"u" => What::User,
        b"t" => What::Moment(Moment::of_argument(&argument)),
        b"f" => What::Text(Text::File),
        b"b" => What::BytesSent { hyphen: true },
        b"B" => What::BytesSent { hyphen: false },
        b"i" => What::Entry(Table::HeadersIn, argument),
        b"o" if word.eq_ignore_ascii_case(b"content-type") => What::ContentType,
        b"o" => What::Entry(Table::HeadersOut, argument),
        b"n" => What::Entry(Table::Notes, argument),
        b"L" if of_connection => What::Text(Text::ConnectionLogId),
        b"L" => What::Text(Text::LogId),
        b"e" => What::Entry(Table::Environment, argument),
        b"V" => What::Text(Text::ServerName),
        b"v" => What::Text(Text::VirtualHost),
        b"p" => match word.to_ascii_lowercase().as_slice() {
            b"" | b"canonical" => What::Port(Port::Canonical),
            b"local" => What::Port(Port::Local),
            b"remote" => What::Port(Port::Remote),
            _ => What::Verbatim(argument),
        },
        b"P" => match word {
            b"" | b"pid" => What::Process(Process::Pid),
            b"tid" => What::Process(Process::Tid),
            b"hextid" => What::Process(Process::HexTid),
            _ => What::Verbatim(argument),
        },
        b"H" => What::Text(Text::Protocol),
        b"m" => What::Text(Text::Method),
        b"q" => What::Query,
        b"X" => What::ConnectionState,
        b"C" => What::Cookie(argument),
        b"k" => What::Keepalives,
        b"r" => What::RequestLine,
        b"D" => What::Duration(Unit::MICROS),
        b"T" => match Unit::of_argument(&argument) {
            Some(unit) => What::Duration(unit),
            None => What::Verbatim(argument),
        },
        b"U" => What::Text(Text::Path),
        b"s" => What::Status,
        b"R" => What::Text(Text::Handler),
        b"^ti" => What::Entry(Table::TrailersIn, argument),
        b"^to" => What::Entry(Table::TrailersOut, argument),
        _ => return None,
    })
}

/// The end of a request: the same for all fields of all its lines, and not asked for in vain.
#[derive(Default)]
pub struct End(Cell<i64>);

impl End {
    fn get(&self) -> i64 {
        if self.0.get() == 0 {
            self.0.set(clock::now());
        }
        self.0.get()
    }
}

impl What {
    /// Appends what the field tells; a hyphen when there is nothing to tell.
    ///
    /// # Safety
    /// The request is live.
    pub unsafe fn write(&self, r: *mut request_rec, end: &End, out: &mut Vec<u8>) {
        // SAFETY: the caller's promise.
        if unsafe { self.tell(r, end, out) }.is_none() {
            out.push(b'-');
        }
    }

    /// `None`: there is nothing to tell, and nothing was appended.
    unsafe fn tell(&self, r: *mut request_rec, end: &End, out: &mut Vec<u8>) -> Option<()> {
        // SAFETY: the caller's promise; a request has a server, a connection and its tables.
        unsafe {
            match self {
                Self::Text(text) => escape::for_access_log(string(text.of(r))?, out),
                Self::Entry(table, key) => entry(r, *table, key, out)?,
                Self::ContentType => content_type(r, out)?,
                Self::User => match string((*r).user)? {
                    b"" => out.extend_from_slice(b"\"\""),
                    user => escape::for_access_log(user, out),
                },
                Self::Moment(moment) => {
                    let at = if moment.at_end {
                        end.get()
                    } else {
                        (*r).request_time
                    };
                    match &moment.form {
                        Form::Strftime(format) => strftime(at, format, out),
                        form => time::write(at, form, out),
                    }
                }
                Self::Duration(unit) => unit.write(end.get() - (*r).request_time, out),
                Self::BytesSent { hyphen } => {
                    let bytes = if (*r).sent_bodyct == 0 {
                        0
                    } else {
                        (*r).bytes_sent
                    };
                    if bytes == 0 && *hyphen {
                        return None;
                    }
                    write_number(bytes, out);
                }
                Self::Status => match (*r).status {
                    status if status > 0 => write_number(status.into(), out),
                    _ => return None,
                },
                Self::RequestLine => request_line(r, out)?,
                Self::Query => {
                    if let Some(query) = string((*r).args) {
                        out.push(b'?');
                        escape::for_access_log(query, out);
                    }
                }
                Self::Port(port) => write_number(port.of(r)?.into(), out),
                Self::Process(process) => process.write(out),
                Self::ConnectionState => out.push(connection_state(r)),
                Self::Keepalives => {
                    let before = (*(*r).connection).keepalives - 1;
                    write_number(before.max(0).into(), out);
                }
                Self::Cookie(name) => {
                    let header = sys::apr_table_get((*r).headers_in, c"Cookie".as_ptr());
                    let value = cookie::value(string(header)?, name.to_bytes())?;
                    escape::for_access_log(value, out);
                }
                Self::Verbatim(text) => out.extend_from_slice(text.to_bytes()),
                Self::OfModule(handler, argument) => {
                    let text = handler(r, argument.as_ptr().cast_mut());
                    out.extend_from_slice(string(text)?);
                }
            }
            Some(())
        }
    }
}

/// The bytes of a string; `None` for NULL.
///
/// # Safety
/// `text` is NULL or a string that lives as long as the answer is used.
unsafe fn string<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    unsafe { raw::text(text) }.map(CStr::to_bytes)
}

/// Appends the entry of a table; of `Set-Cookie`, which is sent once for each cookie, all.
///
/// # Safety
/// The request is live.
unsafe fn entry(r: *mut request_rec, table: Table, key: &CStr, out: &mut Vec<u8>) -> Option<()> {
    // SAFETY: the caller's promise.
    unsafe {
        let place = match table {
            Table::HeadersIn => (*r).headers_in,
            Table::HeadersOut => (*r).headers_out,
            Table::Notes => (*r).notes,
            Table::Environment => (*r).subprocess_env,
            Table::TrailersIn => (*r).trailers_in,
            Table::TrailersOut => (*r).trailers_out,
        };
        if place.is_null() {
            return None;
        }
        if table == Table::HeadersOut && key.to_bytes().eq_ignore_ascii_case(b"set-cookie") {
            return all_of(place, key, out);
        }
        let value = string(sys::apr_table_get(place, key.as_ptr()))?;
        escape::for_access_log(value, out);
    }
    Some(())
}

/// Appends all entries of a key, with commas between.
///
/// # Safety
/// The table is live.
unsafe fn all_of(table: *mut apr_table_t, key: &CStr, out: &mut Vec<u8>) -> Option<()> {
    // SAFETY: the caller's promise.
    let table = unsafe { raw::Table::from_ptr(table) };
    let mut any = None;
    for (name, value) in table.iter() {
        if !name.to_bytes().eq_ignore_ascii_case(key.to_bytes()) {
            continue;
        }
        if any.is_some() {
            out.extend_from_slice(b", ");
        }
        escape::for_access_log(value.to_bytes(), out);
        any = Some(());
    }
    any
}

/// Appends the response's type without parameters.
///
/// # Safety
/// The request is live.
unsafe fn content_type(r: *mut request_rec, out: &mut Vec<u8>) -> Option<()> {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(full) = string((*r).content_type) else {
            return entry(r, Table::HeadersOut, c"Content-Type", out);
        };
        let bare = full.split(|&byte| byte == b';').next().unwrap_or_default();
        escape::for_access_log(bare.trim_ascii_end(), out);
    }
    Some(())
}

/// Appends the request line, without a password that the client sent in it.
///
/// # Safety
/// The request is live.
unsafe fn request_line(r: *mut request_rec, out: &mut Vec<u8>) -> Option<()> {
    // SAFETY: the caller's promise; the text is the pool's.
    unsafe {
        if (*r).parsed_uri.password.is_null() {
            escape::for_access_log(string((*r).the_request)?, out);
            return Some(());
        }
        let uri = sys::apr_uri_unparse((*r).pool, &raw const (*r).parsed_uri, 0);
        escape::for_access_log(string((*r).method)?, out);
        out.push(b' ');
        escape::for_access_log(string(uri).unwrap_or_default(), out);
        if (*r).assbackwards == 0 {
            out.push(b' ');
            escape::for_access_log(string((*r).protocol).unwrap_or_default(), out);
        }
    }
    Some(())
}

impl Port {
    /// # Safety
    /// The request is live.
    unsafe fn of(self, r: *mut request_rec) -> Option<u16> {
        // SAFETY: the caller's promise.
        unsafe {
            let port = |address: *const apr_sockaddr_t| address.as_ref().map(|at| at.port);
            match self {
                Self::Canonical => Some(match (*(*r).server).port {
                    0 => sys::ap_run_default_port(r),
                    port => port,
                }),
                Self::Local => port((*(*r).connection).local_addr),
                Self::Remote => port((*r).useragent_addr),
            }
        }
    }
}

impl Process {
    fn write(self, out: &mut Vec<u8>) {
        // SAFETY: asks for the calling thread.
        let thread = || unsafe { libc::pthread_self() } as u64;
        let text = match self {
            Self::Pid => std::process::id().to_string(),
            Self::Tid => thread().to_string(),
            Self::HexTid => format!("{:x}", thread()),
        };
        out.extend_from_slice(text.as_bytes());
    }
}

/// `X`: broken off before the end; `+`: kept for more requests; `-`: closed.
///
/// # Safety
/// The request is live.
unsafe fn connection_state(r: *mut request_rec) -> u8 {
    // SAFETY: the caller's promise.
    unsafe {
        let (connection, server) = (&*(*r).connection, &*(*r).server);
        let most = server.keep_alive_max;
        if connection.aborted != 0 {
            b'X'
        } else if connection.keepalive == sys::AP_CONN_KEEPALIVE
            && (most == 0 || most > connection.keepalives)
        {
            b'+'
        } else {
            b'-'
        }
    }
}

/// Appends a moment as strftime shows it in local time.
fn strftime(at: i64, format: &CStr, out: &mut Vec<u8>) {
    /// More than this Apache does not show either.
    const MOST: usize = 8192;
    let start = out.len();
    out.resize(start + MOST, 0);
    let mut length = 0;
    // SAFETY: plain numbers, which the first call fills; the second writes into the room it is
    // told of.
    unsafe {
        let mut exploded = std::mem::zeroed::<sys::apr_time_exp_t>();
        sys::apr_time_exp_lt(&raw mut exploded, at);
        let room = out[start..].as_mut_ptr().cast();
        let most = MOST as sys::apr_size_t;
        sys::apr_strftime(
            room,
            &raw mut length,
            most,
            format.as_ptr(),
            &raw mut exploded,
        );
    }
    out.truncate(start + length.min(MOST));
}
