//! Exports of `ap_listen.h`: the Listen directives and the sockets they ask for.
//!
//! The list lives in the process's pool and outlives a reading of the configuration: a socket that
//! is asked for again is kept, one that is not is closed. Sockets may be inherited from the control
//! process that executed this one (`mpm::sockets::INHERITED`) or from systemd.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::{null, null_mut},
    sync::{Mutex, PoisonError},
};

use httpd_sys::{self as sys, ap_listen_rec, cmd_parms};
use module_sdk::raw::{Pool, text};

use crate::mpm::{control, port_owner::port_owner, sockets};

exports! {
    ap_listen_pre_config, ap_setup_listeners, ap_close_listeners, ap_close_listeners_ex,
    ap_set_listener, ap_set_listenbacklog, ap_set_listentcpdeferaccept, ap_set_listencbratio,
    ap_set_send_buffer_size, ap_set_receive_buffer_size,
}

/// What is listened on.
#[unsafe(no_mangle)]
pub static mut ap_listeners: *mut ap_listen_rec = null_mut();

/// Listening sockets are not split into buckets: one set serves all children.
#[unsafe(no_mangle)]
pub static mut ap_num_listen_buckets: c_int = 1;

/// Whether sockets are bound several times (SO_REUSEPORT): no.
#[unsafe(no_mangle)]
pub static mut ap_have_so_reuseport: c_int = 0;

/// What the directives other than Listen said.
#[derive(Clone, Copy)]
struct Options {
    backlog: i32,
    send_buffer: i32,
    receive_buffer: i32,
    defer_accept: i32,
}

impl Options {
    const DEFAULT: Self = Self {
        backlog: sys::DEFAULT_LISTENBACKLOG as i32,
        send_buffer: 0,
        receive_buffer: 0,
        defer_accept: 0,
    };
}

static OPTIONS: Mutex<Options> = Mutex::new(Options::DEFAULT);

/// Where each Listen of this reading stands: address, port, `file:line`.
static PLACES: Mutex<Vec<(String, u16, String)>> = Mutex::new(Vec::new());

fn options() -> Options {
    *OPTIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A C string for a message; empty for NULL.
///
/// # Safety
/// `string` is NULL or ends with NUL, and lives as long as the answer.
unsafe fn shown<'a>(string: *const c_char) -> std::borrow::Cow<'a, str> {
    // SAFETY: the caller's promise.
    unsafe { text(string) }
        .unwrap_or_default()
        .to_string_lossy()
}

/// Begins a reading of the configuration: the sockets of the one before stay open, and are kept if
/// they are asked for again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_listen_pre_config() {
    *OPTIONS.lock().unwrap_or_else(PoisonError::into_inner) = Options::DEFAULT;
    PLACES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clear();
    // SAFETY: one thread reads the configuration.
    unsafe {
        PREVIOUS = ap_listeners;
        ap_listeners = null_mut();
    }
}

/// The sockets of the reading before, as far as they were not asked for again yet.
static mut PREVIOUS: *mut ap_listen_rec = null_mut();

/// The address of a Listen: `None` for all addresses.
struct Asked<'a> {
    address: Option<&'a str>,
    port: u16,
}

/// Reads `80`, `*:80`, `127.0.0.1:80`, `[::1]:80`, `name:80`.
fn parse(argument: &str) -> Result<Asked<'_>, String> {
    let (address, port) = match argument.rsplit_once(':') {
        None => (None, argument),
        Some((address, port)) => (Some(address), port),
    };
    let port = port
        .parse::<u16>()
        .ok()
        .filter(|&port| port > 0)
        .ok_or_else(|| {
            format!("Invalid address or port: \"{argument}\": the port is a number from 1 to 65535")
        })?;
    let address = address
        .map(|address| address.trim_start_matches('[').trim_end_matches(']'))
        .filter(|&address| address != "*");
    if address == Some("") {
        return Err(format!("Invalid address or port: \"{argument}\""));
    }
    Ok(Asked { address, port })
}

/// Listen: an address and port, and maybe a protocol.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_listener(
    cmd: *mut cmd_parms,
    _dummy: *mut c_void,
    argc: c_int,
    argv: *const *mut c_char,
) -> *const c_char {
    // SAFETY: the engine passes its live record and `argc` arguments; one thread reads the
    // configuration.
    unsafe {
        let pool = Pool::from_ptr((*cmd).pool);
        let refusal = sys::ap_check_cmd_context(cmd, sys::GLOBAL_ONLY);
        if !refusal.is_null() {
            return refusal;
        }
        if !(1..=2).contains(&argc) {
            return c"Listen requires 1 or 2 arguments.".as_ptr();
        }
        let argument = shown((*argv).cast_const());
        let asked = match parse(&argument) {
            Ok(asked) => asked,
            Err(text) => return pool.text(text).as_ptr(),
        };
        let protocol = match argc {
            2 => {
                let protocol = sys::apr_pstrdup((*cmd).pool, *argv.add(1));
                sys::ap_str_tolower(protocol);
                protocol.cast_const()
            }
            // As Apache: the well-known port of https means that protocol.
            _ if asked.port == 443 => c"https".as_ptr(),
            _ => c"http".as_ptr(),
        };
        let directive = (*cmd).directive;
        let place = format!("{}:{}", shown((*directive).filename), (*directive).line_num);
        match add(
            asked.address,
            asked.port,
            protocol,
            (*(*cmd).server).process,
        ) {
            Ok(()) => {
                let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
                let address = asked.address.unwrap_or("*").to_owned();
                places.push((address, asked.port, place));
                null()
            }
            Err(text) => pool.text(text).as_ptr(),
        }
    }
}

/// Puts an address into the list, with the socket of the reading before when there is one.
unsafe fn add(
    address: Option<&str>,
    port: u16,
    protocol: *const c_char,
    process: *mut sys::process_rec,
) -> Result<(), String> {
    // SAFETY: the process's pool lives as long as the process; one thread changes the lists.
    unsafe {
        let pool = Pool::from_ptr((*process).pool);
        // No address: all, of both families where the system has IPv6.
        let name = match address {
            Some(address) => pool.copy(address).as_ptr(),
            None if has_ipv6() => c"::".as_ptr(),
            None => c"0.0.0.0".as_ptr(),
        };
        let mut bind_addr = null_mut();
        let status = sys::apr_sockaddr_info_get(
            &raw mut bind_addr,
            name,
            sys::APR_UNSPEC as c_int,
            port,
            0,
            pool.as_ptr(),
        );
        if status != 0 {
            return Err(format!(
                "failed to resolve server name for {} --> {}",
                shown(name),
                error_text(status)
            ));
        }
        let mut link = &raw mut PREVIOUS;
        let mut record = null_mut();
        while !(*link).is_null() {
            if sys::apr_sockaddr_equal((**link).bind_addr, bind_addr) != 0
                && (*(**link).bind_addr).port == port
            {
                record = *link;
                *link = (*record).next;
                break;
            }
            link = &raw mut (**link).next;
        }
        if record.is_null() {
            record = pool.zeroed::<ap_listen_rec>();
            (*record).bind_addr = bind_addr;
            if let Some(descriptor) = sockets::take_inherited(&ip_of(bind_addr), port) {
                (*record).sd = wrap(descriptor, bind_addr, pool);
                (*record).active = 1;
            }
        }
        // The configuration's pool is cleared between readings; the list is not.
        (*record).protocol = sys::apr_pstrdup(pool.as_ptr(), protocol);
        (*record).next = null_mut();
        let mut end = &raw mut ap_listeners;
        while !(*end).is_null() {
            end = &raw mut (**end).next;
        }
        *end = record;
    }
    Ok(())
}

/// The address as text.
unsafe fn ip_of(address: *mut sys::apr_sockaddr_t) -> String {
    let mut ip = null_mut();
    // SAFETY: the caller passes a live address.
    unsafe {
        sys::apr_sockaddr_ip_get(&raw mut ip, address);
        text(ip).unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// Whether the system has IPv6.
fn has_ipv6() -> bool {
    // SAFETY: a socket that is closed at once.
    unsafe {
        let socket = libc::socket(libc::AF_INET6, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        if socket >= 0 {
            libc::close(socket);
        }
        socket >= 0
    }
}

/// A descriptor as a socket of APR, closed with `pool`.
unsafe fn wrap(
    descriptor: c_int,
    address: *mut sys::apr_sockaddr_t,
    pool: Pool<'_>,
) -> *mut sys::apr_socket_t {
    // SAFETY: the caller passes an open listening socket and its address.
    unsafe {
        let mut descriptor = descriptor;
        let mut info = sys::apr_os_sock_info_t {
            os_sock: &raw mut descriptor,
            local: (&raw mut (*address).sa).cast(),
            remote: null_mut(),
            family: (*address).family,
            type_: libc::SOCK_STREAM,
            protocol: libc::IPPROTO_TCP,
        };
        let mut socket = null_mut();
        sys::apr_os_sock_make(&raw mut socket, &raw mut info, pool.as_ptr());
        socket
    }
}

/// Opens what is not open yet and closes what is no longer asked for; answers how many sockets are
/// listened on, 0 when one cannot be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_setup_listeners(server: *mut sys::server_rec) -> c_int {
    // SAFETY: called by the control process, which has one thread; records live in its pool.
    unsafe {
        ap_close_listeners_ex(PREVIOUS);
        PREVIOUS = null_mut();
        sockets::close_uninherited();
        let pool = Pool::from_ptr((*(*server).process).pool);
        let mut count = 0;
        let mut record = ap_listeners;
        while !record.is_null() {
            if (*record).active == 0 {
                match open((*record).bind_addr) {
                    Ok(descriptor) => {
                        (*record).sd = wrap(descriptor, (*record).bind_addr, pool);
                        (*record).active = 1;
                    }
                    Err(message) => {
                        control::log(sys::APLOG_STARTUP | sys::APLOG_CRIT, &message);
                        return 0;
                    }
                }
            }
            count += 1;
            record = (*record).next;
        }
        // Hosts that name no protocol speak that of the socket they are reached by.
        count
    }
}

/// Binds and listens.
unsafe fn open(address: *mut sys::apr_sockaddr_t) -> Result<c_int, String> {
    let options = options();
    // SAFETY: the caller passes a live address; options are plain numbers, whose sizes are given.
    unsafe {
        let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        let descriptor = libc::socket((*address).family, kind, 0);
        if descriptor < 0 {
            return Err(failure("make_sock: socket", address));
        }
        let set = |level: c_int, name: c_int, value: c_int| {
            let size = size_of::<c_int>() as libc::socklen_t;
            libc::setsockopt(descriptor, level, name, (&raw const value).cast(), size)
        };
        set(libc::SOL_SOCKET, libc::SO_REUSEADDR, 1);
        set(libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1);
        set(libc::IPPROTO_TCP, libc::TCP_NODELAY, 1);
        if options.send_buffer > 0 {
            set(libc::SOL_SOCKET, libc::SO_SNDBUF, options.send_buffer);
        }
        if options.receive_buffer > 0 {
            set(libc::SOL_SOCKET, libc::SO_RCVBUF, options.receive_buffer);
        }
        if options.defer_accept > 0 {
            set(
                libc::IPPROTO_TCP,
                libc::TCP_DEFER_ACCEPT,
                options.defer_accept,
            );
        }
        if (*address).family == libc::AF_INET6 {
            // `::` takes IPv4 too, unless an IPv4 address has the same port of its own.
            set(
                libc::IPPROTO_IPV6,
                libc::IPV6_V6ONLY,
                c_int::from(!is_any(address)),
            );
        }
        let length = (*address).salen;
        let bound = libc::bind(descriptor, (&raw const (*address).sa).cast(), length);
        if bound != 0 {
            let message = failure("make_sock: could not bind to address", address);
            libc::close(descriptor);
            return Err(message);
        }
        if libc::listen(descriptor, options.backlog) != 0 {
            let message = failure(
                "make_sock: unable to listen for connections on address",
                address,
            );
            libc::close(descriptor);
            return Err(message);
        }
        Ok(descriptor)
    }
}

/// Whether this is `::`.
unsafe fn is_any(address: *mut sys::apr_sockaddr_t) -> bool {
    // SAFETY: the caller passes a live address.
    unsafe { ip_of(address) == "::" }
}

/// What the system said about `address`, who has its port, and which Listen asked for it.
unsafe fn failure(what: &str, address: *mut sys::apr_sockaddr_t) -> String {
    let error = std::io::Error::last_os_error();
    let number = error.raw_os_error().unwrap_or(0);
    // SAFETY: the caller passes a live address.
    let (ip, port) = unsafe { (ip_of(address), (*address).port) };
    let shown = if ip.contains(':') {
        format!("[{ip}]:{port}")
    } else {
        format!("{ip}:{port}")
    };
    let mut details = Vec::new();
    if number == libc::EADDRINUSE
        && let Some(owner) = port_owner(port)
    {
        details.push(format!("process {owner} has it"));
    }
    let places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((.., place)) = places.iter().find(|(_, asked, _)| *asked == port) {
        details.push(format!("Listen at {place}"));
    }
    let details = if details.is_empty() {
        String::new()
    } else {
        format!(" ({})", details.join("; "))
    };
    format!(
        "({number}){}: AH00072: {what} {shown}{details}",
        error_text(number)
    )
}

/// APR's text of an error.
fn error_text(status: sys::apr_status_t) -> String {
    let mut buffer = [0 as c_char; 200];
    // SAFETY: APR writes a string of at most the size it is told.
    unsafe {
        sys::apr_strerror(status, buffer.as_mut_ptr(), buffer.len());
        CStr::from_ptr(buffer.as_ptr())
            .to_string_lossy()
            .into_owned()
    }
}

/// Closes all listening sockets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_close_listeners() {
    // SAFETY: the list is whole; the caller's process has one thread that uses it.
    unsafe { ap_close_listeners_ex(ap_listeners) }
}

/// Closes the sockets of a list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_close_listeners_ex(listeners: *mut ap_listen_rec) {
    let mut record = listeners;
    // SAFETY: the header asks for a whole list.
    unsafe {
        while !record.is_null() {
            if !(*record).sd.is_null() && (*record).active != 0 {
                sys::apr_socket_close((*record).sd);
            }
            (*record).active = 0;
            record = (*record).next;
        }
    }
}

/// A directive of the main server with a whole number from `$least` on.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident $least:literal $most:expr, $options:ident $value:ident $set:block) => {
        $(#[$doc])*
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            cmd: *mut cmd_parms,
            _dummy: *mut c_void,
            arg: *const c_char,
        ) -> *const c_char {
            // SAFETY: the engine passes its live record and an argument.
            unsafe {
                let refusal = sys::ap_check_cmd_context(cmd, sys::GLOBAL_ONLY);
                if !refusal.is_null() {
                    return refusal;
                }
                let name = shown((*(*cmd).cmd).name);
                match shown(arg).trim().parse::<i32>() {
                    Ok($value) if ($least..=$most).contains(&$value) => {
                        let mut guard = OPTIONS.lock().unwrap_or_else(PoisonError::into_inner);
                        let $options = &mut *guard;
                        $set
                        null()
                    }
                    _ => Pool::from_ptr((*cmd).pool)
                        .text(format_args!("{name} must be a number from {} on", $least))
                        .as_ptr(),
                }
            }
        }
    };
}

number! {
    /// ListenBacklog.
    ap_set_listenbacklog 1 i32::MAX, options value { options.backlog = value; }
}
number! {
    /// SendBufferSize: 0 is the system's own.
    ap_set_send_buffer_size 0 i32::MAX, options value { options.send_buffer = value; }
}
number! {
    /// ReceiveBufferSize: 0 is the system's own.
    ap_set_receive_buffer_size 0 i32::MAX, options value { options.receive_buffer = value; }
}
number! {
    /// ListenTCPDeferAccept in seconds; 0: off.
    ap_set_listentcpdeferaccept 0 i32::MAX, options value { options.defer_accept = value; }
}
number! {
    /// ListenCoresBucketsRatio: checked; there is one set of sockets whatever it says.
    ap_set_listencbratio 0 i32::MAX, options value { let _ = (options, value); }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(argument: &str) -> Option<(Option<&str>, u16)> {
        parse(argument)
            .ok()
            .map(|asked| (asked.address, asked.port))
    }

    #[test]
    fn addresses_are_read_in_all_their_forms() {
        assert_eq!(read("80"), Some((None, 80)));
        assert_eq!(read("*:81"), Some((None, 81)));
        assert_eq!(read("127.0.0.1:82"), Some((Some("127.0.0.1"), 82)));
        assert_eq!(read("[::1]:83"), Some((Some("::1"), 83)));
        for wrong in ["", "0", "host", "host:", "1.2.3.4:70000", ":80"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
