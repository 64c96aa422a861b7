//! Comma-separated lists of header fields (RFC 9110 section 5.6.1).

/// Whether this may stand in a token (RFC 9110 section 5.6.2).
pub fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// White space as C's `isspace` has it in the C locale.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// How quotes, comments and backslashes hide what they hold, byte by byte.
#[derive(Default)]
struct Hiding {
    quoted: bool,
    comments: u32,
    pair: bool,
}

impl Hiding {
    /// Whether a byte in this state is content, whatever it is.
    fn hides(&self) -> bool {
        self.quoted || self.comments > 0
    }

    /// Goes on behind `byte`.
    fn pass(&mut self, byte: u8) {
        if self.pair {
            self.pair = false;
            return;
        }
        match byte {
            b'\\' => self.pair = true,
            b'"' if self.comments == 0 => self.quoted = !self.quoted,
            b'(' if !self.quoted => self.comments += 1,
            b')' => self.comments = self.comments.saturating_sub(1),
            _ => {}
        }
    }
}

/// The next item of a list: its place in `list`, and where the one behind it is to be looked for.
/// Commas within quotes and comments do not separate. White space before the comma belongs to the
/// item, as it does in Apache.
pub fn next_item(list: &[u8]) -> Option<(std::ops::Range<usize>, usize)> {
    let separates = |byte: u8| byte == b',' || is_space(byte);
    let start = list.iter().position(|&byte| !separates(byte))?;
    let mut hiding = Hiding::default();
    let mut end = start;
    while let Some(&byte) = list.get(end) {
        if byte == b',' && !hiding.pair && !hiding.hides() {
            break;
        }
        hiding.pass(byte);
        end += 1;
    }
    let behind = list[end..]
        .iter()
        .position(|&byte| !separates(byte))
        .map_or(list.len(), |skipped| end + skipped);
    Some((start..end, behind))
}

/// The items of a list.
pub fn items(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let (item, behind) = next_item(rest)?;
        let item = &rest[item];
        rest = &rest[behind..];
        Some(item)
    })
}

/// An item in lower case, with one blank for white space between words and none around `=`, `/` and
/// `;`, before a `)` that closes nothing, or at the end; what is quoted or a comment stays as it is. Calls `out` for each byte.
pub fn normalized(item: &[u8], mut out: impl FnMut(u8)) {
    normalize(item, |byte, _| out(byte));
}

/// The same, telling `out` too whether the byte's case counts.
fn normalize(item: &[u8], mut out: impl FnMut(u8, bool)) {
    let mut hiding = Hiding::default();
    // Whether white space was passed over, and whether there may be none here.
    let (mut space, mut joined) = (false, false);
    for &byte in item {
        let visible = !hiding.pair && !hiding.hides();
        if visible && matches!(byte, b' ' | b'\t') {
            space |= !joined;
            continue;
        }
        let joins = visible && matches!(byte, b'=' | b'/' | b';');
        let closes = visible && byte == b')';
        if std::mem::take(&mut space) && !joins && !closes {
            out(b' ', true);
        }
        joined = joins;
        hiding.pass(byte);
        if visible {
            out(byte.to_ascii_lowercase(), false);
        } else {
            out(byte, true);
        }
    }
}

/// Whether `item` is `wanted` once it is normalized.
fn is_item(item: &[u8], wanted: &[u8]) -> bool {
    let mut left = wanted.iter();
    let mut same = true;
    normalize(item, |byte, case_counts| {
        same &= left.next().is_some_and(|&next| {
            next == byte || (!case_counts && next.eq_ignore_ascii_case(&byte))
        });
    });
    same && left.next().is_none()
}

/// Whether `wanted` (without needless blanks) is an item, regardless of case outside quotes.
pub fn contains_item(list: &[u8], wanted: &[u8]) -> bool {
    items(list).any(|item| is_item(item, wanted))
}

/// Whether an ETag is in a list. `strong`: weak ones equal nothing (RFC 9110 section 8.8.3.2). A
/// list ends where something is no ETag, or no strong one if only those count.
pub fn contains_etag(list: &[u8], wanted: &[u8], strong: bool) -> bool {
    let opaque = |tag: &[u8]| {
        let weak = !strong && tag.starts_with(b"W/\"");
        let skip = if weak { 2 } else { 0 };
        (tag.get(skip) == Some(&b'"')).then_some(skip)
    };
    let Some(skip) = opaque(wanted) else {
        return false;
    };
    items(list)
        .map_while(|item| Some(&item[opaque(item)?..]))
        .any(|item| is_item(item, &wanted[skip..]))
}

/// The words of a field: what stands between separators.
pub fn tokens(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    field
        .split(|&byte| !is_token(byte))
        .filter(|word| !word.is_empty())
}

/// Whether the last transfer coding is `chunked`. Like Apache this knows no white space but blanks:
/// with tabs the coding is none of ours, which refuses the message.
pub fn is_chunked(field: &[u8]) -> bool {
    let last = field.rsplit(|&byte| byte == b',').next();
    last.is_some_and(|coding| {
        let blanks = coding.iter().take_while(|&&byte| byte == b' ').count();
        coding[blanks..].eq_ignore_ascii_case(b"chunked")
    })
}

/// Whether a field ends in the word `wanted`.
pub fn ends_in_token(field: &[u8], wanted: &[u8]) -> bool {
    let Some(start) = field.len().checked_sub(wanted.len()) else {
        return false;
    };
    let (before, end) = field.split_at(start);
    before
        .last()
        .is_none_or(|&byte| byte == b',' || is_space(byte))
        && end.eq_ignore_ascii_case(wanted)
}

/// The tokens of a list that must have nothing else, each handed to `out`; what is wrong in the
/// first item that is none, unless `skip` says to pass it over.
pub fn strict_tokens<'a>(
    list: &'a [u8],
    skip: bool,
    mut out: impl FnMut(&'a [u8]),
) -> Result<(), NoToken> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    for item in list.split(|&byte| byte == b',') {
        let lead = item.iter().take_while(|&byte| is_blank(byte)).count();
        let item = &item[lead..];
        let end = item.iter().position(|&byte| !is_token(byte));
        let end = end.unwrap_or(item.len());
        let behind = item[end..].iter().find(|&byte| !is_blank(byte));
        match behind {
            None if end > 0 => out(&item[..end]),
            None => {}
            Some(&byte) if is_token(byte) => return Err(NoToken::Blank),
            Some(_) if skip => {}
            Some(&byte) => return Err(NoToken::Separator(byte)),
        }
    }
    Ok(())
}

/// Why an item is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoToken {
    /// There is white space within.
    Blank,
    /// There is this byte within.
    Separator(u8),
}

/// How many bytes a word of an Accept-like field takes: up to a comma or semicolon outside quotes,
/// or white space unless `with_blanks`.
pub fn word_length(field: &[u8], with_blanks: bool) -> usize {
    let mut at = 0;
    while let Some(&byte) = field.get(at) {
        if byte == b';' || byte == b',' || (!with_blanks && is_space(byte)) {
            break;
        }
        at += 1;
        if byte == b'"' {
            let closing = field[at..].iter().position(|&byte| byte == b'"');
            at = closing.map_or(field.len(), |closing| at + closing + 1);
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_end_at_commas_outside_quotes() {
        let list: Vec<_> = items(b" , a;q=\"x,y\" ,, b (c,d) , \"e\\\",f\"").collect();
        assert_eq!(list, [&b"a;q=\"x,y\" "[..], b"b (c,d) ", b"\"e\\\",f\""]);
        assert_eq!(items(b", ,").count(), 0);
        assert_eq!(items(b" a , b ").collect::<Vec<_>>(), [b"a ", b"b "]);
    }

    #[test]
    fn items_are_found_whatever_case_and_blanks() {
        assert!(contains_item(b"Foo ; q = 1, BAR", b"foo;q=1"));
        assert!(contains_item(b"Foo, Bar", b"bar"));
        assert!(!contains_item(b"Foo, Bar", b"ba"));
        let shown = |item: &[u8]| {
            let mut all = Vec::new();
            normalized(item, |byte| all.push(byte));
            String::from_utf8_lossy(&all).into_owned()
        };
        assert_eq!(shown(b"A  (C  d)\tB "), "a (C  d) b");
        assert_eq!(shown(b"A )  B"), "a) b");
        let mut all = Vec::new();
        normalized(b"Text/HTML ; Charset=\"A b\"", |byte| all.push(byte));
        assert_eq!(all, b"text/html;charset=\"A b\"");
    }

    #[test]
    fn etags_compare_weakly_or_strongly() {
        assert!(contains_etag(b"\"a\", W/\"b\"", b"\"a\"", true));
        assert!(!contains_etag(b"\"a\", W/\"b\"", b"\"b\"", true));
        assert!(contains_etag(b"\"a\", W/\"b\"", b"\"b\"", false));
        assert!(contains_etag(b"\"a\"", b"W/\"a\"", false));
        assert!(!contains_etag(b"\"a\"", b"W/\"a\"", true));
        assert!(!contains_etag(b"x, \"a\"", b"\"a\"", false));
        assert!(!contains_etag(b"x", b"x", false));
    }

    #[test]
    fn words_and_codings() {
        assert!(is_chunked(b"gzip, Chunked") && !is_chunked(b"chunked, gzip"));
        assert!(is_chunked(b"  chunked") && !is_chunked(b"gzip,\tchunked"));
        assert!(!is_chunked(b"chunked ") && !is_chunked(b"xchunked"));
        assert!(ends_in_token(b"gzip, chunked", b"Chunked") && !ends_in_token(b"xa", b"a"));
        assert_eq!(tokens(b"close, TE; x").count(), 3);
        assert_eq!(word_length(b"text/html;q=1", false), 9);
        assert_eq!(word_length(b"\"a;b\" c", false), 5);
    }

    #[test]
    fn strict_lists_have_tokens_only() {
        let tokens = |list, skip| {
            let mut all = Vec::new();
            strict_tokens(list, skip, |token| all.push(token)).map(|()| all)
        };
        assert_eq!(tokens(b" a ,,\tb", false), Ok(vec![&b"a"[..], b"b"]));
        assert_eq!(tokens(b"a;x, b", false), Err(NoToken::Separator(b';')));
        assert_eq!(tokens(b"a;x, b", true), Ok(vec![&b"b"[..]]));
        assert_eq!(tokens(b"a b", true), Err(NoToken::Blank));
    }
}
