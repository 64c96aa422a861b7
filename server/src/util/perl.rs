//! Perl's notation for matching and substituting: `m/pattern/flags`, `s/pattern/text/flags`.

/// An expression taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    pub pattern: &'a [u8],
    /// What replaces a match; `None`: only match.
    pub replacement: Option<&'a [u8]>,
    /// The letters at the end; `None` when the text is a bare pattern.
    pub flags: Option<&'a [u8]>,
}

/// Takes a text apart; `None` when a substitution lacks its end. A text in which no delimiter is
/// found is a pattern as it stands. Delimiters cannot be escaped.
pub fn split(text: &[u8]) -> Option<Parts<'_>> {
    let bare = Parts {
        pattern: text,
        replacement: None,
        flags: None,
    };
    let is_delimiter = |byte: &u8| !byte.is_ascii_alphanumeric();
    let (substitutes, delimiter, rest) = match text {
        [b's', delimiter, rest @ ..] if is_delimiter(delimiter) => (true, *delimiter, rest),
        [b'm', delimiter, rest @ ..] if is_delimiter(delimiter) => (false, *delimiter, rest),
        [delimiter, rest @ ..] if is_delimiter(delimiter) => (false, *delimiter, rest),
        _ => return Some(bare),
    };
    let cut = |text: &'_ [u8]| text.iter().position(|&byte| byte == delimiter);
    let Some(end) = cut(rest) else {
        return Some(bare);
    };
    let (pattern, rest) = (&rest[..end], &rest[end + 1..]);
    if !substitutes {
        return Some(Parts {
            pattern,
            replacement: None,
            flags: Some(rest),
        });
    }
    let end = cut(rest)?;
    Some(Parts {
        pattern,
        replacement: Some(&rest[..end]),
        flags: Some(&rest[end + 1..]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        let parts = split(text.as_bytes())?;
        let show = |bytes: Option<&[u8]>| {
            bytes.map_or("-".into(), |bytes| {
                String::from_utf8_lossy(bytes).into_owned()
            })
        };
        Some(format!(
            "{} {} {}",
            show(Some(parts.pattern)),
            show(parts.replacement),
            show(parts.flags)
        ))
    }

    #[test]
    fn all_forms_are_taken_apart() {
        assert_eq!(shown("s/a/b/gi").as_deref(), Some("a b gi"));
        assert_eq!(shown("s#/#+#").as_deref(), Some("/ + "));
        assert_eq!(shown("m!x!").as_deref(), Some("x - "));
        assert_eq!(shown("/x/i").as_deref(), Some("x - i"));
        assert_eq!(shown("plain").as_deref(), Some("plain - -"));
        assert_eq!(shown("^plain$").as_deref(), Some("^plain$ - -"));
        assert_eq!(shown("").as_deref(), Some(" - -"));
        assert_eq!(shown("s/a/b"), None);
    }
}
