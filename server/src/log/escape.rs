//! Escapes that keep a text of a client on its line of a log and away from terminals.
//!
//! Called for every text in an access log that a client has chosen, so the common text, without
//! anything to escape, is copied in one go.

#![forbid(unsafe_code)]

/// Whether a byte must be escaped in a log: what is no printable ASCII, the backslash, the quote.
const fn is_special(byte: u8) -> bool {
    !matches!(byte, b' '..=b'~') || byte == b'\\' || byte == b'"'
}

const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = is_special(at as u8);
        at += 1;
    }
    table
};

/// Appends `text` to an access log's line: quotes are escaped, because formats put quotes around.
pub fn for_access_log(text: &[u8], out: &mut Vec<u8>) {
    escape(text, out, true);
}

/// Appends `text` to an error log's line, where quotes stay as they are.
pub fn for_error_log(text: &[u8], out: &mut Vec<u8>) {
    escape(text, out, false);
}

fn escape(text: &[u8], out: &mut Vec<u8>, quotes: bool) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| SPECIAL[usize::from(byte)]) {
        out.extend_from_slice(&rest[..at]);
        let byte = rest[at];
        rest = &rest[at + 1..];
        match byte {
            b'"' if !quotes => out.push(b'"'),
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x0b => out.extend_from_slice(b"\\v"),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let [high, low] = [byte >> 4, byte & 15].map(|half| DIGITS[usize::from(half)]);
                out.extend_from_slice(&[b'\\', b'x', high, low]);
            }
        }
    }
    out.extend_from_slice(rest);
}

/// Escapes as much of `text` for an error log as `room` takes, without cutting an escape in two; how
/// many bytes it took. A quote needs a byte more than it takes, as it does in Apache.
pub fn fitting(text: &[u8], room: &mut [u8]) -> usize {
    let mut used = 0;
    let mut piece = Vec::with_capacity(4);
    for byte in text {
        piece.clear();
        for_error_log(std::slice::from_ref(byte), &mut piece);
        let needed = piece.len() + usize::from(*byte == b'"');
        if used + needed > room.len() {
            break;
        }
        room[used..used + piece.len()].copy_from_slice(&piece);
        used += piece.len();
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_as_apache_escapes_them() {
        // As /usr/sbin/apache2 2.4.71 logged this User-Agent.
        let agent = b"a\tb\"c\\d\xc3\xa9";
        let mut out = Vec::new();
        for_access_log(agent, &mut out);
        assert_eq!(out, br#"a\tb\"c\\d\xc3\xa9"#);
        out.clear();
        for_error_log(agent, &mut out);
        assert_eq!(out, br#"a\tb"c\\d\xc3\xa9"#);
        out.clear();
        for_error_log(b"\x08\n\r\x0b\x1b\x7f~", &mut out);
        assert_eq!(out, br"\b\n\r\v\x1b\x7f~");
    }
}
