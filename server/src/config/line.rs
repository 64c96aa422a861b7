//! One line of a configuration file: where it ends, what is trimmed, and whether it is a directive,
//! opens a section or closes one. `abi/http_config/{reader,tree}` call it.

/// The longest line of a server's own file.
pub const LINE_MAX: usize = 16 * 1024 * 1024;

/// The longest line of an `.htaccess` file.
pub const HTACCESS_LINE_MAX: usize = 8192;

/// What the bytes read last mean for the line they end.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum End {
    /// The line is whole; its line end is removed.
    Whole,
    /// A backslash stood before the line end: both are removed, the next line continues this one.
    Continues,
    /// There is no line end yet.
    Open,
}

/// Removes the line end of `line` and the backslash before it, and says what they mean.
pub fn finish(line: &mut Vec<u8>) -> End {
    if line.last() != Some(&b'\n') {
        return End::Open;
    }
    line.pop();
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    if line.last() == Some(&b'\\') {
        line.pop();
        return End::Continues;
    }
    End::Whole
}

/// `line` without the white space around it.
pub fn trim(line: &[u8]) -> &[u8] {
    let start = line
        .iter()
        .position(|&b| !is_space(b))
        .unwrap_or(line.len());
    let end = line
        .iter()
        .rposition(|&b| !is_space(b))
        .map_or(start, |last| last + 1);
    &line[start..end]
}

/// White space as C's `isspace` has it in the C locale.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// What the first word of a line makes of it.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Shape {
    /// `Name arguments`
    Directive,
    /// `<Name arguments>`
    Open,
    /// `</Name>`
    Close,
}

/// The first word of a line, as a directive is looked up by it.
#[derive(Debug, PartialEq, Eq)]
pub struct Head<'a> {
    pub shape: Shape,
    /// The name; that of a section begins with `<` and has no `>`, unless it closes the section.
    pub name: &'a [u8],
    /// Whether `>` stands for the arguments: the section's opening had none.
    pub bare: bool,
}

/// Reads the first word of a line; `more` says whether arguments follow it.
pub fn head(word: &[u8], more: bool) -> Head<'_> {
    let opens = word.first() == Some(&b'<');
    if word.get(1) == Some(&b'/') {
        let shape = if opens {
            Shape::Close
        } else {
            Shape::Directive
        };
        return Head {
            shape,
            name: word,
            bare: false,
        };
    }
    Head {
        shape: if opens { Shape::Open } else { Shape::Directive },
        name: word.strip_suffix(b">").unwrap_or(word),
        bare: opens && !more,
    }
}

/// Whether the closing `</Name>` ends the section that `<Name` opened; an error text if not.
pub fn closes(closing: &[u8], section: Option<&[u8]>) -> Result<(), String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let Some(section) = section else {
        let name = closing.get(2..).unwrap_or_default();
        return Err(format!(
            "{} without matching <{} section",
            text(closing),
            text(name)
        ));
    };
    let Some(inner) = closing.strip_suffix(b">") else {
        return Err(format!("{}> directive missing closing '>'", text(closing)));
    };
    let wanted = section.get(1..).unwrap_or_default();
    if inner
        .get(2..)
        .is_some_and(|name| name.eq_ignore_ascii_case(wanted))
    {
        return Ok(());
    }
    Err(format!(
        "Expected </{}> but saw {}",
        text(wanted),
        text(closing)
    ))
}

/// Whether a file name holds wildcards, as `apr_fnmatch` understands them.
pub fn is_pattern(name: &[u8]) -> bool {
    let mut bytes = name.iter();
    let mut bracket = false;
    while let Some(byte) = bytes.next() {
        match byte {
            b'*' | b'?' => return true,
            b'\\' => {
                bytes.next();
            }
            b'[' => bracket = true,
            b']' if bracket => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(text: &str) -> (String, End) {
        let mut line = text.as_bytes().to_vec();
        let end = finish(&mut line);
        (String::from_utf8(line).unwrap_or_default(), end)
    }

    #[test]
    fn a_line_ends_continues_or_is_open() {
        assert_eq!(finished("a b\n"), ("a b".into(), End::Whole));
        assert_eq!(finished("a b\r\n"), ("a b".into(), End::Whole));
        assert_eq!(finished("a \\\n"), ("a ".into(), End::Continues));
        assert_eq!(finished("a \\\r\n"), ("a ".into(), End::Continues));
        assert_eq!(finished("a \\"), ("a \\".into(), End::Open));
        assert_eq!(finished(""), ("".into(), End::Open));
        assert_eq!(finished("\n"), ("".into(), End::Whole));
    }

    #[test]
    fn white_space_around_a_line_goes() {
        assert_eq!(trim(b" \t a b \r"), b"a b");
        assert_eq!(trim(b"   "), b"");
        assert_eq!(trim(b""), b"");
    }

    #[test]
    fn the_first_word_tells_sections_from_directives() {
        let check = |word: &'static str, more, shape, name: &'static str, bare| {
            let name = name.as_bytes();
            assert_eq!(head(word.as_bytes(), more), Head { shape, name, bare });
        };
        check("ServerName", true, Shape::Directive, "ServerName", false);
        check("Odd>", false, Shape::Directive, "Odd", false);
        check("<Directory", true, Shape::Open, "<Directory", false);
        check("<RequireAll>", false, Shape::Open, "<RequireAll", true);
        check("<", false, Shape::Open, "<", true);
        check("<>", false, Shape::Open, "<", true);
        check("</Directory>", false, Shape::Close, "</Directory>", false);
        check("</", false, Shape::Close, "</", false);
        check("a/b", false, Shape::Directive, "a/b", false);
        check("x", false, Shape::Directive, "x", false);
    }

    #[test]
    fn a_section_is_closed_by_its_own_name_in_any_case() {
        assert_eq!(closes(b"</directory>", Some(b"<Directory")), Ok(()));
        let error = |closing: &str, open: Option<&str>| {
            closes(closing.as_bytes(), open.map(str::as_bytes)).unwrap_err()
        };
        assert_eq!(
            error("</Files>", None),
            "</Files> without matching <Files> section"
        );
        assert_eq!(
            error("</Files>", Some("<Directory")),
            "Expected </Directory> but saw </Files>"
        );
        assert_eq!(
            error("</Directory", Some("<Directory")),
            "</Directory> directive missing closing '>'"
        );
        assert_eq!(error("</", Some("<X")), "</> directive missing closing '>'");
        assert!(error("</>", Some("<X")).starts_with("Expected </X>"));
    }

    #[test]
    fn wildcards_are_recognised() {
        for name in ["*.conf", "a?b", "[ab].conf", "/x*/y"] {
            assert!(is_pattern(name.as_bytes()), "{name}");
        }
        for name in ["a.conf", "a\\*b", "a[b", "a]b", "", "\\"] {
            assert!(!is_pattern(name.as_bytes()), "{name}");
        }
    }
}
