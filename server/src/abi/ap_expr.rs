//! `ap_expr.h`: parsing and evaluating expressions for modules, and for the core's `<If>`.
//!
//! The language itself is in `crate::expr`; `language` connects its tree to modules' functions,
//! `lookup` finds those, `variables`, `functions` and `operators` are the core's own.

use std::{
    ffi::{CStr, c_char, c_int, c_uint, c_void},
    ptr::{null, null_mut},
};

use httpd_sys as sys;

use self::language::{Evaluation, Naming, Text};
use super::http_request::support::{copy, zeroed};
use crate::expr;

mod functions;
mod language;
mod lookup;
mod operators;
mod variables;

pub(in crate::abi) use lookup::EXPORTS as LOOKUP_EXPORTS;

exports! {
    ap_expr_parse_cmd_mi, ap_expr_parse, ap_expr_exec, ap_expr_exec_re, ap_expr_exec_ctx,
    ap_expr_str_exec, ap_expr_str_exec_re,
}

/// What `root_node` points to.
enum Root {
    Condition(expr::Condition<Naming>),
    Text(expr::Word<Naming>),
}

/// How deep evaluations may nest: a module's function may evaluate with the context it was given.
const DEEPEST: c_int = 20;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_expr_parse_cmd_mi(
    cmd: *const sys::cmd_parms,
    expr: *const c_char,
    flags: c_uint,
    err: *mut *const c_char,
    lookup_fn: sys::ap_expr_lookup_fn_t,
    module_index: c_int,
) -> *mut sys::ap_expr_info_t {
    // SAFETY: the header asks for a directive being read, a C string and a place for the message.
    unsafe {
        let info = zeroed::<sys::ap_expr_info_t>((*cmd).pool);
        let place = (*cmd).directive;
        if !place.is_null() {
            (*info).filename = (*place).filename;
            (*info).line_number = (*place).line_num as c_uint;
        }
        // Who may write a `.htaccess` may not read all that the server may. Such files are read
        // with one pool for everything.
        let restricted = if (*cmd).pool == (*cmd).temp_pool {
            sys::AP_EXPR_FLAG_RESTRICTED_FILE_FUNC
        } else {
            0
        };
        (*info).flags = flags | restricted;
        (*info).module_index = module_index;
        *err = ap_expr_parse((*cmd).pool, (*cmd).temp_pool, info, expr, lookup_fn);
        if (*err).is_null() { info } else { null_mut() }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_expr_parse(
    pool: *mut sys::apr_pool_t,
    ptemp: *mut sys::apr_pool_t,
    info: *mut sys::ap_expr_info_t,
    expr: *const c_char,
    lookup_fn: sys::ap_expr_lookup_fn_t,
) -> *const c_char {
    // SAFETY: the header asks for live pools, a description filled but for the root, a C string.
    unsafe {
        (*info).root_node = null_mut();
        let flags = (*info).flags;
        let mut naming = Naming::new(pool, ptemp, flags, lookup_fn);
        let text = CStr::from_ptr(expr).to_bytes();
        let root = if flags & sys::AP_EXPR_FLAG_STRING_RESULT != 0 {
            expr::parse_text(text, &mut naming).map(Root::Text)
        } else {
            expr::parse_condition(text, &mut naming).map(Root::Condition)
        };
        match root {
            Ok(root) => {
                let root = Box::into_raw(Box::new(root)).cast::<c_void>();
                let none = Some(sys::apr_pool_cleanup_null as _);
                sys::apr_pool_cleanup_register(pool, root, Some(free), none);
                (*info).root_node = root.cast();
                null()
            }
            Err(message) => copy(pool, &message.0),
        }
    }
}

/// Frees a tree when the pool it was made for goes.
unsafe extern "C" fn free(root: *mut c_void) -> sys::apr_status_t {
    // SAFETY: registered once with the box's pointer, and called once.
    drop(unsafe { Box::from_raw(root.cast::<Root>()) });
    sys::APR_SUCCESS as sys::apr_status_t
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_expr_exec(
    r: *mut sys::request_rec,
    expr: *const sys::ap_expr_info_t,
    err: *mut *const c_char,
) -> c_int {
    // SAFETY: the caller's promise; without a place for groups there is none to be kept.
    unsafe { ap_expr_exec_re(r, expr, 0, null_mut(), null_mut(), err) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_expr_exec_re(
    r: *mut sys::request_rec,
    expr: *const sys::ap_expr_info_t,
    nmatch: sys::apr_size_t,
    pmatch: *mut sys::ap_regmatch_t,
    source: *mut *const c_char,
    err: *mut *const c_char,
) -> c_int {
    // SAFETY: the header asks for a live request, a parsed condition and places for the results.
    unsafe {
        debug_assert_eq!((*expr).flags & sys::AP_EXPR_FLAG_STRING_RESULT, 0);
        evaluate(r, expr, Groups::of(nmatch, pmatch, source), null_mut(), err)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_expr_str_exec(
    r: *mut sys::request_rec,
    expr: *const sys::ap_expr_info_t,
    err: *mut *const c_char,
) -> *const c_char {
    // SAFETY: as of `ap_expr_exec`.
    unsafe { ap_expr_str_exec_re(r, expr, 0, null_mut(), null_mut(), err) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_expr_str_exec_re(
    r: *mut sys::request_rec,
    expr: *const sys::ap_expr_info_t,
    nmatch: sys::apr_size_t,
    pmatch: *mut sys::ap_regmatch_t,
    source: *mut *const c_char,
    err: *mut *const c_char,
) -> *const c_char {
    // SAFETY: the header asks for a live request, a parsed text and places for the results.
    unsafe {
        debug_assert_ne!((*expr).flags & sys::AP_EXPR_FLAG_STRING_RESULT, 0);
        let mut result = null();
        let groups = Groups::of(nmatch, pmatch, source);
        if evaluate(r, expr, groups, &raw mut result, err) > 0 {
            result
        } else {
            null()
        }
    }
}

/// Where a caller keeps groups, if it does.
struct Groups {
    count: sys::apr_size_t,
    matches: *mut sys::ap_regmatch_t,
    source: *mut *const c_char,
}

impl Groups {
    fn of(
        count: sys::apr_size_t,
        matches: *mut sys::ap_regmatch_t,
        source: *mut *const c_char,
    ) -> Option<Self> {
        (!matches.is_null() && !source.is_null()).then_some(Self {
            count,
            matches,
            source,
        })
    }
}

/// Evaluates for a request.
///
/// # Safety
/// As of `ap_expr_exec_ctx`, with a live request.
unsafe fn evaluate(
    r: *mut sys::request_rec,
    info: *const sys::ap_expr_info_t,
    groups: Option<Groups>,
    result: *mut *const c_char,
    err: *mut *const c_char,
) -> c_int {
    let mut own_matches = [sys::ap_regmatch_t {
        rm_so: -1,
        rm_eo: -1,
    }; sys::AP_MAX_REG_MATCH as usize];
    let mut own_source = null();
    let mut own_error = null();
    let mut vary = null();
    let groups = groups.unwrap_or(Groups {
        count: own_matches.len(),
        matches: own_matches.as_mut_ptr(),
        source: &raw mut own_source,
    });
    // SAFETY: the caller's promise; the places above outlive the call.
    unsafe {
        let varies = (*info).flags & sys::AP_EXPR_FLAG_DONT_VARY == 0;
        let mut context = sys::ap_expr_eval_ctx_t {
            r,
            c: (*r).connection,
            s: (*r).server,
            p: (*r).pool,
            err: if err.is_null() {
                &raw mut own_error
            } else {
                err
            },
            info,
            re_pmatch: groups.matches,
            re_nmatch: groups.count,
            re_source: groups.source,
            vary_this: if varies { &raw mut vary } else { null_mut() },
            result_string: result,
            data: null_mut(),
            reclvl: 0,
        };
        ap_expr_exec_ctx(&raw mut context)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_expr_exec_ctx(ctx: *mut sys::ap_expr_eval_ctx_t) -> c_int {
    // SAFETY: the header asks for a context filled by the caller, with a parsed expression whose
    // root is ours and outlives the evaluation.
    unsafe {
        *(*ctx).err = null();
        if (*ctx).reclvl >= DEEPEST {
            *(*ctx).err = c"Recursion limit reached".as_ptr();
            return fail(ctx);
        }
        (*ctx).reclvl += 1;
        let mut evaluation = Evaluation::new(ctx);
        let answer = match &*(*(*ctx).info).root_node.cast::<Root>() {
            Root::Text(word) => {
                let Text(text) = expr::word(word, &mut evaluation);
                if !(*ctx).result_string.is_null() {
                    *(*ctx).result_string = text.as_ptr();
                }
                1
            }
            Root::Condition(condition) => {
                let holds = expr::condition(condition, &mut evaluation);
                if (*(*ctx).err).is_null() {
                    vary(ctx);
                }
                c_int::from(holds)
            }
        };
        (*ctx).reclvl -= 1;
        if (*(*ctx).err).is_null() {
            answer
        } else {
            fail(ctx)
        }
    }
}

/// Tells caches which fields of the request the answer depends on.
///
/// # Safety
/// As of `ap_expr_exec_ctx`.
unsafe fn vary(ctx: *mut sys::ap_expr_eval_ctx_t) {
    // SAFETY: the caller's promise.
    unsafe {
        if (*ctx).r.is_null() || (*ctx).vary_this.is_null() || (*(*ctx).vary_this).is_null() {
            return;
        }
        let fields = *(*ctx).vary_this;
        sys::apr_table_merge((*(*ctx).r).headers_out, c"Vary".as_ptr(), fields);
    }
}

/// Says in the log that an evaluation failed, and where the expression stands.
///
/// # Safety
/// As of `ap_expr_exec_ctx`; the message is set.
unsafe fn fail(ctx: *mut sys::ap_expr_eval_ctx_t) -> c_int {
    const FORMAT: &CStr = c"Evaluation of expression from %s:%d failed: %s";
    let (file, line) = (concat!(file!(), "\0").as_ptr().cast(), line!() as c_int);
    let level = sys::APLOG_ERR as c_int;
    // SAFETY: the caller's promise; the arguments are what the format names.
    unsafe {
        let info = (*ctx).info;
        let (module, message) = ((*info).module_index, *(*ctx).err);
        let name = if (*info).filename.is_null() {
            c"(unknown)".as_ptr()
        } else {
            (*info).filename
        };
        let at = (*info).line_number;
        let format = FORMAT.as_ptr();
        if (*ctx).r.is_null() {
            let s = (*ctx).s;
            sys::ap_log_error_(file, line, module, level, 0, s, format, name, at, message);
        } else {
            let r = (*ctx).r;
            sys::ap_log_rerror_(file, line, module, level, 0, r, format, name, at, message);
        }
    }
    -1
}
