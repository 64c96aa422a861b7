//! The request line: method, target and protocol, with Apache's two measures of strictness
//! (`HttpProtocolOptions Strict` and `Unsafe`). A malformed line is still taken apart as far as it
//! goes, because logs and error pages show its parts. Called for every request.

use super::charset::{is_space, token_length, visible_length};

/// What is wrong with a request line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The method is no token.
    BadMethod,
    /// A method that HTTP/0.9 does not have.
    BadMethodFor09,
    /// Nothing follows the method.
    MissingTarget,
    /// The target holds control characters.
    BadTarget,
    /// Something other than a space separates the parts.
    BadWhitespace,
    /// More than one space separates the parts.
    ExcessWhitespace,
    /// Something follows the protocol.
    TrailingText,
    /// HTTP/0.9 is not allowed.
    Rejected09,
    /// The protocol is not `HTTP/` with two digits.
    BadProtocol,
}

/// The protocol a client names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `HTTP/1.1` and the like: major and minor number.
    Http(u8, u8),
    /// The same in other letters, to be written as `HTTP`.
    Lenient(u8, u8),
    /// None named: a simple request of HTTP/0.9.
    Simple,
    /// Not understood.
    Unknown,
}

/// A request line, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLine<'l> {
    /// As sent.
    pub method: &'l [u8],
    /// As sent; empty when missing.
    pub target: &'l [u8],
    /// As sent; empty when missing.
    pub protocol: &'l [u8],
    /// What `protocol` means.
    pub version: Version,
    /// The first thing that is wrong with it.
    pub fault: Option<Fault>,
}

impl<'l> RequestLine<'l> {
    /// Takes a line (without its end) apart.
    pub fn parse(line: &'l [u8], strict: bool) -> Self {
        let (mut parts, mut fault) = Self::split(line, strict);
        parts.version = match version(parts.protocol) {
            Version::Lenient(major, minor) if strict => {
                fault = fault.or(Some(Fault::BadProtocol));
                Version::Http(major, minor)
            }
            Version::Unknown => {
                fault = fault.or(Some(Fault::BadProtocol));
                Version::Unknown
            }
            understood => understood,
        };
        parts.fault = fault;
        parts
    }

    fn split(line: &'l [u8], strict: bool) -> (Self, Option<Fault>) {
        let mut fault = None;
        let mut note = |found: Fault| {
            fault.get_or_insert(found);
        };
        let line = match spaces(line) {
            (0, _) => line,
            (count, _) => {
                note(Fault::BadWhitespace);
                &line[count..]
            }
        };
        let mut parts = Self {
            method: line,
            target: b"",
            protocol: b"",
            version: Version::Simple,
            fault: None,
        };

        let length = if strict {
            token_length(line)
        } else {
            visible_length(line)
        };
        let Some(end) = end_of_part(line, length) else {
            note(if length == line.len() && length > 0 {
                Fault::MissingTarget
            } else {
                Fault::BadMethod
            });
            return (parts, fault);
        };
        if end != length || length == 0 {
            note(Fault::BadMethod);
        }
        parts.method = &line[..end];
        let rest = skip_separator(&line[end..], strict, &mut note);
        if rest.is_empty() {
            note(Fault::MissingTarget);
            return (parts, fault);
        }

        let length = visible_length(rest);
        let end = end_of_part(rest, length);
        if end.unwrap_or(rest.len()) != length || length == 0 {
            note(Fault::BadTarget);
        }
        let end = end.unwrap_or(rest.len());
        parts.target = &rest[..end];
        let rest = skip_separator(&rest[end..], strict, &mut note);

        let length = visible_length(rest);
        parts.protocol = &rest[..length];
        let rest = &rest[length..];
        if rest.first().is_some_and(|&byte| !is_space(byte)) {
            note(Fault::BadProtocol);
        } else if strict && !rest.is_empty() {
            note(Fault::ExcessWhitespace);
        } else {
            let (count, only_spaces) = spaces(rest);
            if !only_spaces {
                note(Fault::BadWhitespace);
            }
            if count < rest.len() {
                note(Fault::TrailingText);
            }
        }
        (parts, fault)
    }

    /// The line again, with single spaces between what there is of it.
    pub fn rebuilt(&self) -> Vec<u8> {
        let mut line =
            Vec::with_capacity(self.method.len() + self.target.len() + self.protocol.len() + 2);
        line.extend_from_slice(self.method);
        for part in [self.target, self.protocol] {
            if !part.is_empty() {
                line.push(b' ');
                line.extend_from_slice(part);
            }
        }
        line
    }
}

/// Where a part ends whose allowed bytes end at `length`: there, or at the next white space when
/// another byte stands there; `None` when that is missing too.
fn end_of_part(text: &[u8], length: usize) -> Option<usize> {
    let rest = text[length..].iter().position(|&byte| is_space(byte));
    rest.map(|beyond| length + beyond)
}

/// Skips the white space between two parts.
fn skip_separator<'l>(text: &'l [u8], strict: bool, note: &mut impl FnMut(Fault)) -> &'l [u8] {
    let (count, only_spaces) = spaces(text);
    if strict && count > 1 {
        note(Fault::ExcessWhitespace);
    }
    if !only_spaces {
        note(Fault::BadWhitespace);
    }
    &text[count..]
}

/// How many white-space characters come first, and whether all of them are spaces.
fn spaces(text: &[u8]) -> (usize, bool) {
    let count = text
        .iter()
        .position(|&byte| !is_space(byte))
        .unwrap_or(text.len());
    (count, text[..count].iter().all(|&byte| byte == b' '))
}

fn version(protocol: &[u8]) -> Version {
    match protocol {
        [] => Version::Simple,
        [
            h,
            t1,
            t2,
            p,
            b'/',
            major @ b'1'..=b'9',
            b'.',
            minor @ b'0'..=b'9',
        ] => {
            let name = [*h, *t1, *t2, *p];
            let (major, minor) = (major - b'0', minor - b'0');
            if &name == b"HTTP" {
                Version::Http(major, minor)
            } else if name.eq_ignore_ascii_case(b"HTTP") {
                Version::Lenient(major, minor)
            } else {
                Version::Unknown
            }
        }
        _ => Version::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(line: &str) -> Option<Fault> {
        RequestLine::parse(line.as_bytes(), true).fault
    }

    #[test]
    fn a_good_line_has_three_parts() {
        let line = RequestLine::parse(b"GET /a?b HTTP/1.1", true);
        assert_eq!((line.method, line.target), (&b"GET"[..], &b"/a?b"[..]));
        assert_eq!(line.version, Version::Http(1, 1));
        assert_eq!(line.fault, None);
        assert_eq!(line.rebuilt(), b"GET /a?b HTTP/1.1");
        assert_eq!(RequestLine::parse(b"GET /", true).version, Version::Simple);
        assert_eq!(fault("GET /\u{e4} HTTP/3.0"), None);
    }

    #[test]
    fn each_fault_is_told_apart() {
        assert_eq!(fault("G@T / HTTP/1.1"), Some(Fault::BadMethod));
        assert_eq!(fault("G@T"), Some(Fault::BadMethod));
        assert_eq!(fault(""), Some(Fault::BadMethod));
        assert_eq!(fault("GET"), Some(Fault::MissingTarget));
        assert_eq!(fault("GET "), Some(Fault::MissingTarget));
        assert_eq!(fault("GET /\x01 HTTP/1.1"), Some(Fault::BadTarget));
        assert_eq!(fault("GET\t/ HTTP/1.1"), Some(Fault::BadWhitespace));
        assert_eq!(fault(" GET / HTTP/1.1"), Some(Fault::BadWhitespace));
        assert_eq!(fault("GET  / HTTP/1.1"), Some(Fault::ExcessWhitespace));
        assert_eq!(fault("GET /  HTTP/1.1"), Some(Fault::ExcessWhitespace));
        assert_eq!(fault("GET / HTTP/1.1 "), Some(Fault::ExcessWhitespace));
        assert_eq!(fault("GET / HTTP/1.1 x"), Some(Fault::ExcessWhitespace));
        assert_eq!(fault("GET / HTTP/1.1\r"), Some(Fault::ExcessWhitespace));
        assert_eq!(fault("GET / http/1.1"), Some(Fault::BadProtocol));
        assert_eq!(fault("GET / HTTP/1.10"), Some(Fault::BadProtocol));
        assert_eq!(fault("GET / HTTP/0.9"), Some(Fault::BadProtocol));
        assert_eq!(fault("GET / x"), Some(Fault::BadProtocol));
    }

    #[test]
    fn unsafe_mode_bears_more() {
        let line = RequestLine::parse(b"G@T  /   http/1.0  ", false);
        assert_eq!(line.fault, None);
        assert_eq!(line.version, Version::Lenient(1, 0));
        assert_eq!(line.rebuilt(), b"G@T / http/1.0");
        let line = RequestLine::parse(b"GET / HTTP/1.0 x", false);
        assert_eq!(line.fault, Some(Fault::TrailingText));
    }
}
