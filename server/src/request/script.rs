//! What scripts send and get, as text: the lines of a script's header, and the names of environment
//! variables. Called by the readers of CGI headers and the makers of a script's environment.

use super::paths::is_space;

/// A line of a script's header without its line end.
#[derive(Debug, PartialEq, Eq)]
pub enum HeaderLine<'a> {
    /// The header ends here.
    End,
    /// A field, its name and its value without the white space before it.
    Field(&'a [u8], &'a [u8]),
    /// No field: there is no colon.
    Bad,
}

/// The line without LF or CRLF at its end.
pub fn chomp(line: &[u8]) -> &[u8] {
    let Some(line) = line.strip_suffix(b"\n") else {
        return line;
    };
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Parses a line that `chomp` has cut.
pub fn header_line(line: &[u8]) -> HeaderLine<'_> {
    if line.is_empty() {
        return HeaderLine::End;
    }
    let Some(colon) = line.iter().position(|&byte| byte == b':') else {
        return HeaderLine::Bad;
    };
    let value = &line[colon + 1..];
    let lead = value.iter().take_while(|&&byte| is_space(byte)).count();
    HeaderLine::Field(&line[..colon], &value[lead..])
}

/// The value without white space at its end, of which the first byte is kept.
pub fn trim_end(value: &[u8]) -> &[u8] {
    let trail = value
        .iter()
        .rev()
        .take_while(|&&byte| is_space(byte))
        .count();
    &value[..(value.len() - trail).max(1).min(value.len())]
}

/// The number at the start of a value as `atoi` reads it.
pub fn leading_number(value: &[u8]) -> i32 {
    let value = &value[value.iter().take_while(|&&byte| is_space(byte)).count()..];
    let (negative, digits) = match value.first() {
        Some(b'-') => (true, &value[1..]),
        Some(b'+') => (false, &value[1..]),
        _ => (false, value),
    };
    let number =
        digits
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .fold(0_i32, |sum, &digit| {
                sum.saturating_mul(10)
                    .saturating_add(i32::from(digit - b'0'))
            });
    if negative { -number } else { number }
}

/// The variable that carries a field of the request; `None` for a name that would be changed into
/// another one's (`X.Y`, `X_Y`), for clients could forge that.
pub fn field_variable(field: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(field.len() + 6);
    name.extend_from_slice(b"HTTP_");
    for &byte in field {
        name.push(match byte {
            b'-' => b'_',
            _ if byte.is_ascii_alphanumeric() => byte.to_ascii_uppercase(),
            _ => return None,
        });
    }
    Some(name)
}

/// `name=value` for an environment; what a name may not hold becomes an underscore.
pub fn assignment(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(name.len() + value.len() + 2);
    text.extend(name.iter().enumerate().map(|(at, &byte)| {
        let fits = byte == b'_' || byte.is_ascii_alphabetic() || (byte.is_ascii_digit() && at > 0);
        if fits { byte } else { b'_' }
    }));
    text.push(b'=');
    text.extend_from_slice(value);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_fields_up_to_an_empty_line() {
        assert_eq!(
            header_line(chomp(b"Content-Type: text/html\r\n")),
            HeaderLine::Field(b"Content-Type", b"text/html")
        );
        assert_eq!(header_line(chomp(b"X:\n")), HeaderLine::Field(b"X", b""));
        assert_eq!(
            header_line(chomp(b"Location: http://x:1/\n")),
            HeaderLine::Field(b"Location", b"http://x:1/")
        );
        assert_eq!(header_line(chomp(b"\r\n")), HeaderLine::End);
        assert_eq!(header_line(chomp(b"<html>\n")), HeaderLine::Bad);
        assert_eq!(trim_end(b"text/html \t"), b"text/html");
        assert_eq!(trim_end(b""), b"");
    }

    #[test]
    fn a_status_begins_with_a_number() {
        assert_eq!(leading_number(b"404 Not Found"), 404);
        assert_eq!(leading_number(b" 302"), 302);
        assert_eq!(leading_number(b"none"), 0);
        assert_eq!(leading_number(b"99999999999"), i32::MAX);
    }

    #[test]
    fn fields_become_variables_unless_they_could_be_forged() {
        assert_eq!(
            field_variable(b"Accept-Language"),
            Some(b"HTTP_ACCEPT_LANGUAGE".to_vec())
        );
        assert_eq!(field_variable(b"X_Forwarded_For"), None);
        assert_eq!(assignment(b"1A-B", b"x=y"), b"_A_B=x=y");
    }
}
