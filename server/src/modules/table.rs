//! What the static modules written in Rust share: tables of directives, the constant parts of a
//! `module`, optional functions.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, cmd_parms, command_rec};

/// A table of directives that never changes.
#[repr(transparent)]
pub struct Commands<const N: usize>(pub [command_rec; N]);

// SAFETY: constant; it points to literals and functions.
unsafe impl<const N: usize> Sync for Commands<N> {}

impl<const N: usize> Commands<N> {
    /// The first directive.
    pub const fn as_ptr(&self) -> *const command_rec {
        self.0.as_ptr()
    }
}

/// The end of a table.
pub const END: command_rec = command_rec {
    name: null(),
    func: sys::cmd_func { take1: None },
    cmd_data: null_mut(),
    req_override: 0,
    args_how: 0,
    errmsg: null(),
};

const fn command(
    name: &'static CStr,
    func: sys::cmd_func,
    args_how: sys::cmd_how,
    scope: u32,
    help: &'static CStr,
) -> command_rec {
    command_rec {
        name: name.as_ptr(),
        func,
        cmd_data: null_mut(),
        req_override: scope as c_int,
        args_how,
        errmsg: help.as_ptr(),
    }
}

type One = unsafe extern "C" fn(*mut cmd_parms, *mut c_void, *const c_char) -> *const c_char;
type Two = unsafe extern "C" fn(
    *mut cmd_parms,
    *mut c_void,
    *const c_char,
    *const c_char,
) -> *const c_char;
type Three = unsafe extern "C" fn(
    *mut cmd_parms,
    *mut c_void,
    *const c_char,
    *const c_char,
    *const c_char,
) -> *const c_char;
type Flag = unsafe extern "C" fn(*mut cmd_parms, *mut c_void, c_int) -> *const c_char;

/// A directive with one argument.
pub const fn take1(
    name: &'static CStr,
    function: One,
    scope: u32,
    help: &'static CStr,
) -> command_rec {
    let func = sys::cmd_func {
        take1: Some(function),
    };
    command(name, func, sys::TAKE1, scope, help)
}

/// A directive with one or two arguments; NULL stands for the one that is not there.
pub const fn take12(
    name: &'static CStr,
    function: Two,
    scope: u32,
    help: &'static CStr,
) -> command_rec {
    let func = sys::cmd_func {
        take2: Some(function),
    };
    command(name, func, sys::TAKE12, scope, help)
}

/// A directive with two or three arguments.
pub const fn take23(
    name: &'static CStr,
    function: Three,
    scope: u32,
    help: &'static CStr,
) -> command_rec {
    let func = sys::cmd_func {
        take3: Some(function),
    };
    command(name, func, sys::TAKE23, scope, help)
}

/// A directive with one to three arguments.
pub const fn take123(
    name: &'static CStr,
    function: Three,
    scope: u32,
    help: &'static CStr,
) -> command_rec {
    let func = sys::cmd_func {
        take3: Some(function),
    };
    command(name, func, sys::TAKE123, scope, help)
}

/// A directive that takes On or Off.
pub const fn flag(
    name: &'static CStr,
    function: Flag,
    scope: u32,
    help: &'static CStr,
) -> command_rec {
    let func = sys::cmd_func {
        flag: Some(function),
    };
    command(name, func, sys::FLAG, scope, help)
}

/// A module of this name that does nothing yet: what `STANDARD20_MODULE_STUFF` says in C.
pub const fn module(name: &'static CStr) -> sys::module {
    sys::module {
        version: sys::MODULE_MAGIC_NUMBER_MAJOR as c_int,
        minor_version: sys::MODULE_MAGIC_NUMBER_MINOR as c_int,
        module_index: -1,
        name: name.as_ptr(),
        dynamic_load_handle: null_mut(),
        next: null_mut(),
        magic: sys::MODULE_MAGIC_COOKIE as u64,
        rewrite_args: None,
        create_dir_config: None,
        merge_dir_config: None,
        create_server_config: None,
        merge_server_config: None,
        cmds: null(),
        register_hooks: None,
        flags: 0,
    }
}

/// Offers an optional function.
///
/// # Safety
/// Called while hooks are registered; `function` is a function of the type that goes with the name.
pub unsafe fn offer(name: &'static CStr, function: *const ()) {
    // SAFETY: the caller's promise; whoever retrieves it casts it back to its type.
    unsafe {
        let function = std::mem::transmute::<*const (), unsafe extern "C" fn()>(function);
        sys::apr_dynamic_fn_register(name.as_ptr(), Some(function));
    }
}

/// The optional function of this name, to be cast to its type; `None` when nobody offers it.
pub fn retrieve(name: &CStr) -> Option<unsafe extern "C" fn()> {
    // SAFETY: the name ends with NUL.
    unsafe { sys::apr_dynamic_fn_retrieve(name.as_ptr()) }
}
