//! Header fields, line by line: names, values, folded lines and the limits on them. Used for heads
//! that come through input filters, for trailers, and for heads the quick parser of `head.rs`
//! leaves alone.

use super::charset::{content_length, token_length};

/// What the server allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `LimitRequestFields`; zero: no limit.
    pub fields: usize,
    /// `LimitRequestFieldSize`.
    pub field_size: usize,
    /// `HttpProtocolOptions Strict`.
    pub strict: bool,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The first line is a continuation.
    FoldFirst,
    /// A continuation without text.
    FoldEmpty,
    /// Too long with its continuations.
    FoldTooLong,
    /// Too many fields.
    TooMany,
    /// No colon.
    NoColon,
    /// No name before the colon.
    EmptyName,
    /// White space in the name.
    SpaceInName,
    /// Line ends in the value.
    SpaceInValue,
    /// The name is no token, or no colon follows it.
    BadName,
    /// Control characters in the value.
    BadValue,
}

/// A field within the text of `Fields`.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    colon: usize,
    value: usize,
    end: usize,
}

/// The fields read so far.
#[derive(Debug)]
pub struct Fields {
    limits: Limits,
    /// The lines, continuations joined to theirs, each followed by a NUL.
    text: Vec<u8>,
    places: Vec<Place>,
    /// Where the line begins that may still be continued.
    open: Option<usize>,
}

impl Fields {
    /// None yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            text: Vec::with_capacity(512),
            places: Vec::with_capacity(16),
            open: None,
        }
    }

    /// Takes in a line without its end; answers whether it was the empty one behind the last field.
    ///
    /// # Errors
    /// What is wrong with the field that this line completes, or with the line.
    pub fn take_line(&mut self, line: &[u8]) -> Result<bool, Fault> {
        let line = trim_end(line);
        if matches!(line.first(), Some(b' ' | b'\t')) {
            self.join(line)?;
            return Ok(false);
        }
        self.close()?;
        if line.is_empty() {
            return Ok(true);
        }
        self.open = Some(self.text.len());
        self.text.extend_from_slice(line);
        Ok(false)
    }

    /// Joins a continuation with a single space.
    fn join(&mut self, line: &[u8]) -> Result<(), Fault> {
        let start = self.open.ok_or(Fault::FoldFirst)?;
        if line.len() < 2 {
            return Err(Fault::FoldEmpty);
        }
        let spaces = line
            .iter()
            .take_while(|&&byte| matches!(byte, b' ' | b'\t'))
            .count();
        let line = &line[spaces..];
        if self.text.len() - start + 1 + line.len() + 1 >= self.limits.field_size {
            return Err(Fault::FoldTooLong);
        }
        self.text.push(b' ');
        self.text.extend_from_slice(line);
        Ok(())
    }

    /// Takes the field apart that no further line continues.
    fn close(&mut self) -> Result<(), Fault> {
        let Some(start) = self.open.take() else {
            return Ok(());
        };
        if self.limits.fields != 0 && self.places.len() >= self.limits.fields {
            self.open = Some(start);
            return Err(Fault::TooMany);
        }
        let line = &self.text[start..];
        let parsed = if self.limits.strict {
            parse_strict(line)
        } else {
            parse_lenient(line)
        };
        let (colon, value) = parsed.inspect_err(|_| self.open = Some(start))?;
        let end = self.text.len();
        self.text[start + colon] = 0;
        self.text.push(0);
        self.places.push(Place {
            start,
            colon: start + colon,
            value: start + value,
            end,
        });
        Ok(())
    }

    /// The line that may still be continued, or whose fault was reported, for the log.
    pub fn open_line(&self) -> &[u8] {
        self.open.map_or(b"", |start| &self.text[start..])
    }

    /// All text: names and values, each ended by a NUL.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The fields' names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.places
            .iter()
            .map(|at| (&self.text[at.start..at.colon], &self.text[at.value..at.end]))
    }

    /// Where in `text` each name and each value begins.
    pub fn offsets(&self) -> impl Iterator<Item = (usize, usize)> {
        self.places.iter().map(|at| (at.start, at.value))
    }
}

/// All but the trailing spaces and tabs; of a line of nothing else, the first byte stays.
fn trim_end(line: &[u8]) -> &[u8] {
    let kept = line
        .iter()
        .rposition(|byte| !matches!(byte, b' ' | b'\t'))
        .map_or(0, |last| last + 1);
    &line[..kept.max(line.len().min(1))]
}

/// The places of the colon and of the value, by RFC 9112.
fn parse_strict(line: &[u8]) -> Result<(usize, usize), Fault> {
    let colon = token_length(line);
    if colon == 0 || line.get(colon) != Some(&b':') {
        return Err(Fault::BadName);
    }
    let value = skip_spaces(line, colon + 1);
    if value + content_length(&line[value..]) != line.len() {
        return Err(Fault::BadValue);
    }
    Ok((colon, value))
}

/// The places of the colon and of the value, as older servers took them.
fn parse_lenient(line: &[u8]) -> Result<(usize, usize), Fault> {
    let colon = line
        .iter()
        .position(|&byte| byte == b':')
        .ok_or(Fault::NoColon)?;
    if colon == 0 {
        return Err(Fault::EmptyName);
    }
    if line[..colon]
        .iter()
        .any(|&byte| super::charset::is_space(byte))
    {
        return Err(Fault::SpaceInName);
    }
    let value = skip_spaces(line, colon + 1);
    if line[value..]
        .iter()
        .any(|byte| matches!(byte, b'\n' | b'\r' | 0x0b | 0x0c))
    {
        return Err(Fault::SpaceInValue);
    }
    Ok((colon, value))
}

fn skip_spaces(line: &[u8], from: usize) -> usize {
    from + line[from..]
        .iter()
        .take_while(|&&byte| matches!(byte, b' ' | b'\t'))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            fields: 3,
            field_size: 20,
            strict: true,
        }
    }

    fn read(limits: Limits, lines: &[&[u8]]) -> Result<Vec<(String, String)>, Fault> {
        let mut fields = Fields::new(limits);
        for line in lines {
            if fields.take_line(line)? {
                break;
            }
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(fields.iter().map(|(n, v)| (text(n), text(v))).collect())
    }

    #[test]
    fn names_and_values_are_separated_and_trimmed() {
        let fields = read(limits(), &[b"Host: \t a b \t", b"X:", b"Y:z", b""]).unwrap();
        let expected = [("Host", "a b"), ("X", ""), ("Y", "z")];
        assert_eq!(fields, expected.map(|(n, v)| (n.into(), v.into())));
    }

    #[test]
    fn continuations_are_joined_with_one_space() {
        let fields = read(limits(), &[b"A: b ", b" \t c", b"\td", b""]).unwrap();
        assert_eq!(fields, [("A".to_owned(), "b c d".to_owned())]);
        assert_eq!(read(limits(), &[b" A: b"]), Err(Fault::FoldFirst));
        assert_eq!(read(limits(), &[b"A: b", b"  "]), Err(Fault::FoldEmpty));
        let long = [&b"A: bcdefgh"[..], b" 12345678"];
        assert_eq!(read(limits(), &long), Err(Fault::FoldTooLong));
    }

    #[test]
    fn strict_mode_refuses_what_other_servers_may_read_differently() {
        for (line, fault) in [
            (&b"A : b"[..], Fault::BadName),
            (b": b", Fault::BadName),
            (b"A b", Fault::BadName),
            (b"A: b\x01", Fault::BadValue),
            (b"A: b\rc", Fault::BadValue),
            (b"A: b\x7f", Fault::BadValue),
        ] {
            assert_eq!(read(limits(), &[line, b""]), Err(fault));
        }
    }

    #[test]
    fn unsafe_mode_still_guards_against_splitting() {
        let limits = Limits {
            strict: false,
            ..limits()
        };
        assert!(read(limits, &[b"A@b: \x01", b""]).is_ok());
        for (line, fault) in [
            (&b"A : b"[..], Fault::SpaceInName),
            (b": b", Fault::EmptyName),
            (b"A b", Fault::NoColon),
            (b"A: b\rc", Fault::SpaceInValue),
        ] {
            assert_eq!(read(limits, &[line, b""]), Err(fault));
        }
    }

    #[test]
    fn the_number_of_fields_is_limited() {
        let four = [&b"A: 1"[..], b"A: 2", b"A: 3", b"A: 4", b""];
        assert_eq!(read(limits(), &four), Err(Fault::TooMany));
        assert_eq!(
            read(limits(), &[&four[1..], &[b""]].concat())
                .unwrap()
                .len(),
            3
        );
    }
}
