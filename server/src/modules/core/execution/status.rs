//! The handler `httpd-rs-status`.

use std::{
    ffi::{CStr, c_int, c_void},
    time::{SystemTime, UNIX_EPOCH},
};

use httpd_sys as sys;
use module_sdk::raw;

use super::render::Status;
use crate::{
    conn::{offload, watchdog},
    hooks::{execution, kinds},
    mpm,
};

/// Answers requests for which `SetHandler httpd-rs-status` holds.
pub(super) unsafe extern "C" fn handler(r: *mut sys::request_rec) -> c_int {
    // SAFETY: the caller passes a live request.
    unsafe {
        let name = raw::text((*r).handler);
        if name != Some(c"httpd-rs-status") {
            return sys::DECLINED;
        }
        (*r).allowed = 1 << sys::M_GET;
        if (*r).method_number != sys::M_GET as c_int {
            return sys::DECLINED;
        }
        let asked = raw::text((*r).args).map_or(&b""[..], CStr::to_bytes);
        let status = status();
        let (kind, text) = match asked {
            b"prometheus" => (
                c"text/plain; version=0.0.4; charset=utf-8",
                status.prometheus(),
            ),
            b"auto" => (c"text/plain; charset=utf-8", status.auto()),
            _ => (c"text/html; charset=utf-8", status.html()),
        };
        sys::ap_set_content_type(r, kind.as_ptr());
        sys::apr_table_setn(
            (*r).headers_out,
            c"Cache-Control".as_ptr(),
            c"no-store".as_ptr(),
        );
        if (*r).header_only == 0 {
            let length = c_int::try_from(text.len()).unwrap_or(c_int::MAX);
            sys::ap_rwrite(text.as_ptr().cast::<c_void>(), length, r);
        }
    }
    sys::OK as c_int
}

fn status() -> Status {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let kinds = kinds::summary().into_iter();
    Status {
        kinds: kinds
            .map(|((sort, name), summary)| (sort, name, summary))
            .collect(),
        overrides: execution::all(),
        places: mpm::execution::places(),
        queued: offload::waiting(),
        taken_over: watchdog::taken_over(),
        now: now.map_or(0, |now| now.as_secs()),
    }
}
