//! Exports of `mod_core.h` that are data: the handles of HTTP's filters and the boundary of
//! multipart responses. `http_module` fills them. The filters are in `http_protocol/`.

use std::{
    ffi::c_char,
    ptr::{null, null_mut},
};

use httpd_sys::ap_filter_rec_t;

/// HTTP_IN.
#[unsafe(no_mangle)]
pub static mut ap_http_input_filter_handle: *mut ap_filter_rec_t = null_mut();
/// HTTP_HEADER.
#[unsafe(no_mangle)]
pub static mut ap_http_header_filter_handle: *mut ap_filter_rec_t = null_mut();
/// CHUNK.
#[unsafe(no_mangle)]
pub static mut ap_chunk_filter_handle: *mut ap_filter_rec_t = null_mut();
/// HTTP_OUTERROR.
#[unsafe(no_mangle)]
pub static mut ap_http_outerror_filter_handle: *mut ap_filter_rec_t = null_mut();
/// BYTERANGE.
#[unsafe(no_mangle)]
pub static mut ap_byterange_filter_handle: *mut ap_filter_rec_t = null_mut();

/// What separates the parts of multipart/byteranges.
#[unsafe(no_mangle)]
pub static mut ap_multipart_boundary: *const c_char = null();
