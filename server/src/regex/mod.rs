//! Substitution: what a replacement text means. No pointers, no PCRE.

#![forbid(unsafe_code)]

/// The pieces of `input` with its references replaced: `$0` to `$9` by what the group matched of
/// `source` (nothing when it did not take part), a character behind a backslash by itself.
///
/// `groups` is how many groups are known, `span` where a group matched.
pub fn parts<'a>(
    input: &'a [u8],
    source: &'a [u8],
    groups: usize,
    span: impl Fn(usize) -> Option<(usize, usize)>,
) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = input;
    std::iter::from_fn(move || {
        let part;
        (part, rest) = match *rest {
            [] => return None,
            [b'$', digit @ b'0'..=b'9', ..] => {
                let number = usize::from(digit - b'0');
                let matched = (number < groups)
                    .then(|| span(number))
                    .flatten()
                    .and_then(|(start, end)| source.get(start..end));
                (matched.unwrap_or_default(), &rest[2..])
            }
            [b'\\', _, ..] => (&rest[1..2], &rest[2..]),
            _ => {
                let plain = 1 + rest[1..]
                    .iter()
                    .position(|byte| matches!(byte, b'$' | b'\\'))
                    .unwrap_or(rest.len() - 1);
                rest.split_at(plain)
            }
        };
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn substitute(input: &str) -> String {
        let groups = [Some((0, 5)), Some((1, 3)), None];
        let parts = parts(input.as_bytes(), b"abcde", groups.len(), |n| groups[n]);
        String::from_utf8(parts.flatten().copied().collect()).unwrap()
    }

    #[test]
    fn references_become_what_was_matched() {
        assert_eq!(substitute("<$0|$1|$2|$9>"), "<abcde|bc||>");
        assert_eq!(substitute(r"\$1 $ $x \x\\ & \"), r"$1 $ $x x\ & \");
        assert_eq!(substitute("plain"), "plain");
        assert_eq!(substitute(""), "");
    }
}
