//! Who gives up root's privileges before connections are accepted (`ap_sys_privileges_handlers` of
//! mpm_common.h): a module announces itself, and the core refuses to start when none does.

use std::{
    ffi::c_int,
    sync::atomic::{AtomicI32, Ordering},
};

exports! { ap_sys_privileges_handlers }

static HANDLERS: AtomicI32 = AtomicI32::new(0);

/// Adds to the number of modules that handle privileges; the new number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_sys_privileges_handlers(more: c_int) -> c_int {
    HANDLERS.fetch_add(more, Ordering::Relaxed) + more
}

/// Whether there is such a module.
pub(crate) fn handled() -> bool {
    HANDLERS.load(Ordering::Relaxed) > 0
}

/// The next configuration's modules announce themselves anew.
pub(crate) fn reset() {
    HANDLERS.store(0, Ordering::Relaxed);
}
