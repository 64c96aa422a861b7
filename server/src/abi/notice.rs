//! Log lines of the request machinery: written through `ap_log_rerror_`, as modules write theirs,
//! but put together only when somebody wants them.

use std::{
    ffi::{CStr, CString, c_int},
    fmt::Arguments,
};

use httpd_sys as sys;

/// Whom a line is attributed to (`LogLevel http:debug`).
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// The core.
    Core,
    /// `http_module`.
    Http,
}

impl Source {
    fn module_index(self) -> c_int {
        match self {
            Self::Core => sys::AP_CORE_MODULE_INDEX as c_int,
            // SAFETY: a plain number, set when the module is added.
            Self::Http => unsafe { (*&raw const crate::modules::http::http_module).module_index },
        }
    }
}

/// Logs about a request; use `notice!`.
///
/// # Safety
/// `r` is live.
pub(super) unsafe fn request(
    place: (&'static CStr, u32),
    source: Source,
    level: u32,
    status: sys::apr_status_t,
    r: *const sys::request_rec,
    text: Arguments<'_>,
) {
    let module = source.module_index();
    // SAFETY: the caller's promise; the format takes one string.
    unsafe {
        if sys::ap_get_request_module_loglevel(r, module) < level as c_int {
            return;
        }
        let mut text = text.to_string().into_bytes();
        text.retain(|&byte| byte != 0);
        let Ok(text) = CString::new(text) else {
            return;
        };
        sys::ap_log_rerror_(
            place.0.as_ptr(),
            place.1 as c_int,
            module,
            level as c_int,
            status,
            r,
            c"%s".as_ptr(),
            text.as_ptr(),
        );
    }
}

/// Bytes for a log line, at most as many as help.
pub(super) fn shown(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    const ENOUGH: usize = 80;
    String::from_utf8_lossy(&bytes[..bytes.len().min(ENOUGH)])
}

/// `notice!(Core, INFO, status, r, "AH01234: text {}", value)`; `status` is APR's or zero.
macro_rules! notice {
    ($source:ident, $level:ident, $status:expr, $r:expr, $($text:tt)+) => {
        $crate::abi::notice::request(
            (
                // The macro's own string ends with a NUL.
                const {
                    match std::ffi::CStr::from_bytes_with_nul(concat!(file!(), "\0").as_bytes()) {
                        Ok(file) => file,
                        Err(_) => c"",
                    }
                },
                line!(),
            ),
            $crate::abi::notice::Source::$source,
            notice!(@level $level),
            $status,
            $r,
            format_args!($($text)+),
        )
    };
    (@level ERR) => { ::httpd_sys::APLOG_ERR };
    (@level WARNING) => { ::httpd_sys::APLOG_WARNING };
    (@level INFO) => { ::httpd_sys::APLOG_INFO };
    (@level DEBUG) => { ::httpd_sys::APLOG_DEBUG };
}
