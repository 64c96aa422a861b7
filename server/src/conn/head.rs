//! Tells when the head of a request has been received completely, so that a request is only begun
//! when it will not wait for its first lines. It judges nothing: what is malformed counts as
//! complete and is refused by the parser.

#![forbid(unsafe_code)]

/// Heads longer than this are begun incomplete: the parser's limits decide about them.
pub const LONGEST_WAITED_FOR: usize = 128 * 1024;

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
    /// Whether `received` (which begins with what was given before) holds all the parser needs.
    pub fn is_complete(&mut self, received: &[u8]) -> bool {
        if received.len() >= LONGEST_WAITED_FOR {
            return true;
        }
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
                    return true;
                }
                self.in_fields = true;
            } else if line.is_empty() {
                return true;
            }
        }
        self.at = received.len();
        false
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

    fn complete_after(parts: &[&str]) -> Option<usize> {
        let (mut search, mut received) = (Search::default(), Vec::new());
        parts.iter().position(|part| {
            received.extend_from_slice(part.as_bytes());
            search.is_complete(&received)
        })
    }

    #[test]
    fn a_head_ends_with_an_empty_line() {
        assert_eq!(
            complete_after(&["GET / HTTP/1.1\r\nA: b\r\n", "\r\n"]),
            Some(1)
        );
        assert_eq!(
            complete_after(&["GET / HTTP/1.1\r", "\n", "\r", "\n"]),
            Some(3)
        );
        assert_eq!(
            complete_after(&["\r\n\r\n", "GET / HTTP/1.0\n", "\n"]),
            Some(2)
        );
        assert_eq!(complete_after(&["GET / HTTP/1.1\r\nHost: a\r\nX"]), None);
    }

    #[test]
    fn without_a_version_one_line_is_all() {
        assert_eq!(complete_after(&["GET /", "\r\n"]), Some(1));
        assert_eq!(complete_after(&["\x16\x03\x01 nonsense\n"]), Some(0));
    }

    #[test]
    fn a_head_without_end_is_handed_on() {
        let long = "x".repeat(LONGEST_WAITED_FOR);
        assert_eq!(complete_after(&[&long]), Some(0));
    }
}
