//! The filters every response has, under the handles by which modules find them. Those of the
//! network are registered with the connection's hooks.

use std::ptr::null_mut;

use httpd_sys as sys;

/// Output of a sub-request goes on to its main request.
#[unsafe(no_mangle)]
pub static mut ap_subreq_core_filter_handle: *mut sys::ap_filter_rec_t = null_mut();

/// Finds out the length of a response.
#[unsafe(no_mangle)]
pub static mut ap_content_length_filter_handle: *mut sys::ap_filter_rec_t = null_mut();

/// Registers them.
///
/// # Safety
/// Called while hooks are registered.
pub(crate) unsafe fn register() {
    // SAFETY: the names are static, the functions have the types of filters.
    unsafe {
        ap_content_length_filter_handle = sys::ap_register_output_filter_protocol(
            c"CONTENT_LENGTH".as_ptr(),
            Some(sys::ap_content_length_filter),
            None,
            sys::AP_FTYPE_PROTOCOL,
            sys::AP_FILTER_PROTO_CHANGE_LENGTH,
        );
        ap_subreq_core_filter_handle = sys::ap_register_output_filter(
            c"SUBREQ_CORE".as_ptr(),
            Some(sys::ap_sub_req_output_filter),
            None,
            sys::AP_FTYPE_CONTENT_SET,
        );
    }
}
