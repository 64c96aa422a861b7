//! The virtual host of a request, by the host in its URI or its Host field.

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::null_mut,
};

use httpd_sys::{self as sys, server_rec};

use super::{
    super::http_request::support::{CORE, bytes, concat, copy, core_server, elements, log_request},
    table::hosts_of,
};
use crate::request::{
    host::{self, BadHost},
    paths,
};

exports! { ap_update_vhost_from_headers, ap_update_vhost_from_headers_ex, ap_matches_request_vhost }

const HTTP_OK: c_int = sys::HTTP_OK as c_int;
const BAD_REQUEST: c_int = sys::HTTP_BAD_REQUEST as c_int;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_update_vhost_from_headers(r: *mut sys::request_rec) {
    // SAFETY: the header asks for a live request.
    unsafe {
        ap_update_vhost_from_headers_ex(r, 0);
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_update_vhost_from_headers_ex(
    r: *mut sys::request_rec,
    require_match: c_int,
) -> c_int {
    // SAFETY: the header asks for a live request of a live connection.
    unsafe {
        let conf = core_server((*r).server);
        let strict =
            c_int::from((*conf).http_conformance) != sys::AP_HTTP_CONFORMANCE_UNSAFE as c_int;
        let field = sys::apr_table_get((*r).headers_in, c"Host".as_ptr());
        // The URI's host goes before the field's.
        let from_uri = !(*r).hostname.is_null();
        let is_v6 = if from_uri {
            canonicalize(r, Source::Uri, strict)
        } else if field.is_null() {
            false
        } else {
            canonicalize(r, Source::Field(field), strict)
        };
        if require_match == 0 && (*r).status != HTTP_OK {
            return HTTP_OK;
        }
        if strict && from_uri && !field.is_null() {
            let right = host_field(r, is_v6);
            sys::apr_table_setn((*r).headers_in, c"Host".as_ptr(), right);
            let format: &CStr = c"AH02417: Replacing host header '%s' with host '%s' given in the \
                request uri";
            log_request!(CORE, APLOG_DEBUG, 0, r, format, field, right);
        }
        let matched = match (hosts_of((*r).connection), (*r).hostname.is_null()) {
            (Some(hosts), false) => match hosts.find(bytes((*r).hostname)) {
                Some(server) => {
                    (*r).server = server;
                    true
                }
                None => false,
            },
            (Some(hosts), true) => {
                let uri = bytes((*r).uri);
                if let Some(server) = hosts.servers().find(|&server| is_in_path(server, uri)) {
                    (*r).server = server;
                }
                true
            }
            (None, false) if require_match != 0 => has_name((*r).server, bytes((*r).hostname)),
            (None, _) => true,
        };
        if matched || require_match == 0 {
            HTTP_OK
        } else {
            BAD_REQUEST
        }
    }
}

/// Whether a URI is in the ServerPath of a server, for clients which send no host.
///
/// # Safety
/// `server` is live.
unsafe fn is_in_path(server: *const server_rec, uri: &[u8]) -> bool {
    // SAFETY: the caller's promise; the path is a string.
    unsafe { !(*server).path.is_null() && paths::location_covers(bytes((*server).path), uri) }
}

/// Where the host of a request comes from.
#[derive(Clone, Copy)]
enum Source {
    /// The URI: brackets and port are gone.
    Uri,
    /// The Host field.
    Field(*const c_char),
}

/// Makes the host of the request canonical, or its status 400. Answers whether it is an IPv6
/// address.
///
/// # Safety
/// `r` is live; it has a host name when that is the source.
unsafe fn canonicalize(r: *mut sys::request_rec, source: Source, strict: bool) -> bool {
    // SAFETY: the caller's promise; what APR parses lives in the request's pool.
    unsafe {
        let given = match source {
            Source::Uri => (*r).hostname,
            Source::Field(field) => field,
        };
        let text = bytes(given);
        if text.is_empty() {
            return false;
        }
        if host::is_number(text) {
            if strict {
                let format: &CStr = c"AH02416: [strict] purely numeric host names not allowed: %s";
                log_request!(CORE, APLOG_DEBUG, 0, r, format, given);
                (*r).status = BAD_REQUEST;
            } else {
                (*r).hostname = given;
            }
            return false;
        }
        let (name, is_v6) = match source {
            Source::Uri => (text, text.contains(&b':')),
            Source::Field(_) => {
                let Some(name) = parse_field(r, given) else {
                    malformed(r, given);
                    return false;
                };
                (name, text.starts_with(b"["))
            }
        };
        let mut name = name.to_vec();
        let checked = if is_v6 {
            host::canonical_v6(&mut name)
        } else {
            host::canonical_name(&mut name).and_then(|()| {
                if strict {
                    host::strict_name(&name)
                } else {
                    Ok(())
                }
            })
        };
        match checked {
            Ok(()) => (*r).hostname = copy((*r).pool, &name),
            Err(error) => {
                if let BadHost::Strictly(at) = error {
                    let name_text = copy((*r).pool, &name);
                    let near: &CStr = if at < name.len() {
                        c", problem near: "
                    } else {
                        c""
                    };
                    let format: &CStr = c"AH02415: [strict] Invalid host name '%s'%s%.6s";
                    let (near, rest) = (near.as_ptr(), name_text.add(at));
                    log_request!(CORE, APLOG_DEBUG, 0, r, format, name_text, near, rest);
                }
                malformed(r, given);
            }
        }
        is_v6
    }
}

/// The host of a Host field, whose port becomes the request's; `None` when it has no such form.
///
/// # Safety
/// `r` is live; `field` ends with NUL.
unsafe fn parse_field<'a>(r: *mut sys::request_rec, field: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise; the host lives in the request's pool.
    unsafe {
        let (mut name, mut zone, mut port) = (null_mut(), null_mut(), 0);
        let status = sys::apr_parse_addr_port(&mut name, &mut zone, &mut port, field, (*r).pool);
        if status != 0 || !zone.is_null() || name.is_null() {
            return None;
        }
        if port != 0 {
            (*r).parsed_uri.port = port;
            (*r).parsed_uri.port_str = sys::apr_itoa((*r).pool, c_int::from(port));
        }
        Some(bytes(name))
    }
}

/// # Safety
/// `r` is live; `given` ends with NUL.
unsafe fn malformed(r: *mut sys::request_rec, given: *const c_char) {
    // SAFETY: the caller's promise.
    unsafe {
        let format: &CStr = c"AH00550: Client sent malformed Host header: %s";
        log_request!(CORE, APLOG_DEBUG, 0, r, format, given);
        (*r).status = BAD_REQUEST;
    }
}

/// What the Host field would be, from host and port of the request.
///
/// # Safety
/// `r` is live and has a host name.
unsafe fn host_field(r: *const sys::request_rec, is_v6: bool) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        let (open, close): (&[u8], &[u8]) = if is_v6 { (b"[", b"]") } else { (b"", b"") };
        let port = bytes((*r).parsed_uri.port_str);
        let colon: &[u8] = if port.is_empty() { b"" } else { b":" };
        concat((*r).pool, &[open, bytes((*r).hostname), close, colon, port])
    }
}

/// Whether a host name is one of a server.
///
/// # Safety
/// `server` is live.
unsafe fn has_name(server: *const server_rec, name: &[u8]) -> bool {
    // SAFETY: the caller's promise; names are strings.
    unsafe {
        if bytes((*server).server_hostname).eq_ignore_ascii_case(name) {
            return true;
        }
        let is_alias = elements::<*const c_char>((*server).names)
            .iter()
            .any(|&alias| !alias.is_null() && bytes(alias).eq_ignore_ascii_case(name));
        is_alias
            || elements::<*const c_char>((*server).wild_names)
                .iter()
                .any(|&pattern| {
                    !pattern.is_null() && crate::request::names::fits(name, bytes(pattern))
                })
    }
}

/// Whether a host and port, as of a URL, are the request's server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_matches_request_vhost(
    r: *mut sys::request_rec,
    host: *const c_char,
    port: sys::apr_port_t,
) -> c_int {
    // SAFETY: the header asks for a live request and a string.
    unsafe {
        let server = (*r).server;
        let name = bytes(host);
        let mut address = (*server).addrs;
        while !address.is_null() {
            let fits_port = [0, port].contains(&(*address).host_port);
            if fits_port && bytes((*address).virthost).eq_ignore_ascii_case(name) {
                return 1;
            }
            address = (*address).next;
        }
        c_int::from(port == (*server).port && has_name(server, name))
    }
}
