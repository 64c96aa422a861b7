//! The server's name, port and URLs as a request sees them.

use std::ffi::{CStr, c_char};

use httpd_sys::{self as sys, request_rec};
use module_sdk::raw::{Pool, Request, text};

use crate::modules::core::{banner, dir_config};

exports! {
    ap_get_server_name, ap_get_server_name_for_url, ap_get_server_port, ap_construct_url,
    ap_psignature, ap_get_server_banner, ap_get_server_description, ap_add_version_component,
    ap_get_server_revision, ap_get_server_built,
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_server_name(r: *mut request_rec) -> *const c_char {
    // SAFETY: the header asks for a live request; the answer lives as long as the request's
    // connection or server.
    unsafe {
        let configured = (*(*r).server).server_hostname.cast_const();
        match (*dir_config((*r).per_dir_config)).use_canonical_name() {
            sys::USE_CANONICAL_NAME_ON => configured,
            sys::USE_CANONICAL_NAME_DNS => local_host(r),
            _ if (*r).hostname.is_null() => configured,
            _ => (*r).hostname,
        }
    }
}

/// The name of the address the client has reached; found out once a connection.
///
/// # Safety
/// `r` is a live request.
unsafe fn local_host(r: *const request_rec) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        let c = (*r).connection;
        if (*c).local_host.is_null() {
            if sys::apr_getnameinfo(&raw mut (*c).local_host, (*c).local_addr, 0) == 0 {
                sys::ap_str_tolower((*c).local_host);
            } else {
                (*c).local_host = sys::apr_pstrdup((*c).pool, (*(*r).server).server_hostname);
            }
        }
        (*c).local_host
    }
}

/// The same for a URL: an IPv6 address is put into brackets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_server_name_for_url(r: *mut request_rec) -> *const c_char {
    // SAFETY: as above.
    unsafe {
        let name = ap_get_server_name(r);
        match text(name).map(CStr::to_bytes) {
            Some(bytes) if bytes.contains(&b':') && !bytes.starts_with(b"[") => {
                Pool::from_ptr((*r).pool)
                    .copy([b"[", bytes, b"]"].concat())
                    .as_ptr()
            }
            _ => name,
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_server_port(r: *const request_rec) -> sys::apr_port_t {
    // SAFETY: as above.
    unsafe {
        let conf = dir_config((*r).per_dir_config);
        let physical = if (*conf).use_canonical_phys_port() == sys::USE_CANONICAL_PHYS_PORT_ON {
            (*(*(*r).connection).local_addr).port
        } else {
            0
        };
        let asked = if (*r).parsed_uri.port_str.is_null() {
            0
        } else {
            (*r).parsed_uri.port
        };
        let configured = (*(*r).server).port;
        let order = if (*conf).use_canonical_name() == sys::USE_CANONICAL_NAME_ON {
            [configured, physical, 0]
        } else {
            if !(*r).parsed_uri.port_str.is_null() {
                return asked;
            }
            [asked, physical, configured]
        };
        match order.into_iter().find(|&port| port != 0) {
            Some(port) => port,
            None => sys::ap_run_default_port(r),
        }
    }
}

/// An absolute URL of this server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_construct_url(
    p: *mut sys::apr_pool_t,
    uri: *const c_char,
    r: *mut request_rec,
) -> *mut c_char {
    // SAFETY: the header asks for a live pool, a string and a live request.
    unsafe {
        let string = |text_ptr| text(text_ptr).map_or(&b""[..], CStr::to_bytes);
        let port = ap_get_server_port(r);
        let mut url = string(sys::ap_run_http_scheme(r)).to_vec();
        url.extend_from_slice(b"://");
        url.extend_from_slice(string(ap_get_server_name_for_url(r)));
        if port != sys::ap_run_default_port(r) {
            url.extend_from_slice(format!(":{port}").as_bytes());
        }
        url.extend_from_slice(string(uri));
        Pool::from_ptr(p).copy(url).as_ptr().cast_mut()
    }
}

/// The line under a page that the server made by itself; empty without `ServerSignature`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_psignature(
    prefix: *const c_char,
    r: *mut request_rec,
) -> *const c_char {
    // SAFETY: the header asks for a string and a live request.
    unsafe {
        let with_mail = match (*dir_config((*r).per_dir_config)).server_signature {
            sys::srv_sig_on => false,
            sys::srv_sig_withmail => true,
            _ => return c"".as_ptr(),
        };
        let request = Request::from_ptr(r);
        let string = |text_ptr| text(text_ptr).unwrap_or(c"").to_string_lossy();
        let escaped = |text_ptr| string(sys::ap_escape_html2((*r).pool, text_ptr, 0).cast_const());
        let banner = string(banner::banner());
        let port = ap_get_server_port(r);
        let mut name = escaped(ap_get_server_name(r)).into_owned();
        if with_mail {
            let admin = (*(*r).server).server_admin;
            let mailto = if sys::ap_is_url(admin) != 0 {
                ""
            } else {
                "mailto:"
            };
            name = format!(
                "<a href=\"{mailto}{}\">{name}</a>",
                escaped(admin.cast_const())
            );
        }
        request
            .pool()
            .text(format_args!(
                "{}<address>{banner} Server at {name} Port {port}</address>\n",
                string(prefix)
            ))
            .as_ptr()
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_server_banner() -> *const c_char {
    banner::banner()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_server_description() -> *const c_char {
    banner::description()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_add_version_component(
    pconf: *mut sys::apr_pool_t,
    component: *const c_char,
) {
    // SAFETY: the header asks for the configuration's pool and a string, while it is read.
    unsafe { banner::add(pconf, CStr::from_ptr(component)) }
}

/// The version of Apache whose behaviour and module ABI this server has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_server_revision(version: *mut sys::ap_version_t) {
    // SAFETY: the header asks for a place for the answer; the strings are static.
    unsafe {
        (*version).major = sys::AP_SERVER_MAJORVERSION_NUMBER as i32;
        (*version).minor = sys::AP_SERVER_MINORVERSION_NUMBER as i32;
        (*version).patch = sys::AP_SERVER_PATCHLEVEL_NUMBER as i32;
        (*version).add_string = sys::AP_SERVER_ADD_STRING.as_ptr().cast();
    }
}

/// Which build this is. There is no time in it, so that two builds of one source are the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_server_built() -> *const c_char {
    const BUILT: &str = concat!("httpd-rs ", env!("CARGO_PKG_VERSION"), "\0");
    BUILT.as_ptr().cast()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_comes_from_where_usecanonicalname_says() {
        // SAFETY: zero is a value of every record; those that are looked at are filled.
        unsafe {
            let mut conf: sys::core_dir_config = std::mem::zeroed();
            let mut vector: [*mut sys::core_dir_config; 1] = [&mut conf];
            let mut server: sys::server_rec = std::mem::zeroed();
            let mut local: sys::apr_sockaddr_t = std::mem::zeroed();
            let mut c: sys::conn_rec = std::mem::zeroed();
            let mut r: request_rec = std::mem::zeroed();
            server.port = 8080;
            local.port = 9090;
            c.local_addr = &mut local;
            r.server = &mut server;
            r.connection = &mut c;
            r.per_dir_config = vector.as_mut_ptr().cast();
            r.parsed_uri.port = 7070;
            assert_eq!(ap_get_server_port(&r), 8080);
            r.parsed_uri.port_str = c"7070".as_ptr().cast_mut();
            assert_eq!(ap_get_server_port(&r), 7070);
            (*vector[0]).set_use_canonical_name(sys::USE_CANONICAL_NAME_ON);
            (*vector[0]).set_use_canonical_phys_port(sys::USE_CANONICAL_PHYS_PORT_ON);
            assert_eq!(ap_get_server_port(&r), 8080);
            (*r.server).port = 0;
            assert_eq!(ap_get_server_port(&r), 9090);
        }
    }
}
