//! Cutting strings into words: the `ap_getword` family of `httpd.h`.
//!
//! The cutting is done on byte slices, safely; the exported functions turn C strings into slices,
//! advance the caller's pointer and copy the word into the caller's pool.

use std::ffi::{CStr, c_char};

use httpd_sys as sys;

exports! {
    ap_getword, ap_getword_nc, ap_getword_nulls, ap_getword_nulls_nc, ap_getword_white,
    ap_getword_white_nc, ap_getword_conf, ap_getword_conf_nc, ap_getword_conf2,
    ap_getword_conf2_nc,
}

/// A word and how many bytes of the line it used up, separators behind it included.
#[derive(Debug, PartialEq, Eq)]
struct Word<'a> {
    /// The word as it stands in the line.
    text: &'a [u8],
    /// What a backslash escapes beside itself: the quote around the word. The escapes are still to
    /// be resolved.
    quote: Option<u8>,
    used: usize,
}

/// Up to `stop`, which is skipped with all that repeat it.
fn word(line: &[u8], stop: u8) -> Word<'_> {
    let end = line.iter().position(|&b| b == stop).unwrap_or(line.len());
    let repeats = line[end..].iter().take_while(|&&b| b == stop).count();
    Word {
        text: &line[..end],
        quote: None,
        used: end + repeats,
    }
}

/// Up to `stop`, of which one is skipped: empty words are words.
fn word_nulls(line: &[u8], stop: u8) -> Word<'_> {
    let end = line.iter().position(|&b| b == stop).unwrap_or(line.len());
    Word {
        text: &line[..end],
        quote: None,
        used: (end + 1).min(line.len()),
    }
}

/// Up to white space.
fn word_white(line: &[u8]) -> Word<'_> {
    let end = line.iter().position(|&b| is_space(b)).unwrap_or(line.len());
    let spaces = line[end..].iter().take_while(|&&b| is_space(b)).count();
    Word {
        text: &line[..end],
        quote: None,
        used: end + spaces,
    }
}

/// A word of a configuration line: bare, or in single or double quotes.
fn word_conf(line: &[u8]) -> Word<'_> {
    let lead = line.iter().take_while(|&&b| is_space(b)).count();
    let rest = &line[lead..];
    let (text, quote, end) = match rest.first() {
        Some(&quote @ (b'"' | b'\'')) => {
            let mut end = 1;
            while end < rest.len() && rest[end] != quote {
                // A backslash takes the next byte with it only before a backslash or the quote.
                let escapes = rest[end] == b'\\'
                    && rest
                        .get(end + 1)
                        .is_some_and(|&next| next == b'\\' || next == quote);
                end += if escapes { 2 } else { 1 };
            }
            (&rest[1..end], Some(quote), (end + 1).min(rest.len()))
        }
        _ => {
            let end = rest.iter().position(|&b| is_space(b)).unwrap_or(rest.len());
            // Outside quotes too, two backslashes stand for one.
            (&rest[..end], Some(b'\\'), end)
        }
    };
    let trail = rest[end..].iter().take_while(|&&b| is_space(b)).count();
    Word {
        text,
        quote,
        used: lead + end + trail,
    }
}

/// The same, where braces too hold a word together; they may be nested.
fn word_conf2(line: &[u8]) -> Word<'_> {
    let lead = line.iter().take_while(|&&b| is_space(b)).count();
    let rest = &line[lead..];
    if rest.first() != Some(&b'{') {
        return word_conf(line);
    }
    let mut open = 0;
    let end = rest.iter().position(|byte| {
        match byte {
            b'{' => open += 1,
            b'}' => open -= 1,
            _ => {}
        }
        open == 0
    });
    let end = end.unwrap_or(rest.len());
    let behind = (end + 1).min(rest.len());
    let trail = rest[behind..].iter().take_while(|&&b| is_space(b)).count();
    Word {
        text: &rest[1..end],
        // As for a bare word.
        quote: Some(b'\\'),
        used: lead + behind + trail,
    }
}

/// White space as C's `isspace` has it in the C locale.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Advances `*line` past a word and copies it, NUL-terminated, into `pool`.
///
/// # Safety
/// `*line` is a NUL-terminated string that outlives the call; `pool` is a live pool.
unsafe fn take(
    pool: *mut sys::apr_pool_t,
    line: *mut *const c_char,
    cut: impl FnOnce(&[u8]) -> Word<'_>,
) -> *mut c_char {
    // SAFETY: the caller's promise; the copy has room for the whole word and its NUL, and `used`
    // is at most the line's length.
    unsafe {
        let word = cut(CStr::from_ptr(*line).to_bytes());
        let copy = sys::apr_palloc(pool, word.text.len() + 1).cast::<u8>();
        let mut length = 0;
        let mut at = 0;
        while at < word.text.len() {
            let escaped = word.text[at] == b'\\'
                && word.quote.is_some_and(|quote| {
                    word.text
                        .get(at + 1)
                        .is_some_and(|&next| next == b'\\' || next == quote)
                });
            at += usize::from(escaped);
            copy.add(length).write(word.text[at]);
            length += 1;
            at += 1;
        }
        copy.add(length).write(0);
        *line = (*line).add(word.used);
        copy.cast()
    }
}

/// Exports a function and its `_nc` twin, which only differs in the constness of the line.
macro_rules! getword {
    ($name:ident $twin:ident ($($stop:ident: c_char)?) $cut:expr) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            pool: *mut sys::apr_pool_t,
            line: *mut *const c_char,
            $($stop: c_char,)?
        ) -> *mut c_char {
            // SAFETY: the header asks for a live pool and a NUL-terminated line.
            unsafe { take(pool, line, $cut) }
        }

        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $twin(
            pool: *mut sys::apr_pool_t,
            line: *mut *mut c_char,
            $($stop: c_char,)?
        ) -> *mut c_char {
            // SAFETY: as above; the line is only read.
            unsafe { take(pool, line.cast(), $cut) }
        }
    };
}

getword!(ap_getword ap_getword_nc (stop: c_char) |line| word(line, stop as u8));
getword!(ap_getword_nulls ap_getword_nulls_nc (stop: c_char) |line| word_nulls(line, stop as u8));
getword!(ap_getword_white ap_getword_white_nc () word_white);
getword!(ap_getword_conf ap_getword_conf_nc () word_conf);
getword!(ap_getword_conf2 ap_getword_conf2_nc () word_conf2);

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use super::*;

    /// All words of a configuration line, through the exported function.
    fn conf_words(line: &CStr) -> Vec<String> {
        // SAFETY: the line outlives the pool, which is destroyed last.
        unsafe {
            assert_eq!(sys::apr_initialize(), 0);
            let mut pool = null_mut();
            assert_eq!(
                sys::apr_pool_create_ex(&mut pool, null_mut(), None, null_mut()),
                0
            );
            let mut rest = line.as_ptr();
            let mut words = Vec::new();
            while *rest != 0 {
                let word = ap_getword_conf(pool, &mut rest);
                words.push(CStr::from_ptr(word).to_string_lossy().into_owned());
            }
            sys::apr_pool_destroy(pool);
            words
        }
    }

    #[test]
    fn configuration_words_may_be_quoted() {
        assert_eq!(
            conf_words(c"a  'b c'\t\"d \\\"e\\\\ \\n\" f"),
            ["a", "b c", "d \"e\\ \\n", "f"]
        );
        assert_eq!(conf_words(c"\"\" x"), ["", "x"]);
        assert_eq!(conf_words(c"a\\\\b\"c \\d"), ["a\\b\"c", "\\d"]);
        assert_eq!(conf_words(c"\"never closed"), ["never closed"]);
        assert_eq!(conf_words(c"\"ends in \\"), ["ends in \\"]);
    }

    #[test]
    fn braces_hold_words_together() {
        assert_eq!(word_conf2(b" {a {b} c} d").text, b"a {b} c");
        assert_eq!(word_conf2(b" {a {b} c} d").used, 11);
        assert_eq!(word_conf2(b"{open").text, b"open");
        assert_eq!(word_conf2(b"a{b c}").text, b"a{b");
    }

    #[test]
    fn repeated_separators_are_one_unless_empty_words_count() {
        assert_eq!(word(b"a,,b", b',').used, 3);
        assert_eq!(word_nulls(b"a,,b", b',').used, 2);
        assert_eq!(word_nulls(b"last", b',').used, 4);
        assert_eq!(word_white(b"GET  /").used, 5);
    }
}
