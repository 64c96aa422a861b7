//! Which filters there are, by name. Filled while modules register; the records live in APR's pool
//! for hooks and are forgotten with it.

use std::{
    collections::HashMap,
    ffi::{CStr, c_char, c_uint, c_void},
    ptr::null_mut,
    sync::{PoisonError, RwLock},
};

use httpd_sys as sys;

use crate::crash::trail::{self, filters};

exports! {
    ap_register_input_filter, ap_register_output_filter, ap_register_output_filter_protocol,
    ap_get_input_filter_handle, ap_get_output_filter_handle, ap_filter_protocol,
}

/// The records, keyed by lower-case name.
struct Registry {
    input: Option<HashMap<Box<[u8]>, Record>>,
    output: Option<HashMap<Box<[u8]>, Record>>,
}

#[derive(Clone, Copy)]
struct Record(*mut sys::ap_filter_rec_t);

// SAFETY: the pointer is only stored and handed out; records change while the server is still
// single-threaded.
unsafe impl Send for Record {}
// SAFETY: as above.
unsafe impl Sync for Record {}

static REGISTRY: RwLock<Registry> = RwLock::new(Registry {
    input: None,
    output: None,
});

/// Whether a filter changes what comes in or what goes out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Input,
    Output,
}

impl Registry {
    fn of(&mut self, direction: Direction) -> &mut HashMap<Box<[u8]>, Record> {
        match direction {
            Direction::Input => self.input.get_or_insert_default(),
            Direction::Output => self.output.get_or_insert_default(),
        }
    }
}

/// The record of a name in any case; NULL when there is none.
pub(super) fn find(direction: Direction, name: &CStr) -> *mut sys::ap_filter_rec_t {
    let registry = REGISTRY.read().unwrap_or_else(PoisonError::into_inner);
    let names = match direction {
        Direction::Input => &registry.input,
        Direction::Output => &registry.output,
    };
    names
        .as_ref()
        .and_then(|names| names.get(name.to_bytes().to_ascii_lowercase().as_slice()))
        .map_or(null_mut(), |record| record.0)
}

/// Makes or renews the record of a filter.
///
/// # Safety
/// `name` is a string; the pool for hooks exists; the process is still single-threaded.
unsafe fn register(
    direction: Direction,
    name: *const c_char,
    filter_func: sys::ap_filter_func,
    filter_init_func: sys::ap_init_filter_func,
    ftype: sys::ap_filter_type,
    proto_flags: c_uint,
) -> *mut sys::ap_filter_rec_t {
    // SAFETY: the caller's promise; the record is allocated zeroed.
    unsafe {
        let pool = sys::apr_hook_global_pool;
        let lower: Box<[u8]> = CStr::from_ptr(name).to_bytes().to_ascii_lowercase().into();
        let mut registry = REGISTRY.write().unwrap_or_else(PoisonError::into_inner);
        if registry.input.is_none() && registry.output.is_none() {
            sys::apr_pool_cleanup_register(
                pool,
                null_mut(),
                Some(forget),
                Some(sys::apr_pool_cleanup_null),
            );
        }
        let record = registry
            .of(direction)
            .entry(lower)
            .or_insert_with_key(|name| {
                let size = size_of::<sys::ap_filter_rec_t>();
                let record = sys::apr_palloc(pool, size).cast::<sys::ap_filter_rec_t>();
                record.write_bytes(0, 1);
                (*record).name = sys::apr_pstrmemdup(pool, name.as_ptr().cast(), name.len());
                Record(record)
            })
            .0;
        (*record).filter_func = filter_func;
        (*record).filter_init_func = filter_init_func;
        (*record).ftype = ftype;
        (*record).proto_flags = proto_flags;
        let module = trail::module();
        filters::register(
            record,
            if module.is_null() {
                sys::apr_hook_debug_current
            } else {
                module
            },
        );
        record
    }
}

/// Forgets all records, whose memory goes.
unsafe extern "C" fn forget(_: *mut c_void) -> sys::apr_status_t {
    let mut registry = REGISTRY.write().unwrap_or_else(PoisonError::into_inner);
    registry.input = None;
    registry.output = None;
    filters::forget();
    sys::APR_SUCCESS as sys::apr_status_t
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_register_input_filter(
    name: *const c_char,
    filter_func: sys::ap_in_filter_func,
    filter_init: sys::ap_init_filter_func,
    ftype: sys::ap_filter_type,
) -> *mut sys::ap_filter_rec_t {
    let function = sys::ap_filter_func {
        in_func: filter_func,
    };
    // SAFETY: the header's contract.
    unsafe { register(Direction::Input, name, function, filter_init, ftype, 0) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_register_output_filter(
    name: *const c_char,
    filter_func: sys::ap_out_filter_func,
    filter_init: sys::ap_init_filter_func,
    ftype: sys::ap_filter_type,
) -> *mut sys::ap_filter_rec_t {
    // SAFETY: the header's contract.
    unsafe { ap_register_output_filter_protocol(name, filter_func, filter_init, ftype, 0) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_register_output_filter_protocol(
    name: *const c_char,
    filter_func: sys::ap_out_filter_func,
    filter_init: sys::ap_init_filter_func,
    ftype: sys::ap_filter_type,
    proto_flags: c_uint,
) -> *mut sys::ap_filter_rec_t {
    let function = sys::ap_filter_func {
        out_func: filter_func,
    };
    // SAFETY: the header's contract.
    unsafe {
        register(
            Direction::Output,
            name,
            function,
            filter_init,
            ftype,
            proto_flags,
        )
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_input_filter_handle(
    name: *const c_char,
) -> *mut sys::ap_filter_rec_t {
    // SAFETY: the header asks for a string.
    find(Direction::Input, unsafe { CStr::from_ptr(name) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_get_output_filter_handle(
    name: *const c_char,
) -> *mut sys::ap_filter_rec_t {
    // SAFETY: the header asks for a string.
    find(Direction::Output, unsafe { CStr::from_ptr(name) })
}

/// Says what a filter does to the protocol.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_filter_protocol(f: *mut sys::ap_filter_t, proto_flags: c_uint) {
    // SAFETY: the header asks for a filter in a chain, which has a record.
    unsafe { (*(*f).frec).proto_flags = proto_flags }
}
