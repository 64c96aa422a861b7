//! The request line into `request_rec`: method, URI, protocol, and what is refused at once.

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::null_mut,
};

use httpd_sys::{self as sys, request_rec};

use super::status_codes::version;
use crate::{
    abi::notice::shown,
    http::request_line::{Fault, RequestLine, Version},
};

exports! { ap_parse_request_line, ap_parse_uri }

/// The parts of a request line as strings of the request's pool.
#[derive(Clone, Copy)]
pub(super) struct Strings {
    pub(super) method: *const c_char,
    pub(super) target: *const c_char,
    pub(super) protocol: *mut c_char,
}

/// The core's configuration of the request's server.
///
/// # Safety
/// `r` is live.
pub(super) unsafe fn core_config<'r>(r: *const request_rec) -> &'r sys::core_server_config {
    // SAFETY: the core has a configuration for every server.
    unsafe {
        &*sys::ap_get_core_module_config((*(*r).server).module_config)
            .cast::<sys::core_server_config>()
    }
}

/// Whether `HttpProtocolOptions` asks for strictness, which is the default.
///
/// # Safety
/// `r` is live.
pub(super) unsafe fn is_strict(r: *const request_rec) -> bool {
    // SAFETY: the caller's promise.
    unsafe { core_config(r).http_conformance as u32 != sys::AP_HTTP_CONFORMANCE_UNSAFE }
}

/// Takes `r->the_request` apart; answers 0 and sets the status when it is refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_parse_request_line(r: *mut request_rec) -> c_int {
    // SAFETY: the header asks for a live request whose line has been read.
    unsafe {
        let line = CStr::from_ptr((*r).the_request).to_bytes();
        let parts = RequestLine::parse(line, is_strict(r));
        let rebuilt = parts.rebuilt();
        let copy = |text: &[u8]| sys::apr_pstrmemdup((*r).pool, text.as_ptr().cast(), text.len());
        let strings = Strings {
            method: copy(parts.method),
            target: copy(parts.target),
            protocol: copy(parts.protocol),
        };
        if rebuilt != line {
            (*r).the_request = copy(&rebuilt);
        }
        c_int::from(apply(r, &parts, strings))
    }
}

/// Fills the request's fields from its line; answers whether the request may go on, and sets the
/// status if not.
///
/// # Safety
/// `r` is live; `strings` are `parts` as strings that live as long as it.
pub(super) unsafe fn apply(r: *mut request_rec, parts: &RequestLine<'_>, strings: Strings) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let conf = core_config(r);
        let strict = conf.http_conformance as u32 != sys::AP_HTTP_CONFORMANCE_UNSAFE;
        let mut fault = parts.fault;
        (*r).method = strings.method;
        (*r).protocol = strings.protocol;
        match parts.version {
            Version::Http(major, minor) => (*r).proto_num = version(major, minor),
            Version::Lenient(major, minor) => {
                (*r).proto_num = version(major, minor);
                strings.protocol.cast::<[u8; 4]>().write(*b"HTTP");
            }
            Version::Unknown => (*r).proto_num = version(0, 9),
            Version::Simple => {
                (*r).assbackwards = 1;
                (*r).proto_num = version(0, 9);
                (*r).protocol = sys::apr_pstrdup((*r).pool, c"HTTP/0.9".as_ptr());
            }
        }
        (*r).method_number = sys::ap_method_number_of((*r).method);
        if parts.method == b"HEAD" {
            (*r).header_only = 1;
        }
        ap_parse_uri(r, strings.target);
        let path = (*r).parsed_uri.path;
        let is_ok = |r: *mut request_rec| (*r).status == sys::HTTP_OK as c_int;
        if is_ok(r)
            && !path.is_null()
            && *path as u8 != b'/'
            && ((*r).method_number != sys::M_OPTIONS as c_int || CStr::from_ptr(path) != c"*")
        {
            (*r).status = sys::HTTP_BAD_REQUEST as c_int;
        }
        if (*r).proto_num == version(0, 9) && fault.is_none() {
            if conf.http09_enable as u32 == sys::AP_HTTP09_DISABLE {
                fault = Some(Fault::Rejected09);
            } else if strict && ((*r).method_number != sys::M_GET as c_int || (*r).header_only != 0)
            {
                fault = Some(Fault::BadMethodFor09);
            }
        }
        if let Some(fault) = fault {
            log_fault(r, fault, parts);
            (*r).status = sys::HTTP_BAD_REQUEST as c_int;
            return refuse(r);
        }
        if conf.http_methods as u32 == sys::AP_HTTP_METHODS_REGISTERED
            && (*r).method_number == sys::M_INVALID as c_int
        {
            notice!(
                Core,
                DEBUG,
                0,
                r,
                "AH02423: HTTP Request Line; Unrecognized HTTP method: '{}' (disallowed by RegisteredMethods)",
                shown(parts.method)
            );
            (*r).status = sys::HTTP_NOT_IMPLEMENTED as c_int;
            return false;
        }
        if !is_ok(r) {
            notice!(
                Core,
                DEBUG,
                0,
                r,
                "AH03450: HTTP Request Line; Unable to parse URI: '{}'",
                shown(parts.target)
            );
            return refuse(r);
        }
        if strict {
            let uri = &(*r).parsed_uri;
            let unwanted = if !uri.fragment.is_null() {
                "AH02421: HTTP Request Line; URI must not contain a fragment"
            } else if !uri.user.is_null() || !uri.password.is_null() {
                "AH02422: HTTP Request Line; URI must not contain a username/password"
            } else {
                return true;
            };
            notice!(Core, DEBUG, 0, r, "{unwanted}");
            (*r).status = sys::HTTP_BAD_REQUEST as c_int;
            return refuse(r);
        }
        true
    }
}

/// What was no HTTP/0.9 request is answered in HTTP/1.0, so that the client learns what is wrong.
///
/// # Safety
/// `r` is live.
unsafe fn refuse(r: *mut request_rec) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        if (*r).proto_num == version(0, 9) {
            (*r).assbackwards = 0;
            (*(*r).connection).keepalive = sys::AP_CONN_CLOSE;
            (*r).proto_num = version(1, 0);
            (*r).protocol = sys::apr_pstrdup((*r).pool, c"HTTP/1.0".as_ptr());
        }
        false
    }
}

/// # Safety
/// `r` is live.
unsafe fn log_fault(r: *mut request_rec, fault: Fault, parts: &RequestLine<'_>) {
    let quoted = |number: &str, what: &str, text: &[u8], why: &str| {
        format!("{number}: HTTP Request Line; {what} '{}'{why}", shown(text))
    };
    let plain = |number: &str, what: &str| format!("{number}: HTTP Request Line; {what}");
    let injected = " (perhaps whitespace was injected?)";
    let text = match fault {
        Fault::BadMethod => quoted("AH03445", "Invalid method token:", parts.method, ""),
        Fault::BadMethodFor09 => quoted(
            "AH03444",
            "Invalid method token:",
            parts.method,
            " (only GET is allowed for HTTP/0.9 requests)",
        ),
        Fault::MissingTarget => plain("AH03446", "Missing URI"),
        Fault::BadTarget => quoted("AH03454", "URI incorrectly encoded:", parts.target, ""),
        Fault::BadWhitespace => plain("AH03447", "Invalid whitespace"),
        Fault::ExcessWhitespace => plain(
            "AH03448",
            "Excess whitespace (disallowed by HttpProtocolOptions Strict)",
        ),
        Fault::TrailingText => quoted(
            "AH03449",
            "Extraneous text found after",
            parts.protocol,
            injected,
        ),
        Fault::Rejected09 => plain("AH02401", "Rejected HTTP/0.9 request"),
        Fault::BadProtocol => quoted("AH02418", "Unrecognized protocol", parts.protocol, injected),
    };
    // SAFETY: the caller's promise.
    unsafe { notice!(Core, DEBUG, 0, r, "{text}") }
}

/// Sets `unparsed_uri`, `parsed_uri`, `uri`, `args` and, of an absolute URI, `hostname`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_parse_uri(r: *mut request_rec, uri: *const c_char) {
    // SAFETY: the header asks for a live request and a string.
    unsafe {
        let pool = (*r).pool;
        let text = CStr::from_ptr(uri).to_bytes();
        (*r).unparsed_uri = sys::apr_pstrmemdup(pool, uri, text.len());
        // A path that begins with several slashes must not be taken for one with a host.
        let extra = text.iter().take_while(|&&byte| byte == b'/').count();
        let uri = uri.add(extra.saturating_sub(1));
        let text = &text[extra.saturating_sub(1)..];
        let connect = (*r).method_number == sys::M_CONNECT as c_int;
        let status = if connect {
            sys::apr_uri_parse_hostinfo(pool, uri, &mut (*r).parsed_uri)
        } else if text.first() == Some(&b'/') {
            parse_path(r, text);
            0
        } else {
            sys::apr_uri_parse(pool, uri, &mut (*r).parsed_uri)
        };
        if status != 0 {
            (*r).args = null_mut();
            (*r).hostname = null_mut();
            (*r).status = sys::HTTP_BAD_REQUEST as c_int;
            (*r).uri = sys::apr_pstrmemdup(pool, text.as_ptr().cast(), text.len());
            return;
        }
        let parsed = &(*r).parsed_uri;
        if connect
            || (!parsed.scheme.is_null()
                && sys::ap_cstr_casecmp(parsed.scheme, sys::ap_run_http_scheme(r)) == 0)
        {
            (*r).hostname = parsed.hostname;
        }
        (*r).args = parsed.query;
        (*r).uri = if !parsed.path.is_null() {
            parsed.path
        } else if (*r).method_number == sys::M_OPTIONS as c_int {
            sys::apr_pstrdup(pool, c"*".as_ptr())
        } else {
            sys::apr_pstrdup(pool, c"/".as_ptr())
        };
    }
}

/// The usual URI, a path with perhaps a query: what `apr_uri_parse` makes of it, with one copy.
///
/// # Safety
/// `r` is live.
unsafe fn parse_path(r: *mut request_rec, text: &[u8]) {
    // SAFETY: the caller's promise; the copy is writable and ends with a NUL.
    unsafe {
        let copy = sys::apr_pstrmemdup((*r).pool, text.as_ptr().cast(), text.len());
        let parsed = &mut (*r).parsed_uri;
        (parsed as *mut sys::apr_uri_t).write_bytes(0, 1);
        parsed.set_is_initialized(1);
        parsed.path = copy;
        let behind_path = text.iter().position(|byte| matches!(byte, b'?' | b'#'));
        let Some(mut at) = behind_path else {
            return;
        };
        if text[at] == b'?' {
            copy.add(at).write(0);
            parsed.query = copy.add(at + 1);
            match text[at + 1..].iter().position(|&byte| byte == b'#') {
                Some(beyond) => at += 1 + beyond,
                None => return,
            }
        }
        copy.add(at).write(0);
        parsed.fragment = copy.add(at + 1);
    }
}
