//! Exports of `ap_regex.h` on PCRE2, and of `httpd.h` what compiles and substitutes in pools.
//!
//! A compiled expression never changes, so threads share it; what a match needs besides is kept per
//! thread, and a match allocates nothing.

use std::{
    cell::RefCell,
    ffi::{CStr, c_char, c_int, c_void},
    ptr::{null, null_mut},
    slice,
    sync::atomic::{AtomicI32, Ordering},
};

use httpd_sys::{self as sys, ap_regex_t, ap_regmatch_t};
use module_sdk::raw::{Array, Pool};
use pcre2_sys as pcre2;

pub(super) mod rxplus;

exports! {
    ap_regcomp, ap_regfree, ap_regexec, ap_regexec_len, ap_regerror, ap_regname,
    ap_regcomp_get_default_cflags, ap_regcomp_set_default_cflags, ap_regcomp_default_cflag_by_name,
    ap_pcre_version_string, ap_pregcomp, ap_pregfree, ap_pregsub, ap_pregsub_ex,
}

/// RegexDefaultOptions.
static DEFAULT_FLAGS: AtomicI32 = AtomicI32::new(sys::AP_REG_DEFAULT as i32);

/// The options that hold for expressions compiled without `AP_REG_NO_DEFAULT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_regcomp_get_default_cflags() -> c_int {
    DEFAULT_FLAGS.load(Ordering::Relaxed)
}

/// Sets those options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_regcomp_set_default_cflags(cflags: c_int) {
    DEFAULT_FLAGS.store(cflags, Ordering::Relaxed);
}

/// The option of a name of RegexDefaultOptions; 0 when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_regcomp_default_cflag_by_name(name: *const c_char) -> c_int {
    // SAFETY: the header asks for a string.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    let flags = [
        (&b"ICASE"[..], sys::AP_REG_ICASE),
        (b"EXTENDED", sys::AP_REG_EXTENDED),
        (b"DOTALL", sys::AP_REG_DOTALL),
        (b"DOLLAR_ENDONLY", sys::AP_REG_DOLLAR_ENDONLY),
    ];
    flags
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map_or(0, |(_, flag)| *flag as c_int)
}

/// PCRE's version.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_pcre_version_string(_which: c_int) -> *const c_char {
    thread_local! {
        static VERSION: RefCell<[u8; 80]> = const { RefCell::new([0; 80]) };
    }
    VERSION.with_borrow_mut(|version| {
        // SAFETY: PCRE2 asks for at least 24 bytes and ends the text with NUL.
        unsafe { pcre2::pcre2_config_8(pcre2::PCRE2_CONFIG_VERSION, version.as_mut_ptr().cast()) };
        version.as_ptr().cast()
    })
}

fn code_of(preg: *const ap_regex_t) -> *mut pcre2::pcre2_code_8 {
    // SAFETY: the callers' header asks for a compiled expression.
    unsafe { (*preg).re_pcre.cast() }
}

/// Compiles an expression; 0, or `AP_REG_*`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_regcomp(
    preg: *mut ap_regex_t,
    regex: *const c_char,
    cflags: c_int,
) -> c_int {
    let mut flags = cflags as u32;
    if flags & sys::AP_REG_NO_DEFAULT == 0 {
        flags |= DEFAULT_FLAGS.load(Ordering::Relaxed) as u32;
    }
    let mut options = pcre2::PCRE2_DUPNAMES;
    for (flag, option) in [
        (sys::AP_REG_ICASE, pcre2::PCRE2_CASELESS),
        (sys::AP_REG_NEWLINE, pcre2::PCRE2_MULTILINE),
        (sys::AP_REG_DOTALL, pcre2::PCRE2_DOTALL),
        (sys::AP_REG_DOLLAR_ENDONLY, pcre2::PCRE2_DOLLAR_ENDONLY),
    ] {
        if flags & flag != 0 {
            options |= option;
        }
    }
    // SAFETY: the header asks for room for the record and a string; PCRE2 writes to places of ours.
    unsafe {
        let (mut error, mut offset) = (0, 0);
        let code = pcre2::pcre2_compile_8(
            regex.cast(),
            libc::strlen(regex),
            options,
            &raw mut error,
            &raw mut offset,
            null_mut(),
        );
        (*preg).re_pcre = code.cast();
        (*preg).re_erroffset = offset;
        if code.is_null() {
            // PCRE2's numbers for "internal error: overran" and "out of memory" are 121 and 120.
            return if error == 121 || error == 120 {
                sys::AP_REG_ESPACE
            } else {
                sys::AP_REG_INVARG
            } as c_int;
        }
        let mut groups: u32 = 0;
        pcre2::pcre2_pattern_info_8(
            code,
            pcre2::PCRE2_INFO_CAPTURECOUNT,
            (&raw mut groups).cast(),
        );
        (*preg).re_nsub = groups as c_int;
        // Machine code pays for what every request is matched with, not for what is compiled while
        // one is served (`.htaccess`) and used a few times. Where the machine has none the
        // interpreter matches: nothing to report.
        let mut state = 0;
        let unknown = sys::ap_mpm_query(sys::AP_MPMQ_MPM_STATE as c_int, &raw mut state) != 0;
        if unknown || state != sys::AP_MPMQ_RUNNING as c_int {
            pcre2::pcre2_jit_compile_8(code, pcre2::PCRE2_JIT_COMPLETE);
        }
    }
    0
}

/// Frees a compiled expression.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_regfree(preg: *mut ap_regex_t) {
    // SAFETY: the header asks for a compiled expression that is not used any more; NULL is allowed.
    unsafe { pcre2::pcre2_code_free_8(code_of(preg)) }
}

/// What PCRE2 writes a match to, for a thread.
struct MatchData(*mut pcre2::pcre2_match_data_8, u32);

impl Drop for MatchData {
    fn drop(&mut self) {
        // SAFETY: made by `pairs`, or NULL, which is allowed.
        unsafe { pcre2::pcre2_match_data_free_8(self.0) }
    }
}

impl MatchData {
    /// Room for so many pairs at least.
    fn with_room(&mut self, pairs: u32) -> *mut pcre2::pcre2_match_data_8 {
        if self.1 < pairs || self.0.is_null() {
            // SAFETY: NULL is allowed; the new record replaces the old one.
            unsafe {
                pcre2::pcre2_match_data_free_8(self.0);
                self.0 = pcre2::pcre2_match_data_create_8(pairs.max(10), null_mut());
            }
            self.1 = pairs.max(10);
        }
        self.0
    }
}

thread_local! {
    static MATCH: RefCell<MatchData> = const { RefCell::new(MatchData(null_mut(), 0)) };
}

/// Matches a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_regexec(
    preg: *const ap_regex_t,
    string: *const c_char,
    nmatch: usize,
    pmatch: *mut ap_regmatch_t,
    eflags: c_int,
) -> c_int {
    // SAFETY: the header asks for a string.
    unsafe { ap_regexec_len(preg, string, libc::strlen(string), nmatch, pmatch, eflags) }
}

/// Matches `len` bytes; 0, or `AP_REG_NOMATCH`. The first `nmatch` groups go to `pmatch`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_regexec_len(
    preg: *const ap_regex_t,
    buff: *const c_char,
    len: usize,
    nmatch: usize,
    pmatch: *mut ap_regmatch_t,
    eflags: c_int,
) -> c_int {
    let mut options = 0;
    if eflags as u32 & sys::AP_REG_NOTBOL != 0 {
        options |= pcre2::PCRE2_NOTBOL;
    }
    if eflags as u32 & sys::AP_REG_NOTEOL != 0 {
        options |= pcre2::PCRE2_NOTEOL;
    }
    MATCH.with_borrow_mut(|data| {
        // SAFETY: the header asks for a compiled expression, `len` bytes and room for `nmatch`
        // records; PCRE2 fills as many pairs as the match data has, at most.
        unsafe {
            let data = data.with_room((*preg).re_nsub as u32 + 1);
            if data.is_null() {
                return sys::AP_REG_ESPACE as c_int;
            }
            let (code, text) = (code_of(preg), buff.cast());
            let run = |options| pcre2::pcre2_match_8(code, text, len, 0, options, data, null_mut());
            let mut found = run(options);
            if found == pcre2::PCRE2_ERROR_JIT_STACKLIMIT {
                // Machine code has 32 KiB of stack; the interpreter uses the heap.
                found = run(options | pcre2::PCRE2_NO_JIT);
            }
            if found == pcre2::PCRE2_ERROR_NOMATCH {
                return sys::AP_REG_NOMATCH as c_int;
            }
            if found < 0 {
                return if found == pcre2::PCRE2_ERROR_NOMEMORY
                    || found == pcre2::PCRE2_ERROR_MATCHLIMIT
                {
                    sys::AP_REG_ESPACE
                } else {
                    sys::AP_REG_ASSERT
                } as c_int;
            }
            if nmatch > 0 {
                let pairs = pcre2::pcre2_get_ovector_pointer_8(data);
                let places = slice::from_raw_parts_mut(pmatch, nmatch);
                for (number, place) in places.iter_mut().enumerate() {
                    let set = number < found as usize && *pairs.add(2 * number) != usize::MAX;
                    *place = if set {
                        ap_regmatch_t {
                            rm_so: *pairs.add(2 * number) as c_int,
                            rm_eo: *pairs.add(2 * number + 1) as c_int,
                        }
                    } else {
                        ap_regmatch_t {
                            rm_so: -1,
                            rm_eo: -1,
                        }
                    };
                }
            }
            0
        }
    })
}

/// The text of an error, cut to the buffer; answers the length it needs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_regerror(
    errcode: c_int,
    preg: *const ap_regex_t,
    errbuf: *mut c_char,
    errbuf_size: usize,
) -> usize {
    let message = match errcode as u32 {
        0 => "",
        sys::AP_REG_ASSERT => "internal error",
        sys::AP_REG_ESPACE => "failed to get memory",
        sys::AP_REG_INVARG => "bad argument",
        sys::AP_REG_NOMATCH => "match failed",
        _ => "unknown error code",
    };
    // SAFETY: the header asks for NULL or a record, and for `errbuf_size` bytes.
    unsafe {
        let offset = if preg.is_null() {
            usize::MAX
        } else {
            (*preg).re_erroffset
        };
        let text = if offset == usize::MAX || errcode as u32 != sys::AP_REG_INVARG {
            message.to_owned()
        } else {
            format!("{message} at offset {offset:<6}")
        };
        if errbuf_size > 0 {
            let count = text.len().min(errbuf_size - 1);
            std::ptr::copy_nonoverlapping(text.as_ptr().cast(), errbuf, count);
            errbuf.add(count).write(0);
        }
        text.len() + 1
    }
}

/// The names of an expression's groups: at each group's place in `names`, with `prefix` before it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_regname(
    preg: *const ap_regex_t,
    names: *mut sys::apr_array_header_t,
    prefix: *const c_char,
    upper: c_int,
) -> c_int {
    // SAFETY: the header asks for a compiled expression, an array of strings and a string or NULL;
    // PCRE2's table has `count` entries of `size` bytes: a number of two bytes, and a name.
    unsafe {
        let code = code_of(preg);
        let (mut count, mut size, mut table) = (0u32, 0u32, null::<u8>());
        pcre2::pcre2_pattern_info_8(code, pcre2::PCRE2_INFO_NAMECOUNT, (&raw mut count).cast());
        pcre2::pcre2_pattern_info_8(
            code,
            pcre2::PCRE2_INFO_NAMEENTRYSIZE,
            (&raw mut size).cast(),
        );
        pcre2::pcre2_pattern_info_8(code, pcre2::PCRE2_INFO_NAMETABLE, (&raw mut table).cast());
        let list = Array::<*const c_char>::from_ptr(names);
        let pool = Pool::from_ptr((*names).pool);
        let prefix = module_sdk::raw::text(prefix).unwrap_or_default();
        for number in 0..count as usize {
            let entry = table.add(number * size as usize);
            let group = usize::from(*entry) << 8 | usize::from(*entry.add(1));
            let mut name = prefix.to_bytes().to_vec();
            name.extend_from_slice(CStr::from_ptr(entry.add(2).cast()).to_bytes());
            if upper != 0 {
                name.make_ascii_uppercase();
            }
            while list.len() <= group {
                list.push(null());
            }
            let place = (*names).elts.cast::<*const c_char>().add(group);
            place.write(pool.copy(name).as_ptr());
        }
        count as c_int
    }
}

/// Compiles an expression that lives as long as the pool; NULL when it is malformed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_pregcomp(
    p: *mut sys::apr_pool_t,
    pattern: *const c_char,
    cflags: c_int,
) -> *mut ap_regex_t {
    // SAFETY: the header asks for a live pool and a string.
    unsafe {
        let preg: *mut ap_regex_t = Pool::from_ptr(p).zeroed();
        if ap_regcomp(preg, pattern, cflags) != 0 {
            return null_mut();
        }
        sys::apr_pool_cleanup_register(
            p,
            preg.cast(),
            Some(free_with_pool),
            Some(sys::apr_pool_cleanup_null),
        );
        preg
    }
}

unsafe extern "C" fn free_with_pool(preg: *mut c_void) -> sys::apr_status_t {
    // SAFETY: registered by `ap_pregcomp` with its expression.
    unsafe { ap_regfree(preg.cast()) };
    0
}

/// Frees such an expression before its pool goes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_pregfree(p: *mut sys::apr_pool_t, reg: *mut ap_regex_t) {
    // SAFETY: the header asks for what `ap_pregcomp` made in this pool.
    unsafe { sys::apr_pool_cleanup_run(p, reg.cast(), Some(free_with_pool)) };
}

/// The longest result of `ap_pregsub`, as Apache limits it.
const LONGEST: usize = 8 * sys::HUGE_STRING_LEN as usize;

/// `input` with `$0` to `$9` replaced by what was matched of `source`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_pregsub(
    p: *mut sys::apr_pool_t,
    input: *const c_char,
    source: *const c_char,
    nmatch: usize,
    pmatch: *mut ap_regmatch_t,
) -> *mut c_char {
    let mut result = null_mut();
    // SAFETY: passed on as they came.
    let status =
        unsafe { ap_pregsub_ex(p, &raw mut result, input, source, nmatch, pmatch, LONGEST) };
    if status == 0 { result } else { null_mut() }
}

/// The same; a result that is not shorter than `maxlen` (0: any length) is refused with
/// `APR_ENOMEM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ap_pregsub_ex(
    p: *mut sys::apr_pool_t,
    result: *mut *mut c_char,
    input: *const c_char,
    source: *const c_char,
    nmatch: usize,
    pmatch: *mut ap_regmatch_t,
    maxlen: usize,
) -> sys::apr_status_t {
    // SAFETY: the header asks for a live pool, strings and `nmatch` records about `source`.
    unsafe {
        result.write(null_mut());
        if source.is_null() {
            return sys::APR_EINVAL as sys::apr_status_t;
        }
        let input = CStr::from_ptr(input).to_bytes();
        let source = CStr::from_ptr(source).to_bytes();
        let groups = groups(nmatch, pmatch);
        let parts = || substituted(input, source, groups);
        let length: usize = parts().map(<[u8]>::len).sum();
        if maxlen > 0 && length >= maxlen {
            return sys::APR_ENOMEM as sys::apr_status_t;
        }
        let room = sys::apr_palloc(p, length + 1).cast::<u8>();
        let mut at = 0;
        for part in parts() {
            std::ptr::copy_nonoverlapping(part.as_ptr(), room.add(at), part.len());
            at += part.len();
        }
        room.add(at).write(0);
        result.write(room.cast());
    }
    0
}

/// The records of a match.
///
/// # Safety
/// `pmatch` has `nmatch` records, which outlive the slice.
pub(super) unsafe fn groups<'a>(
    nmatch: usize,
    pmatch: *const ap_regmatch_t,
) -> &'a [ap_regmatch_t] {
    if nmatch == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(pmatch, nmatch) }
}

/// The pieces of `input` with its references replaced; without groups it stays as it is.
pub(super) fn substituted<'a>(
    input: &'a [u8],
    source: &'a [u8],
    groups: &'a [ap_regmatch_t],
) -> impl Iterator<Item = &'a [u8]> {
    let (verbatim, input) = if groups.is_empty() {
        (Some(input), &[][..])
    } else {
        (None, input)
    };
    let span = |number: usize| {
        let group = groups.get(number)?;
        Some((
            usize::try_from(group.rm_so).ok()?,
            usize::try_from(group.rm_eo).ok()?,
        ))
    };
    let parts = crate::regex::parts(input, source, groups.len(), span);
    verbatim.into_iter().chain(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::http_config::testing::with_pool;

    #[test]
    fn an_expression_matches_and_substitutes() {
        // SAFETY: strings and records that outlive their use.
        with_pool(|pool| unsafe {
            let expression = ap_pregcomp(pool, c"^/(?<user>[a-z]+)/(x)?(.*)$".as_ptr(), 0);
            assert_eq!((*expression).re_nsub, 3);
            let mut groups = [ap_regmatch_t { rm_so: 7, rm_eo: 7 }; 10];
            let subject = c"/bob/y\nz";
            let status = ap_regexec(expression, subject.as_ptr(), 10, groups.as_mut_ptr(), 0);
            assert_eq!(status, 0);
            assert_eq!((groups[1].rm_so, groups[1].rm_eo), (1, 4));
            assert_eq!((groups[2].rm_so, groups[9].rm_so), (-1, -1));
            let mut substitute = |count| {
                let input = c"$1-$2-$3\\$".as_ptr();
                let result = ap_pregsub(pool, input, subject.as_ptr(), count, groups.as_mut_ptr());
                CStr::from_ptr(result)
            };
            assert_eq!(substitute(10), c"bob--y\nz$");
            assert_eq!(substitute(0), c"$1-$2-$3\\$");
            let status = ap_regexec(expression, c"none".as_ptr(), 0, null_mut(), 0);
            assert_eq!(status, sys::AP_REG_NOMATCH as c_int);
            let names = sys::apr_array_make(pool, 4, size_of::<*const c_char>() as c_int);
            assert_eq!(ap_regname(expression, names, c"MATCH_".as_ptr(), 1), 1);
            let names = Array::<*const c_char>::from_ptr(names);
            assert_eq!(CStr::from_ptr(names.get(1).unwrap()), c"MATCH_USER");
            assert!(ap_pregcomp(pool, c"(".as_ptr(), 0).is_null());
        });
    }
}
