//! What `ErrorLogFormat` can tell: one function a letter, and `ap_register_errorlog_handler`, by
//! which modules add letters of their own.
//!
//! Each writes at most `room` bytes with the NUL to `out` and answers how many it wrote without it;
//! 0: nothing to tell.

use std::{
    ffi::{CStr, c_char, c_int},
    sync::{PoisonError, RwLock},
};

use httpd_sys::{self as sys, ap_errorlog_info};
use module_sdk::raw;

use crate::log::{
    clock, escape,
    line::{self, TimeForm},
};

exports! { ap_register_errorlog_handler }

/// The type of `ap_errorlog_handler_fn_t`.
pub type Handler = unsafe extern "C" fn(
    info: *const ap_errorlog_info,
    argument: *const c_char,
    out: *mut c_char,
    room: c_int,
) -> c_int;

/// The letters of modules; they overrule ours.
static OF_MODULES: RwLock<Vec<(u8, Handler)>> = RwLock::new(Vec::new());

/// Forgets what modules have registered: a new reading of the configuration begins.
pub fn forget_those_of_modules() {
    let mut handlers = OF_MODULES.write().unwrap_or_else(PoisonError::into_inner);
    handlers.clear();
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_register_errorlog_handler(
    _pool: *mut sys::apr_pool_t,
    tag: *mut c_char,
    handler: sys::ap_errorlog_handler_fn_t,
    _flags: c_int,
) {
    // SAFETY: the header asks for a string.
    let tag = unsafe { raw::text(tag) };
    if let (Some([letter, ..]), Some(handler)) = (tag.map(CStr::to_bytes), handler) {
        let mut handlers = OF_MODULES.write().unwrap_or_else(PoisonError::into_inner);
        handlers.push((*letter, handler));
    }
}

/// Who writes the item of this letter.
pub fn handler(letter: u8) -> Option<Handler> {
    let handlers = OF_MODULES.read().unwrap_or_else(PoisonError::into_inner);
    let of_module = handlers.iter().rev().find(|(of, _)| *of == letter);
    if let Some((_, handler)) = of_module {
        return Some(*handler);
    }
    let ours: Handler = match letter {
        b'a' => peer_address,
        b'A' => local_address,
        b'e' => environment,
        b'E' => status,
        b'F' => source,
        b'i' => header,
        b'k' => keepalives,
        b'l' => level,
        b'L' => log_id,
        b'm' => module,
        b'n' => note,
        b'P' => process,
        b't' => time,
        b'T' => thread,
        b'v' => virtual_host,
        b'V' => server_name,
        _ => return None,
    };
    Some(ours)
}

/// Text of the format itself.
pub unsafe extern "C" fn text(
    _info: *const ap_errorlog_info,
    argument: *const c_char,
    out: *mut c_char,
    room: c_int,
) -> c_int {
    // SAFETY: the argument of such an item is its text.
    unsafe { put(string(argument), out, room) }
}

/// Defines handlers: their body sees the live `info` and the argument's bytes, and answers bytes.
macro_rules! items {
    ($($(#[$doc:meta])* $name:ident($info:ident, $argument:ident) $body:block)*) => {$(
        $(#[$doc])*
        unsafe extern "C" fn $name(
            info: *const ap_errorlog_info,
            argument: *const c_char,
            out: *mut c_char,
            room: c_int,
        ) -> c_int {
            // SAFETY: whoever writes a line passes live objects, a string or NULL, and a buffer
            // with its size.
            unsafe {
                let $info = &*info;
                let $argument = string(argument);
                put(&$body, out, room)
            }
        }
    )*};
}

items! {
    /// `%a`: the client; `%{c}a`: the other end of the connection.
    peer_address(info, argument) {
        let of_connection = argument.first() == Some(&b'c');
        if !info.r.is_null() && !of_connection {
            let address = (*info.r).useragent_addr;
            address_and_port((*info.r).useragent_ip, address)
        } else if !info.c.is_null() {
            address_and_port((*info.c).client_ip, (*info.c).client_addr)
        } else {
            Vec::new()
        }
    }

    /// `%A`: our end of the connection.
    local_address(info, _argument) {
        if info.c.is_null() {
            Vec::new()
        } else {
            address_and_port((*info.c).local_ip, (*info.c).local_addr)
        }
    }

    /// `%{name}e`: a variable of the request's environment.
    environment(info, argument) {
        info.r.as_ref().map_or_else(Vec::new, |r| value_of(r.subprocess_env, argument))
    }

    /// `%{name}i`: a header of the request.
    header(info, argument) {
        info.r.as_ref().map_or_else(Vec::new, |r| value_of(r.headers_in, argument))
    }

    /// `%{name}n`: a note of the request.
    note(info, argument) {
        info.r.as_ref().map_or_else(Vec::new, |r| value_of(r.notes, argument))
    }

    /// `%E`: the error's number and text.
    status(info, _argument) {
        if info.status == 0 { Vec::new() } else { status_text(info.status) }
    }

    /// `%F`: the place in the source.
    source(info, _argument) {
        let file = base_name(string(info.file));
        if file.is_empty() {
            Vec::new()
        } else {
            let mut out = file.to_vec();
            out.extend_from_slice(format!("({})", info.line).as_bytes());
            out
        }
    }

    /// `%k`: how many requests the connection has had before.
    keepalives(info, _argument) {
        info.c.as_ref().map_or_else(Vec::new, |c| c.keepalives.to_string().into_bytes())
    }

    /// `%l`: the level's name.
    level(info, _argument) {
        line::level_name(info.level).as_bytes().to_vec()
    }

    /// `%L`: the log id of the request; `%{c}L`: of the connection; `%{C}L`: of the connection
    /// when the line concerns no request.
    log_id(info, argument) {
        let id = match argument.first() {
            Some(b'C') if !info.r.is_null() => std::ptr::null(),
            Some(b'c' | b'C') => info.c.as_ref().map_or(std::ptr::null(), |c| c.log_id),
            _ => info.rmain.as_ref().map_or(std::ptr::null(), |r| r.log_id),
        };
        string(id).to_vec()
    }

    /// `%m`: the module's short name.
    module(info, _argument) {
        crate::modules::short_name(info.module_index).unwrap_or("-").as_bytes().to_vec()
    }

    /// `%P`: the process.
    process(_info, _argument) {
        std::process::id().to_string().into_bytes()
    }

    /// `%T`: the thread; `%{g}T`: its number in the system.
    thread(_info, argument) {
        if argument.first() == Some(&b'g') {
            libc::gettid().to_string().into_bytes()
        } else if is_threaded() {
            libc::pthread_self().to_string().into_bytes()
        } else {
            Vec::new()
        }
    }

    /// `%t`: the time, in the form the argument asks for.
    time(_info, argument) {
        let mut out = Vec::with_capacity(40);
        let now = clock::local(clock::now());
        line::write_time(&now, TimeForm::of_argument(argument), &mut out);
        out
    }

    /// `%v`: the canonical name of the server.
    virtual_host(info, _argument) {
        info.s.as_ref().map_or_else(Vec::new, |s| string(s.server_hostname).to_vec())
    }

    /// `%V`: the name the server goes by for this request.
    server_name(info, _argument) {
        if info.r.is_null() {
            Vec::new()
        } else {
            string(sys::ap_get_server_name(info.r.cast_mut())).to_vec()
        }
    }
}

/// The bytes of a string; none for NULL.
///
/// # Safety
/// `text` is NULL or a string that lives as long as the answer is used.
unsafe fn string<'a>(text: *const c_char) -> &'a [u8] {
    // SAFETY: the caller's promise.
    unsafe { raw::text(text) }.map_or(&[], CStr::to_bytes)
}

/// Copies what fits to a buffer, with a NUL; answers how much.
///
/// # Safety
/// `out` has room for `room` bytes.
unsafe fn put(text: &[u8], out: *mut c_char, room: c_int) -> c_int {
    let Some(most) = usize::try_from(room)
        .ok()
        .and_then(|room| room.checked_sub(1))
    else {
        return 0;
    };
    let length = text.len().min(most);
    // SAFETY: the caller's promise: `length` and a NUL fit.
    unsafe {
        out.copy_from_nonoverlapping(text.as_ptr().cast(), length);
        out.add(length).write(0);
    }
    length as c_int
}

/// The name of a source file without its directories.
pub(super) fn base_name(path: &[u8]) -> &[u8] {
    let after = path.iter().rposition(|&byte| byte == b'/');
    after.map_or(path, |at| &path[at + 1..])
}

/// `127.0.0.1:80`.
///
/// # Safety
/// `ip` is NULL or a string; `address` is NULL or live.
unsafe fn address_and_port(ip: *const c_char, address: *const sys::apr_sockaddr_t) -> Vec<u8> {
    // SAFETY: the caller's promise.
    let (ip, port) = unsafe {
        (
            string(ip),
            address.as_ref().map_or(0, |address| address.port),
        )
    };
    let mut out = ip.to_vec();
    out.extend_from_slice(format!(":{port}").as_bytes());
    out
}

/// An entry of a table, escaped.
///
/// # Safety
/// `table` is NULL or live; `key` is the text of a C string.
unsafe fn value_of(table: *const sys::apr_table_t, key: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    if !table.is_null() && !key.is_empty() {
        // SAFETY: the caller's promise; a NUL follows the key's bytes.
        let value = unsafe { string(sys::apr_table_get(table, key.as_ptr().cast())) };
        escape::for_error_log(value, &mut out);
    }
    out
}

/// Whether the MPM has threads.
fn is_threaded() -> bool {
    let mut answer = 0;
    // SAFETY: the answer has a place.
    let status = unsafe { sys::ap_mpm_query(sys::AP_MPMQ_IS_THREADED as c_int, &raw mut answer) };
    status == 0 && answer != sys::AP_MPMQ_NOT_SUPPORTED as c_int
}

/// An error's number and text: `(2)No such file or directory`.
pub(super) fn status_text(status: sys::apr_status_t) -> Vec<u8> {
    let resolver = sys::APR_OS_START_EAIERR as sys::apr_status_t;
    let system = sys::APR_OS_START_SYSERR as sys::apr_status_t;
    let (kind, number) = if status < resolver {
        ("", status)
    } else if status < system {
        ("EAI ", status - resolver)
    } else {
        ("OS ", status - system)
    };
    let mut text = [0 as c_char; 256];
    // SAFETY: APR ends what it writes into the buffer with NUL.
    let text = unsafe {
        sys::apr_strerror(status, text.as_mut_ptr(), text.len());
        string(text.as_ptr())
    };
    line::status(kind, number, text)
}

#[cfg(test)]
mod tests {
    use std::ptr::null;

    use super::*;

    fn told(letter: u8, argument: Option<&CStr>, info: &ap_errorlog_info, room: usize) -> String {
        let mut buffer = vec![0 as c_char; room];
        // SAFETY: live info, a buffer with its size.
        let length = unsafe {
            handler(letter).unwrap()(
                info,
                argument.map_or(null(), CStr::as_ptr),
                buffer.as_mut_ptr(),
                room as c_int,
            )
        };
        let bytes: Vec<u8> = buffer[..length as usize].iter().map(|&c| c as u8).collect();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn items_tell_what_they_know_and_fit_their_room() {
        let info = ap_errorlog_info {
            s: null(),
            c: null(),
            r: null(),
            rmain: null(),
            pool: std::ptr::null_mut(),
            file: c"/build/server/core.c".as_ptr(),
            line: 12,
            module_index: -1,
            level: 4,
            status: 2,
            using_syslog: 0,
            startup: 0,
            format: null(),
        };
        assert_eq!(told(b'F', None, &info, 100), "core.c(12)");
        assert_eq!(told(b'F', None, &info, 5), "core");
        assert_eq!(told(b'l', None, &info, 100), "warn");
        assert_eq!(told(b'E', None, &info, 100), "(2)No such file or directory");
        assert_eq!(told(b'm', None, &info, 100), "-");
        assert_eq!(told(b'a', None, &info, 100), "");
        assert_eq!(told(b'i', Some(c"Foo"), &info, 100), "");
        assert_eq!(told(b'P', None, &info, 100), std::process::id().to_string());
        assert_eq!(told(b't', Some(c"cu"), &info, 100).len(), 26);
        assert!(handler(b'Z').is_none());
    }
}
