//! `version_module`: `<IfVersion>`, which takes in a part of the configuration for some versions
//! only. What the words mean stands in `compare`.

mod compare;

use std::{
    ffi::{CStr, CString, c_char, c_void},
    ptr::null_mut,
};

use httpd_sys::{self as sys, ap_directive_t, ap_regex_t, cmd_parms};
use module_sdk::raw::{self, Pool};

use super::table::{self, Commands};
use compare::{Question, Version};

/// The module.
#[unsafe(no_mangle)]
pub static mut version_module: sys::module = sys::module {
    cmds: COMMANDS.as_ptr(),
    ..table::module(c"mod_version.c")
};

static COMMANDS: Commands<2> = Commands([
    table::take123(
        c"<IfVersion",
        if_version,
        sys::EXEC_ON_READ | sys::OR_ALL,
        c"a comparison operator, a version (and a delimiter)",
    ),
    table::END,
]);

/// The version modules were made for, which is what we are to them.
const OURS: Version = Version {
    major: sys::AP_SERVER_MAJORVERSION_NUMBER,
    minor: sys::AP_SERVER_MINORVERSION_NUMBER,
    patch: sys::AP_SERVER_PATCHLEVEL_NUMBER,
};

/// `<IfVersion [[!]operator] version>`.
unsafe extern "C" fn if_version(
    cmd: *mut cmd_parms,
    tree: *mut c_void,
    first: *const c_char,
    second: *const c_char,
    third: *const c_char,
) -> *const c_char {
    // SAFETY: the engine passes its live record and strings, and a place for the section's tree,
    // because the directive is read as it is met.
    unsafe {
        let words = [first, second, third].map(|word| raw::text(word));
        let words: Vec<&[u8]> = words.into_iter().flatten().map(CStr::to_bytes).collect();
        let pool = Pool::from_ptr((*cmd).pool);
        let answer = compare::parse(&words).and_then(|question| match question {
            Question::Compare { .. } => Ok(question.answer(OURS)),
            Question::Match { pattern, negated } => matches(pool, pattern).map(|is| is != negated),
        });
        let tree = tree.cast::<*mut ap_directive_t>();
        match answer {
            Err(message) => pool.text(message).as_ptr(),
            Ok(true) => {
                let (mut parent, mut current) = (null_mut(), null_mut());
                let refusal = sys::ap_build_cont_config(
                    (*cmd).pool,
                    (*cmd).temp_pool,
                    cmd,
                    &raw mut current,
                    &raw mut parent,
                    c"<IfVersion".as_ptr().cast_mut(),
                );
                *tree = current;
                refusal
            }
            Ok(false) => {
                *tree = null_mut();
                sys::ap_soak_end_container(cmd, c"<IfVersion".as_ptr().cast_mut())
            }
        }
    }
}

/// Whether our version matches a regular expression.
fn matches(pool: Pool<'_>, pattern: &[u8]) -> Result<bool, String> {
    let pattern = CString::new(pattern).unwrap_or_default();
    let version = CString::new(OURS.to_string()).unwrap_or_default();
    // SAFETY: a live pool and strings.
    unsafe {
        let flags = sys::AP_REG_EXTENDED as i32;
        let regex: *mut ap_regex_t = sys::ap_pregcomp(pool.as_ptr(), pattern.as_ptr(), flags);
        if regex.is_null() {
            return Err("Unable to compile regular expression".to_owned());
        }
        Ok(sys::ap_regexec(regex, version.as_ptr(), 0, null_mut(), 0) == 0)
    }
}
