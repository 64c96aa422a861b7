//! The hook points of mod_watchdog.h: `watchdog_need`, `watchdog_init`, `watchdog_step` and
//! `watchdog_exit`.
//!
//! They belong to this module, not to the core's table; APR-util's optional hooks keep and sort
//! their arrays. No header of the core declares them, so `KEEP` holds them in the executable.

#![allow(
    clippy::missing_safety_doc,
    reason = "mod_watchdog.h states each contract"
)]

use std::ffi::{CStr, c_char, c_int};

use httpd_sys::{self as sys, apr_array_header_t, apr_pool_t, server_rec};

/// What an array holds: the layout of every `ap_LINK_*_t`.
#[repr(C)]
struct Link<F> {
    function: F,
    module: *const c_char,
    predecessors: *const *const c_char,
    successors: *const *const c_char,
    order: c_int,
}

/// The functions of a hook in their order.
///
/// # Safety
/// `F` is the type of function that was registered under the name.
unsafe fn links<'a, F>(name: &CStr) -> &'a [Link<F>] {
    // SAFETY: APR's array holds such records; it does not change while hooks run.
    unsafe {
        match sys::apr_optional_hook_get(name.as_ptr()).as_ref() {
            Some(array) if array.nelts > 0 => {
                std::slice::from_raw_parts(array.elts.cast(), array.nelts as usize)
            }
            _ => &[],
        }
    }
}

/// `need`: is this watchdog wanted? The first answer that is not DECLINED counts.
pub type Need = unsafe extern "C" fn(*mut server_rec, *const c_char, c_int, c_int) -> c_int;
/// `init`, `step` and `exit`: all are called until one fails.
pub type Event = unsafe extern "C" fn(*mut server_rec, *const c_char, *mut apr_pool_t) -> c_int;

/// Makes `ap_hook_x` and `ap_hook_get_x`.
macro_rules! registration {
    ($type:ident $hook:ident $get:ident $name:literal) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $hook(
            function: $type,
            predecessors: *const *const c_char,
            successors: *const *const c_char,
            order: c_int,
        ) {
            // SAFETY: called while hooks are registered, with strings of the module's image; the
            // function is cast back to its type where it is called.
            unsafe {
                let function = std::mem::transmute::<$type, unsafe extern "C" fn()>(function);
                sys::apr_optional_hook_add(
                    $name.as_ptr(),
                    Some(function),
                    predecessors,
                    successors,
                    order,
                );
            }
        }

        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $get() -> *mut apr_array_header_t {
            // SAFETY: the name ends with NUL.
            unsafe { sys::apr_optional_hook_get($name.as_ptr()) }
        }
    };
}

registration! { Need ap_hook_watchdog_need ap_hook_get_watchdog_need c"watchdog_need" }
registration! { Event ap_hook_watchdog_init ap_hook_get_watchdog_init c"watchdog_init" }
registration! { Event ap_hook_watchdog_step ap_hook_get_watchdog_step c"watchdog_step" }
registration! { Event ap_hook_watchdog_exit ap_hook_get_watchdog_exit c"watchdog_exit" }

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_run_watchdog_need(
    s: *mut server_rec,
    name: *const c_char,
    parent: c_int,
    singleton: c_int,
) -> c_int {
    // SAFETY: functions of this type were registered under the name.
    unsafe {
        for link in links::<Need>(c"watchdog_need") {
            let answer = (link.function)(s, name, parent, singleton);
            if answer != sys::DECLINED {
                return answer;
            }
        }
    }
    sys::DECLINED
}

/// Makes `ap_run_x` of an event.
macro_rules! event {
    ($run:ident $name:literal) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $run(
            s: *mut server_rec,
            name: *const c_char,
            pool: *mut apr_pool_t,
        ) -> c_int {
            // SAFETY: functions of this type were registered under the name.
            unsafe {
                for link in links::<Event>($name) {
                    let answer = (link.function)(s, name, pool);
                    if answer != sys::OK as c_int && answer != sys::DECLINED {
                        return answer;
                    }
                }
            }
            sys::OK as c_int
        }
    };
}

event! { ap_run_watchdog_init c"watchdog_init" }
event! { ap_run_watchdog_step c"watchdog_step" }
event! { ap_run_watchdog_exit c"watchdog_exit" }

/// The address of a function that only modules call.
pub struct Kept(#[allow(dead_code, reason = "only the address matters")] *const ());

// SAFETY: the address of a function, never dereferenced.
unsafe impl Sync for Kept {}

/// What the linker must not drop.
pub static KEEP: [Kept; 12] = [
    Kept(ap_hook_watchdog_need as *const ()),
    Kept(ap_hook_watchdog_init as *const ()),
    Kept(ap_hook_watchdog_step as *const ()),
    Kept(ap_hook_watchdog_exit as *const ()),
    Kept(ap_hook_get_watchdog_need as *const ()),
    Kept(ap_hook_get_watchdog_init as *const ()),
    Kept(ap_hook_get_watchdog_step as *const ()),
    Kept(ap_hook_get_watchdog_exit as *const ()),
    Kept(ap_run_watchdog_need as *const ()),
    Kept(ap_run_watchdog_init as *const ()),
    Kept(ap_run_watchdog_step as *const ()),
    Kept(ap_run_watchdog_exit as *const ()),
];

#[cfg(test)]
mod tests {
    use std::ptr::null;

    use super::*;

    unsafe extern "C" fn wants(
        _s: *mut server_rec,
        _name: *const c_char,
        parent: c_int,
        _singleton: c_int,
    ) -> c_int {
        if parent == 0 {
            sys::OK as c_int
        } else {
            sys::DECLINED
        }
    }

    #[test]
    fn an_empty_hook_declines() {
        // SAFETY: nothing is registered under such a name, and the function does not look at its
        // arguments.
        unsafe {
            assert!(links::<Need>(c"watchdog_of_nobody").is_empty());
            assert_eq!(wants(std::ptr::null_mut(), null(), 1, 0), sys::DECLINED);
        }
    }
}
