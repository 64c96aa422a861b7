//! What modules keep while they are unloaded between two readings of the configuration, and the
//! running of handlers, which stands in the same header.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::null_mut,
};

use httpd_sys::{self as sys, request_rec};

use crate::{
    conn::{offload, turn, wait::blocking},
    hooks::{
        execution::{self, Mode},
        kinds::Key,
        timing,
    },
    modules::core::handler,
};

exports! { ap_retained_data_create, ap_retained_data_get, ap_invoke_handler }

/// Zeroed memory that lives as long as the process, under a name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_retained_data_create(key: *const c_char, size: usize) -> *mut c_void {
    // SAFETY: the header asks for a name; the process pool is live. The name is copied, because
    // it lies in the module.
    unsafe {
        let room = sys::apr_palloc(sys::ap_pglobal, size);
        room.cast::<u8>().write_bytes(0, size);
        sys::apr_pool_userdata_set(room, key, None, sys::ap_pglobal);
        room
    }
}

/// The memory of this name; NULL when there is none yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_retained_data_get(key: *const c_char) -> *mut c_void {
    let mut room = null_mut();
    // SAFETY: as above.
    unsafe { sys::apr_pool_userdata_get(&mut room, key, sys::ap_pglobal) };
    room
}

/// Lets the filters of a chain that want to prepare themselves do so, before the handler runs.
///
/// # Safety
/// `filter` is NULL or the first of a whole chain.
unsafe fn prepare_filters(mut filter: *mut sys::ap_filter_t) -> c_int {
    // SAFETY: the caller's promise; records of filters are live while they are in a chain.
    unsafe {
        while !filter.is_null() {
            if let Some(prepare) = (*(*filter).frec).filter_init_func {
                let status = prepare(filter);
                if status != sys::OK as c_int {
                    return status;
                }
            }
            filter = (*filter).next;
        }
    }
    sys::OK as c_int
}

/// What came of the wish to let a handler answer.
pub(in crate::abi) enum Invoked {
    /// Its answer.
    Answer(c_int),
    /// It blocks and has no place to do so; it is to be run when there is one (`invoke_left`).
    Left(Left),
}

/// A request that waits before its handler: the name that the handler had before one was sought.
pub(in crate::abi) struct Left {
    before: *const c_char,
}

/// Runs the handler, off the reactor when it has been slow.
///
/// # Safety
/// `r` is live.
unsafe fn run_handler(r: *mut request_rec, key: Key) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        let result = timing::handler_measured(key, || {
            if is_moved(key) {
                key.note_moved();
                blocking(|| sys::ap_run_handler(r))
            } else {
                sys::ap_run_handler(r)
            }
        });
        // Whatever else answers may have changed files.
        if !handler::take_served() {
            turn::end_everywhere();
        }
        result
    }
}

/// Whether a handler is to be run off the reactor.
fn is_moved(key: Key) -> bool {
    match execution::mode(key.module()) {
        Mode::Auto => key.is_slow(),
        Mode::Inline => false,
        Mode::Offload => true,
    }
}

/// The kind of a request's handler.
///
/// # Safety
/// `r` is live.
unsafe fn key_of(r: *const request_rec) -> Key {
    // SAFETY: the caller's promise. The handler may name another, but this name is a string of the
    // request or of the configuration.
    let name = unsafe { module_sdk::raw::text((*r).handler) };
    Key::handler(name.unwrap_or_default().to_bytes())
}

/// Finds the handler of a request and lets it answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_invoke_handler(r: *mut request_rec) -> c_int {
    // SAFETY: the header asks for a live request.
    unsafe {
        match invoke(r, false) {
            Invoked::Answer(answer) => answer,
            Invoked::Left(left) => invoke_left(r, left),
        }
    }
}

/// The same; where `may_leave`, a handler that blocks is left for later when there is no place for it.
///
/// # Safety
/// `r` is live.
pub(in crate::abi) unsafe fn invoke(r: *mut request_rec, may_leave: bool) -> Invoked {
    // SAFETY: the caller's promise.
    unsafe {
        // The insertion of filters may set a handler too.
        sys::ap_run_insert_filter(r);
        for filters in [(*r).output_filters, (*r).input_filters] {
            let status = prepare_filters(filters);
            if status != sys::OK as c_int {
                return Invoked::Answer(status);
            }
        }
        let left = Left {
            before: (*r).handler,
        };
        if (*r).handler.is_null() {
            (*r).handler = handler_of_type(r);
        }
        let key = key_of(r);
        if may_leave && is_moved(key) && key.is_long() && !offload::enter() {
            return Invoked::Left(left);
        }
        Invoked::Answer(answer_of(r, left, key))
    }
}

/// Lets the handler answer that was left for later.
///
/// # Safety
/// `r` is live, and `left` is what `invoke` has answered for it.
pub(in crate::abi) unsafe fn invoke_left(r: *mut request_rec, left: Left) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        let key = key_of(r);
        answer_of(r, left, key)
    }
}

/// # Safety
/// `r` is live.
unsafe fn answer_of(r: *mut request_rec, left: Left, key: Key) -> c_int {
    const INTERNAL_ERROR: c_int = sys::HTTP_INTERNAL_SERVER_ERROR as c_int;
    let Left { before } = left;
    // SAFETY: the caller's promise.
    unsafe {
        let result = run_handler(r, key);
        let asked = (*r).handler;
        (*r).handler = before;
        match result {
            sys::DONE | sys::SUSPENDED | sys::AP_FILTER_ERROR => result,
            sys::DECLINED => {
                if !before.is_null() && !(*r).filename.is_null() {
                    let text = format!(
                        "AH00523: handler \"{}\" not found for: {}",
                        super::lossy(asked),
                        super::lossy((*r).filename)
                    );
                    log_request(r, sys::APLOG_WARNING, &text);
                }
                INTERNAL_ERROR
            }
            ok if ok == sys::OK as c_int => ok,
            code if (100..600).contains(&code) => code,
            code => {
                let text = format!(
                    "AH00524: Handler for {} returned invalid result code {code}",
                    super::lossy(asked)
                );
                log_request(r, sys::APLOG_CRIT, &text);
                INTERNAL_ERROR
            }
        }
    }
}

/// The handler of a request that none was set for: its media type without parameters, or
/// `default-handler`.
///
/// # Safety
/// `r` is live.
unsafe fn handler_of_type(r: *mut request_rec) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        if (*r).content_type.is_null() {
            return c"default-handler".as_ptr();
        }
        let kind = CStr::from_ptr((*r).content_type).to_bytes();
        let Some(end) = kind.iter().position(|&byte| byte == b';') else {
            return (*r).content_type;
        };
        let spaces = kind[..end]
            .iter()
            .rev()
            .take_while(|&&byte| byte == b' ')
            .count();
        super::pool_text((*r).pool, &kind[..end - spaces])
    }
}

/// # Safety
/// `r` is live.
pub(super) unsafe fn log_request(r: *mut request_rec, level: u32, text: &str) {
    let text = super::reader::c_string(text.as_bytes());
    // SAFETY: the caller's promise; the format takes one string.
    unsafe {
        sys::ap_log_rerror_(
            c"config.c".as_ptr(),
            0,
            super::CORE,
            level as c_int,
            0,
            r,
            c"%s".as_ptr(),
            text.as_ptr(),
        );
    }
}
