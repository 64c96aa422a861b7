//! What is fuzzed: every parser of bytes that strangers send, as a function that takes any bytes and
//! panics when a promise is broken. `tests/fuzz` runs them under libFuzzer; the tests below run them
//! over mutations of its corpus, the same ones each time.

#![forbid(unsafe_code)]

use crate::{
    config::line,
    expr,
    http::{
        chunk::{Decoder, State},
        fields::{Fields, Limits},
        head::{Lines, Quick},
        range::{self, Wanted},
        request_line::RequestLine,
    },
    text::{
        escape::{Decode, decode},
        path::{Normalize, normalize},
    },
};

/// A target: it takes any bytes.
pub type Target = fn(&[u8]);

/// Every target by the name of its corpus.
pub const TARGETS: [(&str, Target); 6] = [
    ("config_line", config_line),
    ("head", head),
    ("chunked", chunked),
    ("expression", expression),
    ("url", url),
    ("range", byte_range),
];

/// A configuration's text, line by line.
pub fn config_line(text: &[u8]) {
    let mut open: Vec<Vec<u8>> = Vec::new();
    for piece in text.split_inclusive(|&byte| byte == b'\n') {
        let mut piece = piece.to_vec();
        let ended = piece.ends_with(b"\n");
        assert_eq!(line::finish(&mut piece) != line::End::Open, ended);
        let trimmed = line::trim(&piece);
        assert_eq!(line::trim(trimmed), trimmed);
        let end = trimmed.iter().position(|&byte| line::is_space(byte));
        let word = &trimmed[..end.unwrap_or(trimmed.len())];
        let head = line::head(word, end.is_some());
        assert!(word.starts_with(head.name));
        match head.shape {
            line::Shape::Open => open.push(head.name.to_vec()),
            line::Shape::Close => {
                let section = open.pop();
                // Whatever it says, it says it in words.
                if let Err(why) = line::closes(head.name, section.as_deref()) {
                    assert!(!why.is_empty());
                }
            }
            line::Shape::Directive => {}
        }
    }
}

/// A request's head: what the quick parser takes, the thorough one takes alike.
pub fn head(bytes: &[u8]) {
    const LINE: usize = 200;
    const FIELD: usize = 100;
    let quick = Quick::parse(bytes, LINE, FIELD);
    for strict in [true, false] {
        let mut lines = Lines::new(bytes, strict);
        let Ok(line) = lines.request_line(LINE) else {
            assert!(lines.refused().len() <= bytes.len());
            continue;
        };
        let parsed = RequestLine::parse(line, strict);
        assert!(parsed.method.len() + parsed.target.len() + parsed.protocol.len() <= line.len());
        if parsed.fault.is_none() {
            assert_eq!(parsed.rebuilt().first(), parsed.method.first());
        }
        let mut fields = Fields::new(Limits {
            fields: 10,
            field_size: FIELD,
            strict,
        });
        let whole = loop {
            let Ok(line) = lines.next_line(FIELD) else {
                break false;
            };
            match fields.take_line(line) {
                Ok(false) => {}
                Ok(true) => break true,
                Err(_) => break false,
            }
        };
        for (name, value) in fields.iter() {
            assert!(!name.contains(&b'\n') && !value.contains(&b'\n'));
            assert!(!name.contains(&b':') && !value.contains(&0));
        }
        let Some(quick) = quick.as_ref().filter(|quick| strict && quick.count <= 10) else {
            continue;
        };
        let by_quick = quick.request_line(bytes);
        if by_quick.fault.is_none() {
            assert_eq!(by_quick, parsed);
            if whole {
                let quick = quick.fields[..quick.count]
                    .iter()
                    .map(|field| (field.name.of(bytes), field.value.of(bytes)));
                assert!(quick.eq(fields.iter()));
            }
        }
    }
}

/// The framing of a body in chunks, in pieces of every size: the same data comes out.
pub fn chunked(body: &[u8]) {
    for strict in [true, false] {
        let whole = decoded(body, strict, body.len().max(1));
        for size in [1, 2, 7] {
            let pieces = decoded(body, strict, size);
            if let (Some(whole), Some(pieces)) = (&whole, &pieces) {
                assert_eq!(whole, pieces);
            }
        }
    }
}

/// The data of a body whose framing comes in pieces of `size`; `None` when it is refused.
fn decoded(mut body: &[u8], strict: bool, size: usize) -> Option<Vec<u8>> {
    let mut decoder = Decoder::new(strict);
    let mut data = Vec::new();
    while !body.is_empty() {
        match decoder.state() {
            State::Trailer => break,
            State::Data(left) => {
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(body.len());
                data.extend_from_slice(&body[..taken]);
                decoder.take_data(taken as u64);
                body = &body[taken..];
            }
            _ => {
                let taken = decoder
                    .take_framing(&body[..size.min(body.len())], 1000)
                    .ok()?;
                assert!(taken > 0 || matches!(decoder.state(), State::Data(_) | State::Trailer));
                body = &body[taken..];
            }
        }
    }
    Some(data)
}

/// A language in which every name means something.
struct Any;

impl expr::Language for Any {
    type Literal = Vec<u8>;
    type Variable = ();
    type Function = ();
    type ListFunction = ();
    type Unary = ();
    type Binary = ();
    type Regex = ();
}

impl expr::Names for Any {
    type Error = String;

    fn literal(&mut self, text: &[u8]) -> Vec<u8> {
        text.to_vec()
    }

    fn variable(&mut self, _: &[u8]) -> Result<(), String> {
        Ok(())
    }

    fn function(&mut self, _: &[u8], _: Option<&Vec<u8>>) -> Result<(), String> {
        Ok(())
    }

    fn list_function(&mut self, _: &[u8], _: Option<&Vec<u8>>) -> Result<(), String> {
        Ok(())
    }

    fn unary(&mut self, _: &[u8], _: Option<&Vec<u8>>) -> Result<(), String> {
        Ok(())
    }

    fn binary(&mut self, _: &[u8], _: Option<&Vec<u8>>) -> Result<(), String> {
        Ok(())
    }

    fn regex(&mut self, _: &[u8], _: bool) -> Result<(), String> {
        Ok(())
    }
}

/// An expression, as a condition and as a text.
pub fn expression(text: &[u8]) {
    if let Err(why) = expr::parse_condition(text, &mut Any) {
        assert!(!why.is_empty());
    }
    if let Err(why) = expr::parse_text(text, &mut Any) {
        assert!(!why.is_empty());
    }
}

/// A URL's path: decoded, and its dot segments resolved.
pub fn url(text: &[u8]) {
    for bits in 0..8 {
        let is = |bit: u8| bits & bit != 0;
        let mut path = text.to_vec();
        let how = Decode {
            forbid_slashes: is(1),
            keep_slashes: is(2),
            keep_unreserved: is(4),
        };
        let (length, _) = decode(&mut path, how);
        assert!(length <= path.len());
        let mut path = text.to_vec();
        let how = Normalize {
            allow_relative: false,
            not_above_root: is(1),
            decode_unreserved: is(2),
            merge_slashes: is(4),
        };
        let (length, good) = normalize(&mut path, how);
        let path = &path[..length];
        if good && text.starts_with(b"/") && !path.contains(&0) {
            assert!(path.starts_with(b"/"));
            let mut segments = path.split(|&byte| byte == b'/');
            assert!(!segments.any(|segment| segment == b"." || segment == b".."));
        }
    }
}

/// A Range field, for responses of several lengths.
pub fn byte_range(field: &[u8]) {
    let Some(specs) = range::byte_specs(field) else {
        return;
    };
    for length in [0, 1, 100, u64::MAX >> 1] {
        let Wanted::Parts(parts) = range::parse(specs, length) else {
            continue;
        };
        assert!(!parts.ranges.is_empty());
        for range in &parts.ranges {
            assert!(range.first <= range.last && range.last < length);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// Numbers that are the same in every run (xorshift).
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % limit.max(1) as u64) as usize
        }
    }

    /// Changes a few bytes, or takes some from another seed.
    fn mutate(numbers: &mut Numbers, seeds: &[Vec<u8>]) -> Vec<u8> {
        const ODD: &[u8] = b"\0\r\n\t /.%:;,-<>\"'\\{}()!&|=~0f\x7f\x80\xff";
        let mut bytes = seeds[numbers.below(seeds.len())].clone();
        for _ in 0..=numbers.below(6) {
            let at = numbers.below(bytes.len() + 1);
            match numbers.below(6) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, ODD[numbers.below(ODD.len())]),
                2 if at < bytes.len() => bytes[at] = numbers.below(256) as u8,
                3 if at < bytes.len() => {
                    bytes.remove(at);
                }
                4 => {
                    let other = &seeds[numbers.below(seeds.len())];
                    let from = numbers.below(other.len() + 1);
                    let to = from + numbers.below(other.len() - from + 1);
                    let part = other[from..to].to_vec();
                    bytes.splice(at..at, part);
                }
                _ => {
                    let part = bytes[at..].to_vec();
                    bytes.extend(part.iter().take(200));
                }
            }
        }
        bytes
    }

    #[test]
    fn mutations_of_the_corpus_break_no_promise() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus");
        for (name, target) in TARGETS {
            let mut files: Vec<_> = fs::read_dir(corpus.join(name))
                .expect("each target has a corpus")
                .map(|file| file.expect("the corpus can be read").path())
                .collect();
            files.sort();
            let seeds: Vec<Vec<u8>> = files
                .iter()
                .map(|file| fs::read(file).expect("the corpus can be read"))
                .collect();
            seeds.iter().for_each(|seed| target(seed));
            let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
            for round in 0..20_000 {
                let bytes = mutate(&mut numbers, &seeds);
                let run = std::panic::catch_unwind(|| target(&bytes));
                assert!(
                    run.is_ok(),
                    "{name}, round {round}: {:?}",
                    bytes.escape_ascii().to_string()
                );
            }
        }
    }
}
