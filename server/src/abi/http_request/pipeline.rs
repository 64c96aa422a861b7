//! Whether a client has sent more while its request was answered: then the response is not flushed
//! yet, for more can go with it.

use std::ffi::{CStr, c_int, c_uint};

use httpd_sys as sys;
use module_sdk::raw::Brigade;

use super::support::http_place;

exports! { ap_check_pipeline }

/// Data is there, but cannot be looked at.
const GENERAL: sys::apr_status_t = sys::APR_EGENERAL as sys::apr_status_t;
const AGAIN: sys::apr_status_t = sys::APR_EAGAIN as sys::apr_status_t;
const NOT_FOUND: sys::apr_status_t = sys::APR_NOTFOUND as sys::apr_status_t;
const EOF: sys::apr_status_t = sys::APR_EOF as sys::apr_status_t;

/// What to read next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Look at one byte, which stays.
    Peek,
    /// A CR was seen: look at it and what follows.
    PeekBehindCr,
    /// Take this many bytes of a blank line.
    Take(usize),
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_check_pipeline(
    c: *mut sys::conn_rec,
    bb: *mut sys::apr_bucket_brigade,
    max_blank_lines: c_uint,
) -> sys::apr_status_t {
    let mut step = Step::Peek;
    let mut blank_lines = 0;
    // SAFETY: the header asks for a live connection and brigade; `bytes` has room for what is asked.
    unsafe {
        while (*c).keepalive != sys::AP_CONN_CLOSE && (*c).aborted == 0 {
            let (mode, wanted) = match step {
                Step::Peek => (sys::AP_MODE_SPECULATIVE, 1),
                Step::PeekBehindCr => (sys::AP_MODE_SPECULATIVE, 2),
                Step::Take(length) => (sys::AP_MODE_READBYTES, length),
            };
            let takes = matches!(step, Step::Take(_));
            sys::apr_brigade_cleanup(bb.cast());
            let status = sys::ap_get_brigade(
                (*c).input_filters,
                bb,
                mode,
                sys::APR_NONBLOCK_READ,
                wanted as sys::apr_off_t,
            );
            if status != 0 || Brigade::from_ptr(bb).is_empty() {
                if takes {
                    log(
                        c,
                        sys::APLOG_ERR,
                        status,
                        c"AH02967: Can't consume pipelined empty lines",
                    );
                    (*c).keepalive = sys::AP_CONN_CLOSE;
                    return GENERAL;
                }
                if status == 0 || status == AGAIN {
                    return AGAIN;
                }
                (*c).keepalive = sys::AP_CONN_CLOSE;
                return status;
            }
            if max_blank_lines == 0 {
                let mut length = 0;
                return match sys::apr_brigade_length(bb, 0, &mut length) {
                    0 if length <= 0 => AGAIN,
                    status => status,
                };
            }
            let mut bytes = [0_u8; 2];
            let mut length = wanted;
            let status = sys::apr_brigade_flatten(bb, bytes.as_mut_ptr().cast(), &mut length);
            if status != 0 || length != wanted {
                let what = c"AH02968: Can't check pipelined data";
                if takes {
                    log(c, sys::APLOG_ERR, status, what);
                    (*c).keepalive = sys::AP_CONN_CLOSE;
                    return GENERAL;
                }
                // Something is there; the next reader will find out what.
                log(c, sys::APLOG_DEBUG, status, what);
                return 0;
            }
            step = match (step, bytes) {
                (Step::Take(_), _) => Step::Peek,
                (Step::Peek, [b'\n', _]) => Step::Take(1),
                (Step::Peek, [b'\r', _]) => Step::PeekBehindCr,
                (Step::PeekBehindCr, [_, b'\n']) => Step::Take(2),
                (Step::Peek | Step::PeekBehindCr, _) => return 0,
            };
            if let Step::Take(_) = step {
                blank_lines += 1;
                if blank_lines > max_blank_lines {
                    (*c).keepalive = sys::AP_CONN_CLOSE;
                    return NOT_FOUND;
                }
            }
        }
    }
    EOF
}

/// # Safety
/// `c` is live.
unsafe fn log(c: *const sys::conn_rec, level: u32, status: sys::apr_status_t, what: &CStr) {
    // SAFETY: the caller's promise; the text holds no format.
    unsafe {
        sys::ap_log_cerror_(
            concat!(file!(), "\0").as_ptr().cast(),
            line!() as c_int,
            http_place(),
            level as c_int,
            status,
            c,
            what.as_ptr(),
        );
    }
}
