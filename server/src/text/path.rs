//! Paths of URLs and files.

use super::escape::{digit, is_unreserved};

/// What `normalize` does beside resolving dot segments.
#[derive(Clone, Copy, Debug, Default)]
pub struct Normalize {
    /// A path need not begin with a slash.
    pub allow_relative: bool,
    /// A path that climbs above its root is malformed.
    pub not_above_root: bool,
    /// Decodes what need not have been encoded.
    pub decode_unreserved: bool,
    /// Makes repeated slashes one.
    pub merge_slashes: bool,
}

/// Resolves dot segments in place; answers the new length and whether the path is well formed.
pub fn normalize(path: &mut [u8], how: Normalize) -> (usize, bool) {
    let at = |path: &[u8], index: usize| path.get(index).copied().unwrap_or(0);
    let ends_segment = |byte: u8| byte == b'/' || byte == 0;
    let mut good = true;
    let (mut read, mut write) = (1, 1);
    if at(path, 0) != b'/' {
        if path == b"*" {
            return (1, true);
        }
        if !how.allow_relative || path.is_empty() {
            return (path.len(), false);
        }
        (read, write) = (0, 0);
    }
    while read < path.len() {
        if how.decode_unreserved && path[read] == b'%' {
            match digit(at(path, read + 1)).zip(digit(at(path, read + 2))) {
                Some((high, low)) if is_unreserved(high << 4 | low) => {
                    // Read on from the last byte of the three, which becomes the character.
                    read += 2;
                    path[read] = high << 4 | low;
                }
                Some(_) => {}
                None => good = false,
            }
        }
        if write == 0 || path[write - 1] == b'/' {
            if how.merge_slashes && path[read] == b'/' {
                while at(path, read) == b'/' {
                    read += 1;
                }
                continue;
            }
            if path[read] == b'.' {
                if ends_segment(at(path, read + 1)) {
                    read += 2;
                    continue;
                }
                let second = match at(path, read + 1) {
                    b'.' => Some(read + 1),
                    b'%' if how.decode_unreserved
                        && at(path, read + 2) == b'2'
                        && at(path, read + 3).eq_ignore_ascii_case(&b'e') =>
                    {
                        Some(read + 3)
                    }
                    _ => None,
                };
                if let Some(second) = second.filter(|second| ends_segment(at(path, second + 1))) {
                    if write > 1 {
                        write -= 1;
                        while write > 0 && path[write - 1] != b'/' {
                            write -= 1;
                        }
                    } else if how.not_above_root {
                        good = false;
                    }
                    read = second + 2;
                    continue;
                }
            }
        }
        path[write] = path[read];
        (read, write) = (read + 1, write + 1);
    }
    (write, good)
}

/// Makes repeated slashes one, in place; answers the new length.
pub fn merge_slashes(path: &mut [u8]) -> usize {
    let mut write = 0;
    for read in 0..path.len() {
        if path[read] == b'/' && write > 0 && path[write - 1] == b'/' {
            continue;
        }
        path[write] = path[read];
        write += 1;
    }
    write
}

/// How many bytes the first `count` components of a path take, each with its slash; the path's
/// length when there are fewer.
pub fn prefix_length(path: &[u8], count: usize) -> usize {
    let mut slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    slashes
        .nth(count.saturating_sub(1))
        .map_or(path.len(), |(index, _)| index)
}

/// A path up to its last slash, with it; empty without one.
pub fn parent(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|&byte| byte == b'/');
    &path[..end.map_or(0, |end| end + 1)]
}

/// Whether this begins with a scheme (RFC 3986 section 3.1, as loosely as Apache sees it).
pub fn is_url(text: &[u8]) -> bool {
    text.iter()
        .position(|&byte| byte == b':')
        .is_some_and(|end| {
            end > 0
                && text[..end]
                    .iter()
                    .all(|&byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalized(path: &str, how: Normalize) -> Option<String> {
        let mut bytes = path.as_bytes().to_vec();
        let (length, good) = normalize(&mut bytes, how);
        bytes.truncate(length);
        good.then(|| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn dot_segments_are_resolved() {
        let how = Normalize {
            not_above_root: true,
            decode_unreserved: true,
            ..Normalize::default()
        };
        for (path, result) in [
            ("/a/./b/../c", Some("/a/c")),
            ("/a/..", Some("/")),
            ("/..", None),
            ("/a/../../b", None),
            ("/%2e%2E/a", None),
            ("/a/.%2e/b", Some("/b")),
            ("/%41%2f", Some("/A%2f")),
            ("/%4", None),
            ("/a//b", Some("/a//b")),
            ("/...", Some("/...")),
            ("*", Some("*")),
            ("a", None),
            ("", None),
            ("/.", Some("/")),
        ] {
            assert_eq!(normalized(path, how).as_deref(), result, "{path}");
        }
        let relative = Normalize {
            allow_relative: true,
            merge_slashes: true,
            ..Normalize::default()
        };
        assert_eq!(normalized("a//./b", relative).as_deref(), Some("a/b"));
        assert_eq!(normalized("../x", relative).as_deref(), Some("x"));
    }

    #[test]
    fn paths_are_cut() {
        assert_eq!(prefix_length(b"/a/b/c", 1), 0);
        assert_eq!(prefix_length(b"/a/b/c", 3), 4);
        assert_eq!(prefix_length(b"/a", 9), 2);
        assert_eq!(parent(b"/a/b"), b"/a/");
        assert_eq!(parent(b"a"), b"");
        let mut path = *b"//a///b/";
        let length = merge_slashes(&mut path);
        assert_eq!(&path[..length], b"/a/b/");
        assert!(is_url(b"http://x") && is_url(b"mailto:x") && !is_url(b"/a:b") && !is_url(b":x"));
    }
}
