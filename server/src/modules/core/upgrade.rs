//! Leaving HTTP/1.1 for another protocol on the client's wish (`Upgrade`), and telling clients which
//! protocols there are.

use std::ffi::{CStr, c_char, c_int};

use httpd_sys::{self as sys, request_rec};
use module_sdk::raw::{Request, text};

use crate::conn::wait::blocking;

use super::{log_request, server_config};

/// First of all handlers.
pub(super) unsafe extern "C-unwind" fn handler(r: *mut request_rec) -> c_int {
    // SAFETY: the hook's caller passes a live request.
    unsafe {
        let c = (*r).connection;
        // A request within another protocol cannot leave the connection.
        if !(*c).master.is_null() {
            return sys::DECLINED;
        }
        let request = Request::from_ptr(r);
        match request
            .headers_in()
            .get(c"Upgrade")
            .filter(|wish| !wish.is_empty())
        {
            Some(wish) => upgrade(request, wish),
            None => {
                if (*c).keepalives == 0 {
                    announce(request);
                }
                sys::DECLINED
            }
        }
    }
}

/// `OPTIONS *` has no file to map, and upgrades before that is tried.
pub(super) unsafe extern "C-unwind" fn map_to_storage(r: *mut request_rec) -> c_int {
    // SAFETY: the hook's caller passes a live request.
    unsafe {
        if (*r).method_number == sys::M_OPTIONS as c_int && text((*r).uri) == Some(c"*") {
            handler(r)
        } else {
            sys::DECLINED
        }
    }
}

/// Switches to the protocol the client prefers among those it offers, if the server has one.
///
/// # Safety
/// The request is live.
unsafe fn upgrade(request: Request<'_>, wish: &CStr) -> c_int {
    // SAFETY: the caller's promise; lists and strings live in the request's pool.
    unsafe {
        let (r, c, pool) = (
            request.as_ptr(),
            request.connection().as_ptr(),
            request.pool().as_ptr(),
        );
        let connection = request.headers_in().get(c"Connection");
        let listed = connection.is_some_and(|fields| {
            sys::ap_find_token(pool, fields.as_ptr(), c"upgrade".as_ptr()) != 0
        });
        if !listed {
            return sys::DECLINED;
        }
        let mut offers = std::ptr::null_mut();
        if let Some(error) = text(sys::ap_parse_token_list_strict(
            pool,
            wish.as_ptr(),
            &mut offers,
            0,
        )) {
            log_request(
                r,
                sys::APLOG_ERR,
                0,
                format_args!(
                    "AH02910: parsing Upgrade header: {}",
                    error.to_string_lossy()
                ),
            );
            return sys::DECLINED;
        }
        if offers.is_null() || (*offers).nelts == 0 {
            return sys::DECLINED;
        }
        let chosen = match text(sys::ap_select_protocol(c, r, std::ptr::null_mut(), offers)) {
            Some(chosen) if text(sys::ap_get_protocol(c)) != Some(chosen) => chosen,
            _ => return sys::DECLINED,
        };
        log_request(
            r,
            sys::APLOG_DEBUG,
            0,
            format_args!("AH02909: Upgrade selects '{}'", chosen.to_string_lossy()),
        );
        let headers = request.headers_out();
        headers.clear();
        headers.set(c"Upgrade", chosen);
        headers.set_static(c"Connection", c"Upgrade");
        request.set_status(sys::HTTP_SWITCHING_PROTOCOLS as i32);
        (*r).status_line = sys::ap_get_status_line((*r).status);
        sys::ap_send_interim_response(r, 1);
        // The other protocol's module may wait as it likes for as long as it talks.
        blocking(|| sys::ap_switch_protocol(c, r, (*r).server, chosen.as_ptr()));
        // The other protocol has ended when that returns, and the connection with it.
        (*c).keepalive = sys::AP_CONN_CLOSE;
        sys::DONE
    }
}

/// Names the other protocols in the first response of a connection.
///
/// # Safety
/// The request is live.
unsafe fn announce(request: Request<'_>) {
    // SAFETY: the caller's promise.
    unsafe {
        let r = request.as_ptr();
        // Without `Protocols` there is HTTP/1.1 only.
        if (*(*server_config((*r).server)).protocols).nelts == 0 {
            return;
        }
        let mut others = std::ptr::null();
        sys::ap_get_protocol_upgrades((*r).connection, r, std::ptr::null_mut(), 0, &mut others);
        if others.is_null() || (*others).nelts == 0 {
            return;
        }
        let list = sys::apr_array_pstrcat((*r).pool, others, b',' as c_char);
        let headers = request.headers_out().as_ptr();
        sys::apr_table_setn(headers, c"Upgrade".as_ptr(), list);
        sys::apr_table_setn(headers, c"Connection".as_ptr(), c"Upgrade".as_ptr());
    }
}
