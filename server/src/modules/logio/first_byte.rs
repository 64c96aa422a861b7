//! `LogIOTrackTTFB` and `%^FB`: how long it took until the first byte of a response left.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::{null, null_mut},
};

use httpd_sys::{
    self as sys, ap_filter_t, apr_bucket_brigade, apr_pool_t, apr_status_t, apr_time_t, cmd_parms,
    request_rec,
};
use module_sdk::raw::Pool;

use super::logio_module;
use crate::crash::panics::{caught1, caught2};
use crate::log::clock;

const FILTER: &CStr = c"LOGIO_TTFB_OUT";

/// The setting of a directory.
#[derive(Clone, Copy)]
struct Setting {
    track: Option<bool>,
}

/// What is known of a request.
struct Delay(apr_time_t);

/// A new directory's setting.
pub(super) unsafe extern "C" fn create(pool: *mut apr_pool_t, _path: *mut c_char) -> *mut c_void {
    // SAFETY: the engine passes a live pool.
    unsafe {
        let setting = Pool::from_ptr(pool).zeroed::<Setting>();
        setting.write(Setting { track: None });
        setting.cast()
    }
}

/// A setting within another: its own, or what it inherits.
pub(super) unsafe extern "C" fn merge(
    pool: *mut apr_pool_t,
    base: *mut c_void,
    own: *mut c_void,
) -> *mut c_void {
    // SAFETY: both were made by `create`; the pool is live.
    unsafe {
        let (base, own) = (*base.cast::<Setting>(), *own.cast::<Setting>());
        let merged = Pool::from_ptr(pool).zeroed::<Setting>();
        merged.write(Setting {
            track: own.track.or(base.track),
        });
        merged.cast()
    }
}

/// `LogIOTrackTTFB On|Off`.
pub(super) unsafe extern "C" fn track(
    _cmd: *mut cmd_parms,
    setting: *mut c_void,
    on: c_int,
) -> *const c_char {
    // SAFETY: the engine passes what `create` made.
    unsafe { (*setting.cast::<Setting>()).track = Some(on != 0) };
    null()
}

/// Registers the filter and who adds it.
///
/// # Safety
/// Called while hooks are registered.
pub(super) unsafe fn register() {
    let middle = sys::APR_HOOK_MIDDLE as c_int;
    // SAFETY: the caller's promise.
    unsafe {
        sys::ap_hook_insert_filter(caught1(insert), null(), null(), middle);
        let kind = sys::AP_FTYPE_RESOURCE;
        sys::ap_register_output_filter(FILTER.as_ptr(), caught2(note), None, kind);
    }
}

unsafe extern "C-unwind" fn insert(r: *mut request_rec) {
    // SAFETY: the hook passes a live request.
    unsafe {
        if is_tracked(r) {
            sys::ap_add_output_filter(FILTER.as_ptr(), null_mut(), r, (*r).connection);
        }
    }
}

/// # Safety
/// The request is live.
unsafe fn is_tracked(r: *mut request_rec) -> bool {
    // SAFETY: the caller's promise; our place in the vector is what `create` made.
    let setting = unsafe {
        let module = &raw const logio_module;
        sys::ap_get_module_config((*r).per_dir_config, module)
            .cast::<Setting>()
            .as_ref()
    };
    setting.is_some_and(|setting| setting.track == Some(true))
}

/// The filter: notes the time when it sees the first brigade, and leaves.
unsafe extern "C-unwind" fn note(
    f: *mut ap_filter_t,
    brigade: *mut apr_bucket_brigade,
) -> apr_status_t {
    // SAFETY: the contract of output filters; ours is added to requests only.
    unsafe {
        let r = (*f).r;
        let module = &raw const logio_module;
        if sys::ap_get_module_config((*r).request_config, module).is_null() {
            let delay = Pool::from_ptr((*r).pool).zeroed::<Delay>();
            delay.write(Delay(clock::now() - (*r).request_time));
            sys::ap_set_module_config((*r).request_config, module, delay.cast());
        }
        let next = (*f).next;
        sys::ap_remove_output_filter(f);
        sys::ap_pass_brigade(next, brigade)
    }
}

/// `%^FB`.
pub(super) unsafe extern "C" fn show(r: *mut request_rec, _argument: *mut c_char) -> *const c_char {
    // SAFETY: log_config passes a live request.
    unsafe {
        let module = &raw const logio_module;
        let delay = sys::ap_get_module_config((*r).request_config, module).cast::<Delay>();
        match delay.as_ref() {
            Some(delay) => Pool::from_ptr((*r).pool).text(delay.0).as_ptr(),
            None => null(),
        }
    }
}
