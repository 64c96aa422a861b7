//! Comma-separated lists of header fields (RFC 9110 section 5.6.1).

/// Whether this may stand in a token (RFC 9110 section 5.6.2).
pub fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_space(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The next item of a list: its place in `list`, and where the one behind it is to be looked for.
/// Commas within quotes and comments do not separate.
pub fn next_item(list: &[u8]) -> Option<(std::ops::Range<usize>, usize)> {
    let separates = |byte: u8| byte == b',' || is_space(byte);
    let start = list.iter().position(|&byte| !separates(byte))?;
    let (mut quoted, mut depth, mut pair) = (false, 0u32, false);
    let mut end = list.len();
    for (index, &byte) in list.iter().enumerate().skip(start) {
        if pair {
            pair = false;
            continue;
        }
        match byte {
            b'\\' if quoted || depth > 0 => pair = true,
            b'"' if depth == 0 => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth = depth.saturating_sub(1),
            b',' if !quoted && depth == 0 => {
                end = index;
                break;
            }
            _ => {}
        }
    }
    let item_end = start + list[start..end].trim_ascii_end().len();
    let behind = list[end..]
        .iter()
        .position(|&byte| !separates(byte))
        .map_or(list.len(), |skipped| end + skipped);
    Some((start..item_end, behind))
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

/// An item in lower case and without optional white space; what is quoted stays as it is. Calls
/// `out` for each byte.
pub fn normalized(item: &[u8], mut out: impl FnMut(u8)) {
    let (mut quoted, mut pair, mut space) = (false, false, false);
    let mut before = 0;
    for &byte in item {
        if quoted {
            out(byte);
            if pair {
                pair = false;
            } else if byte == b'\\' {
                pair = true;
            } else if byte == b'"' {
                quoted = false;
            }
            before = byte;
            continue;
        }
        if is_space(byte) {
            space = true;
            continue;
        }
        // A blank only separates words; beside `;`, `=` and the like it means nothing.
        if space && is_token(before) && is_token(byte) {
            out(b' ');
        }
        space = false;
        quoted = byte == b'"';
        out(byte.to_ascii_lowercase());
        before = byte;
    }
}

/// Whether `wanted` (in lower case, without blanks) is an item.
pub fn contains_item(list: &[u8], wanted: &[u8]) -> bool {
    items(list).any(|item| {
        let mut left = wanted.iter();
        let mut same = true;
        normalized(item, |byte| {
            same &= left
                .next()
                .is_some_and(|next| next.eq_ignore_ascii_case(&byte));
        });
        same && left.next().is_none()
    })
}

/// Whether an ETag is in a list. `strong`: weak ones equal nothing (RFC 9110 section 8.8.3.2).
pub fn contains_etag(list: &[u8], wanted: &[u8], strong: bool) -> bool {
    let opaque = |tag: &[u8]| -> (bool, usize) {
        let weak = tag.len() >= 2 && tag[0].eq_ignore_ascii_case(&b'w') && tag[1] == b'/';
        (weak, if weak { 2 } else { 0 })
    };
    let (wanted_weak, skip) = opaque(wanted);
    let wanted = &wanted[skip..];
    items(list).any(|item| {
        let (weak, skip) = opaque(item);
        item[skip..] == *wanted && !(strong && (weak || wanted_weak))
    })
}

/// The words of a field: what stands between separators.
pub fn tokens(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    field
        .split(|&byte| !is_token(byte))
        .filter(|word| !word.is_empty())
}

/// Whether the last transfer coding is `chunked`.
pub fn is_chunked(field: &[u8]) -> bool {
    items(field)
        .last()
        .is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"))
}

/// How many bytes a word of an Accept-like field takes: up to a comma or semicolon outside quotes,
/// or white space unless `with_blanks`.
pub fn word_length(field: &[u8], with_blanks: bool) -> usize {
    let mut at = 0;
    while let Some(&byte) = field.get(at) {
        if byte == b';' || byte == b',' || (!with_blanks && byte.is_ascii_whitespace()) {
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
        assert_eq!(list, [&b"a;q=\"x,y\""[..], b"b (c,d)", b"\"e\\\",f\""]);
        assert_eq!(items(b", ,").count(), 0);
    }

    #[test]
    fn items_are_found_whatever_case_and_blanks() {
        assert!(contains_item(b"Foo ; q = 1, BAR", b"foo;q=1"));
        assert!(contains_item(b"Foo, Bar", b"bar"));
        assert!(!contains_item(b"Foo, Bar", b"ba"));
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
    }

    #[test]
    fn words_and_codings() {
        assert!(is_chunked(b"gzip, Chunked") && !is_chunked(b"chunked, gzip"));
        assert_eq!(tokens(b"close, TE; x").count(), 3);
        assert_eq!(word_length(b"text/html;q=1", false), 9);
        assert_eq!(word_length(b"\"a;b\" c", false), 5);
    }
}
