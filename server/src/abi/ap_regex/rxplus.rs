//! `ap_rxplus_*`: expressions in Perl's notation, `m/pattern/flags` and `s/pattern/text/flags`.

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::{null, null_mut},
};

use httpd_sys::{self as sys, ap_regmatch_t, ap_rxplus_t, apr_pool_t};
use module_sdk::raw::Pool;

use crate::util::perl;

exports! { ap_rxplus_compile, ap_rxplus_exec, ap_rxplus_match, ap_rxplus_pmatch }

/// What the letters at the end mean; unknown ones are passed over, as Apache does.
fn flags_of(letters: &[u8]) -> u32 {
    letters.iter().fold(0, |flags, letter| {
        flags
            | match letter {
                b'i' => sys::AP_REG_ICASE,
                b'm' => sys::AP_REG_NEWLINE,
                b's' => sys::AP_REG_DOTALL,
                b'g' => sys::AP_REG_MULTI,
                b'n' => sys::AP_REG_NOMEM,
                b'^' => sys::AP_REG_NOTBOL,
                b'$' => sys::AP_REG_NOTEOL,
                _ => 0,
            }
    })
}

/// Compiles an expression, which lives as long as the pool; NULL when it is malformed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_rxplus_compile(
    pool: *mut apr_pool_t,
    pattern: *const c_char,
) -> *mut ap_rxplus_t {
    // SAFETY: the header asks for a live pool and a string; what is built is the pool's.
    unsafe {
        let Some(parts) = perl::split(CStr::from_ptr(pattern).to_bytes()) else {
            return null_mut();
        };
        let pool = Pool::from_ptr(pool);
        let rx: *mut ap_rxplus_t = pool.zeroed();
        let mut compile_flags = 0;
        if let Some(letters) = parts.flags {
            let usual = super::ap_regcomp_get_default_cflags() as u32 & sys::AP_REG_DOLLAR_ENDONLY;
            (*rx).flags = usual | flags_of(letters);
            compile_flags = (*rx).flags | sys::AP_REG_NO_DEFAULT;
        }
        let text = pool.copy(parts.pattern);
        let compiled = super::ap_pregcomp(pool.as_ptr(), text.as_ptr(), compile_flags as c_int);
        if compiled.is_null() {
            return null_mut();
        }
        // The pool frees the expression through the record it was compiled into.
        (*rx).rx = *compiled;
        if let Some(replacement) = parts.replacement {
            (*rx).subs = pool.copy(replacement).as_ptr();
        }
        // A substitution needs to know where the match is, whatever its flags.
        if (*rx).flags & sys::AP_REG_NOMEM == 0 || !(*rx).subs.is_null() {
            (*rx).nmatch = (*compiled).re_nsub as usize + 1;
            let size = (*rx).nmatch * size_of::<ap_regmatch_t>();
            (*rx).pmatch = sys::apr_palloc(pool.as_ptr(), size).cast();
        }
        rx
    }
}

/// Matches, and substitutes into `newpattern`; answers how often.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_rxplus_exec(
    pool: *mut apr_pool_t,
    rx: *mut ap_rxplus_t,
    pattern: *const c_char,
    newpattern: *mut *mut c_char,
) -> c_int {
    // SAFETY: the header asks for a live pool, a compiled expression, a string and, for a
    // substitution, a place for the result. A match lies within the string it is of.
    unsafe {
        let mut eflags = (*rx).flags & (sys::AP_REG_NOTBOL | sys::AP_REG_NOTEOL);
        let mut subject = pattern;
        let mut result = Vec::new();
        let mut count = 0;
        (*rx).match_ = null();
        loop {
            let (nmatch, pmatch) = ((*rx).nmatch, (*rx).pmatch);
            if super::ap_regexec(
                &raw const (*rx).rx,
                subject,
                nmatch,
                pmatch,
                eflags as c_int,
            ) != 0
            {
                break;
            }
            if (*rx).subs.is_null() {
                (*rx).match_ = subject;
                return 1;
            }
            let text = super::ap_pregsub(pool, (*rx).subs, subject, nmatch, pmatch);
            if text.is_null() {
                // The result is too long: nothing is substituted any more.
                break;
            }
            (*rx).match_ = subject;
            count += 1;
            let bytes = CStr::from_ptr(subject).to_bytes();
            let (start, mut end) = ((*pmatch).rm_so as usize, (*pmatch).rm_eo as usize);
            result.extend_from_slice(&bytes[..start]);
            result.extend_from_slice(CStr::from_ptr(text).to_bytes());
            let nothing = start == end;
            if nothing && end < bytes.len() {
                // A match of nothing would be found for ever: go on behind the next character.
                result.push(bytes[end]);
                end += 1;
            }
            subject = subject.add(end);
            if (*rx).flags & sys::AP_REG_MULTI == 0 || (nothing && *subject == 0) {
                break;
            }
            eflags |= sys::AP_REG_NOTBOL;
        }
        if count > 0 {
            result.extend_from_slice(CStr::from_ptr(subject).to_bytes());
            newpattern.write(Pool::from_ptr(pool).copy(result).as_ptr().cast_mut());
        }
        count
    }
}

/// A group of the last match, where it stands; NULL and -1 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_rxplus_match(
    rx: *mut ap_rxplus_t,
    n: c_int,
    len: *mut c_int,
    match_: *mut *const c_char,
) {
    // SAFETY: the header asks for a compiled expression, whose last string still is there, and for
    // places for the answer.
    unsafe {
        let group = usize::try_from(n)
            .ok()
            .filter(|&n| n < (*rx).nmatch && !(*rx).match_.is_null())
            .map(|n| *(*rx).pmatch.add(n))
            .filter(|group| group.rm_so >= 0);
        match group {
            Some(group) => {
                len.write(group.rm_eo - group.rm_so);
                match_.write((*rx).match_.add(group.rm_so as usize));
            }
            None => {
                len.write(-1);
                match_.write(null());
            }
        }
    }
}

/// The same as a copy; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_rxplus_pmatch(
    pool: *mut apr_pool_t,
    rx: *mut ap_rxplus_t,
    n: c_int,
) -> *mut c_char {
    let (mut length, mut start) = (0, null());
    // SAFETY: passed on; a group has `length` bytes.
    unsafe {
        ap_rxplus_match(rx, n, &raw mut length, &raw mut start);
        match usize::try_from(length) {
            Ok(length) => sys::apr_pstrndup(pool, start, length),
            Err(_) => null_mut(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::http_config::testing::with_pool;

    #[test]
    fn substitutions_happen_once_or_everywhere() {
        // SAFETY: strings and expressions of a pool that outlives them.
        with_pool(|pool| unsafe {
            let substitute = |expression: &CStr, text: &CStr| {
                let rx = ap_rxplus_compile(pool, expression.as_ptr());
                assert!(!rx.is_null());
                let mut result = null_mut();
                let count = ap_rxplus_exec(pool, rx, text.as_ptr(), &raw mut result);
                let text = if result.is_null() {
                    text
                } else {
                    CStr::from_ptr(result)
                };
                (count, text.to_str().unwrap().to_owned())
            };
            assert_eq!(substitute(c"s/a(.)/<$1>/", c"ab ac"), (1, "<b> ac".into()));
            assert_eq!(
                substitute(c"s/A(.)/<$1>/gi", c"ab ac"),
                (2, "<b> <c>".into())
            );
            assert_eq!(substitute(c"s/^a/x/g", c"aaa"), (1, "xaa".into()));
            assert_eq!(substitute(c"s/x*/-/g", c"abx"), (4, "-a-b--".into()));
            assert_eq!(substitute(c"s/q/-/gn", c"abx"), (0, "abx".into()));
            assert!(ap_rxplus_compile(pool, c"s/a/b".as_ptr()).is_null());
        });
    }

    #[test]
    fn groups_of_a_match_are_told() {
        // SAFETY: as above.
        with_pool(|pool| unsafe {
            let rx = ap_rxplus_compile(pool, c"m#(b)(z)?(c)#".as_ptr());
            assert_eq!(ap_rxplus_exec(pool, rx, c"abc".as_ptr(), null_mut()), 1);
            assert_eq!(CStr::from_ptr(ap_rxplus_pmatch(pool, rx, 0)), c"bc");
            assert_eq!(CStr::from_ptr(ap_rxplus_pmatch(pool, rx, 3)), c"c");
            assert!(ap_rxplus_pmatch(pool, rx, 2).is_null());
            assert!(ap_rxplus_pmatch(pool, rx, 9).is_null());
            assert_eq!(ap_rxplus_exec(pool, rx, c"x".as_ptr(), null_mut()), 0);
            assert!(ap_rxplus_pmatch(pool, rx, 0).is_null());
        });
    }
}
