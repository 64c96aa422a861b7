//! Finding functions, operators and variables by name: the hook that modules add theirs to, and
//! what the core has.

use std::{
    ffi::{c_char, c_int, c_void},
    ptr::{null, null_mut},
};

use httpd_sys as sys;

use super::{functions, operators, variables};
use crate::abi::http_request::support::{bytes, concat};

exports! { ap_expr_lookup_default, ap_expr_init }

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_expr_lookup_default(parms: *mut sys::ap_expr_lookup_parms) -> c_int {
    // SAFETY: the caller's promise is the hook's.
    unsafe { sys::ap_run_expr_lookup(parms) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_expr_init(_pool: *mut sys::apr_pool_t) {
    // SAFETY: called while the core registers its hooks; the function has the hook's type.
    unsafe {
        sys::ap_hook_expr_lookup(Some(look_up), null(), null(), sys::APR_HOOK_MIDDLE as c_int);
    }
}

/// Looks at a constant argument when an expression is parsed: what the operator is given for it.
pub(super) type Prepare =
    unsafe fn(*mut sys::ap_expr_lookup_parms) -> Result<*const c_void, &'static [u8]>;

/// Something with a name.
pub(super) struct Entry<F: 'static> {
    pub(super) name: &'static [u8],
    pub(super) function: F,
    pub(super) data: Data,
    /// `AP_EXPR_FLAG_*` of expressions that may not have it.
    pub(super) refused: u32,
}

/// What an entry's function is given.
pub(super) enum Data {
    None,
    Prepared(Prepare),
}

/// The core's part in the hook.
unsafe extern "C" fn look_up(parms: *mut sys::ap_expr_lookup_parms) -> c_int {
    // SAFETY: the hook's caller fills the question; places for answers are not NULL.
    unsafe {
        let name = bytes((*parms).name);
        match (*parms).type_ as u32 {
            sys::AP_EXPR_FUNC_VAR => match variables::find(name) {
                Some((function, data)) => {
                    let function = function as *const c_void;
                    answer(parms, function, data)
                }
                None => sys::DECLINED,
            },
            sys::AP_EXPR_FUNC_STRING => give(parms, functions::ALL, |name| {
                name.eq_ignore_ascii_case(bytes((*parms).name))
            }),
            sys::AP_EXPR_FUNC_OP_UNARY => give(parms, operators::UNARY, |own| own == name),
            sys::AP_EXPR_FUNC_OP_BINARY => give(parms, operators::BINARY, |own| {
                own.eq_ignore_ascii_case(name)
            }),
            _ => sys::DECLINED,
        }
    }
}

/// A function that can be handed out as an address.
pub(super) trait Address: Copy {
    fn address(self) -> *const c_void;
}

impl Address for functions::Function {
    fn address(self) -> *const c_void {
        self as *const c_void
    }
}

impl Address for operators::Unary {
    fn address(self) -> *const c_void {
        self as *const c_void
    }
}

impl Address for operators::Binary {
    fn address(self) -> *const c_void {
        self as *const c_void
    }
}

/// Answers with the entry of the name, if it may be used here.
///
/// # Safety
/// As of `look_up`.
unsafe fn give<F: Address>(
    parms: *mut sys::ap_expr_lookup_parms,
    entries: &'static [Entry<F>],
    is_it: impl Fn(&[u8]) -> bool,
) -> c_int {
    let Some(entry) = entries.iter().find(|entry| is_it(entry.name)) else {
        return sys::DECLINED;
    };
    // SAFETY: the caller's promise.
    unsafe {
        let dash: &[u8] = match (*parms).type_ as u32 {
            sys::AP_EXPR_FUNC_STRING => b"",
            _ => b"-",
        };
        let data = if (*parms).flags as u32 & entry.refused != 0 {
            Err([dash, entry.name, b" not available in restricted context"].concat())
        } else {
            match entry.data {
                // The name, for functions that serve several.
                Data::None => Ok(entry.name.as_ptr().cast()),
                Data::Prepared(prepare) => prepare(parms).map_err(<[u8]>::to_vec),
            }
        };
        match data {
            Ok(data) => answer(parms, entry.function.address(), data),
            Err(message) => {
                *(*parms).err = concat((*parms).ptemp, &[&message]);
                // Neither found nor unknown.
                sys::HTTP_INTERNAL_SERVER_ERROR as c_int
            }
        }
    }
}

/// # Safety
/// As of `look_up`.
unsafe fn answer(
    parms: *mut sys::ap_expr_lookup_parms,
    function: *const c_void,
    data: *const c_void,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        *(*parms).func = function;
        *(*parms).data = data;
    }
    sys::OK as c_int
}

/// For `-R` and `-ipmatch`: the network that the constant argument names.
///
/// # Safety
/// As of `look_up`.
pub(super) unsafe fn subnet(
    parms: *mut sys::ap_expr_lookup_parms,
) -> Result<*const c_void, &'static [u8]> {
    // SAFETY: the caller's promise; the copy is ours to cut in two.
    unsafe {
        if (*parms).arg.is_null() {
            return Err(match (*parms).type_ as u32 {
                sys::AP_EXPR_FUNC_OP_UNARY => b"-R requires subnet/netmask as constant argument",
                _ => b"-ipmatch requires subnet/netmask as constant argument",
            });
        }
        let address = concat((*parms).ptemp, &[bytes((*parms).arg)]);
        let mut mask: *mut c_char = null_mut();
        if let Some(slash) = bytes(address).iter().position(|&byte| byte == b'/') {
            mask = address.add(slash + 1);
            address.add(slash).write(0);
        }
        let mut subnet = null_mut();
        match sys::apr_ipsubnet_create(&raw mut subnet, address, mask, (*parms).pool) {
            0 => Ok(subnet.cast_const().cast()),
            _ => Err(b"parsing of subnet/netmask failed"),
        }
    }
}
