//! Calling a module's command with the arguments of its directive.
//!
//! The command's form (`cmd_how`) says how many words it takes; the texts of the errors are Apache's,
//! because scripts read them.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr::null,
};

use httpd_sys::{self as sys, cmd_parms, command_rec};

use super::pool_text;

/// How many words a command of the form `TAKE_ARGV` gets at most.
const ARGV_MAX: usize = 64;

/// Whether a command answered anything but success.
///
/// # Safety
/// `answer` is what a command returned.
pub(super) unsafe fn is_error(answer: *const c_char) -> bool {
    // SAFETY: a command returns NULL or a NUL-terminated string.
    !answer.is_null() && unsafe { CStr::from_ptr(answer) }.to_bytes_with_nul() != sys::DECLINE_CMD
}

/// Calls `cmd` if its place is allowed and its arguments have its form; NULL or an error text.
///
/// # Safety
/// `parms` is filled in, `args` is NUL-terminated, `mconfig` is what the command's module expects.
pub(super) unsafe fn invoke(
    cmd: *const command_rec,
    parms: *mut cmd_parms,
    mconfig: *mut c_void,
    args: *const c_char,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        let listed = !(*parms).override_list.is_null()
            && !sys::apr_table_get((*parms).override_list, (*cmd).name).is_null();
        if (*parms).override_ & (*cmd).req_override == 0 && !listed {
            return misplaced(cmd, parms);
        }
        (*parms).info = (*cmd).cmd_data;
        (*parms).cmd = cmd;
        call(cmd, parms, mconfig, args)
    }
}

/// The answer to a directive that may not stand where it stands.
///
/// # Safety
/// As `invoke`.
unsafe fn misplaced(cmd: *const command_rec, parms: *mut cmd_parms) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        let name = CStr::from_ptr((*cmd).name).to_bytes();
        if (*parms).override_ & sys::NONFATAL_OVERRIDE as c_int != 0 {
            let text = format!(
                "AH02295: {} in .htaccess forbidden by AllowOverride",
                String::from_utf8_lossy(name)
            );
            super::log((*parms).temp_pool, sys::APLOG_WARNING, 0, &text);
            return null();
        }
        let directive = (*parms).directive;
        let section = if directive.is_null() || (*directive).parent.is_null() {
            null()
        } else {
            (*(*directive).parent).directive
        };
        let text = if section.is_null() {
            [name, b" not allowed here"].concat()
        } else {
            let section = CStr::from_ptr(section).to_bytes();
            [name, b" not allowed in ", section, b"> context"].concat()
        };
        pool_text((*parms).pool, text)
    }
}

/// `NAME` and what is wrong with its arguments, with the table's usage text behind it.
///
/// # Safety
/// As `invoke`.
unsafe fn wrong(cmd: *const command_rec, parms: *mut cmd_parms, what: &str) -> *const c_char {
    // SAFETY: the caller's promise; a command's usage is NULL or a string.
    unsafe {
        let mut text = CStr::from_ptr((*cmd).name).to_bytes().to_vec();
        text.extend_from_slice(what.as_bytes());
        if !(*cmd).errmsg.is_null() {
            text.extend_from_slice(b", ");
            text.extend_from_slice(CStr::from_ptr((*cmd).errmsg).to_bytes());
        }
        pool_text((*parms).pool, text)
    }
}

/// The words of a directive's arguments, cut one after the other.
struct Words {
    pool: *mut sys::apr_pool_t,
    rest: *const c_char,
}

impl Words {
    /// # Safety
    /// The pool is live, the rest NUL-terminated; so for the other methods.
    unsafe fn next(&mut self) -> *mut c_char {
        // SAFETY: as promised.
        unsafe { sys::ap_getword_conf(self.pool, &mut self.rest) }
    }

    /// The next word, or NULL where the text has ended.
    unsafe fn another(&mut self) -> *mut c_char {
        // SAFETY: as promised.
        unsafe {
            if self.ended() {
                std::ptr::null_mut()
            } else {
                self.next()
            }
        }
    }

    unsafe fn ended(&self) -> bool {
        // SAFETY: as promised.
        unsafe { *self.rest == 0 }
    }
}

/// Whether a word is there and holds something.
///
/// # Safety
/// `word` is NULL or NUL-terminated.
unsafe fn some(word: *const c_char) -> bool {
    // SAFETY: the caller's promise.
    !word.is_null() && unsafe { *word } != 0
}

/// Cuts the arguments as the command's form asks and calls it.
///
/// # Safety
/// As `invoke`.
unsafe fn call(
    cmd: *const command_rec,
    parms: *mut cmd_parms,
    mconfig: *mut c_void,
    args: *const c_char,
) -> *const c_char {
    // SAFETY: the caller's promise; the form says which member of the union holds.
    unsafe {
        let func = (*cmd).func;
        let mut words = Words {
            pool: (*parms).pool,
            rest: args,
        };
        match (*cmd).args_how {
            sys::RAW_ARGS => {
                let Some(f) = func.raw_args else {
                    return improper(cmd, parms);
                };
                f(parms, mconfig, args)
            }
            sys::TAKE_ARGV => {
                let Some(f) = func.take_argv else {
                    return improper(cmd, parms);
                };
                let mut argv = [std::ptr::null_mut::<c_char>(); ARGV_MAX];
                let mut argc = 0;
                while argc < ARGV_MAX && !(words.ended() && argc > 0) {
                    let word = words.next();
                    if !some(word) && words.ended() {
                        break;
                    }
                    argv[argc] = word;
                    argc += 1;
                }
                f(parms, mconfig, argc as c_int, argv.as_ptr())
            }
            sys::NO_ARGS => {
                if !words.ended() {
                    let name = CStr::from_ptr((*cmd).name).to_bytes();
                    return pool_text((*parms).pool, [name, b" takes no arguments"].concat());
                }
                let Some(f) = func.no_args else {
                    return improper(cmd, parms);
                };
                f(parms, mconfig)
            }
            sys::TAKE1 => {
                let word = words.next();
                if !some(word) || !words.ended() {
                    return wrong(cmd, parms, " takes one argument");
                }
                let Some(f) = func.take1 else {
                    return improper(cmd, parms);
                };
                f(parms, mconfig, word)
            }
            how @ (sys::TAKE2 | sys::TAKE12) => {
                let (one, two) = (words.next(), words.next());
                let both = how == sys::TAKE12 || some(two);
                if !some(one) || !both || !words.ended() {
                    let what = if how == sys::TAKE2 {
                        " takes two arguments"
                    } else {
                        " takes 1-2 arguments"
                    };
                    return wrong(cmd, parms, what);
                }
                let Some(f) = func.take2 else {
                    return improper(cmd, parms);
                };
                f(parms, mconfig, one, if some(two) { two } else { null() })
            }
            how @ (sys::TAKE3 | sys::TAKE23 | sys::TAKE123 | sys::TAKE13) => {
                let one = words.next();
                let (two, three) = (words.another(), words.another());
                let (enough, what) = match how {
                    sys::TAKE3 => (some(two) && some(three), " takes three arguments"),
                    sys::TAKE23 => (some(two), " takes two or three arguments"),
                    sys::TAKE123 => (true, " takes one, two or three arguments"),
                    _ => (
                        !some(two) || !three.is_null(),
                        " takes one or three arguments",
                    ),
                };
                if !some(one) || !enough || !words.ended() {
                    return wrong(cmd, parms, what);
                }
                let Some(f) = func.take3 else {
                    return improper(cmd, parms);
                };
                f(parms, mconfig, one, two, three)
            }
            sys::ITERATE => {
                let mut word = words.next();
                if !some(word) {
                    return wrong(cmd, parms, " requires at least one argument");
                }
                let Some(f) = func.take1 else {
                    return improper(cmd, parms);
                };
                let mut answer = null();
                while some(word) {
                    answer = f(parms, mconfig, word);
                    if is_error(answer) {
                        return answer;
                    }
                    word = words.next();
                }
                answer
            }
            sys::ITERATE2 => {
                let first = words.next();
                if !some(first) || words.ended() {
                    return wrong(cmd, parms, " requires at least two arguments");
                }
                let Some(f) = func.take2 else {
                    return improper(cmd, parms);
                };
                let mut answer = null();
                loop {
                    let word = words.next();
                    if !some(word) {
                        return answer;
                    }
                    answer = f(parms, mconfig, first, word);
                    if is_error(answer) {
                        return answer;
                    }
                }
            }
            sys::FLAG => {
                words.pool = (*parms).temp_pool;
                let word = CStr::from_ptr(words.next()).to_bytes();
                let on = word.eq_ignore_ascii_case(b"on");
                if !on && !word.eq_ignore_ascii_case(b"off") {
                    let name = CStr::from_ptr((*cmd).name).to_bytes();
                    return pool_text((*parms).pool, [name, b" must be On or Off"].concat());
                }
                let Some(f) = func.flag else {
                    return improper(cmd, parms);
                };
                f(parms, mconfig, c_int::from(on))
            }
            _ => improper(cmd, parms),
        }
    }
}

/// The answer to a command table that makes no sense.
///
/// # Safety
/// As `invoke`.
unsafe fn improper(cmd: *const command_rec, parms: *mut cmd_parms) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe {
        let name = CStr::from_ptr((*cmd).name).to_bytes();
        let text = [name, b" is improperly configured internally (server bug)"].concat();
        pool_text((*parms).pool, text)
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, mem::zeroed, ptr::null_mut};

    use super::*;
    use crate::abi::http_config::testing::with_pool;

    thread_local! {
        static CALLS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    unsafe fn note(words: &[*const c_char]) -> *const c_char {
        // SAFETY: the words are NULL or NUL-terminated.
        let words: Vec<_> = words
            .iter()
            .map(|&word| match word.is_null() {
                true => "-".to_owned(),
                false => unsafe { super::super::lossy(word) },
            })
            .collect();
        CALLS.with_borrow_mut(|calls| calls.push(words.join("|")));
        if words.first().is_some_and(|word| word == "bad") {
            return c"is bad".as_ptr();
        }
        if words.first().is_some_and(|word| word == "declined") {
            return sys::DECLINE_CMD.as_ptr().cast();
        }
        null()
    }

    unsafe extern "C" fn none(_: *mut cmd_parms, _: *mut c_void) -> *const c_char {
        // SAFETY: no words.
        unsafe { note(&[]) }
    }
    unsafe extern "C" fn one(_: *mut cmd_parms, _: *mut c_void, a: *const c_char) -> *const c_char {
        // SAFETY: a word.
        unsafe { note(&[a]) }
    }
    unsafe extern "C" fn two(
        _: *mut cmd_parms,
        _: *mut c_void,
        a: *const c_char,
        b: *const c_char,
    ) -> *const c_char {
        // SAFETY: words.
        unsafe { note(&[a, b]) }
    }
    unsafe extern "C" fn three(
        _: *mut cmd_parms,
        _: *mut c_void,
        a: *const c_char,
        b: *const c_char,
        c: *const c_char,
    ) -> *const c_char {
        // SAFETY: words.
        unsafe { note(&[a, b, c]) }
    }
    unsafe extern "C" fn flag(_: *mut cmd_parms, _: *mut c_void, on: c_int) -> *const c_char {
        CALLS.with_borrow_mut(|calls| calls.push(on.to_string()));
        null()
    }
    unsafe extern "C" fn argv(
        _: *mut cmd_parms,
        _: *mut c_void,
        argc: c_int,
        argv: *const *mut c_char,
    ) -> *const c_char {
        // SAFETY: `argc` words.
        unsafe {
            let words: Vec<_> = (0..argc as usize)
                .map(|at| (*argv.add(at)).cast_const())
                .collect();
            note(&words)
        }
    }

    /// What the command was called with, or the error.
    fn run(how: sys::cmd_how, args: &CStr) -> Result<Vec<String>, String> {
        let func = match how {
            sys::RAW_ARGS => sys::cmd_func {
                raw_args: Some(one),
            },
            sys::NO_ARGS => sys::cmd_func {
                no_args: Some(none),
            },
            sys::TAKE_ARGV => sys::cmd_func {
                take_argv: Some(argv),
            },
            sys::TAKE1 | sys::ITERATE => sys::cmd_func { take1: Some(one) },
            sys::TAKE2 | sys::TAKE12 | sys::ITERATE2 => sys::cmd_func { take2: Some(two) },
            sys::FLAG => sys::cmd_func { flag: Some(flag) },
            _ => sys::cmd_func { take3: Some(three) },
        };
        let cmd = command_rec {
            name: c"Foo".as_ptr(),
            func,
            cmd_data: null_mut(),
            req_override: sys::OR_ALL as c_int,
            args_how: how,
            errmsg: c"usage".as_ptr(),
        };
        let mut result = Ok(Vec::new());
        // SAFETY: the records are filled in and outlive the call.
        with_pool(|pool| unsafe {
            let mut parms: cmd_parms = zeroed();
            parms.pool = pool;
            parms.temp_pool = pool;
            parms.override_ = sys::OR_FILEINFO as c_int;
            CALLS.take();
            let answer = invoke(&cmd, &mut parms, null_mut(), args.as_ptr());
            result = if is_error(answer) {
                Err(super::super::lossy(answer))
            } else {
                Ok(CALLS.take())
            };
        });
        result
    }

    fn calls(how: sys::cmd_how, args: &CStr, expected: &[&str]) {
        let got = run(how, args);
        assert_eq!(
            got.as_deref().map_err(String::as_str),
            Ok(&*expected
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()),
            "{how} {args:?}"
        );
    }

    fn fails(how: sys::cmd_how, args: &CStr, expected: &str) {
        assert_eq!(run(how, args), Err(expected.to_owned()), "{how} {args:?}");
    }

    #[test]
    fn each_form_takes_its_number_of_words() {
        calls(sys::RAW_ARGS, c"a 'b c'", &["a 'b c'"]);
        calls(sys::NO_ARGS, c"", &[""]);
        fails(sys::NO_ARGS, c"x", "Foo takes no arguments");
        calls(sys::TAKE1, c"'a b'", &["a b"]);
        fails(sys::TAKE1, c"", "Foo takes one argument, usage");
        fails(sys::TAKE1, c"a b", "Foo takes one argument, usage");
        fails(sys::TAKE1, c"\"\"", "Foo takes one argument, usage");
        calls(sys::TAKE2, c"a \"b\\\"\"", &["a|b\""]);
        fails(sys::TAKE2, c"a", "Foo takes two arguments, usage");
        fails(sys::TAKE2, c"a b c", "Foo takes two arguments, usage");
        calls(sys::TAKE12, c"a", &["a|-"]);
        calls(sys::TAKE12, c"a b", &["a|b"]);
        fails(sys::TAKE12, c"a b c", "Foo takes 1-2 arguments, usage");
        calls(sys::TAKE3, c"a b c", &["a|b|c"]);
        fails(sys::TAKE3, c"a b", "Foo takes three arguments, usage");
        calls(sys::TAKE23, c"a b", &["a|b|-"]);
        fails(sys::TAKE23, c"a", "Foo takes two or three arguments, usage");
        calls(sys::TAKE123, c"a", &["a|-|-"]);
        calls(sys::TAKE123, c"a b c", &["a|b|c"]);
        fails(
            sys::TAKE123,
            c"a b c d",
            "Foo takes one, two or three arguments, usage",
        );
        calls(sys::TAKE13, c"a", &["a|-|-"]);
        fails(
            sys::TAKE13,
            c"a b",
            "Foo takes one or three arguments, usage",
        );
        calls(sys::TAKE13, c"a b c", &["a|b|c"]);
    }

    #[test]
    fn iterating_forms_call_for_each_word_until_an_error() {
        calls(sys::ITERATE, c"a b  c", &["a", "b", "c"]);
        fails(
            sys::ITERATE,
            c"",
            "Foo requires at least one argument, usage",
        );
        calls(sys::ITERATE2, c"x a b", &["x|a", "x|b"]);
        fails(
            sys::ITERATE2,
            c"x",
            "Foo requires at least two arguments, usage",
        );
        fails(sys::ITERATE, c"a bad c", "is bad");
        calls(sys::ITERATE, c"declined a", &["declined", "a"]);
    }

    #[test]
    fn flags_and_argument_vectors() {
        calls(sys::FLAG, c"ON", &["1"]);
        calls(sys::FLAG, c"off", &["0"]);
        fails(sys::FLAG, c"maybe", "Foo must be On or Off");
        fails(sys::FLAG, c"", "Foo must be On or Off");
        calls(sys::TAKE_ARGV, c"a b c", &["a|b|c"]);
        calls(sys::TAKE_ARGV, c"", &[""]);
        let many = std::ffi::CString::new("a ".repeat(100)).unwrap_or_default();
        assert_eq!(
            run(sys::TAKE_ARGV, &many).map(|calls| calls[0].len()),
            Ok(127)
        );
        fails(
            99,
            c"",
            "Foo is improperly configured internally (server bug)",
        );
    }

    #[test]
    fn a_directive_outside_its_place_is_refused() {
        // SAFETY: as in `run`.
        with_pool(|pool| unsafe {
            let cmd = command_rec {
                name: c"Foo".as_ptr(),
                func: sys::cmd_func {
                    no_args: Some(none),
                },
                cmd_data: null_mut(),
                req_override: sys::RSRC_CONF as c_int,
                args_how: sys::NO_ARGS,
                errmsg: null(),
            };
            let mut parms: cmd_parms = zeroed();
            parms.pool = pool;
            parms.temp_pool = pool;
            parms.override_ = sys::ACCESS_CONF as c_int;
            let text = |answer| super::super::lossy(answer);
            let answer = invoke(&cmd, &mut parms, null_mut(), c"".as_ptr());
            assert_eq!(text(answer), "Foo not allowed here");
            let mut section: sys::ap_directive_t = zeroed();
            section.directive = c"<Directory".as_ptr();
            let mut directive: sys::ap_directive_t = zeroed();
            directive.parent = &mut section;
            parms.directive = &mut directive;
            let answer = invoke(&cmd, &mut parms, null_mut(), c"".as_ptr());
            assert_eq!(text(answer), "Foo not allowed in <Directory> context");
            parms.override_list = sys::apr_table_make(pool, 1);
            sys::apr_table_setn(parms.override_list, c"foo".as_ptr(), c"1".as_ptr());
            assert!(invoke(&cmd, &mut parms, null_mut(), c"".as_ptr()).is_null());
        });
    }
}
