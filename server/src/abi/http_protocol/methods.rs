//! Methods by name and number, and lists of methods.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::{null, null_mut},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use httpd_sys::{self as sys, ap_method_list_t, apr_pool_t};

use crate::http::method::{self, INVALID, Registered};

exports! {
    ap_method_registry_init, ap_method_register, ap_method_number_of, ap_method_name_of,
    ap_make_method_list, ap_copy_method_list, ap_method_in_list, ap_method_list_add,
    ap_method_list_remove, ap_clear_method_list,
}

static REGISTERED: RwLock<Registered> = RwLock::new(Registered::new());
/// Whether `REGISTERED` may hold any, so that unknown methods cost no lock.
static ANY_REGISTERED: AtomicBool = AtomicBool::new(false);

/// Begins with the methods every server knows; what modules register lasts as long as `p`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_method_registry_init(p: *mut apr_pool_t) {
    forget();
    // SAFETY: the header asks for a live pool.
    unsafe {
        sys::apr_pool_cleanup_register(
            p,
            null_mut(),
            Some(forget_with_pool),
            Some(sys::apr_pool_cleanup_null),
        );
    }
}

unsafe extern "C" fn forget_with_pool(_: *mut c_void) -> sys::apr_status_t {
    forget();
    0
}

fn forget() {
    ANY_REGISTERED.store(false, Ordering::Relaxed);
    let mut registered = REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
    registered.clear();
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_method_register(p: *mut apr_pool_t, methname: *const c_char) -> c_int {
    if methname.is_null() {
        return INVALID;
    }
    // SAFETY: the header asks for a string and a live pool.
    unsafe {
        let name = CStr::from_ptr(methname).to_bytes();
        let mut registered = REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
        match registered.register(name) {
            Some(number) => {
                ANY_REGISTERED.store(true, Ordering::Relaxed);
                number
            }
            None => {
                sys::ap_log_perror_(
                    c"methods".as_ptr(),
                    0,
                    sys::AP_CORE_MODULE_INDEX as c_int,
                    sys::APLOG_ERR as c_int,
                    0,
                    p,
                    c"AH01620: Maximum new request methods %d reached while registering method %s."
                        .as_ptr(),
                    method::END - INVALID - 1,
                    methname,
                );
                INVALID
            }
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_method_number_of(name: *const c_char) -> c_int {
    // SAFETY: the header asks for a string.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    if let Some(number) = method::number(name) {
        return number;
    }
    if !ANY_REGISTERED.load(Ordering::Relaxed) {
        return INVALID;
    }
    let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
    registered.number(name).unwrap_or(INVALID)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_method_name_of(p: *mut apr_pool_t, methnum: c_int) -> *const c_char {
    let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
    let name = method::name(methnum)
        .map(str::as_bytes)
        .or_else(|| registered.name(methnum));
    match name {
        // SAFETY: the header asks for a live pool.
        Some(name) => unsafe { sys::apr_pstrmemdup(p, name.as_ptr().cast(), name.len()) },
        None => null(),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_make_method_list(
    p: *mut apr_pool_t,
    nelts: c_int,
) -> *mut ap_method_list_t {
    // SAFETY: the header asks for a live pool.
    unsafe {
        let list = sys::apr_palloc(p, size_of::<ap_method_list_t>()).cast::<ap_method_list_t>();
        list.write(ap_method_list_t {
            method_mask: 0,
            method_list: sys::apr_array_make(p, nelts, size_of::<*mut c_char>() as c_int),
        });
        list
    }
}

/// Makes `dest` a copy of `src`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_copy_method_list(
    dest: *mut ap_method_list_t,
    src: *mut ap_method_list_t,
) {
    // SAFETY: the header asks for two lists.
    unsafe {
        (*dest).method_mask = (*src).method_mask;
        (*(*dest).method_list).nelts = 0;
        sys::apr_array_cat((*dest).method_list, (*src).method_list);
    }
}

/// The bit of a method that has one.
///
/// # Safety
/// `name` is a string.
unsafe fn bit(name: *const c_char) -> Option<i64> {
    // SAFETY: the caller's promise.
    let number = unsafe { ap_method_number_of(name) };
    (number != INVALID).then(|| 1i64 << number)
}

/// The names in a list, which have no number.
///
/// # Safety
/// `list` is live.
unsafe fn names<'l>(list: *const ap_method_list_t) -> &'l mut [*mut c_char] {
    // SAFETY: the caller's promise; the array holds strings.
    unsafe {
        let array = (*list).method_list;
        if array.is_null() || (*array).nelts == 0 {
            return &mut [];
        }
        std::slice::from_raw_parts_mut((*array).elts.cast(), (*array).nelts as usize)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_method_in_list(
    l: *mut ap_method_list_t,
    method: *const c_char,
) -> c_int {
    // SAFETY: the header asks for a list and a string.
    unsafe {
        match bit(method) {
            Some(bit) => c_int::from((*l).method_mask & bit != 0),
            None => {
                let wanted = CStr::from_ptr(method);
                c_int::from(names(l).iter().any(|name| CStr::from_ptr(*name) == wanted))
            }
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_method_list_add(l: *mut ap_method_list_t, method: *const c_char) {
    // SAFETY: the header asks for a list and a string.
    unsafe {
        match bit(method) {
            Some(bit) => (*l).method_mask |= bit,
            None if ap_method_in_list(l, method) == 0 => {
                let copy = sys::apr_pstrdup((*(*l).method_list).pool, method);
                sys::apr_array_push((*l).method_list)
                    .cast::<*mut c_char>()
                    .write(copy);
            }
            None => {}
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_method_list_remove(l: *mut ap_method_list_t, method: *const c_char) {
    // SAFETY: the header asks for a list and a string.
    unsafe {
        if let Some(bit) = bit(method) {
            (*l).method_mask &= !bit;
            return;
        }
        let wanted = CStr::from_ptr(method);
        let names = names(l);
        let mut kept = 0;
        for at in 0..names.len() {
            if CStr::from_ptr(names[at]) != wanted {
                names[kept] = names[at];
                kept += 1;
            }
        }
        if kept < names.len() {
            (*(*l).method_list).nelts = kept as c_int;
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_clear_method_list(l: *mut ap_method_list_t) {
    // SAFETY: the header asks for a list.
    unsafe {
        (*l).method_mask = 0;
        (*(*l).method_list).nelts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::http_protocol::testing::TestRequest;

    #[test]
    fn lists_hold_known_methods_as_bits_and_others_by_name() {
        let request = TestRequest::new();
        // SAFETY: a live pool; static strings.
        unsafe {
            let pool = (*request.r).pool;
            let (list, copy) = (ap_make_method_list(pool, 1), ap_make_method_list(pool, 1));
            for name in [c"POST", c"BREW", c"WHEN", c"BREW"] {
                ap_method_list_add(list, name.as_ptr());
            }
            assert_eq!((*list).method_mask, 1 << sys::M_POST);
            assert_eq!((*(*list).method_list).nelts, 2);
            ap_copy_method_list(copy, list);
            ap_method_list_remove(list, c"BREW".as_ptr());
            ap_method_list_remove(list, c"POST".as_ptr());
            for (name, here, there) in [(c"POST", 0, 1), (c"BREW", 0, 1), (c"WHEN", 1, 1)] {
                assert_eq!(ap_method_in_list(list, name.as_ptr()), here);
                assert_eq!(ap_method_in_list(copy, name.as_ptr()), there);
            }
            assert_eq!(ap_method_name_of(pool, 26), null());
        }
    }
}
