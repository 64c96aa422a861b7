//! A whole request head in one slice. The common head is taken apart by httparse; whatever httparse
//! does not accept, or accepts more generously than Apache, is left to the line-by-line parsers,
//! whose verdict counts.

use super::request_line::RequestLine;

/// How many fields the quick parser takes.
pub const QUICK_FIELDS: usize = 100;

/// The empty lines that may precede a request.
pub const BLANK_LINES: usize = 10;

/// A piece of a head, by offsets: small, since there is room for many in every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Piece {
    start: u32,
    end: u32,
}

impl Piece {
    /// The bytes from `start` up to `end`; `Quick::parse` takes no heads whose offsets do not fit.
    fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// Where it begins.
    pub fn start(self) -> usize {
        self.start as usize
    }

    /// Where it ends; the byte there may be overwritten.
    pub fn end(self) -> usize {
        self.end as usize
    }

    /// Its bytes.
    pub fn of(self, head: &[u8]) -> &[u8] {
        &head[self.start()..self.end()]
    }
}

/// A field, by offsets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Field {
    /// The name; a colon follows.
    pub name: Piece,
    /// The value without white space around it; a space, tab or CR follows.
    pub value: Piece,
}

/// A head the quick parser understood and nobody could read differently.
#[derive(Debug)]
pub struct Quick {
    /// The request line without its end.
    pub line: Piece,
    /// How many of `fields` there are.
    pub count: usize,
    /// The fields.
    pub fields: [Field; QUICK_FIELDS],
}

impl Quick {
    /// Takes a head apart; `None` leaves it to the thorough parser. Every line ends in CR LF, no
    /// line exceeds its limit (which counts like Apache's: one byte more than it says), and there
    /// are no folded lines.
    pub fn parse(head: &[u8], line_limit: usize, field_limit: usize) -> Option<Self> {
        let mut headers = [const { std::mem::MaybeUninit::uninit() }; QUICK_FIELDS];
        let mut request = httparse::Request::new(&mut []);
        let parsed = request.parse_with_uninit_headers(head, &mut headers).ok()?;
        let httparse::Status::Complete(length) = parsed else {
            return None;
        };
        if head.first() != request.method?.as_bytes().first() || !only_crlf(&head[..length]) {
            return None;
        }
        let line_end = head.iter().position(|&byte| byte == b'\r')?;
        if line_end > line_limit + 1 || u32::try_from(length).is_err() {
            return None;
        }
        let mut quick = Self {
            line: Piece::new(0, line_end),
            count: request.headers.len(),
            fields: [Field::default(); QUICK_FIELDS],
        };
        let mut next_line = line_end + 2;
        for (field, header) in quick.fields.iter_mut().zip(request.headers.iter()) {
            let colon = next_line + header.name.len();
            let name = Piece::new(next_line, colon);
            // The value begins behind the colon and white space; it is a slice of the head.
            let start = if header.value.is_empty() {
                colon + 1
            } else {
                let spaces = head[colon + 1..]
                    .iter()
                    .take_while(|byte| matches!(byte, b' ' | b'\t'))
                    .count();
                colon + 1 + spaces
            };
            let value = Piece::new(start, start + header.value.len());
            let behind = head[value.end()..].iter().position(|&byte| byte == b'\n')?;
            let line_feed = value.end() + behind;
            if name.of(head) != header.name.as_bytes()
                || value.of(head) != header.value
                || line_feed - next_line > field_limit + 2
            {
                return None;
            }
            *field = Field { name, value };
            next_line = line_feed + 1;
        }
        Some(quick)
    }

    /// The request line taken apart.
    pub fn request_line<'h>(&self, head: &'h [u8]) -> RequestLine<'h> {
        RequestLine::parse(self.line.of(head), true)
    }
}

/// Whether each line feed follows a carriage return and each carriage return precedes one. Looks
/// at every byte without branching, which the compiler turns into vector instructions.
fn only_crlf(head: &[u8]) -> bool {
    let Some(behind_first) = head.get(1..) else {
        return false;
    };
    let odd = head
        .iter()
        .zip(behind_first)
        .fold(false, |odd, (&a, &b)| odd | ((a == b'\r') != (b == b'\n')));
    !odd && head[0] != b'\n'
}

/// Why a line could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFault {
    /// Longer than the limit.
    TooLong,
    /// A NUL in it, or not ended by CR LF where that is asked for.
    Malformed,
    /// The head ends before the line does.
    Incomplete,
}

/// The lines of a head.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'h> {
    rest: &'h [u8],
    strict: bool,
    /// What there was of the line read last.
    read: &'h [u8],
}

impl<'h> Lines<'h> {
    /// The lines of `head`; `strict` asks for CR LF at the end of each.
    pub fn new(head: &'h [u8], strict: bool) -> Self {
        Self {
            rest: head,
            strict,
            read: b"",
        }
    }

    /// The next line without its end.
    ///
    /// # Errors
    /// Why there is none; nothing more can be read then.
    pub fn next_line(&mut self, limit: usize) -> Result<&'h [u8], LineFault> {
        let window = &self.rest[..self.rest.len().min(limit + 3)];
        let found = window.iter().position(|&byte| byte == b'\n');
        self.read = &window[..found.map_or(window.len(), |found| found + 1).min(limit + 1)];
        let Some(found) = found else {
            return Err(if self.rest.len() > limit + 2 {
                LineFault::TooLong
            } else {
                LineFault::Incomplete
            });
        };
        let line = &self.rest[..found];
        self.rest = &self.rest[found + 1..];
        let line = match line.strip_suffix(b"\r") {
            Some(line) => line,
            // Too long a line is not looked at.
            None if self.strict && line.len() <= limit + 1 => return Err(LineFault::Malformed),
            None => line,
        };
        if line.len() > limit + 1 {
            return Err(LineFault::TooLong);
        }
        if line.contains(&0) {
            return Err(LineFault::Malformed);
        }
        Ok(line)
    }

    /// What there was of the line that could not be read, for the log.
    pub fn refused(&self) -> &'h [u8] {
        self.read.strip_suffix(b"\r\n").unwrap_or(self.read)
    }

    /// The request line: the first that is not empty, or the eleventh.
    ///
    /// # Errors
    /// As for `next_line`.
    pub fn request_line(&mut self, limit: usize) -> Result<&'h [u8], LineFault> {
        let mut line = self.next_line(limit)?;
        for _ in 0..BLANK_LINES {
            if !line.is_empty() {
                break;
            }
            line = self.next_line(limit)?;
        }
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::fields::{Fields, Limits};

    const GOOD: &[u8] =
        b"GET /x HTTP/1.1\r\nHost: a.example\r\nEmpty:\r\nSpaced: \t b c \t\r\nX:  \r\n\r\n";

    #[test]
    fn the_common_head_is_taken_apart_quickly() {
        let quick = Quick::parse(GOOD, 100, 100).unwrap();
        assert_eq!(quick.line.of(GOOD), b"GET /x HTTP/1.1");
        let fields: Vec<_> = quick.fields[..quick.count]
            .iter()
            .map(|field| (field.name.of(GOOD), field.value.of(GOOD)))
            .collect();
        assert_eq!(
            fields,
            [
                (&b"Host"[..], &b"a.example"[..]),
                (b"Empty", b""),
                (b"Spaced", b"b c"),
                (b"X", b""),
            ]
        );
    }

    #[test]
    fn doubtful_heads_are_left_to_the_thorough_parser() {
        for head in [
            &b"GET / HTTP/1.1\nHost: a\n\n"[..],
            b"GET / HTTP/1.1\r\nHost: a\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n\n",
            b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\0\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
            b"GET /\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n",
        ] {
            assert!(
                Quick::parse(head, 100, 100).is_none(),
                "{}",
                head.escape_ascii()
            );
        }
        assert!(Quick::parse(GOOD, 13, 100).is_none());
        assert!(Quick::parse(GOOD, 14, 14).is_some());
        assert!(Quick::parse(GOOD, 14, 13).is_none());
    }

    #[test]
    fn lines_end_as_the_mode_asks() {
        let mut lines = Lines::new(b"a\r\nb\nc", false);
        assert_eq!(lines.next_line(9), Ok(&b"a"[..]));
        assert_eq!(lines.next_line(9), Ok(&b"b"[..]));
        assert_eq!(lines.next_line(9), Err(LineFault::Incomplete));
        let strict = |text| Lines::new(text, true).next_line(2);
        assert_eq!(strict(b"a\n"), Err(LineFault::Malformed));
        assert_eq!(strict(b"a\0\r\n"), Err(LineFault::Malformed));
        assert_eq!(strict(b"abc\r\n"), Ok(&b"abc"[..]));
        assert_eq!(strict(b"abcd\r\n"), Err(LineFault::TooLong));
        assert_eq!(strict(b"abcdefg"), Err(LineFault::TooLong));
    }

    #[test]
    fn ten_empty_lines_may_precede_a_request() {
        let line = |blank: usize| {
            let head = "\r\n".repeat(blank) + "GET /\r\n";
            Lines::new(head.as_bytes(), true)
                .request_line(100)
                .unwrap()
                .to_owned()
        };
        assert_eq!(line(10), b"GET /");
        assert_eq!(line(11), b"");
    }

    /// Line, names and values by the thorough parser; `None` when it refuses the head.
    type Field = (Vec<u8>, Vec<u8>);

    fn thoroughly(head: &[u8]) -> Option<(Vec<u8>, Vec<Field>)> {
        let mut lines = Lines::new(head, true);
        let line = lines.request_line(60).ok()?;
        let parts = RequestLine::parse(line, true);
        if parts.fault.is_some() {
            return None;
        }
        let mut fields = Fields::new(Limits {
            fields: 0,
            field_size: 60,
            strict: true,
        });
        while !fields.take_line(lines.next_line(60).ok()?).ok()? {}
        let pairs = fields.iter().map(|(n, v)| (n.to_vec(), v.to_vec()));
        Some((line.to_vec(), pairs.collect()))
    }

    /// A request that two parsers read differently can be smuggled past one of them.
    #[test]
    fn what_the_quick_parser_takes_the_thorough_one_reads_alike() {
        const PIECES: [&[u8]; 22] = [
            b"\r\n",
            b"\n",
            b"\r",
            b" ",
            b"\t",
            b":",
            b"\0",
            b"\x0b",
            b"\x7f",
            b"\xff",
            b"A",
            b"b: c",
            b"Host",
            b"GET",
            b"/",
            b"HTTP/1.1",
            b"HTTP/1.0",
            b"\r\n\r\n",
            b"\r\n ",
            b",",
            b"\"",
            b"{|}",
        ];
        let mut state = 1u64;
        let mut random = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut taken = 0;
        for _ in 0..20_000 {
            let mut head = GOOD.to_vec();
            for _ in 0..random(4) {
                let (at, piece) = (random(head.len()), PIECES[random(PIECES.len())]);
                let until = (at + random(3)).min(head.len());
                head.splice(at..until, piece.iter().copied());
            }
            let Some(quick) = Quick::parse(&head, 60, 60) else {
                continue;
            };
            if quick.request_line(&head).fault.is_some() {
                continue;
            }
            taken += 1;
            let fields = quick.fields[..quick.count]
                .iter()
                .map(|field| {
                    (
                        field.name.of(&head).to_vec(),
                        field.value.of(&head).to_vec(),
                    )
                })
                .collect();
            let quickly = Some((quick.line.of(&head).to_vec(), fields));
            assert_eq!(quickly, thoroughly(&head), "{}", head.escape_ascii());
        }
        assert!(taken > 4_000, "only {taken} heads were taken quickly");
    }
}
