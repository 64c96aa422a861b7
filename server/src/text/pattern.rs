//! Patterns with `*` and `?`.

/// Whether `text` matches; `same` compares two bytes. Without backtracking beyond the last star, so
/// a hostile pattern costs no more than the product of the lengths.
pub fn matches(text: &[u8], pattern: &[u8], same: impl Fn(u8, u8) -> bool) -> bool {
    let (mut t, mut p) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || same(byte, text[t]) => {
                t += 1;
                p += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
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
        let exact =
            |text: &str, pattern: &str| matches(text.as_bytes(), pattern.as_bytes(), |a, b| a == b);
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
