//! Statuses of APR and helpers on statuses of HTTP that several files of this folder need.

use std::ffi::c_int;

use httpd_sys::{self as sys, apr_status_t};

pub(super) const APR_EGENERAL: apr_status_t = sys::APR_EGENERAL as apr_status_t;
pub(super) const APR_EINVAL: apr_status_t = sys::APR_EINVAL as apr_status_t;
pub(super) const APR_ENOSPC: apr_status_t = sys::APR_ENOSPC as apr_status_t;
pub(super) const APR_EAGAIN: apr_status_t = sys::APR_EAGAIN as apr_status_t;
pub(super) const APR_EOF: apr_status_t = sys::APR_EOF as apr_status_t;
pub(super) const APR_INCOMPLETE: apr_status_t = sys::APR_INCOMPLETE as apr_status_t;
pub(super) const APR_TIMEUP: apr_status_t = sys::APR_TIMEUP as apr_status_t;
pub(super) const APR_ENOTIMPL: apr_status_t = sys::APR_ENOTIMPL as apr_status_t;

/// `APR_STATUS_IS_TIMEUP`: APR's own and the system's.
pub(super) fn is_timeout(status: apr_status_t) -> bool {
    status == APR_TIMEUP || status == libc::ETIMEDOUT
}

pub(super) fn is_success(status: c_int) -> bool {
    (200..300).contains(&status)
}

pub(super) fn is_redirect(status: c_int) -> bool {
    (300..400).contains(&status)
}

/// `HTTP_VERSION` of httpd.h.
pub(super) const fn version(major: u8, minor: u8) -> c_int {
    major as c_int * 1000 + minor as c_int
}
