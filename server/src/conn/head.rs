//! Tells when the head of a request has been received completely, so that a request is only begun
//! when it will not wait for its first lines. It judges nothing: what is malformed counts as
//! complete and is refused by the parser.

#![forbid(unsafe_code)]

/// Heads longer than this are begun incomplete: the parser's limits decide about them.
pub const LONGEST_WAITED_FOR: usize = 128 * 1024;

/// What of a head has been received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// More is to come.
    Part,
    /// All, so many bytes.
    Whole(usize),
    /// So much that the parser's limits have to decide.
    TooMuch,
}

/// How far the search for the end of a head has come, so that no byte is looked at twice.
#[derive(Clone, Copy, Default, Debug)]
pub struct Search {
    /// All before this has been looked at.
    at: usize,
    /// Where the line that is being received begins.
    line: usize,
    /// Whether the request line has been seen.
    in_fields: bool,
}

impl Search {
    /// Looks at what came since; `received` begins with what was given before.
    pub fn look(&mut self, received: &[u8]) -> Found {
        while let Some(found) = received[self.at..].iter().position(|&byte| byte == b'\n') {
            let line = received[self.line..self.at + found].trim_ascii_end();
            self.at += found + 1;
            self.line = self.at;
            if !self.in_fields {
                // Empty lines before a request are skipped, as RFC 9112 section 2.2 advises.
                if line.is_empty() {
                    continue;
                }
                if !names_a_version(line) {
                    return Found::Whole(self.at);
                }
                self.in_fields = true;
            } else if line.is_empty() {
                return Found::Whole(self.at);
            }
        }
        self.at = received.len();
        if self.at >= LONGEST_WAITED_FOR {
            Found::TooMuch
        } else {
            Found::Part
        }
    }
}

/// Whether a request line ends in a protocol version; without one it is HTTP/0.9 or malformed, and
/// no fields follow.
fn names_a_version(line: &[u8]) -> bool {
    line.iter()
        .rposition(|byte| *byte == b' ' || *byte == b'\t')
        .is_some_and(|space| line[space + 1..].to_ascii_uppercase().starts_with(b"HTTP/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After which part the search ends, and how.
    fn search(parts: &[&str]) -> Option<(usize, Found)> {
        let (mut search, mut received) = (Search::default(), Vec::new());
        parts.iter().enumerate().find_map(|(number, part)| {
            received.extend_from_slice(part.as_bytes());
            let found = search.look(&received);
            (found != Found::Part).then_some((number, found))
        })
    }

    #[test]
    fn a_head_ends_with_an_empty_line() {
        let whole = |number, length| Some((number, Found::Whole(length)));
        assert_eq!(
            search(&["GET / HTTP/1.1\r\nA: b\r\n", "\r\nbody"]),
            whole(1, 24)
        );
        assert_eq!(
            search(&["GET / HTTP/1.1\r", "\n", "\r", "\n"]),
            whole(3, 18)
        );
        assert_eq!(
            search(&["\r\n\r\n", "GET / HTTP/1.0\n", "\n"]),
            whole(2, 20)
        );
        assert_eq!(search(&["GET / HTTP/1.1\r\nHost: a\r\nX"]), None);
    }

    #[test]
    fn without_a_version_one_line_is_all() {
        assert_eq!(search(&["GET /", "\r\n"]), Some((1, Found::Whole(7))));
        assert_eq!(
            search(&["\x16\x03 nonsense\n"]),
            Some((0, Found::Whole(12)))
        );
    }

    #[test]
    fn a_head_without_end_is_handed_on() {
        let long = "x".repeat(LONGEST_WAITED_FOR);
        assert_eq!(search(&[&long]), Some((0, Found::TooMuch)));
    }
}
