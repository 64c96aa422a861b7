//! Patterns with `*` and `?`.

/// Compares all of `text` with a pattern: 0 if it matches, 1 if it does not, -1 if it is too short,
/// so that no end of it can match either. `same` compares two bytes. Without backtracking beyond the
/// last star, so a hostile pattern costs no more than the product of the lengths.
pub fn compare(text: &[u8], pattern: &[u8], same: impl Fn(u8, u8) -> bool) -> i32 {
    let (mut t, mut p) = (0, 0);
    // Where to go on when what follows the last star does not match: one byte further.
    let mut star = None;
    loop {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                if p == pattern.len() {
                    return 0;
                }
                star = Some((t, p));
                continue;
            }
            None if t == text.len() => return 0,
            Some(_) if t == text.len() => return -1,
            Some(&byte) if byte == b'?' || same(byte, text[t]) => {
                t += 1;
                p += 1;
                continue;
            }
            _ => {}
        }
        let Some((from, behind)) = star else {
            return 1;
        };
        (t, p) = (from + 1, behind);
        star = Some((t, p));
    }
}

/// Whether there is a `*` or `?` in this.
pub fn is_pattern(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'*' | b'?'))
}

/// Where `needle` is in `text`, whatever the case.
pub fn find_ignoring_case(text: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() {
        return Some(0);
    }
    text.windows(needle.len())
        .position(|window| window.eq_ignore_ascii_case(needle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        let result =
            |text: &str, pattern: &str| compare(text.as_bytes(), pattern.as_bytes(), |a, b| a == b);
        let exact = |text: &str, pattern: &str| result(text, pattern) == 0;
        assert_eq!((result("abc", "ab"), result("xyz", "a*")), (1, 1));
        assert_eq!((result("ab", "abc"), result("abc", "a*b")), (-1, -1));
        assert!(exact("www.example.com", "*.example.com"));
        assert!(exact("abc", "a?c") && exact("abc", "*") && exact("", "*") && exact("abc", "a*c"));
        assert!(!exact("abc", "a?") && !exact("", "?") && !exact("ABC", "abc"));
        assert!(exact("aXbXc", "a*b*c") && !exact("ab", "a*b*c"));
        assert!(!exact(
            &"a".repeat(2000),
            &"a*".repeat(500).replace("a*a*", "a*b")
        ));
        assert_eq!(find_ignoring_case(b"Hello", b"LL"), Some(2));
        assert_eq!(find_ignoring_case(b"x", b"xy"), None);
    }
}
