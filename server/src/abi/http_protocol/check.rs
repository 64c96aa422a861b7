//! What is asked of a request once its head is there, before it runs.

use std::ffi::{CStr, c_int};

use httpd_sys::{self as sys, request_rec};

use super::{request_line::core_config, status_codes::version};
use crate::abi::notice::shown;

exports! { ap_check_request_header, ap_post_read_request }

/// Finds the virtual host and checks Host and Expect; answers 0 and sets the status when the
/// request is refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_check_request_header(r: *mut request_rec) -> c_int {
    // SAFETY: the header asks for a live request whose fields have been read.
    unsafe {
        let strict_host = core_config(r).strict_host_check == sys::AP_CORE_CONFIG_ON;
        let status = sys::ap_update_vhost_from_headers_ex(r, c_int::from(strict_host));
        if strict_host && status != sys::HTTP_OK as c_int {
            let host = module_sdk::raw::text((*r).hostname).unwrap_or(c"");
            notice!(
                Core,
                DEBUG,
                0,
                r,
                "AH10156: Requested hostname '{}' did not match any ServerName/ServerAlias",
                shown(host.to_bytes())
            );
            (*r).status = status;
        }
        if (*r).status != sys::HTTP_OK as c_int {
            return 0;
        }
        let headers = (*r).headers_in;
        let get = |name: &CStr| module_sdk::raw::text(sys::apr_table_get(headers, name.as_ptr()));
        if ((*r).hostname.is_null() && (*r).proto_num >= version(1, 1))
            || ((*r).proto_num == version(1, 1) && get(c"Host").is_none())
        {
            notice!(
                Core,
                DEBUG,
                0,
                r,
                "AH00569: client sent HTTP/1.1 request without hostname (see RFC2616 section 14.23): {}",
                shown(module_sdk::raw::text((*r).uri).unwrap_or(c"").to_bytes())
            );
            (*r).status = sys::HTTP_BAD_REQUEST as c_int;
            return 0;
        }
        let Some(expect) = get(c"Expect").filter(|expect| !expect.is_empty()) else {
            return 1;
        };
        if expect.to_bytes().eq_ignore_ascii_case(b"100-continue") {
            (*r).expecting_100 = 1;
            return 1;
        }
        notice!(
            Core,
            INFO,
            0,
            r,
            "AH00570: client sent an unrecognized expectation value of Expect: {}",
            shown(expect.to_bytes())
        );
        (*r).status = sys::HTTP_EXPECTATION_FAILED as c_int;
        0
    }
}

/// Runs the modules' `post_read_request`, then refuses URIs of schemes that only a proxy could
/// serve.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_post_read_request(r: *mut request_rec) -> c_int {
    // SAFETY: the header asks for a live request.
    unsafe {
        let status = sys::ap_run_post_read_request(r);
        if status != 0 {
            return status;
        }
        match module_sdk::raw::text((*r).parsed_uri.scheme) {
            Some(scheme)
                if (*r).proxyreq == 0
                    && !scheme.to_bytes().eq_ignore_ascii_case(b"http")
                    && !scheme.to_bytes().eq_ignore_ascii_case(b"https") =>
            {
                sys::HTTP_BAD_REQUEST as c_int
            }
            _ => sys::OK as c_int,
        }
    }
}
