//! Whether the connection goes on after a response, and what the response says about that.

use std::ffi::{CStr, c_char, c_int};

use httpd_sys::{self as sys, request_rec};
use module_sdk::raw::{Pool, Table, text};

use super::status_codes::version;
use crate::http::status;

exports! { ap_set_keepalive }

/// Decides, sets Connection and Keep-Alive, and answers whether the connection goes on. Chooses the
/// chunked coding on the way when that is what keeps the connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_set_keepalive(r: *mut request_rec) -> c_int {
    // SAFETY: the header asks for a live request whose response is about to be sent.
    unsafe {
        let (c, server) = ((*r).connection, &*(*r).server);
        let out = Table::from_ptr((*r).headers_out);
        let left = server.keep_alive_max - (*c).keepalives;
        let announced = has_token(r, out.get(c"Connection"), c"close");
        if has_end(r) && may_go_on(r, server, left) && !announced {
            let asked = Table::from_ptr((*r).headers_in).get(c"Connection");
            let by_token = has_token(r, asked, c"keep-alive");
            if !has_token(r, asked, c"close")
                && (by_token || (*r).proto_num >= version(1, 1))
                && !is_broken_client(r)
                && is_server_running()
            {
                (*c).keepalive = sys::AP_CONN_KEEPALIVE;
                (*c).keepalives += 1;
                if by_token {
                    tell_keep_alive(r, server, left);
                }
                return 1;
            }
        }
        if !announced {
            sys::apr_table_mergen((*r).headers_out, c"Connection".as_ptr(), c"close".as_ptr());
        }
        if (*c).keepalive != sys::AP_CONN_CLOSE && server.keep_alive_max != 0 && left == 0 {
            (*c).keepalives += 1;
        }
        (*c).keepalive = sys::AP_CONN_CLOSE;
        0
    }
}

/// Whether the client will know where the response ends without the connection's end.
///
/// # Safety
/// `r` is live.
unsafe fn has_end(r: *mut request_rec) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        // A client that waits for 100 (Continue) may send its body or not: the next request's
        // beginning is uncertain.
        if (*(*r).connection).keepalive == sys::AP_CONN_CLOSE || (*r).expecting_100 != 0 {
            return false;
        }
        let out = Table::from_ptr((*r).headers_out);
        if (*r).header_only != 0
            || status::has_no_body((*r).status)
            || out.contains(c"Content-Length")
        {
            return true;
        }
        if let Some(coding) = out.get(c"Transfer-Encoding")
            && sys::ap_is_chunked((*r).pool, coding.as_ptr()) != 0
        {
            return true;
        }
        if (*r).proto_num >= version(1, 1) {
            (*r).chunked = 1;
            return true;
        }
        false
    }
}

/// Whether configuration and status allow another request.
///
/// # Safety
/// `r` is live.
unsafe fn may_go_on(r: *mut request_rec, server: &sys::server_rec, left: c_int) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        server.keep_alive != 0
            && server.keep_alive_timeout > 0
            && (server.keep_alive_max == 0 || left > 0)
            && !status::drops_connection((*r).status)
    }
}

/// Whether `nokeepalive` is set for this client, and no proxy stands in for it.
///
/// # Safety
/// `r` is live.
unsafe fn is_broken_client(r: *mut request_rec) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        Table::from_ptr((*r).subprocess_env).contains(c"nokeepalive")
            && !Table::from_ptr((*r).headers_in).contains(c"Via")
    }
}

fn is_server_running() -> bool {
    let mut state = 0;
    // SAFETY: a place to write to.
    unsafe {
        sys::ap_mpm_query(sys::AP_MPMQ_MPM_STATE as c_int, &mut state) == 0
            && state != sys::AP_MPMQ_STOPPING as c_int
    }
}

/// Answers a client that asked for keep-alive in so many words.
///
/// # Safety
/// `r` is live.
unsafe fn tell_keep_alive(r: *mut request_rec, server: &sys::server_rec, left: c_int) {
    // SAFETY: the caller's promise.
    unsafe {
        let seconds = server.keep_alive_timeout / 1_000_000;
        let pool = Pool::from_ptr((*r).pool);
        let value = if server.keep_alive_max != 0 {
            pool.text_ptr(format_args!("timeout={seconds}, max={left}"))
        } else {
            pool.text_ptr(format_args!("timeout={seconds}"))
        };
        let out = (*r).headers_out;
        sys::apr_table_setn(out, c"Keep-Alive".as_ptr(), value);
        sys::apr_table_mergen(out, c"Connection".as_ptr(), c"Keep-Alive".as_ptr());
    }
}

/// Whether a field has a token.
///
/// # Safety
/// `r` is live.
unsafe fn has_token(r: *mut request_rec, field: Option<&CStr>, token: &CStr) -> bool {
    // SAFETY: the caller's promise.
    field.is_some_and(|field| unsafe {
        sys::ap_find_token((*r).pool, field.as_ptr(), token.as_ptr()) != 0
    })
}

/// Whether a field of a table is there, for callers with plain pointers.
///
/// # Safety
/// `table` is live.
pub(super) unsafe fn lookup<'t>(table: *const sys::apr_table_t, name: &CStr) -> Option<&'t CStr> {
    // SAFETY: the caller's promise.
    unsafe { text(sys::apr_table_get(table, name.as_ptr()).cast::<c_char>()) }
}
