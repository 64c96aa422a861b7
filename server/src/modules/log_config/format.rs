//! A `LogFormat` string, read: texts and fields. What a field's letter means is asked of the
//! caller, so nothing here knows of requests.

#![forbid(unsafe_code)]

use std::ffi::CString;

/// A piece of a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<F> {
    /// Text as it stands in the format.
    Text(Vec<u8>),
    /// What a field tells of a request.
    Field(Field<F>),
}

/// A field with what stands between its percent sign and its letter.
#[derive(Debug, PartialEq, Eq)]
pub struct Field<F> {
    /// What it tells.
    pub what: F,
    /// It tells of the request as it came in, not of the one that answered after redirects.
    pub of_original: bool,
    /// The statuses for which it is told; none: all.
    pub statuses: Vec<i32>,
    /// Told for all statuses but those.
    pub negated: bool,
}

impl<F> Field<F> {
    /// Whether the field is told of a request that ended with this status.
    pub fn is_told_for(&self, status: i32) -> bool {
        self.statuses.is_empty() || self.statuses.contains(&status) != self.negated
    }
}

/// What a letter with its argument means, and whether it tells of the original request unless `<`
/// or `>` say which.
pub struct Meaning<F> {
    /// What the field tells.
    pub what: F,
    /// Whether it tells of the original request by itself.
    pub of_original: bool,
}

/// Reads a format. `lookup` knows the meaning of a tag: one letter, or `^` and two letters.
///
/// # Errors
/// What is wrong, in Apache's words.
pub fn parse<F>(
    format: &[u8],
    lookup: impl Fn(&[u8], CString) -> Option<Meaning<F>>,
) -> Result<Vec<Piece<F>>, String> {
    let mut pieces = Vec::new();
    let mut rest = format;
    while !rest.is_empty() {
        match rest {
            [b'%', b'%', after @ ..] => {
                push_text(&mut pieces, b"%");
                rest = after;
            }
            [b'%', after @ ..] => {
                rest = after;
                pieces.push(Piece::Field(parse_field(&mut rest, &lookup)?));
            }
            _ => {
                let text = parse_text(&mut rest);
                push_text(&mut pieces, &text);
            }
        }
    }
    push_text(&mut pieces, b"\n");
    Ok(pieces)
}

fn push_text<F>(pieces: &mut Vec<Piece<F>>, text: &[u8]) {
    match pieces.last_mut() {
        Some(Piece::Text(before)) => before.extend_from_slice(text),
        _ => pieces.push(Piece::Text(text.to_vec())),
    }
}

/// Text up to the next percent sign.
fn parse_text(rest: &mut &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    while let [byte, after @ ..] = *rest {
        match (byte, after) {
            (b'%', _) => break,
            (b'\\', [escaped @ (b'\\' | b'n' | b'r' | b't'), after @ ..]) => {
                text.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    _ => b'\\',
                });
                *rest = after;
            }
            _ => {
                text.push(*byte);
                *rest = after;
            }
        }
    }
    text
}

fn parse_field<F>(
    rest: &mut &[u8],
    lookup: &impl Fn(&[u8], CString) -> Option<Meaning<F>>,
) -> Result<Field<F>, String> {
    let mut argument = CString::default();
    let mut of_original = None;
    let mut statuses = Vec::new();
    let mut negated = false;
    while let [byte, after @ ..] = *rest {
        let tag = *rest;
        *rest = after;
        match byte {
            b'!' => negated = !negated,
            b'<' => of_original = Some(true),
            b'>' => of_original = Some(false),
            b',' => {}
            b'{' => {
                let end = after.iter().position(|&byte| byte == b'}');
                let text = end.map_or(after, |end| &after[..end]);
                // A directive's argument comes from a C string, so there is no NUL in it.
                argument = CString::new(text).unwrap_or_default();
                *rest = end.map_or(&[][..], |end| &after[end + 1..]);
            }
            b'0'..=b'9' => {
                let mut status = i32::from(byte - b'0');
                while let [digit @ b'0'..=b'9', after @ ..] = *rest {
                    status = status
                        .saturating_mul(10)
                        .saturating_add(i32::from(digit - b'0'));
                    *rest = after;
                }
                statuses.push(status);
            }
            _ => {
                let long = (*byte == b'^').then(|| tag.get(..3)).flatten();
                let meaning = match long.and_then(|tag| lookup(tag, argument.clone())) {
                    Some(meaning) => {
                        *rest = &tag[3..];
                        meaning
                    }
                    None => lookup(&[*byte], argument).ok_or_else(|| {
                        let letter = char::from(*byte);
                        format!("Unrecognized LogFormat directive %{letter}")
                    })?,
                };
                return Ok(Field {
                    of_original: of_original.unwrap_or(meaning.of_original),
                    what: meaning.what,
                    statuses,
                    negated,
                });
            }
        }
    }
    Err("Ran off end of LogFormat parsing args to some directive".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(tag: &[u8], argument: CString) -> Option<Meaning<(String, CString)>> {
        let known = [&b"h"[..], b"i", b"s", b"t", b"^ti", b"^FB"];
        known.contains(&tag).then(|| Meaning {
            what: (String::from_utf8_lossy(tag).into_owned(), argument),
            of_original: tag == b"s",
        })
    }

    fn fields(format: &str) -> Vec<Field<(String, CString)>> {
        let pieces = parse(format.as_bytes(), lookup).unwrap();
        pieces
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Field(field) => Some(field),
                Piece::Text(_) => None,
            })
            .collect()
    }

    #[test]
    fn a_line_ends_with_a_line_feed_and_texts_join() {
        let pieces = parse(br"a%%b\t%h\n\q", lookup).unwrap();
        assert_eq!(pieces[0], Piece::Text(b"a%b\t".to_vec()));
        assert_eq!(pieces[2], Piece::Text(b"\n\\q\n".to_vec()));
        assert_eq!(pieces.len(), 3);
    }

    #[test]
    fn modifiers_stand_before_the_letter() {
        let fields = fields("%!200,304{User-Agent}i %>s %<s %s %{x}^ti %^FB");
        assert_eq!(fields[0].what.1, CString::from(c"User-Agent"));
        assert_eq!(fields[0].statuses, [200, 304]);
        assert!(!fields[0].is_told_for(304) && fields[0].is_told_for(404));
        let originals: Vec<bool> = fields.iter().map(|field| field.of_original).collect();
        assert_eq!(originals, [false, false, true, true, false, false]);
        assert_eq!(fields[4].what.0, "^ti");
        assert_eq!(fields[5].what.0, "^FB");
    }

    #[test]
    fn statuses_select() {
        let fields = fields("%404,501{Referer}i");
        assert!(fields[0].is_told_for(501) && !fields[0].is_told_for(200));
    }

    #[test]
    fn errors_are_told_as_apache_tells_them() {
        let ran_off = "Ran off end of LogFormat parsing args to some directive";
        for (format, message) in [
            ("%", ran_off),
            ("%{foo", ran_off),
            ("%Z", "Unrecognized LogFormat directive %Z"),
            ("%^xx", "Unrecognized LogFormat directive %^"),
            ("%^", "Unrecognized LogFormat directive %^"),
        ] {
            assert_eq!(
                parse(format.as_bytes(), lookup),
                Err(message.to_owned()),
                "{format}"
            );
        }
    }
}
